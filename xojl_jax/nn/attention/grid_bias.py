"""A bias by the places of two tokens on a grid, made block by block: for 4,096 patches the array of
all pairs would take 0.8 GB for 12 heads.

Letters: H heads, c columns of the grid.
"""

import jax
import jax.numpy as jnp
from einops import rearrange
from flax import struct
from jaxtyping import Float

Array = jax.Array


@struct.dataclass
class GridBias:
    """What is added to a score by how many rows and columns the key's token lies off the query's.

    The tokens are `before` special ones, then the grid's row by row (or only its upper rows), then
    padding, whose bias is anything.

    Attributes:
      tiles: float[H, 2 * rows - 1, c, c]: at [:, d + rows - 1, i, j] the bias of a query in column
        i and a key in column j that lies d rows above.
      special: float[H, 3]: of a special query, of a special key, and of two special tokens.
      before: special tokens.
      length: all tokens.
    """

    tiles: Array
    special: Array
    before: int = struct.field(pytree_node=False)
    length: int = struct.field(pytree_node=False)

    def corner(
        self, row: Array | int, rows: int, column: Array | int, columns: int
    ) -> Float[Array, "1 H R C"]:
        """The bias of `rows` queries from `row` on and `columns` keys from `column` on."""
        count, side = self.tiles.shape[1:3]
        # Rows of the grid that the block touches, whole: gathered as tiles, not number by number.
        top, left = (row - self.before) // side, (column - self.before) // side
        queries = top + jnp.arange(-(-rows // side) + 1, dtype=jnp.int32)
        keys = left + jnp.arange(-(-columns // side) + 1, dtype=jnp.int32)
        apart = queries[:, None] - keys + count // 2
        tiles = jnp.take(self.tiles, apart, axis=1, mode="clip")
        whole = rearrange(tiles, "h q k i j -> h (q i) (k j)")
        at = (0, row - self.before - top * side, column - self.before - left * side)
        grid = jax.lax.dynamic_slice(whole, at, (whole.shape[0], rows, columns))

        of_query, of_key, of_both = self.special.T[..., None, None]
        first = (row + jnp.arange(rows) < self.before)[:, None]
        second = (column + jnp.arange(columns) < self.before)[None]
        special = jnp.where(first & second, of_both, jnp.where(first, of_query, of_key))
        return jnp.where(first | second, special, grid)[None]

    def as_matrix(self) -> Float[Array, "1 H T T"]:
        """The array of all pairs, which `corner` avoids."""
        return self.corner(0, self.length, 0, self.length)
