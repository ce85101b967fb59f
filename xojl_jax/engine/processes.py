"""Several processes that train together: how they start, agree, and end together if one fails.

With one process everything here is free and immediate.

No process waits without a limit for another. An error on process 0 in `broadcast_from_process_0`,
or on any process in `sync_errors`, ends all of them with a message each. A process that sends no
heartbeat for PEER_TIMEOUT seconds counts as dead: JAX then aborts the others (exit code 134). Where
heartbeats come but no step ends for STALL_TIMEOUT seconds, the processes exit by themselves. The
last line of each says why. A crash reporter prints it, since JAX's own threads log until the end.
When all are started again, they resume from the newest checkpoint.
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
from jax._src import distributed  # the key-value store has no public name (jax 0.10 to 0.12)
from jax.experimental import multihost_utils

from xojl_jax.engine.joint_stop import JointStop
from xojl_jax.errors import BadInput, BadUsage, UserError

# Seconds without a heartbeat after which a process counts as dead. JAX's own default: users found
# less too little for large machines, whose heartbeats may pause while they pin memory.
PEER_TIMEOUT = 100
# Seconds without an ended step after which a job of several counts as stuck: more than the longest
# evaluation takes, compilation included. A process that hangs may send heartbeats all the same.
STALL_TIMEOUT = 1800
# Size of the message in which process 0 sends a path to the others.
_MESSAGE_BYTES = 4096
_REFUSED = "!"
# In errors of collectives whose other side is gone: on CPUs, on NVIDIA GPUs. On TPUs collectives
# wait, until JAX misses the heartbeats.
_LOST_PEER = re.compile(r"\b(Gloo|NCCL)\b")


def initialize(
    mode: str, peer_timeout: int = PEER_TIMEOUT, stall_timeout: int = STALL_TIMEOUT
) -> None:
    """Connects the processes of a job: "on", "off", or "auto", which reads the environment.

    JAX_COORDINATOR_ADDRESS, JAX_NUM_PROCESSES and JAX_PROCESS_ID describe a job by hand; TPU
    slices, SLURM and Open MPI are recognized by JAX itself.

    Args:
      peer_timeout: seconds without a heartbeat after which a process counts as dead, and all
        are aborted; processes that are done wait this long at most for the rest.
      stall_timeout: seconds between two calls of `report_progress` after which this process exits.
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
    """Restarts the stall timeout. To be called after every step."""
    global _last_progress
    _last_progress = time.monotonic()


def any_process(flag: bool) -> bool:
    """Whether the flag is set on any process. All processes must call it at the same step."""
    if jax.process_count() == 1:
        return flag
    return bool(multihost_utils.process_allgather(np.int32(flag)).any())


def sync_errors(act: Callable[[], None]) -> None:
    """Calls `act` on every process and waits for all; a UserError on any is raised on all."""
    failure = None
    try:
        act()
    except UserError as error:
        failure = error
    if any_process(failure is not None):
        raise failure or UserError("another process of this run failed: see its message")


def broadcast_from_process_0(decide: Callable[[], str]) -> str:
    """What `decide` returns on process 0, on every process; its UserError is raised on all.

    Args:
      decide: called on process 0 only; its result has _MESSAGE_BYTES bytes at most.
    """
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


def joint_stop(place: str) -> JointStop | None:
    """By which several processes stop together at one place of a run; None for one process."""
    client = distributed.global_state.client
    if jax.process_count() == 1 or client is None:
        return None
    return JointStop(client, jax.process_index(), jax.process_count(), place)


def exit_at_once(code: int, line: str) -> NoReturn:
    """Prints a line and ends the process: no handler, no waiting for other threads or processes."""
    print(line, file=sys.stderr, flush=True)
    _stop_crash_reporter()
    os._exit(code)


def exit_together(code: int) -> NoReturn:
    """Ends the process once all have come here, without waiting for its other threads."""
    if jax.process_count() > 1:
        _shut_down()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


@contextlib.contextmanager
def abort_peers_on_failure():
    """Exits at once on any other error than a UserError, so that the other processes notice.

    Python and JAX would otherwise first wait for threads that wait for other processes, and then
    for these processes to end. An error that only says that a peer is gone becomes one line.
    """
    try:
        yield
    except UserError:
        raise  # mostly raised on all of them: an orderly shutdown works
    except Exception as error:
        if jax.process_count() == 1:
            raise
        if is_peer_lost(error):
            _exit_with_error(f"{_lost_peer_message()} ({_one_line(error)})")
        traceback.print_exception(error)
        _stop_crash_reporter()
        os._exit(1)


def is_peer_lost(error: BaseException) -> bool:
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
    pipe = None if _crash_reporter is None else _crash_reporter.stdin
    if pipe is None:
        print(f"error: {what}", file=sys.stderr, flush=True)
    else:
        with contextlib.suppress(OSError):  # it was ended from outside
            os.write(pipe.fileno(), f"error: {_one_line(what)}\n".encode())
    os._exit(1)


# A shell that prints a line if this process ends without `_stop_crash_reporter`: the last one that
# it was sent, or that it was killed or aborted.
_crash_reporter: subprocess.Popen | None = None
_CRASH_REPORTER = """
trap "" INT TERM HUP
while read -r line; do
  [ "$line" != stopped ] || exit
  set -- "$line"
done
printf "%s\\n" "$1" >&2
"""


def _start_crash_reporter(peer_timeout: int) -> None:
    """Prints a last line if this process is killed, or aborted by JAX itself.

    It takes a process of its own: JAX aborts without calling back any Python function.
    """
    global _crash_reporter
    message = (
        f"error: process {os.getpid()} was killed or aborted; if the lines above speak of tasks or "
        f"RPCs: {_lost_peer_message()} (a silent one is given {peer_timeout} s)"
    )
    command = ["sh", "-c", _CRASH_REPORTER, "crash-reporter", message]
    _crash_reporter = subprocess.Popen(command, stdin=subprocess.PIPE)
    atexit.register(_shut_down)


def _shut_down() -> None:
    """The orderly end: waits for the other processes; there is no crash to report then."""
    jax.distributed.shutdown()
    _stop_crash_reporter()


def _stop_crash_reporter() -> None:
    global _crash_reporter
    if _crash_reporter is not None:
        _crash_reporter.communicate(b"stopped\n")
        _crash_reporter = None


def _spans_hosts() -> bool:
    """Whether the environment names more than one process.

    On a TPU VM it names none: JAX queries a metadata server there, but only with --distributed=on.
    """
    several = ["JAX_NUM_PROCESSES", "OMPI_COMM_WORLD_SIZE", "MEGASCALE_NUM_SLICES"]
    # Under srun; a shell of salloc or sbatch is one process.
    if "SLURM_STEP_NODELIST" in os.environ:
        several.append("SLURM_NTASKS")
    if any(_number(name, os.environ.get(name, "1")) > 1 for name in several):
        return True
    workers = ("TPU_PROCESS_ADDRESSES", "TPU_WORKER_HOSTNAMES")
    return any("," in os.environ.get(name, "") for name in workers)


def _one_line(error: Exception | str) -> str:
    return " ".join(str(error).split())


def _number(name: str, text: str) -> int:
    try:
        return int(text)
    except ValueError as error:
        raise BadUsage(f"the environment variable {name} is {text!r}: set a number") from error
