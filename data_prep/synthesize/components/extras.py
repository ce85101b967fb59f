"""Rows that authors add at the end of a section: a note, pictograms, tags, a second action."""

from data_prep.synthesize.components import words
from data_prep.synthesize.components.containers import bar, beside, signed
from data_prep.synthesize.components.draw_context import DrawContext
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


def extras(ctx: DrawContext) -> list[El]:
    """Nothing, or one more row, perhaps below a divider."""
    if not ctx.chance(0.4):
        return []
    add = ctx.pick(
        _signs, _signs, _promises, _figures, _note, _tags, _links, _social, _logos, _ends
    )
    return [divider(ctx), add(ctx)] if ctx.chance(0.25) else [add(ctx)]


def _promises(ctx: DrawContext) -> El:
    """Pictograms with a word or two each: simple items of one kind, so a list."""
    px = ctx.pick(18, 22, 26)

    def promise(_: int) -> El:
        return beside(ctx, icon(ctx, px), label(ctx, words.title(ctx.text, 2, 3)), gap=10)

    run = row(ctx, ctx.cells(ctx.pick(3, 4), promise))
    run.mark = "list"
    return run


def _signs(ctx: DrawContext) -> El:
    """Pictograms beside a title and a text: the items are not simple, so a grid."""
    return row(ctx, ctx.cells(ctx.pick(2, 3, 3, 4), lambda _: signed(ctx)))


def _figures(ctx: DrawContext) -> El:
    return row(ctx, ctx.cells(ctx.pick(3, 4), lambda _: counter(ctx)))


def _note(ctx: DrawContext) -> El:
    return paragraph(ctx, words.sentence(ctx.text), step=-0.5)


def _tags(ctx: DrawContext) -> El:
    return tags(ctx)


def _links(ctx: DrawContext) -> El:
    return links(ctx)


def _social(ctx: DrawContext) -> El:
    return social(ctx)


def _logos(ctx: DrawContext) -> El:
    return logo_strip(ctx, ctx.pick(4, 5))


def _ends(ctx: DrawContext) -> El:
    return bar(ctx, [label(ctx, words.title(ctx.text)), ctx.pick(button, text_link)(ctx)])
