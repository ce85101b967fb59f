"""The service as a process of its own, over HTTP: answers, refusals, overload, its end."""

import base64
import contextlib
import json
import random
import re
import shlex
import shutil
import signal
import socket
import struct
import subprocess
import time
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.serving.client import Inside, in_a_thread, problem
from tests.serving.running import ROOT, Running
from tests.serving.test_loaded import TREE, picture
from xojl_jax import serve
from xojl_jax.errors import BadUsage
from xojl_jax.serving import parts
from xojl_jax.serving.app import Service, Settings, make_app
from xojl_jax.serving.batching import Batcher
from xojl_jax.serving.metrics import Metrics
from xojl_jax.serving.versions import Served, Versions, runner
from xojl_jax.xojl.tree import parse_html, parse_layout, preorder, print_layout

BOXES = [[0, 0, 120, 80, 0], [0, 0, 60, 20, 1], [0, 20, 60, 20, 1]]
FLAGS = (
    "--batch-size=2",
    "--queue=4",
    "--requests=12",
    "--max-body-mib=0.5",
    "--max-pixels=100000",
    "--body-timeout=8",
    "--timeout=120",  # the first answer in a mode waits until that is compiled
)


@pytest.fixture(scope="module")
def service(folder, tmp_path_factory):
    flags = [f"--model=old={folder}", f"--model=new={folder}", "--weight=old=1", *FLAGS]
    log = tmp_path_factory.mktemp("service") / "log"
    running = Running("xojl_jax.serve", flags, log, JAX_DISABLE_MOST_OPTIMIZATIONS="1")
    yield running
    running.end()


@pytest.fixture(scope="module")
def client(service):
    with httpx.Client(base_url=service.address, timeout=60) as client:
        yield client


def test_json_and_forms_answer_alike(client, model):
    """Protects clients in every language: JSON or form data, one section or many, the answer is
    that of the Python interface, and names the version that gave it."""
    section = {"html": TREE, "html_boxes": BOXES}
    wanted = model.describe([section | {"screenshot": picture()}])[0]
    encoded = base64.b64encode(picture()).decode()
    for shot in (encoded, f"data:image/png;base64,{encoded}"):
        one = client.post("/v1/layout", json=section | {"screenshot": shot})
        assert one.status_code == 200, one.text
        assert one.json()["layout"] == wanted["layout"] and one.json()["boxes"] == wanted["boxes"]
        assert one.json()["confidence"] == pytest.approx(wanted["confidence"], abs=1e-3)
        assert "fallback" not in one.json()
        assert (one.json()["model"], one.json()["version"]) == ("old", model.version)
        assert one.headers["x-model-version"] == model.version
    files = {"screenshot": ("a.png", picture()), "html": ("a.json", json.dumps(TREE))}
    form = client.post("/v1/layout", files=files, data={"html_boxes": json.dumps(BOXES)})
    assert form.json()["layout"] == wanted["layout"] and form.json()["used"] == wanted["used"]
    many = client.post("/v1/layout", json={"sections": [section, {"screenshot": encoded}, section]})
    layouts = [each["layout"] for each in many.json()["sections"]]
    assert layouts[0] == layouts[2] and all(map(parse_layout, layouts))
    parts = {"html[0]": json.dumps(TREE), "html[1]": '{"p": ""}'}
    assert len(client.post("/v1/layout", files=parts).json()["sections"]) == 2


