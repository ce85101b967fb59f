"""A TensorFlow SavedModel of an exported model, by orbax-export: what TensorFlow Serving reads.

Each signature is one of the model's own programs, the same StableHLO called from TensorFlow, in the
full size; `serving_default` is the usual one. A signature takes the arrays that the program reads,
by name, and gives its results by name; B, the batch, is open.
"""

import shutil
from pathlib import Path

from jax import export

from xojl_jax.errors import BadUsage
from xojl_jax.serving import folder
from xojl_jax.serving.model import Exported

# TensorFlow Serving has no TPUs.
PLATFORMS = ("cpu", "cuda")
DEFAULT = "serving_default"


def write(out: Path, exported: Exported, version: int = 1) -> None:
    """Writes `OUT/VERSION/saved_model.pb` and what belongs to it, whole or not at all.

    Args:
      out: a folder that does not exist yet; TensorFlow Serving's `base_path`.
      version: the number by which TensorFlow Serving tells versions apart.

    Raises:
      BadUsage: orbax-export or TensorFlow is missing.
    """
    tf, orbax = _libraries()
    programs = exported.model["programs"]
    inputs = {
        name: {
            read: tf.TensorSpec((None, *shape), dtype, name=read)
            for read, (shape, dtype) in exported.model["inputs"].items()
            if read in entry["inputs"]
        }
        for name, entry in programs.items()
    }
    module = orbax.JaxModule(
        exported.params,
        {name: _function(exported.path / entry["file"]) for name, entry in programs.items()},
        input_polymorphic_shape={
            name: dict.fromkeys(specs, "b, ...") for name, specs in inputs.items()
        },
        jax2tf_kwargs={name: {"native_serialization_platforms": PLATFORMS} for name in programs},
    )
    usual = next(iter(programs))
    signatures = [
        orbax.ServingConfig(
            signature_key=[DEFAULT, name] if name == usual else name,
            input_signature=[specs],
            method_key=name,
        )
        for name, specs in inputs.items()
    ]
    with folder.writing(out) as partial:
        orbax.ExportManager(module, signatures).save(str(partial / str(version)))
        for name in (folder.CARD, folder.LICENSE):
            shutil.copyfile(exported.path / name, partial / name)


def _function(path: Path):
    """(params, batch) -> {name: array}, which the program in a file computes."""
    program = export.deserialize(bytearray(path.read_bytes()))
    return lambda params, batch: program.call(params, batch)


def _libraries():
    try:
        import tensorflow as tf
        from orbax import export as orbax
    except ImportError as error:
        raise BadUsage(
            "--savedmodel needs orbax-export and TensorFlow: pip install 'xojl_jax[savedmodel]' "
            f"({error})"
        ) from error
    return tf, orbax
