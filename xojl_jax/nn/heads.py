"""What reads the trunk: classifiers, attention pooling, levels of its taps, spatial attention."""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
from flax import linen as nn
from flax import struct
from jax.typing import DTypeLike
from jaxtyping import Bool, Float, Float32

from xojl_jax.nn.attention import Mask
from xojl_jax.nn.blocks import Attention
from xojl_jax.nn.layers import Dropout, EinsumDense, LayerNorm
from xojl_jax.nn.positions import POSITION_STD

Array = jax.Array


class TokenClassifier(nn.Module):
    """A norm and a linear map per token, for a tap: [..., D] -> float32[..., classes]."""

    classes: int
    dtype: DTypeLike = jnp.float32

    @nn.compact
    def __call__(self, x: Float[Array, "*B D"]) -> Float32[Array, "*B _"]:
        x = LayerNorm(dtype=self.dtype, name="norm")(x)
        x = EinsumDense((self.classes,), ("embed", "classes"), dtype=self.dtype, name="project")(x)
        return x.astype(jnp.float32)


class AttentionPool(nn.Module):
    """One learned query attends to all tokens: [B, N, D], mask bool[B, N] -> [B, D]."""

    heads: int
    dtype: DTypeLike = jnp.float32

    @nn.compact
    def __call__(
        self, tokens: Float[Array, "B N D"], mask: Bool[Array, "B N"] | None = None
    ) -> Float[Array, "B D"]:
        width = tokens.shape[-1]
        init = nn.with_logical_partitioning(nn.initializers.normal(POSITION_STD), (None, "embed"))
        query = self.param("query", init, (1, width), jnp.float32).astype(self.dtype)
        query = jnp.broadcast_to(query, (tokens.shape[0], 1, width))
        attention = Attention(
            self.heads, width // self.heads, width, dtype=self.dtype, name="attention"
        )
        return attention(query, Mask(key_mask=mask), memory=tokens)[:, 0]