def test_curl_as_documented_gets_the_same_answers(service, model, tmp_path):
    """Protects clients in other languages: the commands of docs/serving.md, run by a real curl,
    give what the Python interface gives."""
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    record = json.dumps({"html": TREE, "html_boxes": BOXES})
    (tmp_path / "hero.png").write_bytes(picture())
    (tmp_path / "hero.json").write_text(record)
    documented = (ROOT / "docs/serving.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"## Ask\n\n```\n(.*?)```", documented, re.DOTALL)
    commands = block.replace("\\\n", " ").strip().splitlines()
    plain = {"section": {"h1@fs_3r": {"text": "xv1"}}}
    wanted = [model(picture(), record), model(html=record), model(html=plain)]
    for command, layout in zip(commands, wanted, strict=True):
        argv = shlex.split(command.replace("http://127.0.0.1:8000", service.address))
        done = subprocess.run([*argv, "--silent", "--fail"], cwd=tmp_path, capture_output=True)
        assert done.returncode == 0, done.stderr
        told = json.loads(done.stdout)
        assert (told["layout"]["detail"] if "mode=dual" in argv else told["layout"]) == layout


SECTIONS = st.recursive(
    st.sampled_from(["", {"text": "xv1"}, {"src": "xv2"}]),
    lambda inner: st.dictionaries(
        st.sampled_from(["div@d_flex", "h1@fs_3r", "p", "img", "a@c_fff@h:op_0.5", "li#2", "ü"]),
        inner,
        max_size=3,
    ),
    max_leaves=12,
)


@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.dictionaries(st.sampled_from(["section", "footer@x_y"]), SECTIONS, min_size=1),
    st.booleans(),
    st.sampled_from(["old", "new"]),
)
def test_every_answer_is_a_document(client, tree, with_picture, version):
    """Protects importers: whatever the section, every version's answer is a layout that reads back
    as itself, its nodes and confidences fit it, and each node stands for one that is there."""
    body = {"html": tree}
    if with_picture:
        body["screenshot"] = base64.b64encode(picture()).decode()
    answer = client.post("/v1/layout", json=body, headers={"X-Model": version})
    assert answer.status_code == 200, answer.text
    told = answer.json()
    layout = parse_layout(told["layout"])
    assert json.loads(print_layout(layout)) == told["layout"] and told["model"] == version
    count = len(preorder(layout))
    assert count == told["elements"] == len(told["nodes"]) == len(told["confidence"])
    there = range(len(preorder(parse_html(tree))))
    assert all(node is None or node in there for node in told["nodes"])
    assert all(0 <= sure <= 1 for sure in told["confidence"])


def test_versions_are_side_by_side(client):
    """Protects comparisons: the header chooses, the weight does otherwise."""
    named = client.post("/v1/layout", json={"html": TREE}, headers={"X-Model": "new"})
    assert named.json()["model"] == named.headers["x-model"] == "new"
    answers = [client.post("/v1/layout", json={"html": TREE}) for _ in range(3)]
    assert {each.json()["model"] for each in answers} == {"old"}
    problem(client.post("/v1/layout", json={}, headers={"X-Model": "none"}), 404, "old, new")
    shares = {each["name"]: each["share"] for each in client.get("/v1/models").json()["models"]}
    assert shares == {"old": 1.0, "new": 0.0}


def test_operators_see_what_happens(client, service):
    """Protects monitoring: health, counters, a description, and a log without contents."""
    assert client.get("/healthz").json() == {"status": "ok"}
    assert client.get("/readyz").json()["status"] == "ready"
    secret = {"h1": {"text": "Zebra"}}
    assert client.post("/v1/layout", json={"html": secret}).status_code == 200
    counters = client.get("/metrics").text
    assert 'xojl_requests_total{model="old",path="/v1/layout",status="200"' in counters
    assert "xojl_batch_size_bucket" in counters and 'stage="queue"' in counters
    described = client.get("/openapi.json").json()["paths"]["/v1/layout"]["post"]
    examples = described["requestBody"]["content"]["application/json"]["examples"]
    for example in examples.values():
        assert client.post("/v1/layout", json=example["value"]).status_code in (200, 422)
    assert "413" in described["responses"]
    last = [line for line in service.lines() if line["event"] == "request"][-1]
    assert last["status"] and last["id"] and last["ms"] >= 0
    assert "Zebra" not in service.log.read_text()


