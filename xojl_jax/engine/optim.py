"""AdamW with a learning rate per group of parameters, warm-up and cosine, gradient clipping.

The learning rate depends on the training step alone, not on a counter inside the optimizer, so a
skipped step does not shift the schedule, and any step's rate is known without the state.
"""

import dataclasses
import functools
import math
from typing import Any, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
import optax

from xojl_jax.engine import plateau, sharding
from xojl_jax.engine.plateau import Plateau, Watched
from xojl_jax.errors import BadUsage

# Never decayed, whatever their shape: a scanned stack makes matrices of them.
UNDECAYED = ("bias", "scale")


class Watching(NamedTuple):
    """The optimizer's state where the rule on plateaus has one, by stack."""

    moments: Any
    watched: dict[str, Watched]


@dataclasses.dataclass(frozen=True)
class Optimizer:
    """AdamW for one tree of parameters.

    Attributes:
      config: `config.optim`.
      total_steps: where the cosine ends.
      groups: a tree like the parameters, a key of `config.groups` at every leaf.
      decayed: a tree like the parameters, True where weight decay applies.
      moments: optax's Adam direction, without rate and decay.
      stacked: a tree like the parameters, how many leading axes count layers.
      kernels: a tree like the parameters, True for kernels.
      plateau: the rule that freezes layers which have converged; None for no such rule.
    """

    config: Any
    total_steps: int
    groups: Any
    decayed: Any
    moments: optax.GradientTransformation
    stacked: Any = None
    kernels: Any = None
    plateau: Plateau | None = None

    def init(self, params):
        moments = self.moments.init(params)
        return moments if self.plateau is None else Watching(moments, self.plateau.start())

    def watch(self, opt_state, grads, step):
        """The optimizer state after the rule on plateaus has seen a step's unclipped gradients, and
        metrics: how many layers of each stack are frozen."""
        if self.plateau is None:
            return opt_state, {}
        watched = self.plateau.watch(opt_state.watched, grads, step)
        counts = {f"frozen/{name}": w.frozen.astype(jnp.float32) for name, w in watched.items()}
        return opt_state._replace(watched=watched), counts

    def rates(self, step) -> dict[str, jax.Array]:
        """The learning rate of every group at `step`: int32[] -> float32[] each."""
        step = jnp.asarray(step, jnp.int32)
        schedule = warmup_cosine(step, self.config.warmup_steps, self.total_steps)

        def rate(group) -> jax.Array:
            if group.freeze_at <= 0 or group.freeze_layers > 0:
                return group.lr * schedule
            return group.lr * jnp.where(step >= group.freeze_at, 0.0, schedule)

        return {name: rate(group) for name, group in self.config.groups.items()}

    def update(self, grads, opt_state, params, step):
        """Returns (new parameters, new optimizer state). `grads` are already clipped."""
        watched, stack_of = {}, jax.tree.map(lambda group: "", self.groups)
        moments = opt_state
        if self.plateau is not None:
            (moments, watched), stack_of = opt_state, self.plateau.stack_of
        # optax raises a float to an integer count, which strict promotion (on in tests) refuses.
        with jax.numpy_dtype_promotion("standard"):
            directions, moments = self.moments.update(grads, moments, params)
        opt_state = moments if self.plateau is None else Watching(moments, watched)
        rates = jax.lax.optimization_barrier(self.rates(step))  # once, not in every array's fusion
        decay = self.config.weight_decay

        def one(param, direction, group, decayed, stacked, stack):
            if decayed:
                direction = direction + decay * param
            rate = rates[group].astype(param.dtype)
            converged = watched[stack].frozen if stack else None
            frozen = self._frozen_layers(group, param.shape[:stacked], step, converged)
            if frozen is not None:
                frozen = frozen.reshape(*frozen.shape, *(1,) * (param.ndim - stacked))
                rate = jnp.where(frozen, jnp.zeros((), param.dtype), rate)
            return param - rate * direction

        trees = (self.groups, self.decayed, self.stacked, stack_of)
        moved = jax.tree.map(one, params, directions, *trees)
        return self._with_zeros_kept(params, moved), opt_state

    def _with_zeros_kept(self, params, moved):
        """What has moved, without those entries of kernels that `config.keep_zeros` holds."""
        if not self.config.keep_zeros:
            return moved

        def one(old, new, is_kernel):
            return jnp.where(old == 0, old, new) if is_kernel else new

        return jax.tree.map(one, params, moved, self.kernels)

    def _frozen_layers(
        self, group: str, layers: tuple[int, ...], step, converged: jax.Array | None
    ) -> jax.Array | None:
        """bool[layers], which layers of a stack do not move at `step`; None: all do, by the rate of
        their group.

        converged: int32[], so many of the first layers have; None where that is not watched.
        """
        chosen, frozen = self.config.groups[group], []
        # Groups of layers are scanned over layers: in this order they are counted through.
        number = jnp.arange(math.prod(layers)).reshape(layers)
        if layers and chosen.freeze_at > 0 and chosen.freeze_layers > 0:
            due = jnp.asarray(step) >= chosen.freeze_at
            frozen.append((number < chosen.freeze_layers) & due)
        if converged is not None:
            frozen.append(number < converged)
        return functools.reduce(jnp.logical_or, frozen) if frozen else None


