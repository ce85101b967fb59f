"""What decoding needs of a grammar: which tokens may come next, and where each leads.

A task brings its grammar as a `Constraint`, a pytree that enters the compiled decoding loop as
data. Everything here is arrays in, arrays out.

B rows to decode, V' scores that the model gives: vocabulary tokens and, where there are any,
pointers into the row's input.
"""

from typing import Any, Protocol

import jax
import jax.numpy as jnp

# The first ids of every vocabulary. The tasks' vocabularies have constants of their own, since
# neither side may import the other; tests/tasks/test_grammar_constraint.py holds them equal.
PAD, BOS, EOS = 0, 1, 2

# What a constraint remembers of a hypothesis: a pytree whose leaves lead with rows.
State = Any

# Logits are clipped here: sums of 2,048 of them, and their differences, stay finite in float32.
_LARGEST_LOGIT = 1e9


class Constraint(Protocol):
    """A language of token sequences, one for each of B rows.

    Every whole sequence ends with EOS. `generate` promises a whole sequence whatever the weights,
    and for that it relies on this: where `left` was at least `shortest()` at the start, and only
    legal tokens were emitted since, at least one token is legal; with `left` = 1 that is EOS alone.

    The leaves of a state have shape [B, …] in greedy decoding and sampling, and [B, K, …] in beam
    search, so what a constraint holds for a row (masks, limits) must broadcast over the axes
    between.
    """

    def start(self) -> State:
        """The state of each row after BOS, every leaf [B, …]."""
        ...

    def legal(self, state: State, left: jax.Array) -> jax.Array:
        """The legal next tokens, bool[…, V'].

        `left` int32[…] counts the tokens that may still be emitted, the next one included. It
        broadcasts against the leaves of the state.
        """
        ...

    def advance(self, state: State, token: jax.Array) -> State:
        """The state after a legal token int32[…]. After an illegal one it may be anything, but
        must not fault: beams that died are advanced, too."""
        ...

    def shortest(self) -> jax.Array:
        """Tokens of each row's shortest sequence, EOS included, BOS not: int32[B]."""
        ...


def legal_log_probs(logits: jax.Array, legal: jax.Array) -> jax.Array:
    """Log-probabilities over the legal tokens, float32[…, V']; -inf at the others, never NaN.

    Whatever the logits hold: NaN and -inf count as very unlikely, +inf as very likely, so a legal
    token always keeps a finite log-probability. Where nothing is legal, all is -inf.
    """
    if logits.shape[-1] != legal.shape[-1]:
        raise ValueError(
            f"logits cover {logits.shape[-1]} tokens, expected {legal.shape[-1]}:"
            " the vocabulary and the pointers"
        )
    finite = jnp.nan_to_num(logits.astype(jnp.float32), nan=-_LARGEST_LOGIT)
    finite = jnp.clip(finite, -_LARGEST_LOGIT, _LARGEST_LOGIT)
    log_probs = jax.nn.log_softmax(jnp.where(legal, finite, -2 * _LARGEST_LOGIT), axis=-1)
    return jnp.where(legal, log_probs, -jnp.inf)
