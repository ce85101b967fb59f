"""Records to arrays: a record and its screenshot become one flat dict, the model's input.

Letters: H, W pixels; N patches; T HTML nodes; C classes per node; L target tokens. Nodes stand in
depth-first pre-order.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import jax
import numpy as np

from xojl_jax.data.augment import Turn
from xojl_jax.data.images import Fit, frame, shrink
from xojl_jax.tasks.layout.tree_features import (
    ID_RANGES,
    PATH_LEVELS,
    DoesNotFit,
    IdRanges,
    cut_html,
    html_arrays,
)
from xojl_jax.xojl.grammar import Automaton
from xojl_jax.xojl.record import Record, category_index
from xojl_jax.xojl.tree import ELEMENTS, preorder, used_elements
from xojl_jax.xojl.vocabulary import ELEMENT_WIDTH, PAD, Vocabulary

__all__ = [
    "ID_RANGES",
    "DoesNotFit",
    "FeatureSpec",
    "Featuriser",
    "IdRanges",
    "batch_spec",
    "build_features",
    "cut_html",
    "html_arrays",
    "node_elements",
    "sample_spec",
    "turned",
    "without_boxes",
    "without_html",
    "without_image",
]

Sample = dict[str, np.ndarray]

MERGED = len(ELEMENTS)  # `node_element` of a node that has no layout node of its own
UNKNOWN = -1


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

    @property
    def num_patches(self) -> int:
        """N: partial patches at the right and lower edge count."""
        return math.ceil(self.image_height / self.patch) * math.ceil(self.image_width / self.patch)


def sample_spec(spec: FeatureSpec) -> dict[str, tuple[tuple[int, ...], type]]:
    """Name -> (shape, dtype) of every array of one sample."""
    t, c, length = spec.max_nodes, spec.max_classes, spec.max_target
    return {
        "image": ((spec.image_height, spec.image_width, 3), np.uint8),
        "image_valid": ((), np.bool_),
        "patch_valid": ((spec.num_patches,), np.bool_),
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
    }


def batch_spec(spec: FeatureSpec, batch_size: int) -> dict[str, jax.ShapeDtypeStruct]:
    """What a batch of samples looks like, batch leading."""
    return {
        name: jax.ShapeDtypeStruct((batch_size, *shape), dtype)
        for name, (shape, dtype) in sample_spec(spec).items()
    }


# What stands in the rows of nodes that are not there; zero for every other array.
_EMPTY = {"html_parent": -1, "node_element": UNKNOWN}


def _blank(spec: FeatureSpec, names: Sequence[str]) -> Sample:
    shapes = sample_spec(spec)
    return {
        name: np.full(shapes[name][0], _EMPTY[name], shapes[name][1])
        if name in _EMPTY
        else np.zeros(*shapes[name])
        for name in names
    }


# --- labels -----------------------------------------------------------------------------------


def node_elements(record: Record) -> np.ndarray:
    """int32[n]: the element of each HTML node's layout node, MERGED where it has none.

    UNKNOWN without a label, and for nodes without a twin where the alignment had to be recovered
    and is not complete: one of them may be the twin that was not found.
    """
    count = len(preorder(record.html))
    twins = record.alignment()
    found = [twin for twin in twins if twin is not None]
    complete = record.layout_nodes is not None or len(found) == len(twins)
    elements = np.full(count, MERGED if found and complete else UNKNOWN, np.int32)
    # Backwards, so that of two layout nodes with one twin the outer one is kept.
    for visit in reversed(preorder(record.layout or ())):
        twin = twins[visit.index]
        if twin is not None:
            elements[twin] = ELEMENTS.index(visit.node.element)
    return elements


# --- samples ---------------------------------------------------------------------------------


class Prepared(NamedTuple):
    """A record without its pixels, in little memory: what a data set may keep."""

    html: Sample  # the arrays of `html_arrays`, and node_element; n nodes
    boxes: np.ndarray | None  # float32[n, 5] x, y, width, height, z in pixels of the screenshot
    targets: Sample  # `*_tokens` int16[<= L+1] and `*_carry` int16[<= L, 4]; {} without a label
    category: int
    elements: np.ndarray  # float32[30]

    @property
    def nbytes(self) -> int:
        """Of its arrays that grow with the record."""
        return sum(array.nbytes for array in (*self.html.values(), *self.targets.values()))


class Picture(NamedTuple):
    """A screenshot in the model's scale, not padded yet."""

    pixels: np.ndarray  # uint8[<= H, <= W, 3]
    plan: Fit


