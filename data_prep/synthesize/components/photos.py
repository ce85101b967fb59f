"""Imitated photos, drawings and screenshots, drawn here, as small data URIs."""

import base64
import io
import math
from random import Random

from PIL import Image

from data_prep.synthesize.components.pictures import data_uri, hsl, svg


def photo(rng: Random, width: int, height: int) -> str:
    """Something that a person takes for a photo or an illustration, as a data URI; sizes in px."""
    return rng.choice(MAKERS)(rng, max(8, width), max(8, height))


def _gradient(name: str, first: str, second: str) -> str:
    return (
        f"<linearGradient id='{name}' x1='0' y1='0' x2='0' y2='1'><stop offset='0'"
        f" stop-color='{first}'/><stop offset='1' stop-color='{second}'/></linearGradient>"
    )


def _landscape(rng: Random, w: int, h: int) -> str:
    hue = rng.uniform(0, 360)
    body = _gradient("s", hsl(rng, hue, 55, 80), hsl(rng, hue + 40, 75, 92))
    body += f"<rect width='{w}' height='{h}' fill='url(#s)'/>"
    body += (
        f"<circle cx='{round(w * rng.uniform(0.15, 0.85))}'"
        f" cy='{round(h * rng.uniform(0.15, 0.4))}'"
        f" r='{round(min(w, h) * rng.uniform(0.06, 0.14))}' fill='#fff' opacity='.8'/>"
    )
    for layer in range(rng.randint(2, 4)):
        base, swing = h * (0.5 + 0.14 * layer), h * rng.uniform(0.05, 0.16)
        phase, waves = rng.uniform(0, 6), rng.uniform(1, 4)
        points = [
            f"{round(w * i / 12)},{round(base + swing * math.sin(phase + waves * i / 3))}"
            for i in range(13)
        ]
        color = hsl(rng, hue + 90, 45 - 9 * layer, 58 - 9 * layer)
        body += f"<polygon points='0,{h} {' '.join(points)} {w},{h}' fill='{color}'/>"
    return data_uri(svg(w, h, body))


def _city(rng: Random, w: int, h: int) -> str:
    hue = rng.uniform(0, 360)
    body = _gradient("s", hsl(rng, hue, 20, 50), hsl(rng, hue + 30, 60, 85))
    body += f"<rect width='{w}' height='{h}' fill='url(#s)'/>"
    x = 0.0
    while x < w:
        wide, tall = w * rng.uniform(0.06, 0.14), h * rng.uniform(0.25, 0.75)
        color = hsl(rng, hue, 12, 34)
        body += (
            f"<rect x='{round(x)}' y='{round(h - tall)}' width='{round(wide)}'"
            f" height='{round(tall)}' fill='{color}'/>"
        )
        # Houses overlap a little or leave a gap.
        x += wide * rng.uniform(0.85, 1.1)
    return data_uri(svg(w, h, body))


def _abstract(rng: Random, w: int, h: int) -> str:
    hue = rng.uniform(0, 360)
    body = f"<rect width='{w}' height='{h}' fill='{hsl(rng, hue, 60, 88)}'/>"
    for _ in range(rng.randint(4, 9)):
        body += (
            f"<circle cx='{rng.randint(0, w)}' cy='{rng.randint(0, h)}'"
            f" r='{round(max(w, h) * rng.uniform(0.08, 0.3))}' fill='{hsl(rng, hue + 60, 35, 75)}'"
            f" opacity='.6'/>"
        )
    return data_uri(svg(w, h, body))


def _object(rng: Random, w: int, h: int) -> str:
    hue, side = rng.uniform(0, 360), min(w, h)
    body = _gradient("s", hsl(rng, hue, 80, 92), hsl(rng, hue, 66, 80))
    body += f"<rect width='{w}' height='{h}' fill='url(#s)'/>"
    body += (
        f"<ellipse cx='{w // 2}' cy='{round(h / 2 + side * 0.3)}' rx='{round(side * 0.3)}'"
        f" ry='{round(side * 0.05)}' fill='#000' opacity='.25'/>"
        f"<rect x='{round(w / 2 - side * 0.18)}' y='{round(h / 2 - side * 0.28)}'"
        f" width='{round(side * 0.36)}' height='{round(side * 0.57)}' rx='{rng.randint(2, 40)}'"
        f" fill='{hsl(rng, hue + 150, 30, 55)}'/>"
    )
    return data_uri(svg(w, h, body))


def _blur(rng: Random, w: int, h: int) -> str:
    """A few random pixels, enlarged: a picture out of focus."""
    wide, tall = rng.randint(4, 9), rng.randint(3, 7)
    base = [rng.randint(30, 220) for _ in range(3)]
    pixels = bytes(
        max(0, min(255, base[c] + rng.randint(-70, 70)))
        for _ in range(wide * tall)
        for c in range(3)
    )
    small = Image.frombytes("RGB", (wide, tall), pixels)
    return _png(small.resize((wide * 4, tall * 4), Image.Resampling.BICUBIC))


