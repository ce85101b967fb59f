"""The plan of a run: its figures against a real compilation, its shardings against a listing.

What is compiled for TPUs needs libtpu, and no TPU.
"""

import importlib.util
import os
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import pytest
from jax.experimental import pallas

from configs import stage4
from xojl_jax import tasks
from xojl_jax.engine import sharding, state, step
from xojl_jax.engine.telemetry import TRAINING
from xojl_jax.errors import BadUsage
from xojl_jax.planning import compile_report, tables

GOLDEN = Path(__file__).parent / "data" / "golden" / "base-stage4-v5e-2x4.shardings.txt"
# It has to fit the jax beside it: .libtpu belongs to .venv, .libtpu-3.13 to .venv-3.13.
LIBTPU = Path(sys.prefix).with_name(Path(sys.prefix).name.replace(".venv", ".libtpu"))
LIBTPU = LIBTPU / "libtpu" / "libtpu.so"
if LIBTPU.is_file():
    os.environ.setdefault("TPU_LIBRARY_PATH", str(LIBTPU))
needs_libtpu = pytest.mark.skipif(
    not (LIBTPU.is_file() or importlib.util.find_spec("libtpu")),
    reason="libtpu is not here: make .libtpu",
)


def set_up(preset: str, devices=None, **changes):
    """(task, config, setup), with `changes` of fields such as mesh__fsdp=2."""
    config = stage4.get_config(preset)
    for name, value in changes.items():
        *parents, leaf = name.split("__")
        node = config
        for parent in parents:
            node = node[parent]
        node[leaf] = value
    task = tasks.make(config)
    return (
        task,
        config,
        state.make_train_setup(task, config, sharding.make_mesh(config.mesh, devices)),
    )


@pytest.mark.parametrize("mesh", [pytest.param((8, 1, 1), marks=pytest.mark.slow), (2, 4, 1)])
def test_flops_from_formulas_are_those_of_the_compiled_model(mesh):
    """Protects MFU and every promise made of it: formulas and compiled program agree to 5 %, and
    eight devices together compute what one would, so that nothing is computed twice."""
    sizes = dict(zip(("mesh__data", "mesh__fsdp", "mesh__tensor"), mesh, strict=True))
    task, config, made = set_up("tiny", **sizes)
    evaluate = step.make_eval_step(task, config)
    arguments = (made.abstract.params, step.abstract_batch(task, made.mesh))
    found = compile_report.compile_step(evaluate, arguments, made.mesh, quick=True)
    formula = config.batch_size * sum(task.flops().values())
    assert found.cost.loops == 0
    assert found.cost.flops * made.mesh.size == pytest.approx(formula, rel=0.05)


def test_what_does_not_fit_is_refused_with_advice():
    """Protects people from a crash after an hour in a queue: what to change, the cheapest first."""
    _, config, made = set_up("tiny", mesh__data=2, mesh__fsdp=4, optim__accumulate=1)
    advice = tables.advice(config, made)
    assert "1 sample(s)" in advice and "accumulate" not in advice
    assert advice.index("remat=full") < advice.index("mesh.fsdp=8")


@needs_libtpu
def test_an_unknown_slice_is_refused():
    """Protects a first try: the message names slices that exist."""
    with pytest.raises(BadUsage, match=r"v9:2x2.*such as v5e:2x4"):
        compile_report.topology("v9:2x2")


@needs_libtpu
def test_a_program_larger_than_the_chip_is_refused():
    """Protects the refusal where the compiler itself gives up: how much was wanted, in one line."""
    mesh = sharding.single(compile_report.topology("v5e:2x4")[0])
    x = jax.ShapeDtypeStruct((20, 2**28), jnp.float32, sharding=sharding.replicated(mesh))
    with pytest.raises(BadUsage, match=r"does not fit into a device's memory: .*15\.75G"):
        compile_report.compile_step(jax.jit(lambda x: x[::-1] * 2), (x,), mesh)


@needs_libtpu
def test_kernels_of_our_own_compile_and_are_counted():
    """Protects figures from looking complete where a Pallas kernel does part of the work."""
    mesh = sharding.single(compile_report.topology("v5e:2x4")[0])
    x = jax.ShapeDtypeStruct((8, 128), jnp.float32, sharding=sharding.replicated(mesh))

    def double(source, target):
        target[...] = 2 * source[...]

    def four_times(x):
        kernel = pallas.pallas_call(double, out_shape=jax.ShapeDtypeStruct(x.shape, x.dtype))
        return jax.lax.fori_loop(0, 2, lambda _, x: kernel(x), x)

    found = compile_report.compile_step(jax.jit(four_times), (x,), mesh)
    assert found.cost.kernels == 2


@needs_libtpu
def test_base_is_sharded_as_the_listing_has_it():
    """Protects memory and traffic of `base` on eight v5e chips from a change that nobody wanted.

    After a wanted change: python -m tests.test_plan writes the listing anew.
    """
    task, _, made = base_on(compile_report.topology("v5e:2x4"))
    assert tables.sharding_lines(task, made) == GOLDEN.read_text().splitlines()


@needs_libtpu
@pytest.mark.slow
@pytest.mark.timeout(900)  # minutes of compiling
def test_base_compiles_for_a_tpu_slice():
    """Protects the sharded step of `base`: a real compilation for eight v5e chips accepts it, keeps
    every array where it shall be, and exchanges no more than gathering and summing take."""
    task, config, made = base_on(compile_report.topology("v5e:2x4"))
    found = compile_training(task, config, made)
    wanted, kept = made.shardings, found.compiled.input_shardings[0][0]
    for where, compiled, array in zip(
        jax.tree.leaves(wanted), jax.tree.leaves(kept), jax.tree.leaves(made.abstract), strict=True
    ):
        assert where.is_equivalent_to(compiled, array.ndim)
    once = TRAINING * config.batch_size * sum(task.flops().values()) / made.mesh.size
    assert once < found.cost.flops < 1.25 * once  # what is more is recomputed
    held = sum(array.size for array in jax.tree.leaves(made.abstract.params)) * 4
    assert sum(found.cost.traffic.values()) < 4 * held


@needs_libtpu
@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_tpu_and_a_cpu_are_given_the_same_work():
    """Protects what is said of TPUs that are not here: compiled for this machine's eight devices,
    `base` on the same mesh runs the same FLOPs, to 5 %."""
    on_tpus, on_cpus = (
        compile_training(*base_on(devices))
        for devices in (compile_report.topology("v5e:2x4"), jax.devices())
    )
    assert on_cpus.cost.flops == pytest.approx(on_tpus.cost.flops, rel=0.05)


def compile_training(task, config, made) -> compile_report.CompileReport:
    train_step = step.make_train_step(task, config, made)
    arguments = (made.abstract, step.abstract_batch(task, made.mesh))
    return compile_report.compile_step(train_step, arguments, made.mesh, quick=True)


def base_on(devices):
    """`base` on eight devices."""
    return set_up(
        "base",
        devices,
        batch_size=8,
        mesh__data=2,
        mesh__fsdp=2,
        mesh__tensor=2,
    )


if __name__ == "__main__":
    GOLDEN.parent.mkdir(exist_ok=True)
    slice_task, _, slice_plan = base_on(compile_report.topology("v5e:2x4"))
    GOLDEN.write_text("\n".join(tables.sharding_lines(slice_task, slice_plan)) + "\n")