class Featuriser:
    """Builds samples of one spec. Safe to share by threads."""

    def __init__(
        self,
        spec: FeatureSpec,
        vocabulary: Vocabulary | None = None,
        automaton: Automaton | None = None,
    ):
        self.spec = spec
        self.vocabulary = vocabulary or Vocabulary.load()
        self.automaton = automaton or Automaton.load(self.vocabulary)
        self._done = self.automaton.state_names.index("done")

    def build(self, record: Record, image: np.ndarray | None, *, index: int = 0) -> Sample:
        """The sample of a record and its decoded screenshot, uint8[h, w, 3] or None.

        Raises `DoesNotFit` where the record has more nodes or tokens than the spec.
        """
        picture = None if image is None else self.shrink(image)
        return self.finish(self.prepare(record), picture, index=index)

    def prepare(self, record: Record) -> Prepared:
        html = html_arrays(
            record.html,
            self.vocabulary.codebook,
            max_nodes=self.spec.max_nodes,
            max_classes=self.spec.max_classes,
        )
        elements = np.zeros(ELEMENT_WIDTH, np.float32)
        targets: Sample = {}
        if record.layout is not None:
            elements[[ELEMENTS.index(name) for name in used_elements(record.layout)]] = 1
            semantic = self.vocabulary.tokenise_semantic(record.layout)
            detail = self.vocabulary.tokenise_detail(record.layout, record.html, record.alignment())
            targets = self._targets("semantic", semantic) | self._targets("detail", detail)
        boxes = np.array(record.html_boxes, np.float32) if record.html_boxes else None
        return Prepared(
            html=html | {"node_element": node_elements(record)},
            boxes=boxes,
            targets=targets,
            category=category_index(record.category) if record.layout is not None else UNKNOWN,
            elements=elements,
        )

    def shrink(self, image: np.ndarray) -> Picture:
        size = (self.spec.image_height, self.spec.image_width)
        return Picture(*shrink(image, size, sharpen=self.spec.sharpen))

    def finish(self, prepared: Prepared, picture: Picture | None, *, index: int) -> Sample:
        """Adds the pixels and pads everything to the spec."""
        sample = self._blank_sample(index)
        count = len(prepared.html["html_mask"])
        for name, array in prepared.html.items():
            # classes are padded along their second axis, too
            sample[name][(slice(count), *map(slice, array.shape[1:]))] = array
        for name, array in prepared.targets.items():
            sample[name][: len(array)] = array
        sample["category"] = np.int32(prepared.category)
        sample["elements"] = prepared.elements
        sample["label_mask"] = np.bool_(bool(prepared.targets))
        if picture is not None:
            sample["image"] = frame(*picture)
            sample["image_valid"] = np.bool_(True)
            sample["patch_valid"] = picture.plan.patch_valid(self.spec.patch)
            if prepared.boxes is not None:
                _place_boxes(sample, prepared.boxes, picture.plan)
        return sample

    def spelled(self, record: Record) -> Sample:
        """`detail_tokens` and `detail_carry` with every node spelled out, for an input without
        HTML. Where that is too long for the spec, nothing but padding: no target at all."""
        blank = self._blank_targets("detail")
        try:
            ids = self.vocabulary.tokenise_detail(record.layout)
            for name, array in self._targets("detail", ids).items():
                blank[name][: len(array)] = array
        except DoesNotFit:
            pass
        return blank

    def _targets(self, view: str, ids: list[int]) -> Sample:
        limit = self.spec.max_target
        if len(ids) > limit + 1:
            raise DoesNotFit(f"{view} tokens", len(ids) - 1, limit)
        tokens = np.array(ids, np.int32)
        # 16 bits do: ids, depths, key lengths and class counts are all below 32768.
        carry = self.automaton.carries(tokens, view).astype(np.int16)
        return {f"{view}_tokens": tokens.astype(np.int16), f"{view}_carry": carry}

    def _blank_sample(self, index: int) -> Sample:
        names = [name for name in sample_spec(self.spec) if "tokens" not in name]
        sample = _blank(self.spec, names)
        sample |= self._blank_targets("semantic") | self._blank_targets("detail")
        sample["index"] = np.int32(index)
        return sample

    def _blank_targets(self, view: str) -> Sample:
        """All PAD, each from the one state in which PAD is legal."""
        length = self.spec.max_target
        carry = np.zeros((length, 4), np.int32)
        carry[:, 0] = self._done
        return {f"{view}_tokens": np.full(length + 1, PAD, np.int32), f"{view}_carry": carry}


