"""Embedding tables whose gradient is a matrix product instead of a scatter.

The gradient of a look-up adds one vector per id to the table's rows. As a scatter, all additions to
a row wait for one another, and where thousands of ids share a few rows that takes longer than
anything else around it. As the product of the ids' one-hot form, transposed, with the vectors it
runs at the speed of products, sums in float32, and is split over devices like any other. On a CPU
additions do not wait, and the scatter is the cheaper one.

Letters: B batch, N ids of a sample, n rows of the table, D width.
"""

import functools
import math
from collections.abc import Callable

import jax
import jax.numpy as jnp
from flax import linen as nn
from jax.typing import DTypeLike
from jaxtyping import Float, Int

from xojl_jax.nn.attention import accumulation_dtype
from xojl_jax.nn.attention.device import target_platform

Array = jax.Array

# Entries of one sample's one-hot form that are in memory at once. For a batch of eight samples in
# bfloat16 these are 64 MiB.
ONE_HOT_ENTRIES = 2**22


@functools.partial(jax.custom_vjp, nondiff_argnums=(2,))
def look_up(table: Float[Array, "n D"], ids: Int[Array, "*B"], dtype: DTypeLike) -> Array:
    """Rows of a table [n, D] by their numbers: int[B, ...] -> [B, ..., D] in `dtype`.

    Equal to `jnp.take(table.astype(dtype), ids, axis=0)`. Its gradient has the table's dtype, with
    sums in float32 whatever `dtype` is, and nothing for ids outside 0 to n - 1.
    """
    return jnp.take(table.astype(dtype), ids, axis=0)


def _forward(table: Array, ids: Array, dtype: DTypeLike) -> tuple[Array, tuple[Array, Array]]:
    return look_up(table, ids, dtype), (table, ids)


def _backward(dtype: DTypeLike, saved: tuple[Array, Array], grad: Array) -> tuple[Array, None]:
    table, ids = saved
    gradient = _as_scatter if target_platform() == "cpu" else _as_product
    return gradient(table.shape[0], ids, grad).astype(table.dtype), None


def _as_scatter(rows: int, ids: Array, grad: Array) -> Array:
    """The table's gradient [rows, D] in the dtype of sums."""
    ids = jnp.where(ids < 0, rows, ids)  # `at` counts negative ones from the end
    total = jnp.zeros((rows, grad.shape[-1]), accumulation_dtype(grad.dtype))
    return total.at[ids].add(grad.astype(total.dtype), mode="drop")


def _as_product(rows: int, ids: Array, grad: Array) -> Array:
    """The same as `_as_scatter`, by products of one-hot forms in chunks."""
    width = grad.shape[-1]
    # The batch stays an axis of its own: it may be split over devices, and chunks may not be.
    samples = ids.shape[0] if ids.ndim > 1 else 1
    count = math.prod(ids.shape) // max(samples, 1)
    ids, grad = ids.reshape(samples, count), grad.reshape(samples, count, width)
    acc = accumulation_dtype(grad.dtype)
    # Ones and zeros are exact in any dtype, so only the vectors need all bits.
    precision = "highest" if grad.dtype == acc else None

    def product(ids: Array, grad: Array) -> Array:
        one_hot = jax.nn.one_hot(ids, rows, dtype=grad.dtype)
        return jnp.einsum(
            "bkr,bkd->rd", one_hot, grad, precision=precision, preferred_element_type=acc
        )

    chunks = max(1, -(-count * rows // ONE_HOT_ENTRIES))
    if chunks == 1:
        return product(ids, grad)
    size = -(-count // chunks)
    pad = chunks * size - count
    ids = jnp.pad(ids, ((0, 0), (0, pad)), constant_values=-1)  # of no row
    grad = jnp.pad(grad, ((0, 0), (0, pad), (0, 0)))
    ids = ids.reshape(samples, chunks, size).swapaxes(0, 1)
    grad = grad.reshape(samples, chunks, size, width).swapaxes(0, 1)

    def add(total: Array, chunk: tuple[Array, Array]) -> tuple[Array, None]:
        return total + product(*chunk), None

    return jax.lax.scan(add, jnp.zeros((rows, width), acc), (ids, grad))[0]


look_up.defvjp(_forward, _backward)


class Embed(nn.Module):
    """A table float32[n, D], looked up by ids: int[B, ...] -> [B, ..., D] in `dtype`.

    Parameters and initialization are those of `flax.linen.Embed`.
    """

    rows: int
    width: int
    embedding_init: Callable
    dtype: DTypeLike = jnp.float32

    def setup(self) -> None:
        shape = (self.rows, self.width)
        self.embedding = self.param("embedding", self.embedding_init, shape, jnp.float32)

    def __call__(self, ids: Int[Array, "*B"]) -> Float[Array, "*B D"]:
        return look_up(self.embedding, ids, self.dtype)