class PooledClassifier(nn.Module):
    """Which classes occur among the tokens: [B, N, D], mask bool[B, N] -> logits
    float32[B, classes].

    Attention pooling, then D -> D/2 -> classes with a ReLU and dropout between.
    """

    classes: int
    heads: int = 8
    dropout: float = 0.1
    dtype: DTypeLike = jnp.float32

    @nn.compact
    def __call__(
        self, tokens: Float[Array, "B N D"], mask: Bool[Array, "B N"] | None = None
    ) -> Float32[Array, "B _"]:
        width = tokens.shape[-1]
        heads = pool_heads(width, self.heads)
        x = AttentionPool(heads, self.dtype, name="pool")(tokens, mask)
        x = EinsumDense((width // 2,), ("embed", "mlp"), dtype=self.dtype, name="hidden")(x)
        x = Dropout(self.dropout)(nn.relu(x))
        x = EinsumDense((self.classes,), ("mlp", "classes"), dtype=self.dtype, name="project")(x)
        return x.astype(jnp.float32)


def pool_heads(width: int, heads: int = 8) -> int:
    """The published number of heads, or as many as a small model fills: narrower than 16, a head
    holds nothing."""
    return min(heads, max(1, width // 16))


@struct.dataclass
class Level:
    """Features [B, r, c, W], and which cells hold a real patch, bool[B, r, c]."""

    features: Array
    mask: Array


class Pyramid(nn.Module):
    """A feature pyramid on the four taps of a plain ViT, which all have one grid.

    taps: [4, B, N, D], grid: (rows, columns) of the patches. Tap i feeds level i, at strides 1/2
    (twice as fine), 1, 2 and 4 of the grid: a linear map per cell, the coarser level added from
    above, a 3x3 convolution. `levels` names those that are wanted, from fine to coarse; what finer
    levels alone would need is not made.
    """

    width: int = 256
    levels: Sequence[int] = (0, 1, 2, 3)
    dtype: DTypeLike = jnp.float32

    @nn.compact
    def __call__(
        self,
        taps: Float[Array, "4 B N D"],
        grid: tuple[int, int],
        patch_mask: Bool[Array, "B N"] | None = None,
    ) -> tuple[Level, ...]:
        batch = taps.shape[1]
        mask = jnp.ones((batch, *grid), bool)
        if patch_mask is not None:
            mask = patch_mask.reshape(batch, *grid)
        found, above = {}, None
        # From coarse to fine: each level adds the one above it.
        for level in range(3, min(self.levels) - 1, -1):
            tap = LayerNorm(dtype=self.dtype, name=f"norm_{level}")(taps[level])
            lateral = EinsumDense(
                (self.width,), ("embed", "mlp"), dtype=self.dtype, name=f"lateral_{level}"
            )
            cells, cells_mask = _resample(lateral(tap).reshape(batch, *grid, -1), mask, level - 1)
            if above is not None:
                cells = cells + _twice(above)[:, : cells.shape[1], : cells.shape[2]]
            # A convolution would carry what is in padding over to real cells.
            above = cells = jnp.where(cells_mask[..., None], cells, 0)
            if level in self.levels:
                smooth = convolution(self.width, 3, ("mlp", "embed"), self.dtype, f"smooth_{level}")
                found[level] = Level(smooth(cells), cells_mask)
        return tuple(found[level] for level in self.levels)


class LastTap(nn.Module):
    """The last tap alone, at the stride of one level: what a pyramid is compared with.

    taps and grid as of `Pyramid`; the features keep the width of the tap. `level` is one of the
    pyramid's.
    """

    level: int
    dtype: DTypeLike = jnp.float32

    @nn.compact
    def __call__(
        self,
        taps: Float[Array, "4 B N D"],
        grid: tuple[int, int],
        patch_mask: Bool[Array, "B N"] | None = None,
    ) -> tuple[Level]:
        mask = jnp.ones(taps.shape[1:3], bool) if patch_mask is None else patch_mask
        cells = LayerNorm(dtype=self.dtype, name="norm")(taps[-1])
        cells = cells.reshape(len(cells), *grid, -1)
        cells, mask = _resample(cells, mask.reshape(len(cells), *grid), self.level - 1)
        return (Level(jnp.where(mask[..., None], cells, 0), mask),)


class SpatialAttention(nn.Module):
    """A map over the grid from the mean and the maximum of each cell's features, which then scales
    the features.

    features: [B, r, c, W] -> (features [B, r, c, W], map logits float32[B, r, c]).
    """

    dtype: DTypeLike = jnp.float32

    @nn.compact
    def __call__(
        self, features: Float[Array, "B r c W"], mask: Bool[Array, "B r c"] | None = None
    ) -> tuple[Float[Array, "B r c W"], Float32[Array, "B r c"]]:
        """mask: the real cells; where it is given, no map at a real cell depends on the others."""
        # Not `features.max(-1)`: its gradient looks for the maximum again by equality, among values
        # that the compiler may have computed anew and rounded otherwise. It finds none, and is NaN.
        largest = jnp.argmax(features, axis=-1, keepdims=True)
        maximum = jnp.take_along_axis(features, largest, axis=-1)[..., 0]
        pooled = jnp.stack([features.mean(-1), maximum], axis=-1)
        if mask is not None:
            pooled = jnp.where(mask[..., None], pooled, jnp.zeros((), pooled.dtype))
        logits = convolution(1, 7, (None, None), self.dtype, "map")(pooled)[..., 0].astype(
            jnp.float32
        )
        return features * jax.nn.sigmoid(logits)[..., None].astype(features.dtype), logits


def convolution(
    width: int, size: int, axes: tuple[str | None, str | None], dtype: DTypeLike, name: str
) -> nn.Conv:
    init = nn.initializers.lecun_normal()
    return nn.Conv(
        width,
        (size, size),
        padding="SAME",
        dtype=dtype,
        kernel_init=nn.with_logical_partitioning(init, (None, None, *axes)),
        bias_init=nn.with_logical_partitioning(nn.initializers.zeros, axes[1:]),
        name=name,
    )


def _resample(cells: Array, mask: Array, halvings: int) -> tuple[Array, Array]:
    """Halves the resolution so many times (-1: doubles it) by means over real cells."""
    if halvings < 0:
        return _twice(cells), _twice(mask)
    for _ in range(halvings):
        rows, columns = mask.shape[1:]
        # An odd edge gets a row or column of padding, which no mean counts.
        edge = ((0, 0), (0, rows % 2), (0, columns % 2))
        mask = jnp.pad(mask, edge).reshape(-1, (rows + 1) // 2, 2, (columns + 1) // 2, 2)
        cells = jnp.pad(cells, (*edge, (0, 0))).reshape(*mask.shape, -1)
        count = jnp.maximum(mask.sum((2, 4)), 1)[..., None].astype(cells.dtype)
        cells = jnp.where(mask[..., None], cells, 0).sum((2, 4)) / count
        mask = mask.any((2, 4))
    return cells, mask


def _twice(x: Array) -> Array:
    return x.repeat(2, axis=1).repeat(2, axis=2)
