"""What a person named on the command line -> the pages to render."""

import hashlib
import json
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, replace
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

from data_prep.capture.charsets import encoding_mark, html_text
from xojl_jax.errors import BadInput, BadUsage

_HTML = (".html", ".htm", ".xhtml")
# Folders that are named after their purpose, not after the site.
_GENERIC = re.compile(r"(dist|public|build|html|www|site|tests|docs|src|output|pages)\Z")
_LOOKS_LIKE_HTML = re.compile(
    rb"<(!doctype|html|head|meta|title|body|frameset|iframe|main|div|p|section|table|h[1-6])\b",
    re.IGNORECASE,
)
_MAX_FRAMES = 200  # documents in the iframes of one page


@dataclass(frozen=True)
class PageSource:
    """One page to render.

    Attributes:
      uri: what the record says; never a path of this machine.
      site: pages of one site are never in two splits.
      root, path: folder that `/` means and the file in it; None and "" for a page of the web.
      url: address of a page of the web, else "".
      licence: from the package that the file belongs to, if it says.
      text: HTML in place of the file (an iframe's `srcdoc`), else None.
      near: nobody said what `/` means, so it may be any folder from the page's own up to `root`.
    """

    uri: str
    site: str
    root: Path | None = None
    path: str = ""
    url: str = ""
    licence: str = ""
    text: str | None = None
    near: bool = False

    @property
    def slug(self) -> str:
        """A file name: readable, and unlike that of any other page."""
        words = re.sub(r"[^a-z0-9]+", "-", self.uri.lower().split("://")[-1]).strip("-")
        return f"{words[-48:].strip('-')}-{hashlib.sha256(self.uri.encode()).hexdigest()[:8]}"


@dataclass(frozen=True)
class _Named:
    """A source as it was named: what, and what else was said about it."""

    source: str
    site_root: str | None = None
    licence: str = ""
    name: str = ""
    where: str = ""  # "pages.txt:3: ", for messages


def find_pages(
    sources: list[str], site_root: str | None = None, *, frames=False
) -> list[PageSource]:
    """All pages of all sources, each once, in a fixed order. Mistakes raise before any work.

    Args:
      sources: addresses, HTML files, folders, and `@FILE` for lists of such.
      site_root: what `/` means for local files, where a list does not say.
      frames: documents in the iframes of local pages are pages, too.
    """
    pages: dict[str, PageSource] = {}
    for source in sources:
        if source.startswith("@"):
            named = _listed(Path(source[1:]), site_root)
        else:
            named = [_Named(source, site_root)]
        for one in named:
            for page in _pages_of(one):
                for each in (page, *(_frames(page) if frames else ())):
                    pages.setdefault(each.uri, each)
    return list(pages.values())


def _listed(path: Path, site_root: str | None) -> Iterator[_Named]:
    """The sources of a list file; their paths are relative to it."""
    try:
        data = path.read_bytes()
        lines = data.decode(encoding_mark(data) or "utf-8").removeprefix("\ufeff").splitlines()
    except (OSError, UnicodeError) as error:
        what = getattr(error, "strerror", None) or "not a text file"
        raise BadInput(f"{path}: the list of pages cannot be read ({what})") from error
    empty = True
    for number, line in enumerate(lines, 1):
        where = f"{path.name}:{number}: "
        try:
            words = shlex.split(line, comments=True)
        except ValueError as error:
            raise BadInput(f"{where}{error} (quote names that hold spaces or quotes)") from error
        if not words:
            continue
        empty = False
        said = {"--site-root": "", "--licence": "", "--name": ""}
        names = []
        rest = iter(words)
        for word in rest:
            if word in said:
                said[word] = next(rest, "")
            if word.startswith("--") and not said.get(word):
                raise BadInput(f"{where}{word}: a list knows --site-root, --licence, --name VALUE")
            if not word.startswith("--"):
                names.append(word)
        if len(names) != 1:
            raise BadInput(f"{where}{len(names)} sources; one a line (quote names with spaces)")
        root = str(path.parent / said["--site-root"]) if said["--site-root"] else site_root
        source = names[0] if _is_address(names[0]) else str(path.parent / names[0])
        yield _Named(source, root, said["--licence"], said["--name"], where)
    if empty:
        raise BadInput(f"{path}: the list names no page")


def _is_address(source: str) -> bool:
    return re.match(r"[a-z][a-z0-9+.-]*://", source, re.IGNORECASE) is not None


