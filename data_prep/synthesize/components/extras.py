"""What authors add at the end of a band: a note, a row of signs, tags, a second action."""

from data_prep.synthesize.components import words
from data_prep.synthesize.components.containers import bar, beside, signed
from data_prep.synthesize.components.draw_context import Kit
from data_prep.synthesize.components.figures import counter
from data_prep.synthesize.components.leaves import (
    button,
    divider,
    icon,
    label,
    paragraph,
    text_link,
)
from data_prep.synthesize.components.markup import El
from data_prep.synthesize.components.rows import row
from data_prep.synthesize.components.runs import links, logo_strip, social, tags


def extras(k: Kit) -> list[El]:
    """Nothing, or one more row, perhaps under a line."""
    if not k.chance(0.4):
        return []
    add = k.pick(_signs, _signs, _promises, _figures, _note, _tags, _links, _social, _logos, _ends)
    return [divider(k), add(k)] if k.chance(0.25) else [add(k)]


def _promises(k: Kit) -> El:
    """Pictograms with a word or two each: simple items of one kind, so a list."""
    px = k.pick(18, 22, 26)

    def promise(_: int) -> El:
        return beside(k, icon(k, px), label(k, words.title(k.text, 2, 3)), gap=10)

    run = row(k, k.cells(k.pick(3, 4), promise))
    run.mark = "list"
    return run


def _signs(k: Kit) -> El:
    """Pictograms beside a title and a line: rich items, so a grid."""
    return row(k, k.cells(k.pick(2, 3, 3, 4), lambda _: signed(k)))


def _figures(k: Kit) -> El:
    return row(k, k.cells(k.pick(3, 4), lambda _: counter(k)))


def _note(k: Kit) -> El:
    return paragraph(k, words.sentence(k.text), step=-0.5)


def _tags(k: Kit) -> El:
    return tags(k)


def _links(k: Kit) -> El:
    return links(k)


def _social(k: Kit) -> El:
    return social(k)


def _logos(k: Kit) -> El:
    return logo_strip(k, k.pick(4, 5))


def _ends(k: Kit) -> El:
    return bar(k, [label(k, words.title(k.text)), k.pick(button, text_link)(k)])
