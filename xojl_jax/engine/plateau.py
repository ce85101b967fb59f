"""Layers that have converged are frozen (X061): a rule in the compiled step, from its gradients.

As AutoFreeze does (Liu, Agarwal and Venkataraman 2021): over each interval of steps the norm of a
layer's gradients is summed up, and a layer is still where that sum changed by no more than a share
since the interval before. The first layers of a stack are frozen as far as all of them are still,
and stay frozen. No host is asked and nothing is compiled again, so a frozen layer costs what it
cost: its gradients are computed, and dropped.

The counts are part of the optimizer's state, so a resumed run decides like an uninterrupted one.
Letters: n layers of a stack.
"""

import dataclasses
import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

Array = jax.Array


class Stack(NamedTuple):
    """A stack of layers: how many, and how little their gradients may still change."""

    layers: int
    below: float


class Watched(NamedTuple):
    """Of one stack.

    Attributes:
      total: float32[n], norms of each layer's gradients, summed up since the interval began.
      before: float32[n], the sums of the interval before; 0 in the first.
      frozen: int32[], so many of the first layers are frozen.
    """

    total: Array
    before: Array
    frozen: Array


@dataclasses.dataclass(frozen=True)
class Plateau:
    """The rule, for one tree of parameters.

    Attributes:
      every: steps of an interval.
      begin: the step at which the first interval begins.
      stacks: those that are watched, by name.
      stack_of: a tree like the parameters, the name of a stack at every leaf, "" for none.
      axes: a tree like the parameters, how many leading axes count layers.
    """

    every: int
    begin: int
    stacks: Mapping[str, Stack]
    stack_of: Any
    axes: Any

    def start(self) -> dict[str, Watched]:
        return {
            name: Watched(
                jnp.zeros(stack.layers, jnp.float32),
                jnp.zeros(stack.layers, jnp.float32),
                jnp.zeros((), jnp.int32),
            )
            for name, stack in self.stacks.items()
        }

    def watch(self, state: dict[str, Watched], grads, step: Array) -> dict[str, Watched]:
        """The state after the gradients of a step, before they are clipped."""
        squares = {name: jnp.zeros(stack.layers) for name, stack in self.stacks.items()}

        def add(grad: Array, name: str, axes: int) -> None:
            if name:
                each = jnp.square(grad.astype(jnp.float32)).sum(tuple(range(axes, grad.ndim)))
                squares[name] += each.reshape(-1)

        jax.tree.map(add, grads, self.stack_of, self.axes)
        return {
            name: self._decide(state[name], jnp.sqrt(squares[name]), stack.below, step)
            for name, stack in self.stacks.items()
        }

    def _decide(self, old: Watched, norms: Array, below: float, step: Array) -> Watched:
        taken = step - self.begin
        total = old.total + jnp.where(taken >= 0, norms, 0)
        ends = (taken >= 0) & ((taken + 1) % self.every == 0)
        still = (old.before > 0) & (jnp.abs(total - old.before) <= below * old.before)
        still |= jnp.arange(still.size) < old.frozen
        frozen = jnp.cumprod(still.astype(jnp.int32)).sum().astype(jnp.int32)
        new = Watched(jnp.zeros_like(total), total, frozen)
        return jax.tree.map(lambda a, b: jnp.where(ends, a, b), new, old._replace(total=total))


def make(config, params: Any, names: Any, groups: Any, axes: Any) -> Plateau | None:
    """The rule of `config.optim`; None where it is off in every group.

    Args:
      params: abstract.
      names, groups, axes: trees like the parameters, of each its path, its group and how many
        leading axes count layers.
    """
    stacks: dict[str, Stack] = {}

    def stack_of(leaf, path: str, group: str, stacked: int) -> str:
        below = config.groups[group].freeze_plateau
        if not below or not stacked:
            return ""
        layers = math.prod(leaf.shape[:stacked])
        # "trunk/vision", "html_encoder/stack": one stack of a length in each module of two names.
        name = "/".join([*path.split("/")[:-1][:2], str(layers)])
        stacks[name] = Stack(layers, below)
        return name

    found = jax.tree.map(stack_of, params, names, groups, axes)
    if not stacks:
        return None
    return Plateau(config.plateau_steps, config.warmup_steps, stacks, found, axes)
