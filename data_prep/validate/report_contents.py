"""The report's figures: what is in the data set, and what of it the codebook knows."""

from collections import Counter

from data_prep.validate import report_plots
from data_prep.validate.coverage import PARTS
from data_prep.validate.findings import LIMITS
from data_prep.validate.overview import Overview
from data_prep.validate.report_records import escaped

_NAMED = 40  # categories or sites in a plot
_UNKNOWN = 12  # unknown names in a row of the vocabulary


def plots_section(overview: Overview) -> str:
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
    big = "".join(f"<figure><h3>{escaped(t)}</h3>{body}</figure>" for t, body in figures)
    rest = "".join(f"<figure><h3>{escaped(t)}</h3>{body}</figure>" for t, body in small)
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


def vocabulary_section(overview: Overview) -> str:
    coverage, rows = overview.totals.coverage, []
    for part in PARTS:
        share = coverage.share(part)
        if share is None:
            continue
        unknown = coverage.unknown[part]
        names = " ".join(
            f"<code>{escaped(name)}</code>&nbsp;{count:,}"
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