def _clouds(rng: Random, w: int, h: int) -> str:
    """Noise at several scales, as in a photo of leaves, water or stone."""
    size = (48, 36)
    hue = [rng.randint(40, 215) for _ in range(3)]
    total = [[float(c)] * (size[0] * size[1]) for c in hue]
    # Each octave doubles the frequency and has less amplitude, as in natural images.
    for octave in range(2, 6):
        wide, tall, swing = 2**octave, 2**octave * 3 // 4, 110 / octave
        grain = bytes(rng.randrange(256) for _ in range(wide * tall))
        layer = Image.frombytes("L", (wide, tall), grain).resize(size, Image.Resampling.BICUBIC)
        for at, value in enumerate(layer.tobytes()):
            for channel in total:
                channel[at] += (value / 255 - 0.5) * swing
    pixels = bytes(
        max(0, min(255, round(channel[at]))) for at in range(len(total[0])) for channel in total
    )
    return _png(Image.frombytes("RGB", size, pixels))


def _png(image: Image.Image) -> str:
    out = io.BytesIO()
    image.save(out, "PNG")
    return "data:image/png;base64," + base64.b64encode(out.getvalue()).decode()


def _room(rng: Random, w: int, h: int) -> str:
    """A wall, a floor, a window, something to sit on."""
    hue, floor = rng.uniform(0, 360), round(h * rng.uniform(0.62, 0.78))
    body = (
        f"<rect width='{w}' height='{h}' fill='{hsl(rng, hue, 70, 90)}'/>"
        f"<rect y='{floor}' width='{w}' height='{h - floor}' fill='{hsl(rng, hue + 20, 35, 60)}'/>"
    )
    x, wide, tall = w * rng.uniform(0.08, 0.5), w * 0.26, h * 0.34
    body += (
        f"<rect x='{x:.0f}' y='{h * 0.12:.0f}' width='{wide:.0f}' height='{tall:.0f}'"
        f" fill='{hsl(rng, 205, 75, 92)}' stroke='#fff' stroke-width='{max(2, w // 90)}'/>"
        f"<path d='M{x + wide / 2:.0f} {h * 0.12:.0f}v{tall:.0f}' stroke='#fff' stroke-width='2'/>"
    )
    seat = w * rng.uniform(0.3, 0.55)
    color = hsl(rng, hue + 150, 30, 55)
    body += (
        f"<rect x='{seat:.0f}' y='{floor - h * 0.2:.0f}' width='{w * 0.36:.0f}'"
        f" height='{h * 0.24:.0f}' rx='{w // 50}' fill='{color}'/>"
        f"<rect x='{seat - w * 0.03:.0f}' y='{floor - h * 0.08:.0f}' width='{w * 0.42:.0f}'"
        f" height='{h * 0.14:.0f}' rx='{w // 60}' fill='{hsl(rng, hue + 150, 22, 40)}'/>"
    )
    return data_uri(svg(w, h, body))


def _people(rng: Random, w: int, h: int) -> str:
    """Heads and shoulders in front of a gradient."""
    hue = rng.uniform(0, 360)
    body = _gradient("s", hsl(rng, hue, 70, 88), hsl(rng, hue + 30, 45, 65))
    body += f"<rect width='{w}' height='{h}' fill='url(#s)'/>"
    count = rng.randint(1, 4)
    for at in range(count):
        x, size = w * (at + 0.5) / count, min(h * 0.2, w / count * 0.3) * rng.uniform(0.8, 1.1)
        y = h * rng.uniform(0.4, 0.5)
        body += (
            f"<ellipse cx='{x:.0f}' cy='{y + size * 3:.0f}' rx='{size * 1.9:.0f}'"
            f" ry='{size * 2:.0f}' fill='{hsl(rng, rng.uniform(0, 360), 25, 60)}'/>"
            f"<circle cx='{x:.0f}' cy='{y:.0f}' r='{size:.0f}'"
            f" fill='hsl({rng.randint(15, 35)},45%,{rng.randint(35, 80)}%)'/>"
            f"<path d='M{x - size:.0f} {y:.0f}a{size:.0f} {size:.0f} 0 0 1 {2 * size:.0f} 0q"
            f"-{size:.0f} -{size * 0.6:.0f} -{2 * size:.0f} 0' fill='#2b1d14'/>"
        )
    return data_uri(svg(w, h, body))


