"""Serves exported models over HTTP: `python -m xojl_jax.serve --model=MODEL`.

A page to try it is at http://127.0.0.1:8000/, its description at /openapi.json. SIGTERM answers all
that was accepted, and ends with exit code 0.
"""

import argparse
import hashlib
import json
import logging
import signal
import socket
import sys
import threading
import time
from pathlib import Path

import uvicorn

from xojl_jax import command, compilation_cache
from xojl_jax.engine import local_devices
from xojl_jax.errors import BadUsage
from xojl_jax.serving.app import Service, Settings, make_app
from xojl_jax.serving.body import BodyLimits
from xojl_jax.serving.metrics import Metrics
from xojl_jax.serving.versions import Versions, open_models
from xojl_jax.tasks.base import Limits

EXAMPLES = """
examples:
  python -m xojl_jax.serve --model=models/demo
  python -m xojl_jax.serve --model=old=models/a --model=new=models/b \\
      --weight=old=0.9 --weight=new=0.1

  curl http://127.0.0.1:8000/v1/layout -F screenshot=@hero.png -F html=@hero.json
"""

log = logging.getLogger("xojl_jax.serve")


def main(argv: list[str]) -> int:
    """Reads the flags, then serves until a signal comes."""
    flags = parse(argv)
    settings = read_settings(flags)
    models, weights = named_models(flags.model), named_weights(flags.weight)
    if strange := weights.keys() - models.keys():
        raise BadUsage(f"--weight: no model is called {min(strange)!r}")
    log_as_json()
    bound = bind(flags.host, flags.port)
    compilation_cache.enable(flags.compilation_cache)
    local_devices.check()
    metrics = Metrics()
    served = open_models(
        models,
        weights,
        metrics,
        batch_size=flags.batch_size,
        queue_size=flags.queue,
        wait=flags.batch_wait_ms / 1000,
    )
    service = Service(Versions(served), metrics, settings)
    threading.Thread(target=warm, args=(service, bound), daemon=True).start()
    run(service, bound, settings)
    return 0


