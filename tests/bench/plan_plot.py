#!/usr/bin/env python3
"""Draws plan_scaling as SVG, from the lines of `mx2_plan_bench scaling`, and prints the table.

    build/release/bin/mx2_plan_bench scaling | tests/bench/plan_plot.py docs/plan_scaling.svg
"""
import json
import math
import sys

WIDTH, HEIGHT = 560, 340
LEFT, RIGHT, TOP, BOTTOM = 64, 20, 34, 50
COLOURS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7"]


def decades(values):
    return range(math.floor(math.log10(min(values))), math.ceil(math.log10(max(values))) + 1)


def number(value):
    return f"{value:g}" if value < 1000 else f"{int(value):,}".replace(",", "\u202f")


def scale(exponents, low, high):
    first, last = exponents[0], exponents[-1]
    return lambda v: low + (math.log10(v) - first) / max(1, last - first) * (high - low)


def draw(cells):
    xs, ys = decades([c["contexts"] for c in cells]), decades([c["value"] for c in cells])
    x, y = scale(xs, LEFT, WIDTH - RIGHT - 90), scale(ys, HEIGHT - BOTTOM, TOP)
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" '
           'font-family="sans-serif" font-size="12">',
           f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
           f'<text x="{LEFT}" y="20" font-size="14">Seconds for an exact plan, by contexts</text>']
    right = x(10 ** xs[-1])
    for e in ys:
        out.append(f'<line x1="{LEFT}" x2="{right:.1f}" y1="{y(10 ** e):.1f}" y2="{y(10 ** e):.1f}" '
                   'stroke="#ddd"/>')
        out.append(f'<text x="{LEFT - 8}" y="{y(10 ** e) + 4:.1f}" text-anchor="end">'
                   f'{number(10.0 ** e)}</text>')
    for e in xs:
        out.append(f'<text x="{x(10 ** e):.1f}" y="{HEIGHT - BOTTOM + 20}" text-anchor="middle">'
                   f'{number(10 ** e)}</text>')
    for colour, hosts in zip(COLOURS, sorted({c["hosts"] for c in cells})):
        points = [(x(c["contexts"]), y(c["value"])) for c in cells if c["hosts"] == hosts]
        line = " ".join(f"{a:.1f},{b:.1f}" for a, b in points)
        out.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>')
        out += [f'<circle cx="{a:.1f}" cy="{b:.1f}" r="3" fill="{colour}"/>' for a, b in points]
        out.append(f'<text x="{points[-1][0] + 8:.1f}" y="{points[-1][1] + 4:.1f}" fill="{colour}">'
                   f'{number(hosts)} hosts</text>')
    return "\n".join(out + ["</svg>"]) + "\n"


def table(cells):
    print("| contexts | hosts | classes | seconds | rounds | MiB | cost s | mean ms | p95 ms |")
    print("|---:|---:|---:|---:|---:|---:|---:|---:|---:|")
    for c in cells:
        print(f'| {number(c["contexts"])} | {number(c["hosts"])} | {number(c["classes"])} | '
              f'{c["value"]:.2f} | {c["rounds"]} | {c["resident_mib_max"]} | {c["cost_s"]:.0f} | '
              f'{c["mean_ms"]:.2f} | {c["p95_ms"]:.2f} |')


def main():
    cells = [json.loads(line) for line in sys.stdin if line.strip()]
    cells = [c for c in cells if c["bench"] == "plan_scaling"]
    table(cells)
    if len(sys.argv) > 1:
        with open(sys.argv[1], "w", encoding="utf-8") as file:
            file.write(draw(cells))


if __name__ == "__main__":
    main()
