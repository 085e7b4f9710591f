"""From runs.csv to summary.csv and summary.json: mean over the seeds and its 95 % confidence interval
(Student's t) of each metric of each cell."""
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
           "utilisation_max"]
CONFIDENCE = 0.95


def typed(field, text):
    kind = matrix.Cell.__dataclass_fields__[field].type
    return kind(text)


def read(directory):
    """Cell -> metric -> values, in the order of the seeds."""
    runs = collections.defaultdict(lambda: collections.defaultdict(list))
    with open(pathlib.Path(directory) / "runs.csv", newline="") as file:
        for row in csv.DictReader(file):
            cell = matrix.Cell(**{f: typed(f, row[f]) for f in matrix.FIELDS})
            if int(row["failed"]) > 0:
                raise ValueError(f"{cell}: {row['failed']} calls failed")
            for metric in METRICS:
                runs[cell][metric].append(float(row[metric]))
    return runs


def interval(values):
    """Mean and half of its confidence interval."""
    n = len(values)
    mean = sum(values) / n
    if n < 2:
        return mean, math.inf
    deviation = math.sqrt(sum((v - mean) ** 2 for v in values) / (n - 1))
    return mean, stats.t.ppf((1 + CONFIDENCE) / 2, n - 1) * deviation / math.sqrt(n)


def write(directory):
    directory = pathlib.Path(directory)
    documents = []
    with open(directory / "summary.csv", "w", newline="") as file:
        out = csv.writer(file)
        columns = [f"{metric}{suffix}" for metric in METRICS for suffix in ("", "_ci95")]
        out.writerow(matrix.FIELDS + ["seeds"] + columns)
        for cell, metrics in read(directory).items():
            named = {f: getattr(cell, f) for f in matrix.FIELDS}
            numbers = {m: interval(metrics[m]) for m in METRICS}
            seeds = len(metrics[METRICS[0]])
            flat = [f"{x:.6g}" for pair in numbers.values() for x in pair]
            out.writerow(list(named.values()) + [seeds] + flat)
            documents.append({**named, "seeds": seeds, "metrics": {
                m: {"mean": round(mean, 6), "ci95": round(half, 6)}
                for m, (mean, half) in numbers.items()}})
    (directory / "summary.json").write_text(json.dumps(documents, indent=1) + "\n")
    return len(documents)
