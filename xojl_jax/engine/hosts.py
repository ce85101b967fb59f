"""Several processes that train together: how they meet, and how they agree.

With one process everything here is free and immediate.
"""

import os
from collections.abc import Callable

import jax
import numpy as np
from jax.experimental import multihost_utils

from xojl_jax.errors import BadInput, BadUsage, UserError

# Room for a path that the first process tells the others.
_MESSAGE_BYTES = 4096
_REFUSED = "!"


def join(mode: str) -> None:
    """Connects the processes of a job: "on", "off", or "auto", which asks the environment.

    JAX_COORDINATOR_ADDRESS, JAX_NUM_PROCESSES and JAX_PROCESS_ID describe a job by hand; TPU
    slices, SLURM and Open MPI are recognised by JAX itself.
    """
    if mode == "off" or (mode == "auto" and not _spans_hosts()):
        return
    names = ("JAX_COORDINATOR_ADDRESS", "JAX_NUM_PROCESSES", "JAX_PROCESS_ID")
    if "JAX_NUM_PROCESSES" not in os.environ:
        jax.distributed.initialize()
        return
    if missing := [name for name in names if name not in os.environ]:
        raise BadUsage(f"JAX_NUM_PROCESSES is set, so {' and '.join(missing)} must be set, too")
    address, count, index = (os.environ[name] for name in names)
    jax.distributed.initialize(address, _number(names[1], count), _number(names[2], index))


def barrier(name: str) -> None:
    """Waits for all processes."""
    if jax.process_count() > 1:
        multihost_utils.sync_global_devices(name)


def any_of(flag: bool) -> bool:
    """Whether the flag is set on any process. All must ask at the same step."""
    if jax.process_count() == 1:
        return flag
    return bool(multihost_utils.process_allgather(np.int32(flag)).any())


def first_decides(decide: Callable[[], str]) -> str:
    """What `decide` says on the first process, known to all; its UserError ends all of them."""
    if jax.process_count() == 1:
        return decide()
    answer, failure = "", None
    if jax.process_index() == 0:
        try:
            answer = decide()
        except UserError as error:
            answer, failure = _REFUSED, error
    message = np.zeros(_MESSAGE_BYTES, np.uint8)
    raw = answer.encode()
    message[: len(raw)] = np.frombuffer(raw, np.uint8)
    answer = bytes(np.asarray(multihost_utils.broadcast_one_to_all(message))).rstrip(b"\0").decode()
    if answer == _REFUSED:
        raise failure or BadInput("the first process refused: see its message")
    return answer


def _spans_hosts() -> bool:
    """Whether the environment names more than one process."""
    several = ("JAX_NUM_PROCESSES", "SLURM_NTASKS", "OMPI_COMM_WORLD_SIZE", "MEGASCALE_NUM_SLICES")
    if any(_number(name, os.environ.get(name, "1")) > 1 for name in several):
        return True
    return len(os.environ.get("TPU_WORKER_HOSTNAMES", "").split(",")) > 1


def _number(name: str, text: str) -> int:
    try:
        return int(text)
    except ValueError as error:
        raise BadUsage(f"the environment variable {name} is {text!r}: set a number") from error
