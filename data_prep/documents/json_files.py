"""JSON files of published data sets: which one it is, their keys tell."""

import json
from collections.abc import Callable, Iterator
from typing import Any

from data_prep.documents import docvqa, funsd, publaynet
from data_prep.documents.document import Document, SourceFile
from xojl_jax.errors import BadInput

# The key that only such files have -> its reader. All others are taken for COCO files.
_BY_KEY: dict[str, Callable[[Any, SourceFile, str], Iterator[Document]]] = {
    "form": funsd.find,
    "data": docvqa.find,
}


def find(file: SourceFile, name: str) -> Iterator[Document]:
    """The documents of a file, which is read whole."""
    try:
        content = json.loads(file.path.read_bytes())
    except (ValueError, RecursionError) as error:
        what = " ".join(str(error).split())[:80]
        raise BadInput(f"{name} is no JSON file ({what})") from error
    keys = content.keys() if isinstance(content, dict) else ()
    reader = next((reader for key, reader in _BY_KEY.items() if key in keys), publaynet.find)
    yield from reader(content, file, name)
