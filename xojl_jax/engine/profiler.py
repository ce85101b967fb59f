"""A trace of a few steps, for `tensorboard --logdir WORKDIR/tensorboard` (its Profile tab)."""

import re
from pathlib import Path
from typing import Any

import jax

from xojl_jax.errors import BadUsage


class Profiler:
    """Traces the steps START to START + COUNT, counted from where this process began.

    Args:
      text: "START:COUNT", such as "10:5".
      folder: TensorBoard's.
      start_step: the step at which this process takes up.
    """

    def __init__(self, text: str, folder: Path, start_step: int):
        match = re.fullmatch(r"(\d{1,9}):(\d{1,4})", text)
        if not match or match[2] == "0":
            raise BadUsage(f"--profile={text}: give START:COUNT, such as 10:5")
        self._first = start_step + int(match[1])
        self._end = self._first + int(match[2])
        self._folder = folder
        self._running = False

    def before(self, step: int, state: Any) -> None:
        """Starts or ends the trace, if `step` is the one; `state` is what it will start from."""
        if step == self._first:
            jax.block_until_ready(state)  # the steps before do not belong
            jax.profiler.start_trace(str(self._folder))
            self._running = True
        elif step == self._end:
            self.close(state)

    def close(self, state: Any) -> None:
        """Ends a trace that still runs."""
        if self._running:
            jax.block_until_ready(state)
            jax.profiler.stop_trace()
            self._running = False
