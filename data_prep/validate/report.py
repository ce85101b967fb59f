"""The report: one HTML file without a network that shows what a data set is like.

What is wrong comes first, with pictures and what to do; then plots, like records side by side, and
a gallery that can be filtered. Its size is bounded: every figure is of all records, the pictures
are of a sample.
"""

import base64
import hashlib
import html
import json
from collections import Counter
from pathlib import Path

from data_prep.records.entries import Folder, Shards
from data_prep.validate import gallery, report_plots
from data_prep.validate.checks import KINDS
from data_prep.validate.coverage import PARTS
from data_prep.validate.findings import LIMITS, Finding
from data_prep.validate.gallery import Shot
from data_prep.validate.overview import Overview, effective_number
from data_prep.validate.report_terminal import printable
from xojl_jax.xojl.tree import ELEMENTS

_OPEN = 12  # bad records of one kind that are named without a click
_LISTED = 200  # records named under one kind of problem
_NAMED = 40  # categories or sites in a plot
_CAPTION = 30  # characters below a small picture
_SIDE_BY_SIDE = ("leak", "duplicate", "near", "labels", "shared")
_UNKNOWN = 12  # unknown names in a row of the vocabulary
_HERE = Path(__file__).parent


def write_report(
    path: Path, source: Folder | Shards, overview: Overview, pictures: int, changes: list
) -> None:
    """Writes the page with at most so many pictures; `changes` is what --fix did."""
    numbers, pairs = gallery.choose(overview, pictures)
    shots = gallery.take_shots(source, source.entries(), numbers)
    parts = [
        _head(overview),
        _verdict(overview, len(shots)),
        _changes(changes),
        _problems(overview, shots),
        _plots(overview),
        _vocabulary(overview),
        _pairs(overview, pairs, shots),
        _gallery(overview, numbers, shots),
        _definitions(shots),
        _tail(),
    ]
    path.write_text("\n".join(filter(None, parts)), encoding="utf-8")


# --- the frame of the page ---------------------------------------------------------------------


def _head(overview: Overview) -> str:
    name = _text(Path(overview.path).resolve().name)
    # Only our own script runs, and nothing is loaded: records may hold anything.
    digest = base64.b64encode(hashlib.sha256(_script().encode()).digest()).decode()
    policy = (
        "default-src 'none'; img-src data:; style-src 'unsafe-inline'; "
        f"script-src 'sha256-{digest}'"
    )
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{name}: validation</title>'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<style>{(_HERE / 'report.css').read_text('utf-8')}</style><body>"
    )


def _script() -> str:
    return (_HERE / "report.js").read_text("utf-8")


def _tail() -> str:
    return f'<dialog id="large"></dialog><script>{_script()}</script></body></html>'


def _definitions(shots: dict[int, Shot]) -> str:
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


def _shown(number: int, shot: Shot | None, text: str = "no picture") -> str:
    if shot is None:
        return f'<div class="shot missing">{_text(text)}</div>'
    width, height = shot.size
    return (
        f'<svg class="shot" viewBox="0 0 {width} {height}" role="img">'
        f'<use href="#shot{number}"/></svg>'
    )


# --- what is wrong -----------------------------------------------------------------------------


def _verdict(overview: Overview, pictures: int) -> str:
    records, bad = len(overview.findings), len(overview.bad)
    labeled, fitting = len(overview.labeled), overview.fitting()
    verdict = f"{bad:,} of {records:,} records are bad" if bad else "Every record is sound"
    categories = overview.categories()
    tiles = [
        (f"{records:,}", "records", f"{labeled:,} labeled"),
        (f"{bad:,}", "bad", "left out, or teaching something wrong"),
        (f"{len(overview.sites()):,}", "sites", "a site is never in two splits"),
        (
            f"{len(categories)}",
            "categories",
            f"as varied as {effective_number(categories):.1f} equally frequent ones",
        ),
        (
            f"{sum(1 for count in overview.elements().values() if count)} of {len(ELEMENTS)}",
            "elements",
            f"as varied as {effective_number(overview.elements()):.1f}",
        ),
        (
            _share(fitting["base"], labeled),
            "fit preset base",
            ", ".join(f"{_share(fitting[p], labeled)} {p}" for p in LIMITS if p != "base"),
        ),
    ]
    cells = "".join(
        f"<div><b>{value}</b><span>{name}</span><small>{note}</small></div>"
        for value, name, note in tiles
    )
    sample = f"Figures are of all records; the pictures are {pictures:,} of them."
    return (
        f'<header><p class="path">{_text(overview.path)}</p>'
        f'<h1 class="{"bad" if bad else "sound"}">{verdict}</h1><p>{sample}</p>'
        "<nav><a href='#problems'>problems</a> <a href='#plots'>plots</a> "
        "<a href='#vocabulary'>vocabulary</a> <a href='#likes'>like records</a> "
        f'<a href="#gallery">gallery</a></nav></header><section class="tiles">{cells}</section>'
    )


