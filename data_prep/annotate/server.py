"""The page and its requests, for this machine alone: HTTP on 127.0.0.1.

Whoever can open pages in the same browser must not reach it: other names for this address are
refused (DNS rebinding), requests of other pages too, and the page itself may ask nobody else.
"""

import contextlib
import json
import socket
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from data_prep.annotate.guide import for_page
from data_prep.annotate.reading import Reading, Stale
from xojl_jax.errors import BadUsage, UserError

HOST = "127.0.0.1"
PAGE = Path(__file__).with_name("page")
BODY = 64 << 10  # bytes of a request
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    # What is shown is what is on the disk, also after the page was left and opened again.
    "Cache-Control": "no-store",
}


def make_app(reading: Reading) -> Starlette:
    """The application, for any ASGI server."""

    # Not in threads: decisions come one after another, and each is saved before the next is read.
    async def start(request: Request) -> Response:
        return JSONResponse({**for_page(), **reading.overview()})

    async def show(request: Request) -> Response:
        return JSONResponse(reading.show(request.path_params["name"]))

    async def picture(request: Request) -> Response:
        encoded, kind = reading.picture(request.path_params["name"])
        return Response(encoded, media_type=kind)

    async def decide(request: Request) -> Response:
        asked = await _read_json(request)
        return JSONResponse(reading.decide(request.path_params["name"], asked))

    return Starlette(
        routes=[
            Route("/start", start),
            Route("/sections/{name}", show),
            Route("/sections/{name}/picture", picture),
            Route("/sections/{name}/decide", decide, methods=["POST"]),
            Mount("/", StaticFiles(directory=PAGE, html=True)),
        ],
        middleware=[
            Middleware(TrustedHostMiddleware, allowed_hosts=[HOST, "localhost"]),
            Middleware(_Guard),
        ],
        exception_handlers={UserError: _user_error, OSError: _not_saved},
    )


class _Guard:
    """Refuses requests that other sites' pages send, and adds `HEADERS` to every answer."""

    def __init__(self, app: ASGIApp):
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                added = [(k.lower().encode(), v.encode()) for k, v in HEADERS.items()]
                message = {**message, "headers": [*message["headers"], *added]}
            await send(message)

        if scope["type"] == "http":
            headers = Request(scope).headers
            origin = headers.get("origin", f"http://{headers.get('host')}")
            if origin != f"http://{headers.get('host')}":
                refused = JSONResponse({"error": "this page may not ask"}, 403)
                await refused(scope, receive, send_with_headers)
                return
        await self._app(scope, receive, send_with_headers)


async def _read_json(request: Request) -> dict[str, Any]:
    # A form of another site cannot send this type without asking first, which is refused.
    if request.headers.get("content-type", "").split(";")[0] != "application/json":
        raise BadUsage("a request is JSON: application/json")
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > BODY:
            raise BadUsage(f"a request has at most {BODY} bytes")
    try:
        asked = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise BadUsage(f"a request is JSON: {error}") from error
    if not isinstance(asked, dict):
        raise BadUsage("a request is an object of JSON")
    return asked


async def _user_error(request: Request, error: Exception) -> Response:
    return JSONResponse({"error": str(error)}, 409 if isinstance(error, Stale) else 422)


async def _not_saved(request: Request, error: Exception) -> Response:
    said = getattr(error, "strerror", None) or error
    return JSONResponse({"error": f"not saved ({said}): nothing has changed; try again"}, 500)


def listen(port: int) -> socket.socket:
    """A socket on this machine's own address. Raises BadUsage where the port is taken."""
    bound = socket.socket(socket.AF_INET)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((HOST, port))
        bound.listen()
    except (OSError, OverflowError) as error:
        bound.close()
        raise BadUsage(
            f"--port={port}: {getattr(error, 'strerror', None) or error}: give another, or 0"
        ) from error
    return bound


def serve(reading: Reading, bound: socket.socket) -> None:
    """Serves until Ctrl+C or SIGTERM."""
    config = uvicorn.Config(
        make_app(reading), log_level="warning", access_log=False, server_header=False
    )
    with contextlib.suppress(KeyboardInterrupt):  # which the server raises again when it is done
        uvicorn.Server(config).run(sockets=[bound])
