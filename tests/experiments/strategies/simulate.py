"""Runs the cells of the experiment in simulated time and gathers their results in one directory.

  runs.csv   one row for each cell and seed: the cell's parameters, then what mx2-emulator measured
  cdf.csv    response-time distribution of each cell, all seeds together
  links.csv  bytes a second on each direction of a link of each cell, mean over the seeds
"""
import collections
import concurrent.futures
import csv
import os
import pathlib
import subprocess
import sys
import tempfile
import threading
import time

import matrix

HERE = pathlib.Path(__file__).resolve().parent


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


def simulate(program, cell, seeds, directory):
    """One cell: rows of runs.csv, cdf.csv and links.csv, without the cell's own columns."""
    command = [program, "simulate", str(HERE / "scenario.yaml"), "--seeds", str(seeds), "--out",
               directory, "--quiet"]
    for key, value in cell.settings().items():
        command += ["--set", f"{key}={value}"]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr}")
    tables = []
    for name in ("runs.csv", "cdf.csv", "links.csv"):
        with open(pathlib.Path(directory) / name, newline="") as file:
            tables.append(list(csv.reader(file)))
    return tables


def mean_of_links(rows, seeds, seconds):
    totals = collections.Counter()
    for _, origin, target, count in rows:
        totals[(int(origin), int(target))] += int(count)
    return [[a, b, f"{total / seeds / seconds:.1f}"] for (a, b), total in sorted(totals.items())]


def run(program, cells, seeds, out, jobs=None, seconds=120):
    out = pathlib.Path(out)
    out.mkdir(parents=True, exist_ok=True)
    cells = list(dict.fromkeys(cells))
    progress = Progress(len(cells))

    def one(cell):
        with tempfile.TemporaryDirectory() as directory:
            tables = simulate(program, cell, seeds, directory)
        progress.step()
        return tables

    jobs = jobs or os.cpu_count() or 1
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool, \
            open(out / "runs.csv", "w", newline="") as runs_file, \
            open(out / "cdf.csv", "w", newline="") as cdf_file, \
            open(out / "links.csv", "w", newline="") as links_file:
        runs, cdf, links = map(csv.writer, (runs_file, cdf_file, links_file))
        for index, (cell, tables) in enumerate(zip(cells, pool.map(one, cells))):
            named = [getattr(cell, field) for field in matrix.FIELDS]
            if index == 0:
                runs.writerow(matrix.FIELDS + tables[0][0])
                cdf.writerow(matrix.FIELDS + tables[1][0])
                links.writerow(matrix.FIELDS + ["from", "to", "byte_rate"])
            runs.writerows(named + row for row in tables[0][1:])
            cdf.writerows(named + row for row in tables[1][1:])
            links.writerows(named + row for row in mean_of_links(tables[2][1:], seeds, seconds))
