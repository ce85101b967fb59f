"""Serves exported models over HTTP: `python -m xojl_jax.serve --model=MODEL`.

Without --model the model in the box answers.
A page to try it is at http://127.0.0.1:8000/, its description at /openapi.json. SIGTERM answers all
that was accepted, and ends with exit code 0; SIGHUP exchanges models whose folder, or the link to
it, holds another version now.
"""

import argparse
import asyncio
import logging
import signal
import socket
import threading
import time
from pathlib import Path

import uvicorn

from xojl_jax import command, compilation_cache, shipped
from xojl_jax.engine import local_devices
from xojl_jax.errors import BadUsage
from xojl_jax.serving import parts
from xojl_jax.serving.answering import TAGS
from xojl_jax.serving.app import Service, Settings, make_app
from xojl_jax.serving.body import BodyLimits
from xojl_jax.serving.drift import Drift
from xojl_jax.serving.exchange import Exchange
from xojl_jax.serving.json_log import log_as_json
from xojl_jax.serving.metrics import Metrics
from xojl_jax.serving.versions import Versions, open_models, opener
from xojl_jax.tasks.base import Limits

EXAMPLES = """
examples:
  python -m xojl_jax.serve --model=models/demo
  python -m xojl_jax.serve --model=old=models/a --model=new=models/b \\
      --weight=old=0.9 --weight=new=0.1
  python -m xojl_jax.serve --model=models/base --model=small=models/small --fallback=small,tags

  curl http://127.0.0.1:8000/v1/layout -F screenshot=@hero.png -F html=@hero.json
"""

log = logging.getLogger("xojl_jax.serve")
_ON_ITS_WAY = 0.5  # seconds for the request of a connection that was just taken


def main(argv: list[str]) -> int:
    """Reads the flags, then serves until a signal comes."""
    flags = parse(argv)
    settings, allowed = read_settings(flags), parts.access(flags)
    given = flags.model or [f"{shipped.NAME}={shipped.use('--model')}"]
    models, weights = named_models(given), named_numbers("--weight", flags.weight)
    shadows = named_numbers("--shadow", flags.shadow)
    if any(share > 1 for share in shadows.values()):
        raise BadUsage("--shadow: a share is at most 1")
    named = {
        "--weight": weights.keys(),
        "--shadow": shadows.keys(),
        "--fallback": set(settings.fallback) - {TAGS},
    }
    for flag, names in named.items():
        if strange := names - models.keys():
            raise BadUsage(f"{flag}: no model is called {min(strange)!r}")
    log_as_json()
    bound = bind(flags.host, flags.port)
    compilation_cache.enable(flags.compilation_cache)
    local_devices.check()
    metrics = Metrics()
    open_model = opener(
        metrics,
        batch_size=flags.batch_size,
        queue_size=flags.queue,
        wait=flags.batch_wait_ms / 1000,
    )
    versions = Versions(open_models(models, weights, open_model))
    parts.check(flags, settings, versions)
    drift = Drift()
    watching = parts.watching(flags, versions, metrics, shadows, drift)
    service = Service(versions, metrics, settings, access=allowed, drift=drift, watching=watching)
    run(service, bound, settings, Exchange(versions, models, open_model, metrics))
    return 0


def parse(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m xojl_jax.serve",
        description=__doc__,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add(
        "--model",
        action="append",
        metavar="[NAME=]MODEL",
        help="an exported model (default: the one in the box)",
    )
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
    add(
        "--requests",
        type=int,
        help="requests at once; more get 503 (default 64, with --fallback 128)",
    )
    add("--timeout", type=float, default=30, help="seconds for an answer (default 30)")
    add("--body-timeout", type=float, default=10, help="seconds for a body (default 10)")
    add("--max-body-mib", type=float, default=16, help="of a request (default 16)")
    add("--max-pixels", type=int, default=20_000_000, help="of a picture (default 20,000,000)")
    add("--max-nodes", type=int, default=4096, help="of a tree (default 4096)")
    add("--max-sections", type=int, default=32, help="of a request (default 32)")
    add(
        "--fallback",
        default="",
        metavar="NAME,…",
        help="models, or tags, that answer on error or overload (default: none, so 503)",
    )
    add(
        "--shadow",
        action="append",
        default=[],
        metavar="NAME=SHARE",
        help="answers this share of the requests, too, for comparison; nobody waits for it",
    )
    add(
        "--keep-unsure",
        metavar="DIR",
        help="keeps sections of low confidence as records: this STORES CONTENTS of requests",
    )
    add("--unsure-below", type=float, default=0.5, help="of --keep-unsure (default 0.5)")
    add("--keep-unsure-mib", type=float, default=256, help="size of DIR, at most (default 256)")
    add(
        "--rate-limit",
        default="",
        metavar="NUMBER/PERIOD",
        help="requests of a key, or of an address, such as 60/minute (default: no limit)",
    )
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


def named_numbers(flag: str, given: list[str]) -> dict[str, float]:
    """NAME=NUMBER of a flag -> {name: number}, 0 or more."""
    numbers = {}
    for text in given:
        name, _, number = text.partition("=")
        try:
            numbers[name] = float(number)
        except ValueError:
            numbers[name] = -1.0
        if not 0 <= numbers[name] < float("inf"):
            raise BadUsage(f"{flag}={text}: write NAME=NUMBER, such as new=0.1")
    return numbers


def read_settings(flags: argparse.Namespace) -> Settings:
    return Settings(
        body=BodyLimits(int(flags.max_body_mib * 2**20), flags.body_timeout, flags.max_sections),
        inputs=Limits(flags.max_pixels, flags.max_nodes),
        timeout=flags.timeout,
        requests=flags.requests or (128 if flags.fallback else 64),
        fallback=tuple(filter(None, flags.fallback.split(","))),
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
    """Compiles once it listens. Tells the service when it is to end, so that /readyz says so while
    the rest is answered."""

    def __init__(self, config: uvicorn.Config, service: Service, bound: socket.socket):
        super().__init__(config)
        self._service, self._bound = service, bound

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        threading.Thread(target=warm, args=(self._service, self._bound), daemon=True).start()

    def handle_exit(self, sig: int, frame) -> None:
        self._service.draining = True
        log.info("draining", extra={"fields": {"signal": signal.Signals(sig).name}})
        super().handle_exit(sig, frame)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Takes no new connection; those that are there may still send what is on its way."""
        for server in self.servers:
            server.close()
        await asyncio.sleep(_ON_ITS_WAY)
        await super().shutdown(sockets)


def run(service: Service, bound: socket.socket, settings: Settings, exchange: Exchange) -> None:
    """Serves until SIGTERM or SIGINT; returns when all that was accepted is answered. SIGHUP
    exchanges models."""
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
    if hasattr(signal, "SIGHUP"):
        signal.signal(signal.SIGHUP, lambda *_: exchange.start())
    try:
        _Server(config, service, bound).run(sockets=[bound])
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    log.info("ended", extra={"fields": {}})


if __name__ == "__main__":
    command.run(main)
