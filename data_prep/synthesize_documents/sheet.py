"""One page as it is written: its HTML, in which what we know of a part is marked.

A mark is an element with the attribute `data-mark` and a number; the browser tells which marks are
around each word. So fields, cells and regions are known as words of the page, without a search.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from html import escape, unescape
from random import Random
from string import Formatter

from data_prep.synthesize_documents.design import Design
from data_prep.synthesize_documents.language import Language, draw_day

ATTRIBUTE = "data-mark"


@dataclass(frozen=True)
class Mark:
    """What is known of an element.

    Attributes:
      role: "field", "label" (of the field `name`), "entity", "region" or "cell".
      name: of the field, the kind of entity or region, the column of a cell.
      place: of a cell, (table, row).
      spans: of a cell, rows and columns that it takes.
      header: whether a cell is a header.
    """

    role: str
    name: str
    place: tuple[int, int] = (0, 0)
    spans: tuple[int, int] = (1, 1)
    header: bool = False


@dataclass
class Sheet:
    """Collects a page. Texts that are given to it are escaped; what it returns is HTML."""

    rng: Random
    language: Language
    design: Design
    budget: int  # about how many words the page may have
    marks: list[Mark] = field(default_factory=list)
    tables: int = 0

    def mark(self, mark: Mark, html: str, tag: str = "span", attributes: str = "") -> str:
        number = len(self.marks)
        self.marks.append(mark)
        return f'<{tag} {ATTRIBUTE}="{number}" {attributes}>{html}</{tag}>'

    def field(self, name: str, text: str) -> str:
        return self.mark(Mark("field", name), escape(text))

    def lines(self, name: str, texts: Sequence[str]) -> str:
        """A field of several lines."""
        return self.mark(Mark("field", name), "<br>".join(map(escape, texts)))

    def label(self, name: str, end: str = "") -> str:
        """The field's label in this maker's words, perhaps with a colon at its end."""
        text = self.design.label(self.language, name)
        return self.mark(Mark("label", name), escape(text + end))

    def entity(self, kind: str, text: str) -> str:
        return self.mark(Mark("entity", kind), escape(text))

    def region(self, kind: str, html: str, tag: str = "div", attributes: str = "") -> str:
        return self.mark(Mark("region", kind), html, tag, attributes)

    def title(self, html: str, tag: str = "h1") -> str:
        return self.region("title", html, tag)

    def paragraph(self, html: str) -> str:
        return self.region("text", html, "p")

    def fields(self, pairs: Sequence[tuple[str, str]]) -> str:
        """A block of labels with their values, laid out as this maker does."""
        end = ":" if self.design.colon else ""
        rows = (
            f'<div class="pair"><span class="label">{self.label(name, end)}</span> '
            f'<span class="value">{self.field(name, value)}</span></div>'
            for name, value in pairs
        )
        return self.region("text", "".join(rows), "div", f'class="pairs {self.design.pairs}"')

    def table(
        self,
        columns: Sequence[str],
        rows: Sequence[Sequence[str]],
        *,
        heads: Sequence[str] | None = None,
        groups: Sequence[tuple[str, int]] = (),
        bands: Sequence[tuple[str, int]] = (),
        foot: Sequence[tuple[str, str, int]] = (),
    ) -> str:
        """A table.

        Args:
          columns: their names.
          rows: texts, one per column.
          heads: the texts of the header; None: the columns' labels.
          groups: a row above it: text and how many columns it takes.
          bands: a column before the others: text and how many rows it takes; of `rows` all.
          foot: rows below: label's text, value as HTML, columns that the label takes.
        """
        if heads is None:
            heads = [self.design.label(self.language, name) for name in columns]
        number, self.tables = self.tables, self.tables + 1
        right = _numeric_columns(rows)
        lines, row = [], 0

        def cell(
            name: str, html: str, column: int, *, span: int = 1, rows: int = 1, header: bool = False
        ) -> str:
            mark = Mark("cell", name, (number, row), (rows, span), header)
            kind = "right" if column in right else "left"
            wide = f' colspan="{span}"' if span > 1 else ""
            high = f' rowspan="{rows}"' if rows > 1 else ""
            return self.mark(mark, html, "th" if header else "td", f'class="{kind}"{wide}{high}')

        if groups:
            cells = (cell("", escape(text), -1, span=n, header=True) for text, n in groups)
            lines.append(f'<tr class="group">{"".join(cells)}</tr>')
            row += 1
        cells = (
            cell(name, escape(text), i, header=True)
            for i, (name, text) in enumerate(zip(columns, heads, strict=True))
        )
        corner = cell("", "", -1, header=True) if bands else ""
        lines.append(f'<tr class="head">{corner}{"".join(cells)}</tr>')
        starts = _starts(bands)
        for i, texts in enumerate(rows):
            row += 1
            band, high = starts.get(i, ("", 0))
            first = cell("band", escape(band), -1, rows=high) if high else ""
            cells = (
                cell(name, escape(text), i)
                for i, (name, text) in enumerate(zip(columns, texts, strict=True))
            )
            lines.append(f"<tr>{first}{''.join(cells)}</tr>")
        for text, html, span in foot:
            row += 1
            first = cell("", text, -1, span=span)
            lines.append(f'<tr class="foot">{first}{cell("", html, max(right, default=0))}</tr>')
        return self.region("table", "".join(lines), "table")


def _starts(bands: Sequence[tuple[str, int]]) -> dict[int, tuple[str, int]]:
    """Of each row that a band begins with, the band."""
    at, found = 0, {}
    for text, count in bands:
        found[at] = (text, count)
        at += count
    return found


def _numeric_columns(rows: Sequence[Sequence[str]]) -> set[int]:
    """The columns whose cells are numbers, which are aligned to the right."""
    if not rows:
        return set()
    return {
        i
        for i in range(len(rows[0]))
        if i > 0 and all(any(c.isdigit() for c in row[i]) and len(row[i]) < 16 for row in rows)
    }


# --- phrases ---------------------------------------------------------------------------------


def fill(sheet: Sheet, name: str) -> str:
    """A phrase of the page's language as HTML, its names, dates and amounts marked."""
    return fill_text(sheet, sheet.language.pick(sheet.rng, f"phrases.{name}"))


