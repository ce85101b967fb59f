"""Every test runs on eight simulated CPU devices, with strict dtype promotion."""

import os

# Read when jax starts its CPU back end, so it must stand before the first import of jax.
os.environ.setdefault("JAX_PLATFORMS", "cpu")
# Programmes run in turn: the default scheduler lets simulated devices meet at collectives in
# different orders, and on two cores they then wait for one another for ever.
os.environ["XLA_FLAGS"] = (
    os.environ.get("XLA_FLAGS", "")
    + " --xla_force_host_platform_device_count=8"
    + " --xla_cpu_enable_concurrency_optimized_scheduler=false"
).strip()

import jax
import pytest
from absl import flags

jax.config.update("jax_numpy_dtype_promotion", "strict")
# grain's worker machinery reads absl flags, which nobody has parsed under pytest.
flags.FLAGS.mark_as_parsed()


def pytest_addoption(parser):
    parser.addoption("--slow", action="store_true", help="run the longer soaks, too")


def pytest_collection_modifyitems(config, items):
    if config.getoption("--slow"):
        return
    skip = pytest.mark.skip(reason="a longer soak: run it with --slow")
    for item in items:
        if "slow" in item.keywords:
            item.add_marker(skip)
