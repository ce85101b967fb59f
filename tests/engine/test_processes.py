"""How a process decides whether it is one of several; test_multiprocess.py runs several of them."""

import os

import jax
import pytest

from xojl_jax.engine import processes
from xojl_jax.errors import BadUsage, UserError


@pytest.fixture
def joined(monkeypatch):
    """An environment that names no job; the arguments with which JAX was asked to join one."""
    for name in list(os.environ):
        if name.startswith(("JAX_NUM", "JAX_PROCESS", "JAX_COORD", "SLURM_", "OMPI_", "TPU_")):
            monkeypatch.delenv(name)
    calls = []
    monkeypatch.setattr(processes, "_start_crash_reporter", lambda seconds: None)
    monkeypatch.setattr(processes, "_exit_when_stalled", lambda seconds: None)
    monkeypatch.setattr(jax.distributed, "initialize", lambda *place, **_: calls.append(place))
    return calls


@pytest.mark.parametrize(
    ("environment", "joins"),
    [
        ({}, False),
        ({"JAX_NUM_PROCESSES": "1"}, False),
        ({"SLURM_NTASKS": "8"}, False),  # a shell of salloc: srun starts the eight
        ({"SLURM_NTASKS": "8", "SLURM_STEP_NODELIST": "node[1-2]"}, True),
        ({"SLURM_NTASKS": "1", "SLURM_STEP_NODELIST": "node1"}, False),
        ({"OMPI_COMM_WORLD_SIZE": "2"}, True),
        ({"TPU_WORKER_HOSTNAMES": "host-0"}, False),
        ({"TPU_WORKER_HOSTNAMES": "host-0,host-1"}, True),
        ({"MEGASCALE_NUM_SLICES": "2"}, True),
    ],
)
def test_auto_asks_the_environment(joined, monkeypatch, environment, joins):
    """Protects a laptop from waiting for others, and a job from being so many lonely runs."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    processes.initialize("auto")
    assert joined == [()] * joins
    processes.initialize("off")
    assert len(joined) == joins


def test_a_job_described_by_hand(joined, monkeypatch):
    """Protects the three variables: they are used, and what is wrong with them is one line."""
    monkeypatch.setenv("JAX_NUM_PROCESSES", "2")
    with pytest.raises(BadUsage, match="JAX_COORDINATOR_ADDRESS and JAX_PROCESS_ID must be set"):
        processes.initialize("auto")
    monkeypatch.setenv("JAX_COORDINATOR_ADDRESS", "node1")
    monkeypatch.setenv("JAX_PROCESS_ID", "1")
    with pytest.raises(BadUsage, match="'node1': set HOST:PORT"):
        processes.initialize("auto")
    monkeypatch.setenv("JAX_COORDINATOR_ADDRESS", "node1:1234")
    processes.initialize("auto")
    assert joined == [("node1:1234", 2, 1)]
    monkeypatch.setenv("JAX_NUM_PROCESSES", "two")
    with pytest.raises(BadUsage, match="JAX_NUM_PROCESSES is 'two': set a number"):
        processes.initialize("auto")


def test_alone_everything_is_immediate():
    """Protects one process: no vote, no wait; what it decides and what fails is its own."""
    assert processes.any_process(True) and not processes.any_process(False)
    assert processes.broadcast_from_process_0(lambda: "path") == "path"
    done = []
    processes.sync_errors(lambda: done.append(1))
    assert done == [1]

    def fail():
        raise UserError("disk")

    with pytest.raises(UserError, match="disk"):
        processes.sync_errors(fail)
    assert not processes.is_peer_lost(ValueError("Gloo AllGather failed"))
    with pytest.raises(ZeroDivisionError), processes.abort_peers_on_failure():
        _ = 1 // 0
