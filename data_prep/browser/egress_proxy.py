"""The only door to the web: a proxy that lets a page reach public addresses and nothing else.

Chromium resolves no names and opens no sockets of its own behind a proxy, so what this refuses
(the machine itself, the local network, cloud metadata) cannot be reached by any trick of a page:
the address that was checked is the address that is connected to.
"""

import contextlib
import ipaddress
import selectors
import socket
import socketserver
import threading
from urllib.parse import urlsplit

# Seconds without a byte after which a connection is given up.
TIMEOUT = 20.0
# IPv6 addresses that hold an IPv4 one (RFC 6052): behind 64:ff9b::10.0.0.1 is a private host.
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
# Bytes of a request's head; no browser sends as many, and memory is bounded.
_HEAD_LIMIT = 64 * 1024


class EgressProxy:
    """`with EgressProxy() as proxy`: at `proxy.address`; `allow(url)` opens one private host."""

    def __init__(self):
        self.refused: list[str] = []
        self._allowed: set[tuple[str, int]] = set()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.proxy = self
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self) -> "EgressProxy":
        self._thread.start()
        return self

    def __exit__(self, *_) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def allow(self, url: str) -> None:
        """The page that is opened now, and no page after it, may reach the private host of `url`:
        a person named it on the command line."""
        parts = urlsplit(url)
        self._allowed = {(parts.hostname or "", parts.port or _port(parts.scheme))}

    def connect(self, host: str, port: int) -> socket.socket | None:
        """A connection to a public address (or an allowed one); None where it is refused."""
        with contextlib.suppress(OSError, UnicodeError, ValueError):
            for family, kind, protocol, _, address in socket.getaddrinfo(
                host, port, type=socket.SOCK_STREAM
            ):
                # One private address among several refuses the name: which one a later connection
                # would get is up to whoever answers for the name.
                if not is_public(address[0]) and (host, port) not in self._allowed:
                    break
                peer = socket.socket(family, kind, protocol)
                peer.settimeout(TIMEOUT)
                try:
                    peer.connect(address)
                except OSError:
                    peer.close()
                    continue
                return peer
        self.refused.append(f"{host}:{port}")
        return None


def is_public(address: str) -> bool:
    """Whether a numeric address is one of the public network, also where it wraps another one."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    wrapped = [ip]
    if ip.version == 6:
        # A check of the outer address alone would let the inner one pass.
        wrapped += [ip.ipv4_mapped, ip.sixtofour, *(ip.teredo or ())]
        if ip in _NAT64:
            wrapped.append(ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF))
    return all(one.is_global and not one.is_multicast for one in wrapped if one is not None)


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True
    proxy: EgressProxy


class _Handler(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        self.request.settimeout(TIMEOUT)
        with contextlib.suppress(OSError, ValueError):
            self._serve()

    def _serve(self) -> None:
        head, rest = self._read_head()
        method, target, version = head[0].split(" ", 2)
        if method == "CONNECT":
            host, _, port = target.rpartition(":")
            host, number, opening = host.strip("[]"), int(port), b""
        else:
            parts = urlsplit(target)
            host, number = parts.hostname or "", parts.port or _port(parts.scheme)
            path = parts._replace(scheme="", netloc="").geturl() or "/"
            kept = [h for h in head[1:] if not h.lower().startswith(("proxy-", "connection:"))]
            # `close`: a second request on the connection could name another host, unchecked.
            lines = [f"{method} {path} {version}", *kept, "Connection: close", "", ""]
            opening = "\r\n".join(lines).encode("latin-1") + rest
        peer = self.server.proxy.connect(host, number)
        if peer is None:
            self.request.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
            return
        with peer:
            if method == "CONNECT":
                self.request.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            peer.sendall(opening)
            _relay(self.request, peer)

    def _read_head(self) -> tuple[list[str], bytes]:
        data = b""
        while b"\r\n\r\n" not in data:
            piece = self.request.recv(8192)
            if not piece or len(data) > _HEAD_LIMIT:
                raise ValueError("no request")
            data += piece
        head, _, rest = data.partition(b"\r\n\r\n")
        return head.decode("latin-1").split("\r\n"), rest


def _relay(one: socket.socket, other: socket.socket) -> None:
    with selectors.DefaultSelector() as ready:
        ready.register(one, selectors.EVENT_READ, other)
        ready.register(other, selectors.EVENT_READ, one)
        while events := ready.select(TIMEOUT):
            for key, _ in events:
                data = key.fileobj.recv(65536)
                if not data:
                    return
                key.data.sendall(data)


def _port(scheme: str) -> int:
    return 443 if scheme in ("https", "wss") else 80
