"""Records to arrays: a record and its screenshot become one flat dict, the model's input.

Letters: H, W pixels; N patches; T HTML nodes; C classes per node; L target tokens. Nodes are in
depth-first pre-order.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from xojl_jax.data.images import Fit, frame, shrink
from xojl_jax.tasks.base import Sample
from xojl_jax.tasks.layout.node_labels import (
    IndexedRecord,
    node_elements,
    sure_nodes,
    token_nodes,
)
from xojl_jax.tasks.layout.sample_spec import (
    UNKNOWN,
    FeatureSpec,
    blank_arrays,
    sample_spec,
)
from xojl_jax.tasks.layout.tree_features import DoesNotFit, html_arrays
from xojl_jax.xojl.grammar import Automaton
from xojl_jax.xojl.record import Record, category_index
from xojl_jax.xojl.tree import ELEMENTS, Forest
from xojl_jax.xojl.vocabulary import ELEMENT_WIDTH, PAD, Vocabulary


class Prepared(NamedTuple):
    """A record without its pixels, in little memory: what a data set may keep."""

    html: Sample  # the arrays of `html_arrays`, and node_element; n nodes
    boxes: np.ndarray | None  # float32[n, 5] x, y, width, height, z in pixels of the screenshot
    targets: Sample  # the arrays of both views, as `_targets` makes them; {} without a label
    spelled: np.ndarray  # int16[<= L+1] detail tokens without COPY; empty if too long or not wanted
    category: int
    elements: np.ndarray  # float32[30]
    sure: np.ndarray | None  # of `sure_nodes`

    @property
    def nbytes(self) -> int:
        """Of its arrays that grow with the record."""
        arrays = (*self.html.values(), *self.targets.values(), self.spelled)
        return sum(array.nbytes for array in arrays)


class Picture(NamedTuple):
    """A screenshot in the model's scale, not padded yet."""

    pixels: np.ndarray  # uint8[<= H, <= W, 3]
    fit: Fit


class Featurizer:
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

    def prepare(self, record: Record, *, spelled: bool = False) -> Prepared:
        """A record without its pixels.

        Args:
          spelled: also gives `Prepared.spelled`, for a training that drops HTML.
        """
        indexed = IndexedRecord.of(record)
        html = html_arrays(
            indexed.html,
            self.vocabulary.codebook,
            max_nodes=self.spec.max_nodes,
            max_classes=self.spec.max_classes,
            class_inputs=self.spec.class_inputs,
        )
        elements = np.zeros(ELEMENT_WIDTH, np.float32)
        targets: Sample = {}
        spelled_tokens = np.zeros(0, np.int16)
        sure = sure_nodes(record, self.spec.least_confidence)
        if record.layout is not None:
            elements[[ELEMENTS.index(visit.node.element) for visit in indexed.layout.visits]] = 1
            semantic = self.vocabulary.tokenize_semantic(record.layout)
            detail = self.vocabulary.tokenize_detail(record.layout, indexed.html, indexed.twins)
            targets = self._targets("semantic", semantic, sure)
            targets |= self._targets("detail", detail, sure)
            if spelled:
                spelled_tokens = self._spell(record.layout)
        boxes = np.array(record.html_boxes, np.float32) if record.html_boxes else None
        return Prepared(
            html=html | {"node_element": node_elements(indexed, sure)},
            boxes=boxes,
            targets=targets,
            spelled=spelled_tokens,
            category=category_index(record.category) if record.layout is not None else UNKNOWN,
            elements=elements,
            sure=sure,
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
            sample["image_mask"] = np.bool_(True)
            sample["patch_mask"] = picture.fit.patch_mask(self.spec.patch)
            if prepared.boxes is not None:
                _place_boxes(sample, prepared.boxes, picture.fit)
        return sample

    def spelled_targets(self, prepared: Prepared) -> Sample:
        """The arrays of the detail view with every node spelled out, for an input without
        HTML; {} without a label. Where that is too long for the spec, nothing but padding: no
        target at all. Takes a record that was prepared with `spelled=True`."""
        if not prepared.targets:
            return {}
        blank = self._blank_targets("detail")
        if len(prepared.spelled):
            spelled = self._targets("detail", prepared.spelled.tolist(), prepared.sure)
            for name, array in spelled.items():
                blank[name][: len(array)] = array
        return blank

    def _spell(self, layout: Forest) -> np.ndarray:
        """int16[<= L+1], or empty where that is too long. The carries, four times as large, are
        made when they are needed: a tenth of the samples loses its HTML."""
        ids = self.vocabulary.tokenize_detail(layout)
        return np.array(ids if len(ids) <= self.spec.max_target + 1 else (), np.int16)

    def _targets(self, view: str, ids: Sequence[int], sure: np.ndarray | None) -> Sample:
        """`*_tokens` int16[<= L+1], `*_carry` int16[<= L, 4] and, where the spec has a least
        confidence, `*_sure` bool[<= L], whether the token after counts."""
        limit = self.spec.max_target
        if len(ids) > limit + 1:
            raise DoesNotFit(f"{view} tokens", len(ids) - 1, limit)
        tokens = np.array(ids, np.int32)
        # 16 bits do: ids, depths, key lengths and class counts are all below 32768.
        carry = self.automaton.carries(tokens, view).astype(np.int16)
        found: Sample = {f"{view}_tokens": tokens.astype(np.int16), f"{view}_carry": carry}
        if self.spec.least_confidence:
            everything = np.ones(len(ids) - 1, np.bool_)
            # EOS is no node's, -1, and counts: the last entry.
            counts = everything if sure is None else np.append(sure, True)[token_nodes(ids)]
            found[f"{view}_sure"] = counts
        return found

    def _blank_sample(self, index: int) -> Sample:
        names = [name for name in sample_spec(self.spec) if "tokens" not in name]
        sample = blank_arrays(self.spec, names)
        sample |= self._blank_targets("semantic") | self._blank_targets("detail")
        sample["index"] = np.int32(index)
        return sample

    def _blank_targets(self, view: str) -> Sample:
        """All PAD, each from the one state in which PAD is legal."""
        length = self.spec.max_target
        carry = np.zeros((length, 4), np.int32)
        carry[:, 0] = self._done
        blank: Sample = {
            f"{view}_tokens": np.full(length + 1, PAD, np.int32),
            f"{view}_carry": carry,
        }
        if self.spec.least_confidence:
            blank |= blank_arrays(self.spec, [f"{view}_sure"])
        return blank


def _place_boxes(sample: Sample, boxes: np.ndarray, fit: Fit) -> None:
    """Writes `html_boxes`, `html_z` and both masks of boxes. A box wholly outside the picture, of
    which the picture says nothing, is masked out; one partly outside is cut at the edge."""
    count = len(boxes)
    left, top, width, height, z = boxes.astype(np.float64).T
    mapped = fit.boxes_to_target(np.stack([left, top, left + width, top + height], -1))
    rows, columns = fit.source
    edge = fit.boxes_to_target(np.array([0, 0, columns, rows]))[[2, 3, 2, 3]]
    sample["html_boxes"][:count] = np.clip(mapped, 0, edge)
    inside = (left < columns) & (top < rows) & (left + width >= 0) & (top + height >= 0)
    sample["html_box_mask"][:count] = sample["html_box_input_mask"][:count] = inside
    sample["html_boxes"][:count][~inside] = 0
    sample["html_z"][:count] = np.maximum(z, 0) / max(z.max(), 1)
