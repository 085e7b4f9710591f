#!/usr/bin/env python3
"""The benchmarks behind tests/bench/run.sh, which builds first.

usage: bench.py BIN_DIR [NAME...]

Each result is the median of five short runs. Where there is something to compare with, the runs
alternate within the same minute and the ratio is the median of the five ratios.
"""
import contextlib
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import apply
import city
import dispatch
import fill
import instantiate
import notify
from orchestrator import EXAMPLE_CONTENT, ROOT, Orchestrator

LOAD = pathlib.Path(__file__).with_name("load.lua")
WORK = ROOT / "build" / "bench"  # on the disk that matters, not in a temporary memory file system
RUNS = 5
SECONDS = float(os.environ.get("MX2_BENCH_SECONDS", "3"))
MILLION = 1_000_000
CONNECTIONS = 64
STARTUP_SECONDS_MAX = 10
NO_STORE = "the same server without a store"
LIMITS = ("limits: {contexts_max: 100000000, contexts_per_device_max: 100000000}\n"
          'notifier: {allow: ["127.0.0.0/8"]}\n')
FAN_OUT = 100_000
PLANNED = 100_000
APPLY_SECONDS_MAX = 10


def report(bench, value, unit, ratio=None, against=None, **more):
    line = {"bench": bench, "value": round(value, 3), "unit": unit,
            "ratio": None if ratio is None else round(ratio, 3), "against": against}
    print(json.dumps({**line, **more}), flush=True)


def load(server, kind, connections=CONNECTIONS, seconds=SECONDS, **settings):
    """What wrk measured; raises when an answer was wrong."""
    threads = min(2, os.cpu_count())
    settings["threads"] = threads
    done = subprocess.run(
        ["wrk", f"-t{threads}", f"-c{connections}", f"-d{seconds:g}s", "--timeout", "10s", "-s", LOAD,
         f"http://127.0.0.1:{server.mx2_port}", "--", kind,
         *(f"{name}={value}" for name, value in settings.items())],
        check=True, capture_output=True, text=True)
    measured = json.loads(done.stdout.splitlines()[-1])
    errors = {name: measured[name] for name in ("status", "connect", "read", "write", "timeout")}
    if any(errors.values()):
        raise RuntimeError(f"{kind}: {errors} of {measured['requests']} requests failed")
    measured["rate"] = measured["requests"] / measured["seconds"]
    return measured


