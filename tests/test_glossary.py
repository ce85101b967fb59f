"""The glossary has every letter that a shape is written with."""

import ast
import itertools
import re
from pathlib import Path

ROOT = Path(__file__).parent.parent
# `float32[B, T]`, or brackets that open with a letter of an axis: `[B, T, D]`.
TYPED = re.compile(r"\b(?:u?int|float|bfloat|bool|complex)\d*\[([^\[\]]+)\]")
BARE = re.compile(r"(?<![\w\]])\[([A-Z][a-z]?(?:[ +*\d]*| or 1)(?:,[^\[\]]*)?)\]")
# The last argument of jaxtyping's `Float[Array, "B T D"]`.
JAXTYPED = re.compile(r"^\s*[*#?]*[A-Za-z0-9_.+*# ]+$")
LETTER = re.compile(r"(?<![\w.])[A-Z][a-z]?(?!\w)|(?<![\w.])[a-z](?!\w)")
# Names of arrays and indices in prose: "width of v".
IGNORED = {"a", "b", "v"}


def glossary(table: str) -> list[str]:
    """The first column of the table below the heading, in its order."""
    text = (ROOT / "docs/glossary.md").read_text(encoding="utf-8")
    section = text.split(f"## {table}\n")[1].split("\n## ")[0]
    rows = re.findall(r"^\| (.+?) \|", section, re.M)
    return [row.strip("`") for row in rows if row not in ("letter", "term", "---")]


def shapes(source: str) -> list[str]:
    """The insides of every shape in docstrings and in jaxtyping's annotations."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Module | ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            doc = ast.get_docstring(node) or ""
            found += TYPED.findall(doc) + BARE.findall(doc)
        elif isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Tuple):
            last = node.slice.elts[-1]
            if isinstance(last, ast.Constant) and isinstance(last.value, str):
                found += [last.value] if JAXTYPED.match(last.value) else []
    return found


def letters(shape: str) -> set[str]:
    return set(LETTER.findall(shape)) - IGNORED


def test_the_reader_finds_shapes():
    """Protects the test below: it can fail."""
    source = (
        'def f(x: Float[Array, "B Tq"]):\n    """Gives int32[R, V + T], not [0, 1], from [B, D]."""'
    )
    found = [letters(shape) for shape in shapes(source)]
    assert set.union(*found) == {"B", "Tq", "R", "V", "T", "D"}


def test_every_letter_is_in_the_glossary():
    """Protects readers of shapes: a letter has one line that says what it is."""
    known = set(glossary("Letters of shapes"))
    missing = {
        f"{letter} in {path.relative_to(ROOT)}: [{shape}]"
        for path in (ROOT / "xojl_jax").rglob("*.py")
        for shape in shapes(path.read_text(encoding="utf-8"))
        for letter in letters(shape) - known
    }
    assert not missing, "add to docs/glossary.md:\n" + "\n".join(sorted(missing))


def test_everything_is_there_once_and_in_order():
    """Protects the glossary from two meanings of one word."""
    tables = ("Letters of shapes", "The language and the data", "The model", "Training")
    names = [glossary(table) for table in tables]
    for column in names:
        assert column == sorted(column, key=str.casefold if column is not names[0] else None)
    every = list(itertools.chain(*names))
    assert len(every) == len(set(every)) > 80
