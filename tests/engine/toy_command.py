"""`python -m tests.engine.toy_command COMMAND …`: a command of xojl_jax that knows the toy task.

What a package with a task of its own would do: one entry in the dict of tasks.
"""

import runpy
import sys

from tests.engine.toy_task import ToyTask
from xojl_jax import tasks


def main() -> None:
    tasks.TASKS["toy"] = lambda: ToyTask
    command = sys.argv.pop(1)
    runpy.run_module(f"xojl_jax.{command}", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
