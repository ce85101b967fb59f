"""What the build asks of document records (docs/document_record.md), as `layout_records` does of
layouts."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from data_prep.build.fit import shrink_picture
from data_prep.build.questions import ASKS
from xojl_jax.documents.record import DocumentRecord, parse_record, record_to_json

__all__ = ["ASKS", "parse_record", "record_to_json"]

SIZES = ("words",)
DATASET = "xojl_documents"
MAKES_PIECES = True
ABOUT = "Pages of documents: pictures, words and their boxes."
TABLES: dict[str, tuple[str, str, Callable[[dict], list]]] = {
    "words_from": ("words from", "### Where the words are from", lambda fact: [fact["words_from"]]),
    "datasets": ("data set", "### Data sets", lambda fact: [fact["dataset"]]),
    "elements": ("region", "### Regions: pages that have one", lambda fact: fact["elements"]),
    "questions": (
        "kind",
        "### Questions",
        lambda fact: list(Counter(fact["questions"]).elements()),
    ),
}


def site_of(record: DocumentRecord, folder: str) -> str:
    """What stays in one split: the source's site, or the document."""
    return record.split_group()


def picture_path(record: DocumentRecord) -> str:
    return record.image


def unlabeled_part(record: DocumentRecord) -> str:
    """Nothing: a page may be there several times, with a question each."""
    return ""


def unwanted(record: DocumentRecord, job: Any) -> str:
    """Why a sound record is not wanted by a `Job`; "" if it is."""
    return f"no quality {next(iter(job.least))}" if job.least else ""


def fit_record(
    record: DocumentRecord, picture: bytes, canvas: tuple[int, int]
) -> tuple[DocumentRecord, bytes]:
    """The record with its picture shrunk to the canvas, (height, width); boxes are relative."""
    found = shrink_picture(picture, canvas)
    if found is None:
        return record, picture
    stored, fit = found
    return replace(record, image_size=fit.content[::-1]), stored


def measure(record: DocumentRecord) -> dict[str, int]:
    """What the record takes, as readers of shards ask it."""
    return {"words": len(record.words), "questions": len(record.questions)}


def facts_of(record: DocumentRecord, site: str) -> dict:
    """What the weights and the card are made from."""
    return {
        "site": site,
        "licence": record.source.get("licence") or "not stated",
        "words_from": record.words_from,
        "dataset": record.source.get("dataset") or "not stated",
        "elements": sorted({region.label for region in record.regions}),
        "questions": dict(sorted(Counter(q.kind for q in record.questions).items())),
        "quality": {},
    }


def labels_of(fact: Mapping) -> list[str]:
    """By whose rarity training may draw."""
    return [f"data set {fact['dataset']}", *fact["elements"]]


def digest() -> str:
    """What the measures depend on beside the record: nothing but which of them there are."""
    return "documents with questions"


def note() -> dict:
    """Of the manifest."""
    return {"records": "documents"}
