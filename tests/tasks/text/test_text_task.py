"""The text task: rows and masks, what is trained, and that it learns."""

import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from configs import base, document_text, text
from tests.pretrained import checkpoints
from xojl_jax import tasks
from xojl_jax.config_fields import uncovered
from xojl_jax.data.shards import ShardSource
from xojl_jax.documents.record import parse_record
from xojl_jax.documents.word_pieces import NAME, WordPieces
from xojl_jax.engine.fields import FIELDS as ENGINE_FIELDS
from xojl_jax.errors import BadInput, BadUsage
from xojl_jax.tasks.document.page_task import SAMPLE_DATA
from xojl_jax.tasks.text.byte_tokens import ByteTokens
from xojl_jax.tasks.text.dataset import Passages
from xojl_jax.tasks.text.fields import FIELDS


def small(**changes):
    config = document_text.get_config("tiny")
    with config.unlocked():
        config.batch_size = 4
        config.data.length = 16
        config.model.update(width=16, layers=1, heads=2, kv_heads=1, hidden=16)
        config.update_from_flattened_dict(changes)
    return config


@pytest.mark.parametrize("preset", text.PRESETS)
def test_every_preset_builds_and_every_field_has_a_rule(preset):
    """Protects the shipped configs, their one place of rules, and full sizes: no memory needed."""
    config = text.make(preset)
    assert not uncovered(config, FIELDS, ENGINE_FIELDS)
    task = tasks.make(config)
    params = jax.eval_shape(task.init, jax.random.key(0))
    frozen = jax.eval_shape(task.init_frozen, jax.random.key(0))
    count = sum(leaf.size for leaf in jax.tree.leaves(params))
    if preset == "llama7b":
        assert count < 50e6
        assert sum(leaf.size for leaf in jax.tree.leaves(frozen)) == 6_738_415_616
    assert sum(task.flops().values()) > 0
    assert set(config.optim.groups) == {"text"} == {task.param_group("any")}
    assert set(base.defaults()) < set(config)


def test_rows_are_in_one_split_and_masks_are_drawn_from_the_index(tmp_path):
    """Protects the data: no passage in two splits, the same masks every time, others by `augment`,
    and never in padding or at the beginning."""
    source = tmp_path / "text.txt"
    source.write_text("\n".join(f"passage {i} of a text that is long enough" for i in range(200)))
    splits = {
        split: Passages(source, split, ByteTokens(), 24, 0.3) for split in ("train", "val", "test")
    }
    begun = {
        name: {bytes(row[1:14].astype(np.uint8)) for row in rows.rows if row[1] == ord("p") + 4}
        for name, rows in splits.items()
    }
    assert not begun["train"] & begun["val"] and not begun["val"] & begun["test"]
    assert sum(map(len, begun.values())) == 200
    rows = splits["train"]
    sample = rows[3]
    np.testing.assert_array_equal(sample["masked"], rows[3]["masked"])
    other = rows.augment(sample, np.random.default_rng(7))
    assert (other["masked"] != sample["masked"]).any()
    every = [rows[i] for i in range(len(rows))]
    assert all(s["masked"].any() and not s["masked"][0] for s in every)
    assert not any((s["masked"] & ~s["token_mask"]).any() for s in every)
    share = np.mean([s["masked"].sum() / s["token_mask"].sum() for s in every])
    assert share == pytest.approx(0.3, abs=0.03)
    source.write_text("")
    with pytest.raises(BadInput, match="has no text"):
        Passages(source, "train", ByteTokens(), 24, 0.3)


@pytest.mark.parametrize("objective", ["mntp", "simcse"])
def test_the_loss_falls(objective):
    """Protects both objectives: from the same start, the loss on one batch falls, and a SimCSE
    start takes over every parameter of an MNTP run."""
    task = tasks.make(small(objective=objective))
    rows = task.dataset("train")
    batch = {name: jnp.stack([jnp.asarray(rows[i][name]) for i in range(4)]) for name in rows[0]}
    assert {k: (v.shape, v.dtype) for k, v in batch.items()} == {
        k: (v.shape, v.dtype) for k, v in task.batch_spec().items()
    }

    @jax.jit
    def step(params):
        def loss(params):
            return task.loss(params, batch, jax.random.key(1), train=True)

        (value, metrics), grads = jax.value_and_grad(loss, has_aux=True)(params)
        return jax.tree.map(lambda p, g: p - 0.1 * g, params, grads), (value, metrics)

    params = jax.jit(lambda: unboxed(task.init(jax.random.key(0))))()
    losses = []
    for _ in range(8):
        params, (loss, metrics) = step(params)
        losses.append(float(loss))
    assert losses[-1] < 0.9 * losses[0]
    assert float(metrics[f"loss/{objective}"]) == losses[-1]


def unboxed(params):
    from flax import linen as nn

    return nn.meta.unbox(params)


def test_a_published_model_is_frozen_and_adapters_are_trained(published, monkeypatch):
    """Protects LoRA on published weights: they are the frozen tree, as they were published, and
    adapters, and the embeddings and norms that are asked for, are what the optimizer gets."""
    from tests.pretrained.conftest import WordTokenizer
    from xojl_jax.tasks.text import task as module

    monkeypatch.setattr(module, "PublishedTokenizer", WordTokenizer)
    folder = str(published("llama"))
    task = tasks.make(small(**{"model.pretrained": folder, "lora.rank": 2, "lora.norms": True}))
    make = jax.jit(lambda: jax.tree.map(lambda x: x, unboxed(task.init_frozen(jax.random.key(0)))))
    frozen = make()
    tensors = checkpoints.tensors_of("llama")
    np.testing.assert_array_equal(
        frozen["embed"]["embedding"], tensors["model.embed_tokens.weight"]
    )
    down = frozen["blocks"]["layers"]["feed_forward"]["down"]["kernel"]
    np.testing.assert_array_equal(down[1], tensors["model.layers.1.mlp.down_proj.weight"].T)
    trained = jax.eval_shape(task.init, jax.random.key(0))
    paths = {jax.tree_util.keystr(p, simple=True, separator="/")
             for p, _ in jax.tree_util.tree_leaves_with_path(unboxed(trained))}  # fmt: skip
    assert all("_lora/" in path or path.endswith("scale") for path in paths)
    assert task.mask_token == checkpoints.WORDS.index("_")
    assert json.dumps(task.metadata()) == "{}"


def test_wrong_fields_are_refused():
    """Protects the user: a misspelt part is named with what there is."""
    with pytest.raises(BadUsage, match="objective is 'mlm': choose from mntp, simcse"):
        tasks.make(small(objective="mlm"))
    with pytest.raises(BadUsage, match="gives no answers"):
        tasks.make(small()).inference()


def test_document_shards_give_their_splits_and_their_pieces():
    """Protects held-out pages: a text encoder for documents is trained on the pages of the training
    split alone, in the pieces that the document model reads."""
    folder = SAMPLE_DATA
    task = tasks.make(small(**{"data.path": str(folder), "data.length": 512}))
    assert task.model_config.vocabulary == task.pieces.size == WordPieces.load(folder / NAME).size
    held_out, trained = (task.dataset(split) for split in ("test", "train"))
    texts = [task.pieces.decode(row.tolist()) for row in held_out.rows]
    record = parse_record(ShardSource(folder, "test")[0].record)
    assert " ".join(record.words).startswith(texts[0])
    assert not set(texts) & {task.pieces.decode(row.tolist()) for row in trained.rows}
    again = tasks.make(small(), task.metadata())
    assert again.tokenizer.encode(["Dear Sir"], 9) == task.tokenizer.encode(["Dear Sir"], 9)