def _changes(changes: list) -> str:
    if not changes:
        return ""
    rows = "".join(
        f"<tr><td>{_text(c.where)}</td><td>{_text(c.did)}</td></tr>" for c in changes[:_LISTED]
    )
    more = f"<p>… and {len(changes) - _LISTED:,} more.</p>" if len(changes) > _LISTED else ""
    return (
        f'<section id="fixed"><h2>Mended</h2><details><summary>{len(changes):,} changes</summary>'
        f'<table class="list">{rows}</table>{more}</details></section>'
    )


def _problems(overview: Overview, shots: dict[int, Shot]) -> str:
    problems = overview.problems()
    if not problems:
        return '<section id="problems"><h2>Problems</h2><p>None was found.</p></section>'
    numbers = {id(finding): number for number, finding in enumerate(overview.findings)}
    blocks = []
    for kind, found in problems.items():
        about = KINDS[kind]
        examples = [numbers[id(finding)] for finding in found]
        examples = [n for n in examples if n in shots][: gallery.PROBLEM_EXAMPLES]
        strip = "".join(_small(n, overview, shots) for n in examples)
        if kind in _SIDE_BY_SIDE:
            strip = '<a href="#likes">side by side</a>'
        rows = "".join(
            f"<tr><td>{_text(finding.where)}</td><td>{_text(finding.id or '')}</td>"
            f"<td>{_text('; '.join(p.text for p in finding.problems if p.kind == kind))}</td></tr>"
            for finding in found[:_LISTED]
        )
        more = f"<p>… and {len(found) - _LISTED:,} more.</p>" if len(found) > _LISTED else ""
        opened = " open" if about.bad and len(found) <= _OPEN else ""
        blocks.append(
            f'<article class="problem {"bad" if about.bad else "look"}">'
            f"<h3>{about.title} <span>{len(found):,}</span></h3>"
            f"<p>{html.escape(about.advice)}</p>"
            f"{f'<div class=strip>{strip}</div>' if strip else ''}"
            f"<details{opened}><summary>which records</summary>"
            f'<div class="scroll"><table class="list">{rows}</table></div>{more}</details>'
            "</article>"
        )
    return f'<section id="problems"><h2>Problems</h2>{"".join(blocks)}</section>'


# --- what is there -----------------------------------------------------------------------------


def _plots(overview: Overview) -> str:
    labeled, readable = overview.labeled, overview.readable
    if not readable:
        return ""
    named = len(labeled)
    figures = [
        ("Categories", _top(overview.categories(), named)),
        ("Records with each element", report_plots.bars(overview.elements(), named, "records")),
        ("Sites", _top(overview.sites(), len(readable))),
    ]
    sizes = [
        ("HTML nodes", [f.nodes for f in readable], 1, 0),
        ("Layout nodes", [f.layout_nodes for f in labeled], 1, None),
        ("Tokens, semantic view", [f.semantic_tokens for f in labeled], 1, 1),
        ("Tokens, detail view", [f.detail_tokens for f in labeled], 1, 1),
        ("Picture width, px", [f.size[0] for f in readable if f.size], 32, None),
        ("Picture height, px", [f.size[1] for f in readable if f.size], 32, None),
    ]
    small = []
    for title, values, least, column in sizes:
        if values:
            edges = report_plots.doubling(values, least)
            limits = {} if column is None else {p: limit[column] for p, limit in LIMITS.items()}
            marks = {preset: limit for preset, limit in limits.items() if limit in edges}
            small.append((title, report_plots.histogram(values, edges, marks)))
    aspects = [f.size[0] / f.size[1] for f in readable if f.size]
    if aspects:
        edges = (0.25, 0.5, 0.75, 1, 1.5, 2, 3, 4, 6, 8, 16)
        small.append(("Width / height", report_plots.histogram(aspects, edges, {})))
    for name, values in overview.quality().items():
        edges = [i / 20 for i in range(21)]
        small.append((f"quality.{name}", report_plots.histogram(values, edges, {})))
    big = "".join(f"<figure><h3>{_text(t)}</h3>{body}</figure>" for t, body in figures)
    rest = "".join(f"<figure><h3>{_text(t)}</h3>{body}</figure>" for t, body in small)
    return (
        '<section id="plots"><h2>What is in it</h2>'
        f'<div class="columns">{big}</div><div class="columns">{rest}</div>'
        f"{_channels(overview)}</section>"
    )


def _top(counts: Counter[str], total: int) -> str:
    shown = dict(counts.most_common(_NAMED))
    more = f"<p>… and {len(counts) - _NAMED:,} more.</p>" if len(counts) > _NAMED else ""
    return report_plots.bars(shown, total, "records") + more


def _channels(overview: Overview) -> str:
    mean, std = overview.totals.channels.mean_std()
    blank = len(overview.problems().get("blank", ()))
    numbers = [" ".join(f"{value:.3f}" for value in values) for values in (mean, std)]
    return (
        f"<p>Red, green, blue from 0 to 1: mean {numbers[0]}, standard deviation {numbers[1]}. "
        f"Pictures of one color: {blank:,}.</p>"
    )


