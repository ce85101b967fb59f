"""No test of this folder leaves a process behind."""

import pytest

from tests.engine.subprocesses import Process


@pytest.fixture(autouse=True)
def no_process_stays():
    yield
    while Process.started:
        Process.started.pop().kill()
