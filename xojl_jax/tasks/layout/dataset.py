"""A split of record shards as samples: what fits the model, featurized, kept in memory."""

import logging
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np

from xojl_jax.data.augment import brightness_contrast
from xojl_jax.data.bounded_cache import BoundedCache
from xojl_jax.data.buckets import assign, holds
from xojl_jax.data.images import ImageError, decode_image, image_size
from xojl_jax.data.shards import ShardSource, StoredRecord
from xojl_jax.errors import BadInput, BadUsage
from xojl_jax.tasks.base import Bucket, Sample
from xojl_jax.tasks.layout.buckets import bucket_spec, full_shape, rows_needed, to_spec
from xojl_jax.tasks.layout.features import Featurizer, Picture, Prepared
from xojl_jax.tasks.layout.sample_changes import (
    rotate_sample,
    with_fewer_names,
    with_hints,
    without_boxes,
    without_html,
    without_image,
)
from xojl_jax.tasks.layout.sample_spec import FeatureSpec
from xojl_jax.tasks.layout.tree_features import DoesNotFit
from xojl_jax.xojl.record import Record, parse_record
from xojl_jax.xojl.vocabulary import Vocabulary

_LOG = logging.getLogger(__name__)
CACHE_BYTES = 256 << 20  # some 10,000 records without their pixels
_PICTURE_BYTES = 512 << 20  # a thousand at the size of `tiny`, two hundred at that of `base`
# The columns of the manifest, written by data_prep.build; targets are counted without BOS.
SIZES = ("nodes", "semantic_tokens", "detail_tokens")
# Further ones, for buckets: the picture in pixels (0: none), the most classes of a node, and the
# detail target where there is no HTML to copy from. Shards of earlier versions lack them.
SHAPE_SIZES = ("image_height", "image_width", "classes", "spelled_tokens")


class Augmentation(Protocol):
    """How training samples differ from the stored ones, and how often each record comes;
    `config.data` has these fields."""

    rotate: float
    rotate_share: float
    drop_html: float
    drop_image: float
    drop_boxes: float
    drop_classes: float
    drop_tags: float
    hints: float
    balance: float


