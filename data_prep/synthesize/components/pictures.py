"""Drawn pictures as small data URIs, so that nobody else's photo, map or code is distributed."""

import math
from random import Random
from urllib.parse import quote


def data_uri(svg: str) -> str:
    return "data:image/svg+xml," + quote(svg, safe=" =:/(),.'")


def svg(width: int, height: int, body: str) -> str:
    return (
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {width} {height}' width='{width}'"
        f" height='{height}' preserveAspectRatio='xMidYMid slice'>{body}</svg>"
    )


def hsl(rng: Random, hue: float, low: int, high: int) -> str:
    tone = round(hue + rng.uniform(-25, 25)) % 360
    return f"hsl({tone},{rng.randint(25, 70)}%,{rng.randint(low, high)}%)"


def portrait(rng: Random, side: int) -> str:
    hue = rng.uniform(0, 360)
    body = (
        f"<rect width='100' height='100' fill='{hsl(rng, hue, 65, 88)}'/>"
        f"<ellipse cx='50' cy='104' rx='38' ry='34' fill='{hsl(rng, hue + 120, 30, 55)}'/>"
        "<circle cx='50' cy='42' r='20'"
        f" fill='hsl({rng.randint(15, 35)},45%,{rng.randint(35, 80)}%)'/>"
        f"<path d='M29 42a21 21 0 0 1 42 0q-21 -{rng.randint(8, 24)} -42 0' fill='hsl("
        f"{rng.randint(10, 40)},30%,{rng.randint(12, 45)}%)'/>"
    )
    size = f"width='{side}' height='{side}' preserveAspectRatio='xMidYMid slice'"
    return data_uri(
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 100 100' {size}>{body}</svg>"
    )


def logo(rng: Random, word: str, ink: str, height: int = 32) -> str:
    """A picture logo: a mark and a word."""
    mark = rng.choice(
        (
            "<circle cx='16' cy='16' r='13'/>",
            "<rect x='4' y='4' width='24' height='24' rx='6'/>",
            "<polygon points='16,2 30,28 2,28'/>",
            "<path d='M4 28V4l12 14L28 4v24z'/>",
        )
    )
    width = 44 + 15 * len(word)
    return data_uri(
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {width} 32' height='{height}'"
        f" width='{round(width * height / 32)}'><g fill='{ink}'>{mark}<text x='40' y='24'"
        f" font-family='DejaVu Sans' font-weight='700' font-size='22'>{word}</text></g></svg>"
    )


def qr(rng: Random, ink: str = "#000", paper: str = "#fff") -> str:
    """A drawing with the finder patterns, timing lines and quiet zone of a QR code, as SVG text.

    Its modules are random: it encodes nothing.
    """
    side = rng.choice((21, 25, 29))
    dark = {(x, y) for x in range(side) for y in range(side) if rng.random() < 0.48}
    # Finder patterns: 7 x 7 modules with a white separator around them, in three corners.
    for left, top in ((0, 0), (side - 7, 0), (0, side - 7)):
        for x in range(-1, 8):
            for y in range(-1, 8):
                ring = max(abs(x - 3), abs(y - 3))
                (dark.add if ring in (0, 1, 3) else dark.discard)((left + x, top + y))
    # Timing lines alternate between the finder patterns.
    for i in range(8, side - 8):
        for cell in ((i, 6), (6, i)):
            (dark.add if i % 2 == 0 else dark.discard)(cell)
    path = "".join(
        f"M{x + 2} {y + 2}h1v1h-1z" for x, y in sorted(dark) if 0 <= x < side and 0 <= y < side
    )
    total = side + 4
    return (
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {total} {total}'"
        f" shape-rendering='crispEdges'><rect width='{total}' height='{total}' fill='{paper}'/>"
        f"<path d='{path}' fill='{ink}'/></svg>"
    )


def street_map(rng: Random, width: int, height: int, *, pin: bool) -> str:
    """Blocks, streets, water, a park and perhaps a pin, as SVG text."""
    land, street = rng.choice(
        (("#eef0ea", "#ffffff"), ("#f3efe6", "#ffffff"), ("#2a3038", "#454e5a"))
    )
    body = f"<rect width='{width}' height='{height}' fill='{land}'/>"
    body += (
        f"<rect x='{rng.randint(0, width * 2 // 3)}' y='{rng.randint(0, height // 2)}'"
        f" width='{width // 5}' height='{height // 3}' fill='#bfdcae'/>"
    )
    y0, y1 = rng.randint(0, height), rng.randint(0, height)
    body += (
        f"<path d='M0 {y0}C{width // 3} {y1} {width // 2} {y0} {width} {y1}' stroke='#9cc7e8'"
        f" stroke-width='{rng.randint(14, 40)}' fill='none'/>"
    )
    tilt, lines = rng.randint(-60, 60), ""
    step = rng.randint(50, 90)
    for x in range(-100, width + 100, step):
        lines += f"M{x} 0L{x + tilt} {height}"
    for y in range(-60, height + 60, step):
        lines += f"M0 {y}L{width} {y - tilt // 2}"
    body += f"<path d='{lines}' stroke='{street}' stroke-width='5' fill='none'/>"
    body += (
        f"<path d='M0 {rng.randint(0, height)}L{width} {rng.randint(0, height)}' stroke='#f6cf65'"
        " stroke-width='9' fill='none'/>"
    )
    if pin:
        x, y = width // 2, height // 2
        body += (
            f"<path d='M{x} {y}c-22-30-16-46 0-46s22 16 0 46z' fill='#d93025'/>"
            f"<circle cx='{x}' cy='{y - 28}' r='6' fill='#fff'/>"
        )
    return svg(width, height, body)


