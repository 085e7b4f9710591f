#!/usr/bin/env python3
"""Tests what the paper leads one to expect, on the results of run.sh, and says what holds.

Four expectations, each a set of claims about cells of the experiment. Runs of two cells with the
same seed have the same moves and the same wishes to call, so differences are taken by seed and
tested with a one-sided paired t test at 5 %, Holm's correction within each expectation:

 1. Under fast change (T_c = 5 s) p95, p99 and coefficient of variation of the response time are
    higher with baseline than with notification and with dispatching; the latter two are within 10 %
    of each other.
 2. When T_c (300 s) is much longer than a context lives (20 s), the strategies converge: a difference
    from baseline is at most a quarter of what it is at T_c = 5 s.
 3. Bytes on the links between cells: dispatching > notification >= baseline.
 4. Notification's gain over baseline vanishes when the Optimizer's period is not shorter than T_c
    (5 s): it is at most a quarter of that at a period of 1 s. And the longer the period, the less
    it gains.

"holds" is a significant result, "opposite" one the other way, "not shown" neither. Claims that do not
hold are results as well. verdicts.json has what was found when the experiment was last reviewed; the
test fails when that is no longer what comes out (check.py --record DIR writes it anew). That is for simulated
time: results in real time are never twice the same, and only say what holds.
"""
import argparse
import json
import math
import pathlib
import sys

from scipy import stats

import matrix
import summary

ALPHA = 0.05
NEAR = 0.10       # "about the same": within so much of the other
QUARTER = 0.25    # "vanishes", "converges": at most so much of the difference
BORDERLINE = 4    # a p so near to ALPHA, as a factor, may come out otherwise elsewhere
FAST, SLOW = 5, 300
VERDICTS = pathlib.Path(__file__).resolve().parent / "verdicts.json"
DISPATCHING = [arm for arm in matrix.ARMS if arm.startswith("dispatching")]
TAILS = ["p95_ms", "p99_ms", "variation"]


class Claim:
    """`above`: differences by seed of which the mean is claimed to be above zero."""

    def __init__(self, expectation, text, *above):
        self.expectation, self.text = expectation, text
        self.tests = [test(differences) for differences in above]
        self.mean = min(t[0] for t in self.tests)
        self.p = max(t[1] for t in self.tests)        # of the claim: all must be
        self.p_opposite = min(t[2] for t in self.tests)
        self.verdict = ""

    @property
    def key(self):
        return f"{self.expectation}: {self.text}"

    @property
    def deciding_p(self):
        return min(self.p, self.p_opposite)


def test(differences):
    """Mean, p of "above zero", p of "below zero"."""
    n = len(differences)
    mean = sum(differences) / n
    variance = sum((d - mean) ** 2 for d in differences) / (n - 1)
    if variance < 1e-18 * max(1.0, mean * mean):
        return mean, float(mean <= 0), float(mean >= 0)
    t = mean / math.sqrt(variance / n)
    return mean, stats.t.sf(t, n - 1), stats.t.cdf(t, n - 1)


def minus(a, b):
    return [x - y for x, y in zip(a, b)]


def at_most_a_quarter(now, before):
    """Two differences by seed that are above zero if |now| <= |before| / 4, given before's sign."""
    sign = 1 if sum(before) >= 0 else -1
    limit = [sign * QUARTER * b for b in before]
    return minus(limit, now), minus(limit, [-x for x in now])


class Runs:
    def __init__(self, directory):
        self.cells = summary.read(directory)
        self.hosts = sorted({c.hosts for c in self.cells if c.series == "mobility"})
        self.seeds = len(next(iter(self.cells.values()))[summary.METRICS[0]])

    def get(self, series, arm, metric, **keys):
        """Values by seed, or None when the cell was not run."""
        found = self.cells.get(matrix.Cell(series, arm, **keys))
        return found[metric] if found else None


def first(runs):
    for change in ("mobility", "hot cell", "hot lambda"):
        for hosts in runs.hosts:
            for metric in TAILS:
                def get(arm):
                    return runs.get(change, arm, metric, change=change, t_c=FAST, hosts=hosts)
                where = f"{change}, {hosts} hosts, {metric}"
                baseline, notification = get("baseline"), get("notification")
                if baseline is None or notification is None:
                    continue
                yield Claim(1, f"{where}: baseline > notification", minus(baseline, notification))
                for arm in DISPATCHING:
                    if get(arm) is None:
                        continue
                    yield Claim(1, f"{where}: baseline > {arm}", minus(baseline, get(arm)))
                    margin = [NEAR * n for n in notification]
                    yield Claim(1, f"{where}: notification ~ {arm}",
                                minus(margin, minus(get(arm), notification)),
                                minus(margin, minus(notification, get(arm))))


