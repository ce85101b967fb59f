"""Every test runs on eight simulated CPU devices, with strict dtype promotion."""

import gc
import os
import shutil
import tempfile

# All of this is read when jax starts its CPU back end, so it comes before the first import of jax.
os.environ.setdefault("JAX_PLATFORMS", "cpu")
# A collective blocks a thread until all of its devices have come, and a device may have several
# collectives under way. The pool has as many threads as devices (8) or cores, whichever is more: on
# two cores all eight can be waiting, and none is left for the device that they wait for. jaxlib
# 0.12 then aborts the process ("may be stuck", rendezvous.cc).
os.environ.setdefault("PJRT_NPROC", "32")
# Most programs run once or twice here: optimizing them would take most of the time. Commands that
# tests start inherit it.
os.environ.setdefault("JAX_DISABLE_MOST_OPTIMIZATIONS", "1")
# Programs run in turn: with the default scheduler, simulated devices can meet at collectives in
# different orders.
os.environ["XLA_FLAGS"] = (
    os.environ.get("XLA_FLAGS", "")
    + " --xla_force_host_platform_device_count=8"
    + " --xla_cpu_enable_concurrency_optimized_scheduler=false"
).strip()

import jax
import pytest
from absl import flags

from tests import shape_checks

shape_checks.install()  # before the first import of nn and tasks

jax.config.update("jax_numpy_dtype_promotion", "strict")
# grain's worker machinery reads absl flags, which nobody has parsed under pytest.
flags.FLAGS.mark_as_parsed()
# Tracing makes a great many small objects that live on: looking through them for garbage over and
# over takes an eighth of a test's time. Memory stays bounded, it is only looked at less often.
gc.set_threshold(100_000, 20, 100)


@pytest.fixture(scope="session")
def chromium_path() -> str:
    """Where Chromium is, for tests that need one; they are skipped where there is none."""
    from data_prep.browser.chromium import find_chromium
    from xojl_jax.errors import BadUsage

    try:
        path = find_chromium()
    except BadUsage as error:
        # Where a browser was installed, a skip would hide that it cannot be found.
        assert os.environ.get("XOJL_REQUIRE_CHROMIUM") != "1", error
        pytest.skip(str(error))
    pytest.importorskip("playwright", reason="the tests of rendering need Playwright")
    return path


def pytest_addoption(parser):
    parser.addoption("--slow", action="store_true", help="run the longer soaks, too")


_CACHE = pytest.StashKey[str]()


def pytest_configure(config):
    """Compiling is most of this suite: what one process of it compiled, the others read, from a
    folder of this run alone. A folder that the caller names is used instead, and kept."""
    if "JAX_COMPILATION_CACHE_DIR" in os.environ:  # a worker inherits the first process's
        return
    config.stash[_CACHE] = tempfile.mkdtemp(prefix="xojl-compiled-")
    os.environ["JAX_COMPILATION_CACHE_DIR"] = config.stash[_CACHE]
    os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0.3")
    jax.config.update("jax_compilation_cache_dir", config.stash[_CACHE])
    seconds = float(os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"])
    jax.config.update("jax_persistent_cache_min_compile_time_secs", seconds)


def pytest_unconfigure(config):
    if _CACHE in config.stash:
        shutil.rmtree(config.stash[_CACHE], ignore_errors=True)


def pytest_collection_finish():
    gc.freeze()  # modules stay


def pytest_collection_modifyitems(config, items):
    # Tests of whole commands, beside this file, are among the longest, and a file stays with one
    # worker: begun last, they would run alone when all others are done.
    items.sort(key=lambda item: item.path.parent != config.rootpath / "tests")
    if config.getoption("--slow"):
        return
    skip = pytest.mark.skip(reason="a longer soak: run it with --slow")
    for item in items:
        if "slow" in item.keywords:
            item.add_marker(skip)
