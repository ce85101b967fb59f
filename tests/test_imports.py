"""Who may import whom (docs/architecture.md). Without this rule the house grows circles."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LAYERS = (
    "xojl",
    "documents",
    "data",
    "nn",
    "pretrained",
    "evaluation",
    "tasks",
    "engine",
    "planning",
    "compression",
    "serving",
)
# `errors`, `config_fields` and `files` are leaves that everything may import; `command` is how
# every command ends.
ALLOWED = {
    "xojl_jax/errors.py": set(),
    "xojl_jax/config_fields.py": {"errors"},
    "xojl_jax/files.py": set(),
    "xojl_jax/command.py": {"errors"},
    "xojl_jax/compilation_cache.py": set(),
    "xojl_jax/subcommand.py": set(),
    "xojl_jax/xojl": {"errors"},
    # Paths that stay inside a folder, and JSON that nobody vouches for, are read in one way.
    "xojl_jax/documents": {"errors", "xojl"},
    "xojl_jax/data": {"errors", "files"},
    "xojl_jax/nn": {"errors"},
    # Published weights become the trunk's parameters; tasks and commands may start from them.
    "xojl_jax/pretrained": {"errors", "files", "nn"},
    "xojl_jax/evaluation": {"errors", "xojl"},
    "xojl_jax/tasks": {
        "errors",
        "subcommand",
        "config_fields",
        "xojl",
        "documents",
        "data",
        "nn",
        "pretrained",
        "evaluation",
    },
    "xojl_jax/engine": {"errors", "config_fields", "files", "tasks.base"},
    "xojl_jax/planning": {"errors", "tasks.base", "engine"},
    "xojl_jax/compression": {"errors", "config_fields", "tasks.base", "engine"},
    # A task is looked up by name; a program that is exported is traced with portable attention.
    "xojl_jax/serving": {
        "__version__",
        "compilation_cache",
        "errors",
        "config_fields",
        "files",
        "tasks",
        "nn.attention",
        "engine",
    },
    # One function draws boxes, for records as for answers: evaluation.drawing.
    "data_prep": {"errors", "evaluation", "files", "command", "xojl", "documents", "data"},
}

# Which package of data_prep imports which: a package per command, and below them what they share.
DATA_PREP = {
    "capture": {"browser", "trees", "cli"},
    "label": {"records", "cli"},
    "agreement": {"records"},
    "annotate": {"label", "records"},  # what the rules propose, a person corrects
    "fit_labeler": {"label", "records", "cli"},  # trains what `label` labels with
    "roundtrip": {"browser", "trees", "records", "cli"},
    "validate": {"records", "cli"},
    "synthesize": {"browser", "trees", "cli"},
    "synthesize_documents": {"browser", "cli", "documents"},  # pictures are written alike
    "build": {"records", "cli"},
    "screens": {"cli"},
    "documents": {"cli"},
    "browser": {"trees"},
    "trees": set(),
    "records": set(),
    "cli": set(),
}
# Ten arrows go to `cli`, since nearly every command has flags or a progress line to share; the
# others go four to seven each to `browser`, `trees` and `records`. Fewer would be the same code
# written twice, or rooms joined that have nothing in common. Three commands import another one:
# `annotate` starts with what `label` proposes, `fit_labeler` trains a part of `label`, and
# `synthesize_documents` writes pictures as `documents` does.
MAX_ROOMS, MAX_ARROWS = 16, 28


def imported_modules(path: Path) -> set[str]:
    """The dotted names of everything of ours that the file imports."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import; ours are absolute"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return {name for name in names if name.split(".")[0] in ("xojl_jax", "data_prep", "configs")}


def files_of(owner: str) -> list[Path]:
    path = ROOT / owner
    return [path] if path.suffix == ".py" else sorted(path.rglob("*.py"))


@pytest.mark.parametrize("owner", ALLOWED)
def test_import_rules_hold(owner):
    """Protects the layering: each package imports only what stands below it."""
    files = files_of(owner)
    assert files, f"{owner} has no Python files: has it moved?"
    itself = owner.removesuffix(".py").replace("/", ".")
    for path in files:
        for name in imported_modules(path):
            if f"{name}.".startswith(f"{itself}."):
                continue
            target = name.removeprefix("xojl_jax.")
            assert any(f"{target}.".startswith(f"{ok}.") for ok in ALLOWED[owner]), (
                f"{path.relative_to(ROOT)} imports {name}, which {owner} may not"
            )


def test_commands_and_tasks_import_no_task():
    """Protects the seams: a command finds a task by its name, and no task builds on another."""
    package = ROOT / "xojl_jax"
    folders = [path for path in (package / "tasks").iterdir() if (path / "task.py").is_file()]
    assert folders
    for path in package.rglob("*.py"):
        own = [folder.name for folder in folders if folder in path.parents]
        # The dict of tasks imports each of them when it is chosen.
        own += [folder.name for folder in folders if path == package / "tasks" / "__init__.py"]
        for name in imported_modules(path):
            for folder in folders:
                task = f"xojl_jax.tasks.{folder.name}."
                assert folder.name in own or not f"{name}.".startswith(task), f"{path}: {name}"


def test_every_layer_is_covered():
    """Protects the rule itself: a new package must be given its place in the table."""
    packages = {path.parent.name for path in (ROOT / "xojl_jax").glob("*/__init__.py")}
    assert packages <= set(LAYERS), f"add {packages - set(LAYERS)} to the table"


def test_data_prep_stays_a_few_packages():
    """Protects the plan of data_prep: its packages, who imports whom, and that no circle grows."""
    folder = ROOT / "data_prep"
    # beam_build is a name of before, for `build --beam`, and no more than that.
    assert {path.name for path in folder.glob("*.py")} == {"__init__.py", "beam_build.py"}
    assert imported_modules(folder / "beam_build.py") == {
        "data_prep.build.command.main",
        "xojl_jax.command.run",
    }
    found = {path.parent.name: set() for path in folder.glob("*/__init__.py")}
    for room, arrows in found.items():
        for path in files_of(f"data_prep/{room}"):
            for name in imported_modules(path):
                owner, _, rest = name.partition(".")
                if owner == "data_prep":
                    arrows.add(rest.split(".")[0])
        arrows.discard(room)
    assert found == DATA_PREP
    assert len(found) <= MAX_ROOMS
    assert sum(map(len, found.values())) <= MAX_ARROWS
    while found:
        leaves = {room for room, arrows in found.items() if not arrows & found.keys()}
        assert leaves, f"a circle among {sorted(found)}"
        found = {room: arrows for room, arrows in found.items() if room not in leaves}


def test_every_command_of_data_prep_is_a_package():
    """Protects `python -m data_prep.NAME`; shared code imports `command`, never `__main__`."""
    commands = {path.parent.name for path in (ROOT / "data_prep").glob("*/__main__.py")}
    assert commands == {path.parent.name for path in (ROOT / "data_prep").glob("*/command.py")}
    shared = {"browser", "trees", "records", "cli"}
    assert commands == DATA_PREP.keys() - shared
