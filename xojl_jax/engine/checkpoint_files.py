"""The files of a checkpoint: which there are, which are whole, and how one becomes durable.

A checkpoint is a folder `checkpoints/STEP/`:

    arrays/         params, opt_state, ema, frozen, step and counters, as Orbax lays them out
    metadata.json   format, config, the task's vocabulary, the position in the data, array shapes
    manifest.json   size and sha256 of every other file; written last
    calibration.json  of `evaluate --calibrate`, which comes later, with a checksum of its own

It is written as `STEP.partial` and renamed when all of it is durable, so a half-written one is
never listed. The manifest is checked before anything is restored.
"""

import hashlib
import json
import logging
import os
import re
import shutil
from pathlib import Path
from typing import Any

from xojl_jax import files
from xojl_jax.errors import BadInput

ARRAYS, METADATA, MANIFEST, PARTIAL = "arrays", "metadata.json", "manifest.json", ".partial"
# Fitted after the checkpoint was written, hence not in the manifest; it has its own checksum.
CALIBRATION = "calibration.json"

# What file managers and network disks leave in any folder that is looked at.
LITTER = re.compile(
    r"\.DS_Store|\._.*|\.AppleDouble|Thumbs\.db|desktop\.ini|\.directory|\.nfs[0-9a-f]+|"
    r"\.fuse_hidden[0-9a-f]+",
    re.IGNORECASE,
)

log = logging.getLogger(__name__)


def list_steps(folder: Path) -> list[int]:
    """Steps of the finished checkpoints in a `checkpoints` folder, in rising order."""
    if not folder.is_dir():
        return []
    return sorted(
        int(entry.name)
        for entry in folder.iterdir()
        if entry.name.isdigit() and (entry / MANIFEST).is_file()
    )


def find(path: str | os.PathLike) -> Path:
    """The checkpoint that a path means: itself (`WORKDIR/best`, too), or the newest one of a
    working directory."""
    path = Path(path).expanduser().absolute()
    if (path / MANIFEST).is_file():
        return path.resolve()
    for folder in (path / "checkpoints", path):
        if steps := list_steps(folder):
            return folder / str(steps[-1])
    raise BadInput(f"{path} holds no checkpoint: name a working directory, or its checkpoints/STEP")


def newest_sound(folder: Path, on_corrupt: str) -> str:
    """The newest sound checkpoint, "" if there is none at all."""
    steps = list_steps(folder)
    for step in reversed(steps):
        try:
            verify(folder / str(step))
        except BadInput as error:
            if on_corrupt != "fallback":
                raise
            log.warning("%s: trying the one before", error)
        else:
            return str(folder / str(step))
    if steps:
        raise BadInput(f"none of the checkpoints in {folder} is sound: remove them to start afresh")
    return ""


def verify(checkpoint: Path) -> None:
    """Compares every file with the manifest. Raises BadInput that names the file and the step."""
    what = f"checkpoint of step {checkpoint.name} is damaged"
    try:
        wanted = json.loads((checkpoint / MANIFEST).read_text(encoding="utf-8"))
        found = digests(checkpoint)
    except (OSError, ValueError) as error:
        raise BadInput(f"{what}: {checkpoint / MANIFEST}: {error}") from error
    for name in sorted(wanted):
        if wanted[name] != found.get(name):
            how = "changed" if name in found else "missing"
            raise BadInput(
                f"{what}: {checkpoint / name} is {how}; remove {checkpoint} to go on from an older "
                "checkpoint, or resume with --config.on_corrupt=fallback"
            )
    added = sorted(name for name in found if name not in wanted)
    if strange := [name for name in added if not LITTER.fullmatch(Path(name).name)]:
        raise BadInput(
            f"checkpoint of step {checkpoint.name} is whole, but holds a file that was not saved "
            f"with it: {checkpoint / strange[0]} is unexpected; remove that file, or move it away"
        )
    for name in added:
        log.warning("%s is passed over: it is not part of the checkpoint", checkpoint / name)


def digests(checkpoint: Path) -> dict[str, Any]:
    """Relative name -> [size, sha256] of every file but the manifest."""
    digests = {}
    for path in sorted(checkpoint.rglob("*")):
        if path.is_file() and path not in (checkpoint / MANIFEST, checkpoint / CALIBRATION):
            name = path.relative_to(checkpoint).as_posix()
            digests[name] = [path.stat().st_size, files.sha256(path)]
    return digests


def write_calibration(checkpoint: Path, calibration: dict[str, Any]) -> None:
    """Keeps what was fitted to the checkpoint's answers, in place of what was there."""
    text = json.dumps(calibration, sort_keys=True)
    digest = hashlib.sha256(text.encode()).hexdigest()
    data = {"calibration": calibration, "sha256": digest}
    files.write_text(checkpoint / CALIBRATION, json.dumps(data) + "\n")


def read_calibration(checkpoint: Path) -> dict[str, Any] | None:
    """What `write_calibration` kept, None if nothing. BadInput where it is damaged."""
    path = checkpoint / CALIBRATION
    if not path.is_file():
        return None
    damaged = BadInput(f"{path} is damaged: remove it, and run evaluate --calibrate again")
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        calibration, told = data["calibration"], data["sha256"]
    except (ValueError, KeyError, TypeError):
        raise damaged from None
    text = json.dumps(calibration, sort_keys=True)
    if hashlib.sha256(text.encode()).hexdigest() != told:
        raise damaged
    return calibration


def commit(partial: Path, final: Path) -> None:
    if final.exists():
        remove(final)
    partial.rename(final)
    # The rename itself must survive a power cut before an older checkpoint is pruned.
    files.sync_folder(final.parent)


def remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()


def advice(folder: Path) -> str:
    """For a run whose disk fails: what is safe, and what to do."""
    kept = list_steps(folder)
    rest = f"the newest sound one is step {kept[-1]}" if kept else "there is no older one"
    return f"{rest}. Mend the disk and resume"
