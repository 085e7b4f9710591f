#!/usr/bin/env python3
"""Checks everything below deploy/ that no compiler sees: files by strict rules, and the container's
entrypoint by running it. Each rule is shown to fail on a mistake.

usage: tests/deploy/deploy_test.py BIN_DIR     exit status 1 when something is wrong
"""
import pathlib
import signal
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent))

# pylint: disable=wrong-import-position
import advantedge_test
import compose_test
import container_test
import kubernetes_test
import run_test
import systemd_test
from support import Report


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # what was started ends as well
    bin_dir = pathlib.Path(sys.argv[1]).resolve()
    report = Report()
    container_test.run(report, bin_dir)
    compose_test.run(report)
    systemd_test.run(report, bin_dir)
    kubernetes_test.run(report)
    advantedge_test.run(report)
    run_test.run(report, bin_dir)
    print(f"{report.passed} passed, {report.failed} failed, {report.skipped} skipped")
    return 1 if report.failed else 0


if __name__ == "__main__":
    sys.exit(main())
