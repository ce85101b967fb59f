"""A split of document shards as samples, kept in memory."""

from pathlib import Path

import numpy as np

from xojl_jax.data.bounded_cache import BoundedCache
from xojl_jax.data.images import ImageError, decode_image
from xojl_jax.data.shards import ShardSource, StoredRecord
from xojl_jax.documents.record import DocumentRecord, parse_record
from xojl_jax.errors import BadInput
from xojl_jax.tasks.base import Sample
from xojl_jax.tasks.document.features import Featurizer, Picture, Prepared

_WORD_BYTES = 256 << 20
_RECORD_BYTES = 256 << 20
# What a record takes in memory, for each byte of its JSON.
_BYTES_PER_BYTE = 6
_PICTURE_BYTES = 512 << 20
# Of what an evaluation hides: the same of a page every time.
_MASK_SEED = 20_221


class DocumentDataset:
    """`len(dataset)`, `dataset[i] -> sample`; `augment` hides anew. Safe to share by threads."""

    def __init__(self, folder: str | Path, split: str, featurizer: Featurizer):
        self.source = ShardSource(folder, split)
        if self.source.manifest.note.get("records") != "documents":
            raise BadInput(
                f"{folder} has no document records: make shards with data_prep.documents and "
                "data_prep.build"
            )
        self._name = f"{folder} ({split})"
        self._featurizer = featurizer
        self._records: BoundedCache[DocumentRecord] = BoundedCache(_RECORD_BYTES)
        self._prepared: BoundedCache[Prepared] = BoundedCache(_WORD_BYTES)
        self._pictures: BoundedCache[Picture] = BoundedCache(_PICTURE_BYTES)

    def __len__(self) -> int:
        return len(self.source)

    def __getitem__(self, index: int) -> Sample:
        rng = np.random.default_rng((_MASK_SEED, index))
        return self._featurizer.finish(*self.page(index), rng, index)

    def page(self, index: int) -> tuple[Prepared, Picture]:
        """The words of a page in pieces, and its picture in the model's scale."""
        prepared, picture = self._prepared.get(index), self._pictures.get(index)
        if prepared is None or picture is None:
            stored = self.source[index]
            prepared = prepared or self._prepare(stored, index)
            picture = picture or self._picture(stored, index)
        return prepared, picture

    def words(self, index: int) -> Prepared:
        """The words of a page in pieces."""
        prepared = self._prepared.get(index)
        return self._prepare(self.source[index], index) if prepared is None else prepared

    def augment(self, sample: Sample, rng: np.random.Generator) -> Sample:
        """The sample with other words and patches hidden."""
        return sample | self._featurizer.hide(sample, rng)

    def record(self, index: int) -> DocumentRecord:
        """The record of a page."""
        record = self._records.get(index)
        return self._parse(self.source[index], index) if record is None else record

    def picture(self, index: int) -> bytes:
        """The encoded picture behind a sample."""
        return self.source[index].image

    def _parse(self, stored: StoredRecord, index: int) -> DocumentRecord:
        record = parse_record(stored.record, where=f"{self._name} record {index}")
        self._records.add(index, record, _BYTES_PER_BYTE * len(stored.record))
        return record

    def _prepare(self, stored: StoredRecord, index: int) -> Prepared:
        prepared = self._featurizer.prepare(self._parse(stored, index))
        self._prepared.add(index, prepared, prepared.nbytes)
        return prepared

    def _picture(self, stored: StoredRecord, index: int) -> Picture:
        try:
            picture = self._featurizer.shrink(decode_image(stored.image))
        except ImageError as error:
            raise BadInput(f"{self._name} record {index}: the picture {error}") from error
        self._pictures.add(index, picture, picture.pixels.nbytes)
        return picture
