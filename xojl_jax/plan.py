"""Prints what a config would build, need and cost, without training: `python -m xojl_jax.plan`.

Parameters, FLOPs and the memory of the state come from shapes alone, in seconds, at any size. With
`--topology` or `--compile` the real steps are compiled, too, for a TPU slice or for this machine.
"""

import jax
from absl import flags
from ml_collections import config_flags
from rich.console import Console

from xojl_jax import command, compilation_cache, config_fields, tasks, teacher
from xojl_jax.engine import compatibility, fields, local_devices, sharding, state, step
from xojl_jax.errors import BadUsage
from xojl_jax.planning import compile_report, tables
from xojl_jax.planning.compile_report import CompileReport
from xojl_jax.tasks.base import Inference

USAGE = """
Prints a config's parameters, FLOPs, memory, shardings and expected speed without training.

  python -m xojl_jax.plan --config=configs/stage4.py
  python -m xojl_jax.plan --config=configs/stage4.py --topology=v5e:16x16
  python -m xojl_jax.plan --config=configs/stage4.py:small --config.batch_size=16 --compile

--config=FILE[:PRESET]  as for xojl_jax.train
--topology=NAME         compiles the training step and the decoding step for a TPU slice that need
                        not be here (v5e:2x4, v6e:16x16, v5p:4x4x4 …), and prints what they need and
                        how fast they should be; needs libtpu: pip install '.[tpu]'
--compile               the same for this machine's devices
--quick                 compiles with less optimization, for shardings and FLOPs: several times
                        faster, memory comes out larger, and no step time is printed
--decode=N              records that the decoding step answers at once; 0 leaves it out
--shardings             lists how every array is split
--compilation_cache=DIR where compiled programs are kept for the next start; off: nowhere

Exit code 2 where the training does not fit, with what to change.
"""

_CONFIG = config_flags.DEFINE_config_file("config", None, "FILE[:PRESET]", lock_config=True)
_COMPILE = flags.DEFINE_bool("compile", False, "compile the steps for this machine")
_TOPOLOGY = flags.DEFINE_string("topology", "", "compile the steps for a TPU slice")
_QUICK = flags.DEFINE_bool("quick", False, "compile with less optimization")
_DECODE = flags.DEFINE_integer("decode", 8, "records of the decoding step", lower_bound=0)
_CACHE = flags.DEFINE_string("compilation_cache", "", compilation_cache.HELP)
_SHARDINGS = flags.DEFINE_bool("shardings", False, "list how every array is split")


def main() -> None:
    config = command.read_config(_CONFIG)
    compilation_cache.enable(_CACHE.value)
    config_fields.check(config, fields.FIELDS)
    local_devices.check()
    devices = compile_report.topology(_TOPOLOGY.value) if _TOPOLOGY.value else None
    task = tasks.make(config)
    teacher.give(task, config)
    mesh = sharding.make_mesh(config.mesh, devices)
    sharding.check_batch_size(config.batch_size, config.optim.accumulate, mesh)
    setup = state.make_train_setup(task, config, mesh)
    console = Console()
    kind = mesh.devices.flat[0].device_kind
    console.print(f"{task.describe()}, mesh {sharding.describe(mesh)} of {kind}")
    console.print(tables.parameter_table(setup.abstract.params))
    console.print(tables.flops_table(task.flops(), config.batch_size))
    if len(task.buckets()) > 1:
        console.print(tables.bucket_table(task))
    console.print(tables.memory_table(task, setup))
    if _SHARDINGS.value:
        console.print(
            "\n".join(tables.sharding_lines(task, setup)), highlight=False, soft_wrap=True
        )
    if _TOPOLOGY.value or _COMPILE.value:
        train = report_training(task, config, setup)
        console.print(tables.compiled_table(train, "memory of a training step"))
        console.print(tables.speed_table(train, task, config))
        console.print(tables.traffic_table(train))
        if _DECODE.value:
            print_decoding(task, setup, console)
        check_memory(train, config, setup)


def report_training(task, config, setup: state.TrainSetup) -> CompileReport:
    arguments = (setup.abstract, step.abstract_batch(task, setup.mesh))
    train_step = step.make_train_step(task, config, setup)
    try:
        return _compile(train_step, arguments, setup.mesh, "training step")
    except BadUsage as error:
        raise BadUsage(f"{error}; {tables.advice(config, setup)}") from error


def print_decoding(task, setup: state.TrainSetup, console: Console) -> None:
    """The table of the decoding step, or why there is none."""
    try:
        inference = task.inference()
    except BadUsage as error:
        console.print(f"no decoding step: {error}", soft_wrap=True)
        return
    found = report_decoding(task, inference, setup)
    console.print(tables.decoding_table(found, _DECODE.value))


def report_decoding(task, inference: Inference, setup: state.TrainSetup) -> CompileReport:
    """The decoding step as predict and serve run it: on one device, with float32 parameters."""
    mesh = sharding.single(setup.mesh.devices.flat[0])
    whole = sharding.replicated(mesh)

    def on_device(array, shape=None):
        return jax.ShapeDtypeStruct(shape or array.shape, array.dtype, sharding=whole)

    params = jax.tree.map(on_device, setup.abstract.params)
    batch = {
        name: on_device(spec, (_DECODE.value, *spec.shape[1:]))
        for name, spec in task.batch_spec().items()
    }
    predict = jax.jit(lambda params, batch: inference.predict(params, batch))
    return _compile(predict, (params, batch), mesh, "decoding step")


def check_memory(found: CompileReport, config, setup: state.TrainSetup) -> None:
    """Refuses a step that was compiled but is larger than its device. (CPUs: not known.)"""
    needed = sum(found.memory.values())
    if found.chip and needed > found.chip.memory:
        raise BadUsage(
            f"the step needs {needed / tables.GIB:.1f} GiB, a {found.chip.kind} has "
            f"{found.chip.memory / tables.GIB:.1f} GiB; {tables.advice(config, setup)}"
        )


def _compile(step_fn, arguments, mesh, what: str) -> CompileReport:
    """Compiles and logs that: it takes minutes without any other output."""
    console = Console(stderr=True, highlight=False)
    console.print(f"compiling the {what} for {mesh.size} device(s); base takes minutes …")
    found = compile_report.compile_step(step_fn, arguments, mesh, quick=_QUICK.value)
    console.print(f"compiled the {what} in {found.compile_seconds:.0f} s")
    return found


if __name__ == "__main__":
    command.run_absl(main, USAGE, compatibility.RENAMED_FIELDS)
