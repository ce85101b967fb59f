"""The report: one HTML file without a network that shows what a data set is like.

What is wrong comes first, with pictures and what to do; then plots, like records side by side, and
a gallery that can be filtered. Its size is bounded: every figure is of all records, the pictures
are of a sample.
"""

import base64
import hashlib
import html
from pathlib import Path

from data_prep.records.entries import Folder, Shards
from data_prep.validate import gallery
from data_prep.validate.checks import KINDS
from data_prep.validate.findings import LIMITS, Finding
from data_prep.validate.gallery import Shot
from data_prep.validate.overview import Overview, effective_number
from data_prep.validate.report_contents import plots_section, vocabulary_section
from data_prep.validate.report_records import (
    escaped,
    gallery_section,
    pairs_section,
    picture_definitions,
    small_picture,
)
from xojl_jax.xojl.tree import ELEMENTS

_OPEN = 12  # bad records of one kind that are named without a click
_LISTED = 200  # records named under one kind of problem
_SIDE_BY_SIDE = ("leak", "duplicate", "near", "labels", "shared")
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
        plots_section(overview),
        vocabulary_section(overview),
        pairs_section(overview, pairs, shots),
        gallery_section(overview, numbers, shots),
        picture_definitions(shots),
        _tail(),
    ]
    path.write_text("\n".join(filter(None, parts)), encoding="utf-8")


# --- the frame of the page ---------------------------------------------------------------------


def _head(overview: Overview) -> str:
    name = escaped(Path(overview.path).resolve().name)
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
        f'<header><p class="path">{escaped(overview.path)}</p>'
        f'<h1 class="{"bad" if bad else "sound"}">{verdict}</h1><p>{sample}</p>'
        "<nav><a href='#problems'>problems</a> <a href='#plots'>plots</a> "
        "<a href='#vocabulary'>vocabulary</a> <a href='#likes'>like records</a> "
        f'<a href="#gallery">gallery</a></nav></header><section class="tiles">{cells}</section>'
    )


def _changes(changes: list) -> str:
    if not changes:
        return ""
    rows = "".join(
        f"<tr><td>{escaped(c.where)}</td><td>{escaped(c.did)}</td></tr>" for c in changes[:_LISTED]
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
        strip = "".join(small_picture(n, overview, shots) for n in examples)
        if kind in _SIDE_BY_SIDE:
            strip = '<a href="#likes">side by side</a>'
        rows = "".join(
            f"<tr><td>{escaped(finding.where)}</td><td>{escaped(finding.id or '')}</td>"
            f"<td>{escaped(_texts(finding, kind))}</td></tr>"
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


def _texts(finding: Finding, kind: str) -> str:
    return "; ".join(problem.text for problem in finding.problems if problem.kind == kind)


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.0f} %" if whole else "none"
