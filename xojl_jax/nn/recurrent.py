"""A long short-term memory over sequences with padding.

B batch, T tokens, D width of a token, H width of the state.
"""

import jax
import jax.numpy as jnp
from flax import linen as nn
from jax.typing import DTypeLike
from jaxtyping import Bool, Float

from xojl_jax.nn.layers import EinsumDense, named

Array = jax.Array


class Lstm(nn.Module):
    """One layer (Hochreiter and Schmidhuber 1997): [B, T, D] -> the states [B, T, H].

    Padding leaves the state as it was, wherever it is. The input's part of the gates is one product
    for all tokens; only the state's part waits for the token before.
    """

    width: int
    dtype: DTypeLike = jnp.float32

    @nn.compact
    def __call__(self, x: Float[Array, "B T D"], mask: Bool[Array, "B T"]) -> Array:
        gates = EinsumDense((4 * self.width,), ("embed", "mlp"), dtype=self.dtype, name="input")(x)
        init = named(nn.initializers.orthogonal(), None, "mlp")
        kernel = self.param("state", init, (self.width, 4 * self.width), jnp.float32)

        def step(carry: tuple[Array, Array], token: tuple[Array, Array]):
            state, cell = carry
            gates, real = token
            gates = (gates + state @ kernel.astype(self.dtype)).astype(jnp.float32)
            entry, forget, new, out = jnp.split(gates, 4, axis=-1)
            # The 1 keeps what is remembered at the start of training (Gers et al. 2000).
            moved = nn.sigmoid(forget + 1.0) * cell + nn.sigmoid(entry) * jnp.tanh(new)
            cell = jnp.where(real[:, None], moved, cell)
            shown = (nn.sigmoid(out) * jnp.tanh(cell)).astype(self.dtype)
            state = jnp.where(real[:, None], shown, state)
            return (state, cell), state

        state = jnp.zeros((x.shape[0], self.width), self.dtype)
        start = (state, state.astype(jnp.float32))
        _, states = jax.lax.scan(step, start, (gates.swapaxes(0, 1), mask.T))
        return states.swapaxes(0, 1)


def lstm_flops(tokens: int, inputs: int, width: int) -> float:
    """Forward FLOPs of one layer."""
    return 2.0 * tokens * 4 * width * (inputs + width)
