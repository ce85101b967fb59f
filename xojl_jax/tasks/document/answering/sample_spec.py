"""Names, shapes and dtypes of the arrays of a page and a question.

T tokens of the page, P of the prompt, L of the answer.
"""

import dataclasses

import jax
import numpy as np

from xojl_jax.tasks.base import Bucket
from xojl_jax.tasks.document import sample_spec as page_spec
from xojl_jax.tasks.document.sample_spec import FeatureSpec

# What varies from question to question (docs/buckets.md), and what the sizes are rounded up to:
# matrix units like even tiles.
DIMENSIONS = ("tokens", "answer")
MULTIPLES = (32, 8)
# Of a page's arrays those that only pre-training reads.
_HIDING = ("hidden_tokens", "hidden_patches", "aligned", "aligned_mask")
SHOT_COUNTS = ("shots", "dropped_shots")


@dataclasses.dataclass(frozen=True)
class QuestionSpec:
    """The sizes of a sample; `most_shots` examples come before the prompts of training."""

    page: FeatureSpec
    max_prompt: int
    max_answer: int
    most_shots: int = 0

    @property
    def max_tokens(self) -> int:
        return self.page.max_tokens

    @property
    def shape(self) -> tuple[int, int]:
        """The sizes of `DIMENSIONS`."""
        return self.max_tokens, self.max_answer

    def cut(self, bucket: Bucket | None) -> "QuestionSpec":
        """The same in the shapes of a bucket; None: as it is."""
        if bucket is None:
            return self
        tokens, answer = bucket.shape
        page = dataclasses.replace(self.page, max_tokens=tokens)
        return dataclasses.replace(self, page=page, max_answer=answer)


def sample_spec(spec: QuestionSpec) -> dict[str, tuple[tuple[int, ...], type]]:
    """(shape, dtype) of every array: those of a page, and

    copyable: where a word of the page begins. prompt: tokens of the prompt. prompt_mask: False in
    padding. prompt_box: in [0, 1] of the canvas, where `points` says that there is one. target: the
    answer's tokens, EOS last, then PAD; all PAD where the answer does not fit, or is not known.
    before: the same one place later, BOS first.

    Where training has examples in its prompts, also shots: how many this prompt has, and
    dropped_shots: how many there was no room for.
    """
    page = page_spec.sample_spec(spec.page)
    counts = SHOT_COUNTS if spec.most_shots else ()
    return {
        **{name: entry for name, entry in page.items() if name not in _HIDING},
        "copyable": ((spec.page.max_tokens,), np.bool_),
        "prompt": ((spec.max_prompt,), np.int32),
        "prompt_mask": ((spec.max_prompt,), np.bool_),
        "prompt_box": ((4,), np.float32),
        "points": ((), np.bool_),
        "target": ((spec.max_answer,), np.int32),
        "before": ((spec.max_answer,), np.int32),
        **dict.fromkeys(counts, ((), np.int32)),
    }


def batch_spec(spec: QuestionSpec, batch_size: int) -> dict[str, jax.ShapeDtypeStruct]:
    """What a batch of samples looks like, batch leading."""
    return {
        name: jax.ShapeDtypeStruct((batch_size, *shape), dtype)
        for name, (shape, dtype) in sample_spec(spec).items()
    }
