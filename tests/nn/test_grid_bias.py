"""The bias by the places of two tokens on a grid: blocks of it, its gradients, its table."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen as nn
from jax.sharding import NamedSharding, PartitionSpec

from tests.random_params import random_params
from xojl_jax.nn.attention import BiasSum, GridBias, Mask, TokenTypeBias, attend, attend_dense
from xojl_jax.nn.positions import RelativePositions

ROWS, COLUMNS, BEFORE, HEADS = 5, 4, 2, 3
TOKENS = BEFORE + ROWS * COLUMNS


def relative(grid=(ROWS, COLUMNS), length=TOKENS):
    return RelativePositions((ROWS, COLUMNS), grid, HEADS, BEFORE, length)


def table_of(seed=0):
    return random_params(relative().init, seed)["params"]["table"]


def bias_of(table):
    bias = relative().apply({"params": {"table": table}})
    assert isinstance(bias, GridBias)
    return bias


def by_definition(table):
    """float[H, T, T] as BEiT has it: a row of the table for every pair of differences."""
    places = np.stack(np.mgrid[:ROWS, :COLUMNS], -1).reshape(-1, 2)
    matrix = np.zeros((HEADS, TOKENS, TOKENS), np.float32)
    for q in range(TOKENS):
        for k in range(TOKENS):
            if q < BEFORE or k < BEFORE:
                row = -1 if q < BEFORE and k < BEFORE else -3 if q < BEFORE else -2
            else:
                down, across = places[q - BEFORE] - places[k - BEFORE]
                row = (down + ROWS - 1) * (2 * COLUMNS - 1) + across + COLUMNS - 1
            matrix[:, q, k] = table[row]
    return matrix


def test_the_bias_is_its_definition():
    """Protects R012: differences in rows and columns, and the three entries of special tokens."""
    table = table_of()
    np.testing.assert_allclose(bias_of(table).as_matrix()[0], by_definition(table))


@pytest.mark.parametrize("block", [((0, 8), (8, 8)), ((16, 6), (1, 21)), ((3, 1), (0, 22))])
def test_any_block_is_cut_from_the_whole(block):
    """Protects blocks that begin and end anywhere in a row of the grid."""
    (row, rows), (column, columns) = block
    table = table_of()
    corner = bias_of(table).corner(row, rows, column, columns)[0]
    whole = by_definition(table)
    np.testing.assert_allclose(corner, whole[:, row : row + rows, column : column + columns])


def test_attention_adds_it_block_by_block(monkeypatch):
    """Protects values and gradients, of the table, too, in blocks that are not whole rows, beside
    another bias: against the array of all pairs."""
    monkeypatch.setattr("xojl_jax.nn.attention.blockwise.QUERY_ROWS", 8)
    draw = np.random.default_rng(0).normal
    q, k, v = (jnp.asarray(draw(size=(2, TOKENS, HEADS, 8)), jnp.float32) for _ in range(3))
    mask = Mask(key_mask=jnp.arange(TOKENS)[None] < TOKENS - 3)
    kinds = jnp.minimum(jnp.arange(TOKENS), 1)
    other = TokenTypeBias(jnp.asarray([[[0.0, 1.0], [2.0, 0.0]]]), kinds, kinds)

    def total(function, table, q):
        bias = BiasSum((bias_of(table), other))
        return jnp.sum(function(q, k, v, mask, bias=bias, scale=0.3) ** 2)

    def in_blocks(*arguments, **options):
        return attend(*arguments, **options, backend="blockwise", block_size=8)

    table = table_of()
    got, wanted = (
        jax.jit(jax.value_and_grad(lambda t, q, f=function: total(f, t, q), argnums=(0, 1)))(
            table, q
        )
        for function in (in_blocks, attend_dense)
    )
    assert float((got[1][0] != 0).mean()) > 0.8  # keys in padding have no share
    jax.tree.map(lambda x, y: np.testing.assert_allclose(x, y, atol=2e-4, rtol=1e-4), got, wanted)
    with pytest.raises(ValueError, match="at most one"):
        bias = BiasSum((bias_of(table), bias_of(table)))
        attend(q, k, v, bias=bias, backend="blockwise")


def test_another_grid_reads_the_same_table():
    """Protects other resolutions: the differences are stretched, the ends stay."""
    table = table_of()
    larger = relative((2 * ROWS, 2 * COLUMNS), BEFORE + 4 * ROWS * COLUMNS)
    bias = larger.apply({"params": {"table": table}})
    assert isinstance(bias, GridBias)
    assert bias.tiles.shape == (HEADS, 4 * ROWS - 1, 2 * COLUMNS, 2 * COLUMNS)
    np.testing.assert_allclose(bias.tiles[:, 0, 0, -1], table[0], rtol=1e-5)


def test_no_array_of_all_pairs_is_made():
    """Protects memory at 1,024 px: the temporary memory of training grows with the blocks of
    scores, not with the square of the tokens."""

    def temporary(side: int) -> int:
        length = BEFORE + side * side
        module = RelativePositions((side, side), (side, side), 4, BEFORE, length)
        table = jax.ShapeDtypeStruct(((2 * side - 1) ** 2 + 3, 4), jnp.float32)
        x = jax.ShapeDtypeStruct((1, length, 4, 8), jnp.float32)

        def loss(table, x):
            bias = module.apply({"params": {"table": table}})
            return attend(x, x, x, bias=bias, block_size=256, backend="blockwise").sum()

        lowered = jax.jit(jax.grad(loss)).lower(table, x)
        return lowered.compile().memory_analysis().temp_size_in_bytes

    # All pairs of 4,098 tokens would be 269 MB for these four heads.
    assert temporary(64) < 100e6


def test_devices_exchange_tables_and_not_scores(cpu_mesh):
    """Protects the links of a slice: the table's gradient is summed over devices once, not in every
    block of scores; and it is that of one device."""
    mesh, rules = cpu_mesh
    module = RelativePositions((6, 6), (6, 6), 4, BEFORE, BEFORE + 36)
    table = random_params(module.init)["params"]["table"]
    draw = np.random.default_rng(0).normal
    x = jnp.asarray(draw(size=(8, BEFORE + 36, 4, 8)), jnp.float32)

    def loss(table, x):
        bias = module.apply({"params": {"table": table}})
        y = attend(x, x, x, bias=bias, block_size=16, backend="blockwise")
        return jnp.square(y).mean()

    wanted = jax.jit(jax.grad(loss))(table, x)
    with jax.set_mesh(mesh), nn.logical_axis_rules(rules):
        split = jax.device_put(
            x, NamedSharding(mesh, PartitionSpec(("data", "fsdp"), None, "tensor"))
        )
        compiled = jax.jit(jax.grad(loss)).lower(table, split).compile()
        got = compiled(table, split)
        # A batch that the devices do not divide is summed as one.
        jax.jit(jax.grad(loss))(table, x[:3]).block_until_ready()
    np.testing.assert_allclose(got, wanted, atol=1e-6, rtol=1e-4)
    bodies = compiled.as_text().split("\n\n")
    loops = [b for b in bodies if re.search(r"region|body|while", b.split("\n", 1)[0])]
    assert loops and not any("all-reduce(" in body for body in loops)
