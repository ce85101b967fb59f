"""Activations by the names that published configs give them."""

import functools
from collections.abc import Callable

import jax

ACTIVATIONS_BY_NAME: dict[str, Callable[[jax.Array], jax.Array]] = {
    "silu": jax.nn.silu,
    "gelu": functools.partial(jax.nn.gelu, approximate=False),
    "gelu_pytorch_tanh": functools.partial(jax.nn.gelu, approximate=True),
    "gelu_new": functools.partial(jax.nn.gelu, approximate=True),
    "relu": jax.nn.relu,
    # Of the first CLIP models (Radford et al. 2021).
    "quick_gelu": lambda x: x * jax.nn.sigmoid(1.702 * x),
}
