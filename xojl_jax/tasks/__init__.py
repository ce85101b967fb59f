"""The tasks. Each is a package with a class that implements `base.Task`; a config names one."""

from collections.abc import Callable
from typing import Any

from xojl_jax.config_fields import suggest
from xojl_jax.errors import BadUsage
from xojl_jax.tasks.base import Task


def _layout() -> type[Task]:
    from xojl_jax.tasks.layout.task import LayoutTask

    return LayoutTask


def _text() -> type[Task]:
    from xojl_jax.tasks.text.task import TextTask

    return TextTask


def _document() -> type[Task]:
    from xojl_jax.tasks.document.task import DocumentTask

    return DocumentTask


def _document_answers() -> type[Task]:
    from xojl_jax.tasks.document.answering.task import DocumentAnswersTask

    return DocumentAnswersTask


# Name -> a function that imports the task's class. Imported when chosen, so that a command loads
# one task and the contract in base.py stays light to import. The first is shown by `--help`.
TASKS: dict[str, Callable[[], type[Task]]] = {
    "layout": _layout,
    "text": _text,
    "document": _document,
    "document_answers": _document_answers,
}


def find(name: str) -> type[Task]:
    """The class of the task of this name."""
    if name not in TASKS:
        raise BadUsage(f"config.task is {name!r}: {suggest(name, TASKS)}")
    return TASKS[name]()


def make(config, metadata: dict[str, Any] | None = None) -> Task:
    """The task that `config.task` names; `metadata` is what a checkpoint kept of it, if any."""
    return find(config.task)(config, metadata)
