#!/usr/bin/env python3
"""Tests what is said about results of the experiment (check.py, modes.py, summary.py, plots.py), on
results that are made up here. Nothing is run."""
import contextlib
import csv
import dataclasses
import io
import json
import pathlib
import sys
import tempfile
import unittest
import unittest.mock

try:
    import matplotlib  # noqa: F401
    import scipy  # noqa: F401
except ImportError as error:
    print(error)
    sys.exit(77)

import check
import claims
import matrix
import modes
import plots
import run
import runs
import summary

SEEDS = 10
ATOM, NEXT, FAR = 168.2964, 169.3450, 189.2680  # ms: a step of the histogram, the next one, one far off


def noise(seed):
    return ((seed * 7919) % 13 - 6) / 100


class Results:
    """A directory with runs.csv of cells that are added."""

    def __init__(self, directory, seeds=SEEDS, seconds=120):
        self.directory, self.seeds, self.seconds = pathlib.Path(directory), seeds, seconds
        self.directory.mkdir(parents=True, exist_ok=True)
        self.rows = []

    def add(self, cell, **metrics):
        """A metric is a number, or a function of the seed."""
        for seed in range(1, self.seeds + 1):
            row = {field: getattr(cell, field) for field in matrix.FIELDS}
            row.update({metric: 0 for metric in summary.METRICS})
            row.update({"seconds": self.seconds, "seed": seed, "mean_ms": 110 + noise(seed)})
            row.update({m: v(seed) if callable(v) else v for m, v in metrics.items()})
            self.rows.append({k: v for k, v in row.items() if v != "absent"})
        return self

    def write(self):
        for name, fields in (("runs", list(self.rows[0])), ("cdf", ["response_ms", "share"]),
                             ("links", ["from", "to", "byte_rate"])):
            with open(self.directory / f"{name}.csv", "w", newline="") as file:
                out = csv.DictWriter(
                    file, fields if name == "runs" else matrix.FIELDS + fields)
                out.writeheader()
                out.writerows(self.rows if name == "runs" else [])
        return self.directory


class Test(unittest.TestCase):
    def setUp(self):
        self.work = tempfile.TemporaryDirectory()
        self.addCleanup(self.work.cleanup)
        self.directory = pathlib.Path(self.work.name)
        recorded = unittest.mock.patch.object(check, "VERDICTS", self.directory / "verdicts.json")
        recorded.start()
        self.addCleanup(recorded.stop)
        self.said = io.StringIO()
        said = contextlib.redirect_stdout(self.said)
        said.__enter__()
        self.addCleanup(said.__exit__, None, None, None)

    def results(self, **options):
        return Results(self.directory / "simulated", **options)


def moving(arm, hosts=9, t_c=5):
    return matrix.Cell("mobility", arm, t_c=t_c, hosts=hosts)


