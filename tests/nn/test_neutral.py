"""nn/ is the trunk of any task: no word in it belongs to one."""

import re
from pathlib import Path

import pytest

import xojl_jax.nn

ROOT = Path(xojl_jax.nn.__file__).parent
# Words of layouts and of web pages. The name of our own package is no word.
FORBIDDEN = re.compile(
    r"xojl(?!_jax\b)|html|\bdom\b|copy.pointer|(?-i:\bCOPY\b)|element.class|\bpage|\bsection|\bX\d{3}\b",
    re.IGNORECASE,
)


@pytest.mark.parametrize("path", sorted(ROOT.rglob("*.py")), ids=lambda p: str(p.relative_to(ROOT)))
def test_no_word_of_a_task(path):
    """Protects the second task: what it would have to read around, or rename, is not there."""
    lines = path.read_text().splitlines()
    found = [f"{n}: {line.strip()}" for n, line in enumerate(lines, 1) if FORBIDDEN.search(line)]
    assert not found, f"{path}: {found}"
