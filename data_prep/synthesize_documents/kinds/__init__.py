"""Kinds of pages: each a function that writes one on a sheet and returns its HTML."""

from collections.abc import Callable

from data_prep.synthesize_documents.kinds import filling, trading, writing
from data_prep.synthesize_documents.sheet import Sheet

# How often each is drawn, and what draws it. The names are the answers of `classification`.
KINDS: dict[str, tuple[int, Callable[[Sheet], str]]] = {
    "invoice": (4, trading.invoice),
    "price list": (3, trading.price_list),
    "table": (2, trading.figures),
    "form": (3, filling.form),
    "letter": (3, writing.letter),
}
