"""Which device the program that is being traced will run on."""

import jax


def target_platform() -> str:
    """ "cpu", "gpu" or "tpu".

    Where a mesh is current, it is that of the mesh: `plan` compiles for a TPU on a machine that has
    none. Otherwise, it is JAX's default.
    """
    device = jax.sharding.get_abstract_mesh().abstract_device
    return jax.default_backend() if device is None else device.platform


def no_nvidia_gpu(capability: tuple[int, int]) -> str | None:
    """Why the program is not for an NVIDIA GPU of this compute capability or a later one."""
    platform = target_platform()
    if platform != "gpu":
        return f"the program is for a {platform}, not for a GPU"
    device = jax.local_devices(backend="gpu")[0]
    if "cuda" not in device.client.platform_version:
        return f"{device.device_kind} is not an NVIDIA GPU"
    if tuple(map(int, device.compute_capability.split("."))) < capability:
        needed = ".".join(map(str, capability))
        return f"{device.device_kind} has compute capability {device.compute_capability} < {needed}"
    return None