class Bench:
    def __init__(self, bin_dir):
        self.bin_dir = bin_dir

    @contextlib.contextmanager
    def server(self, name, program="mx2-orchestrator", rows=0, contexts=0, ports=()):
        """A server on a new store that holds the example, and as much more as asked."""
        directory = WORK / name
        shutil.rmtree(directory, ignore_errors=True)
        server = Orchestrator(self.bin_dir / program, directory, EXAMPLE_CONTENT, LIMITS)
        if rows or contexts:
            with server:
                server.stop()
            fill.fill(server.store, rows, contexts, ports)
        try:
            with server:
                yield server
        finally:
            shutil.rmtree(directory, ignore_errors=True)

    def no_store(self):
        return self.server("no_store", "mx2_no_store_server")

    def compare(self, bench, measure, servers, against):
        """measure(server, run) for both, alternating; `measure` gives requests per second."""
        ours_server, other_server = servers
        for server in servers:
            measure(server, 0)  # warms up
        pairs = []
        for run in range(1, RUNS + 1):
            order = servers if run % 2 else servers[::-1]
            rates = {server: measure(server, run) for server in order}
            pairs.append((rates[ours_server], rates[other_server]))
        report(bench, statistics.median(ours for ours, _ in pairs), "requests/s",
               statistics.median(ours / theirs for ours, theirs in pairs), against)

    def against_no_store(self, bench, measure, **content):
        with self.server(bench, **content) as ours, self.no_store() as theirs:
            self.compare(bench, measure, (ours, theirs), NO_STORE)

    def create_durable(self):
        self.against_no_store("create_durable", lambda s, run: load(s, "create", first=run)["rate"])

    def create_durable_8(self):
        self.against_no_store("create_durable_8",
                              lambda s, run: load(s, "create", 8, first=run)["rate"])

    def create_1m_rows(self):
        def measure(server, run):
            return load(server, "create", first=run,
                        devices=MILLION if server is many else 1000)["rate"]

        with self.server("rows_1m", rows=MILLION) as many, self.server("rows_1k", rows=1000) as few:
            self.compare("create_1m_rows", measure, (many, few), "the same with 1000 rows")

    def app_list(self):
        self.against_no_store("app_list", lambda s, run: load(s, "app_list")["rate"])

    def put_context(self):
        self.against_no_store(
            "put_context", lambda s, run: load(s, "put", first=0, count=100_000)["rate"],
            contexts=100_000)

    def delete_context(self):
        # Each run deletes contexts of its own.
        share = 2 * MILLION // (RUNS + 1)
        self.against_no_store(
            "delete_context", lambda s, run: load(s, "delete", first=run * share)["rate"],
            contexts=2 * MILLION)

    def connections_1000(self):
        with self.server("connections_1000") as server:
            runs = [load(server, "create", 1000, first=run) for run in range(RUNS)]
        report("connections_1000", statistics.median(run["p99_ms"] for run in runs), "ms (p99)",
               errors=0, requests=sum(run["requests"] for run in runs),
               requests_per_second=round(statistics.median(run["rate"] for run in runs)))

    def startup_1m(self):
        with self.server("startup_rows", rows=MILLION) as server:
            without = server.resident_bytes()
        with self.server("startup_1m", rows=MILLION, contexts=MILLION) as server:
            memory = server.resident_bytes() - without
            seconds = []
            for _ in range(RUNS):
                server.stop()
                seconds.append(server.start())
        value = statistics.median(seconds)
        report("startup_1m", value, "s", value / STARTUP_SECONDS_MAX,
               f"the {STARTUP_SECONDS_MAX} s it may take")
        report("startup_1m_memory", memory / MILLION, "bytes resident per context")


    @contextlib.contextmanager
    def notified(self, name, contexts):
        """Receivers, and a server whose contexts have their callbacks there."""
        with notify.Receivers(self.bin_dir) as receivers:
            with self.server(name, contexts=contexts, ports=receivers.ports) as server:
                yield server, receivers

    def notify_fanout_100k(self):
        with self.notified("notify_fanout_100k", FAN_OUT) as (server, receivers):
            pairs = []
            for run in range(RUNS):
                ours = notify.fan_out(server, receivers, FAN_OUT, run)
                pairs.append((ours, notify.bare(self.bin_dir, receivers, FAN_OUT)))
        report("notify_fanout_100k", statistics.median(ours for ours, _ in pairs), "deliveries/s",
               statistics.median(ours / theirs for ours, theirs in pairs),
               "a bare libcurl multi loop to the same receivers")

    def create_during_fanout(self):
        with self.notified("create_during_fanout", FAN_OUT) as (server, receivers):
            pairs = []
            for run in range(RUNS):
                idle = notify.p99(notify.create_latencies(server, SECONDS))
                with notify.meanwhile(
                        lambda stop: notify.create_latencies(server, 600, stop)) as latencies:
                    notify.fan_out(server, receivers, FAN_OUT, run)
                pairs.append((notify.p99(latencies[0]), idle))
        report("create_during_fanout", statistics.median(busy for busy, _ in pairs), "ms (p99)",
               statistics.median(busy / idle for busy, idle in pairs), "the same when idle")

    def notify_first_ms(self):
        with self.notified("notify_first_ms", FAN_OUT) as (server, receivers):
            firsts = [notify.first_ms(server, receivers, run) for run in range(notify.FIRSTS)]
        report("notify_first_ms", statistics.median(firsts), "ms", None, None,
               p90=round(statistics.quantiles(firsts, n=10)[8], 3))


    @contextlib.contextmanager
    def planned(self, name):
        """A server with as many rows and contexts; context 0 has no row and is not moved."""
        with self.server(name, rows=PLANNED, contexts=PLANNED + 1) as server:
            apply.warm_up(server, PLANNED)
            yield server

    def apply_100k_moves(self):
        with self.planned("apply_100k_moves") as server:
            runs = [apply.apply(server, PLANNED, run) for run in range(RUNS)]
            memory = server.resident_bytes()
        seconds = statistics.median(followed for _, followed in runs)
        report("apply_100k_moves", seconds, "s", seconds / APPLY_SECONDS_MAX,
               f"the {APPLY_SECONDS_MAX} s it may take",
               answered_s=round(statistics.median(answered for answered, _ in runs), 3),
               resident_mib=memory // 2**20)

    def create_during_apply(self):
        with self.planned("create_during_apply") as server:
            pairs = []
            for run in range(RUNS):
                idle = notify.p99(notify.create_latencies(server, SECONDS))
                # Made before: this interpreter's other thread must not wait for it.
                body = apply.plan(PLANNED, run)
                with notify.meanwhile(
                        lambda stop: notify.create_latencies(server, 600, stop)) as latencies:
                    apply.apply(server, PLANNED, run, body=body)
                pairs.append((notify.p99(latencies[0]), idle))
        report("create_during_apply", statistics.median(busy for busy, _ in pairs), "ms (p99)",
               statistics.median(busy / idle for busy, idle in pairs), "the same when idle")

    def create_join_warm(self):
        """Beside creates for an app whose instances an operator lists, as it was before."""
        directory = WORK / "join_warm"
        shutil.rmtree(directory, ignore_errors=True)
        with city.City(self.bin_dir, directory, ("h1",), EXAMPLE_CONTENT, LIMITS) as scene:
            scene.on_board("executor")
            scene.create("first", "executor")
            self.compare("create_join_warm",
                         lambda kind, run: load(scene.server, kind, first=run)["rate"],
                         ("join", "create"), "creates for an app without life-cycle management")
        shutil.rmtree(directory, ignore_errors=True)

    def instantiate_ready_ms(self):
        ready, own, first = instantiate.instantiate_ready_ms(self.bin_dir / "mx2-mepm",
                                                             self.bin_dir / "mx2_test_lambda")
        report("instantiate_ready_ms", ready, "ms", ready / own, "the executable's own start",
               beyond_ms=round(ready - own, 1), with_fetch_and_install_ms=round(first, 1),
               allowed_beyond_ms=instantiate.BEYOND_MS_MAX)

    @contextlib.contextmanager
    def directory(self, name):
        directory = WORK / name
        shutil.rmtree(directory, ignore_errors=True)
        try:
            yield directory
        finally:
            shutil.rmtree(directory, ignore_errors=True)

    def dispatch_throughput(self):
        with self.directory("dispatch_throughput") as directory:
            bare, pairs = (dispatch.against_direct(self.bin_dir, directory / kind.__name__, kind, 32,
                                                   RUNS, SECONDS)
                           for kind in (dispatch.Responder, dispatch.Executor))
        report("dispatch_throughput", dispatch.median([ours for ours, _ in pairs], "rate"),
               "calls/s", dispatch.median_ratio(pairs, "rate"),
               "the same calls without it, to a λ without work",
               p99_ms=round(dispatch.median([ours for ours, _ in pairs], "p99_ms"), 2),
               to_bare_server_per_second=round(dispatch.median([o for o, _ in bare], "rate")),
               to_bare_server_ratio=round(dispatch.median_ratio(bare, "rate"), 3))

    def dispatch_added_latency_ms(self):
        with self.directory("dispatch_latency") as directory:
            pairs = dispatch.against_direct(self.bin_dir, directory, dispatch.Executor, 1, RUNS,
                                            SECONDS)
        added = statistics.median(ours["p50_ms"] - theirs["p50_ms"] for ours, theirs in pairs)
        report("dispatch_added_latency_ms", added, "ms (median)",
               dispatch.median_ratio(pairs, "p50_ms"), "calls without the dispatcher",
               allowed_ms=0.5)

    def dispatch_10k_entries(self):
        with self.directory("dispatch_10k") as directory:
            pairs, spread = dispatch.many_entries(self.bin_dir, directory, RUNS, SECONDS)
        report("dispatch_10k_entries", dispatch.median([ours for ours, _ in pairs], "rate"),
               "calls/s", dispatch.median_ratio(pairs, "rate"), "the same calls with 10 entries",
               calls_to_all_per_second=round(spread["rate"]))

    def weight_effect_ms(self):
        with self.directory("weight_effect") as directory:
            effects = dispatch.weight_effects(self.bin_dir, directory)
        report("weight_effect_ms", statistics.median(effects), "ms (median)",
               most_ms=round(max(effects), 1), allowed_ms=200)

    def capacity_loop_ms(self):
        subprocess.run([self.bin_dir / "mx2_capacity_bench"], check=True)

    def scenario_matrix_ms(self):
        subprocess.run([self.bin_dir / "mx2_scenario_bench"], check=True)

    def ue_move_to_row_ms(self):
        subprocess.run([self.bin_dir / "mx2_move_bench"], check=True)

    def simulated_invocations(self):
        subprocess.run([self.bin_dir / "mx2_emulator_bench"], check=True)


BENCHES = ("create_durable", "create_durable_8", "create_1m_rows", "app_list", "put_context",
           "delete_context", "connections_1000", "startup_1m", "notify_fanout_100k",
           "create_during_fanout", "notify_first_ms", "apply_100k_moves", "create_during_apply",
           "capacity_loop_ms", "scenario_matrix_ms", "ue_move_to_row_ms", "simulated_invocations",
           "create_join_warm", "instantiate_ready_ms", "dispatch_throughput",
           "dispatch_added_latency_ms", "dispatch_10k_entries", "weight_effect_ms")


def main():
    if len(sys.argv) < 2 or not set(sys.argv[2:]) <= set(BENCHES):
        print(f"usage: {sys.argv[0]} BIN_DIR [{' '.join(BENCHES)}]", file=sys.stderr)
        return 2
    bench = Bench(pathlib.Path(sys.argv[1]).resolve())
    failed = 0
    for name in sys.argv[2:] or BENCHES:
        try:
            getattr(bench, name)()
        except RuntimeError as failure:
            failed += 1
            print(f"{name}: {failure}", file=sys.stderr, flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
