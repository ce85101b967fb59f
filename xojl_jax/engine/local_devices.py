"""The devices of this process, asked for once before anything is computed."""

import importlib.util
import logging
from pathlib import Path

import jax

from xojl_jax.errors import BadUsage

# Packages that make JAX run on something else than the CPU, and what they are for.
PLUGINS = {
    "jax_cuda12_plugin": "a GPU",
    "jax_cuda13_plugin": "a GPU",
    "jax_rocm60_plugin": "a GPU",
    "jax_rocm7_plugin": "a GPU",
    "libtpu": "a TPU",
}

log = logging.getLogger(__name__)


def check() -> None:
    """Starts JAX's back end. Warns where JAX was installed for a GPU or TPU and runs on the CPU.

    Raises:
      BadUsage: JAX_PLATFORMS names a platform that cannot be had here.
    """
    asked = _asked()
    try:
        kind = jax.devices()[0].platform
    except RuntimeError as error:
        why = " ".join(str(error).split(". (")[0].split())
        raise BadUsage(
            f"JAX_PLATFORMS={asked}: no such device can be used here ({why}): unset it, or "
            "JAX_PLATFORMS=cpu for the CPU"
            if asked
            else f"JAX finds no device to run on ({why}): JAX_PLATFORMS=cpu is the CPU"
        ) from error
    if kind == "cpu" and not asked and (missing := _installed_for()):
        log.warning(
            "JAX is installed for %s and finds none: everything runs on the CPU. Is the driver "
            "there (nvidia-smi)? JAX_PLATFORMS=cpu silences this",
            missing,
        )


def _asked() -> str:
    return jax.config.values["jax_platforms"] or ""


def _installed_for() -> str:
    """What the installed plugins are for; "" without one. A machine that only compiles for TPUs
    has libtpu, too, so it counts where a TPU is."""
    for package, device in PLUGINS.items():
        there = importlib.util.find_spec(package) is not None
        if there and (package != "libtpu" or Path("/dev/accel0").exists()):
            return device
    return ""
