"""The report's records: their pictures, like ones side by side, and the gallery."""

import html
import json

from data_prep.validate import gallery
from data_prep.validate.checks import KINDS
from data_prep.validate.findings import Finding
from data_prep.validate.gallery import Shot
from data_prep.validate.overview import Overview
from data_prep.validate.report_terminal import printable
from xojl_jax.xojl.tree import ELEMENTS

_CAPTION = 30  # characters below a small picture


def picture_definitions(shots: dict[int, Shot]) -> str:
    """Every picture once; the page shows them by reference."""
    parts = []
    for number, shot in shots.items():
        width, height = shot.size
        boxes = "".join(_rectangle(element, box) for element, box in shot.boxes)
        parts.append(
            f'<g id="shot{number}"><image href="{shot.picture}" width="{width}" '
            f'height="{height}"/><g class="boxes">{boxes}</g></g>'
        )
    return f'<svg class="store" aria-hidden="true"><defs>{"".join(parts)}</defs></svg>'


def _rectangle(element: str, box: tuple[float, ...]) -> str:
    x, y, width, height = box
    return (
        f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" '
        f'stroke="{gallery.color(element)}"><title>{element}</title></rect>'
    )


def _picture(number: int, shot: Shot | None, text: str = "no picture") -> str:
    if shot is None:
        return f'<div class="shot missing">{escaped(text)}</div>'
    width, height = shot.size
    return (
        f'<svg class="shot" viewBox="0 0 {width} {height}" role="img">'
        f'<use href="#shot{number}"/></svg>'
    )


def pairs_section(overview: Overview, numbers: list[int], shots: dict[int, Shot]) -> str:
    kinds = overview.pair_kinds()
    if not kinds:
        return '<section id="likes"><h2>Like records</h2><p>None was found.</p></section>'
    told = ", ".join(f"{count:,} {_PAIR_NAMES[kind]}" for kind, count in kinds.items())
    blocks = []
    for number in numbers:
        pair = overview.pairs[number]
        bits = "" if pair.bits is None else f" · pictures differ in {pair.bits} of 64 bits"
        tree = f"{_PAIR_NAMES[pair.kind]} · trees {pair.tree:.0%} alike{bits}"
        sides = "".join(small_picture(n, overview, shots) for n in (pair.other, pair.one))
        blocks.append(f'<article class="pair"><div>{sides}</div><p>{tree}</p></article>')
    return (
        f'<section id="likes"><h2>Like records</h2><p>{told}. Shown: {len(blocks)}, those of '
        f'different splits and sites first.</p><div class="columns wide">{"".join(blocks)}</div>'
        "</section>"
    )


_PAIR_NAMES = {
    "duplicate": "the same again",
    "labels": "the same with other labels",
    "near": "nearly the same",
    "shared": "one picture, two trees",
}


def gallery_section(overview: Overview, numbers: list[int], shots: dict[int, Shot]) -> str:
    if not numbers:
        return ""
    findings = [overview.findings[number] for number in numbers]
    elements = {e for f in findings for e in f.elements}
    kinds = {problem.kind: KINDS[problem.kind].title for f in findings for problem in f.problems}
    filters = (
        _select("category", sorted({f.category for f in findings if f.readable}))
        + _select("element", [e for e in ELEMENTS if e in elements])
        + _select("problem", [kind for kind in KINDS if kind in kinds], kinds)
        + '<input id="words" type="search" placeholder="id, site, file" aria-label="search">'
        '<label><input id="boxes" type="checkbox" checked> boxes</label><output></output>'
    )
    # Only what is drawn: a legend of all elements would hide the few that matter.
    used = [e for e in ELEMENTS if any(e == name for s in shots.values() for name, _ in s.boxes)]
    legend = "".join(f'<i style="--c:{gallery.color(e)}">{e}</i>' for e in used)
    cards = "".join(_card(n, overview.findings[n], shots.get(n)) for n in numbers)
    return (
        f'<section id="gallery"><h2>Gallery</h2><form class="filters">{filters}</form>'
        f'<p class="legend">{legend}</p><div class="cards">{cards}</div></section>'
    )


def _select(name: str, values: list[str], titles: dict[str, str] | None = None) -> str:
    options = "".join(
        f'<option value="{escaped(v)}">{escaped((titles or {}).get(v, v))}</option>' for v in values
    )
    first = f'<option value="">any {name}</option>'
    return f'<select id="{name}" aria-label="{name}">{first}{options}</select>'


def _card(number: int, finding: Finding, shot: Shot | None) -> str:
    problems = list(dict.fromkeys(problem.kind for problem in finding.problems))
    said = "".join(
        f'<p class="{"bad" if KINDS[p.kind].bad else "look"}">{escaped(p.text)}</p>'
        for p in finding.problems
    )
    facts = (
        f"{escaped(finding.category)} · {finding.nodes:,} nodes · {finding.layout_nodes:,} labels"
    )
    if finding.size:
        facts += f" · {finding.size[0]} × {finding.size[1]}"
    for name, value in (finding.quality or {}).items():
        facts += f" · {escaped(name)} {value:.2f}"
    layout = ""
    if shot is not None and shot.layout:
        layout = (
            f"<details><summary>layout</summary><pre>{escaped(shot.layout, True)}</pre></details>"
        )
    searched = escaped(f"{finding.where} {finding.id or ''} {finding.site}".lower())
    data = json.dumps([finding.category, list(finding.elements), problems])
    return (
        f'<figure class="card" data-of="{escaped(data)}" data-words="{searched}">'
        f"{_picture(number, shot)}<figcaption><b>{escaped(name_of(finding))}</b>"
        f"<small>{facts if finding.readable else 'cannot be read'}</small>{said}{layout}"
        "</figcaption></figure>"
    )


def small_picture(number: int, overview: Overview, shots: dict[int, Shot]) -> str:
    """A picture with its name below; a long name is cut in the middle, since ends differ."""
    name = name_of(overview.findings[number])
    short = name if len(name) <= _CAPTION else f"{name[:8]}…{name[9 - _CAPTION :]}"
    return (
        f'<figure title="{escaped(name)}">{_picture(number, shots.get(number))}'
        f"<figcaption>{escaped(short)}</figcaption></figure>"
    )


def name_of(finding: Finding) -> str:
    return finding.id or finding.where


def escaped(text: str, lines: bool = False) -> str:
    """A record's words as words: neither mark-up nor control characters."""
    kept = "\n".join(map(printable, text.split("\n"))) if lines else printable(text)
    return html.escape(kept)
