"""Folders that commands write to."""

from pathlib import Path

from xojl_jax.errors import BadUsage


def make_empty_folder(out: Path) -> None:
    """Makes `--out`; a folder with something in it is refused."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        if any(out.iterdir()):
            raise BadUsage(f"--out {out} is not empty: give a new folder")
    except OSError as error:
        raise BadUsage(
            f"--out {out}: {error.strerror or error}: give a folder to write to"
        ) from error
