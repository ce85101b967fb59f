"""Fusion from coarse to fine: each layer reads the screenshot at twice the resolution of the one
before, the last one at that of the patches (X075, X076).

As pyramids do in vision transformers (Wang et al. 2021, PVT), keys of lower resolution make
attention cheap; here the first layers find what belongs together, and later ones where it is. The
layers are those of late fusion.

B batch, N patches, T HTML nodes, D width.
"""

import jax
import jax.numpy as jnp
from einops import rearrange, repeat
from flax import linen as nn

from xojl_jax.nn.config import BlockConfig
from xojl_jax.nn.layers import LayerNorm
from xojl_jax.nn.scan import REMAT
from xojl_jax.tasks.layout.block_flops import block_flops
from xojl_jax.tasks.layout.late_fusion import FusionBlock
from xojl_jax.tasks.layout.model_config import ModelConfig

Array = jax.Array


class CoarseToFineFusion(nn.Module):
    """html [B, T, D] and patches [B, N, D] -> both, after each has read the other.

    A group of patches is their mean, over the real ones; what a layer makes of it is added to each
    of them.

    Attributes:
      columns: of patches.
    """

    config: BlockConfig
    layers: int
    columns: int

    @nn.compact
    def __call__(
        self, html: Array, patches: Array, html_mask: Array, patch_mask: Array
    ) -> tuple[Array, Array]:
        """The masks: bool[B, T] and bool[B, N], True where the token is real."""
        c = self.config
        block = nn.remat(FusionBlock, policy=REMAT[c.remat])
        for number in range(self.layers):
            side = _side(number, self.layers)
            groups, real = self._pool(patches, patch_mask, side)
            # Layers are unrolled: each has other shapes.
            layer = block(c, name=f"layer_{number}")
            html, fused = layer((html, groups), html_mask, real)
            patches = patches + self._spread(fused - groups, side, patches.shape[1])
        html = LayerNorm(c.jnp_dtype, name="html_norm")(html)
        return html, LayerNorm(c.jnp_dtype, name="vision_norm")(patches)

    def _pool(self, patches: Array, mask: Array, side: int) -> tuple[Array, Array]:
        """The means of side x side patches [B, groups, D], and which groups hold a real one."""
        rows = patches.shape[1] // self.columns
        beyond = ((0, 0), (0, -rows % side), (0, -self.columns % side))
        order = "b (r y) (s x) ... -> b (r s) (y x) ..."

        def cut(x: Array) -> Array:
            x = x.reshape(x.shape[0], rows, self.columns, *x.shape[2:])
            x = jnp.pad(x, (*beyond, *((0, 0),) * (x.ndim - 3)))
            return rearrange(x, order, y=side, x=side)

        mask = cut(mask)
        weight = mask.astype(patches.dtype)
        total = jnp.einsum("bgn,bgnd->bgd", weight, cut(patches))
        return total / jnp.maximum(weight.sum(-1), 1)[..., None], mask.any(-1)

    def _spread(self, groups: Array, side: int, patches: int) -> Array:
        """A vector of each group [B, groups, D] for each of its patches [B, N, D]."""
        across = -(-self.columns // side)
        order = "b (r s) d -> b (r y) (s x) d"
        x = repeat(groups, order, s=across, y=side, x=side)
        rows = patches // self.columns
        return x[:, :rows, : self.columns].reshape(x.shape[0], patches, -1)


def coarse_flops(c: ModelConfig) -> dict[str, float]:
    nodes, linear, attention = c.html.max_nodes, 0.0, 0.0
    for number in range(c.fusion_layers):
        side = _side(number, c.fusion_layers)
        groups = -(-c.grid[0] // side) * -(-c.grid[1] // side)
        linear += (nodes + groups) * block_flops(c.block)
        attention += 2 * 4.0 * nodes * groups * c.block.inner
    return {"fusion linear": linear, "fusion attention": attention}


def _side(number: int, layers: int) -> int:
    """How many patches on a side a layer takes together."""
    return 2 ** (layers - 1 - number)
