#!/usr/bin/env python3
"""Runs the comparison of strategies; see run.sh."""
import argparse
import os
import pathlib
import sys
import time

import matrix
import simulate
import summary


def main():
    parser = argparse.ArgumentParser(prog="run.sh", description="Compares the orchestrator's "
                                     "strategies in simulated time, and tests what is expected.")
    parser.add_argument("--short", action="store_true", help="only what the tests need, few seeds")
    parser.add_argument("--seeds", type=int, help="runs of each cell; default 30, short 10")
    parser.add_argument("--out", default="build/experiments/strategies", help="for results")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="runs at a time")
    parser.add_argument("--program", default="build/release/bin/mx2-emulator")
    parser.add_argument("--no-plots", action="store_true")
    parser.add_argument("--again", action="store_true",
                        help="only summarise, test and plot the results that are there")
    options = parser.parse_args()
    seeds = options.seeds or (10 if options.short else 30)
    out = pathlib.Path(options.out)
    begun = time.monotonic()
    if not options.again:
        cells = matrix.short() if options.short else matrix.full()
        simulate.run(options.program, cells, seeds, out, options.jobs)
    cells = summary.write(out)
    print(f"{cells} cells in {out}: runs.csv, cdf.csv, links.csv, summary.csv, summary.json "
          f"({time.monotonic() - begun:.0f} s)")
    if not options.no_plots:
        import plots
        plots.draw(out)
    import check
    return check.check(out)


if __name__ == "__main__":
    sys.exit(main())
