#!/usr/bin/env python3
"""Tests what the paper leads one to expect (claims.py) on the results of run.sh, and says what holds.

Runs of two cells with the same seed have the same moves and the same wishes to call, so differences
are taken by seed and tested with a paired t test. Each claim is tested in both directions, one-sided,
each at 5 % with Holm's correction over all claims of its expectation (expectations.txt says how many):
by chance, an expectation has a claim that "holds" in at most 5 % of experiments, and one that is
"opposite" in at most another 5 %. Verdicts:

 holds          significant. "The same in every seed" is added to what was decided without a test,
 opposite       significant the other way.          as there is no variance.
 no difference  in no seed by more than a step of the histogram that quantiles are read from (means
                have none): service times are constant, so quantiles are often the same in all seeds,
                and neighbouring steps say nothing. Look at the mean as well.
 not shown      neither.

Claims that do not hold are results as well. verdicts.json has what was found when the experiment was
last reviewed, with the corrected p in both directions; the test fails when that is no longer what
comes out. Simulated runs are the same bytes for a seed, so only what was, and is, within a factor 4 of
being decided may come out otherwise, with another compiler for example. Results in real time are
never twice the same, and only say what holds.

usage: check.py [--record] DIR   (--record: these verdicts are expected from now on. Other numbers of
                                  seeds, seconds and sizes of the experiment are kept.)
"""
import argparse
import collections
import json
import math
import pathlib
import sys

from scipy import stats

import claims

ALPHA = 0.05
BORDERLINE = 4  # a corrected p so near to ALPHA, as a factor, may come out otherwise elsewhere
VERDICTS = pathlib.Path(__file__).resolve().parent / "verdicts.json"
NAMES = ("holds", "opposite", "no difference", "not shown")
Tested = collections.namedtuple("Tested", "mean above below same within")


def test(differences, step):
    """Mean, p of "above zero", p of "below zero", is it the same in every seed, within the step."""
    n = len(differences)
    mean = sum(differences) / n
    variance = sum((d - mean) ** 2 for d in differences) / (n - 1)
    same = variance < 1e-18 * max(1.0, mean * mean)
    if max(map(abs, differences)) <= 1.001 * step or (same and abs(mean) < 1e-9):
        return Tested(mean, 1.0, 1.0, same, True)
    if same:
        return Tested(mean, float(mean < 0), float(mean > 0), True, False)
    t = mean / math.sqrt(variance / n)
    return Tested(mean, float(stats.t.sf(t, n - 1)), float(stats.t.cdf(t, n - 1)), False, False)


class Verdict:
    """Of a claim: `corrected` and `corrected_opposite` are what is compared with ALPHA."""

    def __init__(self, claim):
        self.expectation, self.key = claim.expectation, claim.key
        self.tests = [test(differences, claim.step) for differences in claim.above]
        self.mean = min(t.mean for t in self.tests)
        self.p = max(t.above for t in self.tests)  # of the claim: all must be
        self.opposite = min(t.below for t in self.tests)
        self.corrected = self.corrected_opposite = 1.0

    @property
    def name(self):
        if self.corrected <= ALPHA:
            return "holds"
        if self.corrected_opposite <= ALPHA:
            return "opposite"
        return "no difference" if any(t.within for t in self.tests) else "not shown"

    @property
    def untested(self):
        if self.name == "holds":
            return any(t.same for t in self.tests)
        return self.name == "opposite" and any(t.same and t.below == 0 for t in self.tests)

    def line(self):
        same = "; the same in every seed" if self.untested else ""
        return f"{self.name:13s}  {self.key}  (mean {self.mean:.4g}; p {self.p:.2g}, corrected " \
               f"{self.corrected:.2g}; opposite {self.opposite:.2g}, corrected " \
               f"{self.corrected_opposite:.2g}{same})"

    def record(self):
        return [self.name, float(f"{self.corrected:.3g}"), float(f"{self.corrected_opposite:.3g}")]


def holm(values):
    """Corrected p of each: significant are those that are at most ALPHA."""
    corrected, largest = [0.0] * len(values), 0.0
    for rank, i in enumerate(sorted(range(len(values)), key=lambda i: values[i])):
        largest = max(largest, min(1.0, (len(values) - rank) * values[i]))
        corrected[i] = largest
    return corrected


def judge(runs):
    verdicts = []
    for expectation in claims.EXPECTATIONS:
        family = [Verdict(claim) for claim in expectation(runs)]
        above = holm([v.p for v in family])
        below = holm([v.opposite for v in family])
        for verdict, corrected, opposite in zip(family, above, below):
            verdict.corrected, verdict.corrected_opposite = corrected, opposite
        verdicts += family
    return verdicts


