"""The classes of an HTML node as one vector, composed of their fields.

`config.model.class_composition` names how parts become a whole, within a class and within a node:
by attention, or as a sum (Botha and Blunsom 2014), which has fewer parameters.

B batch, T HTML nodes, C classes per node, D width.
"""

import jax
import jax.numpy as jnp
from flax import linen as nn
from jax.typing import DTypeLike

from xojl_jax.nn.layers import EinsumDense
from xojl_jax.tasks.layout.tables import IDENTITY_STD, table
from xojl_jax.tasks.layout.tree_features import IdRanges

Array = jax.Array


def class_width(width: int) -> int:
    """Width of one class's vector in a model of this width."""
    return max(32, width // 4)


class ClassComposer(nn.Module):
    """Composes a node's classes into one vector: int32[B, T, C, 5] -> [B, T, D].

    Attribute, value and unit are embedded apart and composed by a learned function (X029); device
    and pseudo-class modify the result through attention (X036); and three heads gather the plain,
    the responsive and the interactive classes apart (X037). As a sum, all five fields are added up,
    and so are the classes. Nothing depends on the classes' order.
    """

    width: int
    ids: IdRanges
    dtype: DTypeLike = jnp.float32
    composition: str = "attention"

    @nn.compact
    def __call__(self, classes: Array, number: Array, mask: Array) -> Array:
        """classes: int32[B, T, C, 5], the ids of device, pseudo-class, attribute, value and unit.
        number: float32[B, T, C], what the value measures. mask: bool[B, T, C]."""
        inner = class_width(self.width)
        device, pseudo, attribute, value, unit = jnp.moveaxis(classes, -1, 0)

        def embed(name: str, ids: Array) -> Array:
            return table(getattr(self.ids, name), inner, self.dtype, name, IDENTITY_STD)(ids)

        def dense(width: int, x: Array, name: str) -> Array:
            return EinsumDense((width,), ("table_embed", "mlp"), dtype=self.dtype, name=name)(x)

        scalar = jnp.stack([number, jnp.abs(number), jnp.square(number)], -1).astype(self.dtype)
        parts = (embed("attribute", attribute), embed("value", value), embed("unit", unit))
        if self.composition == "sum":
            x = sum(parts) + dense(inner, scalar, "number")
            x = x + embed("device", device) + embed("pseudo", pseudo)
        else:
            x = nn.gelu(dense(2 * inner, jnp.concatenate([*parts, scalar], -1), "compose_up"))
            x = dense(inner, x, "compose_down")
            # How far each modifier changes a class depends on the class; row 0: "no modifier".
            modifier = jnp.stack([embed("device", device), embed("pseudo", pseudo)], -2)
            query = dense(inner, x, "modifier_query")
            weight = nn.sigmoid(jnp.einsum("btci,btcmi->btcm", query, modifier) / inner**0.5)
            x = x + jnp.einsum("btcm,btcmi->btci", weight, modifier)
        pooled = COMPOSITIONS[self.composition](x, device, pseudo, mask, self.dtype)
        return EinsumDense((self.width,), ("table_embed", "embed"), dtype=self.dtype, name="out")(
            pooled
        )


def pool_by_attention(
    x: Array, device: Array, pseudo: Array, mask: Array, dtype: DTypeLike
) -> Array:
    """Classes [B, T, C, I] -> [B, T, 3 I]: weighted means of the plain, the responsive and the
    interactive ones (X037). Makes the module of the scores in the module that calls it."""
    plain = (device == 0) & (pseudo == 0)
    contexts = jnp.stack([plain, device > 0, pseudo > 0], -1) & mask[..., None]
    scores = EinsumDense((3,), ("table_embed", "mlp"), dtype=dtype, name="context_score")
    score = scores(x).astype(jnp.float32)
    # The 1 in the denominator lets a context without classes weigh nothing.
    weight = jnp.where(contexts, jnp.exp(jnp.clip(score, max=10.0)), 0.0)
    weight = weight / (1.0 + weight.sum(-2, keepdims=True))
    pooled = jnp.einsum("btcg,btci->btgi", weight.astype(dtype), x)
    return pooled.reshape(*pooled.shape[:2], -1)


def pool_by_sum(x: Array, device: Array, pseudo: Array, mask: Array, dtype: DTypeLike) -> Array:
    """Classes [B, T, C, I] -> [B, T, I]: their sum over the root of their number, so that a node
    with many classes is not larger than one with few."""
    weight = mask[..., None].astype(dtype)
    return (x * weight).sum(-2) / jnp.sqrt(jnp.maximum(weight.sum(-2), 1))


COMPOSITIONS = {"attention": pool_by_attention, "sum": pool_by_sum}


def composition_flops(nodes: int, classes: int, width: int) -> float:
    """Forward FLOPs of composing `classes` classes of each of `nodes` nodes."""
    inner = class_width(width)
    composed = 2 * (3 * inner + 3) * 2 * inner + 2 * 2 * inner * inner + 2 * inner * inner
    return nodes * (classes * composed + 2.0 * 3 * inner * width)
