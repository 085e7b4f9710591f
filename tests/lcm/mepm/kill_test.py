#!/usr/bin/env python3
"""kill -9, of the MEPM and of an instance, under a client that calls every 20 ms; an orchestrator that
forgets its hosts; a date that is set; a MEPM that is the init of a container.

usage: kill_test.py MX2_MEPM TEST_LAMBDA
"""
import http.client
import os
import pathlib
import signal
import subprocess
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "support"))
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


def listening(port):
    """The addresses, as the kernel writes them."""
    lines = pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]
    rows = [line.split() for line in lines]
    return {row[1].split(":")[0] for row in rows if row[3] == "0A" and int(row[1].split(":")[1], 16) == port}


def dates(executable, test_lambda):
    """The date is set by an hour, forth and back, and begins in 1970: nobody hears less of the host."""
    library = next(pathlib.Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"), None)
    if library is None:
        return print("SKIPPED: dates, as there is no libfaketime")
    meo = Meo({"plain": package("plain", test_lambda)})
    date = pathlib.Path(meo.directory.name) / "date"
    date.write_text("+0")
    mepm = Mepm(executable, meo, 23200, 210200, environment={
        "LD_PRELOAD": str(library), "FAKETIME_TIMESTAMP_FILE": str(date), "FAKETIME_NO_CACHE": "1",
        "DONT_FAKE_MONOTONIC": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1"})
    try:
        for number, step in enumerate(("+0", "-1h", "+1h", f"-{int(time.time()) - 1000}")):
            date.write_text(step)
            count = len(meo.loads)
            until(lambda: len(meo.loads) >= count + 5, f"{step}: reports go on", 3)
            instance = mepm.create("plain", f"at {step}")
            need(mepm.instantiate(instance)["operationState"] == "COMPLETED", f"{step}: it starts")
            os.kill(pids_of(instance)[0], signal.SIGKILL)
            until(lambda: mepm.instance(instance)["mx2"]["restarts"] == 1, f"{step}: it is started again")
            need(mepm.terminate(instance)["operationState"] == "COMPLETED", f"{step}: terminated")
        need(len(meo.registrations) == 1, "registered once")
        print(f"{number} steps of the date, and nothing stopped")
    finally:
        mepm.stop()
        meo.stop()
        for left in pathlib.Path("/dev/shm").glob(f"*faketime*_{mepm.process.pid}"):
            left.unlink()


def zombies():
    found = 0
    for entry in pathlib.Path("/proc").iterdir():
        try:
            found += entry.name.isdigit() and (entry / "stat").read_text().rsplit(")", 1)[1][1] == "Z" \
                and (entry / "status").read_text().split("Uid:")[1].split()[0] == "210400"
        except OSError:
            pass
    return found


def init(executable, test_lambda):
    """As the first process of its namespace it is the parent of all orphans, and reaps them."""
    if os.geteuid() != 0:
        return print("SKIPPED: init, which needs root")
    meo = Meo({"orphans": package("orphans", test_lambda, "orphans", processesMax=64)})
    mepm = Mepm(executable, meo, 23400, 210400,
                prefix=["unshare", "--pid", "--kill-child", "--mount-proc"])
    try:
        instance = mepm.create("orphans", "one")
        need(mepm.instantiate(instance)["operationState"] == "COMPLETED", "it is instantiated")
        address = mepm.instance(instance)["communicationInterface"]["ipAddresses"][0]
        need(listening(address["port"]) == {"0100007F"}, f"not on all: {listening(address['port'])}")
        for _ in range(20):
            connection = http.client.HTTPConnection("127.0.0.1", address["port"], timeout=5)
            connection.request("GET", "/")
            need(connection.getresponse().status == 200, "it answers")
            connection.close()
        until(lambda: zombies() == 0, "no orphan is left")
        need(mepm.instance(instance)["mx2"]["restarts"] == 0, "the instance has not noticed")
        need(mepm.terminate(instance)["operationState"] == "COMPLETED", "terminated")
        print("as init: 400 orphans reaped")
    finally:
        unshare = mepm.process.pid
        child = pathlib.Path(f"/proc/{unshare}/task/{unshare}/children").read_text().split()
        os.kill(int(child[0]), signal.SIGTERM)  # unshare itself hears none, and ends with it
        mepm.process.wait(10)
        mepm.stop()
        meo.stop()


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
        until(lambda: not list((state / "instances").iterdir()), "no directory is left")
        need(not list((state / "app_instances").iterdir()), "no record is left")
        print("nothing left")
        another = subprocess.run([executable, "--config", pathlib.Path(mepm.directory.name) / "mepm.yaml"],
                                 capture_output=True, text=True, timeout=20)
        need(another.returncode == 1 and "in use by another" in another.stderr,
             f"a second one of the same state directory is refused: {another.stderr}")
    finally:
        mepm.stop()
        meo.stop()
    dates(executable, test_lambda)
    init(executable, test_lambda)


if __name__ == "__main__":
    main(*sys.argv[1:])
