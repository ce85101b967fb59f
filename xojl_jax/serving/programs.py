"""Compiled-for-later programs: what a task computes, as StableHLO for every platform.

A program is `(params, batch) -> {name: array}`. Its batch size is open; its platforms are CPU,
NVIDIA GPU and TPU in one artifact, so its attention is the portable one. It holds no parameters.

B batch.
"""

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import jax
import numpy as np
from jax import export

from xojl_jax.engine import compiler_options
from xojl_jax.errors import BadInput
from xojl_jax.nn.attention import portable
from xojl_jax.tasks.base import Bucket, Inference, Params, Task

PLATFORMS = ("cpu", "cuda", "tpu")
# Jax can read what it wrote for about half a year; ours are traced for the oldest that we support.
Spec = Mapping[str, jax.ShapeDtypeStruct]


class Program:
    """One program of an exported model, compiled for each batch size when that first comes.

    Attributes:
      options: of `Inference.predict`, which it computes.
      inputs: name -> (shape without the batch, dtype) of the arrays that it reads.
    """

    def __init__(self, blob: bytes, options: dict[str, Any], inputs: Mapping[str, tuple]):
        try:
            exported = export.deserialize(bytearray(blob))
        except Exception as error:  # its reader raises all kinds of errors
            raise _unreadable(error) from error
        self.options, self.inputs = options, inputs
        platform = jax.default_backend()
        platform = "cuda" if platform == "gpu" else platform
        if platform not in exported.platforms:
            raise BadInput(
                f"the model's programs are for {', '.join(exported.platforms)}, this is a "
                f"{platform}: set JAX_PLATFORMS=cpu"
            )
        self._call = jax.jit(
            exported.call, compiler_options=compiler_options.for_many_runs(platform)
        )

    def __call__(self, params: Params, batch: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """The named results on the host, B leading.

        Args:
          params: on the device.
          batch: arrays of one batch size; those that the program does not read are left aside.
        """
        read = {name: np.asarray(batch[name], dtype) for name, (_, dtype) in self.inputs.items()}
        try:
            return jax.device_get(self._call(params, jax.device_put(read)))
        except jax.errors.JaxRuntimeError as error:
            # An older jax notices only here that it does not know the program's operations.
            if "deserialize StableHLO" not in str(error):
                raise
            raise _unreadable(error) from error


def _unreadable(error: Exception) -> BadInput:
    said = str(error).splitlines()[0]
    return BadInput(
        f"a program of the model cannot be read by jax {jax.__version__} ({said}): "
        "export the model again with this version of jax"
    )


class Buckets:
    """A program in several sizes: a batch runs in the first that holds it.

    Attributes:
      full: of the full size.
      smaller: (bucket, a function that reads its program) from cheap to dear.
      task: which knows what a bucket holds.
    """

    def __init__(
        self,
        full: Program,
        smaller: Sequence[tuple[Bucket, Callable[[], Program]]],
        task: Task,
    ):
        self._full, self._smaller, self._task = full, tuple(smaller), task
        self.options, self.inputs = full.options, full.inputs

    def __call__(self, params: Params, batch: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """As `Program`, for a batch of the full size."""
        batch = {name: np.asarray(batch[name]) for name in self.inputs}
        for bucket, program in self._smaller:
            if self._task.fits(batch, bucket):
                return program()(params, self._task.cut(batch, bucket))
        return self._full(params, batch)

    def size_of(self, sample: Mapping[str, np.ndarray]) -> int:
        """The number of the first size that holds a sample, without a batch dimension."""
        if not self._smaller:
            return 0
        batch = {name: np.asarray(sample[name])[None] for name in self.inputs}
        fits = (i for i, (each, _) in enumerate(self._smaller) if self._task.fits(batch, each))
        return next(fits, len(self._smaller))

    def warm(self, params: Params, rows: int) -> None:
        """Compiles every size for batches of so many rows."""
        for program in (*(read() for _, read in self._smaller), self._full):
            shapes = program.inputs.items()
            program(params, {n: np.zeros((rows, *shape), dtype) for n, (shape, dtype) in shapes})


def serialize(
    inference: Inference, options: Mapping[str, Any], params: Params, spec: Spec
) -> tuple[bytes, dict[str, tuple[tuple[int, ...], str]]]:
    """One program, and name -> (shape without the batch, dtype) of what it reads.

    Args:
      options: of `Inference.predict`.
      params: the parameters, or their shapes.
      spec: of a batch of the task, B leading, with more arrays than prediction reads.
    """
    params = jax.tree.map(lambda x: jax.ShapeDtypeStruct(x.shape, x.dtype), params)
    (size,) = export.symbolic_shape("b")
    batch = {
        name: jax.ShapeDtypeStruct((size, *array.shape[1:]), array.dtype)
        for name, array in spec.items()
    }

    def program(params, batch):
        return inference.to_named(inference.predict(params, batch, **options))

    with portable(), _without_folders():
        read = _names_read(program, params, batch)
        batch = {name: batch[name] for name in read}
        exported = export.export(jax.jit(program), platforms=PLATFORMS)(params, batch)
    inputs = {name: (tuple(array.shape[1:]), array.dtype.name) for name, array in batch.items()}
    return bytes(exported.serialize()), inputs


@contextlib.contextmanager
def _without_folders() -> Iterator[None]:
    """Source files are told from the package on, or by name: an exported model is given to others,
    and the folders of this machine are not theirs to know."""
    name = "jax_hlo_source_file_canonicalization_regex"
    before = getattr(jax.config, name)
    jax.config.update(name, r"^(.*/(?=(?:xojl_jax|site-packages)/)|.*/)")
    try:
        yield
    finally:
        jax.config.update(name, before)


def _names_read(program, params, batch) -> list[str]:
    """The arrays of a batch that reach the result: labels, above all, do not."""
    jaxpr = jax.make_jaxpr(program)(params, batch).jaxpr
    used = {id(x) for equation in jaxpr.eqns for x in equation.invars}
    used |= {id(x) for x in jaxpr.outvars}
    names = sorted(batch)  # as a dict is flattened
    own = jaxpr.invars[len(jaxpr.invars) - len(names) :]
    return [name for name, variable in zip(names, own, strict=True) if id(variable) in used]
