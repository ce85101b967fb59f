"""What switches of the layout model save: models that differ in config fields, in one run.

  python -m benchmarks.switches --set=savings --preset=tiny                  # two CPU cores
  python -m benchmarks.switches --set=savings --preset=base --sizes          # seconds
  python -m benchmarks.switches --set=pyramid --preset=base --topology=v5e:2x4 --quick

Of each model: parameters, the size of its file in float32 and with kernels as int8 (X100), forward
FLOPs of a sample by formula, and the temporary memory and the time of a training step. Beside that
the time of encoding a section, and of a token of all rows once they are encoded: random weights,
every token legal, as many tokens as a target may hold. On CPUs times are processor time, else clock
time; models take turns, so that what else the machine does meets all alike.

With --topology the training step is compiled for a slice of TPUs that need not be here, and nothing
runs: memory is all that a device needs, time is what the compiler expects (docs/plan.md). Prints
a table in Markdown.
"""

import argparse
import functools
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import numpy as np

from benchmarks import decode
from benchmarks import step as training
from benchmarks.buckets import describe_machine
from configs import stage4
from xojl_jax import command, tasks
from xojl_jax.config_fields import flatten
from xojl_jax.engine import int8, sharding, state, step
from xojl_jax.errors import BadUsage
from xojl_jax.planning import compile_report
from xojl_jax.tasks.layout.model import LayoutModel

MIB = 2**20
HEADER = (
    *("model", "parameters, M", "MB", "MB as int8", "GFLOP"),
    *("MiB a step", "s a step", "ms to encode", "ms a token"),
)


def main(argv: list[str]) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--set", choices=SETS, required=True, help="which models")
    add("--preset", default="tiny", help="of configs/stage4.py (default tiny)")
    add("--only", nargs="*", default=[], metavar="MODEL", help="of the set (default: all)")
    add("--sizes", action="store_true", help="compile nothing: what follows from shapes alone")
    add("--batch", type=int, default=8, help="samples of a training step (default 8)")
    add("--records", type=int, default=4, help="sections that are answered at once (default 4)")
    add("--rounds", type=int, default=5, help="how often each is timed (default 5)")
    add("--topology", default="", help="only compile the training step for this slice")
    add("--quick", action="store_true", help="with --topology, with less optimization")
    add("--fields", nargs="*", default=[], metavar="FIELD=VALUE", help="of all models alike")
    flags = parser.parse_args(argv)
    configs = configs_of(flags)
    print(f"{flags.preset}, {flags.topology or describe_machine()}, batch {flags.batch}")
    header = "| " + " | ".join(HEADER) + " |\n| --- |" + " ---: |" * (len(HEADER) - 1)
    if flags.sizes:
        print(header)
        for name, config in configs.items():
            print(row(name, sizes(config), [None] * 4))
        return
    if flags.topology:
        devices = compile_report.topology(flags.topology)
        print(header, flush=True)
        for name, config in configs.items():
            print(row(name, sizes(config), expected(config, devices, flags.quick)), flush=True)
        return
    running = {name: Running.of(config, flags.records) for name, config in configs.items()}
    times = take_turns(running, flags.rounds)
    print(header)
    for name, config in configs.items():
        print(row(name, sizes(config), [running[name].memory / MIB, *times[name]]))


# --- the models ----------------------------------------------------------------------------------


def pyramid(_) -> dict[str, dict[str, Any]]:
    """X066: the level that the decoder reads, from a feature pyramid or from the last layer."""
    return {"pyramid": {}, "without": {"model.visual_memory": "last"}}


def savings(config) -> dict[str, dict[str, Any]]:
    """X103: none, each by itself, and all that the second document's plan for decoders lists."""
    target, heads = config.model.max_target, config.heads
    none = {
        "model.decoder": "separate",
        "model.remat": "none",
        "heads": f"{heads},carousel,accordion,gallery",
    }
    each = {
        "one decoder for both views (X097)": {"model.decoder": "shared"},
        "one detector of patterns (X099)": {"heads": f"{heads},advanced"},
        "gradient checkpointing (X057)": {"model.remat": "attention"},
        # 512 and 64 of 2,048 positions, in four blocks.
        "window and blocks of keys (X098)": {
            "model.decoder_window": target // 4,
            "model.decoder_top_k": target // 32,
            "model.decoder_key_block": target // 128,
        },
    }
    every = functools.reduce(lambda one, other: one | other, each.values(), none)
    return {
        "none of them": none,
        **{name: none | changes for name, changes in each.items()},
        "all of them": every,
        "all, and early exits (X101)": every | {"model.exit_at": 0.85},
    }