class VerdictTest(Test):
    def verdicts(self, results):
        return {v.key: v for v in check.judge(claims.Runs(results.write()))}

    def pair(self, baseline, notification):
        return self.verdicts(self.results().add(moving("baseline"), **baseline)
                             .add(moving("notification"), **notification))

    def test_means_are_tested_beside_quantiles(self):
        found = self.pair({"p95_ms": ATOM, "mean_ms": lambda s: 131 + noise(s)},
                          {"p95_ms": ATOM, "mean_ms": lambda s: 115 - noise(s)})
        self.assertEqual("holds", found["1: mobility, 9 hosts, mean_ms: baseline > notification"].name)
        self.assertEqual("no difference",
                         found["1: mobility, 9 hosts, p95_ms: baseline > notification"].name)

    def test_neighbouring_steps_of_the_histogram_are_no_difference(self):
        for other in (lambda s: NEXT, lambda s: NEXT if s % 2 else ATOM):
            found = self.pair({"p95_ms": ATOM}, {"p95_ms": other})
            verdict = found["1: mobility, 9 hosts, p95_ms: baseline > notification"]
            self.assertEqual("no difference", verdict.name)

    def test_a_difference_without_variance_is_decided_and_said_to_be_so(self):
        found = self.pair({"p95_ms": FAR}, {"p95_ms": ATOM})
        verdict = found["1: mobility, 9 hosts, p95_ms: baseline > notification"]
        self.assertEqual("holds", verdict.name)
        self.assertIn("the same in every seed", verdict.line())
        found = self.pair({"p95_ms": ATOM}, {"p95_ms": FAR})
        verdict = found["1: mobility, 9 hosts, p95_ms: baseline > notification"]
        self.assertEqual("opposite", verdict.name)
        self.assertIn("the same in every seed", verdict.line())

    def test_a_gain_that_is_the_same_without_variance_is_marked_and_its_mean_tested(self):
        results = self.results()
        for period, p95, mean in ((1, 125.567, 110), (5, 147.3249, 115), (30, ATOM, 125)):
            results.add(matrix.Cell("period", "baseline", t_c=5, hosts=9, period=period),
                        p95_ms=ATOM, mean_ms=lambda s: 131 + noise(s))
            results.add(matrix.Cell("period", "notification", t_c=5, hosts=9, period=period),
                        p95_ms=p95, mean_ms=lambda s, mean=mean: mean - noise(s))
        found = self.verdicts(results)
        text = "4: 9 hosts, {}: no gain left at a period of 30 s"
        self.assertIn("the same in every seed", found[text.format("p95_ms")].line())
        self.assertEqual("opposite", found[text.format("mean_ms")].name)

    def test_arms_that_do_the_same_are_one(self):
        results = self.results()
        for arm in ("baseline", "dispatching, as shipped", "dispatching, shipped and followed"):
            results.add(matrix.Cell("hot cell", arm, "hot cell", 5, 9), link_byte_rate=7)
        followed = "1: hot cell, 9 hosts, mean_ms: baseline > dispatching, shipped and followed"
        self.assertNotIn(followed, self.verdicts(results))
        results.rows[-1]["link_byte_rate"] = 8
        self.assertIn(followed, self.verdicts(results))

    def test_corrected_p_as_in_holm(self):
        self.assertEqual([0.03, 1, 0.06, 0.06], check.holm([0.0075, 1, 0.02, 0.03]))

    def test_told_of_moves(self):
        self.assertNotIn(claims.TOLD_DISPATCHING, claims.DISPATCHING)
        results = self.results()
        for arm, mean in (("notification", 131), (claims.TOLD_NOTIFICATION, 109),
                          (claims.TOLD_DISPATCHING, 112)):
            results.add(moving(arm), mean_ms=lambda s, mean=mean: mean + s % 3 / mean)
        found = self.verdicts(results)
        self.assertEqual("holds", found["5: 9 hosts, mean_ms: notification > "
                                        "notification, told of moves"].name)
        self.assertEqual("opposite", found["5: 9 hosts, mean_ms: notification, told of moves > "
                                           "dispatching, followed, told of moves"].name)

    def test_the_size_of_the_family_is_told(self):
        directory = self.results().add(moving("baseline")).add(moving("notification")).write()
        check.check(directory, record=True)
        text = (directory / "expectations.txt").read_text()
        self.assertIn("both directions", text)
        self.assertIn("expectation 1: 4 claims", text)


class RegressionTest(Test):
    def judged(self, gain, spread=1.0, seconds=120):
        """Of a gain of notification that is this large."""
        results = self.results(seconds=seconds)
        results.add(moving("baseline"), mean_ms=lambda s: 131 + gain + spread * noise(s))
        return results.add(moving("notification"), mean_ms=131).write()

    def recorded(self, directory):
        self.assertEqual(0, check.check(directory, record=True))

    def test_the_same_again_is_as_recorded(self):
        self.recorded(self.judged(1))
        self.assertEqual(0, check.check(self.judged(1)))

    def gain_of(self, least, most):
        """A gain of which the corrected p is between these."""
        return next(gain / 2000 for gain in range(1, 1000)
                    if least < self.corrected(gain / 2000) < most)

    def test_a_decayed_verdict_is_not_borderline(self):
        clear, near = self.gain_of(1e-6, 1e-4), self.gain_of(0.06, 0.19)
        for before, now in ((clear, near), (self.gain_of(0.02, 0.045), 0)):
            self.recorded(self.judged(before))
            self.assertEqual(1, check.check(self.judged(now)))
            self.assertIn("not as recorded", self.said.getvalue())
            self.assertNotIn("borderline", self.said.getvalue())

    def test_borderline_is_what_was_and_is_nearly_decided(self):
        self.recorded(self.judged(self.gain_of(0.02, 0.045)))
        self.assertEqual(0, check.check(self.judged(self.gain_of(0.06, 0.19))))
        self.assertIn("borderline", self.said.getvalue())

    def corrected(self, gain):
        found = check.judge(claims.Runs(self.judged(gain)))
        return next(v for v in found if "mean_ms: baseline > notification" in v.key).corrected

    def test_seconds_are_part_of_what_was_recorded(self):
        self.recorded(self.judged(1))
        self.assertEqual(1, check.check(self.judged(1, seconds=60)))
        self.assertIn("nothing recorded", self.said.getvalue())

    def test_claims_that_are_new_or_gone_are_told(self):
        directory = self.judged(1)
        self.recorded(directory)
        recorded = check.read_recorded()
        verdicts = next(iter(recorded.values()))
        verdicts["1: gone"] = verdicts.popitem()[1]
        check.write_recorded(recorded)
        self.assertEqual(1, check.check(directory))
        self.assertIn("not recorded", self.said.getvalue())
        self.assertIn("not tested any more: 1: gone", self.said.getvalue())

    def test_one_series_alone_is_compared(self):
        def some(change):
            results = self.results()
            for period in matrix.PERIODS_S:
                for arm in matrix.PLANNED:
                    gain = 0 if arm == "baseline" else change / period
                    results.add(matrix.Cell("period", arm, t_c=5, hosts=9, period=period),
                                mean_ms=lambda s, gain=gain: 131 - gain * (1 + noise(s)))
            return results
        both = some(10)
        self.recorded(both.add(moving("baseline")).add(moving("notification")).write())
        self.assertEqual(0, check.check(some(10).write(), whole=False))
        self.assertIn("expectation 1: not compared", self.said.getvalue())
        self.assertEqual(1, check.check(some(-10).write(), whole=False))

    def test_nothing_tested_is_not_a_success(self):
        directory = self.results().add(matrix.Cell("clients", "baseline", hosts=9)).write()
        self.assertEqual(1, check.check(directory))
        self.assertEqual(0, check.check(directory, whole=False))
        self.assertIn("no expectation is tested", self.said.getvalue())


