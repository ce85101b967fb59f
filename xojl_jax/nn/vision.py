"""The vision encoder: a ViT over shifted patches with locality self-attention, one CLS token, and
one prefix token per element class, which collects what the page shows of that class.
"""

import functools

import jax
import jax.numpy as jnp
from flax import linen as nn
from flax import struct

from xojl_jax.errors import BadUsage
from xojl_jax.nn.attention import KindBias, Mask
from xojl_jax.nn.blocks import ACTIVATIONS, EncoderBlock, LayerNorm, Mlp, Stack
from xojl_jax.nn.patches import ShiftedPatchEmbed, patch_grid
from xojl_jax.nn.positions import POSITION_STD, GridPositions

Array = jax.Array

TAPS = 4
# Attention kernels like lengths that are a multiple of this; the padding is masked.
LENGTH_MULTIPLE = 8


@struct.dataclass
class VisionOutput:
    """tokens: [B, N, D] of the patches, prefix: [B, P, D] of the element classes, cls: [B, D]: all
    after the final norm.

    taps: [4, B, N, D], the patches' residual stream after 1/4, 2/4, 3/4 and 4/4 of the layers,
    before any norm.
    """

    tokens: Array
    prefix: Array
    cls: Array
    taps: Array


class VisionEncoder(nn.Module):
    """uint8[B, H, W, 3] -> VisionOutput. Inside, the order is CLS, prefixes, patches (row by row),
    padding.

    image_height, image_width: what the position tables are made for; images of another size are
    welcome, and interpolate them. temperature, exclude_self, window are the three independent
    switches of locality self-attention: a learned temperature per head, no attention of a token to
    itself, and a band of so many patches before and after (CLS and prefixes see everything).

    class_bias: what every layer adds to the scores by the kinds of the two tokens (CLS, each
    prefix, patch): None, "learned" (per head, from zero), or a fixed matrix of num_prefixes + 2.
    """

    image_height: int
    image_width: int
    patch: int
    width: int
    layers: int
    heads: int
    mlp_ratio: int = 4
    num_prefixes: int = 22
    shifts: str = "axis4"
    mean: tuple[float, float, float] = (0.5, 0.5, 0.5)
    std: tuple[float, float, float] = (0.25, 0.25, 0.25)
    temperature: bool = True
    exclude_self: bool = True
    window: int | None = None
    class_bias: str | tuple[tuple[float, ...], ...] | None = None
    dropout: float = 0.0
    block_size: int = 512
    remat: str = "attention"
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(
        self, images: Array, patch_valid: Array | None = None, prefix_valid: Array | None = None
    ) -> VisionOutput:
        """patch_valid: bool[B, N], False in padding. prefix_valid: bool[B, P], the hinted ones."""
        if self.layers % TAPS or self.width % self.heads:
            raise BadUsage(
                f"vision encoder: layers ({self.layers}) must be a multiple of {TAPS}, and width "
                f"({self.width}) a multiple of heads ({self.heads})"
            )
        x = self._embed(images)
        patches, before = x.shape[1] - 1 - self.num_prefixes, 1 + self.num_prefixes
        padding = -x.shape[1] % LENGTH_MULTIPLE
        x = jnp.pad(x, ((0, 0), (0, padding), (0, 0)))
        mask = Mask(
            key_valid=self._key_valid(patches, padding, patch_valid, prefix_valid),
            exclude_self=self.exclude_self,
            window=self.window,
            window_prefix=before,
        )
        x, taps = self._layers(x, mask, self._kind_bias(patches + padding))
        x = LayerNorm(dtype=self.dtype, name="norm")(x)
        return VisionOutput(
            tokens=x[:, before : before + patches],
            prefix=x[:, 1:before],
            cls=x[:, 0],
            taps=taps[:, :, before : before + patches],
        )

    def _embed(self, images: Array) -> Array:
        """[B, 1 + P + N, D]: CLS, prefixes, patches with their positions."""
        embed = ShiftedPatchEmbed(
            self.patch, self.width, self.shifts, self.mean, self.std, self.dtype, name="patches"
        )
        positions = GridPositions(
            *patch_grid(self.image_height, self.image_width, self.patch),
            self.width,
            name="positions",
        )
        grid = patch_grid(*images.shape[1:3], self.patch)
        x = embed(images) + positions(*grid).astype(self.dtype)
        init = nn.with_logical_partitioning(nn.initializers.normal(POSITION_STD), (None, "embed"))
        special = self.param("special", init, (1 + self.num_prefixes, self.width), jnp.float32)
        special = jnp.broadcast_to(special.astype(self.dtype), (x.shape[0], *special.shape))
        return nn.with_logical_constraint(jnp.concatenate([special, x], axis=1), ACTIVATIONS)

    def _key_valid(
        self, patches: int, padding: int, patch_valid: Array | None, prefix_valid: Array | None
    ) -> Array | None:
        """bool[B or 1, all tokens], or None where all of them are valid."""
        if patch_valid is None and prefix_valid is None and not padding:
            return None
        given = next((x for x in (patch_valid, prefix_valid) if x is not None), None)
        batch = 1 if given is None else given.shape[0]
        ones = functools.partial(jnp.ones, dtype=bool)
        parts = [
            ones((batch, 1)),
            ones((batch, self.num_prefixes)) if prefix_valid is None else prefix_valid,
            ones((batch, patches)) if patch_valid is None else patch_valid,
            jnp.zeros((batch, padding), bool),
        ]
        return jnp.concatenate(parts, axis=1)

    def _kind_bias(self, patches: int) -> KindBias | None:
        kinds = self.num_prefixes + 2
        if self.class_bias is None:
            return None
        if self.class_bias == "learned":
            init = nn.with_logical_partitioning(nn.initializers.zeros, ("heads", None, None))
            table = self.param("class_bias", init, (self.heads, kinds, kinds), jnp.float32)
        else:
            table = jnp.asarray(self.class_bias, jnp.float32)[None]
            if table.shape != (1, kinds, kinds):
                raise BadUsage(f"vision encoder: class_bias must be a {kinds} x {kinds} matrix")
        # Position 0 is CLS, then one kind per prefix; all patches are of the last kind.
        kind = jnp.minimum(jnp.arange(kinds - 1 + patches, dtype=jnp.int32), kinds - 1)
        return KindBias(table, kind, kind)

    def _layers(self, x: Array, mask: Mask, bias: KindBias | None) -> tuple[Array, Array]:
        """A scan over groups of layers: the stream at the end, and after each group."""
        block = functools.partial(
            EncoderBlock,
            heads=self.heads,
            feed_forward=functools.partial(
                Mlp, self.mlp_ratio * self.width, dropout=self.dropout, dtype=self.dtype
            ),
            temperature=self.temperature,
            dropout=self.dropout,
            block_size=self.block_size,
            dtype=self.dtype,
        )

        def group(
            stack: nn.Module, x: Array, mask: Mask, bias: KindBias | None
        ) -> tuple[Array, Array]:
            x = stack(x, mask, bias)
            return x, x

        groups = nn.scan(
            group,
            variable_axes={"params": 0},
            split_rngs={"params": True, "dropout": True},
            in_axes=nn.broadcast,
            length=TAPS,
            metadata_params={nn.PARTITION_NAME: "groups"},
        )
        return groups(Stack(block, self.layers // TAPS, self.remat, name="groups"), x, mask, bias)
