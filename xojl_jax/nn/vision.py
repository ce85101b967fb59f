"""The vision encoder: a ViT with locality self-attention (Lee, Lee and Song 2021), one CLS token,
and prefix tokens, each of which can collect what the image shows of one class.

Letters: B batch, N patches, P prefixes, D width.
"""

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn
from flax import struct
from jaxtyping import Bool, Float, Int, UInt8

from xojl_jax.errors import BadUsage
from xojl_jax.nn.attention import LENGTH_MULTIPLE, Bias, Mask, TokenTypeBias, add_bias
from xojl_jax.nn.blocks import ACTIVATIONS, Depth, EncoderBlock, depths
from xojl_jax.nn.config import TAPS, VisionConfig
from xojl_jax.nn.layers import LayerNorm
from xojl_jax.nn.locality import locality_bias
from xojl_jax.nn.patch_embeds import patch_embed_class
from xojl_jax.nn.patches import patch_grid
from xojl_jax.nn.positions import GRID_POSITIONS, POSITION_STD, RelativePositions
from xojl_jax.nn.scan import Stack, scan_layers

Array = jax.Array


@struct.dataclass
class VisionOutput:
    """tokens: [B, N, D] of the patches, prefix: [B, P, D] of the prefix tokens, cls: [B, D]: all
    after the final norm.

    taps: [4, B, N, D], the patches' residual stream after 1/4, 2/4, 3/4 and 4/4 of the layers,
    before any norm. cls_taps: [4, B, D], that of CLS.

    others: [B, T, D], further tokens that ran through the layers; None without any.
    """

    tokens: Array
    prefix: Array
    cls: Array
    taps: Array
    cls_taps: Array
    others: Any = None

    def take(self, what: str) -> Array:
        """What a name in `RETURNS` means. Under `jax.jit`, what is not taken is not computed.

        Raises:
          BadUsage: there is no such name.
        """
        if what not in RETURNS:
            raise BadUsage(
                f"vision encoder: {what!r} is not handed out: choose one of {', '.join(RETURNS)}"
            )
        return RETURNS[what](self)


# What the encoder hands out, by name: the switches `return_all_tokens` and `return_patch_tokens` of
# BEiT, and what it gives without them.
RETURNS: dict[str, Callable[[VisionOutput], Array]] = {
    "all_tokens": lambda out: jnp.concatenate([out.cls[:, None], out.prefix, out.tokens], axis=1),
    "patch_tokens": lambda out: out.tokens,
    "cls": lambda out: out.cls,
}


