"""What the model of answers reads, learns from, and writes."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tests.random_params import random_params
from tests.tasks.document.answering.conftest import small_config
from xojl_jax.config_fields import flatten
from xojl_jax.nn.decoder import cache_lengths
from xojl_jax.tasks.document.answering.prompt import lies_in
from xojl_jax.tasks.document.answering.task import DocumentAnswersTask
from xojl_jax.tasks.document.answering.vocabulary import Kind


@pytest.fixture(scope="module")
def scores(task, params):
    apply = jax.jit(lambda batch: task.model().apply({"params": params}, batch, method="scores"))
    return lambda batch: jax.device_get(apply(batch))


def gradients(task, params, batch):
    loss = functools.partial(task.loss, train=True)
    step = jax.jit(jax.value_and_grad(loss, has_aux=True))
    (total, metrics), grads = step(params, batch, jax.random.key(0))
    moved = {path: float(jnp.abs(g).max()) > 0 for path, g in flatten(grads, "/").items()}
    return float(total), metrics, moved


def test_text_and_boxes_teach_every_part(task, params, batch):
    """Protects the joint loss (R033): it is the sum of its parts, and prompt encoder, encoders and
    decoder learn from it together."""
    total, metrics, moved = gradients(task, params, batch)
    assert total == pytest.approx(float(metrics["loss/text"] + metrics["loss/boxes"]), rel=1e-5)
    for path, moves in moved.items():
        # The bias of scores starts as a product with zero; keys' biases change no softmax; nothing
        # is hidden; a prompt has one kind of token.
        still = ("box_bias", "key/bias", "mask_token", "keys/bias", "token_types", "class_bias")
        if not any(name in path for name in still):
            assert moves, path


def test_a_prompt_changes_what_is_read(scores, batch):
    """Protects the prompt encoder (R031): other words and another place give other answers; what
    is padding changes nothing."""
    before = scores(batch).log_prob
    words = scores({**batch, "prompt": (batch["prompt"] + 7) * batch["prompt_mask"]}).log_prob
    place = scores({**batch, "prompt_box": batch["prompt_box"] * 0.5}).log_prob
    padding = np.where(batch["prompt_mask"], batch["prompt"], 5)
    assert np.abs(words - before).max() > 1e-3
    points = batch["points"]
    assert np.abs(place - before)[points].max() > 1e-4
    np.testing.assert_allclose(place[~points], before[~points], atol=1e-6)
    np.testing.assert_allclose(scores({**batch, "prompt": padding}).log_prob, before, atol=1e-6)


def test_steps_are_teacher_forcing(task, params, batch, scores):
    """Protects decoding: token by token, with a cache, the model says what it was trained to."""
    model, length = task.model(), batch["target"].shape[1]
    apply = functools.partial(model.apply, {"params": params})

    @jax.jit
    def run(batch):
        encoded = apply(batch, method="encode")
        cache = apply(encoded, cache_lengths(length)[0], method="start_cache")

        def step(cache, inputs):
            position, token = inputs
            logits, cache = apply(encoded, cache, position, token, method="next_logits")
            return cache, logits

        return jax.lax.scan(step, cache, (jnp.arange(length), batch["before"].T))[1]

    logits = np.asarray(run(batch)).swapaxes(0, 1)
    log_prob = np.asarray(jax.nn.log_softmax(logits))
    found = np.take_along_axis(log_prob, batch["target"][..., None], -1)[..., 0]
    real = batch["target"] != Kind.PAD
    np.testing.assert_allclose(found[real], scores(batch).log_prob[real], atol=2e-5)


def test_a_word_that_cannot_be_copied_has_no_chance(task, params, batch, scores):
    """Protects pointers: padding and the later pieces of words are never the likeliest."""
    guess = scores({**batch, "copyable": np.zeros_like(batch["copyable"])}).guess
    assert (guess < task.vocabulary.size).all()


def test_adapters_begin_with_the_model_and_train_alone(batch):
    """Protects LoRA (R038): the first loss is that of the model without, no encoder gets a
    gradient, and there is one adapter for each kernel that is a target."""
    plain = DocumentAnswersTask(small_config())
    adapted = DocumentAnswersTask(small_config(**{"lora.rank": 2, "lora.targets": "query,out"}))
    params = random_params(adapted.init)
    zeros = jax.tree_util.tree_map_with_path(
        lambda path, leaf: leaf * 0 if path[-1].key == "lora_up" else leaf, params
    )
    own = {name: child for name, child in params.items() if name != "adapters"}
    loss, _, _ = gradients(plain, own, batch)
    total, _, moved = gradients(adapted, zeros, batch)
    assert total == pytest.approx(loss, rel=1e-5)
    groups = {path: adapted.param_group(path) for path in moved}
    assert not any(moved[path] for path, group in groups.items() if group == "still")
    ups = {path for path in moved if path.endswith("lora_up")}
    kernels = {
        path for path, group in groups.items()
        if group == "still" and path.rsplit("/", 2)[-2:] in (["query", "kernel"], ["out", "kernel"])
    }  # fmt: skip
    assert len(ups) == len(kernels) > 3 and all(moved[path] for path in ups)
    other, _, _ = gradients(adapted, params, batch)
    assert abs(other - total) > 1e-4


@pytest.mark.parametrize("left_out", ["picture", "words", "boxes", "prompt"])
def test_what_is_left_out_is_not_read(left_out):
    """Protects ablations (R046): a modality that `config.inputs` does not name changes nothing."""
    inputs = ",".join(n for n in ("picture", "words", "boxes", "prompt") if n != left_out)
    dataset = DocumentAnswersTask(small_config(inputs=inputs)).dataset("val")
    sample = dataset[0]
    empty = {
        "picture": ["patch_mask"],
        "words": ["tokens_mask", "copyable"],
        "boxes": ["boxes"],
        "prompt": ["prompt_mask", "points"],
    }[left_out]
    assert not any(sample[name].any() for name in empty)
    if left_out == "words":  # nothing to copy: answers are spelled
        size = dataset.featurizer.vocabulary.size
        assert all((dataset[i]["target"] < size).all() for i in range(len(dataset)))


def test_a_point_finds_its_word_and_a_box_its_words():
    """Protects prompts that point."""
    boxes = jnp.array([[[0.1, 0.1, 0.3, 0.2], [0.4, 0.1, 0.6, 0.2], [0.1, 0.5, 0.3, 0.6]]])
    point, region = jnp.array([[0.5, 0.15] * 2]), jnp.array([[0.0, 0.0, 0.7, 0.3]])
    assert lies_in(boxes, point).tolist() == [[False, True, False]]
    assert lies_in(boxes, region).tolist() == [[True, True, False]]
