#!/usr/bin/env python3
"""The figures of docs/quantization.md from what measure.py wrote.

    tools/quantization/plot.py MEASURED.json docs/images
"""
import json
import math
import pathlib
import sys

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 760, 420, 80, 20, 40, 60
COLOURS = {"plain": "#b04a3a", "search": "#2b6ca3", "norms": "#3a8a4d",
           "fit": "#7a4fa3"}


class Plot:
    """Points over a linear and a logarithmic axis, as SVG."""

    def __init__(self, title, x_label, y_label, xs, ys):
        self.parts = []
        margin = (max(xs) - min(xs)) * 0.06 or 1
        self.x0, self.x1 = min(xs) - margin, max(xs) + margin
        self.y0 = math.floor(math.log10(min(ys)))
        self.y1 = math.ceil(math.log10(max(ys)))
        self.text(WIDTH / 2, 20, title, size=15)
        self.text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 15, x_label)
        self.parts.append(
            f'<text x="18" y="{HEIGHT / 2}" text-anchor="middle" '
            f'transform="rotate(-90 18 {HEIGHT / 2})">{y_label}</text>')
        for power in range(self.y0, self.y1 + 1):
            y = self.y(10.0 ** power)
            self.line(LEFT, y, WIDTH - RIGHT, y, "#ddd")
            self.text(LEFT - 8, y + 4, f"1e{power}", anchor="end")
        self.line(LEFT, HEIGHT - BOTTOM, WIDTH - RIGHT, HEIGHT - BOTTOM, "#333")

    def x(self, value):
        share = (value - self.x0) / (self.x1 - self.x0)
        return LEFT + share * (WIDTH - LEFT - RIGHT)

    def y(self, value):
        share = (math.log10(value) - self.y0) / (self.y1 - self.y0)
        return HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)

    def line(self, x0, y0, x1, y1, colour, width=1):
        self.parts.append(f'<line x1="{x0:.1f}" y1="{y0:.1f}" x2="{x1:.1f}" '
                          f'y2="{y1:.1f}" stroke="{colour}" '
                          f'stroke-width="{width}"/>')

    def text(self, x, y, text, anchor="middle", size=12, colour="#222"):
        self.parts.append(f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" '
                          f'text-anchor="{anchor}" fill="{colour}">{text}</text>')

    def series(self, name, points, labels=None):
        colour = COLOURS[name]
        for i, (x, y) in enumerate(points):
            self.parts.append(f'<circle cx="{self.x(x):.1f}" '
                              f'cy="{self.y(y):.1f}" r="4" fill="{colour}"/>')
            if labels:
                self.text(self.x(x), self.y(y) - 9, labels[i], size=10)

    def lines(self, name, points):
        for (x0, y0), (x1, y1) in zip(points, points[1:]):
            self.line(self.x(x0), self.y(y0), self.x(x1), self.y(y1),
                      COLOURS[name], 1.5)

    def legend(self, names):
        for i, name in enumerate(names):
            x = WIDTH - 130
            y = TOP + 14 + 18 * i
            self.parts.append(f'<circle cx="{x}" cy="{y - 4}" r="4" '
                              f'fill="{COLOURS[name]}"/>')
            self.text(x + 12, y, name, anchor="start")

    def write(self, path):
        path.write_text(
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" '
            f'height="{HEIGHT}" font-family="sans-serif" font-size="12">\n'
            f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>\n'
            + "\n".join(self.parts) + "\n</svg>\n")


def recipes(data, out):
    rows = data["recipes"]
    ticks = {row["recipe"]: row["bytes"] / 1e6 for row in rows}
    plot = Plot("KL to the source by recipe (models/nano)", "size, MB",
                "mean KL, nats", list(ticks.values()),
                [row["kl_mean"] for row in rows])
    for name in ("plain", "norms", "search"):
        mine = [row for row in rows if row["quantiser"] == name]
        plot.series(name, [(r["bytes"] / 1e6, r["kl_mean"]) for r in mine],
                    [r["recipe"] for r in mine] if name == "plain" else None)
    if data["fits"]:
        fits = sorted((r["bytes"] / 1e6, r["kl_mean"]) for r in data["fits"]
                      if r["kl_mean"] > 0)
        plot.lines("fit", fits)
        plot.series("fit", fits)
    for value in range(int(plot.x0) // 4 * 4 + 4, int(plot.x1) + 1, 4):
        plot.text(plot.x(value), HEIGHT - BOTTOM + 16, str(value))
    plot.legend(["plain", "norms", "search", "fit"])
    plot.write(out / "quantization-kl.svg")


def formats(data, out):
    heavy = data["formats"]["heavy"]

    def points(quantiser):
        return [(bits, heavy[f"affine {bits} bit g64"][quantiser])
                for bits in (2, 3, 4, 5, 6, 8)]

    plot = Plot("Noise over signal, heavy-tailed weights, groups of 64",
                "bits a code", "squared error over squares", [2, 8],
                [y for q in ("plain", "search") for _, y in points(q)])
    for name in ("plain", "search"):
        plot.lines(name, points(name))
        plot.series(name, points(name))
    for bits in (2, 3, 4, 5, 6, 8):
        plot.text(plot.x(bits), HEIGHT - BOTTOM + 16, str(bits))
    plot.legend(["plain", "search"])
    plot.write(out / "quantization-noise.svg")


def main():
    data = json.loads(pathlib.Path(sys.argv[1]).read_text())
    out = pathlib.Path(sys.argv[2])
    out.mkdir(parents=True, exist_ok=True)
    recipes(data, out)
    formats(data, out)


main()
