"""What a rendered page gets: files of its site, CDN links from a shim, and nothing else."""

import hashlib
import json
import mimetypes
import os
import re
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

from xojl_jax.errors import BadUsage

ORIGIN = "http://page.invalid"
# Hosts whose links do not name the npm package, and the package that they mean.
ALIASES = {
    "fontawesome-free": "_fortawesome_fontawesome-free",
    "fontawesome": "_fortawesome_fontawesome-free",
    "twitter-bootstrap": "bootstrap",
    "material-design-icons": "material-icons",
    "icon": "material-icons",
}
MATERIAL = re.compile(
    r"fonts\.googleapis\.com/(icon|css2?)\?.*Material[+ %20]*(Icons|Symbols)", re.I
)


class Site:
    """What one page may load: given texts, files under `root`, CDN links from `shim`.

    Args:
      root: folder that `/` means.
      near: a page's path in `root`; what `/` names and `root` lacks is looked for in the folders
        from the page's own upwards (a build folder inside of a package, that links as a site does).
      texts: path -> HTML that is served in place of a file.
      open_web: the rest goes out, through the egress proxy; else it is refused.
      placeholders: a picture that cannot be had is one of ours.

    What became of the requests: `missing` (own files that are not there), `refused` (other hosts),
    `replaced` (pictures, part of the two), `sent` (a count, of those that went out).
    """

    def __init__(
        self,
        root=None,
        shim=None,
        texts: dict[str, str] | None = None,
        *,
        near: str = "",
        open_web=False,
        placeholders=False,
    ):
        self.root = Path(root).resolve() if root is not None else None
        self.shim = shim
        self.texts = texts or {}
        self.near = near
        self.open_web, self.placeholders = open_web, placeholders
        self.missing: list[str] = []
        self.refused: list[str] = []
        self.replaced: set[str] = set()
        self.sent = 0

    def handle(self, route, request) -> None:
        """Playwright's route handler: fulfils from files, or aborts."""
        parts = urlsplit(request.url)
        inside = request.url.startswith(ORIGIN + "/")
        if request.method in ("GET", "HEAD"):
            path = unquote(parts.path)
            if inside and path in self.texts:
                route.fulfill(body=self.texts[path], content_type="text/html; charset=utf-8")
                return
            if inside:
                file = self.file(path)
            else:
                file = self.shim.find(request.url) if self.shim else None
            if file is not None:
                kind = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
                # Fonts and modules from another origin load only with this header.
                route.fulfill(
                    path=file, content_type=kind, headers={"access-control-allow-origin": "*"}
                )
                return
        if self.open_web and parts.scheme in ("http", "https"):
            self.sent += 1
            route.continue_()
            return
        (self.missing if inside else self.refused).append(request.url[:200])
        if self.placeholders and request.method == "GET" and request.resource_type == "image":
            self.replaced.add(request.url)
            route.fulfill(body=placeholder(request.url), content_type="image/svg+xml")
            return
        if request.is_navigation_request():
            route.fulfill(status=204)  # nothing to go to: the page stays where it is
            return
        route.abort()

    def file(self, path: str) -> Path | None:
        """The file that the origin's `path` names; None when absent or outside the root."""
        if self.root is None or "\0" in path:
            return None
        folders = [self.root]
        if self.near:
            folders += [self.root / folder for folder in PurePosixPath(self.near).parents]
        for folder in folders:
            try:
                file = (folder / path.lstrip("/")).resolve()
                if file.is_dir():
                    file = (file / "index.html").resolve()
                # A page may not read outside its site, be it through `..` or a link.
                if file.is_file() and file.is_relative_to(self.root):
                    return file
            except OSError:
                continue
        return None


# Size of a placeholder by what its address says it is, where that says no size itself; px.
_SIZES = (
    (re.compile(r"avatar|icon|flag|emoji|user|face", re.I), (96, 96)),
    (re.compile(r"logo|brand", re.I), (160, 48)),
    (re.compile(""), (640, 400)),
)
_TINTS = ("c9d2de", "d6cfc4", "c5d5cb", "d9cbd3", "cdcfe0", "d8d5bf")


def placeholder(url: str) -> str:
    """An SVG of ours, hills and a sun in muted tones, for a picture that cannot be had."""
    path = urlsplit(url).path
    named = re.search(r"(?<!\d)(\d{2,4})x(\d{2,4})(?!\d)", path)
    if named:
        width, height = (max(16, min(2000, int(n))) for n in named.groups())
    else:
        width, height = next(size for pattern, size in _SIZES if pattern.search(path))
    # By the address, so that every capture of a page draws the same.
    tint = _TINTS[hashlib.sha256(url.encode("utf-8", "replace")).digest()[0] % len(_TINTS)]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 96 96" preserveAspectRatio="xMidYMid slice">'
        f'<rect x="-960" y="-960" width="2016" height="2016" fill="#{tint}"/>'
        '<g fill="#fff" fill-opacity=".55"><circle cx="64" cy="32" r="7"/>'
        '<path d="M14 72 38 38 54 60 64 48 82 72z"/></g></svg>'
    )


