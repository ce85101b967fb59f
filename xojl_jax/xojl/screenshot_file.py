"""Where a record's screenshot is: a plain file inside the record's folder, behind no link."""

import unicodedata
from pathlib import Path, PurePosixPath

from xojl_jax.xojl import jsontext
from xojl_jax.xojl.faults import XojlError, shorten
from xojl_jax.xojl.keys import has_surrogate


def read_path(value, where: str) -> str:
    """The value of the field `screenshot`: a path that cannot lead out of its folder."""
    if not isinstance(value, str) or has_surrogate(value):
        raise XojlError(jsontext.describe(value), where, "a string of Unicode text")
    parts = value.split("/")
    inside = value and not value.startswith("/") and ".." not in parts and ":" not in parts[0]
    if (
        not inside
        or "\\" in value
        or "\0" in value
        or not any(part not in ("", ".") for part in parts)
    ):
        raise XojlError(f"path {shorten(value)}", where, "a path with / inside the record's folder")
    return value


def safe_screenshot_path(directory, relative: str, *, where: str = "screenshot") -> Path:
    """The screenshot's file, proven to be a plain file inside `directory`, behind no link."""
    read_path(relative, where)
    path = Path(directory).resolve()
    for part in PurePosixPath(relative).parts:
        path = path / part
        if path.is_symlink():
            raise XojlError(f"a symbolic link {shorten(relative)}", where, "a plain file")
    if not path.is_file():
        hint = other_spelling(directory, relative)
        wanted = f"a file beside the records{f'; {hint}' if hint else ''}"
        raise XojlError(f"no file {shorten(relative)}", where, wanted)
    return path


def other_spelling(directory, relative: str) -> str:
    """What is there instead of a missing file, if its name differs by capitals or by its Unicode
    form alone, as names do that went through another system; "" if nothing is."""
    path, found = Path(directory), []
    for part in PurePosixPath(relative).parts:
        if not (path / part).exists():
            try:
                names = [name.name for name in path.iterdir()]
            except OSError:
                return ""
            part = next((name for name in names if _fold(name) == _fold(part)), None)
            if part is None:
                return ""
        path = path / part
        found.append(part)
    name = "/".join(found)
    same = unicodedata.normalize("NFC", name) == unicodedata.normalize("NFC", relative)
    how = "in another Unicode form" if same else "with other capitals"
    return f"{name!a} is there, {how}"


def _fold(name: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())