def make(config, total_steps: int, task, boxed) -> Optimizer:
    """The optimizer of `config.optim` for a task's abstract boxed parameters.

    Raises:
      BadUsage: the task puts a parameter into a group that `config.groups` does not have.
    """

    def group(path, _):
        parameter = sharding.path_name(path)
        name = task.param_group(parameter)
        if name not in config.groups:
            raise BadUsage(
                f"config.optim.groups has no {name!r}, the group of the parameter {parameter}: "
                f"add it; there are {', '.join(sorted(config.groups)) or 'none'}"
            )
        return name

    def stack_axes(leaf, axes):
        del leaf
        return sum(axis in sharding.STACKED for axis in axes)

    def decays(path, leaf, axes):
        dims = leaf.ndim - stack_axes(leaf, axes)
        last = sharding.path_name(path).rsplit("/", 1)[-1]
        return dims > 1 and last not in UNDECAYED

    def is_kernel(path, _):
        return sharding.path_name(path).rsplit("/", 1)[-1] == "kernel"

    params, specs = sharding.unbox(boxed), nn.get_partition_spec(boxed)
    with_path = jax.tree_util.tree_map_with_path
    groups, stacked = with_path(group, params), jax.tree.map(stack_axes, params, specs)
    names = with_path(lambda path, _: sharding.path_name(path), params)
    return Optimizer(
        config=config,
        total_steps=total_steps,
        groups=groups,
        decayed=with_path(decays, params, specs),
        stacked=stacked,
        kernels=with_path(is_kernel, params),
        plateau=plateau.make(config, params, names, groups, stacked),
        moments=optax.scale_by_adam(b1=config.b1, b2=config.b2, eps=1e-8),
    )


def warmup_cosine(step: jax.Array, warmup_steps: int, total_steps: int) -> jax.Array:
    """A factor in [0, 1]: linear up over the warm-up, then half a cosine down to zero.

    The first step already moves, and the last one still does.
    """
    now = step.astype(jnp.float32) + 1.0
    ramp = now / max(warmup_steps, 1)
    rest = max(total_steps - warmup_steps + 1, 1)
    progress = jnp.clip((now - warmup_steps) / rest, 0.0, 1.0)
    return jnp.minimum(jnp.minimum(ramp, 1.0), 0.5 * (1.0 + jnp.cos(jnp.pi * progress)))


def clip(grads, norm: jax.Array, limit: float):
    """Scales gradients of global norm `norm` down to `limit`; 0 leaves them alone."""
    if limit <= 0:
        return grads
    # Once, not in every array's fusion.
    factor = jax.lax.optimization_barrier(jnp.minimum(1.0, limit / jnp.maximum(norm, 1e-12)))
    return jax.tree.map(lambda g: g * factor.astype(g.dtype), grads)
