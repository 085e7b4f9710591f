#!/usr/bin/env python3
"""The date is set, forwards and backwards, under programs that serve, and one boots in 1970: nobody moves.

usage: clock_test.py BIN_DIR

An orchestrator and two MEPMs, each with a date of its own (libfaketime; steady time is left alone), a
client that calls every 20 ms and devices that come and go. Exits 77 where libfaketime is missing.
"""
import glob
import os
import pathlib
import re
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "support"))
from city import LEASE_MS, calling, check, hasty_city, wait_for

WATCH_S = LEASE_MS / 1000 + 0.5
GAP_MAX_MS = 2000  # of the client's calls; instances and hosts stay where they are
LIBRARY = "/usr/lib/*/faketime/libfaketimeMT.so.1"


class Date:
    """What a program that is started with it takes for the date; it can be set while that runs."""

    def __init__(self, directory, name):
        self.path = os.path.join(directory, f"date-{name}")
        self.set("+0")

    def set(self, text):
        with open(self.path + ".new", "w", encoding="utf-8") as file:
            file.write(text + "\n")
        os.rename(self.path + ".new", self.path)

    def start(self, program):
        names = {"LD_PRELOAD": glob.glob(LIBRARY)[0], "FAKETIME_TIMESTAMP_FILE": self.path,
                 "FAKETIME_NO_CACHE": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
        os.environ.update(names)
        try:
            program.start()
        finally:
            for name in names:
                del os.environ[name]


class Devices:
    """They come and go meanwhile."""

    def __init__(self, city):
        self.city, self.count, self.stopping = city, 0, threading.Event()
        self.failed = None
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        try:
            with self.city.server.mx2() as client:
                while not self.stopping.wait(0.02):
                    self.count += 1
                    body = {"associateDevAppId": f"guest-{self.count}", "appInfo": {
                        "appName": "executor", "appProvider": "Example", "appDVersion": "1.0",
                        "userAppInstanceInfo": [{}]}}
                    context = client.need(201, "POST", "/dev_app/v1/app_contexts", body)
                    client.need(204, "DELETE", f"/dev_app/v1/app_contexts/{context['contextId']}")
        except Exception as error:  # pylint: disable=broad-except
            self.failed = error

    def stop(self):
        self.stopping.set()
        self.thread.join()
        check(self.failed is None, f"a device fails: {self.failed}")
        check(self.count > 50, f"only {self.count} devices came")


def moves(city):
    with city.server.operator() as client:
        text = client.need(200, "GET", "/operator/v1/metrics")
    text = text if isinstance(text, str) else text.decode()
    return float(re.search(r"^mx2_context_moves_total ([0-9.e+]+)$", text, re.M).group(1))


def places(city):
    return sorted((c["contextId"], c["referenceURI"]) for c in city.items("contexts")
                  if c["associateDevAppId"].startswith("ue-"))


def ready(city):
    return sorted((i["hostId"], i["appInstanceId"]) for i in city.instances("ready"))


def watch(city, what):
    """Nothing happens for longer than a lease."""
    before = (places(city), ready(city), moves(city))
    end = time.monotonic() + WATCH_S
    while time.monotonic() < end:
        down = [h["id"] for h in city.items("hosts") if not h["status"]["reachable"]]
        check(not down, f"{what}: {down} count as down")
        time.sleep(0.05)
    after = (places(city), ready(city), moves(city))
    for was, now in zip(before, after):
        check(now == was, f"{what}: {was} became {now}")
    print(f"{what}: nobody moved, no lease ended")


def steps(city, dates):
    for name, date in dates.items():
        for step in ("-3600", "+7200"):
            date.set(step)
            watch(city, f"{name}, date {step} s")
        date.set("+0")


def boots_in_1970(city, date):
    before = (places(city), ready(city))
    city.server.kill()
    date.set("@1970-01-02 00:00:00")
    city.server.keep_ports()
    date.start(city.server)
    wait_for(lambda: ready(city) == before[1], "the instances are found")
    check(places(city) == before[0], "contexts moved while booting in 1970")
    watch(city, "orchestrator booted in 1970")
    date.set("+0")
    watch(city, "then its date was set")


def dated_city(city, dates):
    """Everything again, with dates of their own."""
    city.server.kill()
    city.server.keep_ports()
    dates["orchestrator"].start(city.server)
    for name, mepm in city.mepms.items():
        mepm.stop()
        dates[name].start(mepm)
    wait_for(lambda: all(h["status"]["reachable"] for h in city.items("hosts")), "all are back")


def main():
    if not glob.glob(LIBRARY):
        print("libfaketime is missing: apt-get install faketime")
        return 77
    with hasty_city(sys.argv[1], hosts=("h1", "h2")) as city:
        dates = {name: Date(city.directory, name) for name in ("orchestrator", *city.mepms)}
        dated_city(city, dates)
        city.on_board("executor")
        for i in range(20):
            city.create(f"ue-{i}", "executor")
        wait_for(lambda: ready(city), "the instance is shown")
        with calling(sys.argv[1], city.server.mx2_port, "executor") as client:
            devices = Devices(city)
            steps(city, {name: dates[name] for name in ("orchestrator", "h1")})
            devices.stop()
            boots_in_1970(city, dates["orchestrator"])
        summary = client["summary"]
        check(summary and summary["longestGapMs"] < GAP_MAX_MS, f"the client: {summary}")
        print(f"the client's longest gap: {summary['longestGapMs']} ms")
    return 0


if __name__ == "__main__":
    sys.exit(main())
