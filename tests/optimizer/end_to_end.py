#!/usr/bin/env python3
"""mx2-optimizer beside a real orchestrator: a dry run, one plan, what operators do, a date that
steps, two optimizers, then a host that goes down.

usage: end_to_end.py BIN_DIR
"""
import glob
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from orchestrator import CONTEXTS, Orchestrator, create_request

DEVICES = 20
NEAR_CAPACITY = 15
LEASE_MS = 1000
PROVIDER = "Test"
LISTENING = re.compile(r" listening http=(\S+) ")
TOPOLOGY = f"""
hosts: [{{id: near, capacity: {NEAR_CAPACITY}, cores: 64}}, {{id: far}}]
attachments: [{{name: here, prefixes: [127.0.0.0/8]}}]
latency_ms: {{here: {{near: 2, far: 30}}}}
"""


def check(right, text):
    if not right:
        raise SystemExit(f"FAILED: {text}")


def wait_for(condition, text, timeout_s=20):
    begin = time.monotonic()
    while not condition():
        check(time.monotonic() - begin < timeout_s, f"not within {timeout_s} s: {text}")
        time.sleep(0.02)
    return time.monotonic() - begin


class Scene:
    def __init__(self, bin_dir, server):
        self.program = pathlib.Path(bin_dir) / "mx2-optimizer"
        self.server = server
        self.operator = server.operator()
        self.topology = server.directory / "topology.yaml"
        self.topology.write_text(TOPOLOGY)
        self.config = server.directory / "optimizer.yaml"
        self.config.write_text(
            f"orchestrator: {{url: '{server.operator_url}'}}\nserver: {{port: 0}}\n"
            f"period_ms: 200\ntopology: {{file: '{self.topology}'}}\nleader: {{lease_ms: 1000}}\n"
            "stability: {dwell_ms: 0, return_wait_ms: 0, return_ms: 0}\n")

    def fill(self):
        self.operator.need(201, "PUT", "/operator/v1/apps/app", {
            "appDId": "app", "appName": "app", "appProvider": PROVIDER, "appSoftVersion": "1",
            "appDVersion": "1.0", "appDescription": "-", "appCharcs": {}})
        for host in ("near", "far"):
            self.put_host(host, "up")
        self.operator.patch_table([{"ue": "*", "app": "app", "targets": ["host:far"]},
                                   {"ue": "dev:d-0", "app": "app", "targets": ["host:far"]}])
        with self.server.mx2() as mx2:
            for i in range(DEVICES):
                mx2.need(201, "POST", CONTEXTS, create_request(f"d-{i}", "app", PROVIDER))

    def put_host(self, host, state, **more):
        self.operator.need((200, 201), "PUT", f"/operator/v1/hosts/{host}", {
            "state": state, **more, "instances": [{"appDId": "app", "referenceURI": f"http://{host}/"}]})

    def at(self, host):
        return sum(c["host"] == host for c in self.operator.pages("/operator/v1/contexts"))

    def once(self, *flags):
        return subprocess.run([self.program, "--config", self.config, "--once", *flags],
                              check=True, capture_output=True, text=True).stdout

    def version(self):
        return self.operator.need(200, "GET", "/operator/v1/health")["tableVersion"]


def dry_run(scene):
    before = scene.version()
    said = scene.once("--dry-run")
    check(f"{NEAR_CAPACITY} rows change" in said, f"the dry run says: {said}")
    check(scene.version() == before, "the dry run changed the table")


def one_plan(scene):
    scene.once()
    wait_for(lambda: scene.at("near") == NEAR_CAPACITY, "contexts follow the plan")
    rows = {row["ue"]: row for row in scene.operator.pages("/operator/v1/table")}
    check(rows["dev:d-0"]["writer"] == "operator", "a pin was overwritten")
    check(len(rows) == 2 + NEAR_CAPACITY, f"{len(rows)} rows")
    check("0 rows change" in scene.once(), "the second plan is not empty")


