"""Files elsewhere: http(s), the Hugging Face hub, buckets, and whatever else fsspec reaches.

An address may hold a password or a signature. It is used to get the file and told to nobody:
records, notes and messages have `uri`, which is the address without them.
"""

import posixpath
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

from data_prep.documents.page import LeftOut
from xojl_jax.errors import BadUsage

# What servers tell of a file that changes when its bytes do.
_VERSION = ("ETag", "etag", "blob_id", "xet_hash", "generation", "mtime", "LastModified")
_ACCOUNTS = ("abfs", "abfss")  # container@account is no name of a user


class CannotGet(LeftOut):
    """What is elsewhere cannot be had; the message says why, and what to do."""

    def __init__(self, message: str, *, missing: bool = False):
        super().__init__(message)
        self.missing = missing  # the server says that there is no such file


@dataclass(frozen=True)
class RemoteFile:
    """A file elsewhere. It is brought here (`downloads.bring`) before it is read."""

    address: str  # may hold secrets
    uri: str  # holds none
    known_size: int | None = None  # bytes; None: the server was not asked yet, or does not say
    version: str = ""
    copy: Path | None = None  # where it was brought to

    @property
    def name(self) -> str:
        return self.uri.rpartition("/")[2]

    @property
    def size(self) -> int:
        return self.known_size or 0

    @property
    def path(self) -> Path:
        assert self.copy is not None, "a file is brought before it is opened"
        return self.copy

    @property
    def piece(self) -> "RemoteFile":
        return self

    def read(self) -> bytes:
        """All of a small file, such as an index; any other is brought. Raises CannotGet."""
        filesystem, path = open_filesystem(self.address)
        try:
            return filesystem.cat_file(path)
        except Exception as error:
            raise CannotGet(reason_of(error)) from error

    def beside(self, *names: str) -> "RemoteFile | None":
        for name in names:
            if is_http(self.address):
                address = urljoin(self.address, name)
            else:
                protocol, _, path = self.address.partition("://")
                path = posixpath.normpath(posixpath.join(posixpath.dirname(path), name))
                address = f"{protocol}://{path}"
            try:
                return measure(RemoteFile(address, without_secrets(address)))
            except CannotGet as error:
                if not error.missing:
                    raise
        return None


def is_address(source: str) -> bool:
    """Whether it is no path of this machine: `https://…`, `s3://…`, `hf://datasets/…`."""
    return re.match(r"[a-zA-Z][a-zA-Z0-9+.-]+:/", source) is not None


def is_http(address: str) -> bool:
    return address.startswith(("http://", "https://"))


def without_secrets(address: str) -> str:
    """An address without user, password and, where they sign requests, what follows `?`."""
    protocol, colon, rest = address.partition("://")
    host, slash, path = rest.partition("/")
    if protocol not in _ACCOUNTS:
        host = host.rpartition("@")[2]
    if is_http(address):
        path = path.partition("?")[0].partition("#")[0]
    return f"{protocol}{colon}{host}{slash}{path}"


def open_filesystem(address: str) -> tuple[Any, str]:
    """fsspec's file system for an address, and its path there. BadUsage where there is none."""
    uri = without_secrets(address)
    try:
        import fsspec

        if "::" in address:
            raise ValueError("addresses within addresses (::) are not read")
        if is_http(address):
            import aiohttp

            # Its own limit is for all of an answer, which may be long; this one is for silence.
            timeout = aiohttp.ClientTimeout(total=None, sock_connect=60, sock_read=60)
            return fsspec.core.url_to_fs(address, client_kwargs={"timeout": timeout})
        return fsspec.core.url_to_fs(address)
    except ImportError as error:
        raise BadUsage(
            f"{uri}: a library is missing ({' '.join(str(error).split())}): "
            "pip install 'xojl_jax[remote]'"
        ) from error
    except ValueError as error:
        raise BadUsage(f"{uri}: {' '.join(str(error).split())}") from error


