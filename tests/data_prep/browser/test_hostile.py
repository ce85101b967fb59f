"""A page that means harm costs itself: no request of its leaves, the run goes on and counts it."""

import contextlib
import json
import socket
import threading

import pytest

from data_prep.browser.chromium import Browser, PageError, find_chromium
from data_prep.browser.egress_proxy import EgressProxy, is_public
from data_prep.capture import command as capture
from xojl_jax.errors import BadUsage


class Canary:
    """A port of this machine, TCP and UDP, that must hear nothing: a connection is too much."""

    def __init__(self):
        self.heard: list[str] = []
        self._tcp = socket.create_server(("127.0.0.1", 0))
        self.port = self._tcp.getsockname()[1]
        self._udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._udp.bind(("127.0.0.1", self.port))
        self._threads = [threading.Thread(target=f, daemon=True) for f in (self._calls, self._mail)]

    def __enter__(self) -> "Canary":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_) -> None:
        for bell in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
            with socket.socket(socket.AF_INET, bell) as last, contextlib.suppress(OSError):
                last.connect(("127.0.0.1", self.port))
                last.sendall(b"end")
        for thread in self._threads:
            thread.join()
        self._tcp.close()
        self._udp.close()

    def _calls(self) -> None:
        while True:
            peer, _ = self._tcp.accept()
            with peer:
                peer.settimeout(2)
                try:
                    said = peer.recv(200)
                except OSError:
                    said = b""
            if said == b"end":
                return
            self.heard.append(f"tcp {said[:80]!r}")

    def _mail(self) -> None:
        while (said := self._udp.recv(2000)) != b"end":
            self.heard.append(f"udp {said[:40]!r}")


@pytest.fixture
def canary():
    with Canary() as bird:
        yield bird


def every_way_out(port: int) -> str:
    """A page that asks for something at `port` in every way that we know of, again every 2 s.

    Each round opens windows, workers and connections: five times as often they keep two cores busy
    for more than a minute, and ask for nothing else.
    """
    names = ("127.0.0.1", "localhost", "127.1", "0x7f.1", "2130706433", "[::ffff:127.0.0.1]")
    at = f"http://127.0.0.1:{port}"
    images = "".join(f'<img src="http://{name}:{port}/img">' for name in names)
    return f"""<!doctype html><html manifest="{at}/manifest"><head>
      <meta http-equiv="refresh" content="0; url={at}/refresh">
      <meta http-equiv="Content-Security-Policy-Report-Only"
        content="default-src 'none'; report-uri {at}/report">
      <base href="{at}/base/"><link rel="stylesheet" href="{at}/css">
      <link rel="preconnect" href="{at}"><link rel="dns-prefetch" href="{at}">
      <link rel="prefetch" href="{at}/prefetch"><link rel="prerender" href="{at}/prerender">
      <link rel="preload" as="image" href="{at}/preload"><link rel="icon" href="{at}/icon">
      <link rel="modulepreload" href="{at}/module"><link rel="manifest" href="{at}/webmanifest">
      <script type="speculationrules">{{"prefetch": [{{"urls": ["{at}/speculation"]}}],
        "prerender": [{{"urls": ["{at}/prerender2"]}}]}}</script>
      <style>@import url({at}/import); @font-face {{ font-family: x; src: url({at}/font) }}
        h1 {{ font-family: x; background: url({at}/background); cursor: url({at}/cursor), auto;
          mask-image: url({at}/mask.svg#m); list-style: url({at}/marker) }}
        h1:hover {{ background: url({at}/hover) }}</style></head>
      <body style="margin: 0"><section style="height: 300px"><h1 id="h">calm</h1></section>{images}
      <iframe src="{at}/frame"></iframe><iframe srcdoc="<img src='{at}/inner'>"></iframe>
      <object data="{at}/object"></object><embed src="{at}/embed"><video src="{at}/video"
        poster="{at}/poster" autoplay></video><audio src="{at}/audio"></audio>
      <svg><use href="{at}/use.svg#a"></use><image href="{at}/svg-image"></image></svg>
      <form id="f" action="{at}/form" method="post"><input name="a" value="b"></form>
      <form id="g" action="{at}/form2" target="other"></form><iframe name="other"></iframe>
      <a id="a" href="{at}/link" ping="{at}/ping">x</a><a id="d" download href="{at}/file">x</a>
      <script src="{at}/script"></script><script>
      const tries = [
        () => fetch('{at}/fetch', {{mode: 'no-cors', keepalive: true}}).catch(() => 0),
        () => fetch('{at}/post', {{method: 'POST', body: 'x', mode: 'no-cors'}}).catch(() => 0),
        () => {{ const r = new XMLHttpRequest(); r.open('GET', '{at}/xhr'); r.send(); }},
        () => {{ const r = new XMLHttpRequest(); r.open('GET', '{at}/sync', false); r.send(); }},
        () => navigator.sendBeacon('{at}/beacon', 'x'),
        () => new WebSocket('ws://127.0.0.1:{port}/socket'),
        () => new EventSource('{at}/events'),
        () => new WebTransport('https://127.0.0.1:{port}/transport').ready.catch(() => 0),
        () => navigator.serviceWorker.register('{at}/worker').catch(() => 0),
        () => new Worker(URL.createObjectURL(new Blob(["fetch('{at}/in-worker').catch(() => 0);"
          + "importScripts('{at}/imported')"]))),
        () => import('{at}/dynamic').catch(() => 0),
        () => window.open('{at}/popup'),
        () => window.open('about:blank').document.write('<img src="{at}/popup-img">'),
        () => {{ const p = new RTCPeerConnection({{iceServers: [{{urls: 'stun:127.0.0.1:{port}'}},
          {{urls: 'turn:127.0.0.1:{port}?transport=tcp', username: 'a', credential: 'b'}}]}});
          p.createDataChannel('x'); p.createOffer().then((o) => p.setLocalDescription(o)); }},
        () => {{ new Image().src = '{at}/late'; }},
        () => document.getElementById('a').click(),
        () => document.getElementById('d').click(),
        () => document.getElementById('g').submit(),
        () => document.getElementById('f').submit(),
        () => {{ location.href = '{at}/location'; }},
        () => alert(1), () => confirm(2), () => prompt(3), () => print(),
      ];
      onbeforeunload = () => 'stay';
      for (const go of tries) try {{ go(); }} catch {{}}
      setInterval(() => {{ for (const go of tries) try {{ go(); }} catch {{}} }}, 2000);
      </script>"""


