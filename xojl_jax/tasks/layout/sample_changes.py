"""What augmentation makes of a sample: rotated, or with less input.

Less input, never fewer labels: boxes and elements of nodes are both what the HTML encoder may read
and what the losses on patches and regions learn from. Dropping them as input leaves the labels.
"""

import math
from collections.abc import Mapping

import numpy as np

from xojl_jax.data.augment import Rotation
from xojl_jax.data.images import Fit
from xojl_jax.tasks.base import Sample
from xojl_jax.tasks.layout.sample_spec import FeatureSpec, blank_arrays, sample_spec
from xojl_jax.xojl.tree import ELEMENTS

# Labels, though they are named like input: the boxes of nodes, what is painted over what, and for
# which nodes both are known. The encoder reads them where `html_box_input_mask` says so.
_BOX_LABELS = ("html_boxes", "html_z", "html_box_mask")


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
    """The encoder reads no boxes; `html_boxes`, `html_z` and `html_box_mask` stay, as labels."""
    return dict(sample) | blank_arrays(spec, ("html_box_input_mask",))


def with_fewer_names(
    sample: Mapping, rng: np.random.Generator, classes: float, tags: float
) -> Sample:
    """Hides classes and tags from the encoder, each with the probability given: word dropout (Iyyer
    et al. 2015), against learning a maker's habits by heart. What is copied keeps all of them."""
    kept = rng.random(sample["html_class_mask"].shape) >= classes
    named = rng.random(sample["html_tag"].shape) >= tags
    return dict(sample) | {
        "html_class_mask": sample["html_class_mask"] & kept,
        "html_tag": np.where(named, sample["html_tag"], 0).astype(sample["html_tag"].dtype),
    }


def with_hints(sample: Mapping, rng: np.random.Generator) -> Sample:
    """Tells some of the sample's own elements as class hints: each with a probability that is drawn
    first. Where none is left, nothing is told, and every prefix counts."""
    told = sample["elements"][: len(ELEMENTS)] > 0
    told &= rng.random(len(ELEMENTS)) < rng.random()
    return dict(sample) | {"class_hints": told if told.any() else np.ones_like(told)}


def without_image(sample: Mapping, spec: FeatureSpec) -> Sample:
    return dict(sample) | blank_arrays(spec, ("image", "image_mask", "patch_mask"))


def without_html(sample: Mapping, spec: FeatureSpec, spelled: Mapping) -> Sample:
    """The encoder reads no HTML; `node_element` and the boxes stay, as labels of the patches. Also
    takes the detail targets of `Featurizer.spelled_targets`: there is nothing to copy."""
    names = [n for n in sample_spec(spec) if n.startswith("html_") and n not in _BOX_LABELS]
    return dict(sample) | blank_arrays(spec, names) | dict(spelled)
