"""The kinds of record that shards are built from; each is a module with the same names."""

import json
from types import ModuleType

from data_prep.build import document_records, layout_records
from data_prep.records.entries import Folder, Shards
from xojl_jax.errors import BadUsage

KINDS: dict[str, ModuleType] = {"layouts": layout_records, "documents": document_records}


def kind_of(source: Folder | Shards) -> str:
    """The name of the kind of a folder's records, told by the first one that is JSON.

    A document record has a field `document`; whatever else there is, is taken for a layout.
    """
    for entry in source.entries():
        try:
            fields = json.loads(source.text(entry))
        except (ValueError, RecursionError):
            continue
        return "documents" if isinstance(fields, dict) and "document" in fields else "layouts"
    return "layouts"


def one_kind(sources: dict[str, Folder | Shards]) -> str:
    """The kind of all of these folders. Raises BadUsage where they differ."""
    kinds = {name: kind_of(source) for name, source in sources.items()}
    if len(set(kinds.values())) > 1:
        told = ", ".join(f"{name} ({kind})" for name, kind in kinds.items())
        raise BadUsage(f"--records: one kind of record in a build; given were {told}")
    return next(iter(kinds.values()))
