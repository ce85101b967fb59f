"""Dropping input at random must not drop what is to be learned."""

from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.tasks.conftest import small_config
from xojl_jax.data.transforms import stack
from xojl_jax.tasks.layout import heads
from xojl_jax.tasks.layout.dataset import LayoutDataset
from xojl_jax.tasks.layout.task import LayoutTask

NONE = dict.fromkeys(("drop_html", "drop_image", "drop_boxes", "drop_classes", "drop_tags"), 0.0)


@pytest.fixture(scope="module")
def task():
    return LayoutTask(small_config())


def training_batch(task, **chances):
    """Eight training samples with these drops, neither turned nor lit otherwise."""
    drops = SimpleNamespace(rotate=0.0, rotate_share=0.0, balance=0.0, **NONE | chances)
    dataset = LayoutDataset(task.folder, "val", task.spec, drops, task.vocabulary)
    rows = [dataset.augment(dataset[i], np.random.default_rng(i)) for i in range(8)]
    return jax.tree.map(jnp.asarray, stack(rows))


@pytest.mark.parametrize("drop", ["drop_boxes", "drop_html"])
def test_patches_are_labeled_whatever_the_html_encoder_reads(task, drop):
    """Protects the auxiliary and the spatial loss, all that stage 1 learns of places: they were 0
    for each sample whose boxes or HTML were dropped as input."""
    config = task.model_config
    whole, less = training_batch(task), training_batch(task, **{drop: 1.0})
    assert whole["html_box_input_mask"].any() and not less["html_box_input_mask"].any()
    noise = jax.random.normal(jax.random.key(0), (8, config.num_patches, 30))
    for loss, logits in ((heads.patch_loss, noise), (heads.attention_loss, noise[..., 0])):
        compute = jax.jit(lambda batch, loss=loss, logits=logits: loss(logits, batch, config)[0])
        wanted, found = float(compute(whole)), float(compute(less))
        assert wanted > 0.1 and found == wanted


def test_regions_are_labeled_where_boxes_are_not_read(task):
    """Protects the contrastive loss: where the encoder reads boxes, it could compare them instead
    of what the picture shows, so it must learn where it does not read them."""
    config = task.model_config
    whole, less = training_batch(task), training_batch(task, drop_boxes=1.0)
    keys = jax.random.split(jax.random.key(0))
    nodes = jax.random.normal(keys[0], (*whole["html_mask"].shape, 8))
    patches = jax.random.normal(keys[1], (8, config.num_patches, 8))
    compute = jax.jit(lambda batch: heads.region_loss((nodes, patches), batch, config)[0])
    wanted, found = float(compute(whole)), float(compute(less))
    assert wanted > 0.1 and found == wanted


def test_labels_without_html_fit_their_bucket():
    """Protects them from being cut off: a sample without its HTML keeps room for its boxes."""
    config = small_config(**{"data.buckets": 4})
    dataset = LayoutTask(config).dataset("train")
    needed, bare = dataset.needed_sizes()
    np.testing.assert_array_equal(bare[:, 1], needed[:, 1])
    for index in np.flatnonzero(dataset.buckets != dataset.changed_buckets)[:8]:
        less = dataset.augment(dataset[int(index)], np.random.default_rng(0), True)
        cut = dataset.to_bucket(less, int(dataset.changed_buckets[index]))
        assert cut["html_box_mask"].sum() == dataset[int(index)]["html_box_mask"].sum() > 0
