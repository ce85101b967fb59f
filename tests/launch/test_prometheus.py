"""The service as a real Prometheus sees it: scraped, drawn, and missed when it is gone."""

import contextlib
import json
import shutil
import socket
import subprocess
import time
import urllib.parse

import httpx
import pytest
import yaml

from tests.launch.test_serve_files import SERVE
from tests.serving.running import Crowd, Running
from tests.serving.test_process import write_model

# Panels that stay empty until something goes wrong or is switched on: all others have data as soon
# as requests come.
MAY_BE_EMPTY = {
    "Confidence",
    "Input drift",
    "Fallback",
    "Shadow traffic",
    "Agreement of shadows",
    "Kept, and not looked at",
    "Refused, by reason",
    "Share of errors",
}


@pytest.fixture
def prometheus(tmp_path):
    """Starts Prometheus with our config and rules for a service's address, and returns a function
    from the path of a question to its "data"."""
    binary = shutil.which("prometheus")
    if binary is None:
        pytest.skip("prometheus is not installed (apt-get install prometheus)")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    ended = contextlib.ExitStack()

    def start(target: str):
        config = yaml.safe_load((SERVE / "prometheus.yaml").read_text())
        config["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
        config["rule_files"] = [str(SERVE / name) for name in config["rule_files"]]
        config["scrape_configs"][0]["static_configs"][0]["targets"] = [target]
        (tmp_path / "prometheus.yaml").write_text(yaml.safe_dump(config))
        flags = [f"--config.file={tmp_path / 'prometheus.yaml'}", f"--storage.tsdb.path={tmp_path}"]
        log = ended.enter_context((tmp_path / "log").open("w"))
        command = [binary, *flags, f"--web.listen-address={address}"]
        ended.callback(ended.enter_context(subprocess.Popen(command, stderr=log)).kill)
        return lambda path: httpx.get(f"http://{address}/api/v1/{path}").json()["data"]

    with ended:
        yield start


def wait_for(question, wanted, seconds: float = 30):
    """The first answer that `wanted` takes."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            if wanted(answer := question()):
                return answer
        except (httpx.TransportError, LookupError):
            pass  # it starts
        time.sleep(0.3)
    raise AssertionError(f"not within {seconds} s")


def queries(panel) -> list[str]:
    """What a panel asks, as Grafana would."""
    expressions = (target["expr"] for target in panel["targets"])
    return [urllib.parse.quote(e.replace("$__rate_interval", "10s")) for e in expressions]


def states(ask) -> dict[str, str]:
    """Of each alert: inactive, pending or firing."""
    return {rule["name"]: rule["state"] for rule in ask("rules")["groups"][0]["rules"]}


def test_panels_have_data_and_an_end_is_noticed(prometheus, tmp_path):
    """Protects whoever looks at the dashboard: each of its questions is one that Prometheus takes,
    those about requests have answers once some came, and a service that ends raises its alert."""
    model = write_model(tmp_path / "model", "words-1", delay=0.002)
    service = Running("tests.serving.stub", [f"--model=words={model}"], tmp_path / "service.log")
    try:
        ask = prometheus(service.address.removeprefix("http://"))
        with Crowd(service.address, 2, "/v1/words", json={"word": "a"}):
            wait_for(lambda: ask("targets")["activeTargets"][0]["health"], "up".__eq__)
            time.sleep(6)  # several scrapes: a rate needs two
        panels = json.loads((SERVE / "grafana/dashboard.json").read_text())["panels"]
        answers = {
            panel["title"]: [ask(f"query?query={q}") for q in queries(panel)] for panel in panels
        }
        empty = {title for title, found in answers.items() if not any(a["result"] for a in found)}
        assert empty <= MAY_BE_EMPTY, empty
        assert set(wait_for(lambda: states(ask), bool).values()) == {"inactive"}
    finally:
        service.end()
    wait_for(lambda: states(ask)["XojlDown"], "pending".__eq__)
