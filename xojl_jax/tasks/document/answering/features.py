"""A page and a question about it to arrays. T tokens of the page, L of the answer."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from xojl_jax.documents.answers import Answer, Question
from xojl_jax.tasks.base import Sample
from xojl_jax.tasks.document.answering.sample_spec import QuestionSpec
from xojl_jax.tasks.document.answering.shots import Shot, spell
from xojl_jax.tasks.document.answering.spelling import PageWords, first_pieces, to_tokens
from xojl_jax.tasks.document.answering.vocabulary import AnswerVocabulary, Kind
from xojl_jax.tasks.document.features import Featurizer, Hiding, Picture, Prepared

# Text of a prompt -> its ids; of one with more than the given number, at least so many.
EncodePrompt = Callable[[str, int], Sequence[int]]


def _without_picture(sample: Sample) -> Sample:
    return sample | {"patch_mask": np.zeros_like(sample["patch_mask"])}


def _without_words(sample: Sample) -> Sample:
    none = {name: np.zeros_like(sample[name]) for name in ("tokens_mask", "copyable")}
    return sample | none


def _without_boxes(sample: Sample) -> Sample:
    return sample | {"boxes": np.zeros_like(sample["boxes"])}


def _without_prompt(sample: Sample) -> Sample:
    return sample | {name: np.zeros_like(sample[name]) for name in ("prompt_mask", "points")}


# What a model may read, by the names in `config.inputs`: how a sample looks without it. Where
# words are not read, answers copy none: their targets are spelled.
INPUTS: dict[str, Callable[[Sample], Sample]] = {
    "picture": _without_picture,
    "words": _without_words,
    "boxes": _without_boxes,
    "prompt": _without_prompt,
}


class QuestionFeaturizer:
    """Builds samples of one spec. Safe to share by threads.

    Args:
      encode_prompt: what makes ids of prompts; None where they are not read.
      inputs: names in `INPUTS`, what is read.
    """

    def __init__(
        self,
        spec: QuestionSpec,
        vocabulary: AnswerVocabulary,
        encode_prompt: EncodePrompt | None,
        inputs: Sequence[str] = tuple(INPUTS),
    ):
        self.spec, self.vocabulary, self._encode = spec, vocabulary, encode_prompt
        self.pages = Featurizer(spec.page, vocabulary.pieces, Hiding(0, 1, 0))
        self._without = [change for name, change in INPUTS.items() if name not in inputs]
        self._copies = "words" in inputs

    def finish(
        self,
        prepared: Prepared,
        picture: Picture,
        words: tuple[str, ...],
        boxes: np.ndarray,
        question: Question,
        index: int = 0,
        shots: Sequence[Shot] = (),
    ) -> Sample:
        """The sample of a question about a page.

        Args:
          prepared, picture: of the page. words, boxes: its words, and float[n, 4] theirs.
          index: of the sample.
          shots: examples before the prompt.
        """
        sample = self.pages.page(prepared, picture, index)
        sample["copyable"] = first_pieces(sample["word"])
        sample |= self._pointed(question, picture)
        sample |= self._target(self.tokens(question.answer, sample["word"], words, boxes))
        return self.with_shots(sample, question.prompt, shots)

    def with_shots(self, sample: Sample, prompt: str, shots: Sequence[Shot]) -> Sample:
        """The sample with this prompt, and these examples before it."""
        ids, kept = self.prompt_ids(prompt, shots)
        length = self.spec.max_prompt
        padded = np.zeros(length, np.int32)
        padded[: len(ids)] = ids
        sample = sample | {"prompt": padded, "prompt_mask": np.arange(length) < len(ids)}
        if self.spec.most_shots:
            counts = {"shots": kept, "dropped_shots": len(shots) - kept}
            sample |= {name: np.array(count, np.int32) for name, count in counts.items()}
        for change in self._without:
            sample = change(sample)
        return sample

    def prompt_ids(self, prompt: str, shots: Sequence[Shot] = ()) -> tuple[list[int], int]:
        """The ids of a prompt with examples before it, and of how many: as many of the first ones
        as there is room for. Of a prompt that is too long without any, the first ids."""
        if self._encode is None:
            return [], 0
        length = self.spec.max_prompt
        for count in range(len(shots), 0, -1):
            ids = self._encode(spell(shots[:count], prompt), length + 1)
            if len(ids) <= length:
                return list(ids), count
        return list(self._encode(prompt, length))[:length], 0

    def tokens(
        self, answer: Answer | None, word: np.ndarray, words: tuple[str, ...], boxes: np.ndarray
    ) -> list[int] | None:
        """The tokens of an answer, EOS last; None where it is not known, or has too many.

        Args:
          word: int32[T], of the sample.
        """
        if answer is None:
            return None
        word = word if self._copies else np.full_like(word, -1)
        tokens = to_tokens(answer, PageWords.of(words, boxes, word), self.vocabulary)
        return tokens if len(tokens) <= self.spec.max_answer else None

    def _pointed(self, question: Question, picture: Picture) -> Mapping[str, np.ndarray]:
        box = np.zeros(4, np.float32) if question.box is None else np.array(question.box)
        return {
            "prompt_box": (box * picture.on_canvas).astype(np.float32),
            "points": np.array(question.box is not None),
        }

    def _target(self, tokens: list[int] | None) -> Mapping[str, np.ndarray]:
        target = np.full(self.spec.max_answer, Kind.PAD, np.int32)
        tokens = tokens or []
        target[: len(tokens)] = tokens
        before = np.concatenate([[Kind.BOS], target[:-1]], dtype=np.int32)
        return {"target": target, "before": before}
