"""Data sheets are found by the names that JAX gives to devices."""

from xojl_jax.planning import chips


def test_peaks_of_devices_we_know():
    """Protects MFU: by the longest name that fits, and none for a device we do not know."""
    assert chips.find("NVIDIA H200").flops == 989e12
    assert chips.find("TPU v5 lite").flops == 197e12
    assert chips.find("TPU v5").flops == 459e12
    assert chips.find("cpu") is None
