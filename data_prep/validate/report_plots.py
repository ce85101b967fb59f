"""Plots of the report, drawn as plain HTML and SVG."""

import html
from collections.abc import Mapping, Sequence

import numpy as np

_WIDTH, _HEIGHT, _FOOT, _HEAD = 360, 160, 20, 28


def bars(counts: Mapping[str, int], total: int, unit: str) -> str:
    """Horizontal bars, longest first as given; `total` is what a share is of."""
    longest = max(counts.values(), default=0) or 1
    rows = []
    for name, count in counts.items():
        tip = f"{name}: {count} of {total} {unit}" if total else name
        rows.append(
            f'<tr{"" if count else " class=none"} title="{html.escape(tip)}">'
            f"<th>{html.escape(name)}</th>"
            f'<td class="bar"><i style="width:{100 * count / longest:.1f}%"></i></td>'
            f'<td class="n">{count:,}</td><td class="n">{_percent(count, total)}</td></tr>'
        )
    return f'<table class="bars">{"".join(rows)}</table>'


def histogram(values: Sequence[float], edges: Sequence[float], marks: Mapping[str, float]) -> str:
    """Columns between `edges` (numbers, rising), each as wide as the others; what is outside
    counts to the first or last. `marks`: vertical lines at an edge, by name."""
    clipped = np.clip(values, edges[0], np.nextafter(edges[-1], edges[0]))
    counts, _ = np.histogram(clipped, edges)
    most, step = max(1, counts.max()), _WIDTH / len(counts)
    inner = _HEIGHT - _FOOT - _HEAD
    parts = []
    for i, count in enumerate(counts):
        tall = inner * count / most
        if count:
            tall = max(1.0, tall)  # one record in thousands is still seen
        tip = f"{edges[i]:g} to {edges[i + 1]:g}: {count:,}"
        parts.append(
            f'<g><rect class="hit" x="{i * step:.1f}" y="{_HEAD}" width="{step:.1f}" '
            f'height="{inner}"/><rect x="{i * step + 1:.1f}" y="{_HEAD + inner - tall:.1f}" '
            f'width="{step - 2:.1f}" height="{tall:.1f}" rx="1"/><title>{tip}</title></g>'
        )
    top = int(counts.argmax())
    parts.append(
        f'<text x="{(top + 0.5) * step:.1f}" y="{_HEAD - 4}" text-anchor="middle">{most:,}</text>'
    )
    for name, value in marks.items():
        x = step * list(edges).index(value)
        parts.append(
            f'<line x1="{x:.1f}" x2="{x:.1f}" y1="0" y2="{_HEAD + inner}"/>'
            f'<text x="{x - 3:.1f}" y="9" text-anchor="end">{html.escape(name)}</text>'
        )
    parts.append(f'<path d="M0 {_HEAD + inner + 0.5}H{_WIDTH}"/>')
    every = -(-len(edges) // 8)  # about eight numbers fit
    for i in range(0, len(edges), every):
        anchor = "start" if i == 0 else "end" if i == len(edges) - 1 else "middle"
        parts.append(
            f'<text x="{i * step:.1f}" y="{_HEIGHT - 5}" text-anchor="{anchor}">{edges[i]:g}</text>'
        )
    return f'<svg class="plot" viewBox="0 0 {_WIDTH} {_HEIGHT}">{"".join(parts)}</svg>'


def doubling(values: Sequence[float], least: int, most: int = 4096) -> list[int]:
    """Edges that double, as far as the values reach: sizes have long tails."""
    edges = [least]
    while edges[-1] < most and (len(edges) < 4 or edges[-1] <= max(values)):
        edges.append(2 * edges[-1])
    return edges


def _percent(count: int, total: int) -> str:
    share = 100 * count / total if total else 0
    return f"{share:.0f} %" if share >= 1 or not count else "< 1 %"