def square(longitude):
    ring = [[longitude, 0], [longitude + 1, 0], [longitude + 1, 1], [longitude, 1], [longitude, 0]]
    return {"area": {"coordinates": [ring]}}


def located(scene):
    """A context goes only where its location is served, however much nearer another host is."""
    scene.put_host("near", "up", serviceArea=[square(10)])
    scene.put_host("far", "up", serviceArea=[square(20)])

    def wish(longitude):
        return create_request("d-located", "app", PROVIDER, square(longitude))

    def row():
        return [r["targets"] for r in scene.operator.pages("/operator/v1/table")
                if r["ue"] == "dev:d-located"]

    with scene.server.mx2() as mx2:
        context = mx2.need(201, "POST", CONTEXTS, wish(20.5))
        path = f"{CONTEXTS}/{context['contextId']}"
        check("dev:d-located" not in scene.once(), "a row that would be passed over was planned")
        mx2.need(204, "PUT", path, wish(10.2))
        scene.once()
        check(not row() or row()[0] == ["host:near"], f"its row is {row()}")
        mx2.need(204, "DELETE", path)
    for host in ("near", "far"):
        scene.put_host(host, "up")
    scene.once()
    check(not row(), "the row of a UE that has left stays")
    wait_for(lambda: scene.at("near") == NEAR_CAPACITY, "the near host is filled again")


class Process:
    """A running optimizer, its log, and mx2ctl to ask it."""

    def __init__(self, scene, name, environment=None):
        self.log = scene.server.directory / f"{name}.log"
        self.ctl_program = scene.program.with_name("mx2ctl")
        with self.log.open("wb") as log:
            self.process = subprocess.Popen([scene.program, "--config", scene.config], stderr=log,
                                            env={**os.environ, **(environment or {})})
        wait_for(lambda: LISTENING.search(self.said()), "the optimizer listens")
        self.url = "http://" + LISTENING.search(self.said()).group(1)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.terminate()
            check(self.process.wait(timeout=10) == 0, "the optimizer did not stop cleanly")

    def said(self):
        return self.log.read_text()

    def ctl(self, *arguments):
        return subprocess.run([self.ctl_program, "optimizer", "--optimizer-url", self.url,
                               *arguments], check=True, capture_output=True, text=True).stdout

    def status(self):
        return json.loads(self.ctl("status", "--output", "json"))


def operators(scene):
    """Pause, resume, plan, explain; the topology changed while running; a bad file refused."""
    with Process(scene, "operators") as optimizer:
        wait_for(lambda: "lastPlan" in optimizer.status(), "a plan")
        check("near" in optimizer.ctl("explain", "d-1", "app"), "no explanation")
        check(json.loads(optimizer.ctl("pause", "--output", "json"))["paused"], "not paused")
        good = scene.topology.read_text()
        scene.topology.write_text(good.replace("near: 2,", "near: 90,"))
        wait_for(lambda: f"{NEAR_CAPACITY} rows change" in optimizer.ctl("plan", "--dry-run"),
                 "the changed topology is used")
        check(scene.at("near") == NEAR_CAPACITY, "a paused optimizer moved somebody")
        optimizer.ctl("resume")
        wait_for(lambda: scene.at("near") == 0, "everybody leaves the far host")
        scene.topology.write_text("hosts: [{id: near, capacity: -1}]")
        optimizer.process.send_signal(signal.SIGHUP)
        wait_for(lambda: "error" in optimizer.status()["configuration"], "a bad file is refused")
        check("topology.yaml:1:" in optimizer.said(), "the log does not say where")
        scene.topology.write_text(good)
        wait_for(lambda: scene.at("near") == NEAR_CAPACITY, "the good file is used again")


def plans(optimizer):
    with urllib.request.urlopen(optimizer.url + "/metrics", timeout=10) as reply:
        return int(re.search(r"^mx2_optimizer_plan_seconds_count (\d+)", reply.read().decode(), re.M)[1])


