"""What runs any task knows none of them."""

import ast
from pathlib import Path

import pytest

import xojl_jax
from xojl_jax.tasks import TASKS

ROOT = Path(xojl_jax.__file__).parent
SHARED = sorted(
    path
    for pattern in ("*.py", "engine/*.py", "nn/decoding/*.py", "data/*.py", "serving/*.py")
    for path in ROOT.glob(pattern)
)
# What the fields and parameters of earlier versions' runs are called today, by task: facts.
BY_TASK = {"engine/compatibility.py"}


@pytest.mark.parametrize("path", SHARED, ids=lambda p: str(p.relative_to(ROOT)))
def test_nothing_is_decided_by_the_name_of_a_task(path):
    """Protects the next task: commands, engine, loader, decoding and service take what the contract
    gives, import no task, and compare `config.task` with no name."""
    if str(path.relative_to(ROOT)) in BY_TASK:
        return
    for node in ast.walk(ast.parse(path.read_text())):
        where = f"{path}:{getattr(node, 'lineno', 0)}"
        if isinstance(node, ast.ImportFrom):
            parts = (node.module or "").split(".")
            assert not {"layout", "document", "text"} & set(parts) or "tasks" not in parts, where
        if isinstance(node, ast.Compare | ast.MatchValue):
            said = {each.value for each in ast.walk(node) if isinstance(each, ast.Constant)}
            named = said & (TASKS.keys() - {"text"})  # also a kind of file
            assert not named, f"{where}: {named}"
