"""Peak figures of accelerators, from their data sheets, for MFU and for `xojl_jax.plan`.

TPUs: https://docs.cloud.google.com/tpu/docs/v5e, …/v5p, …/v6e. GPUs: NVIDIA's data sheets, dense.
"""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Chip:
    """One device as JAX counts them.

    Attributes:
      kind: a part of `device_kind`.
      flops: dense bf16 FLOP/s.
      memory: bytes of its own memory.
      links: bytes a second that leave the chip towards its neighbors, over all links.
      clock: cycles a second; 0 where we need none. v5e's and v5p's follow from `flops` and their
        matrix units of 128 x 128. v6e's is not published: at 1.75 GHz the compiler's estimate of a
        plain copy uses the same share of the bandwidth as on v5e.
    """

    kind: str
    flops: float
    memory: float
    links: float
    clock: float = 0.0


# Longer names come first: the first that is part of a `device_kind` counts.
CHIPS = (
    Chip("TPU v6 lite", 918e12, 32e9, 400e9, 1.75e9),
    Chip("TPU v6e", 918e12, 32e9, 400e9, 1.75e9),
    Chip("TPU v5 lite", 197e12, 16e9, 200e9, 1.5e9),
    Chip("TPU v5e", 197e12, 16e9, 200e9, 1.5e9),
    Chip("TPU v5", 459e12, 95 * 2**30, 600e9, 1.75e9),  # v5p
    Chip("TPU v4", 275e12, 32e9, 300e9, 1.05e9),
    Chip("B200", 2250e12, 180e9, 900e9),
    Chip("H200", 989e12, 141e9, 450e9),
    Chip("H100", 989e12, 80e9, 450e9),
    Chip("A100", 312e12, 40e9, 300e9),
    Chip("L4", 121e12, 24e9, 32e9),
)


def find(device_kind: str) -> Chip | None:
    """The data sheet of a device, by its `device_kind`; None where we have none."""
    return next((chip for chip in CHIPS if chip.kind in device_kind), None)