def _vocabulary(overview: Overview) -> str:
    coverage, rows = overview.totals.coverage, []
    for part in PARTS:
        share = coverage.share(part)
        if share is None:
            continue
        unknown = coverage.unknown[part]
        names = " ".join(
            f"<code>{_text(name)}</code>&nbsp;{count:,}"
            for name, count in unknown.most_common(_UNKNOWN)
        )
        rows.append(
            f'<tr><th>{part}</th><td class="n">{coverage.total[part]:,}</td>'
            f'<td class="n">{100 * share:.1f} %</td>'
            f'<td class="bar"><i style="width:{100 * share:.1f}%"></i></td>'
            f"<td>{names}</td></tr>"
        )
    if not rows:
        return ""
    return (
        '<section id="vocabulary"><h2>What the codebook knows</h2><p>Of all that occurs in html. '
        "What it does not know is kept, and spelled byte by byte.</p>"
        '<div class="scroll"><table class="vocabulary"><tr><th></th><th>counted</th><th>known</th>'
        f"<th></th><th>commonest unknown</th></tr>{''.join(rows)}</table></div></section>"
    )


# --- records side by side ----------------------------------------------------------------------


def _pairs(overview: Overview, numbers: list[int], shots: dict[int, Shot]) -> str:
    kinds = overview.pair_kinds()
    if not kinds:
        return '<section id="likes"><h2>Like records</h2><p>None was found.</p></section>'
    told = ", ".join(f"{count:,} {_PAIR_NAMES[kind]}" for kind, count in kinds.items())
    blocks = []
    for number in numbers:
        pair = overview.pairs[number]
        bits = "" if pair.bits is None else f" · pictures differ in {pair.bits} of 64 bits"
        tree = f"{_PAIR_NAMES[pair.kind]} · trees {pair.tree:.0%} alike{bits}"
        sides = "".join(_small(n, overview, shots) for n in (pair.other, pair.one))
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


def _gallery(overview: Overview, numbers: list[int], shots: dict[int, Shot]) -> str:
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
    used = [e for e in ELEMENTS if any(e == name for s in shots.values() for name, _ in s.boxes)]
    legend = "".join(f'<i style="--c:{gallery.color(e)}">{e}</i>' for e in used)
    cards = "".join(_card(n, overview.findings[n], shots.get(n)) for n in numbers)
    return (
        f'<section id="gallery"><h2>Gallery</h2><form class="filters">{filters}</form>'
        f'<p class="legend">{legend}</p><div class="cards">{cards}</div></section>'
    )


def _select(name: str, values: list[str], titles: dict[str, str] | None = None) -> str:
    options = "".join(
        f'<option value="{_text(v)}">{_text((titles or {}).get(v, v))}</option>' for v in values
    )
    first = f'<option value="">any {name}</option>'
    return f'<select id="{name}" aria-label="{name}">{first}{options}</select>'


def _card(number: int, finding: Finding, shot: Shot | None) -> str:
    problems = list(dict.fromkeys(problem.kind for problem in finding.problems))
    said = "".join(
        f'<p class="{"bad" if KINDS[p.kind].bad else "look"}">{_text(p.text)}</p>'
        for p in finding.problems
    )
    facts = f"{_text(finding.category)} · {finding.nodes:,} nodes · {finding.layout_nodes:,} labels"
    if finding.size:
        facts += f" · {finding.size[0]} × {finding.size[1]}"
    for name, value in (finding.quality or {}).items():
        facts += f" · {_text(name)} {value:.2f}"
    layout = ""
    if shot is not None and shot.layout:
        layout = (
            f"<details><summary>layout</summary><pre>{_text(shot.layout, True)}</pre></details>"
        )
    words = _text(f"{finding.where} {finding.id or ''} {finding.site}".lower())
    data = json.dumps([finding.category, list(finding.elements), problems])
    return (
        f'<figure class="card" data-of="{_text(data)}" data-words="{words}">'
        f"{_shown(number, shot)}<figcaption><b>{_text(_name(finding))}</b>"
        f"<small>{facts if finding.readable else 'cannot be read'}</small>{said}{layout}"
        "</figcaption></figure>"
    )


def _small(number: int, overview: Overview, shots: dict[int, Shot]) -> str:
    """A picture with its name below; a long name is cut in the middle, since ends differ."""
    name = _name(overview.findings[number])
    short = name if len(name) <= _CAPTION else f"{name[:8]}…{name[9 - _CAPTION :]}"
    return (
        f'<figure title="{_text(name)}">{_shown(number, shots.get(number))}'
        f"<figcaption>{_text(short)}</figcaption></figure>"
    )


def _name(finding: Finding) -> str:
    return finding.id or finding.where


def _text(text: str, lines: bool = False) -> str:
    """A record's words as words: neither mark-up nor control characters."""
    kept = "\n".join(map(printable, text.split("\n"))) if lines else printable(text)
    return html.escape(kept)


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.0f} %" if whole else "none"
