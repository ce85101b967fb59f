"""One training step and one evaluation step, compiled ahead of time.

The step is one program: gradients (over micro-batches), clipping, AdamW, the running average, and
the decision to skip all of that when the loss or a gradient is not finite. Nothing of it visits
the host; the state is donated.
"""

import dataclasses
import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import optax
from jax.sharding import NamedSharding, PartitionSpec

from xojl_jax.engine import compiler_options, int8, optim, sharding
from xojl_jax.engine.state import (
    EVAL_STREAM,
    STEP_STREAM,
    TrainSetup,
    TrainState,
    abstract_params,
    stream,
)
from xojl_jax.tasks.base import Bucket

# Metrics that are sums over a batch; all others are means.
SUMS = ("tokens", "weight")
# No metric, but what `Task.after_update` gets: a tree of arrays, averaged like the means.
AVERAGES = "averages"


def make_train_step(task, config, setup: TrainSetup) -> Callable:
    """The jitted (state, batch) -> (state, metrics). Metrics are float32[] on the devices.

    Beside the task's own, metrics hold "loss", "grad_norm", "skipped" (0 or 1) and
    "skipped_in_a_row". What a skipped step reports of its loss is not finite.
    """
    optimizer = setup.optimizer
    task_loss = loss_of(task, config)

    def train_step(state: TrainState, batch) -> tuple[TrainState, dict[str, jax.Array]]:
        rng = jax.random.fold_in(stream(state.seed, STEP_STREAM), state.step)
        loss = bind_frozen(task_loss, state.frozen)
        if task.follows_step:
            loss = functools.partial(loss, step=state.step)
        grads, metrics = _gradients(loss, state.params, batch, rng, config.optim.accumulate, setup)
        norm = optax.tree.norm(grads)
        # Kept apart: XLA would compute both again in every array's fusion, which is most of the
        # program to compile.
        finite, norm = jax.lax.optimization_barrier(
            (jnp.isfinite(metrics["loss"]) & jnp.isfinite(norm), norm)
        )
        opt_state, frozen_layers = optimizer.watch(state.opt_state, grads, state.step)
        grads = optim.clip(grads, norm, config.optim.clip_norm)
        params, opt_state = optimizer.update(grads, opt_state, state.params, state.step)
        averages = metrics.pop(AVERAGES, None)
        if averages is not None:
            params = task.after_update(params, averages)
        taken = (state.step - state.skipped).astype(jnp.float32)
        moved = (params, opt_state, _average(state.ema, params, taken, config.optim.ema_decay))
        kept = (state.params, state.opt_state, state.ema)
        # A select, not a branch: every device of every host computes the same verdict, and a NaN
        # that was computed is dropped before it can reach the state.
        params, opt_state, ema = jax.tree.map(
            lambda new, old: jnp.where(finite, new, old), moved, kept
        )
        skipped = 1 - finite.astype(jnp.int32)
        state = dataclasses.replace(
            state,
            step=state.step + 1,
            params=params,
            opt_state=opt_state,
            ema=ema,
            skipped=state.skipped + skipped,
            skipped_in_a_row=(state.skipped_in_a_row + 1) * skipped,
        )
        metrics = (
            metrics
            | frozen_layers
            | {
                "grad_norm": norm,
                "skipped": skipped.astype(jnp.float32),
                "skipped_in_a_row": state.skipped_in_a_row.astype(jnp.float32),
            }
        )
        return state, metrics

    return jax.jit(train_step, donate_argnums=0, out_shardings=(setup.shardings, None))


def make_eval_step(task, config) -> Callable:
    """The jitted (params, batch, frozen = none) -> metrics of the task's loss without dropout.

    What a loss draws at random here (which nodes are masked) is the same whatever the run's seed,
    so that runs are compared on equal terms, and share the program.
    """
    task_loss = loss_of(task, config)

    def eval_step(params, batch, frozen=None) -> dict[str, jax.Array]:
        rng = stream(0, EVAL_STREAM)
        loss, metrics = bind_frozen(task_loss, frozen)(params, batch, rng, train=False)
        return {"weight": jnp.ones((), jnp.float32), **metrics, "loss": loss}

    return jax.jit(eval_step)


# What a loss is computed of, by `config.quantize`: (loss, boxed parameters) -> loss.
QUANTIZE: dict[str, Callable | None] = {"none": None, "int8": int8.aware_loss}


