#!/usr/bin/env python3
"""Draws kernel_bench's results against the machine's roofline:

    build/release/kernel_bench --benchmark_format=json > bench.json
    scripts/plot_bench.py bench.json docs/images

Writes products.svg (share of the multipliers' peak by number of tokens, one thread) and decoding.svg (share of the read
bandwidth for one token, by number of threads)."""

import json
import re
import sys
from html import escape

COLORS = ["#3366cc", "#dc3912", "#ff9900", "#109618", "#990099", "#0099c6", "#dd4477", "#66aa00"]


def rows(path):
    for row in json.load(open(path))["benchmarks"]:
        if row.get("error_occurred") or row.get("aggregate_name", "median") != "median":
            continue
        match = re.match(r"(matvec|matmul)/(\w+)(?:/m:(\d+))?/n:4096/k:4096/threads:(\d+)/manual_time", row["name"])
        if match:
            yield match[2], int(match[3] or 1), int(match[4]), row


def bars(title, groups, path):
    """groups: [(label, [(series, fraction)])]"""
    names = list(dict.fromkeys(name for _, bars in groups for name, _ in bars))
    width, height, left, top = 110 * len(groups) + 170, 300, 50, 40
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height + 80}" font-family="sans-serif" '
        f'font-size="12">',
        f'<rect width="100%" height="100%" fill="white"/><text x="{left}" y="22" font-size="14">{escape(title)}</text>',
    ]
    for percent in range(0, 101, 20):
        y = top + height * (1 - percent / 100)
        out.append(f'<line x1="{left}" x2="{width - 110}" y1="{y}" y2="{y}" stroke="#ddd"/>')
        out.append(f'<text x="{left - 6}" y="{y + 4}" text-anchor="end">{percent} %</text>')
    for i, (label, values) in enumerate(groups):
        step = 90 / len(names)
        for name, fraction in values:
            j = names.index(name)
            h = height * min(fraction, 1.05)
            x = left + 10 + 110 * i + j * step
            out.append(f'<rect x="{x:.1f}" y="{top + height - h:.1f}" width="{step - 1:.1f}" height="{h:.1f}" '
                       f'fill="{COLORS[j % len(COLORS)]}"><title>{escape(name)}: {fraction:.1%}</title></rect>')
        out.append(f'<text x="{left + 55 + 110 * i}" y="{top + height + 18}" text-anchor="middle">{escape(label)}</text>')
    for j, name in enumerate(names):
        y = top + 16 * j
        out.append(f'<rect x="{width - 95}" y="{y}" width="10" height="10" fill="{COLORS[j % len(COLORS)]}"/>')
        out.append(f'<text x="{width - 80}" y="{y + 10}">{escape(name)}</text>')
    out.append("</svg>")
    with open(path, "w") as file:
        file.write("\n".join(out) + "\n")


def main():
    if len(sys.argv) != 3:
        sys.exit("usage: plot_bench.py BENCH.json FOLDER")
    data = list(rows(sys.argv[1]))
    tokens = sorted({m for _, m, t, _ in data if m >= 8})
    bars("Matrix product, 4096 x 4096, one thread: share of the multipliers' peak",
         [(f"{m} tokens", [(f, r["peak_fraction"]) for f, n, t, r in data if n == m and t == 1]) for m in tokens],
         f"{sys.argv[2]}/products.svg")
    threads = sorted({t for _, _, t, _ in data})
    bars("One token, 4096 x 4096, weights from memory: share of the read bandwidth",
         [(f"{t} thread" + "s" * (t > 1), [(f, r["bandwidth_fraction"]) for f, m, n, r in data if m == 1 and n == t])
          for t in threads],
         f"{sys.argv[2]}/decoding.svg")


main()
