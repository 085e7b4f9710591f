#!/usr/bin/env python3
"""States by how much results in real time differ from those of the same runs in simulated time: mean
over the seeds of the differences, with their 95 % confidence interval.

usage: modes.py DIR   (of results in real time, the same runs simulated in DIR/simulated; writes
                       comparison.txt, modes.png and modes.svg there)

Both modes have the same moves and wishes to call. What real time adds: HTTP and processes that share
this machine (so response times are longer, the more the busier it is), the Optimizer's reading of its
files, table, feed and notifications on their real way, and dispatchers with HAProxy.

Fails when strategies do something else than in simulated time. Equivalence is tested at 5 % for each
metric of a cell: the 90 % confidence interval of the difference has to be within 3 ms in the mean
response time, beyond what this machine adds to every call (the least difference of those cells, if
there are three: a slow machine is no disagreement), 2 percentage points in stale calls, 5 % and 10 kB/s
in bytes, and 10 % and 0.03 a second in notifications and changed rows. What makes strategies different
is more than one of them: a notification that acts as baseline would not pass in any cell. One run has
no interval, so only the difference is looked at.

That goes for cells without queues, where every call takes as long as it takes: those of changing
traffic, and dispatchers that stay behind, sit where a small difference becomes a long queue, and are
only stated. So is what our dispatcher does otherwise than the prototype's: it changes weights ten times
a second, not with every call, so least impedance sends all calls of 100 ms to one host, and prediction
learns from all calls.

Cells that have results in one mode only (this machine was too busy) and calls that failed are stated.
"""
import argparse
import collections
import pathlib
import sys

import plots
import summary

# Metric, unit, scale, and how far the modes may differ: a share of the simulated value, and absolute.
Metric = collections.namedtuple("Metric", "name unit scale share absolute")
METRICS = [Metric("mean_ms", "ms", 1, 0, 3), Metric("p50_ms", "ms", 1, None, None),
           Metric("p95_ms", "ms", 1, None, None), Metric("p99_ms", "ms", 1, None, None),
           Metric("stale_share", "%", 100, 0, 0.02), Metric("adoption_mean_s", "s", 1, None, None),
           Metric("notification_rate", "/s", 1, 0.10, 0.03),
           Metric("rows_changed_rate", "/s", 1, 0.10, 0.03),
           Metric("link_byte_rate", "kB/s", 1e-3, 0.05, 10_000),
           Metric("access_byte_rate", "kB/s", 1e-3, 0.05, 10_000)]
CELLS_MIN = 3  # that tell what the machine adds
EQUIVALENCE = 0.90  # confidence of the interval: one-sided, 5 % each
FREE_OF_QUEUES = ("static", "baseline", "notification", "notification, told of moves",
                  "dispatching, shipped and followed", "dispatching, followed, told of moves",
                  "uncoordinated, k=2")


def must_agree(cell):
    return (cell.arm in FREE_OF_QUEUES and cell.change == "mobility" and
            (cell.arm != "static" or cell.traffic == "bursts"))


def added_everywhere(pairs):
    """Milliseconds that real time adds to the mean of each cell that must agree."""
    offs = [summary.interval(real["mean_ms"])[0] - summary.interval(simulated["mean_ms"])[0]
            for cell, simulated, real in pairs if must_agree(cell)]
    return max(0.0, min(offs)) if len(offs) >= CELLS_MIN else 0.0


def objection(metric, simulated, differences):
    """Empty when the modes agree."""
    if metric.share is None or not differences:
        return ""
    limit = metric.share * sum(simulated) / len(simulated) + metric.absolute
    difference, half = summary.interval(differences, EQUIVALENCE)
    if abs(difference) > limit:
        return "TOO FAR"
    return "NOT SHOWN TO BE NEAR" if half is not None and abs(difference) + half > limit else ""


def line(metric, simulated, differences):
    if not differences:
        return f"  {metric.name:18s} {'-':>10s} {'-':>10s} {'-':>9s}"
    mean = sum(simulated) / len(simulated)
    difference, half = summary.interval(differences)
    interval = "" if half is None else f"± {half * metric.scale:.2f} "
    return f"  {metric.name:18s} {mean * metric.scale:10.2f} " \
           f"{(mean + difference) * metric.scale:10.2f} {difference * metric.scale:+9.2f} " \
           f"{interval}{metric.unit}"


