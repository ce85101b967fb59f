"""An HTTP server with files in memory: ranges, folders as pages of links, connections that break
off. It speaks as much of the Hugging Face hub's interface as a download needs."""

import base64
import contextlib
import hashlib
import json
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@dataclass
class FileServer:
    """The server's files, and what it was asked."""

    files: dict[str, bytes]  # by path, such as /a/b.pdf
    address: str = ""  # http://127.0.0.1:PORT
    breaks: dict[str, int] = field(default_factory=dict)  # path -> answers to break off
    ranges: bool = True
    asked: list[tuple[str, str, str]] = field(default_factory=list)  # method, path, range
    logins: set[str] = field(default_factory=set)

    def ranges_of(self, path: str) -> list[str]:
        return [where for method, name, where in self.asked if (method, name) == ("GET", path)]


@contextlib.contextmanager
def serving(files: dict[str, bytes]) -> Iterator[FileServer]:
    """A server on a port of its own, until the context ends."""
    state = FileServer(files)

    class Handler(_Handler):
        server_files = state

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    server_files: FileServer
    protocol_version = "HTTP/1.0"  # every answer ends its connection

    def log_message(self, *_) -> None:
        pass

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def _answer(self) -> None:
        state = self.server_files
        path = unquote(urlsplit(self.path).path)
        state.asked.append((self.command, path, self.headers.get("Range", "")))
        if login := self.headers.get("Authorization", ""):
            state.logins.add(base64.b64decode(login.removeprefix("Basic ")).decode())
        resolved = re.fullmatch(r"/datasets/(\w+/\w+)/resolve/\w+(/.+)", path)
        name = f"/{resolved[1]}{resolved[2]}" if resolved else path
        below = [file for file in state.files if file.startswith(path.rstrip("/") + "/")]
        if name in state.files:
            self._send_file(state, name, state.files[name], hub=bool(resolved))
        elif hub := re.fullmatch(r"/api/datasets/(\w+/\w+)(/tree/\w+(/.*)?)?", path):
            self._send_hub(state, *hub.groups())
        elif below:
            links = "".join(f'<a href="{file}">{file}</a>' for file in below)
            self._send(200, links.encode(), {"Content-Type": "text/html"})
        else:
            self._send(404, b"", {"X-Error-Code": "EntryNotFound"})

    def _send_file(self, state: FileServer, name: str, data: bytes, *, hub: bool) -> None:
        headers = {"ETag": f'"{hashlib.sha256(data).hexdigest()}"'}
        headers |= {"X-Repo-Commit": COMMIT} if hub else {}
        status, part = 200, data
        if state.ranges:
            headers["Accept-Ranges"] = "bytes"
            if where := re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", "")):
                start, end = int(where[1]), min(int(where[2] or len(data) - 1), len(data) - 1)
                status, part = 206, data[start : end + 1]
                headers["Content-Range"] = f"bytes {start}-{end}/{len(data)}"
        cut = self.command == "GET" and state.breaks.get(name, 0) > 0
        if cut:
            state.breaks[name] -= 1
        self._send(status, part, headers, told=len(part) // 2 if cut else len(part))

    def _send_hub(self, state: FileServer, repository: str, tree: str | None, folder: str | None):
        """What a repository is, or what is in one of its folders and not below."""
        answer: object = {"id": repository, "sha": COMMIT, "siblings": []}
        if tree is not None:
            answer = entries = []
            start = f"/{repository}/"
            folders = set()
            for name, data in state.files.items():
                path = PurePosixPath(name.removeprefix(start))
                above = PurePosixPath((folder or "").lstrip("/"))
                if name.startswith(start) and path.parent == above:
                    facts = {"size": len(data), "oid": hashlib.sha1(data).hexdigest()}
                    entries.append({"type": "file", "path": str(path), **facts})
                elif name.startswith(start) and path.parent.parent == above:
                    folders.add(str(path.parent))
            entries += [{"type": "directory", "path": path, "oid": COMMIT} for path in folders]
        self._send(200, json.dumps(answer).encode(), {"Content-Type": "application/json"})

    def _send(self, status: int, body: bytes, headers: dict, told: int | None = None) -> None:
        self.send_response(status)
        for name, value in ({"Content-Length": str(len(body))} | headers).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body[:told])
