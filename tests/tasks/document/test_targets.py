"""Features of CLIP as targets: of hidden patches, and of the image tokenizer."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from safetensors.numpy import load_file

from tests.pretrained import checkpoints
from tests.random_params import random_params
from tests.tasks.document.conftest import small_config
from xojl_jax.config_fields import flatten
from xojl_jax.errors import BadUsage
from xojl_jax.tasks.document.task import DocumentTask
from xojl_jax.tasks.document.teacher import cosine_distance, teacher_features

FEATURES = {"objectives": "mim,tokenizer", "target": "features", "tokenizer.target": "features"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A tiny CLIP of random numbers, for 32 px in patches of 16."""
    path = tmp_path_factory.mktemp("clip") / "clip"
    return checkpoints.write_vision(path, "clip_vision", image_size=32)


@pytest.fixture(scope="module")
def taught(folder):
    return DocumentTask(small_config(clip=str(folder), **FEATURES))


def test_the_distance_is_that_of_directions():
    """Protects the loss: 0 for the same direction, whatever the length, 1 across, 2 against."""
    told = jnp.asarray([[[1.0, 2.0], [2.0, -1.0], [-0.5, -1.0]]])
    wanted = jnp.broadcast_to(jnp.asarray([3.0, 6.0]), told.shape)
    np.testing.assert_allclose(cosine_distance(told, wanted)[0], [0, 1, 2], atol=1e-6)


def test_both_targets_learn_from_the_teacher_and_it_does_not_learn(taught, folder, batch):
    """Protects R014: finite losses that are means over hidden and over real patches, gradients for
    head, encoder and tokenizer; the teacher is the folder's, frozen, and reads the same patches."""
    params, frozen = random_params(taught.init), taught.frozen_params()
    assert frozen is not None
    stored = load_file(folder / "model.safetensors")
    wanted = stored["vision_model.embeddings.class_embedding"]
    np.testing.assert_array_equal(frozen["clip"]["special"][0], wanted)
    shapes = jax.eval_shape(taught.init_frozen, jax.random.key(0))
    assert flatten(shapes["clip"], "/").keys() == flatten(frozen["clip"], "/").keys()

    loss = functools.partial(taught.loss, train=True)

    @jax.jit
    def step(params, frozen, batch):
        key = jax.random.key(0)
        grad = jax.value_and_grad(lambda p, f: loss(p, batch, key, frozen=f), (0, 1), has_aux=True)
        return grad(params, frozen)

    (_, metrics), (grads, of_teacher) = step(params, frozen, batch)
    assert all(not np.asarray(leaf).any() for leaf in jax.tree.leaves(of_teacher))
    moved = {path for path, leaf in flatten(grads, "/").items() if np.asarray(leaf).any()}
    assert {"heads_mim/out/kernel", "image_tokenizer/to_features/kernel"} <= moved
    assert {"trunk/vision/mask_token", "image_tokenizer/embed/kernel"} <= moved
    assert not any("to_pixels" in path for path in flatten(params, "/"))
    assert float(metrics["loss/mim"]) == pytest.approx(1 - float(metrics["cosine/mim"]))
    assert 0 < float(metrics["error/features"]) < 2
    # Patches of 16 px of the teacher's, in a page of twice the size: the same grid as ours of 8 px.
    c = taught.model_config
    assert c.teacher is not None and c.grid == (8, 6)
    assert (c.teacher.image_height, c.teacher.image_width) == (128, 96)


def test_a_teacher_sees_the_patches_that_are_told(taught, batch):
    """Protects the places of features: a change within one patch moves that patch's most."""
    teacher = taught.model_config.teacher
    params = jax.tree.map(jnp.asarray, taught.frozen_params()["clip"])
    image, mask = batch["image"][:1], jnp.ones((1, 48), bool)
    changed = image.copy()
    changed[:, 16:24, 32:40] = 255 - changed[:, 16:24, 32:40]  # row 2, column 4
    run = jax.jit(lambda x: teacher_features(teacher, params, x, mask, 8))
    moved = np.abs(np.asarray(run(changed) - run(image))).sum(-1)[0].reshape(8, 6)
    assert np.unravel_index(moved.argmax(), moved.shape) == (2, 4)


def test_features_need_a_folder_and_codes_do_not(folder):
    """Protects a first try: what to give is told; a run on codes of such a tokenizer, and a
    checkpoint where the folder is gone, need none."""
    with pytest.raises(BadUsage, match=r"published CLIP model .* --config.clip=FOLDER"):
        _ = DocumentTask(small_config(**FEATURES)).model_config
    codes = DocumentTask(small_config(objectives="mim", **{"tokenizer.target": "features"}))
    assert codes.model_config.teacher is None and codes.frozen_params() is None
    config = small_config(clip=str(folder), objectives="mlm,mim", target="features")
    told = DocumentTask(config).metadata()
    config.clip = "nowhere"
    again = DocumentTask(config, told)
    assert again.model_config.teacher.block.width == 16
    again.inference()  # words are told still
    config.objectives = "mim"
    with pytest.raises(BadUsage, match="answers nothing"):
        DocumentTask(config, told).inference()