class VisionEncoder(nn.Module):
    """uint8[B, H, W, 3] -> VisionOutput. Inside, the order is CLS, prefixes, patches (row by row),
    padding."""

    config: VisionConfig

    @nn.compact
    def __call__(
        self,
        images: UInt8[Array, "B H W 3"],
        patch_mask: Bool[Array, "B N"] | None = None,
        prefix_mask: Bool[Array, "B P"] | None = None,
        kept: Int[Array, "B k"] | None = None,
        others: Float[Array, "B T D"] | None = None,
        others_mask: Bool[Array, "B T"] | None = None,
        hidden: Bool[Array, "B N"] | None = None,
        locality: Float[Array, ""] | None = None,
    ) -> VisionOutput:
        """patch_mask: bool[B, N], False in padding. prefix_mask: bool[B, P], the hinted ones.

        kept: int32[B, k], the patches that run through the layers, in rising order; None: all. The
          others' outputs are zeros.
        others: further tokens, behind the patches, which count as patches in masks and biases.
        others_mask: bool[B, T], False in padding.
        hidden: bool[B, N], True for patches whose pixels are not seen, where `mask_token` is on.
        locality: float32[], how much attention keeps to the neighborhood (see locality.py).
        """
        c = self.config
        x = self._embed(images, patch_mask, hidden)
        before = 1 + c.num_prefixes
        whole = x.shape[1] - before
        if kept is not None:
            rows = jnp.pad(kept + before, ((0, 0), (before, 0)))
            rows = rows.at[:, :before].set(jnp.arange(before))
            x = jnp.take_along_axis(x, rows[..., None], axis=1)
            if patch_mask is not None:
                patch_mask = jnp.take_along_axis(patch_mask, kept, axis=1)
        patches = x.shape[1] - before
        if others is not None:
            x = jnp.concatenate([x, others.astype(x.dtype)], axis=1)
            if patch_mask is None:
                patch_mask = jnp.ones((x.shape[0], patches), bool)
            if others_mask is None:
                others_mask = jnp.ones(others.shape[:2], bool)
            patch_mask = jnp.concatenate([patch_mask, others_mask], axis=1)
        last = x.shape[1]
        padding = -last % LENGTH_MULTIPLE
        x = jnp.pad(x, ((0, 0), (0, padding), (0, 0)))
        mask = Mask(
            key_mask=self._key_mask(last - before, padding, patch_mask, prefix_mask),
            exclude_self=c.exclude_self,
            window=c.window,
            window_prefix=before,
        )
        bias: Bias | None = self._class_bias(last - before + padding)
        own_bias = None
        if c.relative_positions != "none":
            if kept is not None or others is not None:
                raise ValueError("vision: relative_positions are of whole grids, and nothing else")
            relative = self._relative_positions(images.shape[1:3], last + padding)
            if c.relative_positions == "own":
                own_bias = relative
            else:
                bias = add_bias(bias, relative(name="relative_positions")())
        if locality is not None:
            near = locality_bias(
                locality,
                patch_grid(images.shape[1], images.shape[2], c.patch),
                kept=kept,
                before=before,
                after=last + padding - before - patches,
                dtype=c.block.jnp_dtype,
            )
            bias = add_bias(bias, near)
        norm = functools.partial(LayerNorm, c.block.jnp_dtype, epsilon=c.block.norm_epsilon)
        if c.embed_norm:
            x = norm(name="embed_norm")(x)
        x, taps = self._layers(x, mask, bias, own_bias)
        x = norm(name="norm")(x)

        def to_grid(x: Array) -> Array:  # [..., B, all, D] -> [..., B, N, D]
            x = x[..., before : before + patches, :]
            return x if kept is None else _put_back(x, kept, whole)

        return VisionOutput(
            tokens=to_grid(x),
            prefix=x[:, 1:before],
            cls=x[:, 0],
            taps=to_grid(taps),
            cls_taps=taps[:, :, 0],
            others=None if others is None else x[:, before + patches : last],
        )

    def _embed(self, images: Array, patch_mask: Array | None, hidden: Array | None) -> Array:
        """[B, 1 + P + N, D]: CLS, prefixes, patches with their positions."""
        c, width, dtype = self.config, self.config.block.width, self.config.block.jnp_dtype
        embed = patch_embed_class(c.patch_embed)(c, name="patches")
        # Of these images, which may have another resolution than the tables are made for, or be the
        # upper rows of a canvas.
        grid = patch_grid(*images.shape[1:3], c.patch)
        whole = self._whole_grid(images.shape[1:3])
        if grid[1] != whole[1] or grid[0] > whole[0]:
            raise ValueError(
                f"vision: patches {grid} are not the upper rows of a canvas of {whole}"
            )
        x = embed(images, patch_mask)
        if c.mask_token:
            init = nn.with_logical_partitioning(nn.initializers.normal(POSITION_STD), ("embed",))
            token: Any = self.param("mask_token", init, (width,), jnp.float32)
            x = x if hidden is None else jnp.where(hidden[..., None], token.astype(dtype), x)
        places = None
        if (positions := GRID_POSITIONS[c.positions]) is not None:
            places = positions(*self._made_for, width, 1 + c.num_prefixes, name="positions")(*whole)
            x = x + places[len(places) - math.prod(whole) :][: x.shape[1]].astype(dtype)
        init = nn.with_logical_partitioning(nn.initializers.normal(POSITION_STD), (None, "embed"))
        special: Any = self.param("special", init, (1 + c.num_prefixes, width), jnp.float32)
        if places is not None and len(places) > math.prod(whole):
            special = special + places[: len(special)]
        special = jnp.broadcast_to(special.astype(dtype), (x.shape[0], *special.shape))
        return nn.with_logical_constraint(jnp.concatenate([special, x], axis=1), ACTIVATIONS)

    @property
    def _made_for(self) -> tuple[int, int]:
        """Rows and columns of patches that tables of positions have."""
        c = self.config
        height, width = c.tables or (c.image_height, c.image_width)
        return patch_grid(height, width, c.patch)

    def _whole_grid(self, size: Sequence[int]) -> tuple[int, int]:
        """Rows and columns of patches of what images of this size are the upper rows of."""
        height, width = self.config.canvas or size
        return patch_grid(height, width, self.config.patch)

    def _relative_positions(self, size: Sequence[int], length: int) -> Callable[..., nn.Module]:
        """A factory of what gives the bias of so many tokens of images of this size."""
        c = self.config
        return functools.partial(
            RelativePositions,
            self._made_for,
            self._whole_grid(size),
            c.block.heads,
            before=1 + c.num_prefixes,
            length=length,
        )

    def _key_mask(
        self, patches: int, padding: int, patch_mask: Array | None, prefix_mask: Array | None
    ) -> Array | None:
        """bool[B or 1, all tokens], or None where all of them are real."""
        if patch_mask is None and prefix_mask is None and not padding:
            return None
        # One row serves all samples where nothing depends on the sample.
        given = next((x for x in (patch_mask, prefix_mask) if x is not None), None)
        batch = 1 if given is None else given.shape[0]
        ones = functools.partial(jnp.ones, dtype=bool)
        parts = [
            ones((batch, 1)),
            ones((batch, self.config.num_prefixes)) if prefix_mask is None else prefix_mask,
            ones((batch, patches)) if patch_mask is None else patch_mask,
            jnp.zeros((batch, padding), bool),
        ]
        return jnp.concatenate(parts, axis=1)

    def _class_bias(self, patches: int) -> TokenTypeBias | None:
        c, types = self.config, self.config.num_token_types
        if c.class_bias is None:
            return None
        if c.class_bias == "learned":
            init = nn.with_logical_partitioning(nn.initializers.zeros, ("heads", None, None))
            table = self.param("class_bias", init, (c.block.heads, types, types), jnp.float32)
        else:
            table = jnp.asarray(c.class_bias, jnp.float32)[None]
        # Position 0 is CLS, then one type per prefix; all patches are of the last type.
        token_types = jnp.minimum(jnp.arange(types - 1 + patches, dtype=jnp.int32), types - 1)
        return TokenTypeBias(table, token_types, token_types)

    def _layers(
        self, x: Array, mask: Mask, bias: Bias | None, own_bias: Callable[..., nn.Module] | None
    ) -> tuple[Array, Array]:
        """A scan over groups of layers: the stream at the end, and after each group."""
        c = self.config
        block = functools.partial(
            EncoderBlock, c.block, temperature=c.temperature, own_bias=own_bias
        )
        depth = None
        if c.block.by_depth:
            depth = jax.tree.map(lambda x: x.reshape(TAPS, -1), depths(c.layers))

        def group(
            stack: nn.Module, x: Array, mask: Mask, bias: Bias | None, depth: Depth | None
        ) -> tuple[Array, Array]:
            x = stack(x, mask, bias, None, each=depth)
            return x, x

        # No remat of its own: the stack inside has one per layer.
        in_axes = (nn.broadcast, nn.broadcast, 0)
        groups = scan_layers(group, TAPS, axis="groups", in_axes=in_axes)
        stack = Stack(block, c.layers // TAPS, c.block.remat, name="groups")
        return groups(stack, x, mask, bias, depth)


def draw_patches(rng: Array, mask: Bool[Array, "B N"], count: int) -> Int[Array, "B k"]:
    """Which `count` patches training keeps, in rising order (PatchDropout, Liu et al. 2023).

    Drawn among the real ones of the mask; padding only where there are too few.
    """
    noise = jax.random.uniform(rng, mask.shape) + mask.astype(jnp.float32)
    return jnp.sort(jax.lax.top_k(noise, count)[1].astype(jnp.int32), axis=-1)


def _put_back(x: Array, kept: Array, patches: int) -> Array:
    """Tokens [..., B, k, D] at the places kept int32[B, k] of [..., B, N, D]; zeros elsewhere."""
    # A product with the one-hot form: its gradient is a product, too, instead of a scatter.
    places = jax.nn.one_hot(kept, patches, dtype=x.dtype)
    return jnp.einsum("bkn,...bkd->...bnd", places, x)
