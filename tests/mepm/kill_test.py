#!/usr/bin/env python3
"""kill -9, of the MEPM and of an instance, under a client that calls every 20 ms; and an orchestrator
that forgets its hosts.

usage: kill_test.py MX2_MEPM TEST_LAMBDA
"""
import http.client
import os
import pathlib
import signal
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from mepm import Meo, Mepm, package  # noqa: E402

EVERY_S = 0.02
INSTANCE_GAP_S_MAX = 2
MEPM_AWAY_S = 1


class Caller:
    """Calls an instance again and again; knows how often it failed, and the longest gap."""

    def __init__(self, port):
        self.port, self.errors, self.calls, self.longest = port, 0, 0, 0.0
        self.running = True
        self.thread = threading.Thread(target=self.work)
        self.thread.start()

    def work(self):
        last = time.monotonic()
        while self.running:
            try:
                connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=1)
                connection.request("GET", "/")
                if connection.getresponse().status != 200:
                    raise OSError
                self.longest = max(self.longest, time.monotonic() - last)
                last = time.monotonic()
            except OSError:
                self.errors += 1
            finally:
                connection.close()
            self.calls += 1
            time.sleep(EVERY_S)

    def stop(self):
        self.running = False
        self.thread.join()


def pids_of(instance):
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            if f"MX2_APP_INSTANCE_ID={instance}".encode() in (entry / "environ").read_bytes():
                found.append(int(entry.name))
        except OSError:
            pass
    return found


def until(holds, what, patience=10):
    end = time.monotonic() + patience
    while not holds():
        if time.monotonic() > end:
            raise SystemExit(f"FAILED: {what}")
        time.sleep(0.01)


def need(holds, what):
    if not holds:
        raise SystemExit(f"FAILED: {what}")


def main(executable, test_lambda):
    meo = Meo({"plain": package("plain", test_lambda)})
    mepm = Mepm(executable, meo)
    try:
        until(lambda: meo.loads, "the MEPM registers and reports")
        need(meo.registrations[0]["mepmUri"] == f"http://127.0.0.1:{mepm.port}", "mepmUri")
        need(meo.registrations[0]["labels"]["arch"] == os.uname().machine, "the architecture")
        instance = mepm.create("plain", "one")
        need(mepm.instantiate(instance)["operationState"] == "COMPLETED", "it is instantiated")
        port = mepm.instance(instance)["communicationInterface"]["ipAddresses"][0]["port"]

        caller = Caller(port)
        time.sleep(0.3)
        apps = lambda: meo.loads[-1]["apps"][0]
        until(lambda: meo.loads[-1]["apps"] and apps().get("requestRate", 0) > 1, "a request rate")
        need(apps()["instances"] == 1 and apps()["p95Ms"] == 2.5, f"the load report: {apps()}")
        os.kill(pids_of(instance)[0], signal.SIGKILL)
        until(lambda: mepm.instance(instance)["mx2"]["restarts"] == 1, "it is started again")
        time.sleep(0.5)
        caller.stop()
        print(f"kill -9 of the instance: {caller.errors} of {caller.calls} calls failed, "
              f"longest gap {caller.longest * 1000:.0f} ms")
        need(caller.longest < INSTANCE_GAP_S_MAX, "the gap is too long")

        caller = Caller(port)
        pids = pids_of(instance)
        half = mepm.create("plain", "two")
        mepm.ask("POST", f"/app_lcm/v1/app_instances/{half}/instantiate",
                 {"selectedMECHostInfo": [{"hostId": {"hostId": "north"}}]})
        mepm.kill()
        time.sleep(MEPM_AWAY_S)
        mepm.start()
        until(lambda: mepm.instance(half).get("instantiatedAppState", {}).get("operationalState")
              == "STARTED", "an instantiation that was cut short goes on")
        need(pids_of(instance) == pids, "the instance is taken over as it is")
        need(len(pids_of(half)) == 1, "one process for one instance")
        need(mepm.create("plain", "one") == instance, "creating it again gives the same")
        caller.stop()
        print(f"kill -9 of the MEPM: {caller.errors} of {caller.calls} calls failed, "
              f"longest gap {caller.longest * 1000:.0f} ms")
        need(caller.errors == 0, "instances serve while the MEPM is away")

        meo.known.clear()
        count = len(meo.registrations)
        until(lambda: len(meo.registrations) > count, "it registers again after a 404")

        for identifier in (instance, half):
            need(mepm.terminate(identifier)["operationState"] == "COMPLETED", "terminated")
            need(mepm.ask("DELETE", f"/app_lcm/v1/app_instances/{identifier}")[0] == 204, "deleted")
            need(not pids_of(identifier), "no process is left")
        state = pathlib.Path(mepm.directory.name) / "state"
        need(not list((state / "instances").iterdir()), "no directory is left")
        need(not list((state / "app_instances").iterdir()), "no record is left")
        print("nothing left")
    finally:
        mepm.stop()
        meo.stop()


if __name__ == "__main__":
    main(*sys.argv[1:])