def list_files(source: str, suffixes: tuple[str, ...], named: tuple[str, ...]) -> list[RemoteFile]:
    """The files of an address, by name: those of a folder or a pattern, or the one itself.

    Args:
      suffixes: of files that are taken from folders.
      named: of files that are taken, too, where they or a pattern that fits them are named.

    Raises:
      CannotGet: the server cannot be reached, refuses, or has no such files.
      BadUsage: no library reads such addresses.
    """
    filesystem, path = open_filesystem(source)
    pattern = re.search(r"[*\[]" if is_http(source) else r"[*?\[]", path)
    if not pattern and without_secrets(source).lower().endswith((*suffixes, *named)):
        return [RemoteFile(source, without_secrets(source))]
    try:
        look = filesystem.glob if pattern else filesystem.find
        found = look(path, detail=True)
    except Exception as error:  # every library has its own
        raise CannotGet(reason_of(error)) from error
    wanted = (*suffixes, *named) if pattern else suffixes
    # What the file system takes off an address: the protocol, and of some the host.
    before = source.rstrip("/").removesuffix(path.rstrip("/"))
    files = [
        _file(before + name, info)
        for name, info in sorted(found.items())
        if info["type"] == "file" and without_secrets(before + name).lower().endswith(wanted)
    ]
    if not files:
        raise CannotGet(f"no file there that ends in {' or '.join(wanted)}: check the address")
    return files


def measure(file: RemoteFile) -> RemoteFile:
    """The file with its size and version, as the server tells them. Raises CannotGet."""
    if file.known_size is not None:
        return file
    filesystem, path = open_filesystem(file.address)
    try:
        return _file(file.address, filesystem.info(path))
    except Exception as error:
        raise CannotGet(reason_of(error), missing=_is_missing(error)) from error


def _file(address: str, info: dict) -> RemoteFile:
    version = " ".join(str(info[name]) for name in _VERSION if info.get(name))
    return RemoteFile(address, without_secrets(address), info.get("size"), version)


def reason_of(error: Exception) -> str:
    """Why something cannot be had and what to do, without secrets."""
    status = status_of(error)
    told = f" ({status})" if status else ""
    if status in (401, 403) or isinstance(error, PermissionError):
        return f"not open to you{told}: log in (of the hub: HF_TOKEN), or ask for access"
    if _is_missing(error):
        return f"not there{told}: check the address"
    root = error.__cause__ or error
    text = re.sub(r"[a-zA-Z0-9+.-]+://\S+", lambda match: without_secrets(match[0]), str(root))
    text = " ".join(text.split())[:120]
    return f"cannot be had ({type(root).__name__}: {text}): the same command again goes on"


def status_of(error: BaseException) -> int | None:
    """The HTTP status behind an error, of whichever library."""
    for one in (error, error.__cause__):
        status = getattr(one, "status", None)
        if status is None:
            status = getattr(getattr(one, "response", None), "status_code", None)
        if isinstance(status, int):
            return status
    return None


def _is_missing(error: BaseException) -> bool:
    """Whether the server said that there is no such file. fsspec says so of a server, too, that it
    does not reach; then the cause is another one."""
    status, cause = status_of(error), error.__cause__
    if status is not None:
        return status in (404, 410)
    unreached = type(cause).__module__.startswith("aiohttp") or isinstance(cause, OSError)
    return isinstance(error, FileNotFoundError) and not unreached


def is_final(error: BaseException) -> bool:
    """Whether another try would end alike."""
    status = status_of(error)
    if status is not None:
        return 400 <= status < 500 and status not in (408, 425, 429)
    return isinstance(error, PermissionError) or _is_missing(error)


def at(file: RemoteFile, copy: Path) -> RemoteFile:
    """The file, brought to `copy`."""
    return replace(file, copy=copy, known_size=copy.stat().st_size)
