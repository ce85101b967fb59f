"""Where things are: embeddings of grid positions and of boxes."""

import math

import jax
import jax.numpy as jnp
from flax import linen as nn
from jax.typing import DTypeLike
from jaxtyping import Float

from xojl_jax.nn.layers import EinsumDense

Array = jax.Array

POSITION_STD = 0.02


class GridPositions(nn.Module):
    """Learned positions of a grid, one table for rows and one for columns: (rows, columns) ->
    float32[rows * columns, D].

    The tables have the size of the grid that the model is made for. Another grid (another
    resolution of the same image) reads them by linear interpolation, edges aligned, so one set of
    parameters serves every resolution.
    """

    rows: int
    columns: int
    width: int

    @nn.compact
    def __call__(self, rows: int, columns: int) -> Float[Array, "N D"]:
        def table(name: str, made_for: int, wanted: int) -> Array:
            init = nn.with_logical_partitioning(
                nn.initializers.normal(POSITION_STD), (None, "embed")
            )
            entries = self.param(name, init, (made_for, self.width), jnp.float32)
            if wanted == made_for:
                return entries
            return jax.image.resize(entries, (wanted, self.width), "linear", antialias=False)

        by_row, by_column = table("row", self.rows, rows), table("column", self.columns, columns)
        return (by_row[:, None] + by_column[None, :]).reshape(rows * columns, self.width)


class FourierBoxes(nn.Module):
    """Learned Fourier features of boxes (x0, y0, x1, y1 in [0, 1]): float32[..., 4] -> [..., D].

    Sine and cosine of a learned projection, then a linear map. `scale` is the spread of the
    frequencies at the start, in periods across the image.
    """

    width: int
    features: int = 64
    scale: float = 1.0
    dtype: DTypeLike = jnp.float32

    @nn.compact
    def __call__(self, boxes: Float[Array, "*B 4"]) -> Float[Array, "*B D"]:
        init = nn.with_logical_partitioning(nn.initializers.normal(self.scale), (None, None))
        frequencies = self.param("frequencies", init, (4, self.features), jnp.float32)
        # Angles stay float32: in bfloat16 neighboring pixels of 1,280 would coincide.
        angles = (
            2 * math.pi * jnp.matmul(boxes.astype(jnp.float32), frequencies, precision="highest")
        )
        waves = jnp.concatenate([jnp.sin(angles), jnp.cos(angles)], axis=-1)
        return EinsumDense((self.width,), (None, "embed"), dtype=self.dtype, name="project")(waves)
