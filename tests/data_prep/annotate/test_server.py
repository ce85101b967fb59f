"""The requests of the page, and those that must be refused."""

import socket

import pytest
from starlette.testclient import TestClient

from data_prep.annotate import store
from data_prep.annotate.server import BODY, listen, make_app
from xojl_jax.errors import BadUsage

ADDRESS = "http://127.0.0.1:8010"


@pytest.fixture
def client(begin):
    return TestClient(make_app(begin()), base_url=ADDRESS)


def decide(client, asked, name="hero", **options):
    return client.post(f"/sections/{name}/decide", json=asked, **options)


def test_a_section_is_shown_and_decided(client):
    start = client.get("/start").json()
    assert (start["names"], start["states"]) == (["hero", "note"], ["open", "open"])
    assert len(start["elements"]) == 22
    shown = client.get("/sections/hero").json()
    assert client.get("/sections/hero/picture").headers["content-type"] == "image/png"
    told = decide(client, {"do": "unlabel", "node": 2, "version": shown["version"]}).json()
    assert "2" not in told["labels"]
    assert client.get("/sections/hero").json()["labels"] == told["labels"]


def test_other_hosts_and_other_pages_are_refused(client):
    """Protects people who read: a page of another site in the same browser, also one whose name was
    turned to 127.0.0.1 (DNS rebinding), can neither see sections nor decide."""
    asked = {"do": "unlabel", "node": 2, "version": 0}
    for host in ("evil.example", "evil.example:8010", "127.0.0.1.evil.example", ""):
        assert client.get("/start", headers={"Host": host}).status_code == 400
        assert decide(client, asked, headers={"Host": host}).status_code == 400
    for origin in ("http://evil.example", "null", "http://127.0.0.1:9999"):
        assert decide(client, asked, headers={"Origin": origin}).status_code == 403
    plain = {"Content-Type": "text/plain"}  # what a form can send without asking
    refused = client.post("/sections/hero/decide", content=b'{"do":"undo"}', headers=plain)
    assert refused.status_code == 422
    assert client.get("/sections/hero").json()["version"] == 0
    assert client.get("/start", headers={"Host": "localhost:8010"}).status_code == 200


def test_every_answer_forbids_requests_to_elsewhere(client):
    for path in ("/", "/page.js", "/start", "/sections/hero", "/sections/none"):
        headers = client.get(path).headers
        assert headers["content-security-policy"].startswith("default-src 'none'")
        assert headers["cross-origin-resource-policy"] == "same-origin"
        assert headers["cache-control"] == "no-store"
    for path in ("/../server.py", "/%2e%2e/server.py", "/sections/..%2f..%2fhero"):
        assert client.get(path).status_code in (404, 422)


def test_mistakes_are_answered_in_words(client, monkeypatch):
    assert decide(client, {"do": "undo", "version": 0}).json() == {"error": "nothing to undo"}
    stale = decide(client, {"do": "unlabel", "node": 2, "version": 7})
    assert stale.status_code == 409
    for body in (b"{", b"[]", b"\xff", b"[" * 20_000, b'{"do": "' + b"x" * BODY + b'"}'):
        headers = {"Content-Type": "application/json"}
        answer = client.post("/sections/hero/decide", content=body, headers=headers)
        assert answer.status_code == 422, answer.text
        assert "a request" in answer.json()["error"]

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(store, "replacing", full)
    answer = decide(client, {"do": "unlabel", "node": 2, "version": 0})
    assert answer.status_code == 500
    assert answer.json()["error"].startswith("not saved (No space left on device)")


def test_only_this_machine_is_listened_to():
    with listen(0) as bound:
        host, port = bound.getsockname()
        assert host == "127.0.0.1"
        with pytest.raises(BadUsage, match=f"--port={port}: Address already in use"):
            listen(port)
        assert bound.family == socket.AF_INET