def bomb() -> bytes:
    """A PNG that claims 60,000 x 60,000 pixels, with right checksums."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        )

    header = struct.pack(">IIBBBBB", 60000, 60000, 8, 2, 0, 0, 0)
    pixels = zlib.compress(bytes(1000))
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
    )


def test_what_is_wrong_is_a_problem(client):
    """Protects clients: every refusal is problem+json, says what is wrong, and has its status."""

    def post(**request) -> httpx.Response:
        return client.post("/v1/layout", **request)

    as_json = {"content-type": "application/json"}
    problem(post(content=b"{", headers=as_json), 400, "not JSON")
    problem(post(content=b"\xff\xfe{", headers=as_json), 400)
    problem(post(content=b'{"html":' + b'{"p":' * 60000, headers=as_json), 400)
    problem(post(json=[1]), 422, "object")
    problem(post(content=b'{"html":{},"html":{}}', headers=as_json), 422, "each field once")
    problem(post(content=b"x", headers={"content-type": "text/plain"}), 415, "multipart")
    problem(post(json={"html": {"p": 7}}), 422, "section html")
    problem(post(json={"html": {}}), 422, "nothing to predict from")
    problem(post(json={"picture": 1}), 422, "'picture' is not known")
    problem(post(json={"html": TREE, "mode": "haiku"}), 422, "detail, dual")
    problem(post(json={"sections": []}), 422, "0 sections")
    problem(post(json={"sections": [{"html": TREE}, {"html": 3}]}), 422, "sections[1] html")
    problem(post(json={"screenshot": "%%%"}), 422, "base64")
    problem(post(json={"screenshot": base64.b64encode(bomb()).decode()}), 422, "60000 x 60000")
    problem(post(files={"screenshot": ("a.gif", b"GIF89a")}), 422, "GIF")
    problem(post(files={"html": "{"}), 400, "not JSON")
    problem(post(files={"other": "{}"}), 422, "not known")
    form = {"content-type": "multipart/form-data; boundary=x"}
    problem(post(content=b"--y\r\n", headers=form), 400)
    problem(post(content=b"x", headers={"content-type": "multipart/form-data"}), 400, "multipart")
    problem(post(json={"html": {"p": "x" * (1 << 20)}}), 413, "bytes")
    problem(client.get("/v1/layout"), 405)
    problem(client.get("/nowhere"), 404)


def test_a_slow_or_endless_body_is_ended(service):
    """Protects the places for requests: who sends slowly loses his; so does one who never ends."""
    host, port = service.address.removeprefix("http://").split(":")
    head = b"POST /v1/layout HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    with socket.create_connection((host, int(port)), timeout=20) as slow:
        slow.sendall(head + b"Content-Length: 1000\r\n\r\n{")
        assert slow.recv(4096).startswith(b"HTTP/1.1 408")
    with socket.create_connection((host, int(port)), timeout=20) as endless:
        endless.sendall(head + b"Transfer-Encoding: chunked\r\n\r\n")
        with pytest.raises(OSError):
            for _ in range(4000):
                endless.sendall(b"1000\r\n" + bytes(0x1000) + b"\r\n")
            raise OSError
    counted = httpx.get(f"{service.address}/metrics").text
    assert 'xojl_refused_total{reason="slow_body"}' in counted
    assert 'xojl_refused_total{reason="body_size"}' in counted


def test_noise_does_no_harm(service, client):
    """Protects the process: bytes of all kinds give 4xx, no traceback, and it goes on."""
    rng = random.Random(0)
    whole = json.dumps({"html": TREE, "screenshot": base64.b64encode(picture()).decode()}).encode()
    for round_ in range(150):
        body = bytearray(whole[: rng.randrange(1, len(whole))] if round_ % 2 else whole)
        for _ in range(rng.randrange(1, 6)):
            body[rng.randrange(len(body))] = rng.randrange(256)
        kind = rng.choice(["application/json", "multipart/form-data; boundary=a", "a", ""])
        answer = client.post("/v1/layout", content=bytes(body), headers={"content-type": kind})
        assert answer.status_code in (200, 400, 415, 422), answer.text
        if answer.status_code == 200:
            assert parse_layout(answer.json()["layout"])
    host, port = service.address.removeprefix("http://").split(":")
    for _ in range(20):
        with socket.create_connection((host, int(port)), timeout=20) as noise:
            noise.sendall(rng.randbytes(200) + b"\r\n\r\n")
    assert client.get("/readyz").status_code == 200
    assert "Traceback" not in service.log.read_text()
    assert not [line for line in service.lines() if line["event"] == "failed"]


def test_overload_is_refused_and_passes(service, client):
    """Protects under ten times the load: 503 with Retry-After, valid answers for the others, and
    all well afterwards."""
    with (
        ThreadPoolExecutor(40) as pool,
        httpx.Client(
            base_url=service.address, timeout=60, limits=httpx.Limits(max_connections=40)
        ) as many,
    ):
        ask = lambda _: many.post("/v1/layout", json={"html": TREE})  # noqa: E731
        answers = list(pool.map(ask, range(120)))
    statuses = {each.status_code for each in answers}
    assert statuses == {200, 503}
    for answer in answers:
        if answer.status_code == 503:
            assert int(answer.headers["retry-after"]) >= 1
            problem(answer, 503, "try again")
        else:
            assert parse_layout(answer.json()["layout"])
    assert client.post("/v1/layout", json={"html": TREE}).status_code == 200


def visit_page(address: str, chromium: str, shot: Path, record: Path) -> tuple[list, list]:
    """Asks for a layout by the page, as people do: addresses it asked for, lines it logged."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(color_scheme="dark")
        asked, said = [], []
        page.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.goto(address + "/")
        page.set_input_files("#input", [shot, record])
        page.focus("#ask")
        page.keyboard.press("Enter")
        page.wait_for_selector("#tree [role=treeitem]")
        layout = json.loads(page.inner_text("#text"))
        items = page.locator("#tree [role=treeitem]")
        assert parse_layout(layout) and items.count() >= 1
        page.focus("#tree [role=treeitem]")
        page.keyboard.press("End")
        assert page.evaluate("document.activeElement.dataset.node") == str(items.count() - 1)
        assert page.locator("#picture svg image").count() == 1
        assert page.locator("#tree meter").count() == items.count()  # how sure each node is
        page.set_input_files("#input", [])
        file = record.with_suffix(".html")
        file.write_text("<title>a</title><nav><a>b</a><a>c</a></nav><img src=d><p>e<br>f</p>")
        page.set_input_files("#input", [file])
        tree = page.evaluate("treeOf(tree).then((made) => made.text())")
        assert json.loads(tree) == {
            "nav": {"a": {"text": "xv1"}, "a#2": {"text": "xv2"}},
            "img": {"src": "xv3"},
            "p": {"text": "xv4", "br": "", "text#2": "xv5"},
        }
        page.click("#ask")
        page.wait_for_selector("#ask:not([disabled])")
        assert "from screenshot and html" in page.inner_text("#status")
        record.write_text("{")
        page.set_input_files("#input", [record])
        page.click("#ask")
        page.wait_for_selector("#status.bad")
        assert "not JSON" in page.inner_text("#status")
        browser.close()
    return asked, said