def test_no_way_out_of_a_local_page(chromium, canary, tmp_path):
    """Not a byte, not a connection; the page is captured all the same and nothing is downloaded."""
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "index.html").write_text(every_way_out(canary.port))
    out = tmp_path / "out"
    flags = ["--workers", "1", "--out", str(out), str(tmp_path / "site")]
    assert capture.main(flags) == 0
    account = json.loads((out / "capture.jsonl").read_text())["total"]
    assert canary.heard == []
    assert account["pages_failed"] == {} and account["sections_kept"] >= 1
    assert account["counts"]["refused"] > 30 and "sent" not in account["counts"]
    assert {p.name for p in tmp_path.rglob("*") if "file" in p.name or "link" in p.name} == set()


def test_a_page_of_the_web_finds_no_way_to_the_local_network(chromium, canary):
    """The host that a person names may be private; what it names, or redirects to, may not."""
    import http.server

    class Own(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            body = every_way_out(canary.port).replace("</h1>", "</h1><img src='/away'>", 1)
            body = body.replace('<base href="', '<base data-x="').encode()
            away = self.path == "/away"
            self.send_response(302 if away else 200)
            if away:
                self.send_header("location", f"http://127.0.0.1:{canary.port}/redirected")
            self.send_header("content-type", "text/html")
            self.send_header("content-length", str(0 if away else len(body)))
            self.end_headers()
            self.wfile.write(b"" if away else body)

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Own)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        address = f"http://127.0.0.1:{server.server_address[1]}/"
        # Whether the page survives what it does to itself is its own affair.
        with contextlib.suppress(PageError), chromium.open_url(address) as page:
            page.extract("h1")
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
    assert canary.heard == []


def test_the_proxy_refuses_every_spelling_of_a_private_address(canary):
    """What counts is the address that a name leads to, at the moment of connecting."""
    with EgressProxy() as proxy:
        for host in ("127.0.0.1", "localhost", "127.1", "0x7f.1", "2130706433", "0.0.0.0"):
            assert proxy.connect(host, canary.port) is None, host
        proxy.allow(f"http://127.0.0.1:{canary.port}/")
        assert proxy.connect("127.0.0.1", canary.port + 1) is None
        proxy.allow("http://example.com/")  # the next page: what the last one was allowed is over
        assert proxy.connect("127.0.0.1", canary.port) is None
        assert len(proxy.refused) == 8
    for address in ("10.0.0.1", "169.254.169.254", "::1", "::ffff:10.0.0.1", "64:ff9b::7f00:1"):
        assert not is_public(address), address
    assert is_public("8.8.8.8") and is_public("2606:4700::1111")
    assert canary.heard == []


GROWING = """<body style="margin: 0"><section style="height: 400px"><h1>calm</h1></section>
  <div id="d"></div><script>const grow = () => d.insertAdjacentHTML('beforeend',
    '<section style="height: 500px">more</section>'.repeat(2));
  addEventListener('scroll', grow); setInterval(grow, 500);
  new ResizeObserver(() => { d.style.width = (d.offsetWidth === 600 ? 601 : 600) + 'px' })
    .observe(d)</script>"""
ENDLESS = "<h1>x</h1><script>for (;;);</script>"
CHAINED = "<h1>x</h1><script>(function again() { Promise.resolve().then(again) })()</script>"
HOG = (
    """<h1>x</h1><script>const all = []; for (;;) all.push(new Uint8Array(3e7).fill(7))</script>"""
)


def test_a_page_that_grows_for_ever_comes_to_an_end(chromium):
    """The scroll through a page stops, and so does the search for sections."""
    with chromium.open_html(GROWING) as page:
        assert 1 <= len(page.sections()) <= 400
        assert page.extract(0, ["color"]).nodes[1]["tag"] == "h1"


def test_endless_scripts_and_hogs_cost_a_page_each(tmp_path):
    """The limits on time and memory end the page, and its neighbors are captured."""
    try:
        find_chromium()
    except BadUsage as error:
        pytest.skip(str(error))
    with Browser(page_seconds=60, page_bytes=2**30) as started:
        with pytest.raises(PageError):  # by our limit, or the browser's own
            started.open_html(HOG)
        with started.open_html("<h1>alive</h1>") as page:
            assert page.extract("h1").nodes
    site = tmp_path / "site"
    site.mkdir()
    good = "<body style='margin:0'><section style='height:200px'><h1>{}</h1></section>"
    pages = {"a": good.format("one"), "b": ENDLESS, "c": CHAINED, "d": good.format("two")}
    for name, text in pages.items():
        (site / f"{name}.html").write_text(text)
    out = tmp_path / "out"
    flags = ["--workers", "1", "--page-seconds", "3", "--out", str(out), str(site)]
    assert capture.main(flags) == 0
    account = json.loads((out / "capture.jsonl").read_text())["total"]
    assert account["pages"] == 4 and account["sections_kept"] == 2
    assert account["pages_failed"] == {"took more than 3 s": 2}
