"""Questions about the pages of a split of document shards, one after the other."""

from pathlib import Path

import numpy as np

from xojl_jax.documents.answers import Question
from xojl_jax.documents.record import DocumentRecord
from xojl_jax.errors import BadInput
from xojl_jax.tasks.base import Sample
from xojl_jax.tasks.document.answering.features import QuestionFeaturizer
from xojl_jax.tasks.document.dataset import DocumentDataset


class QuestionDataset:
    """`len(dataset)`, `dataset[i] -> sample`, in the order of pages and of their questions. Safe to
    share by threads.

    Raises:
      BadInput: the shards have no questions.
    """

    def __init__(self, folder: str | Path, split: str, featurizer: QuestionFeaturizer):
        self.featurizer = featurizer
        self.pages = DocumentDataset(folder, split, featurizer.pages)
        counts = self.pages.source.manifest.splits[split].sizes.get("questions")
        if len(self.pages) and (counts is None or not any(counts)):
            raise BadInput(
                f"{folder} ({split}) has no questions: make pages that have some "
                "(data_prep.synthesize_documents), or build shards with data_prep.build --ask"
            )
        # The sample with which each page begins, and behind the last the number of all.
        self._first = np.concatenate([[0], np.cumsum(counts or [0])])

    def __len__(self) -> int:
        return int(self._first[-1])

    def __getitem__(self, index: int) -> Sample:
        page, question = self.question(index)
        record = self.pages.record(page)
        return self.featurizer.finish(
            *self.pages.page(page), record.words, record.boxes, record.questions[question], index
        )

    def augment(self, sample: Sample, rng: np.random.Generator) -> Sample:
        """The sample as it is."""
        del rng
        return sample

    def question(self, index: int) -> tuple[int, int]:
        """The number of a sample's page, and that of the question on it."""
        page = int(np.searchsorted(self._first, index, side="right")) - 1
        return page, index - int(self._first[page])

    def source(self, index: int) -> tuple[DocumentRecord, Question]:
        """The record and the question behind a sample."""
        page, question = self.question(index)
        record = self.pages.record(page)
        return record, record.questions[question]
