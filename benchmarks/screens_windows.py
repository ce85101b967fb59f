"""Real browser windows under Xvfb, photographed with the page's true place: for tests and figures.

One page of ours stays in the window. It shows the page that is asked for in a frame that fills it,
so its address, title and tabs look as usual; before that it shows one loud color, and where that
color is in the picture is the viewport, to the pixel.
"""

import contextlib
import http.server
import json
import os
import shutil
import subprocess
import tempfile
import threading
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from PIL import ImageGrab

LOUD = (255, 0, 254)
PATIENCE = 60.0  # s for one window to open or one page to load

_WRAPPER = """<!doctype html><meta charset=utf-8><title>New page</title>
<style>html,body{margin:0;height:100%;overflow:hidden;background:#ff00fe}
iframe{border:0;width:100%;height:100%;display:none;background:#fff}</style>
<iframe></iframe><script>
const frame = document.querySelector("iframe");
let seen = 0;
async function ask() {
  try {
    const order = await (await fetch("/__order__?seen=" + seen)).json();
    if (order.number != seen) {
      seen = order.number;
      document.title = order.title;
      history.replaceState(null, "", order.address);
      frame.style.display = order.page ? "block" : "none";
      if (order.page) {
        frame.onload = () => setTimeout(() => {
          const root = frame.contentDocument.scrollingElement;
          const bar = frame.contentWindow.innerWidth - root.clientWidth;
          fetch("/__done__?" + seen + "?" + Math.round(bar * devicePixelRatio));
        }, 400);
        frame.src = order.page;
      } else setTimeout(() => fetch("/__done__?" + seen), 200);
    }
  } catch (error) { await new Promise((wake) => setTimeout(wake, 500)); }
  setTimeout(ask, 100);
}
ask();
</script>"""


@dataclass(frozen=True)
class Window:
    """What is opened. `width` and `height` are the desktop's; a `frame` leaves `margin` around."""

    browser: str = "chromium"  # or firefox
    width: int = 1280
    height: int = 800
    dark: bool = False
    bookmarks: bool = False
    tabs: int = 1
    private: bool = False
    frame: bool = False  # a window manager's title bar and border, the desktop around it
    margin: tuple[int, int, int, int] = (0, 0, 0, 0)  # left, top, right, bottom, in px
    scale: int = 1
    maximized: bool = True  # between the margins, by a window manager; else there is none
    wallpaper: str = ""  # a picture file for the desktop, by hsetroot; black without

    @property
    def name(self) -> str:
        flags = [f for f in ("dark", "bookmarks", "private", "frame") if getattr(self, f)]
        parts = [self.browser, f"{self.width}x{self.height}", *flags, f"{self.tabs}tabs"]
        if any(self.margin):
            parts.append("margin")
        return "-".join([*parts, f"{self.scale}x"])


class _Pages(http.server.SimpleHTTPRequestHandler):
    """Files under a folder, the page that stays, and what it asks for."""

    def __init__(self, *args, desk: "Desk", **kwargs):
        self.desk = desk
        super().__init__(*args, **kwargs)

    def do_GET(self):
        if self.path.startswith("/__order__"):
            self._send(json.dumps(self.desk.order), "application/json")
        elif self.path.startswith("/__done__"):
            answer = self.path.split("?")[1:]
            self.desk.scroll_bar = int(answer[1]) if len(answer) > 1 else 0
            self.desk.done = int(answer[0])
            self._send("", "text/plain")
        elif self.path.startswith("/__tab__"):
            self._send(f"<title>{self.path.split('?')[1]}</title>", "text/html")
        elif self.path.startswith("/__stay__"):
            self._send(_WRAPPER, "text/html")
        else:
            super().do_GET()

    def _send(self, text: str, kind: str):
        self.send_response(200)
        self.send_header("content-type", kind)
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_):
        pass


