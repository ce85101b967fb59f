"""`config.teacher`: an exported model whose answers a run learns from (docs/compression.md)."""

from xojl_jax.serving import model as exported_model
from xojl_jax.tasks.base import Task


def give(task: Task, config) -> None:
    """Gives a task that is to be trained its teacher, if the config names one.

    Raises:
      BadInput: it is no exported model, or a damaged one.
      BadUsage: it does not fit the task.
    """
    if config.teacher:
        exported = exported_model.read(config.teacher)
        task.use_teacher(exported.task, exported.params)
