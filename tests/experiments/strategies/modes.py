#!/usr/bin/env python3
"""States by how much results in real time differ from those of the same runs in simulated time: mean
over the seeds of the differences, with their 95 % confidence interval.

usage: modes.py DIR   (of results in real time, the same runs simulated in DIR/simulated; writes
                       comparison.txt, modes.png and modes.svg there)

Both modes have the same moves and wishes to call. What real time adds: HTTP and processes that share
this machine (so response times are longer, the more the busier it is), the Optimizer's reading of its
files, table, feed and notifications on their real way, and dispatchers with HAProxy.

Fails when strategies do something else than in simulated time, over all cells that are compared: a
cell that differs by more than 10 % in bytes or notifications, 5 % of the calls in stale ones, or 15 %
in the mean response time. That goes for cells without queues, where every call takes as long as it
takes: those of changing traffic, and dispatchers that stay behind, sit where a small difference
becomes a long queue, and are only stated. So is what our dispatcher does otherwise than the prototype's:
it changes weights ten times a second, not with every call, so least impedance sends all calls of
100 ms to one host, and prediction learns from all calls.
"""
import argparse
import pathlib
import sys

import plots
import summary

# Metric, unit, scale, and how far the modes may differ: a share of the simulated value, or absolute.
METRICS = [("mean_ms", "ms", 1, 0.15, 0), ("p50_ms", "ms", 1, None, 0),
           ("p95_ms", "ms", 1, None, 0), ("p99_ms", "ms", 1, None, 0),
           ("stale_share", "%", 100, 0, 0.05), ("adoption_mean_s", "s", 1, None, 0),
           ("notification_rate", "/s", 1, 0.10, 0.2), ("rows_changed_rate", "/s", 1, None, 0),
           ("link_byte_rate", "kB/s", 1e-3, 0.10, 10_000),
           ("access_byte_rate", "kB/s", 1e-3, 0.10, 10_000)]
FREE_OF_QUEUES = ("static", "baseline", "notification", "dispatching, shipped and followed",
                  "uncoordinated, k=2")


def must_agree(cell):
    return (cell.arm in FREE_OF_QUEUES and cell.change == "mobility" and
            (cell.arm != "static" or cell.traffic == "bursts"))


def compare(simulated, real, limited):
    """Lines of text, and the metrics that are too far off."""
    lines, wrong = [], []
    for metric, unit, scale, share, absolute in METRICS:
        pairs = list(zip(simulated[metric], real[metric]))
        mean = sum(a for a, _ in pairs) / len(pairs)
        difference, half = summary.interval([b - a for a, b in pairs])
        text = f"  {metric:18s} {mean * scale:10.2f} {(mean + difference) * scale:10.2f} " \
               f"{difference * scale:+9.2f} ± {half * scale:.2f} {unit}"
        if limited and share is not None and abs(difference) > share * mean + absolute:
            wrong.append(metric)
            text += "  TOO FAR"
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
            one.errorbar(a * scale, b * scale, min(b_half, 1e12) * scale,
                         min(a_half, 1e12) * scale, marker=marker, markersize=4, color=colour,
                         linestyle="none", capsize=2, elinewidth=0.8, label=cell.arm)
            ends += [a * scale, b * scale]
        one.plot([min(ends), max(ends)], [min(ends), max(ends)], color="grey", linewidth=0.8)
        one.set_xlabel(f"{name}: simulated")
        one.set_ylabel("in real time")
    plots.save(figure, axes, directory, "modes")


def check(directory):
    directory = pathlib.Path(directory)
    simulated = summary.read(directory / "simulated")
    pairs = [(cell, simulated[cell], real) for cell, real in summary.read(directory).items()]
    text, bad = [], 0
    for cell, simulated, real in pairs:
        lines, wrong = compare(simulated, real, must_agree(cell))
        bad += bool(wrong)
        text += [f"{title(cell)}; {len(real['mean_ms'])} seeds:",
                 f"  {'':18s} {'simulated':>10s} {'real':>10s} {'difference':>9s}"] + lines
    (directory / "comparison.txt").write_text("\n".join(text) + "\n")
    plot(pairs, directory)
    offs = sorted(summary.interval(real["mean_ms"])[0] - summary.interval(simulated["mean_ms"])[0]
                  for _, simulated, real in pairs)
    print(f"real against simulated time, {len(pairs)} cells: mean response times differ by "
          f"{offs[len(offs) // 2]:+.2f} ms (median; {offs[0]:+.2f} to {offs[-1]:+.2f}); "
          f"{bad} of {sum(must_agree(c) for c, _, _ in pairs)} that must agree do not; "
          f"all of it: {directory}/comparison.txt")
    return 1 if bad else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Compares simulated with real time.")
    parser.add_argument("directory")
    sys.exit(check(parser.parse_args().directory))