class SummaryTest(Test):
    def test_what_was_not_measured_is_missing(self):
        adopted = lambda s: "" if s == 1 else 2.5  # noqa: E731
        self.results().add(moving("baseline"), adoption_mean_s=adopted) \
            .add(moving("static"), adoption_mean_s="").write()
        directory = self.directory / "simulated"
        summary.write(directory)
        one, other = json.loads((directory / "summary.json").read_text())
        self.assertEqual({"mean": 2.5, "ci95": 0.0}, one["metrics"]["adoption_mean_s"])
        self.assertEqual({"mean": None, "ci95": None}, other["metrics"]["adoption_mean_s"])

    def test_one_seed_has_no_interval(self):
        directory = self.results(seeds=1).add(moving("baseline"), mean_ms=120).write()
        summary.write(directory)
        text = (directory / "summary.json").read_text()
        self.assertNotIn("Infinity", text)
        self.assertEqual({"mean": 120, "ci95": None}, json.loads(text)[0]["metrics"]["mean_ms"])

    def test_failed_calls_are_counted_and_an_error_in_simulated_time_only(self):
        directory = self.results().add(moving("baseline"), failed=lambda s: 2 if s == 3 else 0).write()
        self.assertEqual(1, summary.write(directory))
        self.assertEqual(1, run.tell_failed(directory, "simulated"))
        self.assertEqual(0, run.tell_failed(directory, "real"))
        self.assertIn("2 calls failed: baseline; mobility, 5 s; 9 hosts", self.said.getvalue())

    def test_cells_left_out_are_in_the_summary(self):
        cells = [moving("baseline"), moving("notification")]
        plan = runs.Plan("", "run", cells, 1, 60, 1, self.directory)
        plan.directory(cells[0]).mkdir(parents=True)
        for name in runs.TABLES:
            (plan.directory(cells[0]) / name).write_text(
                ",".join(["seed", *summary.METRICS]) + "\n" + ",".join("1" * 18) + "\n"
                if name == "runs.csv" else "seed\n")
        self.assertEqual([cells[1]], runs.gather(plan))
        self.assertEqual(60, summary.seconds(self.directory))
        self.assertEqual(1, summary.write(self.directory))
        found = json.loads((self.directory / "summary.json").read_text())
        self.assertEqual([("baseline", 1), ("notification", 0)],
                         [(one["arm"], one["seeds"]) for one in found])


