#!/usr/bin/env python3
"""Runs the comparison of strategies; see run.sh."""
import argparse
import dataclasses
import os
import pathlib
import shutil
import sys
import time

import check
import matrix
import modes
import runs
import summary

MODES = {"simulated": "simulate", "real": "run"}  # and what mx2-emulator calls them


def read_options():
    parser = argparse.ArgumentParser(
        prog="run.sh", description="Compares the orchestrator's strategies, and tests what is "
        "expected.", formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--mode", choices=[*MODES, "both"], default="simulated",
                        help="real: real programs, HTTP and time")
    parser.add_argument("--cells", choices=matrix.CHOICES, default="all",
                        help="tests: what the tests of the expectations need; few: what shows "
                        "whether both modes agree")
    parser.add_argument("--only", help="of them: the series named here, e.g. mobility,period")
    parser.add_argument("--hosts", type=int, choices=matrix.HOSTS, help="of them: those this large")
    parser.add_argument("--seeds", type=int, default=30, help="runs of each cell")
    parser.add_argument("--seconds", type=float, default=120,
                        help=f"of a run that count, after {runs.WARMUP_S} that do not")
    parser.add_argument("--short", action="store_true",
                        help="simulated: --cells tests --seeds 10; and real: --cells few --seeds 1 "
                        "--seconds 20")
    parser.add_argument("--out", default="build/experiments/strategies", help="for results")
    parser.add_argument("--jobs", type=int, help="cells at a time; simulated: as many as CPUs; "
                        "real: four times as many, as they wait most of the time")
    parser.add_argument("--program", default="build/release/bin/mx2-emulator")
    parser.add_argument("--no-plots", action="store_true")
    parser.add_argument("--continue", dest="go_on", action="store_true",
                        help="keep the cells that an interrupted run has finished")
    parser.add_argument("--again", action="store_true",
                        help="only summarise, test and plot the results that are there")
    return parser.parse_args()


def choose(options, mode, cells):
    chosen = [cell for cell in dict.fromkeys(matrix.CHOICES[cells]())
              if (mode == "simulated" or cell.is_real()) and
              (not options.only or cell.series in options.only.split(",")) and
              (not options.hosts or cell.hosts == options.hosts)]
    if not chosen:
        raise SystemExit("run.sh: there are no such cells")
    return chosen


def plan(options, mode):
    cells, seeds, seconds = options.cells, options.seeds, options.seconds
    if options.short:
        cells, seeds, seconds = ("tests", 10, 120) if mode == "simulated" else ("few", 1, 20)
    return runs.Plan(options.program, MODES[mode], choose(options, mode, cells), seeds, seconds,
                     options.jobs or os.cpu_count() * (4 if mode == "real" else 1),
                     pathlib.Path(options.out) / mode)


def duration(seconds):
    return f"{seconds:.0f} s" if seconds < 600 else \
        f"{seconds / 60:.0f} min" if seconds < 36000 else f"{seconds / 86400:.1f} days"


def whole(options, wanted):
    """Are these the cells, seeds and seconds that verdicts are recorded for?"""
    parts = options.only or options.hosts
    usual = options.short or (options.cells, wanted.seeds, wanted.seconds) == ("all", 30, 120)
    return wanted.mode == MODES["simulated"] and bool(usual) and not parts


def tell_failed(directory, mode):
    """1 if calls failed where none can."""
    failed = summary.failed(summary.read(directory))
    for cell, calls in failed.items():
        print(f"{mode}: {calls} calls failed: {modes.title(cell)}")
    return 1 if failed and mode == "simulated" else 0


def compare_modes(options, wanted):
    twins = dataclasses.replace(wanted, mode=MODES["simulated"], out=wanted.out / "simulated")
    if not options.again:
        runs.run(twins, False)
    return max(tell_failed(twins.out, "simulated"), modes.check(wanted.out))


def run(options, mode):
    """Results in their directory; 1 if something is not as expected."""
    wanted = plan(options, mode)
    begun = time.monotonic()
    if not options.again:
        print(f"{mode}: {len(wanted.cells)} cells of {wanted.seeds} runs" +
              (f", about {duration(wanted.estimate_s())}" if mode == "real" else ""), flush=True)
        if len(runs.run(wanted, options.go_on)) == len(wanted.cells):
            print(f"{mode}: this machine is too busy")
            return 0
    cells = summary.write(wanted.out)
    print(f"{mode}: {cells} cells in {wanted.out}: runs.csv, cdf.csv, links.csv, summary.csv, "
          f"summary.json ({time.monotonic() - begun:.0f} s)")
    if not options.no_plots:
        import plots
        plots.draw(wanted.out)
    wrong = max(tell_failed(wanted.out, mode),
                check.check(wanted.out, mode, whole=whole(options, wanted)))
    if mode == "real":
        wrong = max(wrong, compare_modes(options, wanted))
    return wrong


def main():
    options = read_options()
    chosen = list(MODES) if options.short or options.mode == "both" else [options.mode]
    path = os.environ.get("PATH", "") + ":/usr/sbin"
    if "real" in chosen and not options.again and shutil.which("haproxy", path=path) is None:
        raise SystemExit("run.sh: dispatchers need HAProxy (apt install haproxy)")
    return max(run(options, mode) for mode in chosen)


if __name__ == "__main__":
    sys.exit(main())
