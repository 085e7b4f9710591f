"""What the paper leads one to expect of the strategies, as claims about cells of the experiment.

 1. Under fast change (T_c = 5 s) mean, p95, p99 and coefficient of variation of the response time are
    higher with baseline than with notification and with dispatching; the latter two are within 10 %
    of each other.
 2. When T_c (300 s) is much longer than a context lives (20 s), the strategies converge: a difference
    from baseline is at most a quarter of what it is at T_c = 5 s.
 3. Bytes on the links between cells: dispatching > notification >= baseline.
 4. Notification's gain over baseline vanishes when the Optimizer's period is not shorter than T_c
    (5 s): it is at most a quarter of that at a period of 1 s. And the longer the period, the less
    it gains.
 5. UEs move (T_c = 5 s) and the Optimizer is told of it at once: notification and dispatching that is
    followed are faster than where it is not, and dispatching is faster than notification; and fewer
    bytes are on the links.

To add a claim yield it from one of the functions below; to add an expectation write another function
and list it in EXPECTATIONS. A cell or an arm that was not run has no claims, and arms that did the
same in each call of a cell (a dispatcher that is followed, when nobody moves) are one arm there.
"""
import math

import matrix
import summary

NEAR = 0.10     # "about the same": within so much of the other
QUARTER = 0.25  # "vanishes", "converges": at most so much of the difference
FAST, SLOW = 5, 300
FOLLOWED = "dispatching, shipped and followed"
TOLD_NOTIFICATION = "notification, told of moves"
TOLD_DISPATCHING = "dispatching, followed, told of moves"
DISPATCHING = [arm for arm, keys in matrix.ARMS.items() if arm.startswith("dispatching") and
               keys.get("optimizer.told_of_moves") != "true"]
TYPICAL = ["mean_ms", "p95_ms"]
TIMES = ["mean_ms", "p95_ms", "p99_ms", "variation"]
QUANTILES = ["p50_ms", "p90_ms", "p95_ms", "p99_ms"]
STEP_BITS = 7  # mx2-emulator counts response times in steps of 1/128 of a power of two, in ns


class Claim:
    """`above`: differences by seed, of which each mean is claimed to be above zero. What is within
    `step` in every seed is less than the emulator can tell apart."""

    def __init__(self, expectation, text, *above, step=0.0):
        self.expectation, self.text, self.above, self.step = expectation, text, above, step

    @property
    def key(self):
        return f"{self.expectation}: {self.text}"


class Runs:
    """Results, by seed."""

    def __init__(self, directory):
        self.cells = summary.read(directory)
        self.hosts = sorted({c.hosts for c in self.cells})
        self.seeds = min(len(metrics["failed"]) for metrics in self.cells.values())
        self.seconds = summary.seconds(directory)

    def get(self, series, arm, metric, **keys):
        """Values by seed, or None when the cell was not run."""
        found = self.cells.get(matrix.Cell(series, arm, **keys))
        return found[metric] if found else None

    def apart(self, arms, series, **keys):
        """Those of `arms` that were run, without those that did the same as one before."""
        seen = []
        for arm in arms:
            found = self.cells.get(matrix.Cell(series, arm, **keys))
            if found and found not in seen:
                seen.append(found)
                yield arm


def step_of(metric, *values):
    """Width of the emulator's steps at the largest of some quantiles; other metrics have none."""
    if metric not in QUANTILES:
        return 0.0
    largest_ns = max(map(max, values)) * 1e6
    return 2.0 ** (math.floor(math.log2(largest_ns)) - STEP_BITS) / 1e6 if largest_ns > 0 else 0.0


def minus(a, b):
    return [x - y for x, y in zip(a, b)]


def higher(number, where, metric, a, b, sign=">"):
    """That the metric is higher with one arm than with the other, each a name and values by seed."""
    return Claim(number, f"{where}, {metric}: {a[0]} {sign} {b[0]}", minus(a[1], b[1]),
                 step=step_of(metric, a[1], b[1]))


