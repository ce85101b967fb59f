"""A codebook and a class tokenizer made from records (X013, X028), for `config.data`."""

import json
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from data_prep.validate.coverage import Coverage
from xojl_jax.errors import BadInput, BadUsage
from xojl_jax.files import write_text
from xojl_jax.xojl.class_tokenizer import MOST_PIECES, SPECIAL, ClassTokenizer
from xojl_jax.xojl.codebook import Codebook, takes
from xojl_jax.xojl.record import Record
from xojl_jax.xojl.tree import preorder

# An unknown name that occurs this often gets a token of its own.
LEAST = 5


def extend_codebook(book: Codebook, coverage: Coverage, least: int = LEAST) -> Codebook:
    """The codebook, and behind its entries the names that it lacks and the records use `least`
    times or more, the most frequent first, as far as a table has room.

    Tags, attributes and values: what an unknown prefix or unit means, no record says. An attribute
    means what it is called. Nothing is taken away, so old layouts stay readable.
    """
    data = book.to_dict()
    for part, table in (("tags", "tags"), ("values", "keywords"), ("attributes", "properties")):
        known = data["properties"] if table == "properties" else data["tokens"][table]
        meanings = set(data["properties"].values()) if table == "properties" else set()
        for name, count in coverage.unknown[part].most_common():
            if count < least or not takes(table, name, len(known)) or name in known:
                continue
            if table != "properties":
                known.append(name)
            elif name not in meanings:
                known[name] = name
    return Codebook.from_dict(data)


def codebook_toml(book: Codebook) -> str:
    """The text of a codebook file."""
    data = book.to_dict()
    tokens = data.pop("tokens")
    lines = []
    for table, entries in data.items():
        lines += [f"[{table}]", *(f"{_quoted(k)} = {_quoted(v)}" for k, v in entries.items()), ""]
    lines.append("[tokens]")
    for name, entries in tokens.items():
        lines += [f"{name} = [", *(f"  {_quoted(entry)}," for entry in entries), "]"]
    return "\n".join(lines) + "\n"


def count_classes(records: Iterable[Record]) -> Counter[str]:
    """How often each class string occurs in the HTML of the records."""
    return Counter(
        text for record in records for visit in preorder(record.html) for text in visit.node.classes
    )


def train_tokenizer(classes: Counter[str], size: int) -> ClassTokenizer:
    """Byte-pair encoding of the class strings, trained with Hugging Face's `tokenizers`.

    Args:
      size: pieces at most, the special ones included.

    Raises:
      BadUsage: the library is not installed, or there is no room for so many pieces.
      BadInput: the records have no class.
    """
    try:
        from tokenizers import Tokenizer, models, trainers
    except ImportError:
        raise BadUsage(
            "training a tokenizer needs Hugging Face's library: pip install tokenizers"
        ) from None
    if not len(SPECIAL) < size <= MOST_PIECES:
        raise BadUsage(f"--pieces is {size}: choose {len(SPECIAL) + 1} to {MOST_PIECES:,}")
    if not classes:
        raise BadInput("the records have no class to train a tokenizer on")
    tokenizer = Tokenizer(models.BPE(unk_token=SPECIAL[1]))
    trainer = trainers.BpeTrainer(
        vocab_size=size, special_tokens=list(SPECIAL), show_progress=False
    )
    tokenizer.train_from_iterator(classes.elements(), trainer)
    return ClassTokenizer.from_json(tokenizer.to_str())


def write_codebook(path: Path, book: Codebook) -> None:
    write_text(path, codebook_toml(book))


def write_tokenizer(path: Path, tokenizer: ClassTokenizer) -> None:
    write_text(path, tokenizer.to_json() + "\n")


def _quoted(text: str) -> str:
    # A JSON string is a basic string of TOML, but for the character that JSON leaves as it is.
    return json.dumps(text).replace("\x7f", "\\u007f")
