#!/usr/bin/env python3
"""The orchestrator as a MEC application of a platform that serves MEC 011 as AdvantEDGE does.

usage: platform_test.py BIN_DIR
"""
import os
import pathlib
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

from mec_platform import SUPPORT, MecPlatform
from orchestrator import CONTEXTS, EXAMPLE_CONTENT, Client, Orchestrator, create_request
from web import Web

APP = "40e4eaa8-e6ae-442a-a381-bb9c666eff38"
LOOK_S = 10
SLOW_S = 5


def check(right, text):
    if not right:
        raise SystemExit(f"FAILED: {text}")


def wait_for(condition, text, timeout_s=20):
    begin = time.monotonic()
    while not condition():
        check(time.monotonic() - begin < timeout_s, f"not within {timeout_s} s: {text}")
        time.sleep(0.01)
    return time.monotonic() - begin


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class World:
    """A platform, and an orchestrator that finds its identifier in the environment."""

    def __init__(self, bin_dir, directory):
        self.platform = MecPlatform(graceful_s=10)
        self.platform.add_application(APP)
        self.web = Web([self.platform])
        self.web.start()
        self.ctl = bin_dir / "mx2ctl"
        port = free_port()
        self.server = Orchestrator(bin_dir / "mx2-orchestrator", directory, EXAMPLE_CONTENT, f"""
mec_platform:
  url: {self.web.root}
  service_uri: http://127.0.0.1:{port}/dev_app/v1
  callback_url: http://127.0.0.1:{port}
""")
        self.server.write_config(mx2_port=port)

    def health(self):
        with self.server.operator() as operator:
            return operator.need(200, "GET", "/operator/v1/health").get("mecPlatform")

    def is_registered(self):
        return self.health()["state"] == "registered"

    def services(self):
        return [s for s in self.platform.services() if s["serName"] == "mx2-dai"]

    def subscriptions(self):
        return list(self.platform.applications[APP].subscriptions[SUPPORT].values())

    def ended(self, timeout_s=20):
        return self.server.process.wait(timeout=timeout_s)


def registers_when_the_platform_comes(world):
    world.web.stop()
    world.server.start()
    wait_for(lambda: world.health().get("lastError"), "that nobody is there is shown")
    check(world.health()["state"] == "unregistered", "registered with nobody")
    world.web.start()
    took = wait_for(world.is_registered, "registered after the platform has come")
    print(f"platform away at the start: registered {took:.1f} s after it came")
    service, = world.services()
    check(service["serCategory"]["name"] == "DAI", f"a strange service: {service}")
    uri = service["transportInfo"]["endpoint"]["uris"][0]
    check(uri == f"http://127.0.0.1:{world.server.mx2_port}/dev_app/v1", f"a strange URI: {uri}")
    with Client(int(uri.split(":")[2].split("/")[0])) as device:
        device.need(200, "GET", "/dev_app/v1/app_list")
    check(len(world.subscriptions()) == 1, "not one subscription")
    shown = subprocess.run([world.ctl, "health", "--url", world.server.operator_url], check=True,
                           capture_output=True, text=True).stdout
    check("state=registered" in shown, f"mx2ctl does not show it: {shown}")


def leaves_nothing_behind_after_a_crash(world):
    before = world.services()[0]["serInstanceId"]
    for _ in range(2):
        world.server.kill()
        world.server.start()
        wait_for(world.is_registered, "registered after kill -9")
        after = [s["serInstanceId"] for s in world.services()]
        check(len(after) == 1 and after != [before], f"services after kill -9: {after}")
        check(len(world.subscriptions()) == 1, "subscriptions after kill -9")
        before = after[0]
    print("kill -9, twice: one service and one subscription")


def is_told_again_when_it_was_lost(world):
    with world.platform.lock:
        world.platform.applications.pop(APP)
    world.platform.add_application(APP)
    took = wait_for(lambda: world.services() and world.subscriptions(), "registered again",
                    LOOK_S + 5)
    print(f"platform that has forgotten us: registered again after {took:.1f} s")
    wait_for(world.is_registered, "shown as registered again")


def slow_platform_holds_nobody_up(world):
    world.web.faults.add("slow", seconds=SLOW_S)
    taken = []
    with world.server.mx2() as device:
        for i in range(200):
            begin = time.monotonic()
            device.need(201, "POST", CONTEXTS, create_request(f"ue-{i}"))
            taken.append(1000 * (time.monotonic() - begin))
    begin = time.monotonic()
    world.server.stop()
    stop_s = time.monotonic() - begin
    world.web.faults.clear()
    print(f"platform that answers after {SLOW_S} s: a context in {statistics.median(taken):.1f} ms "
          f"(median), {max(taken):.1f} ms (most); stopped after {stop_s:.1f} s")
    check(stop_s < SLOW_S, "the platform holds up our end")


def takes_its_service_back_at_its_end(world):
    world.server.start()
    wait_for(world.is_registered, "registered again")
    world.server.stop()
    check(not world.services() and not world.subscriptions(), "something is left at the platform")
    print("SIGTERM: service and subscription taken back")


def ends_when_the_platform_ends_it(world):
    world.server.start()
    wait_for(world.is_registered, "registered again")
    with world.server.mx2() as device:
        made = device.need(201, "POST", CONTEXTS, create_request("last"))
        check(device.ask("POST", "/mec_platform/v1/termination/guess", {})[0] == 404, "guessed")
    begin = time.monotonic()
    check(world.platform.remove_application(APP), "the termination was not confirmed in time")
    confirmed = time.monotonic() - begin
    check(world.ended() == 0, f"did not stop cleanly: {world.server.last_words()}")
    print(f"ended by the platform: confirmed after {1000 * confirmed:.0f} ms, stopped after "
          f"{1000 * (time.monotonic() - begin):.0f} ms")
    world.platform.add_application(APP)
    world.server.start()
    with world.server.mx2() as device:
        device.need(200, "GET", f"{CONTEXTS}/{made['contextId']}")


def is_off_without_an_identifier(world):
    world.server.process.send_signal(signal.SIGTERM)
    check(world.ended() == 0, "did not stop")
    del os.environ["MEEP_APP_ID"]
    before = world.web.requests
    world.server.start()
    time.sleep(0.3)
    check(world.health() is None and world.web.requests == before, "not off")
    world.server.stop()
    print("without MEEP_APP_ID: nothing")


def main():
    bin_dir = pathlib.Path(sys.argv[1]).resolve()
    os.environ["MEEP_APP_ID"] = APP
    with tempfile.TemporaryDirectory(prefix="mx2-platform-") as directory:
        world = World(bin_dir, directory)
        try:
            for test in (registers_when_the_platform_comes, leaves_nothing_behind_after_a_crash,
                         is_told_again_when_it_was_lost, slow_platform_holds_nobody_up,
                         takes_its_service_back_at_its_end, ends_when_the_platform_ends_it,
                         is_off_without_an_identifier):
                test(world)
        finally:
            world.server.kill()
            world.web.stop()
    print("all passed")


if __name__ == "__main__":
    main()
