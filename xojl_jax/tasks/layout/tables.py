"""Small embedding tables, whole on every device."""

from flax import linen as nn
from jax.typing import DTypeLike

from xojl_jax.nn.embedding import Embed
from xojl_jax.nn.positions import POSITION_STD

# Spread of the embeddings of what a node is, at the start: they are added to the outputs of dense
# layers, which are near 1. At 0.02 training would hardly notice them for thousands of steps.
IDENTITY_STD = 1.0


def table(
    size: int, width: int, dtype: DTypeLike, name: str | None, std: float = POSITION_STD
) -> Embed:
    """An embedding table that is not sharded: a look-up needs no exchange between devices."""
    init = nn.with_logical_partitioning(nn.initializers.normal(std), ("table", "table_embed"))
    return Embed(size, width, init, dtype=dtype, name=name)
