"""What augmentation makes of a sample: rotated, or with less input."""

import math
from collections.abc import Mapping

import numpy as np

from xojl_jax.data.augment import Rotation
from xojl_jax.data.images import Fit
from xojl_jax.tasks.base import Sample
from xojl_jax.tasks.layout.sample_spec import FeatureSpec, blank_arrays, sample_spec

_BOX_ARRAYS = ("html_boxes", "html_z", "html_box_mask")


def rotate_sample(sample: Sample, degrees: float, spec: FeatureSpec) -> Sample:
    """The sample with its picture rotated, and its patches and boxes with it; see `Rotation`."""
    size, patch = (spec.image_height, spec.image_width), spec.patch
    shown = sample["patch_mask"].reshape(-1, math.ceil(spec.image_width / patch))
    content = (
        min(size[0], patch * int(shown.any(axis=1).sum())),
        min(size[1], patch * int(shown.any(axis=0).sum())),
    )
    rotation = Rotation(size, content, degrees)
    boxes = rotation.boxes(sample["html_boxes"])
    return dict(sample) | {
        "image": rotation.image(sample["image"]),
        "patch_mask": Fit(rotation.size, rotation.size, size).patch_mask(patch),
        "html_boxes": np.where(sample["html_box_mask"][:, None], boxes, 0).astype(np.float32),
    }


def without_boxes(sample: Mapping, spec: FeatureSpec) -> Sample:
    return dict(sample) | blank_arrays(spec, _BOX_ARRAYS)


def without_image(sample: Mapping, spec: FeatureSpec) -> Sample:
    return dict(sample) | blank_arrays(spec, ("image", "image_mask", "patch_mask"))


def without_html(sample: Mapping, spec: FeatureSpec, spelled: Mapping) -> Sample:
    """Also takes the detail targets of `Featurizer.spelled_targets`: there is nothing to copy."""
    names = [n for n in sample_spec(spec) if n.startswith("html_") or n == "node_element"]
    return dict(sample) | blank_arrays(spec, names) | dict(spelled)
