"""Attention by cuDNN: exact for every mask that it takes, with the kernel in plain JAX. On a GPU,
with the kernel itself: as near to dense attention as bfloat16 allows.

On a machine with a GPU:

    PYTHONPATH=. python -m pytest -c /dev/null --rootdir=. --noconftest \\
        tests/nn/test_attention_cudnn.py

(the tests' own configuration keeps JAX on simulated CPU devices).
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen as nn
from jax.extend.core import jaxprs_in_params
from jax.sharding import AbstractDevice, AbstractMesh, AxisType, NamedSharding, PartitionSpec

from xojl_jax.nn.attention import (
    BACKENDS,
    Backend,
    Mask,
    TokenTypeBias,
    attend,
    attend_dense,
    cudnn,
    cudnn_kernel,
    device,
)
from xojl_jax.nn.blocks import EncoderBlock
from xojl_jax.nn.config import BlockConfig
from xojl_jax.nn.scan import Stack

# --- the kernel, as far as its documentation goes -------------------------------------------------


def _scores(q, k, key_lengths, scale, causal):
    rows, columns = (jnp.arange(x.shape[1], dtype=jnp.int32) for x in (q, k))
    seen = jnp.ones((1, 1, q.shape[1], k.shape[1]), bool)
    if causal:
        seen &= columns <= rows[:, None]
    if key_lengths is not None:
        seen &= (columns < key_lengths[:, None])[:, None, None]
    return jnp.where(seen, jnp.einsum("bqhk,bshk->bhqs", q, k) * scale, -jnp.inf)


@functools.partial(jax.jit, static_argnames=("scale", "causal"))
def plain_forward(q, k, v, key_lengths, *, scale, causal):
    """Not a number for a query that sees nothing: the kernel must never be asked that."""
    scores = _scores(q, k, key_lengths, scale, causal)
    lse = jax.nn.logsumexp(scores, axis=-1)
    lse = jnp.where(jnp.isfinite(lse), lse, jnp.nan)
    return jnp.einsum("bhqs,bshk->bqhk", jnp.exp(scores - lse[..., None]), v), lse


@functools.partial(jax.jit, static_argnames=("scale", "causal"))
def plain_backward(q, k, v, key_lengths, out, lse, grad_out, *, scale, causal):
    """Not a number in the gradients of padding: nobody may rely on them."""
    weights = jnp.exp(_scores(q, k, key_lengths, scale, causal) - lse[..., None])
    grad_weights = jnp.einsum("bqhk,bshk->bhqs", grad_out, v)
    shared = jnp.einsum("bqhk,bqhk->bhq", grad_out, out)[..., None]
    grad_scores = weights * (grad_weights - shared) * scale
    grad_k = jnp.einsum("bhqs,bqhk->bshk", grad_scores, q)
    grad_v = jnp.einsum("bhqs,bqhk->bshk", weights, grad_out)
    if key_lengths is not None:
        real = (jnp.arange(k.shape[1], dtype=jnp.int32) < key_lengths[:, None])[..., None, None]
        grad_k, grad_v = (jnp.where(real, x, jnp.nan) for x in (grad_k, grad_v))
    return jnp.einsum("bhqs,bshk->bqhk", grad_scores, k), grad_k, grad_v


@pytest.fixture
def plain_kernel(monkeypatch):
    """cuDNN's kernel in plain JAX, on any device and in any dtype."""
    monkeypatch.setattr(cudnn_kernel, "forward", plain_forward)
    monkeypatch.setattr(cudnn_kernel, "backward", plain_backward)
    monkeypatch.setitem(BACKENDS, "cudnn", Backend(cudnn.attend, lambda *_: None))


# --- parity with dense attention ------------------------------------------------------------------


def _inputs(seed, batch, rows, columns, heads=2, head_dim=8, dtype=np.float64):
    random = np.random.default_rng(seed)
    shapes = [(batch, rows, heads, head_dim)] + 2 * [(batch, columns, heads, head_dim)]
    arrays = [random.normal(size=shape) for shape in (*shapes, shapes[0])]
    return [jnp.asarray(x, dtype) for x in arrays]


def _values_and_gradients(function, arrays, mask):
    @functools.partial(jax.grad, argnums=(0, 1, 2), has_aux=True)
    def run(q, k, v, weight, mask):
        out = function(q, k, v, mask)
        return (out.astype(weight.dtype) * weight).sum(), out

    gradients, out = jax.jit(run)(*arrays, mask)
    return out, *gradients


