"""The buckets of the layout task: rows of patches, HTML nodes, classes a node, target tokens.

A smaller bucket is the full canvas with rows of patches cut off below, not another resolution:
boxes, positions and grids stay those of the canvas.

N records.
"""

import math
import re
from collections.abc import Callable, Mapping

import numpy as np

from xojl_jax.data.buckets import Shape, choose_shapes
from xojl_jax.errors import BadUsage
from xojl_jax.tasks.base import Bucket, Sample
from xojl_jax.tasks.layout.sample_spec import FeatureSpec, sample_spec

DIMENSIONS = ("rows", "nodes", "classes", "tokens")
# Sizes are rounded up to these: the visual memory halves rows, and matrix units like even tiles.
MULTIPLES = (2, 16, 4, 16)
MOST = 6


def make_bucket(shape: Shape) -> Bucket:
    return Bucket(tuple(zip(DIMENSIONS, shape, strict=True)))


def full_shape(spec: FeatureSpec) -> Shape:
    return (spec.patch_rows, spec.max_nodes, spec.max_classes, spec.max_target)


def parse_shapes(text: str, full: Shape) -> list[Shape]:
    """The shapes that `config.data.bucket_shapes` names, and the full one. Raises BadUsage."""
    shapes = []
    for part in filter(None, re.split(r"[,\s]+", text)):
        if not re.fullmatch(r"\d+(x\d+){3}", part):
            raise BadUsage(
                f"config.data.bucket_shapes has {part!r}: write {' x '.join(DIMENSIONS)}, such as "
                "28x64x8x128, with a comma between two buckets"
            )
        shape = tuple(map(int, part.split("x")))
        if min(shape) < 1 or any(s > f for s, f in zip(shape, full, strict=True)):
            most = "x".join(map(str, full))
            raise BadUsage(f"config.data.bucket_shapes has {part}: each must be 1 to {most}")
        shapes.append(shape)
    return list(dict.fromkeys([*shapes, full]))


def choose(
    config, full: Shape, sizes: Callable[[], tuple], cost: Callable[[Shape], float]
) -> tuple[Bucket, ...]:
    """The buckets that `config.data` asks for, from cheap to dear.

    Args:
      sizes: gives int[N, 4] and float[N] or None, the sizes and weights of the training records;
        called only where shapes are to be chosen from them.
      cost: FLOPs of a sample of a shape.
    """
    if config.bucket_shapes:
        found = sorted(parse_shapes(config.bucket_shapes, full), key=lambda s: (cost(s), s))
        if len(found) > MOST:
            raise BadUsage(f"config.data.bucket_shapes: at most {MOST} buckets, with the full size")
    else:
        found = [full]
        if config.buckets > 1:
            needed, weights = sizes()
            found = choose_shapes(
                needed, full, config.buckets, cost, multiples=MULTIPLES, weights=weights
            )
    return tuple(map(make_bucket, found))


def bucket_spec(spec: FeatureSpec, bucket: Bucket | None) -> FeatureSpec:
    """The shapes of a sample in a bucket."""
    return spec if bucket is None else spec.cut(*bucket.shape)


def to_spec(sample: Sample, spec: FeatureSpec) -> Sample:
    """A sample of the full size with the padding cut off that a smaller spec has no room for.

    Patches are row by row, so the first ones are those of the upper rows.
    """
    return {
        name: sample[name][tuple(map(slice, shape))]
        for name, (shape, _) in sample_spec(spec).items()
    }


def cut_batch(batch: Mapping[str, np.ndarray], spec: FeatureSpec) -> dict[str, np.ndarray]:
    """The arrays of a batch, B leading, some of those that there can be, cut as by `to_spec`."""
    shapes = sample_spec(spec)
    return {
        name: array[(slice(None), *map(slice, shapes[name][0]))] for name, array in batch.items()
    }


def answer_needs(batch: Mapping[str, np.ndarray], spec: FeatureSpec) -> Shape:
    """What it takes to answer a batch of the full size: of tokens nothing, since they are written
    in a buffer of the full size."""

    def end(mask: np.ndarray) -> int:
        """The number of the last column that has a True, from 1; 0 without any."""
        used = np.flatnonzero(np.asarray(mask).any(0))
        return int(used[-1]) + 1 if used.size else 0

    shown = np.asarray(batch["patch_mask"]) & np.asarray(batch["image_mask"])[:, None]
    rows = end(np.asarray(shown.reshape(len(shown), spec.patch_rows, -1).any(-1)))
    classes = np.asarray(batch["html_class_mask"])
    # A patch sees half a patch of what is below it, see `rows_needed`.
    rows = min(rows + 1, spec.patch_rows)
    return rows, end(batch["html_mask"]), end(classes.reshape(-1, classes.shape[-1])), 0


def rows_needed(
    height: np.ndarray, width: np.ndarray, spec: FeatureSpec, degrees: float
) -> np.ndarray:
    """int[N]: rows of patches of screenshots of these sizes in pixels (0 for none).

    Args:
      degrees: what training turns pictures by, at most: a turned picture is higher.
    """
    height, width = np.asarray(height, np.float64), np.asarray(width, np.float64)
    present = height > 0
    height, width = np.where(present, height, 1), np.where(present, width, 1)
    scale = np.minimum(1, np.minimum(spec.image_height / height, spec.image_width / width))
    content = np.maximum(1, np.rint(height * scale))
    if degrees:  # whole patches are turned (`rotate_sample`), and stay inside the canvas
        patches = np.ceil(content / spec.patch), np.ceil(np.rint(width * scale) / spec.patch)
        rise = math.sin(math.radians(degrees))
        content = np.minimum(spec.image_height, spec.patch * (patches[0] + rise * patches[1]))
    # A patch sees half a patch of what is below it ("shifted" patches): padding, as on the canvas.
    rows = np.ceil(np.ceil(content) / spec.patch) + 1
    return np.where(present, np.minimum(rows, spec.patch_rows), 1).astype(np.int64)
