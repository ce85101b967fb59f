"""Where things are: embeddings of grid positions and of boxes."""

import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn
from jax.typing import DTypeLike
from jaxtyping import Float

from xojl_jax.nn.attention import GridBias
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


class TablePositions(nn.Module):
    """A learned position for each special token and each place of a grid, as a plain ViT has them:
    (rows, columns) -> float32[special + rows * columns, D]. Another grid is read by linear
    interpolation."""

    rows: int
    columns: int
    width: int
    special: int

    @nn.compact
    def __call__(self, rows: int, columns: int) -> Float[Array, "T D"]:
        init = nn.with_logical_partitioning(nn.initializers.normal(POSITION_STD), (None, "embed"))
        shape = (self.special + self.rows * self.columns, self.width)
        table: Any = self.param("table", init, shape, jnp.float32)
        if (rows, columns) == (self.rows, self.columns):
            return table
        grid = resize_grid(table[self.special :], (self.rows, self.columns), (rows, columns))
        return jnp.concatenate([table[: self.special], grid])


# Called as (rows, columns, width, special tokens, name=), of the grid that the model is made for.
# Their modules map the rows and columns of a grid to [N, D], or with those of special tokens before
# to [T, D].
GRID_POSITIONS: dict[str, Callable[..., nn.Module] | None] = {
    "rows_columns": lambda rows, columns, width, special, name: GridPositions(
        rows, columns, width, name=name
    ),
    "table": TablePositions,
    "none": None,
}


def resize_grid(
    table: Float[Array, "N D"], made_for: tuple[int, int], wanted: tuple[int, int]
) -> Float[Array, "M D"]:
    """A table of the places of a grid, row by row, for another grid, by linear interpolation."""
    if wanted == made_for:
        return table
    table = table.reshape(*made_for, -1)
    table = jax.image.resize(table, (*wanted, table.shape[-1]), "linear", antialias=False)
    return table.reshape(-1, table.shape[-1])


class RelativePositions(nn.Module):
    """What attention adds to scores by how two patches lie to one another, as a bias per head (Bao
    et al. 2022; Liu et al. 2021). It starts at 0.

    Attributes:
      made_for: rows and columns of the grid that the table is made for; `grid` is read by linear
        interpolation where it is another one.
      grid: rows and columns of the grid of which the tokens are the upper rows.
      before, length: special tokens before the grid's, and all tokens.
    """

    made_for: tuple[int, int]
    grid: tuple[int, int]
    heads: int
    before: int
    length: int

    @nn.compact
    def __call__(self) -> GridBias:
        (rows, columns), (side, wide) = self.made_for, self.grid
        # As BEiT has it: differences in rows, then in columns, then what `GridBias.special` is.
        shape = ((2 * rows - 1) * (2 * columns - 1) + 3, self.heads)
        init = nn.with_logical_partitioning(nn.initializers.zeros, (None, "heads"))
        table: Any = self.param("table", init, shape, jnp.float32)
        made_for, wanted = (2 * rows - 1, 2 * columns - 1), (2 * side - 1, 2 * wide - 1)
        apart = resize_grid(table[:-3], made_for, wanted).T.reshape(self.heads, *wanted)
        places = jnp.arange(wide, dtype=jnp.int32)
        tiles = jnp.take(apart, places[:, None] - places + wide - 1, axis=2, mode="clip")
        return GridBias(tiles, table[-3:].T, self.before, self.length)


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