def loss_of(task, config) -> Callable:
    """The task's loss, of its parameters as `config.quantize` says."""
    aware = QUANTIZE[config.quantize]
    if aware is None:
        return task.loss
    return aware(task.loss, abstract_params(task, sharding.single(jax.devices()[0])))


def bind_frozen(loss: Callable, frozen) -> Callable:
    """The loss with the task's frozen parameters, which it takes only where there are some."""
    return functools.partial(loss, frozen=frozen) if jax.tree.leaves(frozen) else loss


def compile_ahead(
    step: Callable, abstract_arguments, mesh, options: dict[str, Any] | None = None
) -> jax.stages.Compiled:
    """Compiles a step for these shapes, under the mesh and the table of axes.

    Args:
      options: of the compiler; None takes those of `compiler_options`.

    The compiled step refuses any other shape, so nothing is ever compiled again in the loop.
    """
    if options is None:
        options = compiler_options.for_many_runs(mesh.devices.flat[0].platform)
    with sharding.use_mesh(mesh):
        return step.lower(*abstract_arguments).compile(compiler_options=options)


def abstract_batch(task, mesh, bucket: Bucket | None = None) -> dict[str, jax.ShapeDtypeStruct]:
    """The task's global batch, of a bucket or of the full size, with its sharding."""
    rows = sharding.batch_sharding(mesh)
    return {
        name: jax.ShapeDtypeStruct(spec.shape, spec.dtype, sharding=rows)
        for name, spec in task.batch_spec(bucket).items()
    }


def _gradients(loss_fn: Callable, params, batch, rng, accumulate: int, setup: TrainSetup):
    """Gradients and metrics of a batch, averaged over its micro-batches by their weight."""

    def one(micro_batch, rng):
        (loss, metrics), grads = jax.value_and_grad(loss_fn, has_aux=True)(
            params, micro_batch, rng, train=True
        )
        return grads, metrics | {"loss": loss}

    if accumulate == 1:
        return one(batch, rng)

    def split(rows: jax.Array) -> jax.Array:
        # Micro-batch a takes rows a, a + A, …: every device then splits the rows that it holds,
        # where A consecutive blocks would move most rows to another device.
        parts = rows.reshape(rows.shape[0] // accumulate, accumulate, *rows.shape[1:])
        spec = PartitionSpec(None, ("data", "fsdp"))
        return jax.lax.with_sharding_constraint(
            jnp.swapaxes(parts, 0, 1), NamedSharding(setup.mesh, spec)
        )

    def contribution(numbered):
        index, micro_batch = numbered
        grads, metrics = one(micro_batch, jax.random.fold_in(rng, index))
        weight = metrics.get("weight", jnp.ones((), jnp.float32))
        means = {name: value for name, value in metrics.items() if name not in SUMS}
        sums = {name: value for name, value in metrics.items() if name in SUMS}
        weighted = jax.tree.map(lambda x: x * weight.astype(x.dtype), (grads, means))
        return weighted, sums, weight

    def add(total, numbered):
        return jax.tree.map(jnp.add, total, contribution(numbered)), None

    micro_batches = (jnp.arange(accumulate, dtype=jnp.int32), jax.tree.map(split, dict(batch)))
    shapes = jax.eval_shape(lambda m: contribution(jax.tree.map(lambda x: x[0], m)), micro_batches)
    zeros = jax.tree.map(lambda s: jnp.zeros(s.shape, s.dtype), shapes)
    ((grads, means), sums, weight), _ = jax.lax.scan(add, zeros, micro_batches)
    # A batch without any weight has no mean: its gradients are zero, not 0 / 0.
    share = jnp.where(weight > 0, 1 / jnp.where(weight > 0, weight, 1), 0)
    grads, means = jax.tree.map(lambda x: x * share.astype(x.dtype), (grads, means))
    return grads, means | sums


def _average(ema, params, taken: jax.Array, decay: float):
    """The running average; young averages forget faster, so that they do not stay at the start."""
    if ema is None:
        return None
    decay = jnp.minimum(decay, (1.0 + taken) / (10.0 + taken))
    return jax.tree.map(
        lambda old, new: old + (1 - decay).astype(old.dtype) * (new - old), ema, params
    )