def _pages_of(named: _Named) -> list[PageSource]:
    source, where = named.source, named.where
    if _is_address(source):
        return [_of_the_web(named)]
    if named.site_root is not None and not Path(named.site_root).is_dir():
        raise BadUsage(f"{where}--site-root {named.site_root}: no such folder")
    path = Path(source)
    if path.is_dir():
        files = sorted(p for p in path.rglob("*") if p.suffix.lower() in _HTML and p.is_file())
        files = [p for p in files if not _is_private(p.relative_to(path).parts)]
        files = [p for p in files if p.resolve().is_relative_to(path.resolve())]
        if not files:
            raise BadInput(f"{where}{source}: no .html file in this folder")
        return [_local(file, path, named) for file in files]
    if not path.exists():
        raise BadInput(f"{where}{source}: no such file or folder")
    try:
        with path.open("rb") as file:
            start = file.read(65536)
    except OSError as error:
        raise BadInput(f"{where}{source}: cannot be read ({error.strerror})") from error
    mark = encoding_mark(start)
    text = start.decode(mark, "replace").encode() if mark else start
    if not _LOOKS_LIKE_HTML.search(text):
        raise BadInput(f"{where}{source}: not an HTML file")
    return [_local(path, path.parent, named)]


def _is_private(parts: tuple[str, ...]) -> bool:
    return "node_modules" in parts or any(part.startswith(".") for part in parts)


def _of_the_web(named: _Named) -> PageSource:
    try:
        parts = urlsplit(named.source)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise BadUsage(f"{named.where}{named.source}: not an address ({error})") from error
    if parts.scheme.lower() not in ("http", "https") or not host:
        message = "only http and https addresses can be captured"
        raise BadUsage(f"{named.where}{named.source}: {message}")
    bare = parts._replace(fragment="", netloc=parts.netloc.rpartition("@")[2])
    site = named.name or host
    return PageSource(bare.geturl(), site, url=named.source, licence=named.licence)


def _local(file: Path, folder: Path, named: _Named) -> PageSource:
    """The page of a file that was found in `folder`."""
    file = file.resolve()
    name, version, licence, top = _package(Path(named.site_root or folder).resolve())
    root = Path(named.site_root).resolve() if named.site_root else top if version else folder
    root = root.resolve()
    if not file.is_relative_to(root):
        raise BadUsage(f"{named.where}{file.name} is outside --site-root {root.name}")
    inside = file.relative_to(top).as_posix()
    site = named.name or name
    return PageSource(
        f"npm:{name}@{version}/{inside}" if version else f"{site}/{inside}",
        site,
        root,
        file.relative_to(root).as_posix(),
        licence=named.licence or licence,
        near=not named.site_root,
    )


def _package(root: Path) -> tuple[str, str, str, Path]:
    """(name, version, licence, folder) of the package that holds `root`; else of a named folder."""
    for folder in (root, *list(root.parents)[:3]):
        try:
            data = json.loads((folder / "package.json").read_text(encoding="utf-8-sig"))
            name, version, licence = data["name"], data["version"], data.get("license", "")
        except (OSError, ValueError, KeyError, TypeError):
            continue
        if isinstance(licence, dict):  # the form of old packages
            licence = licence.get("type", "")
        if name and isinstance(name, str) and version and isinstance(version, str):
            return name, version, licence if isinstance(licence, str) else "", folder
    top = root
    while _GENERIC.match(top.name.lower()) and top.parent.name:
        top = top.parent
    return top.name, "", "", top


class _FrameFinder(HTMLParser):
    def __init__(self):
        super().__init__()
        self.found: list[tuple[str, str]] = []  # ("srcdoc", text) or ("src", address)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = dict(attrs)
        for kind in ("srcdoc", "src"):
            if tag in ("iframe", "frame") and (said.get(kind) or "").strip():
                self.found.append((kind, said[kind]))
                return


def _frames(page: PageSource) -> Iterator[PageSource]:
    """Documents in the frames of a local page, as pages: texts of `srcdoc`, files of the site."""
    if page.root is None:
        return
    finder = _FrameFinder()
    finder.feed(html_text((page.root / page.path).read_bytes()))
    for number, (kind, value) in enumerate(finder.found[:_MAX_FRAMES], 1):
        if kind == "srcdoc":
            yield replace(page, uri=f"{page.uri}#frame-{number}", text=value)
            continue
        inside = urlsplit(urljoin(f"http://page.invalid/{page.path}", value))
        path = unquote(inside.path).lstrip("/")
        file = (page.root / path).resolve()
        is_ours = inside.hostname == "page.invalid" and file.is_relative_to(page.root)
        if is_ours and file.suffix.lower() in _HTML and file.is_file():
            uri = page.uri.removesuffix(page.path) + path
            yield replace(page, uri=uri, path=path)
