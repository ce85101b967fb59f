"""docs/requirements.md is true as far as a test can tell: what it names is there."""

import ast
import functools
import re
from collections import Counter
from pathlib import Path

from configs import document, document_answers, layout
from xojl_jax.config_fields import flatten

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "requirements.md"
IDS = [*(f"X{i:03}" for i in range(1, 126)), *(f"R{i:03}" for i in range(1, 48))]
STATES = ("done", "partly", "not yet")


def rows() -> list[list[str]]:
    """Of every requirement: id, name, state, file, field or command, test, figures, remarks."""
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    cells = ([cell.strip() for cell in line.strip("|").split("|")] for line in lines)
    return [row for row in cells if re.fullmatch(r"[XR]\d{3}", row[0])]


def code(cell: str) -> str:
    return cell.strip("`")


@functools.cache
def functions_of(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def is_field(name: str) -> bool:
    wanted = name.removeprefix("config.")
    return any(wanted in flatten(family.make()) for family in (layout, document, document_answers))


def is_command(text: str) -> bool:
    """Whether `data_prep.NAME --flag`, `xojl_jax.NAME --flag` or `make NAME` exists."""
    name, *flags = text.split()
    if name == "make":
        return f"\n{flags[0]}:" in (ROOT / "Makefile").read_text(encoding="utf-8")
    package, _, command = name.partition(".")
    sources = [*(ROOT / "xojl_jax" / "tasks").rglob("*.py"), ROOT / "xojl_jax" / f"{command}.py"]
    if package == "data_prep":
        sources = [*(ROOT / package / command).glob("*.py"), *(ROOT / package / "cli").glob("*.py")]
    flagged = "\n".join(path.read_text(encoding="utf-8") for path in sources if path.is_file())
    there = (ROOT / package / f"{command}.py").is_file() or (ROOT / package / command).is_dir()
    return there and all(f'"{flag}"' in flagged for flag in flags)


def has_heading(link: str) -> bool:
    name, _, anchor = link.partition("#")
    page = PAGE.parent / name
    if not page.is_file():
        return False
    headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.M)
    return not anchor or anchor in map(slug, headings)


def slug(heading: str) -> str:
    """The anchor that the docs site gives a heading."""
    return re.sub(r"[-\s]+", "-", re.sub(r"[^\w\s-]", "", heading).strip().lower())


def test_every_requirement_is_there_once_and_in_order():
    """Protects the table's use as a list of what is missing: none is forgotten."""
    assert [row[0] for row in rows()] == IDS
    assert all(len(row) == 8 and row[1] for row in rows())


def test_states_are_told_and_counted():
    """Protects the counts at the top, and that what is done or half done has file and test."""
    for name, _, state, file, _, test, _, remark in rows():
        assert state in STATES, name
        assert state == "not yet" or (file and test), f"{name}: {state}, by which file and test?"
        assert state != "partly" or remark, f"{name}: what is missing?"
    counts = Counter((row[0][0], row[2]) for row in rows())
    for kind in "XR":
        told = " | ".join(str(counts[kind, state]) for state in STATES)
        assert f"| {kind}… | {told} |" in PAGE.read_text(encoding="utf-8")


def test_what_the_table_names_exists():
    """Protects against a table that was true once: files, tests, fields, commands, headings."""
    for name, _, _, file, how, test, figures, _ in rows():
        assert not file or (ROOT / code(file)).is_file(), f"{name}: {file}"
        if test:
            path, _, function = code(test).partition("::")
            assert function in functions_of(ROOT / path), f"{name}: {test}"
        if how:
            found = is_field if code(how).startswith("config.") else is_command
            assert found(code(how)), f"{name}: {how}"
        if figures:
            link = figures[figures.index("(") + 1 : -1]
            assert has_heading(link), f"{name}: {link}"
