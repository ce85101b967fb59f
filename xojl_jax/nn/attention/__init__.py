"""Attention: one function, `attend`; masks and biases are data; a file per implementation."""

from xojl_jax.nn.attention.attend import BACKENDS, Backend, attend, portable
from xojl_jax.nn.attention.bias import (
    Bias,
    BiasSum,
    ChannelBias,
    TokenTypeBias,
    add_bias,
    relation_bias,
)
from xojl_jax.nn.attention.blockwise import SAVED_NAMES
from xojl_jax.nn.attention.cached import attend_cached
from xojl_jax.nn.attention.dense import attend_dense
from xojl_jax.nn.attention.grid_bias import GridBias
from xojl_jax.nn.attention.mask import LENGTH_MULTIPLE, Mask, prefix_order
from xojl_jax.nn.attention.precision import accumulation_dtype

__all__ = [
    "BACKENDS",
    "LENGTH_MULTIPLE",
    "SAVED_NAMES",
    "Backend",
    "Bias",
    "BiasSum",
    "ChannelBias",
    "GridBias",
    "Mask",
    "TokenTypeBias",
    "accumulation_dtype",
    "add_bias",
    "attend",
    "attend_cached",
    "attend_dense",
    "portable",
    "prefix_order",
    "relation_bias",
]
