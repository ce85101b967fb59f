"""Writes files so that nobody ever reads a half-written one, and hashes them.

This module is a leaf: everything may import it, and it imports nothing of ours.
"""

import contextlib
import hashlib
import os
import shutil
import uuid
from collections.abc import Iterable, Iterator
from pathlib import Path


@contextlib.contextmanager
def replacing(path: Path, *, unique: bool = False) -> Iterator[Path]:
    """Gives a temporary path in the same folder, whose file replaces `path` when the context ends.

    A reader, or a crash at any moment, meets the old file or the new one whole. If the context ends
    with an error, the old file stays and the temporary one is removed.

    Args:
      path: the file to write; its permissions are kept if it exists.
      unique: give every call another temporary name, for jobs of which several may write the same
        file at once. Otherwise what a killed process left is overwritten by the next one.
    """
    middle = f".{uuid.uuid4().hex[:8]}" if unique else ""
    temporary = path.with_name(f"{path.name}{middle}.tmp")
    try:
        yield temporary
        with temporary.open("rb") as file:
            # Without it a power cut may leave the new name with an empty file: the rename can reach
            # the disk before the data.
            os.fsync(file.fileno())
        with contextlib.suppress(FileNotFoundError):
            shutil.copymode(path, temporary)
        temporary.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):  # the first error is the one to report
            temporary.unlink(missing_ok=True)
        raise


def write_text(path: Path, text: str, *, unique: bool = False) -> None:
    """Replaces a file by UTF-8 text, whole or not at all; see `replacing`."""
    write_bytes(path, [text.encode("utf-8")], unique=unique)


def write_bytes(path: Path, pieces: Iterable[bytes], *, unique: bool = False) -> None:
    """Replaces a file by bytes, whole or not at all; see `replacing`."""
    with replacing(path, unique=unique) as temporary, temporary.open("wb") as file:
        file.writelines(pieces)


def replace_link(link: Path, target: Path) -> None:
    """Points a symbolic link at `target` in one step, by a path relative to the link's folder.

    Args:
      link: made, or replaced if it exists.
      target: inside the link's folder, at any depth.
    """
    temporary = link.with_name(f"{link.name}.tmp")
    temporary.unlink(missing_ok=True)
    temporary.symlink_to(target.relative_to(link.parent))
    temporary.replace(link)


def sync_folder(folder: Path) -> None:
    """Makes renames within a folder durable: they survive a power cut from here on."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sha256(path: Path) -> str:
    """The SHA-256 digest of a file's contents, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
