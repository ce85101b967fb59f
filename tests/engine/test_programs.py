"""One program a bucket: the first at once, the others beside the steps, each compiled once."""

import threading

import numpy as np
import pytest

from xojl_jax.engine.programs import Programs, signature

SMALL, LARGE = "small", "large"


def batch(size):
    return {"x": np.zeros((4, size), np.float32)}


def bucket_of(rows):
    return SMALL if rows["x"].shape[1] == 1 else LARGE


def test_the_first_program_does_not_wait_for_the_second():
    """Protects the first step: it runs while the other bucket is still being compiled, which is
    waited for when its first batch comes, and compiled once."""
    go, made = threading.Event(), []

    def compile_bucket(bucket):
        made.append(bucket)
        if bucket == LARGE:
            assert go.wait(60)
        return lambda state, rows: (state + 1, bucket)

    with Programs(compile_bucket, [SMALL, LARGE], bucket_of) as programs:
        assert programs(0, batch(1)) == (1, SMALL)
        assert programs.is_ready(batch(1)) and not programs.is_ready(batch(2))
        # A signal came: the step does not wait.
        assert programs.is_compiling and not programs.wait(batch(2), lambda: True)
        go.set()
        assert programs.wait(batch(2))
        assert programs.is_ready(batch(2))
        assert [programs(0, batch(2))[1] for _ in range(3)] == [LARGE] * 3
        assert not programs.is_compiling
    assert made == [SMALL, LARGE]


def test_what_the_compiler_raises_reaches_the_step():
    """Protects from a run that hangs: an error of another thread is raised where it is needed."""

    def compile_bucket(bucket):
        if bucket == LARGE:
            raise MemoryError("too large")
        return lambda state, rows: (state, bucket)

    with Programs(compile_bucket, [SMALL, LARGE], bucket_of) as programs:
        assert programs(0, batch(1))[1] == SMALL
        with pytest.raises(MemoryError, match="too large"):
            programs(0, batch(2))


def test_a_batch_is_known_by_its_shapes_without_rows():
    """Protects several processes: this process's rows and the global batch are of one bucket."""
    assert signature({"x": np.zeros((2, 3))}) == signature({"x": np.zeros((8, 3))})
    assert signature({"x": np.zeros((2, 3))}) != signature({"x": np.zeros((2, 4))})