def date_steps(scene):
    """Plans, and the lease, go by steady time. The date is libfaketime's."""
    library = glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1")
    if not library or b"__asan_init" in scene.program.read_bytes():
        return "SKIPPED, no libfaketime, or a sanitizer that does not go with it"
    date = scene.server.directory / "date"

    def set_date(text):
        date.with_suffix(".new").write_text(text + "\n")
        date.with_suffix(".new").rename(date)

    set_date("+0")
    faked = {"LD_PRELOAD": library[0], "FAKETIME_TIMESTAMP_FILE": str(date), "FAKETIME_NO_CACHE": "1",
             "FAKETIME_DONT_FAKE_MONOTONIC": "1", "DONT_FAKE_MONOTONIC": "1"}
    with Process(scene, "date", faked) as optimizer:
        wait_for(lambda: optimizer.status()["leading"], "it leads")
        version = scene.version()
        for step in ("-3600", "+7200"):
            set_date(step)
            before = plans(optimizer)
            wait_for(lambda: plans(optimizer) >= before + 3, f"plans go on after {step} s", 5)
            check(optimizer.status()["leading"], f"the lease was lost after {step} s")
        check(scene.version() == version, "somebody was moved")
        check(optimizer.said().count(" leading ") == 1, "it began to lead again")
    return "plans go on"


def two(scene):
    """The second waits and takes over."""
    with Process(scene, "first") as first:
        wait_for(lambda: first.status()["leading"], "the first leads")
        with Process(scene, "second") as second:
            wait_for(lambda: second.status()["leader"]["holder"], "the second knows who leads")
            check(not second.status()["leading"], "both lead")
            check("standing by" in second.said(), "the second does not say that it waits")
            first.process.kill()
            first.process.wait()
            wait_for(lambda: second.status()["leading"], "the second takes over")
            return "one leads, the other takes over"


def host_silent(scene):
    """A host that does not report any more is left when its lease ends."""
    with Process(scene, "silent") as optimizer:
        wait_for(lambda: optimizer.status()["leading"], "it leads")
        scene.put_host("near", "up", leaseMs=LEASE_MS)
        scene.operator.need((200, 204), "PUT", "/operator/v1/hosts/near/load", {"cpu": 0.1})
        reported = time.monotonic()
        wait_for(lambda: scene.at("near") == 0, "everybody leaves the silent host")
        seconds = time.monotonic() - reported - LEASE_MS / 1000
        check(seconds < 1, f"left only {seconds:.2f} s after the lease ended")
        scene.put_host("near", "up")
        wait_for(lambda: scene.at("near") == NEAR_CAPACITY, "the host is used again")
        return seconds


def host_down(scene):
    optimizer = subprocess.Popen([scene.program, "--config", scene.config])
    try:
        scene.put_host("near", "down")
        seconds = wait_for(lambda: scene.at("near") == 0, "everybody leaves the host")
        rows = list(scene.operator.pages("/operator/v1/table"))
        wait_for(lambda: all(r["targets"][0] != "host:near" for r in
                             scene.operator.pages("/operator/v1/table")), f"no row leads there {rows}")
        scene.put_host("near", "up")
        wait_for(lambda: scene.at("near") == NEAR_CAPACITY, "the host is used again")
    finally:
        optimizer.terminate()
    check(optimizer.wait(timeout=10) == 0, "the optimizer did not stop cleanly")
    return seconds


def main(bin_dir):
    with tempfile.TemporaryDirectory() as directory:
        with Orchestrator(pathlib.Path(bin_dir) / "mx2-orchestrator", directory) as server:
            scene = Scene(bin_dir, server)
            scene.fill()
            dry_run(scene)
            one_plan(scene)
            located(scene)
            operators(scene)
            print(f"the date steps: {date_steps(scene)}")
            print(f"two optimizers: {two(scene)}")
            print(f"evacuated {host_silent(scene):.2f} s after a host's lease ended")
            print(f"evacuated {host_down(scene):.2f} s after the host was set down")
            server.stop()


if __name__ == "__main__":
    main(sys.argv[1])