def _plate(rng: Random, w: int, h: int) -> str:
    """Food from above."""
    hue, r = rng.uniform(0, 360), min(w, h) * 0.4
    body = f"<rect width='{w}' height='{h}' fill='{hsl(rng, hue, 30, 75)}'/>"
    body += f"<circle cx='{w // 2}' cy='{h // 2}' r='{r:.0f}' fill='#f7f4ee'/>"
    body += f"<circle cx='{w // 2}' cy='{h // 2}' r='{r * 0.8:.0f}' fill='#ece7dc'/>"
    for _ in range(rng.randint(5, 12)):
        turn, far = rng.uniform(0, 6.3), rng.uniform(0, r * 0.55)
        x, y = w / 2 + far * math.cos(turn), h / 2 + far * math.sin(turn)
        size, color = r * rng.uniform(0.1, 0.24), hsl(rng, rng.uniform(0, 130), 35, 60)
        body += f"<circle cx='{x:.0f}' cy='{y:.0f}' r='{size:.0f}' fill='{color}'/>"
    return data_uri(svg(w, h, body))


def _pattern(rng: Random, w: int, h: int) -> str:
    hue, step = rng.uniform(0, 360), rng.randint(18, 60)
    first, second = hsl(rng, hue, 25, 60), hsl(rng, hue + 60, 60, 90)
    shape = rng.choice(
        (
            f"<circle cx='{step // 2}' cy='{step // 2}' r='{step // 3}' fill='{second}'/>",
            f"<path d='M0 {step}L{step} 0' stroke='{second}' stroke-width='{step // 4}'/>",
            f"<rect width='{step // 2}' height='{step // 2}' fill='{second}'/>",
        )
    )
    body = (
        f"<pattern id='p' width='{step}' height='{step}' patternUnits='userSpaceOnUse'>{shape}"
        f"</pattern><rect width='{w}' height='{h}' fill='{first}'/>"
        f"<rect width='{w}' height='{h}' fill='url(#p)'/>"
    )
    return data_uri(svg(w, h, body))


def _placeholder(rng: Random, w: int, h: int) -> str:
    """A gray placeholder with its size or a symbol."""
    gray = rng.randint(70, 92)
    ink = f"hsl(0,0%,{gray - 30}%)"
    body = f"<rect width='{w}' height='{h}' fill='hsl(210,{rng.choice((0, 8, 15))}%,{gray}%)'/>"
    if rng.random() < 0.5:
        body += (
            f"<text x='50%' y='54%' text-anchor='middle' font-family='Liberation Sans'"
            f" font-size='{max(9, min(w // 7, h // 5))}' fill='{ink}'>{w} x {h}</text>"
        )
    else:
        x, y, side = w / 2, h / 2, min(w, h) * 0.3
        body += (
            f"<g fill='{ink}'><circle cx='{x - side / 2:.0f}' cy='{y - side / 2:.0f}'"
            f" r='{side / 6:.0f}'/><path d='M{x - side:.0f} {y + side / 2:.0f}l{side * 0.7:.0f}"
            f" -{side * 0.8:.0f} {side * 0.5:.0f} {side * 0.5:.0f} {side * 0.3:.0f}"
            f" -{side * 0.3:.0f} {side * 0.5:.0f} {side * 0.6:.0f}z'/></g>"
        )
    return data_uri(svg(w, h, body))


def _screen(rng: Random, w: int, h: int) -> str:
    """A program on a screen, as product pages show it."""
    hue = rng.uniform(0, 360)
    ink, paper = hsl(rng, hue, 40, 60), "#fff" if rng.random() < 0.7 else "#1d2230"
    gray = "#dfe3ea" if paper == "#fff" else "#3a4152"
    x, y, wide, tall = w * 0.08, h * 0.1, w * 0.84, h * 0.84
    body = f"<rect width='{w}' height='{h}' fill='{hsl(rng, hue, 82, 93)}'/>"
    body += (
        f"<rect x='{x:.0f}' y='{y:.0f}' width='{wide:.0f}' height='{tall:.0f}' rx='8'"
        f" fill='{paper}' stroke='{gray}'/>"
        f"<rect x='{x:.0f}' y='{y:.0f}' width='{wide * 0.2:.0f}' height='{tall:.0f}' fill='{ink}'/>"
    )
    for at in range(rng.randint(3, 6)):
        top, long = y + tall * (0.1 + 0.14 * at), wide * rng.uniform(0.2, 0.66)
        body += (
            f"<rect x='{x + wide * 0.26:.0f}' y='{top:.0f}' width='{long:.0f}'"
            f" height='{tall * 0.06:.0f}' rx='3' fill='{gray}'/>"
        )
    return data_uri(svg(w, h, body))


MAKERS = (
    _landscape,
    _landscape,
    _city,
    _abstract,
    _object,
    _blur,
    _clouds,
    _clouds,
    _room,
    _people,
    _plate,
    _pattern,
    _placeholder,
    _screen,
)
