"""`attend` is exactly dense attention, in values and gradients, and never holds a score matrix."""

import re
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jax.extend.core import jaxprs_in_params

from xojl_jax.errors import BadUsage
from xojl_jax.nn.attention import (
    BACKENDS,
    Backend,
    BiasSum,
    ChannelBias,
    Mask,
    TokenTypeBias,
    attend,
    attend_cached,
    attend_dense,
    blockwise,
    portable,
    prefix_order,
)


@pytest.fixture
def few_rows(monkeypatch):
    """Small blocks of rows, so that small inputs have several."""
    monkeypatch.setattr(blockwise, "QUERY_ROWS", 16)


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
    seed = draw(st.integers(0, 99))
    random = np.random.default_rng(seed)
    leading = st.none() | st.sampled_from([1, batch])

    def integers(high):
        """None, one array for queries and keys, or one for each: int32[1 or B, length]."""
        size = draw(leading)
        if size is None:
            return None
        lengths = (rows,) if same and draw(st.booleans()) else (rows, columns)
        pair = tuple(jnp.asarray(random.integers(0, high, (size, n)), jnp.int32) for n in lengths)
        return pair if len(pair) == 2 else pair[0]

    size, density = draw(leading), draw(st.floats(0, 1))
    key_mask = None if size is None else jnp.asarray(random.random((size, columns)) < density)
    mask = Mask(
        key_mask=key_mask,
        order=integers(draw(st.sampled_from([2, 50]))),
        segments=integers(3),
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
    max_examples=12,
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


def test_order_and_segments_equal_their_matrices(few_rows):
    """A prefix that sees itself whole before a causal rest, two sequences in one row, and padding:
    as a bias of minus infinity would have it, in values and gradients."""
    length, prefix = 37, jnp.asarray([5, 0])
    arguments, weight = _inputs(0, 2, length, length, 2, 4)
    position = np.arange(length)
    segments = np.stack([position // 20, position // 9])
    order = prefix_order(prefix, length)
    mask = Mask(order=order, segments=jnp.asarray(segments), exclude_self=True)
    i, j = position[:, None], position[None, :]
    allowed = (j <= i) | ((i < 5) & (j < 5)) & np.array([True, False])[:, None, None]
    allowed &= (segments[:, :, None] == segments[:, None, :]) & (i != j)
    got = np.asarray(mask.visible(jnp.asarray(position), jnp.asarray(position)))[:, 0]
    np.testing.assert_array_equal(got, allowed)

    def by_matrix(q, k, v, mask, bias):
        scores = jnp.einsum("bqhk,bshk->bhqs", q, k) / 2
        scores = jnp.where(allowed[:, None], scores, -1e30)
        some = allowed.any(-1)[:, None, :, None]
        weights = jnp.where(some, jax.nn.softmax(scores, -1), 0.0)
        return jnp.einsum("bhqs,bshk->bqhk", weights, v)

    wanted = _values_and_gradients(by_matrix, arguments, weight, None)
    for function, options in ((attend, {"block_size": 8}), (attend_dense, {})):
        got = _values_and_gradients(function, arguments, weight, mask, **options)
        for x, y in zip(got, wanted, strict=True):
            np.testing.assert_allclose(x, y, atol=1e-5)


def test_prefix_order_ends_in_causal_and_in_bidirectional():
    """One array for both ends, and for all between."""
    causal, both = prefix_order(jnp.asarray([0, 9]), 9)
    assert causal.tolist() == list(range(9)) and both.tolist() == [0] * 9
    assert prefix_order(jnp.asarray([1, 4]), 6).tolist() == [[*range(6)], [0, 0, 0, 0, 1, 2]]


def test_a_cached_row_is_the_row_of_the_whole(few_rows):
    """Step by step, a query sees the buffer's keys up to its own by the same mask."""
    (q, k, v, _), _ = _inputs(0, 2, 12, 12, 2, 4)
    random = np.random.default_rng(1)
    segments = jnp.asarray(random.integers(0, 2, (2, 12)), jnp.int32)
    key_mask = jnp.asarray(random.random((2, 12)) < 0.7).at[:, 0].set(False)
    mask = Mask(key_mask, prefix_order(jnp.asarray([0, 1]), 12), segments, window=4)
    whole = jax.jit(lambda: attend_dense(q, k, v, mask, scale=0.5))()

    @jax.jit
    def step(position):
        # What is not written yet is noise, and must not be seen.
        written = (jnp.arange(12) <= position)[None, :, None, None]
        keys, values = (jnp.where(written, x, 1e3).swapaxes(1, 2) for x in (k, v))
        query = jax.lax.dynamic_slice_in_dim(q, position, 1, axis=1) / 2
        return attend_cached(query, keys, values, mask, position=position)

    for position in (0, 1, 7, 11):
        got = step(jnp.int32(position))
        np.testing.assert_allclose(got[:, 0], whole[:, position], atol=1e-6)


def test_the_first_backend_that_supports_the_arguments_is_used(monkeypatch):
    """A backend gives its reason; where none is left, or the named one will not do, it is told."""
    (q, k, v, _), _ = _inputs(0, 1, 3, 3, 1, 4)

    def supports(q, k, v, mask, bias):
        return "no segments" if mask.segments is not None else None

    def attend_to_seven(q, k, v, mask, **_):
        return jnp.full_like(q, 7)

    monkeypatch.setitem(BACKENDS, "sevens", Backend(attend_to_seven, supports))
    assert bool((attend(q, k, v, backend="sevens") == 7).all())
    np.testing.assert_allclose(attend(q, k, v), attend_dense(q, k, v), atol=1e-6)
    segments = Mask(segments=jnp.zeros((1, 3), jnp.int32))
    with pytest.raises(BadUsage, match="sevens: no segments"):
        attend(q, k, v, segments, backend="sevens")
    known = "cudnn, blockwise, sparse, block_sparse, sevens"
    with pytest.raises(BadUsage, match=f"'third' is not known: choose one of {known}"):
        attend(q, k, v, backend="third")


def test_a_program_for_other_machines_uses_no_kernel_of_this_one(monkeypatch):
    """Protects exported programs: whatever this machine's first backend is, they get XLA's."""
    (q, k, v, _), _ = _inputs(0, 1, 3, 3, 1, 4)
    monkeypatch.setitem(BACKENDS, "cudnn", Backend(lambda q, *_, **__: q * 0 + 7, lambda *_: None))
    assert bool((attend(q, k, v) == 7).all())
    with portable():
        np.testing.assert_allclose(attend(q, k, v), attend_dense(q, k, v), atol=1e-6)


def test_rows_with_nothing_to_attend_to_are_zero(few_rows):
    """A sample without any valid key gives zeros and zero gradients, and disturbs no other one."""
    arguments, weight = _inputs(0, 2, 24, 24, 2, 4)
    valid = jnp.stack([jnp.zeros(24, bool), jnp.arange(24) < 20])
    results = _values_and_gradients(attend, arguments, weight, Mask(key_mask=valid), block_size=8)
    assert all(bool(jnp.isfinite(x).all()) for x in results)
    assert all(bool((x[0] == 0).all()) for x in results)
    assert all(bool((x[1] != 0).any()) for x in results)
    # The first row of a causal mask without itself sees nothing, either.
    mask = Mask(causal=True, exclude_self=True)
    out, grad_q, *_ = _values_and_gradients(attend, arguments, weight, mask, block_size=8)
    assert bool((out[:, 0] == 0).all()) and bool((grad_q[:, 0] == 0).all())
    assert bool((out[:, 1] != 0).any())


def test_bias_by_token_type_equals_its_matrix(few_rows):
    """A bias by types of tokens costs no matrix, and its table gets the matrix's gradient."""
    (q, k, v, _), weight = _inputs(0, 2, 20, 24, 2, 4)
    random = np.random.default_rng(1)
    rows, columns = (jnp.asarray(random.integers(0, 3, n), jnp.int32) for n in (20, 24))
    table = jnp.asarray(random.normal(size=(2, 3, 3)), jnp.float32)

    def run(function, q, table, **options):
        return (
            function(q, k, v, bias=TokenTypeBias(table, rows, columns), **options) * weight
        ).sum()

    gradient = partial(jax.value_and_grad, argnums=(0, 1))
    got = jax.jit(gradient(partial(run, attend, block_size=8)))(q, table)
    wanted = jax.jit(gradient(partial(run, attend_dense)))(q, table)
    jax.tree.map(partial(np.testing.assert_allclose, rtol=1e-5, atol=1e-5), got, wanted)


def test_a_sum_of_biases_is_the_sum_of_their_matrices(few_rows):
    """Protects parts that each bias the scores: together they do what each does."""
    (q, k, v, _), _ = _inputs(3, 1, 5, 7, 2, 4)
    types = TokenTypeBias(jnp.eye(3)[None], jnp.arange(5) % 3, jnp.arange(7) % 3)
    bias = BiasSum((types, ChannelBias(q[:, :, :1, :2], k[:, :, :1, :2])))

    def with_matrices():
        return attend_dense(q, k, v, bias=sum(part.as_matrix() for part in bias.parts))

    wanted = jax.jit(with_matrices)()
    for function in (attend, attend_dense):
        np.testing.assert_allclose(jax.jit(function)(q, k, v, bias=bias), wanted, atol=1e-5)


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
    tiling = blockwise._tiling(mask, length, length, 1.0, size)
    allowed = np.asarray(mask.visible(jnp.arange(length), jnp.arange(length)))
    visited_in_all = 0
    for i in range(tiling.row_blocks):
        count, number = tiling.columns_of(i, mask)
        visited = [int(number(np.int32(turn))) for turn in range(int(count))]
        needed = allowed[i * size : (i + 1) * size].reshape(size, -1, size).any((0, 2))
        assert len(set(visited)) == len(visited) and set(np.flatnonzero(needed)) <= set(visited)
        assert all(0 <= j < tiling.column_blocks for j in visited)
        visited_in_all += len(visited)
    if mask.window == 7:
        assert visited_in_all <= tiling.row_blocks * tiling.column_blocks / 2


def _shapes_in(jaxpr):
    for equation in jaxpr.eqns:
        yield from (x.aval.shape for x in equation.outvars if hasattr(x.aval, "shape"))
        for inner in jaxprs_in_params(equation.params):
            yield from _shapes_in(inner)


def _compiled_loss(function, length, heads, head_dim, mask=None, **options):
    """The gradient of a sum of outputs, traced and not run."""
    x = jax.ShapeDtypeStruct((1, length, heads, head_dim), jnp.float32)
    mask = Mask(exclude_self=True) if mask is None else mask

    def loss(q, k, v, mask):
        return function(q, k, v, mask, **options).sum()

    return jax.jit(jax.grad(loss, argnums=(0, 1, 2))).trace(x, x, x, mask)


def test_no_score_matrix_anywhere(length=4096):
    """No array in forward or backward is as large as the score matrix, nor near it."""
    shapes = list(_shapes_in(_compiled_loss(attend, length, 2, 8).jaxpr.jaxpr))
    assert len(shapes) > 50, "the walk must reach into the loops"
    assert max(np.prod(shape) for shape in shapes) <= 2 * blockwise.QUERY_ROWS * 512
    dense = _shapes_in(_compiled_loss(attend_dense, length, 2, 8).jaxpr.jaxpr)
    assert max(np.prod(shape) for shape in dense) == 2 * length * length


def test_order_and_segments_have_no_matrix(length=4096):
    """Each block of the mask is made of slices: traced or compiled, no array is of all pairs."""
    data = jax.ShapeDtypeStruct((1, length), jnp.int32)
    traced = _compiled_loss(attend, length, 2, 8, Mask(order=data, segments=data))
    largest = max(np.prod(shape) for shape in _shapes_in(traced.jaxpr.jaxpr))
    assert largest <= 2 * blockwise.QUERY_ROWS * 512
    shapes = re.findall(r"\b(?:pred|[a-z]+\d+)\[([\d,]+)\]", traced.lower().compile().as_text())
    sizes = [np.prod([int(n) for n in shape.split(",")]) for shape in shapes]
    assert length * 16 <= max(sizes) < length * length


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
