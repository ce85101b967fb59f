"""The summary that validation prints: what is wrong first, then what is there."""

from collections import Counter

from rich.console import Console
from rich.table import Table
from rich.text import Text

from data_prep.validate.checks import KINDS
from data_prep.validate.coverage import PARTS
from data_prep.validate.findings import LIMITS
from data_prep.validate.overview import Overview, effective_number, spread

SHOWN = 50  # bad records that are listed
_NAMES = 12  # names in a line of counts
_LONGEST = 48  # characters of a name
_PLAIN_WIDTH = 120  # columns where the output is no terminal


def print_summary(overview: Overview) -> None:
    """To standard output. Text from the records is printed as text, never as mark-up."""
    console = Console(highlight=False, markup=False, emoji=False)
    if not console.is_terminal:
        console = Console(highlight=False, markup=False, emoji=False, width=_PLAIN_WIDTH)
    bad = overview.bad
    verdict = f"{len(overview.findings)} records, {len(overview.labeled)} labeled, {len(bad)} bad"
    console.print(Text(verdict, style="bold red" if bad else "bold green"))
    _print_bad(console, overview)
    if overview.problems():
        console.print(_problem_table(overview))
    if overview.readable:
        console.print(_facts(overview))


def _print_bad(console: Console, overview: Overview) -> None:
    lines = [
        f"BAD {finding.where}: {problem.text}"
        for finding in overview.bad
        for problem in finding.problems
        if KINDS[problem.kind].bad
    ]
    for line in lines[:SHOWN]:
        console.print(Text(printable(line)), soft_wrap=True)
    if len(lines) > SHOWN:
        console.print(f"… and {len(lines) - SHOWN} more: --report or --json has them all")


def _problem_table(overview: Overview) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("records", justify="right")
    table.add_column("", no_wrap=True)
    table.add_column("problem")
    table.add_column("what to do")
    for kind, found in overview.problems().items():
        about = KINDS[kind]
        mark = Text("bad", style="red") if about.bad else Text("look", style="yellow")
        table.add_row(str(len(found)), mark, about.title, about.advice)
    return table


def _facts(overview: Overview) -> Table:
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(no_wrap=True, style="bold")
    table.add_column()
    for name, text in _lines(overview):
        table.add_row(name, Text(printable(text)))
    return table


def _lines(overview: Overview):
    """(name, text) of every line of the summary."""
    labeled = overview.labeled
    yield "sites", f"{len(overview.sites())}: {_counts(overview.sites())}"
    yield "categories", f"{_counts(overview.categories())}{_balance(overview.categories())}"
    elements = overview.elements()
    present = Counter({name: count for name, count in elements.items() if count})
    yield "records with", f"{_counts(present, len(elements))}{_balance(elements)}"
    missing = [name for name, count in elements.items() if not count]
    if missing and labeled:
        yield "in no record", ", ".join(missing)
    yield "html nodes", _spread([f.nodes for f in overview.readable])
    yield "layout nodes", _spread([f.layout_nodes for f in labeled])
    yield "semantic tokens", _spread([f.semantic_tokens for f in labeled])
    yield "detail tokens", _spread([f.detail_tokens for f in labeled])
    if labeled:
        yield (
            "fit a preset",
            ", ".join(
                f"{preset} {count} ({count / len(labeled):.1%}; {LIMITS[preset][0]} nodes, "
                f"{LIMITS[preset][1]} tokens)"
                for preset, count in overview.fitting().items()
            ),
        )
        yield "without html node", f"{sum(f.without_twin for f in labeled)} layout nodes"
    if overview.aligned() is not None:
        yield "alignment", f"{overview.aligned():.1%} recovered without layout_nodes"
    sizes = [f.size for f in overview.readable if f.size]
    if sizes:
        mean, std = overview.totals.channels.mean_std()
        yield "picture width", _spread([width for width, _ in sizes])
        yield "picture height", _spread([height for _, height in sizes])
        yield "channels", f"mean {_numbers(mean)}, standard deviation {_numbers(std)}"
    for name, values in overview.quality().items():
        found = spread(values)
        text = ", ".join(f"{key} {value:.2f}" for key, value in found.items())
        yield f"quality.{name}", f"{len(values)} records: {text}"
    yield "codebook knows", ", ".join(_coverage(overview))
    for part in PARTS:
        unknown = overview.totals.coverage.unknown[part]
        if unknown:
            yield f"unknown {part}", _counts(unknown)


def _coverage(overview: Overview):
    for part in PARTS:
        share = overview.totals.coverage.share(part)
        if share is not None:
            yield f"{share:.1%} of {part}"


def _counts(counts: Counter[str], most: int = _NAMES) -> str:
    named = ", ".join(f"{name[:_LONGEST]} {count}" for name, count in counts.most_common(most))
    more = f", and {len(counts) - most} more" if len(counts) > most else ""
    return (named or "none") + more


def _balance(counts: Counter[str]) -> str:
    if not sum(counts.values()):
        return ""
    return f" (as varied as {effective_number(counts):.1f} equally frequent ones)"


def _spread(values: list[int]) -> str:
    found = spread(values)
    if found is None:
        return "none"
    return f"median {found['median']:g}, 95 % up to {found['p95']:.0f}, most {found['most']:g}"


def _numbers(values: list[float]) -> str:
    return " ".join(f"{value:.3f}" for value in values)


def printable(text: str) -> str:
    """Without control characters: a record's words must not steer the terminal."""
    return "".join(char if char.isprintable() else "�" for char in text)
