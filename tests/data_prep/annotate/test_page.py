"""The page in a real browser, by keys alone, with the command killed in the middle."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from xojl_jax.xojl.record import parse_record
from xojl_jax.xojl.tree import print_layout

ROOT = Path(__file__).parents[3]
MODULE = (sys.executable, "-m", "data_prep.annotate")


class Command:
    """The command as a process. `address` is what it prints."""

    def __init__(self, raw, out, *flags):
        self.process = subprocess.Popen(
            [*MODULE, f"--records={raw}", f"--out={out}", "--port=0", *flags],
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self.address = self.process.stdout.readline().strip()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


class Visit:
    """A page that is used by keys, all it asked for, and all it complained of."""

    def __init__(self, browser, address):
        self.asked, self.said = [], []
        self.page = browser.new_page(viewport={"width": 1280, "height": 800})
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.on("console", lambda message: self.said.append(message.text))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.goto(address)
        self.page.wait_for_selector("#picture svg rect")

    def press(self, *keys):
        """Each key, once the one before it is saved or refused."""
        for key in keys:
            self.page.evaluate("document.getElementById('status').textContent = ''")
            self.page.keyboard.press(key)
            if not key.startswith(("Arrow", "Page", ".", "/", "?", "Escape")):
                self.page.wait_for_selector("#status:not(:empty)")
        return self.page.inner_text("#status")

    def chosen(self):
        return self.page.inner_text('[role=treeitem][aria-selected="true"]').split()


def read_by_keys(chromium, raw, out):
    """Corrects "hero" by keys; the command dies in the middle and is started again."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        with Command(raw, out, "--reader=ana") as command:
            visit = Visit(browser, command.address)
            # section, div, h1: which becomes a paragraph; then the box around it a wrapper.
            visit.press("ArrowDown", "ArrowDown", "p")
            assert visit.chosen()[:2] == ["paragraph", "h1"]
            assert "Welcome to <us>" in visit.page.inner_text("#tree")
            visit.press("ArrowLeft", "b")  # a button: what is inside is merged into it
            assert visit.page.locator("#picture .labels rect").count() == 3
            visit.press("u", "w")
            assert visit.press("Control+z", "Control+Shift+Z") == "Saved."
            command.process.kill()
            command.process.wait()
            assert "start it again" in visit.press("x")
            visit.page.close()
        asked, said = visit.asked, [text for text in visit.said if "ERR_" not in text]
        with Command(raw, out, "--reader=ana") as command:
            visit = Visit(browser, command.address)
            assert "wrapper" in visit.page.inner_text("#tree")
            visit.press("g", "c")  # a column is only inside a grid
            assert "a column outside a grid" in visit.page.inner_text("#tree .faulty")
            assert "rules of the language are broken" in visit.press("Enter")
            visit.press("u", "u")
            visit.press("/")
            visit.page.keyboard.type("abo")  # letters choose here, and label nothing
            visit.page.keyboard.press("Enter")
            visit.page.wait_for_selector("[role=treeitem]:focus")
            visit.page.click("text=Redo")  # the mouse leaves the keyboard where it is
            visit.page.wait_for_selector("#status.bad")
            visit.press("?")
            assert "A form is a wrapper" in visit.page.inner_text("#help")
            visit.press("Escape", "Enter")
            visit.page.wait_for_selector("text=1 of 2 finished")
            # The next one that is not finished comes by itself.
            visit.page.wait_for_selector("#name:text-is('note')")
            browser.close()
    return [*asked, *visit.asked], [*said, *visit.said]


def test_a_section_is_read_by_keys_and_nothing_is_lost(raw, chromium_path, tmp_path):
    """Protects readers: keys alone correct a section, every decision outlives the process, broken
    rules are shown, the record has what was decided, and nobody else is asked for anything."""
    out = tmp_path / "read"
    with ThreadPoolExecutor(1) as pool:  # a browser of other tests may run in this thread
        asked, said = pool.submit(read_by_keys, chromium_path, raw, out).result()
    assert all(url.startswith("http://127.0.0.1:") for url in asked), asked
    assert [text for text in said if "status of 4" not in text] == []
    record = parse_record((out / "ana" / "hero.json").read_bytes())
    assert print_layout(record.layout, semantic=True) == (
        '{"section":{"wrapper":{"paragraph":"","paragraph#2":"","button":""},"image":""}}'
    )
    assert record.category == "about"
    assert record.extra["reading"]["reader"] == "ana"
