"""Questions about the pages of a split of document shards, one after the other."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from xojl_jax.data.buckets import assign, holds
from xojl_jax.documents.answers import Question
from xojl_jax.documents.record import DocumentRecord
from xojl_jax.errors import BadInput
from xojl_jax.tasks.base import Bucket, Sample
from xojl_jax.tasks.buckets import cut_sample
from xojl_jax.tasks.document.answering.features import QuestionFeaturizer
from xojl_jax.tasks.document.answering.sample_spec import QuestionSpec, sample_spec
from xojl_jax.tasks.document.answering.shots import Shot, TrainingQuestions
from xojl_jax.tasks.document.dataset import DocumentDataset


class QuestionDataset:
    """`len(dataset)`, `dataset[i] -> sample`, in the order of pages and of their questions. Safe to
    share by threads. `buckets` says which bucket each sample is in once `use_buckets` was called;
    until then there is but the full size.

    Raises:
      BadInput: the shards have no questions.
    """

    buckets: np.ndarray | None = None
    bucket_holds: np.ndarray | None = None
    _bucket_specs: tuple[QuestionSpec, ...] = ()

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
            *self.pages.page(page),
            record.words,
            record.boxes,
            record.questions[question],
            index,
            self.shots(index),
        )

    def use_buckets(self, buckets: Sequence[Bucket], needed: np.ndarray) -> None:
        """Puts each sample into the first of these buckets that holds it.

        Args:
          needed: what `needed_sizes` gives.
        """
        shapes = [bucket.shape for bucket in buckets]
        self.buckets = assign(needed, shapes)
        self.bucket_holds = holds(shapes)
        self._bucket_specs = tuple(self.featurizer.spec.cut(bucket) for bucket in buckets)

    def to_bucket(self, sample: Sample, bucket: int) -> Sample:
        """The sample in the shapes of bucket number `bucket`, which must hold it."""
        return cut_sample(sample, sample_spec(self._bucket_specs[bucket]))

    def needed_sizes(self) -> np.ndarray:
        """int64[len(self), 2]: tokens of the page and of the answer. Every record is read. The full
        size for damaged ones, which training tells of when it comes to them."""
        spec, sizes = self.featurizer.spec, np.zeros((len(self), 2), np.int64)
        for page, count in enumerate(np.diff(self._first)):
            try:
                record = self.pages.record(page)
                word = self.pages.words(page).word[: spec.max_tokens]
                lengths = [
                    len(self.featurizer.tokens(q.answer, word, record.words, record.boxes) or ())
                    for q in record.questions
                ]
                found = [(len(word), length) for length in lengths]
            except BadInput:
                found = [spec.shape] * int(count)
            sizes[self._first[page] : self._first[page + 1]] = np.reshape(found, (-1, 2))
        return np.maximum(sizes, 1)

    def augment(self, sample: Sample, rng: np.random.Generator) -> Sample:
        """The sample as it is."""
        del rng
        return sample

    def shots(self, index: int) -> tuple[Shot, ...]:
        """The examples that a sample's prompt begins with, as far as there is room: none."""
        del index
        return ()

    def question(self, index: int) -> tuple[int, int]:
        """The number of a sample's page, and that of the question on it."""
        page = int(np.searchsorted(self._first, index, side="right")) - 1
        return page, index - int(self._first[page])

    def source(self, index: int) -> tuple[DocumentRecord, Question]:
        """The record and the question behind a sample."""
        page, question = self.question(index)
        record = self.pages.record(page)
        return record, record.questions[question]


class FewShotDataset(QuestionDataset):
    """The same with examples before every prompt: in evaluations `count`, always the same ones; in
    training from 0 to `count`, drawn anew.

    Args:
      training: what the examples are drawn from; None: this split itself.
      seed: of the choice of examples in evaluations.
    """

    def __init__(
        self,
        folder: str | Path,
        split: str,
        featurizer: QuestionFeaturizer,
        count: int,
        training: TrainingQuestions | None = None,
        seed: int = 0,
    ):
        super().__init__(folder, split, featurizer)
        self.count, self.seed = count, seed
        self.training = training or TrainingQuestions(self.pages)

    def augment(self, sample: Sample, rng: np.random.Generator) -> Sample:
        """The sample with other examples."""
        index, count = int(sample["index"]), int(rng.integers(self.count + 1))
        _, question = self.source(index)
        return self.featurizer.with_shots(sample, question.prompt, self._draw(index, count, rng))

    def shots(self, index: int) -> tuple[Shot, ...]:
        return self._draw(index, self.count, np.random.default_rng((self.seed, index)))

    def count_left_out(self, questions: int) -> tuple[int, int]:
        """Of the examples before the prompts of the first questions: how many there is no room for,
        and how many training does not have."""
        found = kept = 0
        for index in range(questions):
            drawn = self.shots(index)
            _, question = self.source(index)
            found += len(drawn)
            kept += self.featurizer.prompt_ids(question.prompt, drawn)[1]
        return found - kept, self.count * questions - found

    def _draw(self, index: int, count: int, rng: np.random.Generator) -> tuple[Shot, ...]:
        record, question = self.source(index)
        return self.training.draw(question.kind, record.split_group(), count, rng)
