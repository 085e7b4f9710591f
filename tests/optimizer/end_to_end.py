#!/usr/bin/env python3
"""mx2-optimizer beside a real orchestrator: a dry run, one plan, then a host that goes down.

usage: end_to_end.py BIN_DIR
"""
import pathlib
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from orchestrator import CONTEXTS, Orchestrator, create_request

DEVICES = 20
NEAR_CAPACITY = 15
PROVIDER = "Test"
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
        topology = server.directory / "topology.yaml"
        topology.write_text(TOPOLOGY)
        self.config = server.directory / "optimizer.yaml"
        self.config.write_text(
            f"orchestrator: {{url: '{server.operator_url}'}}\nserver: {{port: 0}}\n"
            f"period_ms: 200\ntopology: {{file: '{topology}'}}\n"
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

    def put_host(self, host, state):
        self.operator.need((200, 201), "PUT", f"/operator/v1/hosts/{host}", {
            "state": state, "instances": [{"appDId": "app", "referenceURI": f"http://{host}/"}]})

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
            print(f"evacuated {host_down(scene):.2f} s after the host was set down")
            server.stop()


if __name__ == "__main__":
    main(sys.argv[1])
