"""Which HTML nodes and patches belong together, by the boxes that were given as input.

The pairs are worked out once for a batch, and serve every layer. B batch, N patches, T HTML nodes,
D width.
"""

import jax
import jax.numpy as jnp
from flax import linen as nn

from xojl_jax.nn.config import BlockConfig
from xojl_jax.nn.layers import EinsumDense, LayerNorm
from xojl_jax.tasks.layout import losses
from xojl_jax.tasks.layout.model_config import ModelConfig
from xojl_jax.tasks.layout.parts import Batch

Array = jax.Array


def box_pairs(batch: Batch, grid: tuple[int, int], *, strict: bool = False) -> Array:
    """bool[B, T, N]: whether the center of a patch is in the box of a node.

    Args:
      grid: rows and columns of patches of the canvas that boxes are fractions of.
      strict: a node without a known box, or with one that holds no center, has no pair. Otherwise
        nothing is known of it, and it is paired with all.
    """
    shown = batch["patch_mask"].shape[-1] // grid[1]
    inside = losses.patches_in_boxes(batch["html_boxes"], batch["html_box_input_mask"], grid, shown)
    return inside if strict else inside | ~inside.any(-1, keepdims=True)


class BoxAlignment(nn.Module):
    """Every node takes up the mean of its patches, and every patch that of its nodes, as regions of
    interest are pooled (He et al. 2017): no attention, so it costs two products.

    html [B, T, D] and patches [B, N, D] -> both.
    """

    config: BlockConfig

    @nn.compact
    def __call__(
        self, html: Array, patches: Array, html_mask: Array, patch_mask: Array, pairs: Array
    ) -> tuple[Array, Array]:
        """The masks: bool[B, T] and bool[B, N]. pairs: bool[B, T, N]."""
        c = self.config
        real = pairs & html_mask[..., None] & patch_mask[:, None, :]
        weight = real.astype(c.jnp_dtype)

        def take_up(name: str, x: Array, found: Array, count: Array) -> Array:
            mean = found / jnp.maximum(count, 1).astype(found.dtype)[..., None]
            mean = LayerNorm(c.jnp_dtype, name=f"{name}_norm")(mean)
            dense = EinsumDense((c.width,), ("embed", "mlp"), dtype=c.jnp_dtype, name=name)
            return x + jnp.where((count > 0)[..., None], dense(mean), jnp.zeros((), x.dtype))

        seen = jnp.einsum("btn,bnd->btd", weight, patches)
        read = jnp.einsum("btn,btd->bnd", weight, html)
        return (
            take_up("html_takes", html, seen, real.sum(2)),
            take_up("vision_takes", patches, read, real.sum(1)),
        )


def alignment_flops(c: ModelConfig) -> dict[str, float]:
    nodes, patches, width = c.html.max_nodes, c.num_patches, c.block.width
    return {"fusion linear": 2.0 * (nodes + patches) * width**2 + 4.0 * nodes * patches * width}


class ModalityWeights(nn.Module):
    """How much each modality's tokens say: float32[B, 2] of HTML and vision (X064).

    A softmax over those that are there, times their number: 1 each to begin with, and where one is
    missing, the other's is 1. The score is of the mean of the encoder's tokens.
    """

    config: BlockConfig

    @nn.compact
    def __call__(self, html: Array, patches: Array, html_mask: Array, patch_mask: Array) -> Array:
        scores = []
        for name, x, mask in (("html", html, html_mask), ("vision", patches, patch_mask)):
            weight = mask[..., None].astype(x.dtype)
            mean = (x * weight).sum(1) / jnp.maximum(weight.sum(1), 1)
            # From zero: at the start, both count alike.
            score = EinsumDense(
                (1,),
                ("embed", None),
                dtype=self.config.jnp_dtype,
                kernel_init=nn.initializers.zeros,
                name=name,
            )
            scores.append(score(mean)[:, 0].astype(jnp.float32))
        there = jnp.stack([html_mask.any(-1), patch_mask.any(-1)], -1)
        weights = jax.nn.softmax(jnp.where(there, jnp.stack(scores, -1), -1e9), -1)
        number = there.sum(-1, keepdims=True).astype(jnp.float32)
        return jnp.where(there, weights * number, 0.0)
