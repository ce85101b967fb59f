"""Kinds of pages: each a function that writes one on a sheet and returns its HTML."""

from collections.abc import Callable
from dataclasses import dataclass

from data_prep.synthesize_documents.kinds import filling, reporting, trading, writing
from data_prep.synthesize_documents.sheet import Sheet


@dataclass(frozen=True)
class Kind:
    """A kind of page.

    Attributes:
      weight: how often it is drawn, compared with the others.
      write: writes one.
      papers: (width, least height) in CSS px that it comes in; () for any.
    """

    weight: int
    write: Callable[[Sheet], str]
    papers: tuple[tuple[int, int], ...] = ()


# The names are the answers of `classification`.
KINDS = {
    "invoice": Kind(4, trading.invoice),
    "price list": Kind(2, trading.price_list),
    "table": Kind(2, trading.figures),
    "receipt": Kind(2, trading.receipt, ((300, 330), (260, 300), (330, 420))),
    "form": Kind(3, filling.form),
    "identity card": Kind(2, filling.identity, ((430, 270), (380, 240), (270, 400), (480, 300))),
    "certificate": Kind(1, filling.certificate, ((640, 460), (560, 400), (480, 600))),
    "letter": Kind(3, writing.letter),
    "notice": Kind(1, writing.notice),
    "minutes": Kind(1, writing.minutes),
    "report": Kind(1, reporting.report),
    "paper": Kind(2, reporting.paper),
}