SETS: dict[str, Callable[[Any], dict[str, dict[str, Any]]]] = {
    "pyramid": pyramid,
    "savings": savings,
}


def configs_of(flags: argparse.Namespace) -> dict[str, Any]:
    """The config of each model by its name."""

    def make(changes: dict[str, Any]):
        config = stage4.get_config(flags.preset)
        before = flatten(config)
        shared = dict(one.split("=", 1) for one in flags.fields)
        given = {name: type(before[name])(value) for name, value in shared.items()}
        with config.unlocked():
            config.batch_size = flags.batch
            config.update_from_flattened_dict(given)
            config.update_from_flattened_dict(changes)
        return config

    models = SETS[flags.set](make({}))
    if unknown := set(flags.only) - set(models):
        raise BadUsage(
            f"--only: there is no {', '.join(sorted(unknown))}: choose of {', '.join(models)}"
        )
    return {name: make(models[name]) for name in flags.only or models}


# --- what they need ------------------------------------------------------------------------------


def sizes(config) -> list[float]:
    """Millions of parameters, MB in float32, MB with int8 kernels, GFLOP of a sample."""
    task = tasks.make(config)
    boxed = jax.eval_shape(task.init, jax.random.key(0))
    flat, axes = flatten(sharding.unbox(boxed), "/"), int8.output_axes(boxed)
    count = sum(leaf.size for leaf in flat.values())
    small = sum(leaf.size if path in axes else 4 * leaf.size for path, leaf in flat.items())
    small += sum(4 * int(np.prod([flat[path].shape[i] for i in axes[path]])) for path in axes)
    return [count / 1e6, 4 * count / 1e6, small / 1e6, sum(task.flops().values()) / 1e9]


def expected(config, devices, quick: bool) -> list[float | None]:
    """MiB that a device needs for a training step on a slice that need not be here, and the seconds
    that the compiler expects; None where it makes no estimate."""
    task = tasks.make(config)
    mesh = sharding.make_mesh(config.mesh, devices)
    setup = state.make_train_setup(task, config, mesh)
    arguments = (setup.abstract, step.abstract_batch(task, mesh))
    train_step = step.make_train_step(task, config, setup)
    found = compile_report.compile_step(train_step, arguments, mesh, quick=quick)
    return [sum(found.memory.values()) / MIB, found.expected_seconds(found.cost), None, None]


class Running(NamedTuple):
    """What is timed of a model.

    Attributes:
      train: a training step, of the state that the last one left.
      encode, decode: of the same records, encoded alone, and encoded and decoded.
      tokens: that `decode` writes in each row.
      memory: bytes of temporary memory that the training step needs.
    """

    train: Callable[[], Any]
    encode: Callable[[], Any]
    decode: Callable[[], Any]
    records: int
    tokens: int
    memory: int

    @classmethod
    def of(cls, config, records: int) -> "Running":
        compiled, first, batch = training.build(config)
        states = [first]

        def train():
            states[0], metrics = compiled(states[0], batch)
            return states[0], metrics

        task = tasks.make(config)
        params, sections = decode.inputs(task, records)
        steps = config.model.max_target
        apply = functools.partial(task.model().apply, method=LayoutModel.encode)
        encode = jax.jit(lambda params, batch: apply({"params": params}, batch)[0])
        write = jax.jit(functools.partial(decode.decode_freely, task, steps=steps))
        return cls(
            train,
            functools.partial(encode, params, sections),
            functools.partial(write, params, sections),
            records,
            steps,
            compiled.memory_analysis().temp_size_in_bytes,
        )


def take_turns(models: dict[str, Running], rounds: int) -> dict[str, list[float]]:
    """Of each model: seconds of a training step, ms to encode a section, ms of a token of all
    rows."""
    clock = time.process_time if jax.default_backend() == "cpu" else time.perf_counter
    found: dict[str, list[list[float]]] = {name: [] for name in models}
    for _ in range(rounds + 1):
        for name, model in models.items():
            seconds = []
            for run in (model.train, model.encode, model.decode):
                began = clock()
                jax.block_until_ready(run())
                seconds.append(clock() - began)
            found[name].append(seconds)
    medians = {}
    for name, model in models.items():
        step, encoding, decoding = np.median(found[name][1:], axis=0)
        token = 1e3 * (decoding - encoding) / model.tokens
        medians[name] = [step, 1e3 * encoding / model.records, token]
    return medians


def row(name: str, *figures: list[float | None]) -> str:
    cells = ["–" if x is None else f"{x:,.4g}" for some in figures for x in some]
    return "| " + " | ".join([name, *cells]) + " |"


if __name__ == "__main__":
    command.run(main)
