"""Runs cells of the experiment, in simulated or in real time, and gathers their results:

  runs.csv      one row for each cell and seed: the cell's parameters, the seconds that count, then
                what mx2-emulator measured
  cdf.csv       response-time distribution of each cell, all seeds together
  links.csv     bytes a second on each direction of a link of each cell, mean over the seeds
  left_out.csv  cells without results, as this machine was too busy for real time

What each cell wrote is kept in cells/, so that an interrupted experiment can be continued.
"""
import collections
import concurrent.futures
import csv
import dataclasses
import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import threading
import time

import matrix

HERE = pathlib.Path(__file__).resolve().parent
TABLES = ("runs.csv", "cdf.csv", "links.csv")
WARMUP_S = 10
LATE_MS_MAX = 5    # of timers (p99) in a run in real time; a later one is repeated,
ATTEMPTS = 5       # so often at most
TOO_BUSY = 75      # what mx2-emulator exits with when no attempt was in time
STARTING_S = 4     # of the programs of a run in real time, and their ending


@dataclasses.dataclass
class Plan:
    """What to run, and how."""
    program: str
    mode: str            # of mx2-emulator: simulate or run
    cells: list          # no two alike
    seeds: int
    seconds: float       # of a run that count
    jobs: int            # cells at a time
    out: pathlib.Path

    def estimate_s(self):
        """Of real time, which knows how long it takes."""
        runs = -(-len(self.cells) // self.jobs) * self.seeds
        return runs * (self.seconds + WARMUP_S + STARTING_S)

    def settings(self, cell):
        return {**cell.settings(), "duration_s": self.seconds + WARMUP_S, "warmup_s": WARMUP_S}

    def directory(self, cell):
        key = json.dumps([self.settings(cell), self.seeds], sort_keys=True)
        return self.out / "cells" / hashlib.sha256(key.encode()).hexdigest()[:16]

    def command(self, cell, out):
        command = [self.program, self.mode, str(HERE / "scenario.yaml"), "--seeds",
                   str(self.seeds), "--out", str(out), "--quiet"]
        if self.mode == "run":
            command += ["--late-ms-max", str(LATE_MS_MAX), "--attempts", str(ATTEMPTS)]
        for key, value in self.settings(cell).items():
            command += ["--set", f"{key}={value}"]
        return command


class Progress:
    """How far it is, and an estimate of what is left: one line on a terminal, else now and then."""

    def __init__(self, total):
        self.total, self.done, self.begun = total, 0, time.monotonic()
        self.told = self.begun
        self.lock = threading.Lock()

    def step(self):
        with self.lock:
            self.done += 1
            now = time.monotonic()
            terminal = sys.stderr.isatty()
            if not terminal and self.done < self.total and now - self.told < 15:
                return
            self.told = now
            took = now - self.begun
            left = took / self.done * (self.total - self.done)
            text = f"{self.done} of {self.total} cells, {took:.0f} s, about {left:.0f} s left"
            end = "\n" if not terminal or self.done == self.total else ""
            print(("\r\033[K" if terminal else "") + text, end=end, file=sys.stderr, flush=True)


def run_cell(plan, cell):
    """Its tables are in its directory; there is none, when this machine is too busy for real time."""
    target = plan.directory(cell)
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix="running-") as work:
        command = plan.command(cell, work)
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode == TOO_BUSY:
            print(f"left out: {cell}: {done.stderr.strip()}", file=sys.stderr)
            return
        if done.returncode != 0:
            raise RuntimeError(f"{' '.join(command)}: {done.stderr}")
        finished = pathlib.Path(work) / "finished"
        finished.mkdir()
        for name in TABLES:
            os.rename(pathlib.Path(work) / name, finished / name)
        shutil.rmtree(target, ignore_errors=True)
        os.rename(finished, target)


def read_tables(directory):
    for name in TABLES:
        with open(directory / name, newline="") as file:
            yield list(csv.reader(file))


def number_of(name):
    """Of "cell-12"."""
    return int(name.rsplit("-", 1)[1])


def mean_of_links(rows, seeds, seconds):
    totals = collections.Counter()
    for _, origin, target, count in rows:
        totals[(origin, target)] += int(count)
    return [[a, b, f"{totals[a, b] / seeds / seconds:.1f}"]
            for a, b in sorted(totals, key=lambda link: tuple(map(number_of, link)))]


def named(cell):
    return [getattr(cell, field) for field in matrix.FIELDS]


def gather(plan):
    """The cells that have no results."""
    done = [cell for cell in plan.cells if plan.directory(cell).is_dir()]
    missing = [cell for cell in plan.cells if not plan.directory(cell).is_dir()]
    with open(plan.out / "left_out.csv", "w", newline="") as file:
        csv.writer(file).writerows([matrix.FIELDS] + [named(cell) for cell in missing])
    with open(plan.out / "runs.csv", "w", newline="") as runs_file, \
            open(plan.out / "cdf.csv", "w", newline="") as cdf_file, \
            open(plan.out / "links.csv", "w", newline="") as links_file:
        runs, cdf, links = map(csv.writer, (runs_file, cdf_file, links_file))
        for index, cell in enumerate(done):
            tables = list(read_tables(plan.directory(cell)))
            if index == 0:
                runs.writerow(matrix.FIELDS + ["seconds"] + tables[0][0])
                cdf.writerow(matrix.FIELDS + tables[1][0])
                links.writerow(matrix.FIELDS + ["from", "to", "byte_rate"])
            start = named(cell)
            runs.writerows(start + [plan.seconds] + row for row in tables[0][1:])
            cdf.writerows(start + row for row in tables[1][1:])
            links.writerows(
                start + row for row in mean_of_links(tables[2][1:], plan.seeds, plan.seconds))
    return missing


def run(plan, go_on):
    """Which cells have no results. Those of an earlier attempt are kept when `go_on`."""
    if not go_on:
        shutil.rmtree(plan.out / "cells", ignore_errors=True)
    left = [cell for cell in plan.cells if not plan.directory(cell).is_dir()]
    if len(left) < len(plan.cells):
        print(f"{len(plan.cells) - len(left)} of {len(plan.cells)} cells are there already")
    if left:
        progress = Progress(len(left))
        pool = concurrent.futures.ThreadPoolExecutor(plan.jobs)
        try:
            begun = [pool.submit(run_cell, plan, cell) for cell in left]
            for one in concurrent.futures.as_completed(begun):
                one.result()
                progress.step()
        finally:
            pool.shutdown(cancel_futures=True)
    return gather(plan)
