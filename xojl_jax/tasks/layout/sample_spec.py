"""The shapes of a sample: the flat dict of arrays that the layout model reads.

Letters: H, W pixels; N patches; T HTML nodes; C classes per node; L target tokens.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import jax
import numpy as np

from xojl_jax.tasks.base import Sample
from xojl_jax.tasks.layout.class_inputs import NO_MORE, ClassInputs
from xojl_jax.tasks.layout.tree_features import PATH_LEVELS
from xojl_jax.xojl.tree import ELEMENTS
from xojl_jax.xojl.vocabulary import ELEMENT_WIDTH

MERGED = len(ELEMENTS)  # `node_element` of a node that has no layout node of its own
UNKNOWN = -1
UNSURE = -2  # … of a node whose label is less sure than `data.least_confidence`


@dataclass(frozen=True)
class FeatureSpec:
    """The shapes of a sample."""

    image_height: int
    image_width: int
    patch: int
    max_nodes: int  # T
    max_classes: int  # C
    max_target: int  # L
    sharpen: bool = False  # text, where a screenshot is shrunk by little
    hints: bool = False  # which classes of prefix tokens are hinted at
    least_confidence: float = 0.0  # of a label's nodes that count; 0: all do, and no array says so
    class_inputs: ClassInputs = NO_MORE  # what the embeddings read beside the five fields

    @property
    def patch_rows(self) -> int:
        """Rows of patches; a partial one at the lower edge counts."""
        return math.ceil(self.image_height / self.patch)

    @property
    def num_patches(self) -> int:
        """N: partial patches at the right and lower edge count."""
        return self.patch_rows * math.ceil(self.image_width / self.patch)

    def cut(self, rows: int, nodes: int, classes: int, tokens: int) -> "FeatureSpec":
        """The shapes of a bucket: the first rows of patches of the canvas, and fewer of the
        others."""
        return replace(
            self,
            image_height=min(self.image_height, rows * self.patch),
            max_nodes=nodes,
            max_classes=classes,
            max_target=tokens,
        )


def sample_spec(spec: FeatureSpec) -> dict[str, tuple[tuple[int, ...], type]]:
    """Name -> (shape, dtype) of every array of one sample."""
    t, c, length = spec.max_nodes, spec.max_classes, spec.max_target
    more = spec.class_inputs.shapes(t, c)
    if spec.hints:
        more["class_hints"] = ((len(ELEMENTS),), np.bool_)
    if spec.least_confidence:
        more |= {"semantic_sure": ((length,), np.bool_), "detail_sure": ((length,), np.bool_)}
    return {
        "image": ((spec.image_height, spec.image_width, 3), np.uint8),
        "image_mask": ((), np.bool_),
        "patch_mask": ((spec.num_patches,), np.bool_),
        "html_mask": ((t,), np.bool_),
        "html_tag": ((t,), np.int32),
        "html_content": ((t,), np.int32),
        "html_class": ((t, c, 5), np.int32),
        "html_number": ((t, c), np.float32),
        "html_class_mask": ((t, c), np.bool_),
        "html_bfs": ((t,), np.int32),
        "html_depth": ((t,), np.int32),
        "html_parent": ((t,), np.int32),
        "html_end": ((t,), np.int32),
        "html_child": ((t,), np.int32),
        "html_path": ((t, PATH_LEVELS), np.int32),
        "html_boxes": ((t, 4), np.float32),
        "html_z": ((t,), np.float32),
        "html_box_mask": ((t,), np.bool_),
        "html_box_input_mask": ((t,), np.bool_),
        "html_copyable": ((t,), np.bool_),
        "node_element": ((t,), np.int32),
        "semantic_tokens": ((length + 1,), np.int32),
        "detail_tokens": ((length + 1,), np.int32),
        "semantic_carry": ((length, 4), np.int32),
        "detail_carry": ((length, 4), np.int32),
        "category": ((), np.int32),
        "elements": ((ELEMENT_WIDTH,), np.float32),
        "label_mask": ((), np.bool_),
        "index": ((), np.int32),
    } | more


def batch_spec(spec: FeatureSpec, batch_size: int) -> dict[str, jax.ShapeDtypeStruct]:
    """What a batch of samples looks like, batch leading."""
    return {
        name: jax.ShapeDtypeStruct((batch_size, *shape), dtype)
        for name, (shape, dtype) in sample_spec(spec).items()
    }


# The value of padded rows, and of hints that nobody gave; zero for every other array.
_EMPTY = {"html_parent": -1, "node_element": UNKNOWN, "class_hints": True}


def blank_arrays(spec: FeatureSpec, names: Sequence[str]) -> Sample:
    """Padding in place of the arrays of these names."""
    shapes = sample_spec(spec)
    return {
        name: np.full(shapes[name][0], _EMPTY[name], shapes[name][1])
        if name in _EMPTY
        else np.zeros(*shapes[name])
        for name in names
    }
