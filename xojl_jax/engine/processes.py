"""Several processes that train together: how they meet, how they agree, how they part.

With one process everything here is free and immediate.

None waits for ever for another. What the first process refuses, and what fails on any of them at a
place where they agree, ends all with a line each. A process that dies or stands still is missed
after PEER_TIMEOUT seconds: JAX then aborts all the others (exit code 134), and the last line on
their standard error says why. Where all live and yet no step ends for STALL_TIMEOUT seconds, they
end themselves. Starting all of them again goes on from the newest checkpoint.
"""

import atexit
import contextlib
import os
import re
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable
from typing import NoReturn

import jax
import numpy as np
from jax.experimental import multihost_utils

from xojl_jax.errors import BadInput, BadUsage, UserError

# Seconds of silence after which a process counts as dead. JAX's own default: users found less too
# little for large machines, whose heartbeats may stop while they pin memory.
PEER_TIMEOUT = 100
# Seconds without an ended step after which a job of several counts as stuck: more than the longest
# evaluation takes, compilation included. A process that hangs may send heartbeats all the same.
STALL_TIMEOUT = 1800
# Room for a path that the first process tells the others.
_MESSAGE_BYTES = 4096
_REFUSED = "!"
# What collectives between hosts say when the other side has gone: on the CPU, on NVIDIA GPUs. On
# TPUs they wait, until JAX misses the heartbeats.
_LOST_PEER = re.compile(r"\b(Gloo|NCCL)\b")


def initialize(
    mode: str, peer_timeout: int = PEER_TIMEOUT, stall_timeout: int = STALL_TIMEOUT
) -> None:
    """Connects the processes of a job: "on", "off", or "auto", which asks the environment.

    JAX_COORDINATOR_ADDRESS, JAX_NUM_PROCESSES and JAX_PROCESS_ID describe a job by hand; TPU
    slices, SLURM and Open MPI are recognized by JAX itself.

    Args:
      peer_timeout: seconds without a heartbeat after which a process is given up, and the others
        with it; as long at most do those that have ended wait for the rest.
      stall_timeout: seconds between two calls of `alive` after which this process ends itself.
    """
    if mode == "off" or (mode == "auto" and not _spans_hosts()):
        return
    names = ("JAX_COORDINATOR_ADDRESS", "JAX_NUM_PROCESSES", "JAX_PROCESS_ID")
    place: tuple = ()
    if "JAX_NUM_PROCESSES" in os.environ:
        if missing := [name for name in names if name not in os.environ]:
            raise BadUsage(f"JAX_NUM_PROCESSES is set, so {' and '.join(missing)} must be set, too")
        address, count, index = (os.environ[name] for name in names)
        if not address.rpartition(":")[2].isdecimal():
            raise BadUsage(f"JAX_COORDINATOR_ADDRESS is {address!r}: set HOST:PORT")
        place = (address, _number(names[1], count), _number(names[2], index))
    _start_crash_reporter(peer_timeout)
    try:
        jax.distributed.initialize(
            *place,
            heartbeat_timeout_seconds=peer_timeout,
            shutdown_timeout_seconds=peer_timeout,
        )
    except ValueError as error:  # no cluster that JAX knows, or a number out of range
        raise BadUsage(
            f"cannot join the processes of a job: {_one_line(error)} Set {', '.join(names)}, or "
            "--distributed=off for one process"
        ) from error
    except RuntimeError as error:
        raise UserError(f"the processes of this job did not meet: {_one_line(error)}") from error
    threading.Thread(target=_exit_when_stalled, args=(stall_timeout,), daemon=True).start()


def report_progress() -> None:
    """To be called after every step."""
    global _last_progress
    _last_progress = time.monotonic()


def any_process(flag: bool) -> bool:
    """Whether the flag is set on any process. All must ask at the same step."""
    if jax.process_count() == 1:
        return flag
    return bool(multihost_utils.process_allgather(np.int32(flag)).any())


