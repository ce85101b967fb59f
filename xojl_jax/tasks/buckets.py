"""Which buckets a task's config asks for, and samples cut to their shapes; for any task.

N records, D dimensions.
"""

import re
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from xojl_jax.data.buckets import Shape, choose_shapes
from xojl_jax.errors import BadUsage
from xojl_jax.tasks.base import Bucket, Sample

MOST = 6
# Name -> (shape, dtype), of one sample.
Spec = Mapping[str, tuple[tuple[int, ...], type]]


def make_bucket(dimensions: Sequence[str], shape: Shape) -> Bucket:
    return Bucket(tuple(zip(dimensions, shape, strict=True)))


def parse_shapes(text: str, dimensions: Sequence[str], full: Shape) -> list[Shape]:
    """The shapes that `config.data.bucket_shapes` names, and the full one. Raises BadUsage."""
    shapes = []
    for part in filter(None, re.split(r"[,\s]+", text)):
        if not re.fullmatch(rf"\d+(x\d+){{{len(full) - 1}}}", part):
            half = "x".join(str(-(-size // 2)) for size in full)
            raise BadUsage(
                f"config.data.bucket_shapes has {part!r}: write {' x '.join(dimensions)}, such as "
                f"{half}, with a comma between two buckets"
            )
        shape = tuple(map(int, part.split("x")))
        if min(shape) < 1 or any(s > f for s, f in zip(shape, full, strict=True)):
            most = "x".join(map(str, full))
            raise BadUsage(f"config.data.bucket_shapes has {part}: each must be 1 to {most}")
        shapes.append(shape)
    return list(dict.fromkeys([*shapes, full]))


def choose(
    config,
    dimensions: Sequence[str],
    full: Shape,
    sizes: Callable[[], tuple],
    cost: Callable[[Shape], float],
    multiples: Shape,
) -> tuple[Bucket, ...]:
    """The buckets that `config.data` asks for, from cheap to dear.

    Args:
      sizes: gives int[N, D] and float[N] or None, the sizes and weights of the training records;
        called only where shapes are to be chosen from them.
      cost: FLOPs of a sample of a shape.
      multiples: what sizes are rounded up to.
    """
    if config.bucket_shapes:
        found = parse_shapes(config.bucket_shapes, dimensions, full)
        found = sorted(found, key=lambda s: (cost(s), s))
        if len(found) > MOST:
            raise BadUsage(f"config.data.bucket_shapes: at most {MOST} buckets, with the full size")
    else:
        found = [full]
        if config.buckets > 1:
            needed, weights = sizes()
            found = choose_shapes(
                needed, full, config.buckets, cost, multiples=multiples, weights=weights
            )
    return tuple(make_bucket(dimensions, shape) for shape in found)


def cut_sample(sample: Sample, spec: Spec) -> Sample:
    """A sample of the full size with the padding cut off that a smaller spec has no room for."""
    return {name: sample[name][tuple(map(slice, shape))] for name, (shape, _) in spec.items()}


def cut_batch(batch: Mapping[str, np.ndarray], spec: Spec) -> dict[str, np.ndarray]:
    """The arrays of a batch, B leading, some of those that there can be, cut as by `cut_sample`."""
    return {name: array[(slice(None), *map(slice, spec[name][0]))] for name, array in batch.items()}


def used_columns(mask: np.ndarray) -> int:
    """The number of the last column of bool[B, n] that has a True, from 1; 0 without any."""
    used = np.flatnonzero(np.asarray(mask).any(0))
    return int(used[-1]) + 1 if used.size else 0