def chart(rng: Random, width: int, height: int, first: str, second: str, line: str) -> str:
    """A diagram of random figures, as SVG text: bars, a line, an area, or a ring."""
    values = [rng.uniform(0.15, 0.95) for _ in range(rng.randint(6, 14))]
    step, kind = width / len(values), rng.choice(("bars", "line", "area", "ring", "bars"))
    lines = "".join(f"M0 {round(height * i / 5)}H{width}" for i in range(1, 6))
    body = f"<path d='{lines}' stroke='{line}' stroke-opacity='.3' fill='none'/>"
    if kind == "bars":
        for at, value in enumerate(values):
            tall = round(height * value)
            body += (
                f"<rect x='{step * (at + 0.2):.0f}' y='{height - tall}' width='{step * 0.6:.0f}'"
                f" height='{tall}' fill='{first if at % 2 else second}'/>"
            )
    elif kind == "ring":
        radius, start = height * 0.36, 0.0
        around = 2 * math.pi * radius
        body = ""
        for share, color in ((0.5, first), (0.3, second), (0.2, line)):
            body += (
                f"<circle cx='{width // 2}' cy='{height // 2}' r='{radius:.0f}' fill='none'"
                f" stroke='{color}' stroke-width='{height * 0.16:.0f}' stroke-dasharray="
                f"'{around * share:.0f} {around:.0f}' stroke-dashoffset='{-around * start:.0f}'/>"
            )
            start += share
    else:
        points = " ".join(
            f"{step * (at + 0.5):.0f},{height * (1 - value):.0f}" for at, value in enumerate(values)
        )
        if kind == "area":
            corners = f"{step / 2:.0f},{height} {points} {width - step / 2:.0f},{height}"
            body += f"<polygon points='{corners}' fill='{first}' fill-opacity='.25'/>"
        body += f"<polyline points='{points}' fill='none' stroke='{first}' stroke-width='3'/>"
    return svg(width, height, body)


# Pictograms on a grid of 24, drawn by us as strokes.
PICTOGRAMS = (
    "M4 12l6 6L20 6",
    "M12 3v18M3 12h18",
    "M4 7h16M4 12h16M4 17h16",
    "M12 3l9 8h-3v9H6v-9H3z",
    "M4 5h16v14H4zM4 6l8 7 8-7",
    "M12 21s-8-5-8-11a4.5 4.5 0 0 1 8-3 4.5 4.5 0 0 1 8 3c0 6-8 11-8 11z",
    "M12 3a9 9 0 1 0 .1 0zM12 7v5l4 2",
    "M10 4a6 6 0 1 0 .1 0zM15 15l6 6",
    "M12 4a4 4 0 1 0 .1 0zM4 21a8 8 0 0 1 16 0",
    "M12 2l3 7h7l-6 4 2 8-6-5-6 5 2-8-6-4h7z",
    "M13 2L4 14h7l-1 8 9-12h-7z",
    "M6 11V8a6 6 0 0 1 12 0v3M4 11h16v10H4z",
    "M4 20V10M10 20V4M16 20v-8M22 20H2",
    "M4 17l6-6 4 4 6-8M14 7h6v6",
    "M12 3l8 3v6c0 5-4 8-8 9-4-1-8-4-8-9V6z",
    "M3 7h13v10H3zM16 10h4l2 3v4h-6M7 17a2 2 0 1 0 .1 0M18 17a2 2 0 1 0 .1 0",
)
# Simplified logos of social networks, drawn by us.
SOCIAL_SIGNS = (
    "M14 8h3V4h-3c-3 0-4 2-4 4v3H7v4h3v7h4v-7h3l1-4h-4V9z",
    "M4 4l16 16M20 4L4 20",
    "M5 5h14v14H5zM12 9a3 3 0 1 0 .1 0zM16.5 7.5h.1",
    "M5 9v10M5 5v.1M10 19V9M10 13c0-5 8-5 8 0v6",
    "M3 7c0-2 18-2 18 0v10c0 2-18 2-18 0zM10 9l5 3-5 3z",
    "M12 3a9 9 0 0 0-3 17v-4M15 20v-5M9 12c0-5 6-5 6 0s-6 4-6 0",
    "M8 3v12a3 3 0 1 1-3-3M8 6c2 3 5 3 8 3",
)


def pictogram(path: str, ink: str, *, filled: bool) -> str:
    """A pictogram as SVG text, for the page itself or for a data URI."""
    paint = (
        f"fill='{ink}' stroke='none'"
        if filled
        else f"fill='none' stroke='{ink}' stroke-width='2' stroke-linecap='round'"
    )
    head = f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 24 24' {paint}>"
    return f"{head}<path d='{path}'/></svg>"
