"""Memory, work and expected time of a step, from compiling it ahead of time.

For this machine's devices, or for a TPU slice that is not here: libtpu compiles for a topology
without any TPU (https://docs.jax.dev/en/latest/aot.html). Nothing runs.
"""

import contextlib
import dataclasses
import importlib.util
import os
import time
from collections.abc import Iterator, Sequence
from typing import Any

import jax
from jax.experimental import topologies

from xojl_jax.engine.step import compile_ahead
from xojl_jax.errors import BadUsage
from xojl_jax.planning import chips, hlo

# Less optimization: base compiles several times faster. Shardings and FLOPs stay, memory comes out
# larger, and the compiler's estimate of time means nothing.
QUICK = (
    {"exec_time_optimization_effort": -1.0, "memory_fitting_effort": -1.0}
    if hasattr(jax.config, "jax_exec_time_optimization_effort")
    # By jax 0.12 levels have taken the place of efforts.
    else {"optimization_level": "O1", "memory_fitting_level": "O1"}
)

# For libtpu as a mere compiler: no query of the cloud's metadata server, no warnings of missing
# TPUs, and no lock that would exclude another process.
_STAND_ALONE = {
    "TPU_SKIP_MDS_QUERY": "1",
    "TPU_WORKER_HOSTNAMES": "localhost",
    "TPU_ACCELERATOR_TYPE": "v5litepod-8",
    "ALLOW_MULTIPLE_LIBTPU_LOAD": "1",
}


@dataclasses.dataclass(frozen=True)
class CompileReport:
    """A compiled step, as seen from one device.

    Attributes:
      compiled: it can be run only where its devices are.
      chip: data sheet of its devices; None if unknown (CPUs).
      devices: how many there are.
      cost: of one call.
      round: of one round of its longest loop of unknown length, such as one decoded token, which
        `cost` holds once; None if it has no such loop.
      quick: compiled with less optimization, so that the compiler's estimate of time means nothing.
      compile_seconds: on this machine.
    """

    compiled: jax.stages.Compiled
    chip: chips.Chip | None
    devices: int
    cost: hlo.Cost
    round: hlo.Cost | None
    quick: bool
    compile_seconds: float

    @property
    def memory(self) -> dict[str, int]:
        """Bytes of device memory: what is there all the time, temporary buffers, the code."""
        found = self.compiled.memory_analysis()
        return {
            "arguments": found.argument_size_in_bytes,
            "results that take no argument's place": found.output_size_in_bytes
            - found.alias_size_in_bytes,
            "temporary": found.temp_size_in_bytes,
            "code": found.generated_code_size_in_bytes,
        }

    def seconds(self, cost: hlo.Cost) -> dict[str, float]:
        """Of a cost: the least that the chip's peak allows, what the compiler expects, and what the
        collectives take if nothing hides them. Empty where nothing is known."""
        if self.chip is None:
            return {}
        found = {"products at peak": cost.flops / self.chip.flops}
        if cost.cycles and self.chip.clock and not self.quick:
            found["compiler"] = cost.cycles / self.chip.clock
        moved = sum(_leaving(*key, size) for key, size in cost.traffic.items())
        return found | {"collectives": moved / self.chip.links}

    def expected_seconds(self, cost: hlo.Cost) -> float | None:
        """The compiler's estimate with no collective hidden; None where it makes none."""
        times = self.seconds(cost)
        return times["compiler"] + times["collectives"] if "compiler" in times else None


def topology(name: str) -> Sequence[Any]:
    """The devices of a TPU slice that need not be here, by a name such as "v5e:16x16".

    Keeps JAX off this machine's own accelerators from here on.
    """
    jax.config.update("jax_platforms", "cpu")
    for variable, value in _STAND_ALONE.items():
        os.environ.setdefault(variable, value)
    try:
        return topologies.get_topology_desc(name, platform="tpu").devices
    except Exception as error:  # whatever libtpu raises: it is not there, or does not know the name
        raise BadUsage(_advice(name, error)) from error


def _is_elsewhere(mesh) -> bool:
    """Whether a mesh is of devices that this machine does not have."""
    return mesh.devices.flat[0] not in jax.devices()


@contextlib.contextmanager
def _kept_nowhere() -> Iterator[None]:
    """Keeps what is compiled out of the persistent cache: it cannot be read back without the
    devices that it is for, and each try would be a warning."""
    name = "jax_persistent_cache_min_compile_time_secs"
    before = getattr(jax.config, name)
    jax.config.update(name, float("inf"))
    try:
        yield
    finally:
        jax.config.update(name, before)


def compile_step(step, arguments, mesh, *, quick: bool = False) -> CompileReport:
    """Compiles a jitted function for the mesh's devices and reads what came of it.

    Args:
      arguments: ShapeDtypeStructs that carry their shardings.
      quick: see QUICK.

    Raises:
      BadUsage: it does not fit into the devices' memory.
    """
    began = time.perf_counter()
    chip = chips.find(mesh.devices.flat[0].device_kind)
    try:
        with _kept_nowhere() if _is_elsewhere(mesh) else contextlib.nullcontext():
            compiled = compile_ahead(step, arguments, mesh, QUICK if quick else None)
    except jax.errors.JaxRuntimeError as error:
        if "RESOURCE_EXHAUSTED" not in str(error):
            raise
        why = str(error).splitlines()[0].removeprefix("RESOURCE_EXHAUSTED: ").rstrip(".")
        raise BadUsage(f"the step does not fit into a device's memory: {why}") from error
    program = hlo.Program(compiled.as_text())
    _, open_loops = program.times(program.entry)
    rounds = [program.cost(body) for body in open_loops]
    return CompileReport(
        compiled=compiled,
        chip=chip,
        devices=mesh.size,
        cost=program.cost(),
        round=max(rounds, key=lambda cost: cost.flops, default=None),
        quick=quick,
        compile_seconds=time.perf_counter() - began,
    )


def _leaving(collective: str, group: int, size: float) -> float:
    """Bytes that leave a device, at the least, when `size` bytes on each enter a collective."""
    others = (group - 1) / group if group else 1.0
    return (
        size
        * {
            "all-reduce": 2 * others,  # a reduce-scatter and an all-gather
            "all-gather": group * others,
            "reduce-scatter": others,
            "all-to-all": others,
            "collective-permute": 1.0,
        }[collective]
    )


def _advice(name: str, error: Exception) -> str:
    if not (importlib.util.find_spec("libtpu") or os.environ.get("TPU_LIBRARY_PATH")):
        needs = "needs libtpu, which compiles for TPUs without one: pip install '.[tpu]'"
        return f"--topology={name} {needs}, or make .libtpu (docs/plan.md)"
    why = str(error).splitlines()[0] if str(error) else type(error).__name__
    slices = "v5e:2x4, v5e:16x16, v6e:16x16, v5p:4x4x4"
    return f"--topology={name}: {why.rstrip('.')}; name a slice such as {slices}"
