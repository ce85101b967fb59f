"""One rendered page: its sections, trees, styles, boxes and pictures.

A page's clock moves only when we move it, so that two captures of one page are equal.
"""

import base64
import contextlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from playwright.sync_api import Error

from data_prep.browser.site import Site
from data_prep.browser.watchdog import Watchdog
from data_prep.trees.colors import plain_changes, plain_styles
from data_prep.trees.extracted import Extracted

NOW = 1_700_000_000_000  # ms; the clock of every page
LOAD_MS = 60_000
# What the browser says when the document it was asked about is gone.
_LOST = re.compile(
    r"context was destroyed|find context|Target|crashed|Protocol error", re.IGNORECASE
)
MAX_SCROLL = 40_000  # px
MOVES_ON = 3  # times that a page may send us to another one while it loads
MAX_NODES = 4096
SCRIPT = "\n".join(
    (Path(__file__).parent / name).read_text(encoding="utf-8")
    for name in (
        "page_tree.js",
        "page_styles.js",
        "page_contents.js",
        "page_extract.js",
        "page_shown.js",
        "page_sections.js",
        "page_overlays.js",
        "page_settle.js",
        "page_variants.js",
        "page_words.js",
    )
)
# Width and height of the smaller screens, the larger first; CSS px.
SCREENS = {"tablet": (768, 1024), "mobile": (375, 812)}
# Pages that shuffle or sample do so alike each time.
SEEDED_RANDOM = """{ let s = 1; Math.random = () => { s = (s + 0x6D2B79F5) | 0;
  let t = Math.imul(s ^ (s >>> 15), 1 | s); t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
  return ((t ^ (t >>> 14)) >>> 0) / 4294967296; }; }"""
STILL = """*, *::before, *::after { animation-duration: 1ms !important;
  animation-delay: 0s !important; animation-iteration-count: 1 !important;
  transition-duration: 0s !important; transition-delay: 0s !important;
  animation-timeline: auto !important; scroll-behavior: auto !important;
  caret-color: transparent !important; }
  ::backdrop { opacity: 0 !important; transition: none !important; }"""


class PageError(Exception):
    """This page could not be rendered; the message says why. The run goes on with the next."""


