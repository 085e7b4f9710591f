#!/usr/bin/env python3
"""λ that really start, serve, move and stop: an orchestrator, three MEPMs and the example packages.

usage: lifecycle_test.py BIN_DIR

From an empty catalogue: a package is on-boarded by URI, a context has an instance started, the
instance, its MEPM and the orchestrator are killed in turn under a client that calls every 20 ms,
and in the end nothing is left. Prints what each phase of a start took, and the longest gaps.
"""
import os
import pathlib
import signal
import statistics
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "support"))
from city import call, calling, check, hasty_city, nothing_left, uri_of, wait_for

INSTANCE_GAP_MAX_MS = 2000
MEPM_GAP_MAX_MS = 5000
WARM_STARTS = 5


def phases(instance):
    names = ("fetchMs", "installMs", "startMs", "readyMs")
    return ", ".join(f"{n[:-2]} {instance.get(n, 0)} ms" for n in names)


def starts(city, app):
    """Cold: nothing is there. Warm: the package is there. Join: an instance is there."""
    begin = time.monotonic()
    context = city.create("ue-1", app)
    created = time.monotonic()
    answer = call(uri_of(context))
    answered = time.monotonic()
    check(answer.get("input_bytes") == 1, f"a strange answer of the λ: {answer}")
    instance = wait_for(lambda: next(iter(city.instances("ready")), None), "the instance is shown")
    print(f"cold start: 201 after {1000 * (created - begin):.0f} ms ({phases(instance)}), first "
          f"answer {1000 * (answered - created):.1f} ms later")
    begin = time.monotonic()
    joined = city.create("ue-2", app)
    print(f"join of a warm instance: 201 after {1000 * (time.monotonic() - begin):.1f} ms")
    check(uri_of(joined) == uri_of(context), "the second context does not join the instance")
    return context, instance


def warm_starts(city, app_d_id, app):
    """Another host gets the row: the package comes there once, then instances start warm."""
    taken = []
    for i in range(WARM_STARTS):
        device = f"warm-{i}"
        host = f"h{2 + i % 2}"
        row = {"ue": f"dev:{device}", "app": app_d_id, "targets": [f"host:{host}"]}
        with city.server.operator() as operator:
            operator.patch_table([row])
        wait_for(lambda h=host: any(x["hostId"] == h for x in city.instances("ready")),
                 f"the row's host {host} is warmed")
        begin = time.monotonic()
        context = city.create(device, app)
        taken.append(1000 * (time.monotonic() - begin))
        check(context["contextId"] and uri_of(context), "no address")
    started = [x for x in city.instances("ready") if x["hostId"] != "h1"]
    print("other hosts:", "; ".join(f"{x['hostId']} {phases(x)}" for x in started))
    print(f"contexts there: 201 after {statistics.median(taken):.1f} ms (median)")


def under_fire(city, name, kill, gap_max_ms, errors_max=None):
    """Something dies while a client calls every 20 ms."""
    with calling(city.bin, city.server.mx2_port, "executor") as result:
        time.sleep(1.5)
        kill()
        time.sleep(6)
    summary = result["summary"]
    check(summary, f"{name}: mx2 run said nothing: {result['lines'][-3:]}")
    print(f"kill -9 of the {name}: {summary['calls']} calls, {summary['failed']} failed, "
          f"longest gap {summary['longestGapMs']:.0f} ms, {summary['moves']} moves")
    check(summary["calls"] > 100, f"{name}: only {summary['calls']} calls")
    check(summary["longestGapMs"] <= gap_max_ms,
          f"{name}: nobody served for {summary['longestGapMs']:.0f} ms")
    if errors_max is not None:
        check(summary["failed"] <= errors_max, f"{name}: {summary['failed']} calls failed")


def kill_instance(city):
    def kill():
        victims = city.processes()
        check(victims, "no process of an instance found")
        for pid in victims:
            os.kill(pid, signal.SIGKILL)
    return kill


def kill_mepms(city):
    def kill():
        for mepm in city.mepms.values():
            mepm.kill()
        time.sleep(1)
        for mepm in city.mepms.values():
            mepm.start()
    return kill


def kill_orchestrator(city):
    def kill():
        city.server.keep_ports()
        city.server.kill()
        time.sleep(0.5)
        city.server.start()
    return kill


def main(bin_dir):
    with hasty_city(bin_dir) as city:
        app_d_id = city.on_board("executor")
        starts(city, "executor")
        warm_starts(city, app_d_id, "executor")
        under_fire(city, "instances", kill_instance(city), INSTANCE_GAP_MAX_MS)
        under_fire(city, "MEPMs", kill_mepms(city), MEPM_GAP_MAX_MS)
        under_fire(city, "orchestrator", kill_orchestrator(city), 1000, errors_max=0)
        nothing_left(city)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    main(sys.argv[1])
