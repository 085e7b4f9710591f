"""Plots of the comparison, each as PNG and SVG beside the results. Bars of error are 95 % confidence
intervals over the seeds; there are none with one seed. What was not run is left out, so that --short
has plots as well."""
import collections
import csv
import pathlib

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402

import matrix  # noqa: E402
import summary  # noqa: E402

# Colours that people with any colour vision can tell apart (Okabe and Ito), and a marker each.
STYLES = {
    "static": ("#999999", "x", ":"),
    "baseline": ("#000000", "o", "-"),
    "notification": ("#D55E00", "s", "-"),
    "notification, told of moves": ("#D55E00", "p", "--"),
    "dispatching, least impedance": ("#0072B2", "^", "-"),
    "dispatching, round robin": ("#56B4E9", "v", "-"),
    "dispatching, predicted": ("#009E73", "D", "-"),
    "dispatching, predicted, followed": ("#009E73", "d", "--"),
    "dispatching, as shipped": ("#B8A000", "P", "-"),
    "dispatching, shipped and followed": ("#B8A000", "*", "--"),
    "dispatching, followed, told of moves": ("#B8A000", "h", ":"),
    "uncoordinated, k=2": ("#CC79A7", "<", "--"),
    "uncoordinated, k=3": ("#CC79A7", ">", ":"),
}
CHANGES = {"mobility": "mean time in a cell, s",
           "hot cell": "time between moves of the hot cell, s",
           "hot lambda": "time between changes of the hot λ, s"}
plt.rcParams.update({"font.size": 9, "axes.grid": True, "grid.alpha": 0.3, "svg.fonttype": "none",
                     "axes.spines.top": False, "axes.spines.right": False})


def find(cells, **keys):
    """Cells that have these values, by arm, in the order of T_c, clients and period."""
    found = collections.defaultdict(list)
    for cell in cells:
        if all(getattr(cell, key) == value for key, value in keys.items()):
            found[cell.arm].append(cell)
    for arm in matrix.ARMS:
        if arm in found:
            yield arm, sorted(found[arm], key=lambda c: (c.t_c, c.clients, c.period))


def error(halves, scale=1):
    """Bars of error; none when an interval is not known."""
    return None if None in halves else [half * scale for half in halves]


def bars(axes, points, scale=1, **style):
    """`points`: x, and mean and half of an interval."""
    known = [p for p in points if p[1] is not None]
    if known:
        axes.errorbar([p[0] for p in known], [p[1] * scale for p in known],
                      error([p[2] for p in known], scale), capsize=2, **style)


def curve(axes, cells, metrics, x, metric, arm, label=None, scale=1):
    colour, marker, line = STYLES[arm]
    points = [(getattr(c, x), *summary.interval(metrics[c][metric])) for c in cells]
    bars(axes, points, scale, color=colour, marker=marker, linestyle=line, markersize=5,
         linewidth=1.3, label=label or arm)


def logarithmic(axes, values):
    axes.set_xscale("log")
    axes.set_xticks(sorted(set(values)), [f"{v:g}" for v in sorted(set(values))])
    axes.minorticks_off()


