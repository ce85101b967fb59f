"""`attend` is exactly dense attention, in values and gradients, and never holds a score matrix."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jax.extend.core import jaxprs_in_params

from xojl_jax.nn import attention
from xojl_jax.nn.attention import KindBias, Mask, attend, attend_dense


@pytest.fixture
def few_rows(monkeypatch, quick_compile):
    """Small blocks of rows, so that small inputs have several."""
    monkeypatch.setattr(attention, "QUERY_ROWS", 16)


def _inputs(seed, batch, rows, columns, heads, head_dim, bias_shape=None, dtype=np.float32):
    random = np.random.default_rng(seed)
    shapes = [(batch, rows, heads, head_dim)] + 2 * [(batch, columns, heads, head_dim)]
    q, k, v = (jnp.asarray(random.normal(size=shape), dtype) for shape in shapes)
    bias = None if bias_shape is None else jnp.asarray(random.normal(size=bias_shape), dtype)
    weight = jnp.asarray(random.normal(size=shapes[0]), dtype)
    return (q, k, v, bias), weight


def _values_and_gradients(function, arguments, weight, mask, **options):
    def run(arguments):
        q, k, v, bias = arguments
        out = function(q, k, v, mask, bias=bias, **options)
        return (out * weight).sum(), out

    gradients, out = jax.jit(jax.grad(run, has_aux=True))(arguments)
    return [out, *(x for x in gradients if x is not None)]


def _assert_same(arguments, weight, mask, tolerance, **options):
    blockwise = _values_and_gradients(attend, arguments, weight, mask, **options)
    dense = _values_and_gradients(attend_dense, arguments, weight, mask)
    for got, wanted in zip(blockwise, dense, strict=True):
        np.testing.assert_allclose(got, wanted, rtol=tolerance, atol=tolerance)


@st.composite
def _cases(draw):
    batch, rows = draw(st.integers(1, 2)), draw(st.integers(1, 45))
    same = draw(st.booleans())
    columns = rows if same else draw(st.integers(1, 45))
    valid = draw(st.none() | st.sampled_from([(1, columns), (batch, columns)]))
    seed = draw(st.integers(0, 99))
    if valid is not None:
        valid = jnp.asarray(np.random.default_rng(seed).random(valid) < draw(st.floats(0, 1)))
    mask = Mask(
        key_valid=valid,
        causal=draw(st.booleans()),
        exclude_self=draw(st.booleans()),
        window=draw(st.none() | st.integers(0, 20)),
        window_prefix=draw(st.sampled_from([0, 3, 11])),
    )
    heads = draw(st.integers(1, 2))
    bias = st.tuples(st.sampled_from([1, batch]), st.sampled_from([1, heads]))
    bias = draw(st.none() | bias.map(lambda leading: (*leading, rows, columns)))
    arguments, weight = _inputs(seed, batch, rows, columns, heads, 4, bias)
    return arguments, weight, mask, draw(st.sampled_from([8, 16, 64]))


@settings(
    max_examples=8,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(case=_cases())
def test_equals_dense_for_any_shape_and_mask(few_rows, case):
    """Values and all gradients, odd lengths, every combination of masks, with and without bias."""
    arguments, weight, mask, block_size = case
    _assert_same(arguments, weight, mask, 1e-5, block_size=block_size)


@pytest.mark.parametrize(
    "mask",
    [Mask(exclude_self=True), Mask(causal=True, window=9, window_prefix=5)],
    ids=["lsa", "band"],
)
def test_equals_dense_in_float64(few_rows, mask):
    """The scheme is exact: what is left in float32 is rounding."""
    with jax.enable_x64(True):
        arguments, weight = _inputs(0, 2, 41, 41, 2, 8, (1, 2, 41, 41), np.float64)
        _assert_same(arguments, weight, mask, 1e-10, block_size=8)


def test_bfloat16_stays_near_float32(few_rows):
    """Inputs in bfloat16 are summed in float32, so the error is that of rounding the inputs."""
    (q, k, v, _), weight = _inputs(0, 1, 40, 40, 2, 8)
    mask = Mask(exclude_self=True)
    narrow = [x.astype(jnp.bfloat16) for x in (q, k, v)]
    exact = [x.astype(jnp.float32) for x in narrow]
    weight = weight.astype(jnp.bfloat16)
    got = _values_and_gradients(attend, (*narrow, None), weight, mask, block_size=8)
    wanted = _values_and_gradients(attend_dense, (*exact, None), weight.astype(jnp.float32), mask)
    for x, y in zip(got, wanted, strict=True):
        assert x.dtype == jnp.bfloat16
        np.testing.assert_allclose(x.astype(jnp.float32), y, atol=0.04, rtol=0.04)


def test_rows_with_nothing_to_attend_to_are_zero(few_rows):
    """A sample without any valid key gives zeros and zero gradients, and disturbs no other one."""
    arguments, weight = _inputs(0, 2, 24, 24, 2, 4)
    valid = jnp.stack([jnp.zeros(24, bool), jnp.arange(24) < 20])
    results = _values_and_gradients(attend, arguments, weight, Mask(key_valid=valid), block_size=8)
    assert all(bool(jnp.isfinite(x).all()) for x in results)
    assert all(bool((x[0] == 0).all()) for x in results)
    assert all(bool((x[1] != 0).any()) for x in results)
    # The first row of a causal mask without itself sees nothing, either.
    mask = Mask(causal=True, exclude_self=True)
    out, grad_q, *_ = _values_and_gradients(attend, arguments, weight, mask, block_size=8)
    assert bool((out[:, 0] == 0).all()) and bool((grad_q[:, 0] == 0).all())
    assert bool((out[:, 1] != 0).any())


def test_bias_by_kind_equals_its_matrix(few_rows):
    """A bias by kinds of tokens costs no matrix, and its table gets the matrix's gradient."""
    (q, k, v, _), weight = _inputs(0, 2, 20, 24, 2, 4)
    random = np.random.default_rng(1)
    rows, columns = (jnp.asarray(random.integers(0, 3, n), jnp.int32) for n in (20, 24))
    table = jnp.asarray(random.normal(size=(2, 3, 3)), jnp.float32)

    def run(function, q, table, **options):
        return (function(q, k, v, bias=KindBias(table, rows, columns), **options) * weight).sum()

    gradient = partial(jax.value_and_grad, argnums=(0, 1))
    got = jax.jit(gradient(partial(run, attend, block_size=8)))(q, table)
    wanted = jax.jit(gradient(partial(run, attend_dense)))(q, table)
    jax.tree.map(partial(np.testing.assert_allclose, rtol=1e-5, atol=1e-5), got, wanted)


