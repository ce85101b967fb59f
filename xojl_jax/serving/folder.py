"""The folder of an exported model: which files there are, and whether they are whole.

    model.json             format, version, config, programs and their inputs, array shapes
    task/NAME.json         what the task keeps beside its parameters: the vocabulary, say
    params.safetensors     parameters by paths such as trunk/vision/…: float32, or kernels as int8
    orbax/                 the same, as Orbax lays them out; not beside int8
    programs/NAME.jaxexport   StableHLO for cpu, cuda and tpu, as jax.export serializes it
    training.json          how inputs of the training look, and a baseline; not where the data was
                           not at hand
    model_card.md, LICENSE
    manifest.json          size and sha256 of every other file; written last

It is written beside its place and renamed when it is whole, so a half-written one is never read.
"""

import contextlib
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from xojl_jax import files
from xojl_jax.errors import BadInput, BadUsage

# 2 since kernels may be stored as int8; models of floats are written as 1, which earlier versions
# read.
FORMAT, FLOATS_ONLY = 2, 1
MODEL, MANIFEST, PARAMS, CARD, LICENSE = (
    "model.json",
    "manifest.json",
    "params.safetensors",
    "model_card.md",
    "LICENSE",
)
TASK, PROGRAMS, ORBAX = "task", "programs", "orbax"


def is_exported(path: str | os.PathLike) -> bool:
    """Whether a path is an exported model, rather than a run or a checkpoint."""
    return (Path(path).expanduser() / MODEL).is_file()


def check_free(out: Path) -> None:
    """Raises BadUsage where something is that a model would replace."""
    if out.exists() and not (out.is_dir() and not any(out.iterdir())):
        raise BadUsage(f"--out: {out} exists: name another folder, or remove it")


@contextlib.contextmanager
def writing(out: Path) -> Iterator[Path]:
    """Gives a folder to write into, which becomes `out` when the context ends without an error.

    Raises:
      BadUsage: `out` exists and is no empty folder, or cannot be written.
    """
    check_free(out)
    partial = out.with_name(f".{out.name}.partial")
    try:
        if partial.exists():  # of an export that was killed
            shutil.rmtree(partial)
        partial.mkdir(parents=True)
        yield partial
        _write_manifest(partial)
        partial.rename(out)
        files.sync_folder(out.parent)
    except OSError as error:
        raise BadUsage(f"--out: {out} cannot be written ({error.strerror or error})") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _write_manifest(folder: Path) -> None:
    digests = {}
    for name in sorted(_names(folder)):
        path = folder / name
        digests[name] = [path.stat().st_size, files.sha256(path)]
        with path.open("rb") as stream:
            os.fsync(stream.fileno())
    text = json.dumps({"format": FLOATS_ONLY, "files": digests}, indent=1) + "\n"
    files.write_text(folder / MANIFEST, text)


def read_model(folder: Path) -> dict[str, Any]:
    """What `model.json` says. Raises BadInput for a format that is newer than this version's."""
    try:
        model = json.loads((folder / MODEL).read_text(encoding="utf-8"))
        found = model["format"]
        newer = found > FORMAT
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise BadInput(f"{folder / MODEL} cannot be read ({error}): export it again") from error
    if newer:
        raise BadInput(
            f"{folder} has format {found}, this version reads up to {FORMAT}: "
            f"install xojl_jax {model.get('versions', {}).get('xojl_jax', '')} or later"
        )
    return model


def verify(folder: Path) -> None:
    """Compares every file with the manifest. Raises BadInput that names the file.

    Files that were added are nobody's harm: none of them is read.
    """
    advice = "copy or export the model again"
    try:
        wanted = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))["files"]
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise BadInput(f"{folder / MANIFEST} cannot be read ({error}): {advice}") from error
    for name, (size, digest) in sorted(wanted.items()):
        path = folder / name
        if path.is_symlink() or not path.is_file():
            raise BadInput(f"the model is damaged: {path} is missing; {advice}")
        if path.stat().st_size != size or files.sha256(path) != digest:
            raise BadInput(f"the model is damaged: {path} is changed; {advice}")
    # What is read must be vouched for, however the manifest was cut.
    for name in (MODEL, PARAMS):
        if name not in wanted:
            raise BadInput(f"the model is damaged: {folder / MANIFEST} lacks {name}; {advice}")


def _names(folder: Path) -> Iterator[str]:
    for path in folder.rglob("*"):
        if path.is_file() and path != folder / MANIFEST:
            yield path.relative_to(folder).as_posix()
