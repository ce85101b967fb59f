"""Look-ups against `jnp.take`, and their gradients against a scatter in float64."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen as nn
from jax.sharding import NamedSharding, PartitionSpec

from xojl_jax.nn import embedding
from xojl_jax.nn.embedding import Embed, look_up

ROWS, WIDTH = 11, 5


@pytest.fixture(params=["cpu", "gpu"])
def platform(request, monkeypatch):
    """What the gradient believes to be compiled for: a scatter, or products."""
    monkeypatch.setattr(embedding, "target_platform", lambda: request.param)
    return request.param


def inputs(*shape, dtype="float32"):
    """A table, ids (most of them 0, as padding is) and the gradient of the vectors."""
    random = np.random.default_rng(0)
    table = jnp.asarray(random.normal(size=(ROWS, WIDTH)), jnp.float32)
    ids = random.integers(0, ROWS, shape) * (random.random(shape) < 0.5)
    grad = jnp.asarray(random.normal(size=(*shape, WIDTH)), dtype)
    return table, jnp.asarray(ids, jnp.int32), grad


def table_gradient(table, ids, grad):
    _, pull = jax.vjp(lambda table: look_up(table, ids, grad.dtype), table)
    return pull(grad)[0]


def scattered(ids, grad):
    total = np.zeros((ROWS, WIDTH))
    np.add.at(total, np.asarray(ids), np.asarray(grad, np.float64))
    return total


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("entries", [2**22, 40])
@pytest.mark.parametrize("shape", [(7,), (3, 8), (2, 5, 3)])
def test_the_gradient_is_that_of_a_scatter(monkeypatch, platform, shape, entries, dtype):
    """As a scatter, in one product, and in chunks that do not fit, for every rank; sums are float32
    in bfloat16, too."""
    monkeypatch.setattr(embedding, "ONE_HOT_ENTRIES", entries)
    table, ids, grad = inputs(*shape, dtype=dtype)
    got = table_gradient(table, ids, grad)
    assert got.dtype == jnp.float32
    np.testing.assert_allclose(got, scattered(ids, grad), atol=1e-5)


def test_ids_of_no_row_have_no_gradient(platform):
    """Protects tables from padding: -1 is no id, and neither is the number of rows."""
    table, _, _ = inputs(3)
    ids = jnp.asarray([-1, 2, ROWS], jnp.int32)
    got = table_gradient(table, ids, jnp.ones((3, WIDTH)))
    np.testing.assert_array_equal(got, np.zeros((ROWS, WIDTH)) + np.eye(ROWS)[2][:, None])


def test_values_are_those_of_take():
    """Bit for bit, and of the compute dtype."""
    table, ids, _ = inputs(3, 4)
    for dtype in (jnp.float32, jnp.bfloat16):
        np.testing.assert_array_equal(
            look_up(table, ids, dtype), jnp.take(table.astype(dtype), ids, axis=0)
        )


def test_a_table_a_sample_by_vmap(monkeypatch, platform):
    """Protects the decoder's look-up of HTML nodes: every record has its own table."""
    monkeypatch.setattr(embedding, "ONE_HOT_ENTRIES", 40)
    table, ids, grad = inputs(3, 8)
    tables = jnp.stack([table, table + 1, table - 1])
    got = jax.vmap(table_gradient)(tables, ids, grad)
    for sample in range(3):
        np.testing.assert_allclose(got[sample], scattered(ids[sample], grad[sample]), atol=1e-5)


def test_parameters_are_those_of_flax():
    """Protects checkpoints: the path, the shape and the first numbers of `flax.linen.Embed`."""
    init = nn.initializers.normal(1.0)
    ids = jnp.zeros((1, 1), jnp.int32)
    ours = Embed(ROWS, WIDTH, init).init(jax.random.key(0), ids)
    theirs = nn.Embed(ROWS, WIDTH, embedding_init=init).init(jax.random.key(0), ids)
    assert jax.tree.structure(ours) == jax.tree.structure(theirs)
    np.testing.assert_array_equal(ours["params"]["embedding"], theirs["params"]["embedding"])


def test_ids_may_be_split_over_devices(monkeypatch, cpu_mesh):
    """Protects data parallelism: the same gradient, and no device gathers the others' vectors."""
    monkeypatch.setattr(embedding, "ONE_HOT_ENTRIES", 40)
    monkeypatch.setattr(embedding, "target_platform", lambda: "gpu")
    mesh, _ = cpu_mesh
    table, ids, grad = inputs(8, 8)
    whole = NamedSharding(mesh, PartitionSpec())
    split = NamedSharding(mesh, PartitionSpec(("data", "fsdp")))
    compiled = (
        jax.jit(table_gradient, in_shardings=(whole, split, split), out_shardings=whole)
        .lower(table, ids, grad)
        .compile()
    )
    assert "all-gather" not in compiled.as_text()
    placed = map(functools.partial(jax.device_put, device=split), (ids, grad))
    got = compiled(jax.device_put(table, whole), *placed)
    np.testing.assert_allclose(got, scattered(ids, grad), atol=1e-5)