def second(runs):
    for hosts in runs.hosts:
        for metric in ("mean_ms", "p95_ms"):
            for arm in ["notification"] + DISPATCHING:
                def difference(t_c):
                    get = [runs.get("mobility", a, metric, t_c=t_c, hosts=hosts)
                           for a in ("baseline", arm)]
                    return minus(*get) if all(get) else None
                fast, slow = difference(FAST), difference(SLOW)
                if fast and slow:
                    yield Claim(2, f"{hosts} hosts, {metric}: baseline and {arm} converge",
                                *at_most_a_quarter(slow, fast))


def third(runs):
    for hosts in runs.hosts:
        def get(arm):
            return runs.get("mobility", arm, "link_byte_rate", t_c=FAST, hosts=hosts)
        if get("baseline") is None or get("notification") is None:
            continue
        for arm in DISPATCHING:
            if get(arm):
                yield Claim(3, f"{hosts} hosts, bytes: {arm} > notification",
                            minus(get(arm), get("notification")))
        yield Claim(3, f"{hosts} hosts, bytes: notification >= baseline",
                    minus(get("notification"), get("baseline")))


def fourth(runs):
    for hosts in runs.hosts:
        for metric in ("mean_ms", "p95_ms"):
            gain = {}
            for period in matrix.PERIODS_S:
                get = [runs.get("period", arm, metric, t_c=FAST, hosts=hosts, period=period)
                       for arm in matrix.PLANNED]
                if all(get):
                    gain[period] = minus(*get)
            if len(gain) < len(matrix.PERIODS_S):
                continue
            where = f"{hosts} hosts, {metric}"
            for period in (5, 30):
                yield Claim(4, f"{where}: no gain left at a period of {period} s",
                            *at_most_a_quarter(gain[period], gain[1]))
            for shorter, longer in ((1, 5), (5, 30)):
                yield Claim(4, f"{where}: less gain at {longer} s than at {shorter} s",
                            minus(gain[shorter], gain[longer]))


def holm(claims, p_of):
    """The claims that are significant."""
    significant = set()
    ordered = sorted(claims, key=p_of)
    for i, claim in enumerate(ordered):
        if p_of(claim) > ALPHA / (len(ordered) - i):
            break
        significant.add(claim.key)
    return significant


def judge(directory):
    runs = Runs(directory)
    claims = []
    if runs.seeds < 2:
        return claims, "one run of each: nothing to test"
    for expectation in (first, second, third, fourth):
        some = list(expectation(runs))
        holds = holm(some, lambda c: c.p)
        opposite = holm(some, lambda c: c.p_opposite)
        for claim in some:
            claim.verdict = ("holds" if claim.key in holds else
                             "opposite" if claim.key in opposite else "not shown")
        claims += some
    return claims, f"{runs.seeds} seeds, {len(runs.hosts)} sizes"


def surprises(claims, recorded):
    """What is not as recorded; borderline cases are only told."""
    for claim in claims:
        before = recorded.get(claim.key)
        if before is None or before == claim.verdict:
            continue
        ratio = max(claim.deciding_p, 1e-300) * len(claims) / ALPHA
        near = 1 / (BORDERLINE * len(claims)) < ratio < BORDERLINE * len(claims)
        text = f"{claim.key}: {claim.verdict} (p = {claim.deciding_p:.2g}), was: {before}"
        if near and "opposite" not in (before, claim.verdict):
            print(f"  borderline: {text}")
        else:
            yield text


def tell(directory, claims):
    lines = [f"{claim.verdict:9s}  {claim.key}  (mean {claim.mean:.4g}, p {claim.p:.2g}, "
             f"opposite {claim.p_opposite:.2g})" for claim in claims]
    (pathlib.Path(directory) / "expectations.txt").write_text("\n".join(lines) + "\n")
    for number in sorted({c.expectation for c in claims}):
        some = [c for c in claims if c.expectation == number]
        count = {v: sum(c.verdict == v for c in some) for v in ("holds", "opposite", "not shown")}
        print(f"expectation {number}: of {len(some)} claims {count['holds']} hold, "
              f"{count['opposite']} are opposite, {count['not shown']} not shown")
    print(f"all claims: {directory}/expectations.txt")


def check(directory, mode="simulated", record=False):
    claims, kind = judge(directory)
    if not claims:
        return 0
    tell(directory, claims)
    if mode == "real":
        return 0
    all_recorded = json.loads(VERDICTS.read_text()) if VERDICTS.exists() else {}
    if record:
        all_recorded[kind] = {c.key: c.verdict for c in claims}
        VERDICTS.write_text(json.dumps(all_recorded, indent=1) + "\n")
        return 0
    if kind not in all_recorded:
        print(f"nothing recorded to compare with ({kind})")
        return 0
    unexpected = list(surprises(claims, all_recorded[kind]))
    missing = set(all_recorded[kind]) - {c.key for c in claims}
    for text in unexpected:
        print(f"  not as recorded: {text}")
    for key in sorted(missing):
        print(f"  not tested any more: {key}")
    return 1 if unexpected or missing else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Tests the expectations on results of run.sh.")
    parser.add_argument("directory")
    parser.add_argument("--record", action="store_true", help="these verdicts are what is expected")
    options = parser.parse_args()
    sys.exit(check(options.directory, record=options.record))
