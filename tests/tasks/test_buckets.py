"""Buckets: a record's loss and gradients are the same in each that holds it; which record is in
which; and what is chosen."""

import functools
from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from configs import layout
from tests.random_params import random_params
from tests.tasks.conftest import small_config
from xojl_jax.data.buckets import assign, choose_shapes, holds
from xojl_jax.data.loader import batches
from xojl_jax.data.transforms import stack
from xojl_jax.errors import BadUsage
from xojl_jax.nn.vision import VisionEncoder
from xojl_jax.tasks.buckets import make_bucket
from xojl_jax.tasks.layout import buckets
from xojl_jax.tasks.layout.sample_changes import rotate_sample
from xojl_jax.tasks.layout.task import LayoutTask


def bucket_config(stage=4, **changes):
    config = small_config(**changes)
    with config.unlocked():
        config.stage = stage
        config.model.patch, config.model.memory_stride = 8, 2
        config.model.max_classes = 32
        config.data.buckets = 4
    return config


def in_two_sizes(task):
    """Parameters, and four short records twice: in the full size and in the smallest bucket."""
    dataset = task.dataset("val")
    needed, _ = dataset.needed_sizes()
    chosen = np.argsort(needed[:, 0], kind="stable")[:4]
    full = stack([dataset[int(i)] for i in chosen])
    shape = tuple(needed[chosen].max(0).tolist())
    assert all(s < f for s, f in zip(shape, buckets.full_shape(task.spec), strict=True))
    spec = task.spec.cut(*shape)
    small = stack([buckets.to_spec(dataset[int(i)], spec) for i in chosen])
    return random_params(task.init), full, small


def test_the_loss_does_not_depend_on_the_bucket():
    """Protects training from padding: the same records in the smallest bucket and in the full size
    give the same loss and metrics."""
    task = LayoutTask(bucket_config())
    params, full, small = in_two_sizes(task)
    loss = jax.jit(functools.partial(task.loss, train=False))
    expected, metrics = loss(params, full, jax.random.key(2))
    value, found = loss(params, small, jax.random.key(2))
    np.testing.assert_allclose(value, expected, rtol=1e-5)
    for name in metrics:
        np.testing.assert_allclose(found[name], metrics[name], rtol=1e-5, atol=1e-6, err_msg=name)


@pytest.mark.slow
@pytest.mark.parametrize("stage", [1, 2, 3, 4])
def test_loss_and_gradients_do_not_depend_on_the_bucket(stage):
    """Protects every stage's training from padding: loss and gradients."""
    task = LayoutTask(bucket_config(stage))
    params, full, small = in_two_sizes(task)
    loss = functools.partial(task.loss, train=False)
    gradient = jax.jit(jax.value_and_grad(loss, has_aux=True))
    (padded, _), expected = gradient(params, full, jax.random.key(2))
    (value, _), grads = gradient(params, small, jax.random.key(2))
    np.testing.assert_allclose(value, padded, rtol=1e-5)
    largest = max(float(jnp.abs(leaf).max()) for leaf in jax.tree.leaves(expected))
    for (path, a), b in zip(
        jax.tree_util.tree_leaves_with_path(expected), jax.tree.leaves(grads), strict=True
    ):
        name = jax.tree_util.keystr(path)
        np.testing.assert_allclose(b, a, rtol=1e-4, atol=1e-5 * largest, err_msg=name)


def test_fewer_rows_of_a_canvas_are_not_another_resolution():
    """Protects positions: of upper rows they are cropped, of another canvas interpolated."""
    config = LayoutTask(bucket_config()).model_config.trunk.vision
    image = jnp.zeros((1, 96, 128, 3), jnp.uint8)
    model = VisionEncoder(config)
    params = random_params(lambda key: model.init(key, image))
    cut = jax.eval_shape(model.apply, params, image[:, :32])
    assert cut.tokens.shape[1] == 4 * 16
    free = VisionEncoder(replace(config, canvas=None))
    upper, scaled = (jax.jit(m.apply)(params, image[:, :32]).tokens for m in (model, free))
    assert jnp.abs(upper - scaled).max() > 1e-3
    with pytest.raises(ValueError, match="upper rows of a canvas"):
        jax.eval_shape(model.apply, params, image[:, :, :64])


