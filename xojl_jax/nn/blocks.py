"""The building blocks of every encoder and decoder: projections, norms, feed-forward, attention,
and a scanned stack of layers.

Every parameter carries logical axis names; which mesh axis a name is laid on is decided elsewhere,
in one table. Parameters are float32, `dtype` is the dtype of the computation, norms and softmax are
float32 inside. Dropout acts exactly where the caller supplies a random stream named `dropout`
(`rngs={"dropout": key}`), so no flag is threaded through the layers.
"""

import functools
import math
from collections.abc import Callable

import jax
import jax.numpy as jnp
from flax import linen as nn

from xojl_jax.nn.attention import SAVED_NAMES, KindBias, Mask, attend, wide

Array = jax.Array
Dtype = jnp.dtype

NORM_EPSILON = 1e-6
ACTIVATIONS = ("batch", "length", "embed")

# What the backward pass finds saved of each layer, beside the layer's input. Less saved: less
# memory, more computed twice.
REMAT = {
    "full": None,
    "attention": jax.checkpoint_policies.save_only_these_names(*SAVED_NAMES),
    "dots": jax.checkpoint_policies.dots_with_no_batch_dims_saveable,
    "none": jax.checkpoint_policies.everything_saveable,
}


class EinsumDense(nn.Module):
    """Linear map between groups of axes, with a kernel of as many dimensions as it has logical
    names.

    The last len(axes) - len(features) axes of the input are contracted: with axes ("embed",
    "heads", "head_dim") and features (H, K) it maps [..., D] to [..., H, K]; with axes ("heads",
    "head_dim", "embed") and features (D,), [..., H, K] to [..., D].
    """

    features: tuple[int, ...]
    axes: tuple[str | None, ...]
    use_bias: bool = True
    dtype: Dtype = jnp.float32
    kernel_init: Callable | None = None
    bias_init: Callable = nn.initializers.zeros

    @nn.compact
    def __call__(self, x: Array) -> Array:
        contracted = len(self.axes) - len(self.features)
        shape = (*x.shape[x.ndim - contracted :], *self.features)
        # nn.DenseGeneral flattens such a kernel before it is boxed, which fails under a mesh: hence
        # this module.
        init = self.kernel_init or nn.initializers.variance_scaling(
            1.0,
            "fan_in",
            "truncated_normal",
            in_axis=tuple(range(contracted)),
            out_axis=tuple(range(contracted, len(shape))),
        )
        kernel = self.param(
            "kernel", nn.with_logical_partitioning(init, self.axes), shape, jnp.float32
        )
        y = jnp.tensordot(x.astype(self.dtype), kernel.astype(self.dtype), axes=contracted)
        if self.use_bias:
            bias_init = nn.with_logical_partitioning(self.bias_init, self.axes[contracted:])
            y = y + self.param("bias", bias_init, self.features, jnp.float32).astype(self.dtype)
        return y


def standardised(x: Array) -> Array:
    """Mean 0 and variance 1 over the last axis, in float32 (or wider)."""
    x = x.astype(wide(x.dtype))
    x = x - x.mean(-1, keepdims=True)
    return x * jax.lax.rsqrt(jnp.square(x).mean(-1, keepdims=True) + NORM_EPSILON)


class LayerNorm(nn.Module):
    """Layer normalisation over the last axis, in float32; the answer has the compute dtype."""

    dtype: Dtype = jnp.float32
    axis: str | None = "embed"

    @nn.compact
    def __call__(self, x: Array) -> Array:
        x = standardised(x)
        scale = self.param(
            "scale", _named(nn.initializers.ones, self.axis), x.shape[-1:], jnp.float32
        )
        bias = self.param(
            "bias", _named(nn.initializers.zeros, self.axis), x.shape[-1:], jnp.float32
        )
        return (x * scale + bias).astype(self.dtype)


class Dropout(nn.Module):
    """Drops at `rate` where the caller supplied a `dropout` stream; else the identity."""

    rate: float

    @nn.compact
    def __call__(self, x: Array) -> Array:
        if self.rate == 0 or not self.has_rng("dropout"):
            return x
        keep = jax.random.bernoulli(self.make_rng("dropout"), 1 - self.rate, x.shape)
        return jnp.where(keep, x / (1 - self.rate), jnp.zeros((), x.dtype))


class Mlp(nn.Module):
    """Two linear maps with a GELU between: [..., D] -> [..., D]. A block's default feed-forward."""

    hidden: int
    dropout: float = 0.0
    dtype: Dtype = jnp.float32

    @nn.compact
    def __call__(self, x: Array) -> Array:
        width = x.shape[-1]
        x = EinsumDense((self.hidden,), ("embed", "mlp"), dtype=self.dtype, name="up")(x)
        x = Dropout(self.dropout)(nn.gelu(x))
        return EinsumDense((width,), ("mlp", "embed"), dtype=self.dtype, name="down")(x)