def compare(simulated, real, limited, added_ms):
    """Lines of text, and the metrics that do not agree."""
    lines, wrong = [], []
    for metric in METRICS:
        pairs = [(a, b) for a, b in zip(simulated[metric.name], real[metric.name])
                 if a is not None and b is not None]
        values, differences = [a for a, _ in pairs], [b - a for a, b in pairs]
        text = line(metric, values, differences)
        beyond = added_ms if metric.name == "mean_ms" else 0
        objected = objection(metric, values, [d - beyond for d in differences]) if limited else ""
        if objected:
            wrong.append(metric.name)
            text += f"  {objected}"
        lines.append(text)
    return lines, wrong


def title(cell):
    text = f"{cell.arm}; {cell.change}, {cell.t_c:g} s; {cell.hosts} hosts, {cell.clients} UEs"
    if cell.traffic != "closed-loop":
        text += f", {cell.traffic}"
    if cell.series == "period":
        text += f"; {cell.policy} every {cell.period:g} s"
    return text


def plot(pairs, directory):
    figure, axes = plots.grid(1, 3, height=3.1)
    for one, (metric, name, scale) in zip(axes[0], (
            ("mean_ms", "mean response time, ms", 1), ("p95_ms", "95th percentile, ms", 1),
            ("link_byte_rate", "bytes between cells, MB/s", 1e-6))):
        ends = []
        for cell, simulated, real in pairs:
            colour, marker, _ = plots.STYLES[cell.arm]
            a, a_half = summary.interval(simulated[metric])
            b, b_half = summary.interval(real[metric])
            one.errorbar(a * scale, b * scale, plots.error([b_half], scale),
                         plots.error([a_half], scale), marker=marker, markersize=4, color=colour,
                         linestyle="none", capsize=2, elinewidth=0.8, label=cell.arm)
            ends += [a * scale, b * scale]
        one.plot([min(ends), max(ends)], [min(ends), max(ends)], color="grey", linewidth=0.8)
        one.set_xlabel(f"{name}: simulated")
        one.set_ylabel("in real time")
    plots.save(figure, axes, directory, "modes")


def describe(pairs):
    """Lines of text, and which cells do not agree in what."""
    added_ms = added_everywhere(pairs)
    text, bad = [f"this machine adds {added_ms:.2f} ms to every call, which no cell is blamed for"], {}
    for cell, simulated, real in pairs:
        lines, wrong = compare(simulated, real, must_agree(cell), added_ms)
        if wrong:
            bad[cell] = wrong
        text += [f"{title(cell)}; {len(real['mean_ms'])} seeds:"]
        calls = sum(real["failed"])
        if calls:
            text += [f"  {calls:.0f} CALLS FAILED"]
        text += [f"  {'':18s} {'simulated':>10s} {'real':>10s} {'difference':>9s}"] + lines
    return text, bad


def missing(simulated, real):
    """Lines of text: cells that have results in one mode only."""
    return [f"{title(cell)}: no results in {where}"
            for cells, others, where in ((simulated, real, "real time, this machine was too busy"),
                                         (real, simulated, "simulated time"))
            for cell in cells if cell not in others]


def check(directory):
    directory = pathlib.Path(directory)
    simulated, real = summary.read(directory / "simulated"), summary.read(directory)
    pairs = [(cell, simulated[cell], real[cell]) for cell in real if cell in simulated]
    alone = missing(simulated, real)
    text, bad = describe(pairs)
    (directory / "comparison.txt").write_text("\n".join(alone + text) + "\n")
    if not pairs:
        print("real against simulated time: no cell has results in both")
        return 1
    plot(pairs, directory)
    offs = sorted(summary.interval(real["mean_ms"])[0] - summary.interval(simulated["mean_ms"])[0]
                  for _, simulated, real in pairs)
    bound = [cell for cell, _, _ in pairs if must_agree(cell)]
    print(f"real against simulated time, {len(pairs)} cells: mean response times differ by "
          f"{offs[len(offs) // 2]:+.2f} ms (median; {offs[0]:+.2f} to {offs[-1]:+.2f}); "
          f"{len(bad)} of {len(bound)} that must agree do not; "
          f"{len(alone)} have results in one mode only; all of it: {directory}/comparison.txt")
    for cell, wrong in bad.items():
        print(f"  does not agree in {', '.join(wrong)}: {title(cell)}")
    for one in alone:
        print(f"  {one}")
    return 1 if bad else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Compares simulated with real time.")
    parser.add_argument("directory")
    sys.exit(check(parser.parse_args().directory))