class Page:
    """One rendered page whose clock is stopped; use `with`, or `close` it."""

    def __init__(self, browser, viewport, site: Site, watchdog: Watchdog, proxy: str | None):
        self.site, self.viewport = site, list(viewport)
        self.passed: dict[str, int] = {}
        self.reason = ""  # why there is no section
        self.script_errors = 0  # times that some of the page's own timers failed
        self._watchdog = watchdog
        self._context = browser.new_context(
            viewport={"width": viewport[0], "height": viewport[1]},
            reduced_motion="reduce",
            service_workers="block",
            accept_downloads=False,
            locale="en-US",
            timezone_id="UTC",
            **({"proxy": {"server": proxy, "bypass": "<-loopback>"}} if proxy else {}),
        )
        self._context.route("**/*", site.handle)
        self._context.route_web_socket("**/*", lambda socket: socket.close())
        self._context.add_init_script(SEEDED_RANDOM)
        self._page = self._context.new_page()
        self._page.on("dialog", lambda dialog: dialog.dismiss())
        # Of the context, not of our page: a popup may open popups, too.
        self._context.on("page", lambda popup: popup.close())
        # It runs until it is paused, which may take a while, and cannot be paused in its past.
        self._page.clock.install(time=NOW - 60_000)
        self._page.clock.pause_at(NOW + 1)

    def __enter__(self) -> "Page":
        return self

    def __exit__(self, *_) -> None:
        self.close()

    def close(self) -> None:
        with contextlib.suppress(Exception):
            self._context.close()
        self._watchdog.stop()

    def load(self, url: str) -> None:
        """Opens, scrolls through, and waits until nothing moves any more."""
        # A script may leave for somewhere else at once: `load` might never come.
        self._page.goto(url, wait_until="commit", timeout=LOAD_MS)
        self._session = self._context.new_cdp_session(self._page)
        for attempt in range(MOVES_ON + 1):
            try:
                self._enter_world()
                self._call("loaded", LOAD_MS)
                break
            except PageError:
                raise
            except Exception:
                gone = self._watchdog.reason or not self._context.browser.is_connected()
                if gone or attempt == MOVES_ON:
                    raise
        if self._page.url.startswith("chrome-error:"):
            raise PageError("it leads to an address that does not answer")
        self._open_roots()
        self._call("adopt", STILL)
        self._run_clock(500)
        self._settle()
        self._unroll()
        # Scroll-reveal scripts show a block only once it has been in view.
        self._scroll_through(lambda: self._call("height"))
        self._run_clock(1500)
        self._settle()
        self._call("frames")
        # A picture of what is out of view resizes the page for a moment, and scripts would answer.
        self._let_scripts_run(False)

    def _settle(self) -> None:
        self._open_roots()
        self._call("settle")

    def _scroll_through(self, height, *pane: int) -> None:
        """Down to where the page, or a part that scrolls for itself, ends then; and back."""
        y = 0
        while y < min(height(), MAX_SCROLL):
            self._call("scroll", y, *pane)
            self._run_clock(100)
            y += max(200, self.viewport[1] // 2)
        self._call("scroll", 0, *pane)

    def _unroll(self) -> None:
        """Parts of the page that scroll for themselves become as high as what they hold."""
        panes = self._call("findPanes")
        for number, (height, _) in enumerate(panes):
            self._scroll_through(lambda height=height: height, number)
        if panes:
            self._call("findPanes")  # they may have grown, or gone
            self._call("growPanes")
            self._run_clock(200)

    def _open_roots(self) -> None:
        """Hands roots that only the debugger sees to our scripts: closed ones, and marquees'."""
        self._session.send("DOM.enable")
        for taker, root in _hidden_roots(self._hosts()):
            given = {"backendNodeId": root, "executionContextId": self._world}
            handle = self._session.send("DOM.resolveNode", given)["object"]["objectId"]
            self._session.send(
                "Runtime.callFunctionOn",
                {"objectId": handle, "functionDeclaration": f"function(){{xojl.{taker}(this)}}"},
            )
        self._session.send("DOM.disable")

    def _hosts(self) -> list[dict[str, Any]]:
        """Nodes as the debugger tells them, with their roots: the document, or a page's hosts."""
        count = self._call("countHosts")
        if count is None:
            return [self._session.send("DOM.getDocument", {"depth": -1, "pierce": True})["root"]]
        nodes = []
        for number in range(count):
            asked = {"expression": f"xojl.hostAt({number})", "contextId": self._world}
            handle = self._session.send("Runtime.evaluate", asked)["result"]["objectId"]
            asked = {"objectId": handle, "depth": 0, "pierce": True}
            nodes.append(self._session.send("DOM.describeNode", asked)["node"])
        return nodes

    def _let_scripts_run(self, run: bool) -> None:
        """The page's own scripts; ours, in their own world, always run."""
        self._session.send("Emulation.setScriptExecutionDisabled", {"value": not run})

    def _enter_world(self) -> None:
        """A world of our own in the page's document; a page that moves on has a new document."""
        frame = self._session.send("Page.getFrameTree")["frameTree"]["frame"]["id"]
        world = {"frameId": frame, "worldName": "xojl"}
        self._world = self._session.send("Page.createIsolatedWorld", world)["executionContextId"]
        self._evaluate(SCRIPT + "; JSON.stringify(true)")

    def _run_clock(self, ms: int) -> None:
        """Moves the page's time.

        Playwright first tells every page of the context, and fails before any clock has moved when
        one of them, a popup that we (or the page) close, goes away meanwhile: so we ask again.
        An error in a timer of the page's own is told when all timers have run; the page is no worse
        for it than in a window. What is wrong with our own page still raises; the watchdog ends a
        page that never stops.
        """
        while True:
            try:
                self._page.clock.run_for(ms)
                return
            except Exception as error:
                if type(error) is Error and not _LOST.search(str(error)):
                    self.script_errors += 1
                    return
                popup = type(error).__name__ == "TargetClosedError" and not self._page.is_closed()
                if not popup or self._watchdog.reason or not self._context.browser.is_connected():
                    raise

    @property
    def title(self) -> str:
        """The page's title, as valid Unicode."""
        return self._call("title").encode("utf-8", "replace").decode("utf-8")

    @property
    def language(self) -> str:
        """What the page says that its language is, such as "de"; "" where it does not."""
        return self._call("language")

    def sections(self, *, whole=False) -> list[dict[str, Any]]:
        """Sections of the page (`box`, …); their numbers are good as `root` of `extract`.

        `whole`: the page is the one section. `passed` counts what was too low or too high for one.
        """
        answer = self._guard(lambda: self._call("sections", whole))
        self.passed, self.reason = answer["passed"], answer["reason"]
        return answer["sections"]

    def extract(
        self, root: str | int = "body", properties=(), *, author=False, counted: dict | None = None
    ) -> Extracted:
        """Tree, styles, boxes of the first element that a selector (or section number) names.

        `counted`: properties that are told in a node's `flaws` where they say something: name ->
        [values that say nothing, whether it is inherited].
        """
        answer = self._guard(
            lambda: self._call("extract", root, list(properties), MAX_NODES, author, counted or {})
        )
        if answer is None:
            raise PageError(f"nothing on the page is {root!r}")
        for node, z in zip(answer["nodes"], paint_order(answer["nodes"]), strict=True):
            node["z"] = z
            node["styles"] = plain_styles(node["styles"])
        return Extracted(**answer)

    def rest(self, ms: int = 2000) -> None:
        """Lets the page's time go on, until what it has begun is done."""

        def rest() -> None:
            self._let_scripts_run(True)
            self._run_clock(ms)
            self._settle()
            self._let_scripts_run(False)
            self._call("forget")

        self._guard(rest)

    def unfix(self, root: str | int) -> int:
        """Puts pictures that stay while the page scrolls into their elements; returns how many."""
        return self._guard(lambda: self._call("unfix", root))

    def read_variants(
        self, extracted: dict[str | int, Extracted], *, hover=True, screens=True
    ) -> dict[str, int]:
        """Fills the `variants` of what was extracted, by root. The page does not come back from it.

        Returns counts: hover `rules` that were read, `other` ones that speak of no node of ours or
        of another node than the one under the pointer, and style sheets left `unread`.
        """

        def read() -> dict[str, int]:
            counts: dict[str, int] = {}
            self._let_scripts_run(True)
            if hover:
                answer = self._call("hover", list(extracted), of="xojlVariants")
                for root, found in extracted.items():
                    found.variants["hover"] = plain_changes(answer["found"][str(root)])
                counts = {name: answer[name] for name in ("rules", "other", "unread")}
            for name, (width, height) in SCREENS.items() if screens else ():
                if width >= self.viewport[0]:
                    continue
                self._page.set_viewport_size({"width": width, "height": height})
                for _ in range(2):  # scripts wait for the end of resizing, and for one another
                    self._call("frames")
                    self._run_clock(300)
                self._call("frames")
                for root, found in extracted.items():
                    changes = self._call("changes", root, of="xojlVariants")
                    found.variants[name] = plain_changes(changes)
            return counts

        return self._guard(read)

    def coverage(self, groups: list[list[int]]) -> tuple[int, list[int]]:
        """Cells of 8 x 8 px that show texts or pictures: in all, and in groups of sections.

        Groups are lists of sections' numbers. A cell counts for the first group that holds it.
        """
        answer = self._guard(lambda: self._call("coverage", groups))
        return answer["shown"], answer["held"]

    def box(self, root: str | int) -> list[int]:
        """[x, y, width, height] of an element on the full page, whole CSS px."""
        return self._guard(lambda: self._call("box", root))

    def pdf(self, width: str, height: str) -> bytes:
        """The page as it is printed on paper of this size, such as "210mm"; its first sheet."""
        return self._guard(
            lambda: self._page.pdf(
                width=width, height=height, print_background=True, page_ranges="1"
            )
        )

    def words(self, roots: list[str], mark: str) -> list[dict[str, Any]]:
        """What is written in the first element of each selector, in document order.

        Of each: `size` in CSS px, whether its content `overflows`, `words` (`text`, `box`, `marks`)
        and the boxes of `marked` elements. `mark` is an attribute; its values in the elements
        around a word, the inner ones first, are the word's `marks`. Boxes are [x0, y0, x1, y1] of
        the element, CSS px. Words that only a tag divides are one word, as a reader sees it.
        """
        return self._guard(lambda: self._call("words", roots, mark))

    def screenshot(self, box, root: str | int | None = None, *, scale: float = 1.0) -> bytes:
        """PNG of `box` ([x, y, w, h] on the full page), one CSS px to `scale` pixels.

        With `root`, what is painted over that element and is not its own is hidden meanwhile.
        """

        def shoot() -> bytes:
            if root is not None:
                self._call("conceal", root)
            data = self._shoot(box, scale)
            if root is not None:
                self._call("reveal")
            return data

        return self._guard(shoot)

    def _shoot(self, box, scale: float) -> bytes:
        x, y, width, height = box
        clip = {"x": x, "y": y, "width": width, "height": height, "scale": scale}
        request = {"format": "png", "clip": clip, "captureBeyondViewport": True}
        request["optimizeForSpeed"] = True
        return base64.b64decode(self._session.send("Page.captureScreenshot", request)["data"])

    def _guard(self, action):
        try:
            return action()
        except PageError:
            raise
        except Exception as error:
            raise PageError(self._watchdog.reason or first_line(error)) from error

    def _call(self, name: str, *arguments, of="xojl") -> Any:
        return self._evaluate(f"{of}.{name}({', '.join(map(json.dumps, arguments))})")

    def _evaluate(self, expression: str) -> Any:
        answer = self._session.send(
            "Runtime.evaluate",
            {
                "expression": expression,
                "contextId": self._world,
                "awaitPromise": True,
                "returnByValue": True,
            },
        )
        if "exceptionDetails" in answer:
            details = answer["exceptionDetails"]
            what = details.get("exception", {}).get("description") or details.get("text", "")
            raise PageError(f"page script failed: {what.splitlines()[0] if what else 'no reason'}")
        return json.loads(answer["result"]["value"])


def _hidden_roots(nodes: list[dict[str, Any]]) -> Iterator[tuple[str, int]]:
    """(our function that takes it, id) of each hidden root below nodes, the outer ones first."""
    stack = nodes[:]
    while stack:
        node = stack.pop()
        for root in node.get("shadowRoots", ()):
            if root.get("shadowRootType") == "closed":
                yield "openRoot", root["backendNodeId"]
            elif node["nodeName"] == "MARQUEE":
                yield "stopMarquee", root["backendNodeId"]
            if root.get("shadowRootType") != "user-agent":
                stack.append(root)
        stack += node.get("children", ())


def paint_order(nodes: list[dict[str, Any]]) -> list[int]:
    """Rank of each node in the order of painting (CSS 2 appendix E, but floats in document order).

    A key is a path of steps through stacking contexts; a context paints itself first (its key is a
    prefix), then negative z, then the flow, then positioned things by z.
    """
    keys: list[tuple] = []
    contexts: list[tuple] = []  # of each node, the key of the context its positioned children join
    holders: list[tuple] = []  # of each node, the key that its flow children extend
    for index, node in enumerate(nodes):
        own, positioned, z = node["stack"]
        parent = node["parent"]
        if parent < 0:
            key: tuple = ()
            contexts.append(key)
            holders.append(key)
            keys.append(key)
            continue
        if own or positioned:
            z = z if own else 0
            key = (*contexts[parent], (z, 0 if z < 0 else 1, index))
            contexts.append(key if own else contexts[parent])
            holders.append(key)
        else:
            key = (*holders[parent], (0, 0, index))
            contexts.append(contexts[parent])
            holders.append(holders[parent])
        keys.append(key)
    rank = {
        index: place for place, index in enumerate(sorted(range(len(keys)), key=keys.__getitem__))
    }
    return [rank[index] for index in range(len(keys))]


def first_line(error: BaseException) -> str:
    """The first line of an error's text, for a person."""
    return next((line.strip() for line in str(error).splitlines() if line.strip()), repr(error))
