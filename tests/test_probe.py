"""`evaluate --probe`: linear classifiers on a model's vectors, beside the untrained model's."""

import argparse

import jax
import numpy as np
import pytest

from tests.random_params import random_params
from tests.tasks.document.conftest import small_config
from xojl_jax import probe
from xojl_jax.errors import BadInput, BadUsage
from xojl_jax.restore import LoadedModel
from xojl_jax.tasks.document.task import DocumentTask


@pytest.fixture(scope="module")
def model():
    """A small document model that is not trained. Pages are labeled by how many words they have."""
    task = DocumentTask(small_config(objectives="mlm,mim", **{"model.vision_layers": 4}))
    inference = task.inference()

    def groups(references):
        sizes = [int(reference.sample["tokens_mask"].sum()) for reference in references]
        return [{"length": "long" if n == 48 else "short", "all": "one"} for n in sizes]

    inference.groups = groups
    return LoadedModel(task, inference, random_params(task.init), {"checkpoint": "none"})


def flags(**changes):
    return argparse.Namespace(
        **{"split": "test", "probe": "length", "limit": None, "batch_size": 8} | changes
    )


def test_a_probe_finds_what_vectors_tell(model):
    """Protects the whole way: both splits, every vector, the untrained model, the majority. How
    many words a page has is in the mean of its words, trained or not."""
    report = probe.evaluate(model, flags(split="val"))
    assert report["classes"].keys() == {"long", "short"}
    assert report["records_in_training"] == 68 and report["records"] == 14
    titles = [
        f"{one}: {name}" for one in ("the model", "before training") for name in ("page", "picture")
    ]
    gains = ["gained: page", "gained: picture"]
    assert list(report["probes"]) == ["most frequent", *titles, *gains]
    top = {title: one["scores"]["top_1"]["value"] for title, one in report["probes"].items()}
    assert set(report["probes"]["most frequent"]["scores"]) == {"top_1"}  # there is no fifth guess
    assert top["the model: page"] > 0.8
    apart = top["the model: picture"] - top["before training: picture"]
    assert top["gained: picture"] == pytest.approx(apart)
    probe.show(report)


def test_vectors_come_in_the_order_of_the_records(model):
    """Protects labels from vectors of other pages: batches have a remainder."""
    dataset = model.inference.dataset("test")
    some = [9, 2, 5]
    compute = jax.jit(model.inference.vectors)
    parts = [
        probe.vectors_of(compute, model.params, dataset, numbers, flags(batch_size=2))
        for numbers in (some, [2])
    ]
    assert parts[0]["page"].shape == (3, 32)
    np.testing.assert_allclose(parts[0]["page"][1], parts[1]["page"][0], atol=1e-5)


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"split": "train"}, BadUsage, "choose --split=val or test"),
        ({"probe": "color"}, BadUsage, "these have all, length"),
        ({"probe": "all"}, BadInput, "all records of the training split are 'one'"),
    ],
)
def test_what_cannot_be_probed_is_said(model, changes, error, message):
    with pytest.raises(error, match=message):
        probe.evaluate(model, flags(**changes))
