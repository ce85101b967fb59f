"""What the model sees, what it learns from, and what its codes do."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen as nn
from safetensors.numpy import load_file

from configs import document_text
from tests.pretrained import checkpoints
from tests.random_params import random_params
from tests.tasks.document.conftest import small_config
from xojl_jax import tasks
from xojl_jax.config_fields import flatten
from xojl_jax.errors import BadUsage
from xojl_jax.nn.config import BlockConfig
from xojl_jax.tasks.document.image_tokenizer import CodeStatistics, move_codes
from xojl_jax.tasks.document.task import DocumentTask


@pytest.fixture(scope="module")
def predict(task, params):
    inference = task.inference()
    predict = jax.jit(inference.predict)
    return lambda batch: jax.device_get(predict(params, batch))


def test_every_objective_learns_from_every_part(task, params, batch):
    """Protects the wiring: finite losses, a gradient for every parameter but those that stand
    still, and the mean of what is asked."""
    loss = functools.partial(task.loss, train=True)
    step = jax.jit(jax.value_and_grad(loss, has_aux=True))
    (total, metrics), grads = step(params, batch, jax.random.key(0))
    parts = {name: metrics[f"loss/{name}"] for name in ("mlm", "mim", "wpa", "pairs", "tokenizer")}
    assert total == pytest.approx(sum(float(part) for part in parts.values()), rel=1e-5)
    assert float(parts["mlm"]) == pytest.approx(np.log(task.pieces.size), rel=0.1)
    for path, grad in flatten(grads, "/").items():
        moves = float(jnp.abs(grad).max()) > 0
        # The bias of scores starts as a product with zero; keys' biases change no softmax.
        if "box_bias" not in path and not path.endswith("key/bias"):
            assert moves == (task.param_group(path) != "still"), path


def test_what_is_hidden_is_not_seen(predict, batch):
    """Protects the objectives from answers in their questions: other hidden words and pixels
    change no guess."""
    before = predict(batch)
    tokens = np.where(batch["hidden_tokens"], 300, batch["tokens"])
    rows, columns = 8, 6
    hidden = batch["hidden_patches"].reshape(4, rows, columns)
    pixels = hidden.repeat(8, axis=1).repeat(8, axis=2)[..., None]
    image = np.where(pixels, 255 - batch["image"], batch["image"])
    after = predict({**batch, "tokens": tokens, "image": image})
    for name in ("guess/mlm", "guess/wpa", "log_prob/wpa"):
        np.testing.assert_allclose(after[name], before[name], atol=1e-5, err_msg=name)
    # The codes asked for are others; the likeliest ones are the same.
    assert (after["guess/mim"] == before["guess/mim"]).all()


def test_padding_changes_nothing(predict, batch):
    """Protects pages of all sizes: what is behind the words and beside the page is not read."""
    before = predict(batch)
    tokens = np.where(batch["tokens_mask"], batch["tokens"], 77)
    after = predict({**batch, "tokens": tokens})
    for name in ("log_prob/mlm", "log_prob/mim"):
        mask = batch["tokens_mask"] if name.endswith("mlm") else batch["patch_mask"]
        np.testing.assert_allclose(after[name][mask], before[name][mask], atol=1e-5)


def test_text_and_picture_are_compared_from_apart(predict, batch):
    """Protects retrieval (R042) from vectors that have seen one another: the words change nothing
    of the picture's vector, the picture nothing of the words', and hidden words are read."""
    before = predict(batch)
    other_words = predict({**batch, "tokens": np.where(batch["tokens_mask"], 300, 0)})
    other_picture = predict({**batch, "image": 255 - batch["image"]})
    hidden = predict({**batch, "hidden_tokens": batch["tokens_mask"]})
    np.testing.assert_array_equal(other_words["picture/pairs"], before["picture/pairs"])
    np.testing.assert_array_equal(other_picture["text/pairs"], before["text/pairs"])
    np.testing.assert_array_equal(hidden["text/pairs"], before["text/pairs"])
    assert np.abs(other_words["text/pairs"] - before["text/pairs"]).max() > 1e-3
    assert np.abs(other_picture["picture/pairs"] - before["picture/pairs"]).max() > 1e-3


def test_vectors_are_of_whole_pages(task, params, batch):
    """Protects probes (R040): what would be hidden in training is seen, padding is not."""
    vectors = jax.jit(task.inference().vectors)
    before = vectors(params, batch)
    nothing = {name: np.zeros_like(batch[name]) for name in ("hidden_tokens", "hidden_patches")}
    other = np.where(batch["tokens_mask"], batch["tokens"], 77)
    after = vectors(params, {**batch, **nothing, "tokens": other})
    assert before["picture"].shape == (4, 16) and before["page"].shape == (4, 32)
    for name, array in before.items():
        np.testing.assert_allclose(after[name], array, atol=1e-5)


def test_codes_follow_their_patches_and_dead_ones_begin_again():
    """Protects the codebook: used codes move towards the mean, unused ones are replaced."""
    codebook = jnp.eye(3)
    usage = jnp.asarray([10.0, 10.0, 0.0])
    toward = jnp.asarray([[0.0, 5.0, 0.0], [0.0, 0.0, 0.0], [0.0, 0.0, 0.0]])
    found = CodeStatistics(
        counts=jnp.asarray([5.0, 0.0, 0.0]),
        sums=toward,
        fresh=jnp.full((3, 3), 1 / np.sqrt(3)),
    )
    moved, used = move_codes(codebook, usage, found)
    assert moved[0, 1] > 0
    np.testing.assert_allclose(jnp.linalg.norm(moved, axis=-1), 1, rtol=1e-5)
    np.testing.assert_allclose(moved[1], codebook[1])
    np.testing.assert_allclose(moved[2], found.fresh[2], rtol=1e-5)
    assert used[2] == found.counts.mean()


def test_after_an_update_the_codebook_has_moved(task, params, batch):
    """Protects the way by which averages reach the parameters."""
    _, metrics = jax.jit(functools.partial(task.loss, train=True))(params, batch, jax.random.key(0))
    after = task.after_update(params, metrics["averages"])["image_tokenizer"]
    before = params["image_tokenizer"]
    assert float(jnp.abs(after["codebook"] - before["codebook"]).max()) > 0.01
    assert after["embed"] is before["embed"]


def test_only_what_an_objective_uses_has_parameters():
    """Protects runs of the image side: no words, no multiway encoder."""
    shapes = jax.eval_shape(DocumentTask(small_config(objectives="mim")).init, jax.random.key(0))
    assert shapes.keys() == {"trunk", "image_tokenizer", "heads_mim"}
    assert shapes["trunk"].keys() == {"vision"}
    assert "decoder" not in shapes["image_tokenizer"]


def test_options_of_the_image_encoder_are_its_alone():
    """Protects R012 in the config: each field reaches the vision encoder; what is off, as it is by
    default, has no parameters; other encoders stay as they are."""
    options = {
        "positions": "none",
        "relative_positions": "own",
        "key_bias": False,
        "layer_scale": 0.1,
        "drop_path": 0.1,
        "init_std": 0.02,
        "depth_init": True,
        "activation": "gelu",
        "norm_epsilon": 1e-12,
    }
    changes = {f"model.{name}": value for name, value in options.items()}

    def shapes(**changes):
        made = DocumentTask(small_config(**changes))
        boxed = jax.eval_shape(made.init, jax.random.key(0))
        return set(flatten(nn.meta.unbox(boxed), "/")), made.model_config

    (plain, _), (changed, config) = shapes(), shapes(**changes)
    layer = "trunk/vision/groups/layers/"
    scales = {f"{layer}attention_scale", f"{layer}feed_forward_scale"}
    assert changed - plain == {f"{layer}own_bias/table"} | scales
    positions = {f"trunk/vision/positions/{name}" for name in ("row", "column")}
    assert plain - changed == {f"{layer}attention/key/bias"} | positions
    block, other = config.trunk.vision.block, config.block
    assert (block.drop_path, block.depth_init, block.init_std) == (0.1, True, 0.02)
    assert (block.activation, block.norm_epsilon) == ("gelu", 1e-12)
    assert other == dataclasses.replace(BlockConfig(16, 2, remat="none"), attention_block=512)


def test_published_weights_are_where_training_begins(tmp_path):
    """Protects R011: a BEiT folder gives form and parameters of the vision encoder, on pages of
    another size, too; fields that say otherwise are refused, and a checkpoint needs no folder."""
    folder = checkpoints.write_vision(tmp_path / "beit", "beit_masked", image_size=32)
    changes = {"model.pretrained_vision": str(folder), "objectives": "mim"}
    with pytest.raises(BadUsage, match=r"config.model.patch is 8, and 16 in .*model.patch=16"):
        _ = DocumentTask(small_config(**changes)).model_config
    config = small_config(**changes, **{"model.patch": 16, "model.drop_path": 0.2})
    made = DocumentTask(config)
    block = made.model_config.trunk.vision.block
    assert (block.drop_path, block.key_bias, block.activation) == (0.2, False, "gelu")
    shapes = nn.meta.unbox(jax.eval_shape(made.init, jax.random.key(0)))
    wanted, given = flatten(shapes, "/"), made.published_params()
    ours = {path for path in wanted if path.startswith("trunk/vision/")}
    assert given.keys() == ours
    assert all(array.shape == wanted[path].shape for path, array in given.items())
    assert made.model_config.grid == (4, 3)
    stored = load_file(folder / "model.safetensors")["beit.embeddings.mask_token"]
    np.testing.assert_array_equal(given["trunk/vision/mask_token"], stored[0, 0])
    (folder / "config.json").unlink()
    again = DocumentTask(config, made.metadata())
    assert again.model_config == made.model_config


def test_words_are_read_by_a_language_model_that_was_trained_by_itself(batch):
    """Protects the way from a text run to documents: every parameter of it, pieces included, is
    that of the run, and hidden words stay hidden."""
    sizes = {"width": 12, "layers": 1, "heads": 2, "kv_heads": 1, "hidden": 8}
    shape = {f"language.{name}": size for name, size in sizes.items()}
    task = DocumentTask(small_config(objectives="mlm", **{"model.text": "language"}, **shape))
    text = document_text.get_config("tiny")
    text.data.path = str(task.folder)
    text.model.update(sizes)
    trained = random_params(tasks.make(text).init)
    params = random_params(task.init)
    names = flatten(params["text"]["language"], "/")
    found = {
        task.path_of_other(path, "text"): leaf.shape
        for path, leaf in flatten(trained, "/").items()
        if not path.startswith("head/")
    }
    assert found == {f"text/language/{path}": leaf.shape for path, leaf in names.items()}
    predict = jax.jit(task.inference().predict)
    before = predict(params, batch)
    tokens = np.where(batch["hidden_tokens"], 300, batch["tokens"])
    after = predict(params, {**batch, "tokens": tokens})
    np.testing.assert_allclose(
        after["log_prob/mlm"][~batch["hidden_tokens"]],
        before["log_prob/mlm"][~batch["hidden_tokens"]],
        atol=1e-5,
    )
    np.testing.assert_array_equal(after["guess/mlm"], before["guess/mlm"])
    assert task.flops()["language model"] > 0


def test_cls_tells_hidden_patches_by_the_same_head(batch):
    """Protects R015: a second loss on the codes of hidden patches, of patches behind three quarters
    of the layers and the last CLS, through the head of 'mim'; the last layers learn from it through
    CLS alone."""
    with pytest.raises(BadUsage, match="'mim_cls' shares the head of 'mim'"):
        _ = DocumentTask(small_config(objectives="mim_cls")).model_config
    made = DocumentTask(small_config(objectives="mim,mim_cls", **{"loss.mim": 0.0}))
    params = random_params(made.init)
    assert params.keys() == {"trunk", "image_tokenizer", "heads_mim", "cls_aggregation"}
    loss = functools.partial(made.loss, train=True)
    (total, metrics), grads = jax.jit(jax.value_and_grad(loss, has_aux=True))(
        params, batch, jax.random.key(0)
    )
    assert total == metrics["loss/mim_cls"] != metrics["loss/mim"]
    assert 0 <= float(metrics["accuracy/mim_cls"]) <= 1
    layers = grads["trunk"]["vision"]["groups"]["layers"]["feed_forward"]["up"]["kernel"]
    assert (jnp.abs(layers).max((1, 2, 3)) > 0).all()
    assert jnp.abs(grads["heads_mim"]["kernel"]).max() > 0
    # The norm behind the last layer is not on the way.
    assert not np.asarray(grads["trunk"]["vision"]["norm"]["scale"]).any()
    assert made.flops()["mim_cls head"] > made.flops()["mim head"]


def test_a_patch_embedding_that_sees_its_neighbors_is_refused():
    """Protects from a leak: shifted patches hold pixels of hidden ones."""
    with pytest.raises(BadUsage, match="into hidden neighbors"):
        _ = DocumentTask(small_config(**{"model.patch_embed": "shifted"})).model_config


def test_the_tokenizer_alone_gives_no_answers():
    with pytest.raises(BadUsage, match="answers nothing"):
        DocumentTask(small_config(objectives="tokenizer")).inference()


def test_scores_stand_beside_the_baseline(task, batch, predict):
    """Protects evaluate: one answer a page, every metric beside its guess, and a picture."""
    inference = task.inference()
    dataset = task.dataset("val")
    references = inference.references(dataset, 4)
    answers = inference.decode(predict(batch), references, {})
    report = inference.score(answers, references)["model"]["scores"]
    baseline = inference.baseline(references, answers)["scores"]
    assert report.keys() == set(inference.shown_metrics)
    # Of vectors that are not learned there is no guess.
    assert {name for name in report if not name.startswith(("pairs_", "text_", "pict"))} == (
        baseline.keys()
    )
    assert baseline["mrr/to_text"]["value"] == pytest.approx((1 + 1 / 2 + 1 / 3 + 1 / 4) / 4)
    # Untrained, it is no better than the guess, and no scores are outside what they can be.
    assert baseline["mlm_perplexity"]["value"] < report["mlm_perplexity"]["value"]
    assert 0 <= baseline["wpa_accuracy"]["value"] <= 1
    inputs = inference.stored_inputs(dataset, 0, "page")
    picture = inference.draw(inputs, answers[0])
    assert picture is not None and max(picture.size) == 1400
    words = [word.word for word in answers[0].words]
    # The last word of a page may have been cut.
    known = dataset.record(0).words
    assert words and all(any(whole.startswith(word) for whole in known) for word in words)