class ModesTest(Test):
    SIMULATED = {"stale_share": 0.001, "notification_rate": 2.3, "rows_changed_rate": 2.3,
                 "link_byte_rate": 395e3, "access_byte_rate": 825e3}

    def compared(self, cell=moving("notification", 3), seeds=5, **real):
        for directory, other in (("real", real), ("real/simulated", {})):
            metrics = {"mean_ms": lambda s: 114.6 + noise(s), **self.SIMULATED, **other}
            Results(self.directory / directory, seeds).add(cell, **metrics).write()
        return modes.check(self.directory / "real")

    def text(self):
        return (self.directory / "real/comparison.txt").read_text()

    def test_near_is_near(self):
        self.assertEqual(0, self.compared(mean_ms=lambda s: 116 + 3 * noise(s)))
        self.assertEqual(0, self.compared(seeds=1, mean_ms=116))

    def test_a_notification_that_acts_as_baseline_is_noticed(self):
        for metric, value in (("mean_ms", 119.3), ("stale_share", 0.0186),
                              ("notification_rate", 0), ("link_byte_rate", 520e3)):
            real = {metric: value} if metric != "stale_share" else \
                {metric: lambda s: 0.0186 + noise(s) / 10}
            self.assertEqual(1, self.compared(**real), metric)
            self.assertIn(f"does not agree in {metric}", self.said.getvalue())

    def test_a_slow_machine_is_no_disagreement(self):
        for worst, agrees in ((8, 0), (12, 1)):
            results = {"real": Results(self.directory / "real"),
                       "real/simulated": Results(self.directory / "real/simulated")}
            for hosts, added in ((3, 6), (9, 7), (20, worst)):
                for directory, more in (("real", added), ("real/simulated", 0)):
                    results[directory].add(
                        moving("notification", hosts), **self.SIMULATED,
                        mean_ms=lambda s, more=more: 114 + noise(s) + more)
            for each in results.values():
                each.write()
            self.assertEqual(agrees, modes.check(self.directory / "real"))
            self.assertIn("this machine adds 6.00 ms", self.text())

    def test_few_seeds_that_differ_do_not_show_that_modes_agree(self):
        self.assertEqual(1, self.compared(seeds=3, mean_ms=lambda s: 112 + 2 * s))
        self.assertIn("NOT SHOWN TO BE NEAR", self.text())

    def test_cells_of_one_mode_are_told(self):
        both = moving("notification", 3)
        metrics = {"mean_ms": 114, **self.SIMULATED}
        Results(self.directory / "real").add(both, **metrics).write()
        Results(self.directory / "real/simulated").add(both, **metrics) \
            .add(dataclasses.replace(both, hosts=9), **metrics).write()
        self.assertEqual(0, modes.check(self.directory / "real"))
        for text in (self.text(), self.said.getvalue()):
            self.assertIn("notification; mobility, 5 s; 9 hosts, 40 UEs: no results in real", text)

    def test_failed_calls_and_missing_values_are_told(self):
        self.assertEqual(0, self.compared(failed=1, adoption_mean_s=""))
        self.assertIn("5 CALLS FAILED", self.text())
        self.assertRegex(self.text(), r"adoption_mean_s +- +- +-\n")


class PlotTest(Test):
    def drawn(self, seeds, *cells):
        """Figures by name, as they were saved."""
        results, figures = self.results(seeds=seeds), {}
        for cell in cells:
            results.add(cell, p95_ms=ATOM, link_byte_rate=4e5, stale_share=0.2)
        close = plots.plt.close
        self.addCleanup(close, "all")
        savefig = plots.plt.Figure.savefig

        def keep(figure, path, **options):
            figures[path.stem] = figure
            savefig(figure, path, **options)
        with unittest.mock.patch.object(plots.plt.Figure, "savefig", keep), \
                unittest.mock.patch.object(plots.plt, "close", lambda figure: None):
            plots.draw(results.write())
        return figures

    def test_one_seed_has_no_bars_of_error(self):
        figures = self.drawn(1, moving("baseline", 3), moving("notification", 3),
                             matrix.Cell("period", "baseline", t_c=5),
                             matrix.Cell("period", "notification", t_c=5))
        self.assertIn("optimizer_period", figures)
        for figure in figures.values():
            for axes in figure.axes:
                self.assertLess(axes.get_ylim()[1], 1e4)
                self.assertGreater(axes.get_ylim()[0], -1e4)

    def test_empty_panels_are_not_drawn(self):
        figures = self.drawn(2, moving("baseline", 3), moving("notification", 9, 300))
        self.assertIn("response_mobility", figures)
        for name, figure in figures.items():
            for axes in figure.axes:
                self.assertTrue(axes.has_data(), name)
            self.assertTrue(figure.axes, name)

    def test_empty_plots_are_not_drawn(self):
        figures = self.drawn(2, moving("dispatching, predicted", 3, 30))
        self.assertEqual({"response_mobility"}, set(figures))

    def test_staleness_of_dispatching_is_apart(self):
        figures = self.drawn(2, moving("baseline"), moving("dispatching, as shipped"))
        table, dispatching = figures["stale"].axes
        labels = [axes.get_legend_handles_labels()[1] for axes in (table, dispatching)]
        self.assertEqual([["baseline"], ["dispatching, any that is not followed"]], labels)
        self.assertIn("UEs' own rows", table.get_title())
        self.assertIn("dispatching", dispatching.get_title())

    def test_every_arm_has_a_style(self):
        for arm in matrix.ARMS:
            self.assertIn(arm, plots.STYLES)


if __name__ == "__main__":
    unittest.main()
