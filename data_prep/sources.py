"""What a person named on the command line -> the pages to render."""

import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from xojl_jax.errors import BadInput, BadUsage

_HTML = (".html", ".htm", ".xhtml")
_GENERIC = {
    "dist",
    "public",
    "build",
    "html",
    "www",
    "site",
    "tests",
    "docs",
    "src",
    "output",
    "pages",
}
_LOOKS_LIKE_HTML = re.compile(rb"<(!doctype|html|head|body|div|p|section|h1)\b", re.IGNORECASE)


@dataclass(frozen=True)
class PageSource:
    """One page to render.

    Attributes:
      uri: what the record says; never a path of this machine.
      site: pages of one site never stand in two splits.
      root, path: folder that `/` means and the file in it; None and "" for a page of the web.
      url: address of a page of the web, else "".
      licence: from the package that the file belongs to, if it says.
    """

    uri: str
    site: str
    root: Path | None = None
    path: str = ""
    url: str = ""
    licence: str = ""

    @property
    def slug(self) -> str:
        """A file name: readable, and unlike that of any other page."""
        words = re.sub(r"[^a-z0-9]+", "-", self.uri.lower().split("://")[-1]).strip("-")
        return f"{words[-48:].strip('-')}-{hashlib.sha256(self.uri.encode()).hexdigest()[:8]}"


def find_pages(sources: list[str], site_root: str | None = None) -> list[PageSource]:
    """All pages of all sources, each once, in a fixed order. Mistakes raise before any work."""
    if site_root is not None and not Path(site_root).is_dir():
        raise BadUsage(f"--site-root {site_root}: no such folder")
    pages: dict[str, PageSource] = {}
    for source in sources:
        for page in _pages_of(source, Path(site_root) if site_root else None):
            pages.setdefault(page.uri, page)
    return list(pages.values())


def _pages_of(source: str, site_root: Path | None) -> list[PageSource]:
    if re.match(r"[a-z][a-z0-9+.-]*://", source, re.IGNORECASE):
        parts = urlsplit(source)
        if parts.scheme.lower() not in ("http", "https") or not parts.hostname:
            raise BadUsage(f"{source}: only http and https addresses can be captured")
        bare = parts._replace(fragment="", netloc=parts.netloc.rpartition("@")[2])
        return [PageSource(bare.geturl(), parts.hostname, url=source)]
    path = Path(source)
    if path.is_dir():
        files = sorted(p for p in path.rglob("*") if p.suffix.lower() in _HTML and p.is_file())
        files = [p for p in files if "node_modules" not in p.relative_to(path).parts]
        files = [p for p in files if p.resolve().is_relative_to(path.resolve())]
        if not files:
            raise BadInput(f"{source}: no .html file in this folder")
        return [_local(file, site_root or path) for file in files]
    if not path.exists():
        raise BadInput(f"{source}: no such file or folder")
    try:
        with path.open("rb") as file:
            start = file.read(65536)
    except OSError as error:
        raise BadInput(f"{source}: cannot be read ({error.strerror})") from error
    if not _LOOKS_LIKE_HTML.search(start):
        raise BadInput(f"{source}: not an HTML file")
    return [_local(path, site_root or path.parent)]


def _local(file: Path, root: Path) -> PageSource:
    file, root = file.resolve(), root.resolve()
    if not file.is_relative_to(root):
        raise BadUsage(f"{file.name} lies outside --site-root {root.name}")
    name, version, licence, top = _package(root)
    inside = file.relative_to(top).as_posix()
    uri = f"npm:{name}@{version}/{inside}" if version else f"{name}/{inside}"
    return PageSource(uri, name, root, file.relative_to(root).as_posix(), licence=licence)


def _package(root: Path) -> tuple[str, str, str, Path]:
    """(name, version, licence, folder) of the package that holds `root`; else of a named folder."""
    for folder in (root, *list(root.parents)[:3]):
        try:
            data = json.loads((folder / "package.json").read_text(encoding="utf-8"))
            name, version, licence = data["name"], data["version"], data.get("license", "")
        except (OSError, ValueError, KeyError, TypeError):
            continue
        if name and isinstance(name, str) and version and isinstance(version, str):
            return name, version, licence if isinstance(licence, str) else "", folder
    top = root
    while top.name.lower() in _GENERIC and top.parent.name:
        top = top.parent
    return top.name, "", "", top
