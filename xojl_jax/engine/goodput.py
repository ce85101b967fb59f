"""Where a run's time went, restarts included: what trained, and what did not.

The parts are those of the host's clock and do not overlap. Devices run ahead of the host by a step
or two, so a short wait for input may cost them nothing: `input` is an upper bound.
"""

import contextlib
import time
from collections.abc import Iterator

# start: from the command to the first batch, without compiling. save: what the loop waited for; the
# writing itself happens beside it. lost: steps that a killed process took and no checkpoint
# kept.
PARTS = ("step", "start", "compile", "input", "evaluate", "save", "lost")


class Goodput:
    """A stopwatch that always runs for exactly one part.

    Args:
      earlier: `as_dict` of the process that ran before this one; None or empty for the first.
    """

    def __init__(self, earlier: dict | None = None):
        self._seconds = dict.fromkeys(PARTS, 0.0)
        self._restarts, self._steps = 0, 0
        self._part, self._since = "start", time.perf_counter()
        if earlier:
            self._seconds |= {name: earlier["seconds"].get(name, 0.0) for name in PARTS}
            self._restarts, self._steps = earlier["lives"], earlier["steps"]

    def resume_at(self, step: int) -> None:
        """Counts the steps that were taken beyond `step`, and are taken again, as lost."""
        again = max(0, self._steps - step)
        if again:
            seconds = self._seconds["step"] * again / self._steps
            self._seconds["step"] -= seconds
            self._seconds["lost"] += seconds
        self._steps = step

    def stepped(self, steps: int) -> None:
        """Notes how far the run has come."""
        self._steps = steps

    @contextlib.contextmanager
    def spent(self, part: str) -> Iterator[None]:
        """Runs for `part` until the context ends."""
        before = self._part
        self._switch(part)
        try:
            yield
        finally:
            self._switch(before)

    def training(self) -> None:
        """From now on what no context claims is the steps' time."""
        self._switch("step")

    def _switch(self, part: str) -> None:
        now = time.perf_counter()
        self._seconds[self._part] += now - self._since
        self._part, self._since = part, now

    def as_dict(self) -> dict:
        """Seconds by part, processes ("lives", as 0.1.0 named them) and steps, as JSON; `share` is
        the fraction of all that was spent in steps."""
        self._switch(self._part)
        total = sum(self._seconds.values())
        return {
            "seconds": {name: round(value, 3) for name, value in self._seconds.items()},
            "lives": self._restarts + 1,
            "steps": self._steps,
            "share": round(self._seconds["step"] / max(total, 1e-9), 4),
        }