def save(figure, axes, directory, name, legend=True):
    """With one legend for all, below them. Panels that show nothing are taken away."""
    empty = [one for one in axes.flat if not one.has_data()]
    if len(empty) == axes.size:
        return plt.close(figure)
    for one in empty:
        one.remove()
    width, height = figure.get_size_inches()
    below = 0
    if legend:
        handles = {}
        for one in figure.axes:
            for handle, label in zip(*one.get_legend_handles_labels()):
                handles.setdefault(label, handle)
        columns = max(1, int(width / 2.3))
        rows = -(-len(handles) // columns)
        below = (0.2 * rows + 0.1) / height
        figure.legend(handles.values(), handles.keys(), loc="lower center", ncol=columns,
                      frameon=False, fontsize=8)
    figure.tight_layout(rect=(0, below, 1, 1))
    for kind in ("png", "svg"):
        figure.savefig(directory / f"{name}.{kind}", dpi=130)
    plt.close(figure)


def grid(rows, columns, width=3.6, height=2.7):
    return plt.subplots(rows, columns, figsize=(width * columns, height * rows + 0.7),
                        squeeze=False)


def response(metrics, directory, change):
    """Mean, p95 and p99 against how fast things change; a column for each size."""
    sizes = sorted({c.hosts for c in metrics if c.series == change})
    rows = [("mean_ms", "mean"), ("p95_ms", "95th percentile"), ("p99_ms", "99th percentile"),
            ("variation", "coefficient of variation")]
    figure, axes = grid(len(rows), len(sizes), height=2.3)
    for column, hosts in enumerate(sizes):
        for row, (metric, name) in enumerate(rows):
            one = axes[row][column]
            for arm, cells in find(metrics, series=change, hosts=hosts):
                if arm == "static" and change != "mobility":
                    continue  # several times as slow: nothing else could be seen
                curve(one, cells, metrics, "t_c", metric, arm)
                logarithmic(one, [c.t_c for c in cells])
            if row == 0:
                one.set_title(f"{hosts} MEC hosts")
            if row == len(rows) - 1:
                one.set_xlabel(CHANGES[change])
            if column == 0:
                one.set_ylabel(name if metric == "variation" else f"{name}, ms")
    save(figure, axes, directory, "response_" + change.replace(" ", "_"))


def read_cdf(directory):
    curves = collections.defaultdict(list)
    with open(directory / "cdf.csv", newline="") as file:
        for row in csv.DictReader(file):
            cell = matrix.Cell(**{f: summary.typed(f, row[f]) for f in matrix.FIELDS})
            curves[cell].append((float(row["response_ms"]), float(row["share"])))
    return curves


def distributions(directory):
    """Share of calls that take longer, on a logarithmic scale: the tail is what matters."""
    curves = read_cdf(directory)
    fast = [c for c in curves if c.t_c == 5 and c.series in ("mobility", "hot lambda")]
    if not fast:
        return
    changes, sizes = sorted({c.series for c in fast}, reverse=True), sorted({c.hosts for c in fast})
    figure, axes = grid(len(changes), len(sizes), height=2.9)
    for row, change in enumerate(changes):
        for column, hosts in enumerate(sizes):
            one = axes[row][column]
            right = 0
            for arm, cells in find(curves, series=change, hosts=hosts, t_c=5):
                points = curves[cells[0]]
                colour, _, line = STYLES[arm]
                one.step([p[0] for p in points], [max(1 - p[1], 1e-4) for p in points],
                         where="post", color=colour, linestyle=line, label=arm, linewidth=1.3)
                if arm != "static":  # it may leave the picture
                    right = max([right] + [p[0] for p in points if p[1] < 0.999])
            one.set_yscale("log")
            one.set_ylim(1e-3, 1)
            one.set_xlim(95, right * 1.05)
            one.set_title(f"{change}, every 5 s, {hosts} MEC hosts")
            one.set_xlabel("response time, ms")
            if column == 0:
                one.set_ylabel("share of calls that take longer")
    save(figure, axes, directory, "response_distribution")


# Which arms, by whom they are told apart: any dispatcher that is not followed is as stale.
STALE = (("UEs' own rows", "calls to an endpoint that\nthe table no longer names, %",
          {"baseline": "baseline", "notification": "notification",
           "notification, told of moves": "notification, told of moves",
           "uncoordinated, k=2": "uncoordinated, k=2"}),
         ("dispatching", "calls to a dispatcher that\nthe table no longer names, %",
          {"dispatching, as shipped": "dispatching, any that is not followed",
           "dispatching, shipped and followed": "dispatching, shipped and followed",
           "dispatching, followed, told of moves": "dispatching, followed, told of moves"}))


def stale(metrics, directory):
    """Dispatching apart. A dispatcher that is not followed has the row of a cell: another one holds
    as soon as the UE moves. Other rows are a UE's own, and are rewritten when the Optimizer plans or
    is told. So a late plan makes nobody stale there; what it costs is in the response times."""
    sizes = sorted({c.hosts for c in metrics if c.series == "mobility"})
    figure, axes = grid(len(STALE), len(sizes), height=2.8)
    for row, (since, name, arms) in zip(axes, STALE):
        for one, hosts in zip(row, sizes):
            for arm, cells in find(metrics, series="mobility", hosts=hosts):
                if arm in arms:
                    curve(one, cells, metrics, "t_c", "stale_share", arm, arms[arm], 100)
                    logarithmic(one, [c.t_c for c in cells])
            one.set_title(f"{hosts} MEC hosts, {since}", fontsize=9)
            one.set_xlabel(CHANGES["mobility"])
            one.set_ylim(bottom=min(-1, -0.03 * one.get_ylim()[1]))
        row[0].set_ylabel(name)
    save(figure, axes, directory, "stale")


def notifications(metrics, directory):
    """Against T_c, for each Optimizer period."""
    sizes = sorted({c.hosts for c in metrics if c.series == "period"})
    figure, axes = grid(1, len(sizes), height=3)
    shades = {1: "#7F3300", 5: "#D55E00", 30: "#F5B183"}
    for one, hosts in zip(axes[0], sizes):
        for period in matrix.PERIODS_S:
            for arm, cells in find(metrics, series="period", hosts=hosts, period=period,
                                   policy="min-cost-flow", arm="notification"):
                points = [(c.t_c, *summary.interval(metrics[c]["notification_rate"]))
                          for c in cells]
                bars(one, points, color=shades[period], marker="s",
                     label=f"Optimizer every {period} s")
                logarithmic(one, [c.t_c for c in cells])
        one.set_title(f"{hosts} MEC hosts, 40 UEs")
        one.set_xlabel(CHANGES["mobility"])
    axes[0][0].set_ylabel("notifications a second")
    save(figure, axes, directory, "notifications")


def bytes_on_links(metrics, directory):
    """Total of each strategy, and of that the share of each link."""
    links = collections.defaultdict(list)
    with open(directory / "links.csv", newline="") as file:
        for row in csv.DictReader(file):
            cell = matrix.Cell(**{f: summary.typed(f, row[f]) for f in matrix.FIELDS})
            links[cell].append(float(row["byte_rate"]) / 1e3)
    sizes = sorted({c.hosts for c in metrics if c.series == "mobility"})
    figure, axes = grid(2, len(sizes), height=2.7)
    for column, hosts in enumerate(sizes):
        found = [(arm, cells[0]) for arm, cells in
                 find(metrics, series="mobility", hosts=hosts, t_c=5)]
        total, single = axes[0][column], axes[1][column]
        for i, (arm, cell) in enumerate(found):
            mean, half = summary.interval(metrics[cell]["link_byte_rate"])
            total.bar(i, mean / 1e6, yerr=error([half], 1e-6), color=STYLES[arm][0], capsize=2,
                      hatch="//" if STYLES[arm][2] != "-" else "")
            single.boxplot([links[cell]], positions=[i], widths=0.6, whis=(0, 100),
                           medianprops={"color": STYLES[arm][0], "linewidth": 2})
        total.set_title(f"mobility, every 5 s, {hosts} MEC hosts")
        total.set_xticks([])
        single.set_xticks(range(len(found)), [arm for arm, _ in found], rotation=40, ha="right",
                          fontsize=8)
    axes[0][0].set_ylabel("all links, MB/s")
    axes[1][0].set_ylabel("each link and direction, kB/s")
    save(figure, axes, directory, "bytes", legend=False)


def period(metrics, directory):
    """What notification gains over baseline, against the Optimizer's period."""
    sizes = sorted({c.hosts for c in metrics if c.series == "period"})
    times = sorted({c.t_c for c in metrics if c.series == "period"})
    colours = plt.get_cmap("viridis")
    figure, axes = grid(1, len(sizes), height=3)
    for one, hosts in zip(axes[0], sizes):
        for policy, line in (("min-cost-flow", "-"), ("count-greedy", ":")):
            for i, t_c in enumerate(times):
                points = []
                for seconds in matrix.PERIODS_S:
                    pair = [metrics.get(matrix.Cell("period", arm, t_c=t_c, hosts=hosts,
                                                    policy=policy, period=seconds))
                            for arm in matrix.PLANNED]
                    if all(pair):
                        gain = [a - b for a, b in zip(pair[0]["mean_ms"], pair[1]["mean_ms"])]
                        points.append((seconds, *summary.interval(gain)))
                if points:
                    greedy = policy == "count-greedy"
                    bars(one, points, linestyle=line, marker="o", markersize=4,
                         color="grey" if greedy else colours(i / max(1, len(times) - 0.5)),
                         label="count-greedy, any time in a cell" if greedy
                         else f"min-cost-flow, {t_c:g} s in a cell")
        logarithmic(one, matrix.PERIODS_S)
        one.set_ylim(bottom=-0.5)
        one.set_title(f"{hosts} MEC hosts")
        one.set_xlabel("Optimizer's period, s")
    axes[0][0].set_ylabel("mean response time: gain of\nnotification over baseline, ms")
    save(figure, axes, directory, "optimizer_period")


def clients(metrics, directory):
    figure, axes = grid(1, 3, height=3)
    for one, (metric, name, scale) in zip(axes[0], (
            ("mean_ms", "mean response time, ms", 1), ("p95_ms", "95th percentile, ms", 1),
            ("link_byte_rate", "bytes between cells, MB/s", 1e-6))):
        for arm, cells in find(metrics, series="clients", hosts=9):
            if arm != "static" or metric == "link_byte_rate":
                curve(one, cells, metrics, "clients", metric, arm, scale=scale)
        one.set_xlabel("UEs, 9 MEC hosts, mobility every 10 s")
        one.set_ylabel(name)
    save(figure, axes, directory, "clients")


def overview(metrics, directory):
    """The two kinds of change, each where it matters most, and what they cost on the network."""
    arms = {"baseline": "baseline", "notification": "notification",
            "notification, told of moves": "notification, told of moves",
            "dispatching, shipped and followed": "dispatching (ours, followed)",
            "dispatching, followed, told of moves": "dispatching (ours, followed), told of moves",
            "dispatching, predicted": "dispatching (prototype's prediction)",
            "uncoordinated, k=2": "two endpoints, probed"}
    panels = [("mobility", 9, "mean, ms", "mean_ms", 1,
               "UEs move, 9 MEC hosts\nmean time in a cell, s"),
              ("hot lambda", 3, "95th percentile, ms", "p95_ms", 1,
               "traffic moves, 3 MEC hosts\ntime between changes of the hot λ, s"),
              ("mobility", 9, "bytes between cells, MB/s", "link_byte_rate", 1e-6,
               "UEs move, 9 MEC hosts\nmean time in a cell, s")]
    panels = [p for p in panels if any((c.series, c.hosts) == p[:2] and c.arm in arms
                                       for c in metrics)]
    if not panels:
        return
    figure, axes = grid(1, len(panels), height=3.1)
    for one, (change, hosts, name, metric, scale, below) in zip(axes[0], panels):
        for arm, cells in find(metrics, series=change, hosts=hosts):
            if arm in arms:
                curve(one, cells, metrics, "t_c", metric, arm, arms[arm], scale)
                logarithmic(one, [c.t_c for c in cells])
        one.set_ylabel(name)
        one.set_xlabel(below)
        if metric == "link_byte_rate":
            one.set_ylim(bottom=0)
    save(figure, axes, directory, "overview")


def draw(directory):
    directory = pathlib.Path(directory)
    metrics = summary.read(directory)
    series = {cell.series for cell in metrics}
    for change in series & set(CHANGES):
        response(metrics, directory, change)
    if "mobility" in series:
        overview(metrics, directory)
        distributions(directory)
        stale(metrics, directory)
        bytes_on_links(metrics, directory)
    if "period" in series:
        notifications(metrics, directory)
        period(metrics, directory)
    if "clients" in series:
        clients(metrics, directory)
