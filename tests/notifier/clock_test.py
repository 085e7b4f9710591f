#!/usr/bin/env python3
"""The date of an orchestrator steps while a receiver is away: back an hour, on two hours, and to
1970 over a restart. The receiver hears as soon as it is back, and nothing is given up.

usage: clock_test.py BIN_DIR

The date is libfaketime's (apt: faketime), which leaves the monotonic clock alone. Without it the
test is skipped.
"""
import glob
import os
import pathlib
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from orchestrator import CONTEXTS, EXAMPLE_CONTENT, Orchestrator, create_request
from receiver import Receiver

SKIPPED = 77
APP = "facedetect-1"
SOON_S = 5
CONFIG = ('notifier: {allow: ["127.0.0.0/8"], retry_first_ms: 100, retry_max_ms: 500, '
          "failing_after: 1000}\n")


class Date:
    """What the processes that are started from now on take for the date."""

    def __init__(self, library, directory):
        self.file = pathlib.Path(directory) / "date"
        self.set("+0")
        os.environ.update({"LD_PRELOAD": library, "FAKETIME_TIMESTAMP_FILE": str(self.file),
                           "FAKETIME_NO_CACHE": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1",
                           "DONT_FAKE_MONOTONIC": "1"})

    def set(self, text):
        new = self.file.with_suffix(".new")
        new.write_text(text + "\n")
        new.rename(self.file)


def wait_for(what, condition):
    deadline = time.monotonic() + SOON_S
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {SOON_S} s: {what}")
        time.sleep(0.02)


class Scene:
    def __init__(self, server, receiver):
        self.server, self.receiver, self.moves = server, receiver, 0

    def outbox(self, state="pending"):
        with self.server.operator() as operator:
            return operator.need(200, "GET", f"/operator/v1/outbox?state={state}")

    def attempts(self):
        return sum(item["attempts"] for item in self.outbox()["items"])

    def owe(self):
        """The context moves while its receiver is away; until that has been tried."""
        self.receiver.unsure = 1.0
        self.moves += 1
        with self.server.operator() as operator:
            operator.patch_table([{"ue": "*", "app": APP,
                                   "targets": [f"endpoint:10.0.0.{self.moves}:80"]}])
        wait_for("an attempt", lambda: self.attempts() > 0)

    def come_back(self, what):
        self.receiver.unsure = 0.0
        wait_for(f"{what}: the receiver that is back hears",
                 lambda: self.outbox()["pending"] == 0)
        _, body, _ = next(iter(self.receiver.heard.values()))
        assert body["referenceURI"] == f"10.0.0.{self.moves}:80", body
        print(f"ok: {what}")


def run(bin_dir, library, directory):
    date = Date(library, directory)
    receiver = Receiver(ports=1)
    with Orchestrator(bin_dir / "mx2-orchestrator", directory, EXAMPLE_CONTENT, CONFIG) as server:
        scene = Scene(server, receiver)
        with server.operator() as operator:  # which would come before the row *
            operator.patch_table([{"ue": "ip:127.0.0.0/8", "app": APP, "remove": True}])
        with server.mx2() as client:
            request = create_request("clock-1")
            request["callbackReference"] = receiver.urls[0] + "/1"
            client.need(201, "POST", CONTEXTS, request)

        scene.owe()
        date.set("-3600")
        scene.come_back("the date goes back an hour")
        date.set("+0")

        scene.owe()
        date.set("+7200")
        before = scene.attempts()
        wait_for("more attempts", lambda: scene.attempts() > before + 1)
        dead = scene.outbox("dead")["dead"]
        assert dead == 0, f"{dead} given up after seconds, as the date went on two hours"
        scene.come_back("the date goes on two hours")
        date.set("+0")

        scene.owe()
        server.kill()
        date.set("@1970-01-02 00:00:00")
        server.start()
        scene.come_back("a start in 1970")


def main():
    libraries = glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1")
    if not libraries:
        print("libfaketime is missing: apt-get install faketime")
        return SKIPPED
    with tempfile.TemporaryDirectory(prefix="mx2-clock-") as directory:
        run(pathlib.Path(sys.argv[1]).resolve(), libraries[0], directory)
    return 0


if __name__ == "__main__":
    sys.exit(main())
