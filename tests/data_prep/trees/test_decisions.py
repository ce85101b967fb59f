"""Every CSS property that a browser computes is written, folded, counted, or known not to show."""

import io
import tomllib
from pathlib import Path

import pytest
from PIL import Image

from data_prep.trees import classes
from data_prep.trees.colors import plain_colors
from data_prep.trees.compact import properties
from data_prep.trees.values import written_value
from xojl_jax.xojl.codebook import Codebook

DECIDED = tomllib.loads(
    (Path(classes.__file__).with_name("decisions.toml")).read_text(encoding="utf-8")
)
WRITTEN = {*properties(Codebook.load()), *classes.GROUPS}
ELSEWHERE = [
    name for part in ("folded", "unseen") for names in DECIDED[part].values() for name in names
]


def test_each_property_has_one_decision():
    """What is written is not counted, and nothing is decided twice."""
    decided = [*ELSEWHERE, *classes.COUNTED]
    assert len(decided) == len(set(decided))
    assert not WRITTEN & set(decided)


def test_every_property_that_is_written_has_a_code():
    """A property of css.toml that the codebook lacks would be left out in silence."""
    codes = set(Codebook.load().properties.values())
    wanted = classes._CSS["written"]
    assert [name for name in wanted if name not in codes] == []


def test_no_property_of_the_browser_is_forgotten(chromium):
    """A Chromium newer than the table may have more; the one that the table is of has none."""
    if int(chromium.version.split(".")[0]) > DECIDED["chromium"]:
        pytest.skip("newer than decisions.toml: decide what it added, and raise its number")
    with chromium.open_html("<p>a</p>") as page:
        names = page._evaluate("JSON.stringify([...getComputedStyle(document.body)])")
    assert set(names) - WRITTEN - set(ELSEWHERE) - set(classes.COUNTED) == set()


COLORS = (
    ("oklch(0.7 0.2 30)", "rgb(255, 97, 77)"),
    ("oklab(0.627966 0.22488 0.125859 / 0.5)", "rgba(255, 0, 0, 0.5)"),
    ("lab(60 40 -50)", "rgb(178, 119, 234)"),
    ("lch(50% 60 120deg)", "rgb(84, 132, 4)"),
    ("color(display-p3 1 0 0)", "rgb(255, 0, 0)"),  # outside: cut off
    ("color(srgb 1 0.5 none / 25%)", "rgba(255, 128, 0, 0.25)"),
    ("color(xyz-d65 .5 .5 .5)", "rgb(204, 183, 180)"),
    ("inset 0 8px 24px oklch(0 0 0 / 0.25)", "inset 0 8px 24px rgba(0, 0, 0, 0.25)"),
    ("color(--mine 1 2 3)", "color(--mine 1 2 3)"),
)


@pytest.mark.parametrize(("css", "plain"), COLORS)
def test_colors_of_css_4_become_srgb(css, plain):
    assert plain_colors(css) == plain


def test_colors_are_those_that_the_browser_paints(chromium):
    """Also outside of sRGB: each is painted, and held against the pixel."""

    names = [css for css, _ in COLORS[:7]]
    names += [
        f"oklch({light} {c} {h})"
        for light in (0.2, 0.6, 0.9)
        for c in (0.1, 0.35)
        for h in (20, 260)
    ]
    boxes = "".join(f"<i style='display:block;height:9px;background:{name}'></i>" for name in names)
    with chromium.open_html(f"<body style='margin:0;background:#fff'>{boxes}") as page:
        picture = Image.open(io.BytesIO(page.screenshot([0, 0, 9, 9 * len(names)]))).convert("RGB")
        nodes = page.extract("body", ["background-color"]).nodes[1:]
    for index, (name, node) in enumerate(zip(names, nodes, strict=True)):
        channels = [
            float(n) for n in node["styles"]["background-color"].split("(")[1][:-1].split(",")
        ]
        opacity = channels[3] if len(channels) == 4 else 1
        seen = [opacity * c + (1 - opacity) * 255 for c in channels[:3]]
        assert picture.getpixel((4, 9 * index + 4)) == pytest.approx(seen, abs=2), name


@pytest.mark.parametrize(
    ("css", "raw", "written"),
    [
        ("transform", "matrix(0, 1, -1, 0, 5, 0)", "translate+5x+0+rotate+90d"),
        ("transform", "matrix(1, 0, 0, 1, 0, 0)", "none"),
        ("transform", "matrix3d(1, 0, 0, 0)", None),
        (
            "box-shadow",
            "rgba(0, 0, 0, 0) 0px 0px 0px 0px, rgb(0, 0, 0) 0px 1px 3px 0px",
            "000+0+1x+3x+0",
        ),
        ("will-change", "opacity, transform", "transform"),
        ("clip-path", "polygon(0% 0%, 100% 0%)", None),
    ],
)
def test_values_come_to_what_is_seen(css, raw, written):
    assert written_value(css, raw, {v: k for k, v in Codebook.load().units.items()}) == written