def test_the_page_works_in_a_browser(service, chromium_path, tmp_path):
    """Protects people who try it: files in, boxes and a tree out, by keyboard, no error and no
    request to elsewhere."""
    shot, record = tmp_path / "shot.png", tmp_path / "record.json"
    shot.write_bytes(picture())
    record.write_text(json.dumps({"html": TREE, "html_boxes": BOXES}))
    asked, said = in_a_thread(visit_page, service.address, chromium_path, shot, record)
    assert all(url.startswith((service.address, "blob:", "data:")) for url in asked), asked
    assert [text for text in said if "status of 4" not in text] == []


def test_the_end_answers_what_was_accepted(service):
    """Protects accepted requests from a restart: those whose bodies are still under way when
    SIGTERM comes are answered, and the process ends with 0. (The last one of this process.)"""
    host, port = service.address.removeprefix("http://").split(":")
    body = json.dumps({"html": TREE}).encode()
    head = (
        "POST /v1/layout HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    ).encode()
    with contextlib.ExitStack() as sockets:
        open_requests = [
            sockets.enter_context(socket.create_connection((host, int(port)), timeout=60))
            for _ in range(4)
        ]
        for each in open_requests:
            each.sendall(head + body[:10])
        # What follows must come within the service's --body-timeout, on a busy machine too.
        deadline = time.monotonic() + 8
        while "in_flight 4.0" not in httpx.get(f"{service.address}/metrics").text:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        service.process.send_signal(signal.SIGTERM)
        time.sleep(0.5)
        for each in open_requests:
            each.sendall(body[10:])
        for each in open_requests:
            answer = b""
            while chunk := each.recv(65536):
                answer += chunk
            assert answer.startswith(b"HTTP/1.1 200"), answer
            assert parse_layout(json.loads(answer.split(b"\r\n\r\n", 1)[1])["layout"])
    assert service.process.wait(60) == 0
    events = [line["event"] for line in service.lines()]
    assert "draining" in events and events[-1] == "ended"
    assert "Traceback" not in service.log.read_text()


# --- in this process -------------------------------------------------------------------------


@pytest.fixture(scope="module")
def inside(folder, model):
    """The application without a server, with a key; its model is the one compiled already."""
    batcher = Batcher(runner(model, 2), batch_size=2, queue_size=4, wait=0.0)
    served = [Served("only", model, 1.0, batcher, 2)]
    flags = serve.parse(["--model=x", "--api-keys", str(folder / "model_card.md")])
    access = parts.access(flags)
    service = Service(Versions(served), Metrics(), Settings(timeout=300), access=access)
    yield service, Inside(make_app(service))
    service.close()


def test_keys_are_asked_for(inside):
    """Protects a service that is not for everybody; health and counters stay open."""
    _, client = inside
    problem(client.post("/v1/layout", json={"html": TREE}), 401, "API key")
    wrong = {"authorization": "Bearer wrong-key"}
    problem(client.post("/v1/layout", json={"html": TREE}, headers=wrong), 401)
    for headers in ({"x-api-key": "License:"}, {"authorization": "Bearer License:"}):
        assert client.post("/v1/layout", json={"html": TREE}, headers=headers).status_code == 200
    assert client.get("/healthz").status_code == client.get("/metrics").status_code == 200


def test_readiness_follows_the_life_of_the_service(inside):
    """Protects load balancers: not ready before models are compiled, nor while it drains."""
    service, client = inside
    problem(client.get("/readyz"), 503, "starting")
    service.ready = True
    assert client.get("/readyz").status_code == 200
    service.draining = True
    problem(client.get("/readyz"), 503, "draining")
    service.draining = False


def test_a_fault_of_ours_tells_nothing(inside, monkeypatch):
    """Protects contents and paths: 500 has a number, the log the place."""
    service, client = inside
    monkeypatch.setattr(service.access, "check", lambda request: 1 / 0)
    told = problem(client.post("/v1/layout", json={"html": TREE}), 500, "number")
    assert "division" not in json.dumps(told)


def test_the_page_asks_nobody_else(inside):
    """Protects people behind a firewall, and what they drop: a policy, and no address in it."""
    _, client = inside
    page = client.get("/")
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert "unsafe" not in page.headers["content-security-policy"]
    assert not [word for word in page.text.split('"') if word.startswith("http")] or (
        page.text.count("http") == page.text.count("http://www.w3.org/2000/svg")
    )


def test_mistakes_in_flags_are_named(folder, tmp_path):
    """Protects people who mistype: one line that says what to give."""
    empty = tmp_path / "keys"
    empty.write_text("\n")
    for arguments, words in (
        ([f"--model=a={folder}", f"--model=a={folder}"], "a name of its own"),
        ([f"--model=a={folder}", "--weight=b=1"], "no model is called 'b'"),
        ([f"--model=a={folder}", "--weight=a=much"], "NAME=NUMBER"),
        ([f"--model=a={folder}", "--queue=0"], "choose more than 0"),
        ([f"--model=a={folder}", "--fallback=b,tags"], "--fallback: no model is called 'b'"),
        ([f"--model=a={folder}", "--shadow=b=0.1"], "--shadow: no model is called 'b'"),
        ([f"--model=a={folder}", "--rate-limit=5/week"], "NUMBER/PERIOD"),
        ([f"--model=a={folder}", f"--api-keys={empty}"], "holds no key"),
        ([f"--model=a={folder}", "--host=999.1.1.1"], "--host=999"),
    ):
        with pytest.raises(BadUsage, match=words):
            serve.main(arguments)