def fill_text(sheet: Sheet, template: str) -> str:
    """A template as HTML; a name in braces is drawn, and marked where it is an entity."""
    parts = []
    for literal, name, _, _ in Formatter().parse(template):
        parts.append(escape(literal))
        if name in _DRAWS:
            kind, draw = _DRAWS[name]
            text = draw(sheet)
            parts.append(sheet.entity(kind, text) if kind else escape(text))
    return "".join(parts)


def plain(html: str) -> str:
    """The text of HTML of ours."""
    return unescape(re.sub("<[^>]*>", "", html))


def money(sheet: Sheet, cents: int) -> str:
    return sheet.design.write_money(sheet.language, cents)


def some_date(sheet: Sheet) -> str:
    return sheet.design.write_date(sheet.language, draw_day(sheet.rng))


# Of each placeholder the kind of entity, "" for none, and how it is drawn.
_DRAWS: dict[str, tuple[str, Callable[[Sheet], str]]] = {
    "date": ("date", some_date),
    "money": ("amount", lambda s: money(s, s.rng.randint(5, 900) * 100)),
    "street": ("address", lambda s: s.language.street(s.rng)),
    "person": ("person", lambda s: s.language.person(s.rng)),
    "item": ("", lambda s: s.language.item(s.rng)),
    "role": ("", lambda s: s.language.pick(s.rng, "roles")),
    "noun": ("", lambda s: s.language.noun(s.rng)),
    "noun2": ("", lambda s: s.language.noun(s.rng)),
    "percent": ("", lambda s: f"{s.rng.randint(2, 48)}%"),
    "n": ("", lambda s: str(s.rng.randint(12, 980))),
    "year": ("", lambda s: str(s.rng.randint(2012, 2027))),
}