class Shim:
    """A folder of unpacked npm packages, `NAME_VERSION/`. What a package is called its package.json
    says, else the folder's name; a scope's `@x/y` is `_x_y` there."""

    def __init__(self, folder):
        self.folder = Path(folder)
        if not self.folder.is_dir():
            raise BadUsage(f"--shim {folder}: no such folder (it holds unpacked npm packages)")
        self.packages: dict[str, dict[str, Path]] = {}
        for entry in sorted(self.folder.iterdir()):
            name, _, version = entry.name.rpartition("_")
            if entry.is_dir() and name and version[:1].isdigit():
                known = self.packages.setdefault(_package_name(entry) or name, {})
                known[version] = entry.resolve()
        if not self.packages:
            raise BadUsage(f"--shim {folder}: holds no NAME_VERSION folder (npm pack, then unpack)")
        self._files: dict[Path, list[str]] = {}

    def find(self, url: str) -> Path | None:
        """The file that a CDN link means: its package, the nearest version, the longest tail."""
        parts = urlsplit(url)
        if MATERIAL.search(url):
            return self._pick("material-icons", "", ["iconfont", "material-icons.css"])
        segments = [s for s in unquote(parts.path).split("/") if s]
        if parts.hostname in ("use.fontawesome.com", "kit.fontawesome.com", "pro.fontawesome.com"):
            name = "_fortawesome_fontawesome-free"
            if parts.hostname.startswith("kit."):
                return self._pick(name, "", ["js", "all.js"])
            version = next((s[1:] for s in segments if re.match(r"v\d", s)), "")
            return self._pick(name, version, segments[2:])
        for i, segment in enumerate(segments):
            name, _, version = segment.partition("@")
            if segment.startswith("@") and i + 1 < len(segments):  # a scope: @x / y@1.2.3
                inner, _, version = segments[i + 1].partition("@")
                name, tail = f"_{segment[1:]}_{inner}", segments[i + 2 :]
            else:
                tail = segments[i + 1 :]
            plain = re.match(r"([a-z.-]+?)-(\d[\d.]*\d)((?:\.[a-z]+)+)$", segment)
            if plain and plain[1] in self.packages:  # code.jquery.com/jquery-3.7.1.min.js
                return self._pick(plain[1], plain[2], [plain[1] + plain[3]])
            name = ALIASES.get(name, name)
            if name in self.packages and tail:
                if not version and re.match(r"v?\d+(\.\d+)*", tail[0]):
                    version, tail = tail[0].lstrip("v"), tail[1:]
                return self._pick(name, version, tail)
        return None

    def _pick(self, name: str, version: str, tail: list[str]) -> Path | None:
        versions = self.packages.get(name)
        if not versions or not tail:
            return None
        # Where no version is named, the newest is nearest.
        wanted = _numbers(version) or (10**6,)
        chosen = min(versions, key=lambda v: _distance(_numbers(v), wanted))
        root = versions[chosen]
        if root not in self._files:
            found = (Path(top) / f for top, _, files in os.walk(root) for f in files)
            names = (p.relative_to(root).as_posix() for p in found)
            # Of several builds, the one in dist/ is what CDNs serve; else the shortest path.
            self._files[root] = sorted(names, key=lambda n: (not n.startswith("dist/"), len(n), n))
        # The longest tail first: a short one, such as index.js, fits many files.
        for start in range(len(tail)):
            end = "/".join(tail[start:])
            # As it is named, else its other build: packages may ship only one of the two.
            for form in (end, end.replace(".min.", "."), re.sub(r"\.(js|css)$", r".min.\1", end)):
                for candidate in self._files[root]:
                    if candidate == form or candidate.endswith("/" + form):
                        return root / candidate
        return None


def _package_name(folder: Path) -> str:
    """As `packages` has it, or "" where nothing says so."""
    try:
        said = json.loads((folder / "package.json").read_bytes())["name"]
    except (OSError, ValueError, KeyError, TypeError):
        return ""
    return said.replace("@", "_").replace("/", "_") if isinstance(said, str) else ""


def _distance(one: tuple[int, ...], other: tuple[int, ...]) -> list[int]:
    # By the parts that both have: a link may name the major version alone.
    return [abs(a - b) for a, b in zip(one, other, strict=False)]


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(n) for n in re.findall(r"\d+", version))[:3]
