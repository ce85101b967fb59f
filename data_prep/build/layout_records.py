"""What the build asks of layout records (docs/record.md); `kinds` has the list of these modules."""

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from data_prep.build.fit import fit_record
from data_prep.records.splits import site_of
from xojl_jax.xojl.codebook import Codebook
from xojl_jax.xojl.record import CATEGORIES, Record, category_index, parse_record, record_to_json
from xojl_jax.xojl.tree import preorder, print_html, used_elements
from xojl_jax.xojl.vocabulary import Vocabulary

__all__ = ["fit_record", "parse_record", "record_to_json", "site_of"]

# What `--most` may limit. `measure` gives these and more.
SIZES = ("nodes", "semantic_tokens", "detail_tokens")
DATASET = "xojl_sections"
# Kinds of questions -> the record with a question of it: a layout has none.
ASKS: dict[str, Callable[[Record], Record]] = {}
MAKES_PIECES = False  # whether a tokenizer of words is made of the training split
ABOUT = "Screenshots of web sections with their HTML and layout trees."
# Tables of the card: name -> (its column of names, its title, the labels of one record's facts).
TABLES: dict[str, tuple[str, str, Callable[[dict], list]]] = {
    "categories": ("category", "### Categories", lambda fact: [fact["category"]]),
    "elements": ("element", "### Elements: records that have one", lambda fact: fact["elements"]),
}


def picture_path(record: Record) -> str:
    return record.screenshot


def unlabeled_part(record: Record) -> str:
    """What stays the same when somebody labels the record again; "" if it has no id."""
    return f"{record.id} {print_html(record.html)}" if record.id else ""


def unwanted(record: Record, job: Any) -> str:
    """Why a sound record is not wanted by a `Job`; "" if it is."""
    if record.layout is None and not job.unlabeled:
        return "no layout"
    if record.layout is not None and len(preorder(record.layout)) < job.least_nodes:
        return f"fewer than {job.least_nodes} labeled nodes"
    for name, least in job.least.items():
        if (value := (record.quality or {}).get(name)) is None:
            return f"no quality {name}"
        if value < least:
            return f"quality {name} under {least:g}"
    return ""


def measure(record: Record) -> dict[str, int]:
    """What the record takes, as readers of shards ask it; targets are counted without BOS."""
    visits = preorder(record.html)
    sizes = dict.fromkeys((*SIZES, "spelled_tokens"), 0)
    sizes |= {
        "nodes": len(visits),
        "classes": max((len(visit.node.classes) for visit in visits), default=0),
    }
    if record.layout is not None:
        detail = _vocabulary().tokenize_detail(record.layout, record.html, record.alignment())
        sizes["semantic_tokens"] = len(_vocabulary().tokenize_semantic(record.layout)) - 1
        sizes["detail_tokens"] = len(detail) - 1
        # Where there is no HTML to copy from.
        sizes["spelled_tokens"] = len(_vocabulary().tokenize_detail(record.layout)) - 1
    return sizes


def facts_of(record: Record, site: str) -> dict:
    """What the weights and the card are made from."""
    return {
        "site": site,
        "licence": (record.source or {}).get("licence") or "not stated",
        "category": CATEGORIES[category_index(record.category)],
        "elements": list(used_elements(record.layout)) if record.layout is not None else [],
        "quality": record.quality or {},
    }


def labels_of(fact: Mapping) -> list[str]:
    """By whose rarity training may draw."""
    return [f"category {fact['category']}", *fact["elements"]]


def digest() -> str:
    """What the measures depend on beside the record: the codebook."""
    return _vocabulary().codebook.digest


def note() -> dict:
    """Of the manifest."""
    return {"codebook": digest()}


@cache
def _vocabulary() -> Vocabulary:
    return Vocabulary(Codebook.load())
