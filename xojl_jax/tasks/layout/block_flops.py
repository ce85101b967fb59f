"""What one layer of any tower computes."""

from xojl_jax.nn.config import BlockConfig


def block_flops(c: BlockConfig) -> float:
    """Forward FLOPs of one token in one layer: four projections, and the feed-forward.

    Attention is not among them, since it grows with the number of tokens.
    """
    return (8.0 * c.inner + 4.0 * c.hidden) * c.width