def parse(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m xojl_jax.serve",
        description=__doc__,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--model", action="append", required=True, metavar="[NAME=]MODEL", help="an exported model")
    add(
        "--weight",
        action="append",
        default=[],
        metavar="NAME=W",
        help="its share of the requests that name no model (default: the first model answers all)",
    )
    add("--host", default="127.0.0.1", help="default 127.0.0.1: this machine alone")
    add("--port", type=int, default=8000, help="default 8000; 0 takes a free one")
    add("--batch-size", type=int, default=8, help="sections a batch, at most (default 8)")
    add(
        "--batch-wait-ms", type=float, default=5, help="that a section waits for others (default 5)"
    )
    add("--queue", type=int, default=64, help="sections that may wait, a model (default 64)")
    add("--requests", type=int, default=64, help="requests at once; more get 503 (default 64)")
    add("--timeout", type=float, default=30, help="seconds for an answer (default 30)")
    add("--body-timeout", type=float, default=10, help="seconds for a body (default 10)")
    add("--max-body-mib", type=float, default=16, help="of a request (default 16)")
    add("--max-pixels", type=int, default=20_000_000, help="of a picture (default 20,000,000)")
    add("--max-nodes", type=int, default=4096, help="of a tree (default 4096)")
    add("--max-sections", type=int, default=32, help="of a request (default 32)")
    add("--api-keys", metavar="FILE", help="a key a line; requests must then send one of them")
    add("--compilation-cache", default="", metavar="DIR", help=compilation_cache.HELP)
    flags = parser.parse_args(argv)
    for name, value in vars(flags).items():
        if isinstance(value, int | float) and value <= 0 and name not in ("port", "batch_wait_ms"):
            raise BadUsage(f"--{name.replace('_', '-')} is {value}: choose more than 0")
    if not 0 <= flags.port <= 65535 or flags.batch_wait_ms < 0:
        raise BadUsage("--port is 0 to 65535, --batch-wait-ms 0 or more")
    return flags


def named_models(given: list[str]) -> dict[str, Path]:
    """NAME=MODEL -> {name: folder}; a MODEL without a name is called as its folder."""
    models: dict[str, Path] = {}
    for text in given:
        name, equals, path = text.partition("=")
        if not equals:
            name, path = Path(text).name, text
        if not name or not name.isascii() or not name.isprintable() or name in models:
            raise BadUsage(f"--model={text}: give every model a name of its own, NAME=MODEL")
        models[name] = Path(path)
    return models


def named_weights(given: list[str]) -> dict[str, float]:
    weights = {}
    for text in given:
        name, _, number = text.partition("=")
        try:
            weights[name] = float(number)
        except ValueError:
            weights[name] = -1.0
        if not 0 <= weights[name] < float("inf"):
            raise BadUsage(f"--weight={text}: write NAME=NUMBER, such as new=0.1")
    return weights


def read_settings(flags: argparse.Namespace) -> Settings:
    keys = frozenset()
    if flags.api_keys:
        try:
            lines = Path(flags.api_keys).read_text(encoding="utf-8").split()
        except (OSError, UnicodeError) as error:
            raise BadUsage(f"--api-keys: {flags.api_keys} cannot be read ({error})") from error
        if not lines:
            raise BadUsage(f"--api-keys: {flags.api_keys} holds no key")
        keys = frozenset(hashlib.sha256(line.encode()).digest() for line in lines)
    return Settings(
        body=BodyLimits(int(flags.max_body_mib * 2**20), flags.body_timeout, flags.max_sections),
        inputs=Limits(flags.max_pixels, flags.max_nodes),
        timeout=flags.timeout,
        requests=flags.requests,
        keys=keys,
    )


def bind(host: str, port: int) -> socket.socket:
    """The socket that is listened to. Taken early: a port in use is told before models are read."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        bound = socket.socket(family)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((host, port))
    except OSError as error:
        raise BadUsage(f"--host={host} --port={port}: {error.strerror or error}") from error
    return bound


def warm(service: Service, bound: socket.socket) -> None:
    """Compiles each model's usual program; then the service is ready."""
    began = time.monotonic()
    try:
        for each in service.versions.by_name.values():
            each.warm(each.model.programs[0])
    except Exception:
        log.exception("no model could be compiled")
        signal.raise_signal(signal.SIGTERM)
        return
    service.ready = True
    host, port = bound.getsockname()[:2]
    address = f"http://{f'[{host}]' if ':' in host else host}:{port}/"
    seconds = round(time.monotonic() - began, 1)
    fields = {"address": address, "models": service.models(), "compiled_s": seconds}
    log.info("ready", extra={"fields": fields})


class _Server(uvicorn.Server):
    """Tells the service when it is to end, so that /readyz says so while the rest is answered."""

    def __init__(self, config: uvicorn.Config, service: Service):
        super().__init__(config)
        self._service = service

    def handle_exit(self, sig: int, frame) -> None:
        self._service.draining = True
        log.info("draining", extra={"fields": {"signal": signal.Signals(sig).name}})
        super().handle_exit(sig, frame)


def run(service: Service, bound: socket.socket, settings: Settings) -> None:
    """Serves until SIGTERM or SIGINT; returns when all that was accepted is answered."""
    config = uvicorn.Config(
        make_app(service),
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=15,
        # A request that was accepted may still have to be read, and to wait.
        timeout_graceful_shutdown=round(settings.timeout + settings.body.seconds + 5),
        h11_max_incomplete_event_size=64 << 10,
        backlog=512,
    )
    # The server raises a signal that it got again when it is done; by then, all is well.
    before = {s: signal.signal(s, lambda *_: None) for s in (signal.SIGTERM, signal.SIGINT)}
    try:
        _Server(config, service).run(sockets=[bound])
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    log.info("ended", extra={"fields": {}})


class _JsonLines(logging.Formatter):
    """A line of JSON for each event."""

    def format(self, record: logging.LogRecord) -> str:
        told = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
            + f".{int(record.msecs):03}Z",
            "level": record.levelname.lower(),
            "event": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info and record.exc_info[0]:
            told["error"] = record.exc_info[0].__name__
        return json.dumps(told, ensure_ascii=False)


def log_as_json() -> None:
    """All logging as JSON lines on standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_JsonLines())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    logging.getLogger("python_multipart").setLevel(logging.ERROR)  # it quotes bytes
    for name in ("jax", "absl", "uvicorn", "httpx", "asyncio"):
        logging.getLogger(name).setLevel(logging.WARNING)


if __name__ == "__main__":
    command.run(main)
