#!/usr/bin/env python3
"""Runs the same scenarios in simulated and in real time, with the same seeds, and states by how much
the results differ: mean over the seeds of the differences, with their 95 % confidence interval.

usage: compare.py [--seeds N] [--seconds S] [--out DIR] BIN_DIR

Both modes have the same moves and wishes to call. What real time adds: HTTP and processes that share
this machine (so response times are longer, the more the busier it is), the Optimizer's reading of
its files, table, feed and notifications on their real way, and dispatchers with HAProxy. A run in which timers were late,
because the machine was busy with something else, is repeated. Fails when a call fails, or when the
strategies do something else than in simulated time: more than 10 % in bytes or notifications, 5 % of
the calls in stale ones, or 15 % in the mean response time.
"""
import argparse
import csv
import pathlib
import subprocess
import sys

import summary

HERE = pathlib.Path(__file__).resolve().parent
WARMUP_S = 5
LATENESS_MS_MAX = 5  # 99th percentile, of timers of the UEs
ATTEMPTS = 3
CASES = {
    "baseline, mobility 5 s": {"strategy.kind": "baseline", "ues.mobility.residence_s": 5},
    "notification, mobility 5 s": {"strategy.kind": "notification", "ues.mobility.residence_s": 5},
    "dispatching, shipped and followed, mobility 5 s": {
        "strategy.kind": "dispatching", "strategy.selection": "mx2-dispatcher",
        "strategy.follows": "true", "ues.mobility.residence_s": 5},
    "static, bursts": {"strategy.kind": "static", "ues.mobility.residence_s": 5,
                       "ues.traffic.model": "bursts"},
    "notification, hot λ 10 s": {"strategy.kind": "notification", "hot_spot.of": "lambdas"},
    "multiple, mobility 5 s": {"strategy.kind": "multiple", "ues.mobility.residence_s": 5},
}
# Metric, unit, scale, and how far the modes may differ: a share of the simulated value, or absolute.
METRICS = [("mean_ms", "ms", 1, 0.15, 0), ("p50_ms", "ms", 1, None, 0),
           ("p95_ms", "ms", 1, None, 0), ("p99_ms", "ms", 1, None, 0),
           ("stale_share", "%", 100, 0, 0.05), ("adoption_mean_s", "s", 1, None, 0),
           ("notification_rate", "/s", 1, 0.10, 0.2), ("rows_changed_rate", "/s", 1, None, 0),
           ("link_byte_rate", "kB/s", 1e-3, 0.10, 10_000),
           ("access_byte_rate", "kB/s", 1e-3, 0.10, 10_000)]


def run_once(program, mode, settings, seed, out):
    command = [program, mode, str(HERE / "scenario.yaml"), "--first-seed", str(seed), "--out",
               str(out), "--quiet"]
    for key, value in settings.items():
        command += ["--set", f"{key}={value}"]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(command)}: {done.stderr}")
    with open(out / "runs.csv", newline="") as file:
        return next(csv.DictReader(file))


def run(program, mode, settings, seed, out):
    """Again, if the machine was too busy with something else for timers to be on time."""
    for attempt in range(ATTEMPTS):
        row = run_once(program, mode, settings, seed, out)
        if float(row["lateness_p99_ms"]) <= LATENESS_MS_MAX:
            return row
        print(f"  {mode}, seed {seed}: timers were late by {row['lateness_p99_ms']} ms (p99): "
              f"{'once more' if attempt + 1 < ATTEMPTS else 'taken as it is'}", flush=True)
    return row


def compare(simulated, real):
    """Lines of text, and what is too far off."""
    lines, wrong = [], []
    for metric, unit, scale, share, absolute in METRICS:
        pairs = [(float(a[metric]), float(b[metric])) for a, b in zip(simulated, real)]
        mean = sum(a for a, _ in pairs) / len(pairs)
        difference, half = summary.interval([b - a for a, b in pairs])
        text = f"{metric:20s} {mean * scale:10.2f} {(mean + difference) * scale:10.2f} " \
               f"{difference * scale:+9.2f} ± {half * scale:.2f} {unit}"
        if share is not None and abs(difference) > share * mean + absolute:
            wrong.append(metric)
            text += "  TOO FAR"
        lines.append(text)
    failed = sum(int(row["failed"]) for row in real)
    if failed:
        wrong.append(f"{failed} calls failed")
    return lines, wrong


def main():
    parser = argparse.ArgumentParser(description="Compares simulated with real time.")
    parser.add_argument("bin_dir", type=pathlib.Path)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=40, help="of each run")
    parser.add_argument("--cases", type=int, default=len(CASES), help="only the first of them")
    parser.add_argument("--out", type=pathlib.Path, default="build/experiments/compare")
    options = parser.parse_args()
    program = str(options.bin_dir / "mx2-emulator")
    cases = list(CASES.items())[:options.cases]
    print(f"about {len(cases) * options.seeds * (options.seconds + 4):.0f} s", flush=True)
    bad = False
    text = []
    for name, settings in cases:
        settings = {**settings, "duration_s": options.seconds, "warmup_s": WARMUP_S}
        folder = name.replace(" ", "_").replace(",", "")
        results = [[run(program, mode, settings, seed, options.out / mode / folder / str(seed))
                    for seed in range(1, options.seeds + 1)] for mode in ("simulate", "run")]
        lines, wrong = compare(*results)
        text += [f"{name}, {options.seeds} seeds:",
                 f"  {'':20s} {'simulated':>10s} {'real':>10s} {'difference':>9s}"]
        text += ["  " + line for line in lines]
        bad = bad or bool(wrong)
    print("\n".join(text))
    (options.out / "comparison.txt").write_text("\n".join(text) + "\n")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
