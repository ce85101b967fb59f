"""A device that was asked for or installed for, and is not there."""

import importlib.util
import os
import subprocess
import sys
import types
from pathlib import Path

import jax
import pytest

from xojl_jax.engine import local_devices
from xojl_jax.errors import BadUsage

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("platform", ["tpu", "cuda"])
def test_a_platform_that_is_not_here_is_one_line(monkeypatch, platform):
    """Protects every command from JAX's traceback: what JAX_PLATFORMS asks for, and a way on."""

    def devices():
        raise RuntimeError(
            f"Unable to initialize backend '{platform}': no device found. (you may need to\n"
            "uninstall the failing plugin package, or set JAX_PLATFORMS=cpu.)"
        )

    monkeypatch.setattr(jax, "devices", devices)
    monkeypatch.setattr(local_devices, "_asked", lambda: platform)
    with pytest.raises(BadUsage, match=rf"^JAX_PLATFORMS={platform}: .*unset it") as fault:
        local_devices.check()
    assert "\n" not in str(fault.value) and "no device found" in str(fault.value)


def test_a_gpu_that_was_installed_for_and_is_not_found_is_told(monkeypatch, caplog):
    """Protects from a night on the CPU that was meant for a GPU."""
    monkeypatch.setattr(local_devices, "_asked", lambda: "")
    there = lambda name: types.SimpleNamespace() if name == "jax_cuda12_plugin" else None  # noqa: E731
    monkeypatch.setattr(importlib.util, "find_spec", there)
    local_devices.check()
    assert "installed for a GPU and finds none" in caplog.text
    caplog.clear()
    monkeypatch.setattr(local_devices, "_asked", lambda: "cpu")
    local_devices.check()
    assert not caplog.text


def test_a_command_says_so_in_one_line():
    """Protects `JAX_PLATFORMS=tpu` on a machine without one, in a real process: exit code 2."""
    command = [sys.executable, "-m", "xojl_jax.plan", "--config=configs/stage4.py:tiny"]
    environment = os.environ | {"JAX_PLATFORMS": "tpu", "TPU_SKIP_MDS_QUERY": "1"}
    result = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=200
    )
    assert result.returncode == 2, result.stderr
    assert "Traceback" not in result.stderr and not result.stdout
    assert result.stderr.splitlines()[-1].startswith("error: JAX_PLATFORMS=tpu: ")
