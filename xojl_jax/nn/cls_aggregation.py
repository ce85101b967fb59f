"""A shallow head that makes CLS gather what an image is about (BEiT v2, Peng et al. 2022): it
gets CLS behind the last layer, and the patches from a layer before, which know less. What they lack
CLS alone can tell, so the last layers learn to put it there.

Letters: B batch, N patches, D width.
"""

import dataclasses
import functools

import jax
import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import Bool, Float

from xojl_jax.nn.attention import Mask
from xojl_jax.nn.blocks import EncoderBlock
from xojl_jax.nn.config import BlockConfig
from xojl_jax.nn.layers import LayerNorm
from xojl_jax.nn.scan import Stack

Array = jax.Array


class ClsAggregation(nn.Module):
    """CLS [B, D] and earlier patches [B, N, D] -> patches [B, N, D], after a norm.

    Attributes:
      block: of every layer; what goes by the depth of a tower is left out.
      layers: any number; BEiT v2 has 2.
    """

    block: BlockConfig
    layers: int

    @nn.compact
    def __call__(
        self,
        cls: Float[Array, "B D"],
        patches: Float[Array, "B N D"],
        patch_mask: Bool[Array, "B N"],
    ) -> Float[Array, "B N D"]:
        c = dataclasses.replace(self.block, drop_path=0.0, depth_init=False)
        x = jnp.concatenate([cls[:, None], patches], axis=1)
        mask = Mask(key_mask=jnp.pad(patch_mask, ((0, 0), (1, 0)), constant_values=True))
        x = Stack(functools.partial(EncoderBlock, c), self.layers, c.remat, name="stack")(x, mask)
        return LayerNorm(c.jnp_dtype, epsilon=c.norm_epsilon, name="norm")(x)[:, 1:]