def test_large_scores_do_not_overflow(few_rows):
    """Scores of some thousands, as they come from an outlier channel, give a clean arg max."""
    (q, k, v, _), weight = _inputs(0, 1, 24, 24, 1, 4)
    results = _values_and_gradients(
        attend, (100 * q, 100 * k, v, None), weight, Mask(), block_size=8
    )
    assert all(bool(jnp.isfinite(x).all()) for x in results)
    np.testing.assert_allclose(results[0], attend_dense(100 * q, 100 * k, v), atol=1e-4)


def test_values_may_be_of_another_width(few_rows):
    """Extra channels of queries and keys can carry a low-rank bias, and cost nothing in values."""
    (q, k, v, _), _ = _inputs(0, 2, 20, 20, 2, 8)
    got = jax.jit(partial(attend, block_size=8))(q, k, v[..., :3])
    np.testing.assert_allclose(got, attend_dense(q, k, v)[..., :3], atol=1e-6)


@pytest.mark.parametrize(
    "mask",
    [
        Mask(causal=True),
        Mask(window=7),
        Mask(window=7, window_prefix=11),
        Mask(window=100, window_prefix=11),
        Mask(causal=True, window=5, window_prefix=3),
    ],
    ids=str,
)
def test_blocks_out_of_reach_are_skipped(mask):
    """Blocks that hold an allowed pair are met exactly once; a band leaves most others out."""
    length, size = 96, 8
    plan = attention._plan(mask, length, length, 1.0, size)
    allowed = np.asarray(mask.by_position(jnp.arange(length), jnp.arange(length)))
    visited_in_all = 0
    for i in range(plan.row_blocks):
        count, number = plan.columns_of(i)
        visited = [int(number(np.int32(turn))) for turn in range(int(count))]
        needed = allowed[i * size : (i + 1) * size].reshape(size, -1, size).any((0, 2))
        assert len(set(visited)) == len(visited) and set(np.flatnonzero(needed)) <= set(visited)
        assert all(0 <= j < plan.column_blocks for j in visited)
        visited_in_all += len(visited)
    if mask.window == 7:
        assert visited_in_all <= plan.row_blocks * plan.column_blocks / 2


def _shapes_in(jaxpr):
    for equation in jaxpr.eqns:
        yield from (x.aval.shape for x in equation.outvars if hasattr(x.aval, "shape"))
        for inner in jaxprs_in_params(equation.params):
            yield from _shapes_in(inner)


def _compiled_loss(function, length, heads, head_dim, **options):
    """The gradient of a sum of outputs, traced and not run."""
    x = jax.ShapeDtypeStruct((1, length, heads, head_dim), jnp.float32)

    def loss(q, k, v):
        return function(q, k, v, Mask(exclude_self=True), **options).sum()

    return jax.jit(jax.grad(loss, argnums=(0, 1, 2))).trace(x, x, x)


def test_no_score_matrix_anywhere(length=4096):
    """No array in forward or backward is as large as the score matrix, nor near it."""
    shapes = list(_shapes_in(_compiled_loss(attend, length, 2, 8).jaxpr.jaxpr))
    assert len(shapes) > 50, "the walk must reach into the loops"
    assert max(np.prod(shape) for shape in shapes) <= 2 * attention.QUERY_ROWS * 512
    dense = _shapes_in(_compiled_loss(attend_dense, length, 2, 8).jaxpr.jaxpr)
    assert max(np.prod(shape) for shape in dense) == 2 * length * length


def test_memory_at_14400_tokens(length=14400):
    """Forward and backward over 14,400 tokens (8 px patches): under 0.1 GB; dense takes over 5."""

    def temporary_bytes(function):
        compiled = _compiled_loss(function, length, 2, 64).lower().compile()
        return compiled.memory_analysis().temp_size_in_bytes

    assert temporary_bytes(attend) < 0.1e9
    assert temporary_bytes(attend_dense) > 5e9


def test_runs_at_14400_tokens(length=14400):
    """It does not only compile: a few rows are compared with the dense answer for those rows."""
    (q, k, v, _), _ = _inputs(0, 1, length, length, 1, 8)
    out = jax.jit(attend)(q, k, v)
    some = jnp.asarray([0, 1, 7000, length - 1])
    np.testing.assert_allclose(out[:, some], attend_dense(q[:, some], k, v), atol=1e-5)
