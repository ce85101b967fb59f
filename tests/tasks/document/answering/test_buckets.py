"""Questions in buckets: the same answers and the same loss, with less padding."""

import functools

import jax
import numpy as np
import pytest

from tests.tasks.document.answering.conftest import small_config
from xojl_jax.data.loader import batches
from xojl_jax.errors import BadUsage
from xojl_jax.tasks.buckets import make_bucket
from xojl_jax.tasks.document.answering.sample_spec import DIMENSIONS
from xojl_jax.tasks.document.answering.task import DocumentAnswersTask

BUCKETS = {"data.bucket_shapes": "24x8,48x16"}


@pytest.fixture(scope="module")
def bucketed():
    return DocumentAnswersTask(small_config(**BUCKETS))


def test_a_batch_has_the_shapes_of_its_bucket_and_holds_its_questions(bucketed):
    """Protects what is learned: no word of a page and no token of an answer is cut off."""
    assert [bucket.shape for bucket in bucketed.buckets()] == [(24, 8), (48, 16), (48, 40)]
    full = DocumentAnswersTask(small_config()).dataset("train")
    specs = [
        {name: array.shape for name, array in bucketed.batch_spec(bucket).items()}
        for bucket in bucketed.buckets()
    ]
    seen = set()
    loader = batches(bucketed.dataset("train"), seed=3, batch_size=4, num_threads=0)
    for _, batch in zip(range(20), loader, strict=False):
        shapes = {name: array.shape for name, array in batch.items()}
        seen.add(specs.index(shapes))
        for row, index in enumerate(batch["index"]):
            whole = full[int(index)]
            for name in ("tokens_mask", "target"):
                assert (batch[name][row] != 0).sum() == (whole[name] != 0).sum()
    assert len(seen) > 1


def test_the_loss_does_not_depend_on_the_bucket(bucketed, params, batch):
    """Protects training from padding."""
    used = [int(np.flatnonzero(batch[name].any(0))[-1]) + 1 for name in ("tokens_mask", "target")]
    assert tuple(used) != bucketed.question_spec.shape
    small = bucketed.cut(batch, make_bucket(DIMENSIONS, tuple(used)))
    loss = jax.jit(functools.partial(bucketed.loss, train=False))
    expected, metrics = loss(params, batch, jax.random.key(0))
    value, found = loss(params, small, jax.random.key(0))
    np.testing.assert_allclose(value, expected, rtol=1e-5)
    for name in metrics:
        np.testing.assert_allclose(found[name], metrics[name], rtol=1e-5, err_msg=name)


def test_answers_do_not_depend_on_the_bucket(bucketed, params, batch):
    """Protects the service, which answers a page of few words in a smaller program."""
    *smaller, full = bucketed.answer_buckets(3)
    assert full.shape == bucketed.question_spec.shape
    assert [bucket.shape for bucket in smaller] == [(12, 40), (24, 40)]
    rows = batch["tokens_mask"].sum(1).argsort()[:1]
    page = {name: array[rows] for name, array in batch.items()}
    words = int(page["tokens_mask"].sum())
    bucket = make_bucket(DIMENSIONS, (words, full.shape[1]))
    assert bucketed.fits(page, bucket)
    assert not bucketed.fits(page, make_bucket(DIMENSIONS, (words - 1, full.shape[1])))
    predict = jax.jit(bucketed.inference().predict)
    expected, found = predict(params, page), predict(params, bucketed.cut(page, bucket))
    np.testing.assert_array_equal(found.tokens, expected.tokens)
    np.testing.assert_allclose(found.score, expected.score, rtol=1e-5)


def test_a_wrong_bucket_is_refused():
    with pytest.raises(BadUsage, match="write tokens x answer, such as 24x20"):
        DocumentAnswersTask(small_config(**{"data.bucket_shapes": "24x8x2"})).buckets()
