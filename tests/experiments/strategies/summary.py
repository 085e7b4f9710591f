"""From runs.csv to summary.csv and summary.json: mean over the seeds and its 95 % confidence interval
(Student's t) of each metric of each cell. What was not measured, an interval over a single seed for
example, is an empty field or null. A cell that was left out (left_out.csv) has 0 seeds."""
import collections
import csv
import json
import math
import pathlib

from scipy import stats

import matrix

METRICS = ["mean_ms", "p50_ms", "p90_ms", "p95_ms", "p99_ms", "variation", "stale_share",
           "adoption_mean_s", "probes_share", "rows_changed_rate", "notification_rate",
           "access_byte_rate", "link_byte_rate", "notification_byte_rate", "utilisation_mean",
           "utilisation_max", "failed"]
CONFIDENCE = 0.95


def typed(field, text):
    kind = matrix.Cell.__dataclass_fields__[field].type
    return kind(text)


def cell_of(row):
    return matrix.Cell(**{f: typed(f, row[f]) for f in matrix.FIELDS})


def rows_of(path):
    with open(path, newline="") as file:
        yield from csv.DictReader(file)


def read(directory):
    """Cell -> metric -> values, in the order of the seeds; None where nothing was measured."""
    cells = collections.defaultdict(lambda: collections.defaultdict(list))
    for row in rows_of(pathlib.Path(directory) / "runs.csv"):
        metrics = cells[cell_of(row)]
        for metric in METRICS:
            metrics[metric].append(float(row[metric]) if row[metric] else None)
    return dict(cells)


def seconds(directory):
    """Of a run that count; None when that is not in runs.csv, or not one number."""
    found = {row.get("seconds") for row in rows_of(pathlib.Path(directory) / "runs.csv")}
    return float(found.pop()) if len(found) == 1 and None not in found else None


def left_out(directory):
    """Cells that this machine was too busy for."""
    path = pathlib.Path(directory) / "left_out.csv"
    return [cell_of(row) for row in rows_of(path)] if path.exists() else []


def failed(cells):
    """Cell -> how many calls failed, of those with any."""
    totals = {cell: int(sum(metrics["failed"])) for cell, metrics in cells.items()}
    return {cell: total for cell, total in totals.items() if total > 0}


def interval(values, confidence=CONFIDENCE):
    """Mean and half of its confidence interval; None for what there is not enough of."""
    known = [v for v in values if v is not None]
    n = len(known)
    if n == 0:
        return None, None
    mean = sum(known) / n
    if n == 1:
        return mean, None
    deviation = math.sqrt(sum((v - mean) ** 2 for v in known) / (n - 1))
    return mean, stats.t.ppf((1 + confidence) / 2, n - 1) * deviation / math.sqrt(n)


def document(cell, metrics):
    named = {f: getattr(cell, f) for f in matrix.FIELDS}
    numbers = {m: interval(metrics.get(m, [])) for m in METRICS}
    return {**named, "seeds": len(metrics.get("failed", [])), "metrics": {
        m: {"mean": mean if mean is None else round(mean, 6),
            "ci95": half if half is None else round(half, 6)}
        for m, (mean, half) in numbers.items()}}, numbers


def write(directory):
    """How many cells have results."""
    directory = pathlib.Path(directory)
    cells = read(directory)
    documents = []
    with open(directory / "summary.csv", "w", newline="") as file:
        out = csv.writer(file)
        columns = [f"{metric}{suffix}" for metric in METRICS for suffix in ("", "_ci95")]
        out.writerow(matrix.FIELDS + ["seeds"] + columns)
        for cell in [*cells, *left_out(directory)]:
            one, numbers = document(cell, cells.get(cell, {}))
            flat = ["" if x is None else f"{x:.6g}" for pair in numbers.values() for x in pair]
            out.writerow([one[f] for f in matrix.FIELDS] + [one["seeds"]] + flat)
            documents.append(one)
    (directory / "summary.json").write_text(json.dumps(documents, indent=1, allow_nan=False) + "\n")
    return len(cells)
