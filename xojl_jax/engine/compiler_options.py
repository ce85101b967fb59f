"""Options of XLA's compiler for programs that run on CPUs, where compiling is part of every start.

`None`, as on any other platform, means XLA's own. Where JAX is told to leave most optimizations
out (`jax_disable_most_optimizations`), that stays so.
"""

from typing import Any

import jax

# LLVM's next levels compile `tiny` for a quarter longer, and its step is no faster.
_LOOPING = {"xla_backend_optimization_level": 1}
# Optimizing hundreds of random initializers would take half a minute.
_ONCE = {"xla_backend_optimization_level": 0, "xla_llvm_disable_expensive_passes": True}


def for_many_runs(platform: str) -> dict[str, Any] | None:
    """For steps and decoding."""
    return _LOOPING if _ours(platform) else None


def for_one_run(platform: str) -> dict[str, Any] | None:
    """For initialization."""
    return _ONCE if _ours(platform) else None


def _ours(platform: str) -> bool:
    return platform == "cpu" and not jax.config.read("jax_disable_most_optimizations")
