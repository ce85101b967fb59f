"""Early exit from a decoder (Schuster et al. 2022, CALM; Tang et al. 2023, DEED).

After every layer but the last, a linear map of the normalized hidden state says how sure it is that
the token it would give is right. In training all layers run, each is supervised, and so is its
confidence. In decoding a row that is sure enough keeps its hidden state: later layers leave it as
it is, though they still write its keys and values, which later positions read. Every row decides
for itself; work is saved where all rows of a batch are sure.

Letters: R rows, L positions, D width.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import Bool, Float, Float32

from xojl_jax.nn.layers import named

Array = jax.Array


class ExitConfidence(nn.Module):
    """How sure each layer but the last is: hidden states after their norm -> logits in float32.

    Starts near sigmoid(-2) = 0.12, so that an untrained model does not exit.
    """

    layers: int
    width: int

    def setup(self) -> None:
        kernel, bias = nn.initializers.normal(0.02), nn.initializers.constant(-2.0)
        shape = (self.layers - 1, self.width)
        self.kernel = self.param("kernel", named(kernel, "layers", "embed"), shape, jnp.float32)
        self.bias = self.param("bias", named(bias, "layers"), shape[:1], jnp.float32)

    def __call__(self, hidden: Float[Array, "*B D"], layer: int) -> Float32[Array, "*B"]:
        """Of one layer, counted from 0: [..., D] -> float32[...]."""
        return hidden.astype(jnp.float32) @ self.kernel[layer] + self.bias[layer]


def skip_if_all(
    done: Bool[Array, " R"],
    layer: Callable[[], tuple[Array, Any]],
    write: Callable[[], Any],
    x: Float[Array, "R 1 D"],
) -> tuple[Array, Any]:
    """One layer's step where some rows are done: they keep x; where all are, only `write` runs.

    Args:
      layer: gives x [R, 1, D] after the layer, and the layer's past, a tree of arrays.
      write: gives that past alone.
    """

    def run() -> tuple[Array, Any]:
        after, past = layer()
        return jnp.where(done[:, None, None], x, after), past

    return jax.lax.cond(done.all(), lambda: (x, write()), run)
