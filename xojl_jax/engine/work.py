"""How much of the FLOPs of a step went into real data, and not into padding."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from xojl_jax.engine.programs import BucketOf
from xojl_jax.tasks.base import Sample, Task


class Work(NamedTuple):
    """What the rows of one step were worth.

    Attributes:
      flops, real_flops: forward FLOPs of a sample, padding counted and left out.
      shares: of what, by name, how much is real: {"patches": 0.8}.
    """

    flops: float
    real_flops: float
    shares: Mapping[str, float]


WorkOf = Callable[[Sample], Work | None]


def work_of(task: Task) -> WorkOf:
    """Rows of a batch -> their work; None where the task does not tell it."""
    bucket_of = BucketOf(task)
    flops = {bucket: sum(task.flops(bucket).values()) for bucket in task.buckets()}

    def work(rows: Sample) -> Work | None:
        found = task.real_work(rows)
        if found is None:
            return None
        count = len(next(iter(rows.values())))
        return Work(flops[bucket_of(rows)], found.flops / count, found.shares)

    return work
