"""JAX's persistent compilation cache, on by default: what one start compiled, the next one reads.

Compiling is most of what a short command does, and minutes of every start on an accelerator. The
cache is trusted code: whoever can write to its folder can run code as its reader, so the default is
below the user's own cache folder.
"""

import contextlib
import hashlib
import logging
import os
import platform
from pathlib import Path

import jax

HELP = (
    "folder of compiled programs, which the next start reads instead of compiling; off: none. "
    "Default: $JAX_COMPILATION_CACHE_DIR, or xojl_jax/compiled in your cache folder"
)
# Bytes that the default folder may hold; what was not read for longest goes first. A large model's
# step takes some tens of megabytes.
SIZE_LIMIT = 4 << 30

_LOG = logging.getLogger(__name__)


def enable(where: str = "") -> None:
    """Lets JAX keep compiled programs. To be called before anything is compiled.

    Several processes may share a folder: a file that one of them is still writing cannot be read as
    a program by another, which then compiles for itself.

    Args:
      where: a folder; "off"; or "" for what `HELP` calls the default. A folder that cannot be
        written is a warning: everything works without it, only later.
    """
    if where == "off":
        jax.config.update("jax_enable_compilation_cache", False)
        return
    chosen = where or os.environ.get("JAX_COMPILATION_CACHE_DIR", "")
    folder = Path(chosen).expanduser() if chosen else default_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not os.access(folder, os.W_OK | os.X_OK):
            raise PermissionError(f"{folder} is not writable")
        if not chosen:
            prune(folder.parent, SIZE_LIMIT)
    except OSError as error:
        _LOG.warning("nothing compiled is kept: %s (--compilation_cache=DIR names a folder)", error)
        return
    jax.config.update("jax_compilation_cache_dir", str(folder))
    if "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS" not in os.environ:
        # A command compiles dozens of small programs, too, for a second and more in all.
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)


def default_folder() -> Path:
    """The folder of this kind of machine, below $XDG_CACHE_HOME or ~/.cache."""
    root = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(root) / "xojl_jax" / "compiled" / _processor()


def prune(root: Path, limit: int) -> None:
    """Removes files below a folder, those read longest ago first, until `limit` bytes are left."""
    found = []
    for path in root.rglob("*"):
        with contextlib.suppress(FileNotFoundError):  # another process may prune, too
            if path.is_file():
                status = path.stat()
                found.append((max(status.st_atime, status.st_mtime), status.st_size, path))
    total = sum(size for _, size, _ in found)
    for _, size, path in sorted(found):
        if total <= limit:
            return
        path.unlink(missing_ok=True)
        total -= size


def _processor() -> str:
    """A name for the kind of processor. Programs for CPUs use the instructions that theirs has, and
    JAX's key does not tell: on a home folder that machines share, they would meet a wrong one."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:  # not Linux
        return platform.machine()
    flags = next((line for line in lines if line.startswith(("flags", "Features"))), "")
    return f"{platform.machine()}-{hashlib.sha256(flags.encode()).hexdigest()[:12]}"