def _key_mask(seed, batch, columns):
    """Random rows of all densities; the first real key anywhere, one row with a single key."""
    random = np.random.default_rng(seed)
    mask = random.random((batch, columns)) < random.random((batch, 1))
    mask[0] = np.arange(columns) == columns // 2
    return jnp.asarray(mask)


@pytest.mark.parametrize(
    "rows, columns",
    [pytest.param(16, 16, marks=pytest.mark.slow), (13, 13), (9, 21), (24, 11)],
)
@pytest.mark.parametrize("keys", [None, "random", "one row for all"])
@pytest.mark.parametrize("rule", [{}, {"causal": True}, {"exclude_self": True}], ids=str)
def test_equals_dense_in_float64(plain_kernel, rows, columns, keys, rule):
    """Values and gradients, lengths of all kinds, queries and keys that see nothing."""
    batch = 3
    key_mask = _key_mask(rows, batch, columns)
    key_mask = {
        None: None,
        "random": key_mask.at[1].set(False),
        "one row for all": key_mask[-1:],
    }[keys]
    mask = Mask(key_mask=key_mask, **rule)
    with jax.enable_x64(True):
        q, k, v, weight = _inputs(0, batch, rows, columns)
        if cudnn._unsupported_mask(q, k, mask, None):
            pytest.skip("not a mask of this backend")
        got = _values_and_gradients(attend, (q, k, v, weight), mask)
        wanted = _values_and_gradients(attend_dense, (q, k, v, weight), mask)
        for x, y in zip(got, wanted, strict=True):
            np.testing.assert_allclose(x, y, rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("rule", [{}, {"causal": True}, {"exclude_self": True}], ids=str)
def test_large_scores_do_not_overflow(plain_kernel, rule):
    """One half may hold all of a row's weight, and the other scores some thousands lower."""
    with jax.enable_x64(True):
        q, k, v, weight = _inputs(1, 2, 16, 16)
        arrays = (100 * q, 100 * k, v, weight)
        got = _values_and_gradients(attend, arrays, Mask(**rule))
        wanted = _values_and_gradients(attend_dense, arrays, Mask(**rule))
        for x, y in zip(got, wanted, strict=True):
            np.testing.assert_allclose(x, y, rtol=1e-9, atol=1e-9)


# --- what it takes, and where ---------------------------------------------------------------------


def test_says_what_it_does_not_take(monkeypatch):
    """Every other mask, dtype and shape goes on to the next backend, with a reason."""
    monkeypatch.setattr(cudnn, "no_nvidia_gpu", lambda **_: None)
    monkeypatch.setattr(cudnn_kernel, "unavailable", lambda: None)
    whole = jnp.zeros((1, 16), jnp.int32)

    def reason(mask, width=64, dtype=jnp.bfloat16, rows=16, bias=None):
        x, y = (jax.ShapeDtypeStruct((2, n, 2, width), dtype) for n in (rows, 16))
        return cudnn.supports(x, y, y, mask, bias)

    real = jnp.ones((2, 16), bool)
    for mask in (Mask(), Mask(real), Mask(real, exclude_self=True), Mask(causal=True)):
        assert reason(mask) is None
    assert reason(Mask(real), rows=24, width=128, dtype=jnp.float16) is None
    assert "no window" in reason(Mask(window=3))
    assert "no order" in reason(Mask(order=whole))
    assert "no segments" in reason(Mask(segments=whole))
    assert "causal with key_mask" in reason(Mask(real, causal=True))
    assert "causal with exclude_self" in reason(Mask(causal=True, exclude_self=True))
    assert "24 queries and 16 keys" in reason(Mask(exclude_self=True), rows=24)
    bias = TokenTypeBias(jnp.zeros((2, 1, 1)), whole[0], whole[0])
    assert "no bias" in reason(Mask(), bias=bias)
    assert "not float32" in reason(Mask(), dtype=jnp.float32)
    assert "head widths 60" in reason(Mask(), width=60)
    assert "head widths 136" in reason(Mask(), width=136)
    assert "fewer than 8" in reason(Mask(), rows=1)


def test_the_mesh_says_which_device_the_program_is_for():
    """`plan` traces for a TPU on a machine that has none: its mesh is believed."""
    assert device.target_platform() == jax.default_backend()
    tpu = AbstractDevice(device_kind="TPU v5 lite", num_cores=1, platform="tpu")
    mesh = AbstractMesh((1,), ("data",), (AxisType.Auto,), abstract_device=tpu)
    with jax.sharding.use_abstract_mesh(mesh):
        assert device.target_platform() == "tpu"
        assert device.no_nvidia_gpu((8, 0)) == "the program is for a tpu, not for a GPU"


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("lengths", [False, True])
def test_the_private_primitives_take_what_they_are_given(causal, lengths):
    """Lowered for CUDA, which needs no GPU: the custom calls are there, with the right mask."""
    x = jax.ShapeDtypeStruct((2, 16, 2, 8), jnp.bfloat16)
    lse = jax.ShapeDtypeStruct((2, 2, 16), jnp.float32)
    key_lengths = jax.ShapeDtypeStruct((2,), jnp.int32) if lengths else None
    options = {"scale": 0.5, "causal": causal}
    forward = functools.partial(cudnn_kernel.forward, **options)
    backward = functools.partial(cudnn_kernel.backward, **options)
    out = jax.eval_shape(forward, x, x, x, key_lengths)
    assert [(y.shape, y.dtype) for y in out] == [(x.shape, x.dtype), (lse.shape, lse.dtype)]
    name = "_".join(["PADDING"] * lengths + ["CAUSAL"] * causal) or "NO_MASK"
    for function, arguments, target in (
        (forward, (x, x, x, key_lengths), "__cudnn$fmhaSoftmax"),
        (backward, (x, x, x, key_lengths, x, lse, x), "__cudnn$fmhaSoftmaxBackward"),
    ):
        text = jax.jit(function).trace(*arguments).lower(lowering_platforms=("cuda",)).as_text()
        assert f"@{target}(" in text and f"mask_type\\22: \\22{name}\\22" in text


# --- memory, remat, meshes ------------------------------------------------------------------------


def _equations(jaxpr):
    for equation in jaxpr.eqns:
        yield equation
        for inner in jaxprs_in_params(equation.params):
            yield from _equations(inner)


def test_no_array_of_all_pairs_outside_the_kernel(monkeypatch):
    """Traced with the kernel itself, whose inside JAX does not see."""
    monkeypatch.setitem(BACKENDS, "cudnn", Backend(cudnn.attend, lambda *_: None))
    length, width = 1024, 2 * 8
    x = jax.ShapeDtypeStruct((1, length, 2, 8), jnp.bfloat16)

    def loss(q, k, v, key_mask):
        mask = Mask(key_mask, exclude_self=True)
        return attend(q, k, v, mask, backend="cudnn").astype(jnp.float32).sum()

    key_mask = jax.ShapeDtypeStruct((1, length), bool)
    traced = jax.jit(jax.grad(loss, argnums=(0, 1, 2))).trace(x, x, x, key_mask)
    sizes = [y.aval.size for e in _equations(traced.jaxpr.jaxpr) for y in e.outvars]
    assert len(sizes) > 50 and max(sizes) <= length * width


@pytest.mark.parametrize("remat, calls", [("attention", 2), ("full", 4)])
def test_remat_keeps_what_the_kernel_gave(plain_kernel, remat, calls):
    """Output and log-sum-exp have names: the backward pass does not run the forward kernel again.
    The scanned layer is traced once; its mask takes two calls."""
    config = BlockConfig(
        width=16,
        heads=2,
        mlp_ratio=1,
        dropout=0.0,
        dtype="float32",
        remat=remat,
        attention_block=8,
    )
    stack = Stack(functools.partial(EncoderBlock, config), 3, remat)
    x = jax.ShapeDtypeStruct((2, 16, 16), jnp.float32)
    mask = Mask(exclude_self=True)
    params = jax.eval_shape(stack.init, jax.random.key(0), x, mask)

    def loss(params, x):
        return stack.apply(nn.meta.unbox(params), x, mask).sum()

    jaxpr = jax.make_jaxpr(jax.grad(loss))(params, x)
    # Linen's scan also traces the layer once outside, for shapes: nobody uses it, XLA drops it.
    scans = [e for e in jaxpr.jaxpr.eqns if e.primitive.name == "scan"]
    inner = (body for scan in scans for body in jaxprs_in_params(scan.params))
    names = [equation.params.get("name") for body in inner for equation in _equations(body)]
    assert names.count("plain_forward") == calls and names.count("plain_backward") == 2


@pytest.mark.skipif(jax.device_count() < 8, reason="needs 8 devices, simulated ones will do")
@pytest.mark.parametrize("heads, share", [(4, 2), (3, 3)])
def test_each_device_runs_its_share_of_batch_and_heads(monkeypatch, plain_kernel, heads, share):
    """Values and gradients do not depend on the mesh; heads that it does not divide stay whole."""
    shapes = set()

    def forward(q, k, v, *rest, **options):
        shapes.add(q.shape)
        return plain_forward(q, k, v, *rest, **options)

    monkeypatch.setattr(cudnn_kernel, "forward", forward)
    arrays = _inputs(2, 4, 16, 16, heads=heads, dtype=np.float32)
    mask = Mask(_key_mask(1, 4, 16), exclude_self=True)
    wanted = _values_and_gradients(attend_dense, arrays, mask)
    mesh = jax.make_mesh((2, 2, 2), ("data", "fsdp", "tensor"), axis_types=(AxisType.Auto,) * 3)
    rules = (("batch", ("data", "fsdp")), ("heads", "tensor"))
    with jax.set_mesh(mesh), nn.logical_axis_rules(rules):
        sharded = NamedSharding(mesh, PartitionSpec(("data", "fsdp")))
        got = _values_and_gradients(attend, jax.device_put(arrays, sharded), mask)
    assert shapes == {(1, 16, share, 8)}
    for x, y in zip(got, wanted, strict=True):
        np.testing.assert_allclose(x, y, rtol=1e-5, atol=1e-5)


# --- the kernel itself ----------------------------------------------------------------------------

needs_gpu = pytest.mark.skipif(
    device.no_nvidia_gpu((8, 0)) is not None,
    reason=f"needs an NVIDIA GPU: {device.no_nvidia_gpu((8, 0))}",
)


def _errors(got, wanted):
    """The largest difference of each array, as a share of the largest value wanted."""
    pairs = zip(got, wanted, strict=True)
    pairs = [(np.asarray(x, np.float64), np.asarray(y, np.float64)) for x, y in pairs]
    return [float(np.abs(x - y).max() / np.abs(y).max()) for x, y in pairs]


@needs_gpu
@pytest.mark.parametrize("rows, columns", [(512, 512), (333, 333), (256, 451)])
@pytest.mark.parametrize("keys", [None, "random", "none real"])
@pytest.mark.parametrize("rule", [{}, {"causal": True}, {"exclude_self": True}], ids=str)
def test_the_kernel_stays_near_dense(rows, columns, keys, rule):
    """In bfloat16, against dense attention in float32 over the same inputs."""
    q, k, v, weight = _inputs(3, 3, rows, columns, heads=4, head_dim=64, dtype=jnp.bfloat16)
    key_mask = None if keys is None else _key_mask(rows, 3, columns)
    if keys == "none real":
        key_mask = key_mask.at[1].set(False)
    mask = Mask(key_mask, **rule)
    reason = cudnn.supports(q, k, v, mask, None)
    if reason is not None:
        assert cudnn._unsupported_mask(q, k, mask, None), reason
        pytest.skip(reason)
    got = _values_and_gradients(
        functools.partial(attend, backend="cudnn"), (q, k, v, weight.astype(jnp.float32)), mask
    )
    exact = [x.astype(jnp.float32) for x in (q, k, v, weight)]
    with jax.default_matmul_precision("highest"):
        wanted = _values_and_gradients(attend_dense, exact, mask)
    assert all(x.dtype == jnp.bfloat16 for x in got)
    assert all(bool(jnp.isfinite(x).all()) for x in got)
    # Products of numbers with 8 bits, weights rounded to 8 bits.
    assert max(_errors(got, wanted)) < 0.03, _errors(got, wanted)


@needs_gpu
def test_the_first_choice_on_a_gpu_is_this_backend():
    """Without a name, `attend` takes the kernel."""
    q, k, v, _ = _inputs(4, 2, 64, 64, head_dim=64, dtype=jnp.bfloat16)
    text = jax.jit(attend).lower(q, k, v, Mask(exclude_self=True)).as_text()
    assert text.count("__cudnn$fmha") == 2
