"""The state of training: its shapes and shardings, and the state that a run starts from."""

import dataclasses
from typing import Any

import flax.struct
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax.sharding import Mesh, Sharding

from xojl_jax.engine import compiler_options, optim, sharding

# Streams of random numbers that are split off the seed.
INIT_STREAM, STEP_STREAM, EVAL_STREAM, FROZEN_STREAM = 0, 1, 2, 3


@flax.struct.dataclass
class TrainState:
    """All that changes from step to step.

    Attributes:
      step: int32[], steps taken, skipped ones included. It is the position in the data, too.
      params: float32 parameters, unboxed.
      opt_state: Adam's moments and count.
      ema: running average of the parameters, or None when config.optim.ema_decay is 0.
      frozen: parameters that are neither optimized nor averaged, such as those of a teacher; {} for
        a task without any.
      skipped: int32[], steps skipped for a non-finite loss or gradient.
      skipped_in_a_row: int32[], how many of them were the last ones without a break.
      seed: uint32[], `config.seed`. An array, so that runs that differ in it alone share one
        compiled program; checkpoints have it in their metadata.
    """

    step: jax.Array
    params: Any
    opt_state: Any
    ema: Any
    frozen: Any
    skipped: jax.Array
    skipped_in_a_row: jax.Array
    seed: jax.Array

    @property
    def eval_params(self):
        """The parameters that evaluation and prediction use."""
        return self.params if self.ema is None else self.ema


@dataclasses.dataclass(frozen=True)
class TrainSetup:
    """What is known of a run before any array is made.

    Attributes:
      mesh: the devices.
      optimizer: AdamW, fitted to the parameters.
      abstract: a TrainState of ShapeDtypeStructs that carry their shardings.
    """

    mesh: Mesh
    optimizer: optim.Optimizer
    abstract: TrainState

    @property
    def shardings(self) -> TrainState:
        return jax.tree.map(lambda leaf: leaf.sharding, self.abstract)


def abstract_params(task, mesh: Mesh):
    """Shapes and dtypes of the parameters in boxes with the names of their axes."""
    return _abstract(task.init, mesh)


def _abstract(init, mesh: Mesh):
    """The boxed shapes and dtypes of what init(rng) gives."""
    with sharding.use_mesh(mesh):
        # The key, too, only in the abstract: the mesh may be of devices that are not here.
        return jax.eval_shape(lambda: init(jax.random.key(0)))


def make_train_setup(task, config, mesh: Mesh) -> TrainSetup:
    """Shapes, dtypes and shardings of the whole state; allocates nothing."""
    boxed = abstract_params(task, mesh)
    boxed_frozen = _abstract(task.init_frozen, mesh)
    optimizer = optim.make(config.optim, config.total_steps, task, boxed)
    of_params = sharding.param_shardings(boxed, mesh)
    whole = sharding.replicated(mesh)
    shapes = jax.eval_shape(
        lambda params, frozen, seed: _fresh(
            params, frozen, seed, optimizer, config.optim.ema_decay
        ),
        sharding.unbox(boxed),
        sharding.unbox(boxed_frozen),
        jax.ShapeDtypeStruct((), jnp.uint32),
    )
    shardings = TrainState(
        step=whole,
        params=of_params,
        opt_state=optax.tree.map_params(
            optimizer,
            lambda _, of_param: of_param,
            shapes.opt_state,
            of_params,
            transform_non_params=lambda _: whole,
        ),
        ema=None if shapes.ema is None else of_params,
        frozen=sharding.param_shardings(boxed_frozen, mesh),
        skipped=whole,
        skipped_in_a_row=whole,
        seed=whole,
    )
    abstract = jax.tree.map(
        lambda s, where: jax.ShapeDtypeStruct(s.shape, s.dtype, sharding=where), shapes, shardings
    )
    return TrainSetup(mesh, optimizer, abstract)


def from_scratch(task, config, setup: TrainSetup) -> TrainState:
    """Step 0, initialized on the devices where every piece belongs."""

    def init(seed):
        params = sharding.unbox(task.init(stream(seed, INIT_STREAM)))
        frozen = sharding.unbox(task.init_frozen(stream(seed, FROZEN_STREAM)))
        return _fresh(params, frozen, seed, setup.optimizer, config.optim.ema_decay)

    options = compiler_options.for_one_run(setup.mesh.devices.flat[0].platform)
    seed = seed_array(config.seed, setup.abstract.seed.sharding)
    with sharding.use_mesh(setup.mesh):
        lowered = jax.jit(init, out_shardings=setup.shardings).lower(seed)
        return lowered.compile(compiler_options=options)(seed)


def seed_array(seed: int, where: Sharding) -> jax.Array:
    """A seed as the state has it."""
    return jax.device_put(np.uint32(seed), where)


def with_params(state: TrainState, params) -> TrainState:
    """Step 0 with other starting parameters; the running average starts from them, too."""
    copy = None if state.ema is None else jax.tree.map(jnp.copy, params)
    return state.replace(params=params, ema=copy)


def stream(seed: int | jax.Array, which: int) -> jax.Array:
    """The key of one stream of random numbers."""
    return jax.random.fold_in(jax.random.key(seed), which)


def _fresh(params, frozen, seed, optimizer: optim.Optimizer, ema_decay: float) -> TrainState:
    zero = jnp.zeros((), jnp.int32)
    return TrainState(
        step=zero,
        params=params,
        opt_state=optimizer.init(params),
        ema=jax.tree.map(jnp.copy, params) if ema_decay else None,
        frozen=frozen,
        skipped=zero,
        skipped_in_a_row=zero,
        seed=seed,
    )
