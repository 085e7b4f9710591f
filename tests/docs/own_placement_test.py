#!/usr/bin/env python3
"""docs/examples/own_placement.py against a real orchestrator: it spreads device applications over the
hosts that have their app, follows hosts that are drained, leaves operators' rows alone, and gives way to
an Optimizer that leads. Standard library only.

usage: tests/docs/own_placement_test.py BIN_DIR
"""
import collections
import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))

# pylint: disable=wrong-import-position
from city import check, wait_for
from orchestrator import CONTEXTS, EXAMPLE_CONTENT, ROOT, Orchestrator, create_request

EXAMPLE = ROOT / "docs" / "examples" / "own_placement.py"
APP = "facedetect-1"
PINNED = "pinned-1"


def rows(operator):
    """UE -> row, of those that name a device of this test."""
    return {row["ue"]: row for row in operator.pages("/operator/v1/table")
            if row["app"] == APP and row["ue"].startswith("dev:camera-")}


def spread(operator):
    return collections.Counter(row["targets"][0] for row in rows(operator).values())


def is_even(operator, hosts, devices):
    counts = spread(operator)
    return (sum(counts.values()) == devices and len(counts) == len(hosts)
            and set(counts) == {f"host:{host}" for host in hosts} and max(counts.values()) - min(counts.values()) <= 1)


def create(server, devices):
    with server.mx2() as client:
        for device in devices:
            client.need(201, "POST", CONTEXTS, create_request(device))


def drain(operator, host):
    path = f"/operator/v1/hosts/{host}"
    resource = operator.need(200, "GET", path)
    operator.need(200, "PUT", path, {**{k: v for k, v in resource.items() if k != "status"}, "state": "draining"})


def leaves_to_the_leader(server, operator):
    operator.need(200, "POST", "/operator/v1/optimizer/lease", {"holder": "another", "leaseMs": 60000})
    create(server, ["camera-late"])
    run = subprocess.run([sys.executable, EXAMPLE, server.operator_url], capture_output=True, text=True,
                         check=False, timeout=30)
    check(run.returncode == 1 and "another Optimizer leads" in run.stderr, f"beside another leader: {run}")


def main():
    program = pathlib.Path(sys.argv[1]).resolve() / "mx2-orchestrator"
    with tempfile.TemporaryDirectory() as directory, Orchestrator(program, directory, EXAMPLE_CONTENT) as server, \
            server.operator() as operator:
        operator.patch_table([{"ue": f"dev:{PINNED}", "app": APP, "targets": ["host:cloud"]}])
        create(server, [f"camera-{i}" for i in range(7)] + [PINNED])
        with subprocess.Popen([sys.executable, EXAMPLE, server.operator_url], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True) as placement:
            try:
                wait_for(lambda: is_even(operator, ("cloud", "mec-north", "mec-south"), 7), "three hosts, evenly")
                create(server, [f"camera-{i}" for i in range(7, 12)])
                wait_for(lambda: is_even(operator, ("cloud", "mec-north", "mec-south"), 12), "those that came later")
                drain(operator, "mec-south")
                wait_for(lambda: is_even(operator, ("cloud", "mec-north"), 12), "two hosts, without the drained one")
                check(placement.poll() is None, "it goes on")
            finally:
                placement.kill()
        pinned = [r for r in operator.pages("/operator/v1/table") if r["ue"] == f"dev:{PINNED}"]
        check([(r["writer"], r["targets"]) for r in pinned] == [("operator", ["host:cloud"])], f"the pin: {pinned}")
        leaves_to_the_leader(server, operator)
    print("own_placement.py: spreads, follows, keeps pins, gives way")


if __name__ == "__main__":
    main()