class Attention(nn.Module):
    """Multi-head attention of x to itself or to a memory: [B, Tq, D] (and [B, S, D]) -> [B, Tq, D].

    The steps have names of their own, so that a decoder with a cache runs the same parameters piece
    by piece: `project_query` -> `project_memory` -> `attend` (the function) -> `project_out`.
    Queries come out scaled, so that `attend` is called with scale=1. With `temperature` the scale
    is learned per head, and starts at the usual 1/sqrt(K): this and `Mask(exclude_self=True)` are
    locality self-attention.
    """

    heads: int
    head_dim: int
    width: int
    temperature: bool = False
    block_size: int = 512
    dtype: Dtype = jnp.float32

    def setup(self) -> None:
        into_heads = functools.partial(
            EinsumDense,
            (self.heads, self.head_dim),
            ("embed", "heads", "head_dim"),
            dtype=self.dtype,
        )
        self.query, self.key, self.value = into_heads(), into_heads(), into_heads()
        self.out = EinsumDense((self.width,), ("heads", "head_dim", "embed"), dtype=self.dtype)
        if self.temperature:
            init = nn.initializers.constant(math.log(math.sqrt(self.head_dim)))
            self.log_temperature = self.param(
                "log_temperature", _named(init, "heads"), (self.heads,), jnp.float32
            )

    def project_query(self, x: Array) -> Array:
        """[B, Tq, D] -> scaled queries [B, Tq, H, K]."""
        q = self.query(x)
        if not self.temperature:
            return q * (1 / math.sqrt(self.head_dim))
        return (q.astype(jnp.float32) * jnp.exp(-self.log_temperature)[:, None]).astype(self.dtype)

    def project_memory(self, memory: Array) -> tuple[Array, Array]:
        """[B, S, D] -> keys and values, each [B, S, H, K]."""
        return self.key(memory), self.value(memory)

    def project_out(self, y: Array) -> Array:
        """[B, Tq, H, K] -> [B, Tq, D]."""
        return self.out(y)

    def __call__(
        self,
        x: Array,
        mask: Mask | None = None,
        memory: Array | None = None,
        bias: Array | KindBias | None = None,
    ) -> Array:
        q = self.project_query(x)
        k, v = self.project_memory(x if memory is None else memory)
        y = attend(q, k, v, mask, bias=bias, scale=1.0, block_size=self.block_size)
        return self.project_out(y)


class EncoderBlock(nn.Module):
    """Pre-norm block: self-attention, then the feed-forward that the factory makes, each added to
    the residual stream.

    feed_forward: a factory of modules [B, T, D] -> [B, T, D]; the block names what it makes
    `feed_forward`.
    """

    heads: int
    feed_forward: Callable[..., nn.Module]
    norm: Callable[..., nn.Module] = LayerNorm
    temperature: bool = False
    dropout: float = 0.0
    block_size: int = 512
    dtype: Dtype = jnp.float32

    @nn.compact
    def __call__(
        self, x: Array, mask: Mask | None = None, bias: Array | KindBias | None = None
    ) -> Array:
        width = x.shape[-1]
        x = nn.with_logical_constraint(x, ACTIVATIONS)
        attention = Attention(
            self.heads,
            width // self.heads,
            width,
            temperature=self.temperature,
            block_size=self.block_size,
            dtype=self.dtype,
            name="attention",
        )
        y = attention(self.norm(dtype=self.dtype, name="attention_norm")(x), mask, bias=bias)
        x = x + Dropout(self.dropout)(y).astype(x.dtype)
        x = nn.with_logical_constraint(x, ACTIVATIONS)
        y = self.feed_forward(name="feed_forward")(
            self.norm(dtype=self.dtype, name="feed_forward_norm")(x)
        )
        return x + Dropout(self.dropout)(y).astype(x.dtype)


class Stack(nn.Module):
    """`layers` equal blocks, one after the other, as one scan over stacked parameters, each layer
    rematerialised.

    block: a factory of modules `block(x, *shared) -> x`. `shared` (masks, memory, bias) is the same
    for every layer. Besides the parameters, a collection `cache` is stacked along the layers.
    remat: a name in REMAT.
    """

    block: Callable[..., nn.Module]
    layers: int
    remat: str = "attention"
    axis: str = "layers"

    @nn.compact
    def __call__(self, x: Array, *shared: object) -> Array:
        def layer(block: nn.Module, x: Array, *shared: object) -> tuple[Array, None]:
            return block(x, *shared), None

        scanned = nn.scan(
            nn.remat(layer, prevent_cse=False, policy=REMAT[self.remat]),
            variable_axes={"params": 0, "cache": 0},
            split_rngs={"params": True, "dropout": True},
            in_axes=nn.broadcast,
            length=self.layers,
            metadata_params={nn.PARTITION_NAME: self.axis},
        )
        x, _ = scanned(self.block(name="layers"), x, *shared)
        return x


def _named(init: Callable, axis: str | None) -> Callable:
    return nn.with_logical_partitioning(init, (axis,))