def build_features(
    record: Record,
    image: np.ndarray | None,
    spec: FeatureSpec,
    vocabulary: Vocabulary | None = None,
    *,
    index: int = 0,
) -> Sample:
    """One sample, for those who need just one; see `Featuriser.build`."""
    return Featuriser(spec, vocabulary).build(record, image, index=index)


def _place_boxes(sample: Sample, boxes: np.ndarray, plan: Fit) -> None:
    """Writes `html_boxes`, `html_z`, `html_box_mask`. A box wholly outside the picture, of which
    the picture says nothing, is masked out; one partly outside is cut at the edge."""
    count = len(boxes)
    left, top, width, height, z = boxes.astype(np.float64).T
    mapped = plan.boxes_to_target(np.stack([left, top, left + width, top + height], -1))
    rows, columns = plan.source
    edge = plan.boxes_to_target(np.array([0, 0, columns, rows]))[[2, 3, 2, 3]]
    sample["html_boxes"][:count] = np.clip(mapped, 0, edge)
    inside = (left < columns) & (top < rows) & (left + width >= 0) & (top + height >= 0)
    sample["html_box_mask"][:count] = inside
    sample["html_boxes"][:count][~inside] = 0
    sample["html_z"][:count] = np.maximum(z, 0) / max(z.max(), 1)


def turned(sample: Sample, degrees: float, spec: FeatureSpec) -> Sample:
    """The sample with its picture turned, and its patches and boxes with it; see `Turn`."""
    size, patch = (spec.image_height, spec.image_width), spec.patch
    shown = sample["patch_valid"].reshape(-1, math.ceil(spec.image_width / patch))
    content = (
        min(size[0], patch * int(shown.any(axis=1).sum())),
        min(size[1], patch * int(shown.any(axis=0).sum())),
    )
    turn = Turn(size, content, degrees)
    boxes = turn.boxes(sample["html_boxes"])
    return dict(sample) | {
        "image": turn.image(sample["image"]),
        "patch_valid": Fit(turn.size, turn.size, size).patch_valid(patch),
        "html_boxes": np.where(sample["html_box_mask"][:, None], boxes, 0).astype(np.float32),
    }


# --- what a sample looks like with less input ------------------------------------------------

_BOX_ARRAYS = ("html_boxes", "html_z", "html_box_mask")


def without_boxes(sample: Mapping, spec: FeatureSpec) -> Sample:
    return dict(sample) | _blank(spec, _BOX_ARRAYS)


def without_image(sample: Mapping, spec: FeatureSpec) -> Sample:
    return dict(sample) | _blank(spec, ("image", "image_valid", "patch_valid"))


def without_html(sample: Mapping, spec: FeatureSpec, spelled: Mapping) -> Sample:
    """Also takes the detail targets from `Featuriser.spelled`: there is nothing to copy from."""
    names = [n for n in sample_spec(spec) if n.startswith("html_") or n == "node_element"]
    return dict(sample) | _blank(spec, names) | dict(spelled)
