"""The service's page for questions about pages, in a real browser."""

import contextlib
import json
import threading
import time
from pathlib import Path

import numpy as np
import uvicorn
from PIL import Image

from tests.serving.client import in_a_thread
from tests.serving.stub import StubModel
from xojl_jax.documents.answers import WordsAnswer
from xojl_jax.serving.app import Service, Settings, make_app
from xojl_jax.serving.batching import Batcher
from xojl_jax.serving.metrics import Metrics
from xojl_jax.serving.versions import Served, Versions, runner
from xojl_jax.tasks.document.answering.inference import PageAnswer


class FirstWords(StubModel):
    """Reads and tells as the task does, and answers at once: the first two words."""

    programs = ("default",)

    def __init__(self, inference):
        super().__init__(task="document_answers")
        self.inference, self.asked = inference, []

    def inputs(self, values, name, limits):
        self.asked.append(values)
        return self.inference.fit_inputs(self.inference.make_inputs(values, name, limits))

    def answer(self, samples, inputs, program, rows):
        return [PageAnswer(WordsAnswer((0, 1)), one.words, one.boxes, -1.0) for one in inputs]


@contextlib.contextmanager
def serving(model):
    """The service with one model, and its address."""
    batcher = Batcher(runner(model, 1), batch_size=1, queue_size=4, wait=0.0)
    service = Service(
        Versions([Served("only", model, 1.0, batcher, 1)]), Metrics(), Settings(timeout=60)
    )
    server = uvicorn.Server(uvicorn.Config(make_app(service), port=0, log_level="error"))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive()
            time.sleep(0.01)
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()


def visit(address: str, chromium: str, page_file: Path, words: Path) -> list[str]:
    """Asks about a page as people do; the lines that the browser logged."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page, said = browser.new_page(viewport={"width": 1200, "height": 1600}), []
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.goto(address + "/")
        other = words.with_suffix(".txt")
        other.write_text("no page")
        page.set_input_files("#input", [other])
        assert "neither a PDF nor a picture nor JSON" in page.inner_text("#status")
        assert page.is_disabled("#ask")
        page.set_input_files("#input", [page_file, words])
        assert "page.png and words.json" in page.inner_text("#files")
        page.click("#ask")
        page.wait_for_selector("#answer li")
        assert page.locator("#answer li").all_inner_texts() == ["Total:", "12.50"]
        assert "1: 2 words, " in page.inner_text("#status")
        told = json.loads(page.inner_text("#text"))
        assert [word["text"] for word in told["words"]] == ["Total:", "12.50"]
        assert page.locator("#picture rect").count() == 2
        page.focus("#answer li:last-child")
        assert page.locator("#picture rect.on title").text_content() == "12.50"
        around = page.locator("#picture svg").bounding_box()
        page.mouse.move(around["x"] + around["width"] / 4, around["y"] + around["height"] / 4)
        page.mouse.down()
        page.mouse.move(around["x"] + around["width"] / 2, around["y"] + around["height"] / 2)
        page.mouse.up()
        assert page.locator("#picture rect").count() == 3
        page.fill("#number", "2")  # which a picture does not have
        page.click("#ask")
        page.wait_for_selector("#status.bad")
        assert "which has one page" in page.inner_text("#status")
        browser.close()
    return said


def test_the_page_works_in_a_browser(task, chromium_path, tmp_path):
    """Protects people who try it: files and a question in, an answer and its boxes out, a box to
    ask about, and what is wrong in words."""
    page, words = tmp_path / "page.png", tmp_path / "words.json"
    Image.fromarray(np.full((80, 60, 3), 255, np.uint8)).save(page)
    boxes = [[5, 5, 25, 10], [30, 5, 50, 10]]
    words.write_text(json.dumps({"words": ["Total:", "12.50"], "boxes": boxes}))
    model = FirstWords(task.inference())
    with serving(model) as address:
        said = in_a_thread(visit, address, chromium_path, page, words)
    assert [text for text in said if "status of 4" not in text] == []
    first, second = model.asked
    assert first["prompt"] == "What is the total?" and "box" not in first
    np.testing.assert_allclose(second["box"], [0.25, 0.25, 0.5, 0.5], atol=0.01)