def test_every_augmented_sample_fits_its_bucket():
    """Protects targets and pictures from being cut: what `augment` makes of a record, turned or
    without its HTML, keeps all that is real in the bucket of its step."""
    config = bucket_config(**{"data.drop_html": 0.4, "data.rotate_share": 1.0})
    task = LayoutTask(config)
    assert len(task.buckets()) > 1 and task.buckets()[-1].shape == buckets.full_shape(task.spec)
    plain = task._open("train", task.spec)
    dataset = task.dataset("train")
    seen, dropped = set(), 0
    with batches(dataset, seed=0, batch_size=8, num_threads=0) as stream:
        for _ in range(40):
            batch = next(stream)
            seen.add(batch["html_mask"].shape[1])
            for row in range(8):
                full = plain[int(np.flatnonzero(plain.numbers == batch["index"][row])[0])]
                gone = full["html_mask"].any() and not batch["html_mask"][row].any()
                dropped += gone
                wanted = full["semantic_tokens"]
                assert (batch["semantic_tokens"][row] != 0).sum() == (wanted != 0).sum()
                if not gone:
                    assert batch["html_class_mask"][row].sum() == full["html_class_mask"].sum()
                    same = batch["detail_tokens"][row] != 0
                    assert same.sum() == (full["detail_tokens"] != 0).sum()
    assert len(seen) > 1 and abs(dropped / 320 - 0.4) < 0.1


@pytest.mark.parametrize("degrees", [-2.0, 0.7, 2.0])
def test_turned_pictures_fit_the_rows_that_are_kept_for_them(degrees):
    """Protects the rows: no real patch of a turned picture is below them."""
    task = LayoutTask(bucket_config())
    dataset = task.dataset("train")
    needed, _ = dataset.needed_sizes()
    columns = task.model_config.grid[1]
    for index in range(40):
        turned = rotate_sample(dataset[index], degrees, task.spec)
        rows = turned["patch_mask"].reshape(-1, columns).any(1).sum()
        assert rows <= needed[index, 0]


def test_sizes_are_read_where_the_manifest_lacks_them(tmp_path, caplog):
    """Protects shards of earlier versions: the same sizes from the records, and a line about it."""
    task = LayoutTask(bucket_config())
    dataset = task._open("val", task.spec)
    stored = dataset.needed_sizes()
    info = dataset.source.info
    old = {name: info.sizes[name] for name in ("nodes", "semantic_tokens", "detail_tokens")}
    dataset.source.info = replace(info, sizes=old)
    for found, wanted in zip(dataset.needed_sizes(), stored, strict=True):
        np.testing.assert_array_equal(found, wanted)
    assert f"all {len(dataset)} records are read once" in caplog.text


def test_shapes_are_chosen_from_sizes():
    """Protects the choice: at most so many, the full size among them, and never dearer than one."""
    rng = np.random.default_rng(0)
    sizes = np.stack([rng.integers(1, 20, 500), rng.geometric(0.05, 500).clip(max=64)], 1)
    cost = lambda shape: float(shape[0] ** 2 + shape[1])  # noqa: E731
    paid = []
    for count in (1, 2, 4, 6):
        shapes = choose_shapes(sizes, (40, 64), count, cost, multiples=(2, 8))
        assert len(shapes) <= count and (40, 64) in shapes
        assert shapes == sorted(shapes, key=cost)
        numbers = assign(sizes, shapes)
        assert (sizes <= np.array(shapes)[numbers]).all()
        paid.append(np.mean([cost(shapes[n]) for n in numbers]))
    assert paid == sorted(paid, reverse=True) and paid[-1] < 0.2 * paid[0]
    assert holds([(1, 5), (2, 3), (2, 5)]).tolist() == [
        [True, False, False],
        [False, True, False],
        [True, True, True],
    ]


def test_buckets_may_be_named_in_the_config():
    """Protects the config: shapes as they are written, the full size added, nonsense refused."""
    named = bucket_config(**{"data.bucket_shapes": "6x32x8x64, 12x64x16x96"})
    shapes = [bucket.shape for bucket in LayoutTask(named).buckets()]
    assert shapes == [(6, 32, 8, 64), (12, 64, 16, 96), (12, 128, 32, 192)]
    assert str(LayoutTask(named).buckets()[0]) == "6 rows x 32 nodes x 8 classes x 64 tokens"
    for wrong in ("6x32", "6x32x8x9999", "a"):
        with pytest.raises(BadUsage, match="bucket_shapes"):
            LayoutTask(bucket_config(**{"data.bucket_shapes": wrong})).buckets()
    one = LayoutTask(small_config())
    assert len(one.buckets()) == 1 and one.dataset("train").buckets is None
    assert layout.make("tiny").data.buckets == 1


def test_work_of_a_bucket_and_of_what_is_real(task, batch):
    """Protects the rates: the full bucket costs what the config costs, a smaller one less, and what
    is real is no more than all."""
    full, small = task.buckets()[-1], make_bucket(buckets.DIMENSIONS, (1, 16, 4, 16))
    assert task.flops(full) == task.flops()
    assert sum(task.flops(small).values()) < 0.2 * sum(task.flops().values())
    work = task.real_work(batch)
    assert 0 < work.flops < len(batch["html_mask"]) * sum(task.flops().values())
    assert work.shares["nodes"] == pytest.approx(batch["html_mask"].mean())
    assert set(work.shares) == {"patches", "nodes", "classes", "tokens"}