class LayoutDataset:
    """`len(dataset)`, `dataset[i] -> sample`; `augment` for training. Safe to share by threads.

    Records that are larger than the spec are left out when the data set is opened: `left_out`
    counts them by reason, `numbers` says which records of the split are in. The sizes come from
    the manifest where it has them for this codebook, else every record is read once. `weights` says
    how often training draws each record, None for equally often. `buckets` says which bucket each
    record is in once `use_buckets` was called; until then there is but the full size.
    """

    buckets: np.ndarray | None = None
    bucket_holds: np.ndarray | None = None
    # Training without HTML is another bucket: see `transforms.DataSource`.
    changed_buckets: np.ndarray | None = None
    changed_share: float = 0.0
    _bucket_specs: tuple[FeatureSpec, ...] = ()

    def __init__(
        self,
        folder: str | Path,
        split: str,
        spec: FeatureSpec,
        augmentation: Augmentation | None = None,
        vocabulary: Vocabulary | None = None,
        *,
        cache_bytes: int = CACHE_BYTES,
        picture_bytes: int = _PICTURE_BYTES,
    ):
        self.source = ShardSource(folder, split)
        self.spec, self.augmentation = spec, augmentation
        self._name = f"{folder} ({split})"
        self._featurizer = Featurizer(spec, vocabulary)
        self.vocabulary = self._featurizer.vocabulary
        self._prepared: BoundedCache[Prepared] = BoundedCache(cache_bytes)
        self._pictures: BoundedCache[Picture] = BoundedCache(picture_bytes)
        # Without drops nobody reads the spelled-out targets, which are as large as all the others.
        self._spells_out = augmentation is not None and augmentation.drop_html > 0
        self.left_out: Counter[str] = Counter()
        self.numbers = np.flatnonzero(self._fitting())
        if self.left_out:
            reasons = ", ".join(f"{n} for their {what}" for what, n in self.left_out.items())
            _LOG.warning("%s: records too large are left out: %s", self._name, reasons)
        self.weights = None if augmentation is None else self._balanced(augmentation.balance)

    def __len__(self) -> int:
        return len(self.numbers)

    def __getitem__(self, index: int) -> Sample:
        number = int(self.numbers[index])
        prepared, picture = self._prepared.get(number), self._pictures.get(number)
        if prepared is None or picture is None:
            stored = self.source[number]
            prepared = prepared or self._prepare(stored, number)
            picture = picture or self._picture(stored, number)
        return self._featurizer.finish(prepared, picture, index=number)

    def use_buckets(self, buckets: Sequence[Bucket]) -> None:
        """Puts each record into the first of these buckets that holds it."""
        shapes = [bucket.shape for bucket in buckets]
        needed, spelled = self.needed_sizes()
        self.buckets = assign(needed, shapes)
        if self._spells_out:
            self.changed_buckets = assign(spelled, shapes)
            self.changed_share = self.augmentation.drop_html
        self.bucket_holds = holds(shapes)
        self._bucket_specs = tuple(bucket_spec(self.spec, bucket) for bucket in buckets)

    def to_bucket(self, sample: Sample, bucket: int) -> Sample:
        """The sample in the shapes of bucket number `bucket`, which must hold its record."""
        return to_spec(sample, self._bucket_specs[bucket])

    def needed_sizes(self) -> tuple[np.ndarray, np.ndarray]:
        """int64[len(self), 4] twice: rows of patches, nodes, classes a node and target tokens that
        each sample needs, with its HTML and where it was dropped, whatever else `augment` makes of
        it. The full size for damaged records."""
        sizes = self._stored_sizes()
        chance, spec = self.augmentation, self.spec
        turns = chance is not None and chance.rotate_share > 0
        degrees = abs(chance.rotate) if turns else 0.0
        rows = rows_needed(sizes["image_height"], sizes["image_width"], spec, degrees)
        tokens = np.maximum(sizes["semantic_tokens"], sizes["detail_tokens"])
        classes = np.minimum(sizes["classes"], spec.max_classes)
        needed = np.stack([rows, sizes["nodes"], classes, tokens], axis=-1)
        # Without HTML the detail target is ten times as long; beyond the limit there is none. Only
        # a sample with both inputs loses one.
        length = np.where(sizes["spelled_tokens"] <= spec.max_target, sizes["spelled_tokens"], 0)
        # Nodes without their classes: their boxes and elements stay, as labels of the patches.
        tokens = np.maximum(sizes["semantic_tokens"], length)
        bare = np.stack([rows, sizes["nodes"], np.ones_like(rows), tokens], -1)
        both = (sizes["image_height"] > 0) & (sizes["nodes"] > 0)
        bare = np.where(both[:, None], bare, needed)
        damaged = sizes["nodes"][:, None] < 0
        needed, bare = (np.where(damaged, full_shape(spec), x) for x in (needed, bare))
        return np.maximum(needed, 1), np.maximum(bare, 1)

    def record(self, index: int) -> Record:
        """The record behind a sample, for evaluation and pictures."""
        number = int(self.numbers[index])
        return self._parse(self.source[number], number)

    def screenshot(self, index: int) -> bytes:
        """The encoded screenshot behind a sample; empty where the record has none."""
        return self.source[int(self.numbers[index])].image

    def augment(
        self, sample: Sample, rng: np.random.Generator, without: bool | None = None
    ) -> Sample:
        """Changes the light, rotates some pictures a little (X018), and drops modalities at random,
        never the last one. Does nothing to a data set that was opened without `augmentation`.

        Args:
          without: whether the HTML is dropped, where that was drawn before; None draws it here.
        """
        chance = self.augmentation
        if chance is None:
            return sample
        modality, boxes, rotates = rng.random(3)
        if without is not None:  # the rest of the draw decides on the picture, as often as ever
            modality = 0.0 if without else chance.drop_html + modality * (1 - chance.drop_html)
        has_image, has_html = bool(sample["image_mask"]), bool(sample["html_mask"].any())
        keeps_image = True
        if has_image and has_html:
            keeps_image = not chance.drop_html <= modality < chance.drop_html + chance.drop_image
            if modality < chance.drop_html:
                sample = without_html(sample, self.spec, self._spelled(sample))
            elif not keeps_image:
                sample = without_image(sample, self.spec)
        if has_image and keeps_image:
            sample = {**sample, "image": brightness_contrast(sample["image"], rng)}
            if rotates < chance.rotate_share:
                degrees = rng.uniform(-chance.rotate, chance.rotate)
                sample = rotate_sample(sample, degrees, self.spec)
        if boxes < chance.drop_boxes:
            sample = without_boxes(sample, self.spec)
        # Drawn last, and only where hints are on: what else is drawn stays what it was.
        if self.spec.hints and rng.random() < chance.hints:
            sample = with_hints(sample, rng)
        if chance.drop_classes or chance.drop_tags:
            sample = with_fewer_names(sample, rng, chance.drop_classes, chance.drop_tags)
        return sample

    def _spelled(self, sample: Sample) -> Sample:
        """The detail targets of a sample without HTML. Its record is kept from when the sample was
        made; only past the memory bound it is read again."""
        number = int(sample["index"])
        prepared = self._prepared.get(number) or self._prepare(self.source[number], number)
        return self._featurizer.spelled_targets(prepared)

    def _parse(self, stored: StoredRecord, number: int) -> Record:
        return parse_record(stored.record, where=self._where(number))

    def _where(self, number: int) -> str:
        return f"{self._name} record {number}"

    def _prepare(self, stored: StoredRecord, number: int) -> Prepared:
        prepared = self._featurizer.prepare(self._parse(stored, number), spelled=self._spells_out)
        self._prepared.add(number, prepared, prepared.nbytes)
        return prepared

    def _picture(self, stored: StoredRecord, number: int) -> Picture | None:
        if not stored.image:
            return None
        try:
            picture = self._featurizer.shrink(decode_image(stored.image))
        except ImageError as error:
            raise BadInput(f"{self._where(number)}: the screenshot {error}") from error
        self._pictures.add(number, picture, picture.pixels.nbytes)
        return picture

    def _stored_sizes(self) -> dict[str, np.ndarray]:
        """int64[len(self)] of each of `SIZES` and `SHAPE_SIZES`; -1 for a damaged record."""
        names = (*SIZES, *SHAPE_SIZES)
        if self._manifest_has(names):
            stored = self.source.info.sizes
            return {name: np.array(stored[name], np.int64)[self.numbers] for name in names}
        _LOG.warning(
            "%s: the manifest lacks sizes that buckets need, so all %d records are read once; "
            "data_prep.build writes them",
            self._name,
            len(self),
        )
        rows = np.array([self._measure(int(n)) for n in self.numbers], np.int64)
        return dict(zip(names, rows.reshape(-1, len(names)).T, strict=True))

    def _measure(self, number: int) -> tuple[int, ...]:
        try:
            stored = self.source[number]
            record = self._parse(stored, number)
            height, width = image_size(stored.image) if stored.image else (0, 0)
        except BadInput:
            return (-1,) * len((*SIZES, *SHAPE_SIZES))
        prepared = self._featurizer.prepare(record)
        semantic, detail = (
            len(prepared.targets[f"{view}_tokens"]) - 1 if prepared.targets else 0
            for view in ("semantic", "detail")
        )
        layout = record.layout
        spelled = 0 if layout is None else len(self.vocabulary.tokenize_detail(layout)) - 1
        nodes, classes = prepared.html["html_class_mask"].shape
        return nodes, semantic, detail, height, width, classes, spelled

    def _manifest_has(self, names: Sequence[str]) -> bool:
        """Whether the manifest has these columns, for this codebook."""
        note, codebook = self.source.manifest.note, self.vocabulary.codebook.digest
        return set(self.source.info.sizes) >= set(names) and note.get("codebook") == codebook

    def _fitting(self) -> np.ndarray:
        """bool[records of the split]: which of them fit the model."""
        sizes = self.source.info.sizes
        if self._manifest_has(SIZES):
            fits = np.ones(len(self.source), np.bool_)
            for name, (reason, limit) in self._limits().items():
                too_large = fits & (np.array(sizes[name], np.int64) > limit)
                if too_large.any():
                    self.left_out[reason] += int(too_large.sum())
                fits &= ~too_large
            return fits
        return np.array([self._fits(number) for number in range(len(self.source))], np.bool_)

    def _fits(self, number: int) -> bool:
        try:
            self._prepare(self.source[number], number)
        except DoesNotFit as error:
            self.left_out[error.reason] += 1
            return False
        except BadInput:
            pass  # damaged: the loader meets it, counts it within its budget, and replaces it
        return True

    def _balanced(self, balance: float) -> np.ndarray | None:
        """float64[len(self)]: the records' rarity to the power of `balance`."""
        if balance == 0:
            return None
        if len(self.source.info.weights) < len(self.source):
            raise BadUsage(
                f"{self._name} has no weights, so config.data.balance must be 0; data_prep.build "
                "writes them"
            )
        return np.array(self.source.info.weights)[self.numbers] ** balance

    def _limits(self) -> dict[str, tuple[str, int]]:
        return {
            "nodes": ("HTML nodes", self.spec.max_nodes),
            "semantic_tokens": ("semantic tokens", self.spec.max_target),
            "detail_tokens": ("detail tokens", self.spec.max_target),
        }