def near(number, where, metric, a, b):
    margin = [NEAR * x for x in a[1]]
    return Claim(number, f"{where}, {metric}: {a[0]} ~ {b[0]}", minus(margin, minus(b[1], a[1])),
                 minus(margin, minus(a[1], b[1])), step=step_of(metric, a[1], b[1]))


def at_most_a_quarter(number, text, now, before, step):
    """Of two differences by seed: |now| <= |before| / 4, given before's sign."""
    sign = 1 if sum(before) >= 0 else -1
    limit = [sign * QUARTER * b for b in before]
    return Claim(number, text, minus(limit, now), minus(limit, [-x for x in now]), step=step)


def first(runs):
    for change in ("mobility", "hot cell", "hot lambda"):
        for hosts in runs.hosts:
            where, keys = f"{change}, {hosts} hosts", {"change": change, "t_c": FAST, "hosts": hosts}
            arms = list(runs.apart(DISPATCHING, change, **keys))
            for metric in TIMES:
                def get(arm):
                    return arm, runs.get(change, arm, metric, **keys)
                baseline, notification = get("baseline"), get("notification")
                if baseline[1] and notification[1]:
                    yield higher(1, where, metric, baseline, notification)
                for arm in arms:
                    if baseline[1]:
                        yield higher(1, where, metric, baseline, get(arm))
                    if notification[1]:
                        yield near(1, where, metric, notification, get(arm))


def second(runs):
    for hosts in runs.hosts:
        for metric in TYPICAL:
            for arm in ["notification", *runs.apart(DISPATCHING, "mobility", t_c=FAST, hosts=hosts)]:
                values = {t_c: [runs.get("mobility", a, metric, t_c=t_c, hosts=hosts)
                                for a in ("baseline", arm)] for t_c in (FAST, SLOW)}
                if all(map(all, values.values())):
                    yield at_most_a_quarter(
                        2, f"{hosts} hosts, {metric}: baseline and {arm} converge",
                        minus(*values[SLOW]), minus(*values[FAST]),
                        step_of(metric, *values[SLOW], *values[FAST]))


def third(runs):
    for hosts in runs.hosts:
        def get(arm):
            return arm, runs.get("mobility", arm, "link_byte_rate", t_c=FAST, hosts=hosts)
        where, baseline, notification = f"{hosts} hosts", get("baseline"), get("notification")
        if not (baseline[1] and notification[1]):
            continue
        for arm in runs.apart(DISPATCHING, "mobility", t_c=FAST, hosts=hosts):
            yield higher(3, where, "bytes", get(arm), notification)
        yield higher(3, where, "bytes", notification, baseline, ">=")


def fourth(runs):
    for hosts in runs.hosts:
        for metric in TYPICAL:
            values = {period: [runs.get("period", arm, metric, t_c=FAST, hosts=hosts, period=period)
                               for arm in matrix.PLANNED] for period in matrix.PERIODS_S}
            if not all(map(all, values.values())):
                continue
            gain = {period: minus(*pair) for period, pair in values.items()}
            step = step_of(metric, *(v for pair in values.values() for v in pair))
            where = f"{hosts} hosts, {metric}"
            for period in (5, 30):
                yield at_most_a_quarter(4, f"{where}: no gain left at a period of {period} s",
                                        gain[period], gain[1], step)
            for shorter, longer in ((1, 5), (5, 30)):
                yield Claim(4, f"{where}: less gain at {longer} s than at {shorter} s",
                            minus(gain[shorter], gain[longer]), step=step)


def fifth(runs):
    for hosts in runs.hosts:
        for metric in TIMES + ["link_byte_rate"]:
            def get(arm):
                return arm, runs.get("mobility", arm, metric, t_c=FAST, hosts=hosts)
            for slower, faster in (("notification", TOLD_NOTIFICATION),
                                   (FOLLOWED, TOLD_DISPATCHING),
                                   (TOLD_NOTIFICATION, TOLD_DISPATCHING)):
                a, b = get(slower), get(faster)
                if a[1] and b[1]:
                    yield higher(5, f"{hosts} hosts", metric, a, b)


EXPECTATIONS = (first, second, third, fourth, fifth)
