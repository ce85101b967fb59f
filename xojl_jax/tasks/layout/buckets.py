"""The buckets of the layout task: rows of patches, HTML nodes, classes a node, target tokens.

A smaller bucket is the full canvas with rows of patches cut off below, not another resolution:
boxes, positions and grids stay those of the canvas.

N records.
"""

import math
from collections.abc import Mapping

import numpy as np

from xojl_jax.data.buckets import Shape
from xojl_jax.tasks.base import Bucket, Sample
from xojl_jax.tasks.buckets import cut_sample, used_columns
from xojl_jax.tasks.layout.sample_spec import FeatureSpec, sample_spec

DIMENSIONS = ("rows", "nodes", "classes", "tokens")
# Sizes are rounded up to these: the visual memory halves rows, and matrix units like even tiles.
MULTIPLES = (2, 16, 4, 16)


def full_shape(spec: FeatureSpec) -> Shape:
    return (spec.patch_rows, spec.max_nodes, spec.max_classes, spec.max_target)


def bucket_spec(spec: FeatureSpec, bucket: Bucket | None) -> FeatureSpec:
    """The shapes of a sample in a bucket."""
    return spec if bucket is None else spec.cut(*bucket.shape)


def to_spec(sample: Sample, spec: FeatureSpec) -> Sample:
    """A sample in the shapes of a smaller spec. Patches are row by row, so the first ones are those
    of the upper rows."""
    return cut_sample(sample, sample_spec(spec))


def answer_needs(batch: Mapping[str, np.ndarray], spec: FeatureSpec) -> Shape:
    """What it takes to answer a batch of the full size: of tokens nothing, since they are written
    in a buffer of the full size."""
    shown = np.asarray(batch["patch_mask"]) & np.asarray(batch["image_mask"])[:, None]
    rows = used_columns(np.asarray(shown.reshape(len(shown), spec.patch_rows, -1).any(-1)))
    classes = np.asarray(batch["html_class_mask"])
    # A patch sees half a patch of what is below it, see `rows_needed`.
    rows = min(rows + 1, spec.patch_rows)
    return (
        rows,
        used_columns(batch["html_mask"]),
        used_columns(classes.reshape(-1, classes.shape[-1])),
        0,
    )


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
