"""The tasks. Each is a package with a class that implements `base.Task`; a config names one."""

from typing import Any

from xojl_jax.errors import BadUsage
from xojl_jax.tasks.base import Task


def make(config, metadata: dict[str, Any] | None = None) -> Task:
    """The task that `config.task` names; `metadata` is what a checkpoint kept of it, if any."""
    if config.task == "layout":
        # Imported when chosen, so that the contract in base.py stays light to import.
        from xojl_jax.tasks.layout.task import LayoutTask

        return LayoutTask(config, metadata)
    raise BadUsage(f"config.task: there is no task {config.task!r}; choose layout")