class Desk(contextlib.AbstractContextManager):
    """An X display of its own with one browser window; `shoot` takes pictures of all of it."""

    def __init__(self, window: Window, folder):
        self.window = window
        self.order = {"number": 0, "title": "", "address": "/", "page": ""}
        self.done = 0
        self.scroll_bar = 0  # px of its width, as the page that was shown says itself
        self._processes = []
        self._scratch = Path(tempfile.mkdtemp(prefix="desk-"))
        handler = partial(_Pages, desk=self, directory=str(folder))
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.origin = f"http://localhost:{self._server.server_port}"
        try:
            self.display = self._start_display()
            self._start_browser()
            self.viewport = self._find_viewport()
        except BaseException:
            self.close()
            raise

    def __exit__(self, *_):
        self.close()

    def close(self) -> None:
        for process in reversed(self._processes):
            process.terminate()
        for process in self._processes:
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._server.shutdown()
        self._server.server_close()
        shutil.rmtree(self._scratch, ignore_errors=True)

    def grab(self) -> np.ndarray:
        """uint8[H, W, 3]: the whole display."""
        return np.asarray(ImageGrab.grab(xdisplay=self.display).convert("RGB"))

    def shoot(self, page: str, title: str = "A page", address: str = "/page.html") -> np.ndarray:
        """uint8[H, W, 3] of the display when `page` (a path under the folder) has loaded."""
        self._ask(page, title, address)
        time.sleep(0.6)
        return self.grab()

    # --- starting --------------------------------------------------------------------------

    def _start_display(self) -> str:
        reader, writer = os.pipe()
        size = f"{self.window.width}x{self.window.height}x24"
        command = ["Xvfb", "-displayfd", str(writer), "-screen", "0", size, "-nolisten", "tcp"]
        self._run(command, pass_fds=[writer])
        os.close(writer)
        with os.fdopen(reader) as stream:
            return f":{stream.readline().strip()}"

    def _start_browser(self) -> None:
        window = self.window
        if window.maximized:
            self._start_manager()
        urls = [f"{self.origin}/__stay__"]
        tabs = [f"{self.origin}/__tab__?Tab{i}" for i in range(1, window.tabs)]
        profile = self._scratch / "profile"
        profile.mkdir()
        if window.browser == "chromium":
            self._run(_chromium(window, profile) + urls + tabs)
        else:
            self._run(_firefox(window, profile) + (urls if window.private else urls + tabs))

    def _start_manager(self) -> None:
        left, top, right, bottom = self.window.margin
        folder = self._scratch / "openbox"
        folder.mkdir()
        (folder / "rc.xml").write_text(f"""<openbox_config xmlns="http://openbox.org/3.4/rc">
          <margins><left>{left}</left><top>{top}</top><right>{right}</right>
          <bottom>{bottom}</bottom></margins>
          <applications><application class="*"><decor>{"yes" if self.window.frame else "no"}</decor>
          <maximized>yes</maximized></application></applications></openbox_config>""")
        if self.window.wallpaper:
            self._run(["hsetroot", "-fill", self.window.wallpaper])
        self._run(["openbox", "--config-file", str(folder / "rc.xml")])
        time.sleep(1)

    def _run(self, command: list[str], **options) -> None:
        environment = dict(os.environ, HOME=str(self._scratch), GTK_CSD="0")
        if hasattr(self, "display"):
            environment["DISPLAY"] = self.display
        self._processes.append(
            subprocess.Popen(
                command,
                env=environment,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                **options,
            )
        )

    # --- asking ----------------------------------------------------------------------------

    def _ask(self, page: str, title: str, address: str) -> None:
        number = self.order["number"] + 1
        self.order = {"number": number, "title": title, "address": address, "page": page}
        limit = time.monotonic() + PATIENCE
        while self.done < number:
            if time.monotonic() > limit:
                raise TimeoutError(f"{self.window.name}: {page or 'the window'} did not load")
            time.sleep(0.05)

    def _find_viewport(self) -> tuple[int, int, int, int]:
        """(left, top, right, bottom) of the loud color, when it has stopped moving."""
        self._ask("", "New page", "/")
        last, limit = None, time.monotonic() + PATIENCE
        while time.monotonic() < limit:
            time.sleep(1)
            loud = (self.grab() == LOUD).all(-1)
            rows, columns = np.flatnonzero(loud.any(1)), np.flatnonzero(loud.any(0))
            if not len(rows):
                continue
            box = (int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1)
            if box == last:
                return box
            last = box
        raise TimeoutError(f"{self.window.name}: the window's page was never seen")


def _chromium(window: Window, profile: Path) -> list[str]:
    default = profile / "Default"
    default.mkdir()
    preferences = {
        "bookmark_bar": {"show_on_all_tabs": window.bookmarks},
        "browser": {"custom_chrome_frame": not window.frame},
    }
    (default / "Preferences").write_text(json.dumps(preferences))
    marks = [
        {"type": "url", "name": name, "url": f"https://{name.lower()}.example/", "id": str(i + 5)}
        for i, name in enumerate(("News", "Weather", "Recipes", "Maps", "Library"))
    ]
    roots = {
        key: {"type": "folder", "name": key, "id": str(i + 1), "children": marks if not i else []}
        for i, key in enumerate(("bookmark_bar", "other", "synced"))
    }
    (default / "Bookmarks").write_text(json.dumps({"version": 1, "roots": roots}))
    left, top, right, bottom = window.margin
    width, height = window.width - left - right, window.height - top - bottom
    command = ["chromium", "--no-sandbox", "--test-type", "--no-first-run", "--disable-gpu"]
    command += [f"--user-data-dir={profile}", f"--force-device-scale-factor={window.scale}"]
    size = f"{width // window.scale},{height // window.scale}"
    command += [f"--window-size={size}", f"--window-position={left},{top}"]
    command += [
        "--disable-features=Translate",
        "--password-store=basic",
        "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost",
    ]
    command += ["--force-dark-mode"] if window.dark else []
    return command + (["--incognito"] if window.private else [])


def _firefox(window: Window, profile: Path) -> list[str]:
    preferences = {
        "browser.toolbars.bookmarks.visibility": "always" if window.bookmarks else "never",
        "ui.systemUsesDarkTheme": int(window.dark),
        "browser.aboutwelcome.enabled": False,
        "browser.shell.checkDefaultBrowser": False,
        "browser.startup.homepage_override.mstone": "ignore",
        "datareporting.policy.dataSubmissionEnabled": False,
        "toolkit.telemetry.reportingpolicy.firstRun": False,
        "termsofuse.bypassNotification": True,
        "browser.sessionstore.resume_from_crash": False,
        "browser.warnOnQuit": False,
        "layout.css.devPixelsPerPx": f"{window.scale}.0",
        # Nothing but the pages that we serve: everything else meets a closed door.
        "network.proxy.type": 1,
        "network.proxy.http": "127.0.0.1",
        "network.proxy.http_port": 9,
        "network.proxy.ssl": "127.0.0.1",
        "network.proxy.ssl_port": 9,
        "widget.gtk.overlay-scrollbars.enabled": False,
    }
    lines = [f"user_pref({json.dumps(k)}, {json.dumps(v)});" for k, v in preferences.items()]
    (profile / "user.js").write_text("\n".join(lines) + "\n")
    command = ["firefox-esr", "--no-remote", "--profile", str(profile)]
    return [*command, "--private-window"] if window.private else command
