"""What a token of an answer counts in its loss."""

import jax.numpy as jnp
import numpy as np
import pytest

from tests.tasks.document.answering.test_language import VOCABULARY
from xojl_jax.tasks.document.answering.losses import TOKEN_WEIGHTS, answer_loss
from xojl_jax.tasks.document.answering.model import TokenScores
from xojl_jax.tasks.document.answering.vocabulary import Kind

CORNER = VOCABULARY.first_corner
# An answer of two tokens, one of six with a box of four corners, and one that is not known.
TARGET = np.array(
    [
        [Kind.TEXT, Kind.EOS, 0, 0, 0, 0],
        [Kind.WORDS, CORNER, CORNER, CORNER, CORNER, Kind.EOS],
        [0] * 6,
    ],
    np.int32,
)
LOG_PROB = -np.arange(1.0, 19.0, dtype=np.float32).reshape(3, 6)


@pytest.mark.parametrize("name", TOKEN_WEIGHTS)
def test_tokens_count_as_their_answers_do(name):
    """Protects short answers: by "answer" each counts the same, by "equal" each token, by "root"
    what is between; padding and answers that are not known count nothing."""
    power = {"equal": 0.0, "root": -0.5, "answer": -1.0}[name]
    scores = TokenScores(jnp.asarray(LOG_PROB), jnp.asarray(TARGET))
    weights = {"text": 1.0, "boxes": 10.0}
    total, metrics = answer_loss(scores, jnp.asarray(TARGET), VOCABULARY, weights, name)
    texts = [[1.0, 2.0], [7.0, 12.0]]
    weight = np.array([len(row) ** power for row in texts])
    text = sum(w * sum(row) for w, row in zip(weight, texts, strict=True)) / (weight @ [2, 2])
    np.testing.assert_allclose(metrics["loss/text"], text, rtol=1e-6)
    np.testing.assert_allclose(metrics["loss/boxes"], np.mean([8.0, 9, 10, 11]), rtol=1e-6)
    np.testing.assert_allclose(total, text + 10 * np.mean([8.0, 9, 10, 11]), rtol=1e-6)
    assert metrics["accuracy/whole"] == 1 and metrics["tokens"] == 8
