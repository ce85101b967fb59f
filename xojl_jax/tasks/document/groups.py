"""What a page is one of, by name: rows of `evaluate --suite`, labels of `evaluate --probe`."""

from collections.abc import Callable

from xojl_jax.documents.record import DocumentRecord


def _source(record: DocumentRecord) -> str | None:
    """The SOURCE that the page was read from, the first part of its address."""
    return (record.source.get("uri") or "").partition("/")[0] or None


# Kind -> the group of a record, None where nothing is known.
GROUPS: dict[str, Callable[[DocumentRecord], str | None]] = {
    "dataset": lambda record: record.source.get("dataset"),
    "source": _source,
    "words from": lambda record: record.words_from,
    "page": lambda record: "the first" if record.page == 0 else "a later one",
}


def groups_of(record: DocumentRecord) -> dict[str, str]:
    """Its groups by kind."""
    found = {kind: group(record) for kind, group in GROUPS.items()}
    return {kind: name for kind, name in found.items() if name}
