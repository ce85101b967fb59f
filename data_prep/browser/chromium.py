"""A real Chromium, kept on a short lead.

Every page gets a context of its own under a made-up origin, and every request it makes is answered
from files (or refused): nothing reaches a network. The page's clock moves only when we move it, so
that two captures of one page are equal. A watchdog ends the browser when a page takes too long or
too much memory; the next page gets a new one.
"""

import contextlib
import os
import shutil
from pathlib import Path
from urllib.parse import quote

from data_prep.browser.egress_proxy import EgressProxy
from data_prep.browser.page import Page, PageError, first_line, paint_order
from data_prep.browser.site import ORIGIN, Shim, Site
from data_prep.browser.watchdog import Watchdog
from xojl_jax.errors import BadUsage

__all__ = ["DESKTOP", "Browser", "Page", "PageError", "find_chromium", "paint_order"]

DESKTOP = (1280, 720)
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
FLAGS = (
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-extensions",
    "--font-render-hinting=none",
    "--force-color-profile=srgb",
    # Pictures that move (GIF, APNG, WebP, drawings in SVG files) show their first frame. The
    # others are Playwright's own, which a second switch of this name would undo.
    "--blink-settings=imageAnimationPolicy=2,primaryHoverType=2,availableHoverTypes=2,"
    "primaryPointerType=4,availablePointerTypes=4",
    # What escapes the route (sockets, prefetch, WebRTC) meets a proxy that does not exist.
    "--webrtc-ip-handling-policy=disable_non_proxied_udp",
    "--force-webrtc-ip-handling-policy=disable_non_proxied_udp",  # of older ones
    "--js-flags=--max-old-space-size=1024",
)
DEAD_PROXY = {"server": "http://127.0.0.1:9", "bypass": "<-loopback>"}


def find_chromium() -> str:
    """Path of a Chromium on this machine; BadUsage when there is none."""
    named = os.environ.get("XOJL_CHROMIUM")
    for name in [named] if named else NAMES:
        if path := shutil.which(name):
            return path
    if named:
        raise BadUsage(
            f"XOJL_CHROMIUM={named}: no such program (set it to a Chromium, or unset it)"
        )
    mac = "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"
    if Path(mac).exists():
        return mac
    raise BadUsage(
        "no Chromium found: install one (apt-get install chromium) or set XOJL_CHROMIUM to its path"
    )


class Browser:
    """`with Browser() as browser, browser.open_html(text) as page: page.screenshot(box)`"""

    def __init__(self, executable: str | None = None, *, page_seconds=60.0, page_bytes=3 * 2**30):
        self._executable = executable or find_chromium()
        self._page_seconds, self._page_bytes = page_seconds, page_bytes
        self._stack = contextlib.ExitStack()
        self._playwright = self._browser = self._egress_proxy = None
        self._pid = 0

    def __enter__(self) -> "Browser":
        with self._stack:
            self._playwright = self._stack.enter_context(_playwright())
            self._stack.callback(self._close_browser)
            self._ensure_browser()
            self._stack = self._stack.pop_all()
        return self

    def __exit__(self, *_) -> None:
        self._stack.close()

    def open_html(
        self, text: str, viewport=DESKTOP, *, root=None, shim: Shim | None = None
    ) -> "Page":
        """Renders HTML text. `root`: a folder that its own links may name."""
        return self._open(ORIGIN + "/", viewport, Site(root, shim, {"/": text}))

    def open_site(
        self,
        root,
        path: str,
        viewport=DESKTOP,
        *,
        shim: Shim | None = None,
        text: str | None = None,
        near=False,
        placeholders=False,
    ) -> "Page":
        """Renders the file `path` of the folder `root`; `/` in its links means `root`.

        Args:
          text: HTML to render in place of the file, at its address.
          near, placeholders: see `Site`.
        """
        place = "/" + path.lstrip("/")
        site = Site(
            root,
            shim,
            None if text is None else {place: text},
            near=path if near else "",
            placeholders=placeholders,
        )
        if text is None and site.file(path) is None:
            raise PageError("no such file in the site")
        return self._open(f"{ORIGIN}{quote(place)}", viewport, site)

    def open_url(self, url: str, viewport=DESKTOP, *, shim: Shim | None = None) -> "Page":
        """Renders a page of the web. It reaches public addresses, and the host of `url`, only."""
        if self._egress_proxy is None:
            self._egress_proxy = self._stack.enter_context(EgressProxy())
        self._egress_proxy.allow(url)
        return self._open(url, viewport, Site(shim=shim, open_web=True), self._egress_proxy.address)

    @property
    def version(self) -> str:
        """The version of the Chromium that runs."""
        return self._browser.version

    def _open(self, url: str, viewport, site: Site, proxy: str | None = None) -> "Page":
        self._ensure_browser()
        watchdog = Watchdog(self._pid, self._page_seconds, self._page_bytes)
        page = None
        try:
            page = Page(self._browser, viewport, site, watchdog, proxy)
            page.load(url)
            return page
        except Exception as error:
            if page is not None:
                page.close()
            watchdog.stop()
            raise PageError(watchdog.reason or first_line(error)) from error

    def _ensure_browser(self) -> None:
        if self._browser is not None and self._browser.is_connected():
            return
        self._close_browser()
        root = hasattr(os, "geteuid") and os.geteuid() == 0
        try:
            self._browser = self._playwright.chromium.launch(
                executable_path=self._executable,
                # Chromium refuses to run as root inside its sandbox.
                args=[*FLAGS, *(["--no-sandbox"] if root else [])],
                proxy=DEAD_PROXY,
            )
            session = self._browser.new_browser_cdp_session()
            processes = session.send("SystemInfo.getProcessInfo")["processInfo"]
        except Exception as error:
            self._close_browser()
            raise BadUsage(
                f"{self._executable} does not start ({first_line(error)}): set XOJL_CHROMIUM"
            ) from error
        self._pid = next(p["id"] for p in processes if p["type"] == "browser")

    def _close_browser(self) -> None:
        if self._browser is not None:
            with contextlib.suppress(Exception):
                self._browser.close()
        self._browser = None


_shared: list = []  # [Playwright, number of browsers that use it]


@contextlib.contextmanager
def _playwright():
    """Playwright's driver. It allows one a thread, so browsers that are open together share it."""
    if _shared:
        _shared[1] += 1
    else:
        try:
            from playwright.sync_api import sync_playwright
        except ImportError as error:
            raise BadUsage(
                "rendering needs Playwright: pip install 'playwright>=1.60' (and no browser of its)"
            ) from error
        _shared[:] = [sync_playwright().start(), 1]
    try:
        yield _shared[0]
    finally:
        _shared[1] -= 1
        if _shared[1] == 0:
            driver = _shared[0]
            _shared.clear()
            driver.stop()