def kind_of(runs):
    """Of experiment: what its verdicts depend on, but for which cells were run."""
    seconds = "unknown" if runs.seconds is None else f"{runs.seconds:g}"
    return f"{runs.seeds} seeds of {seconds} s, {len(runs.hosts)} sizes"


def borderline(verdict, before):
    name, corrected, opposite = before
    undecided = [n for n in (name, verdict.name) if n == "not shown"]
    if len(undecided) != 1:
        return False
    if "holds" in (name, verdict.name):
        both = corrected, verdict.corrected
    elif "opposite" in (name, verdict.name):
        both = opposite, verdict.corrected_opposite
    else:
        return False
    return all(ALPHA / BORDERLINE <= p <= ALPHA * BORDERLINE for p in both)


def surprises(verdicts, recorded):
    """What is not as recorded; borderline cases are only told."""
    for verdict in verdicts:
        before = recorded.get(verdict.key)
        if before is None:
            yield f"not recorded: {verdict.line()}"
        elif before[0] != verdict.name:
            text = f"{verdict.line()}, was: {before[0]} (corrected {before[1]:.2g}, " \
                   f"opposite {before[2]:.2g})"
            if borderline(verdict, before):
                print(f"  borderline: {text}")
            else:
                yield f"not as recorded: {text}"
    tested = {verdict.key for verdict in verdicts}
    for key in recorded:
        if key not in tested:
            yield f"not tested any more: {key}"


def families(verdicts):
    found = collections.defaultdict(list)
    for verdict in verdicts:
        found[verdict.expectation].append(verdict)
    return found


def tell(directory, verdicts, kind):
    lines = [f"{kind}. Each claim is tested in both directions, one-sided, each at {ALPHA:.0%} with "
             "Holm's correction over the claims of its expectation."]
    for number, family in families(verdicts).items():
        counts = ", ".join(f"{name} {sum(v.name == name for v in family)}" for name in NAMES)
        untested = sum(v.untested for v in family)
        text = f"expectation {number}: {len(family)} claims: {counts}" + (
            f"; {untested} decided without a test: the same in every seed" if untested else "")
        print(text)
        lines += ["", text] + [verdict.line() for verdict in family]
    (pathlib.Path(directory) / "expectations.txt").write_text("\n".join(lines) + "\n")
    print(f"all claims: {directory}/expectations.txt")


def read_recorded():
    return json.loads(VERDICTS.read_text()) if VERDICTS.exists() else {}


def write_recorded(recorded):
    """A line for each claim."""
    kinds = [f" {json.dumps(kind)}: {{\n" + ",\n".join(
        f"  {json.dumps(key)}: {json.dumps(value)}" for key, value in verdicts.items()) + "\n }"
        for kind, verdicts in recorded.items()]
    VERDICTS.write_text("{\n" + ",\n".join(kinds) + "\n}\n")


def compare(verdicts, recorded, kind, whole):
    """1 when something is not as recorded. Of a part of the cells only expectations of which every
    claim was tested are compared: Holm's correction depends on how many there are."""
    if kind not in recorded:
        print(f"nothing recorded to compare with ({kind})")
        return 1 if whole else 0
    now = families(verdicts)
    before = collections.defaultdict(dict)
    for key, value in recorded[kind].items():
        before[int(key.split(":")[0])][key] = value
    wrong = 0
    for number in sorted(set(now) | set(before)):
        if not whole and {v.key for v in now[number]} != set(before[number]):
            print(f"expectation {number}: not compared with what was recorded, only "
                  f"{len(now[number])} of {len(before[number])} claims are tested")
            continue
        for text in surprises(now[number], before[number]):
            print(f"  {text}")
            wrong = 1
    return wrong


def check(directory, mode="simulated", record=False, whole=True):
    """`whole`: all of what is recorded was run."""
    runs = claims.Runs(directory)
    kind = kind_of(runs)
    verdicts = judge(runs) if runs.seeds > 1 else []
    if not verdicts:
        why = "not enough cells" if runs.seeds > 1 else "one run of each"
        print(f"no expectation is tested: {why}")
        return 1 if whole and mode == "simulated" else 0
    tell(directory, verdicts, kind)
    if mode == "real":
        return 0
    recorded = read_recorded()
    if record:
        write_recorded({**recorded, kind: {v.key: v.record() for v in verdicts}})
        return 0
    return compare(verdicts, recorded, kind, whole)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Tests the expectations on results of run.sh.")
    parser.add_argument("directory")
    parser.add_argument("--record", action="store_true", help="these verdicts are what is expected")
    options = parser.parse_args()
    sys.exit(check(options.directory, record=options.record))
