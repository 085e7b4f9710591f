#!/usr/bin/env python3
"""Benchmark: from the request to instantiate until the instance is ready, against the executable's own
start (fork, exec and the first answer to its health check) measured the same minute.

usage: instantiate.py MX2_MEPM TEST_LAMBDA [RUNS]
"""
import http.client
import pathlib
import statistics
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from mepm import Meo, Mepm, package  # noqa: E402

OWN_PORT = 24999
BEYOND_MS_MAX = 150


def own_start_ms(executable, port):
    """Until it answers, asked as fast as can be."""
    begin = time.monotonic()
    process = subprocess.Popen([executable, str(port)], env={"MX2_APP_INSTANCE_ID": "x"})
    try:
        while True:
            try:
                connection = http.client.HTTPConnection("127.0.0.1", port, timeout=1)
                connection.request("GET", "/health")
                if connection.getresponse().status == 200:
                    return (time.monotonic() - begin) * 1000
            except OSError:
                time.sleep(0.0005)
            finally:
                connection.close()
    finally:
        process.kill()
        process.wait()


def instantiate_ready_ms(executable, test_lambda, runs=30):
    """(median until ready, median of the executable's own start, first with fetch and install)."""
    meo = Meo({"plain": package("plain", test_lambda)})
    mepm = Mepm(executable, meo, port_first=24000, uid_first=220000)
    ready, own = [], []
    try:
        for run in range(runs + 1):
            instance = mepm.create("plain", f"run-{run}")
            begin = time.monotonic()
            operation = mepm.instantiate(instance)
            ready.append((time.monotonic() - begin) * 1000)
            if operation["operationState"] != "COMPLETED":
                raise RuntimeError(str(operation))
            mepm.terminate(instance)
            mepm.ask("DELETE", f"/app_lcm/v1/app_instances/{instance}")
            own.append(own_start_ms(test_lambda, OWN_PORT))
    finally:
        mepm.stop()
        meo.stop()
    return statistics.median(ready[1:]), statistics.median(own), ready[0]


def main(executable, test_lambda, runs="30"):
    ready, own, first = instantiate_ready_ms(executable, test_lambda, int(runs))
    print(f"instantiate_ready_ms {ready:.1f}, the executable's own start {own:.1f}, "
          f"beyond it {ready - own:.1f} ms (at most {BEYOND_MS_MAX}); "
          f"the first, with fetch and install, {first:.1f}")
    return 0 if ready - own <= BEYOND_MS_MAX else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