def sync_errors(act: Callable[[], None]) -> None:
    """Acts on every process and waits for all of them; a UserError on any of them ends all."""
    failure = None
    try:
        act()
    except UserError as error:
        failure = error
    if any_process(failure is not None):
        raise failure or UserError("another process of this run failed: see its message")


def broadcast_from_process_0(decide: Callable[[], str]) -> str:
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


@contextlib.contextmanager
def abort_peers_on_failure():
    """A process that fails on its own leaves at once; one that was cut off says so in one line.

    Left to themselves Python and JAX would first wait for threads that wait for other processes,
    and then for these processes to end.
    """
    try:
        yield
    except UserError:
        raise  # mostly all of them have it: they part in good order
    except Exception as error:
        if jax.process_count() == 1:
            raise
        if lost_a_peer(error):
            _exit_with_error(f"{_lost_peer_message()} ({_one_line(error)})")
        traceback.print_exception(error)
        _stop_crash_reporter()
        os._exit(1)


def lost_a_peer(error: BaseException) -> bool:
    """Whether an error means that the connection to another process broke."""
    return jax.process_count() > 1 and _LOST_PEER.search(str(error)) is not None


def _lost_peer_message() -> str:
    return (
        "another process of this run did not come, died, ended or does not answer: see what it and "
        "its machine say, then start all again; they go on from the newest checkpoint"
    )


# When the last step ended; None before the first one, which may compile for long.
_last_progress: float | None = None


def _exit_when_stalled(stall_timeout: int) -> None:
    while _last_progress is None or time.monotonic() - _last_progress < stall_timeout:
        time.sleep(1)
    _exit_with_error(f"no step has ended for {stall_timeout} s: {_lost_peer_message()}")


def _exit_with_error(what: str) -> NoReturn:
    print(f"error: {what}", file=sys.stderr, flush=True)
    _stop_crash_reporter()
    os._exit(1)


# A shell that says a last word if this process ends without having said `_stop_crash_reporter`.
_crash_reporter: subprocess.Popen | None = None


def _start_crash_reporter(peer_timeout: int) -> None:
    """Whatever kills this process, JAX itself included, one line says so after all the others.

    JAX offers no other way: it aborts, and a Python function cannot be called back at that point.
    """
    global _crash_reporter
    told = (
        f"error: process {os.getpid()} was killed or aborted; if the lines above speak of tasks or "
        f"RPCs: {_lost_peer_message()} (a silent one is given {peer_timeout} s)"
    )
    script = 'trap "" INT TERM HUP; read -r farewell || echo "$0" >&2'
    _crash_reporter = subprocess.Popen(["sh", "-c", script, told], stdin=subprocess.PIPE)
    atexit.register(_part)


def _part() -> None:
    """The end in good order: waits for the other processes, then needs no last words."""
    jax.distributed.shutdown()
    _stop_crash_reporter()


def _stop_crash_reporter() -> None:
    global _crash_reporter
    if _crash_reporter is not None:
        _crash_reporter.communicate(b"farewell\n")
        _crash_reporter = None


def _spans_hosts() -> bool:
    """Whether the environment names more than one process.

    That of a TPU VM does not: JAX asks its metadata server, and only --distributed=on does here.
    """
    several = ["JAX_NUM_PROCESSES", "OMPI_COMM_WORLD_SIZE", "MEGASCALE_NUM_SLICES"]
    # Under srun; a shell of salloc or sbatch is one process.
    if "SLURM_STEP_NODELIST" in os.environ:
        several.append("SLURM_NTASKS")
    if any(_number(name, os.environ.get(name, "1")) > 1 for name in several):
        return True
    workers = ("TPU_PROCESS_ADDRESSES", "TPU_WORKER_HOSTNAMES")
    return any("," in os.environ.get(name, "") for name in workers)


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())


def _number(name: str, text: str) -> int:
    try:
        return int(text)
    except ValueError as error:
        raise BadUsage(f"the environment variable {name} is {text!r}: set a number") from error
