"""What the language refuses: one typed error, and the caps that a caller can raise."""

from dataclasses import dataclass

from xojl_jax.errors import BadInput


class XojlError(BadInput):
    """A document, record or tree that is not of the form of docs/record.md."""

    def __init__(self, what: str, path: str, expected: str):
        super().__init__(what, path, expected)
        self.what = what
        self.path = path
        self.expected = expected

    def __str__(self) -> str:
        return f"{self.what} at {self.path}: expected {self.expected}"


@dataclass(frozen=True, slots=True)
class Caps:
    """Upper bounds of one document. Every bound is inclusive."""

    depth: int = 64  # levels of nodes, a root counts 1
    nodes: int = 4096  # element nodes
    classes: int = 64  # classes of one node
    key_length: int = 1024  # characters of a key, element in front included, ordinal not
    document: int = 4 * 2**20  # bytes of JSON text in UTF-8


DEFAULT_CAPS = Caps()


def shorten(text: str, limit: int = 40) -> str:
    """A quotation that is safe in a one-line message, whatever is in `text`."""
    cut = text if len(text) <= limit else text[:limit] + "…"
    return ascii(cut) if not cut.isprintable() else f"'{cut}'"
