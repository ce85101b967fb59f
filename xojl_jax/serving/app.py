"""The HTTP service: one path that answers, and what operators ask for."""

import asyncio
import contextlib
import json
import logging
import time
import uuid
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, PlainTextResponse, Response

from xojl_jax.errors import BadInput, BadUsage
from xojl_jax.serving import metrics as metrics_module
from xojl_jax.serving import openapi, page
from xojl_jax.serving.access import Access
from xojl_jax.serving.answering import Answered, Answering, Sections
from xojl_jax.serving.body import BodyLimits, read, take_apart
from xojl_jax.serving.drift import Drift, show_drift
from xojl_jax.serving.faults import places
from xojl_jax.serving.metrics import Metrics
from xojl_jax.serving.problems import Problem, overloaded, to_response
from xojl_jax.serving.versions import Served, Versions
from xojl_jax.serving.watching import Watching
from xojl_jax.tasks.base import Limits

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Settings:
    """What a service allows.

    Attributes:
      timeout: seconds that a request may take after its body came.
      requests: that are read or answered at once; the next ones are refused.
      fallback: names of models, or "tags"; see `Answering`.
    """

    body: BodyLimits = field(default_factory=BodyLimits)
    inputs: Limits = field(default_factory=Limits)
    timeout: float = 30.0
    requests: int = 64
    fallback: tuple[str, ...] = ()


class Service:
    """The state of a running service.

    Args:
      access: who may ask.
      drift: shown in the counters; one of the watchers that are told of answers.
      watching: groups of watchers, none of which waits for another group.

    Attributes:
      ready: set when every model's usual program is compiled.
      draining: no new work is wanted; what was accepted is finished.
    """

    def __init__(
        self,
        versions: Versions,
        metrics: Metrics,
        settings: Settings,
        *,
        access: Access | None = None,
        drift: Drift | None = None,
        watching: Sequence[Watching] = (),
    ):
        self.versions, self.metrics, self.settings = versions, metrics, settings
        self.access, self._drift, self._watching = access or Access(), drift, watching
        self.ready = self.draining = False
        self.in_flight = 0
        # Decoding pictures takes memory by the pixel: two at once, whoever asks.
        self._decoders = ThreadPoolExecutor(2, thread_name_prefix="decode")
        self._answering = Answering(versions, metrics, settings.fallback, self._decoders)

    # --- one request -------------------------------------------------------------------------

    async def answer(self, request: Request) -> Response:
        """`POST /v1/TASK`."""
        self.access.check(request)
        name = request.headers.get("x-model")
        with self.versions.lease(name) as served:
            if served is None:
                known = ", ".join(self.versions.by_name)
                raise Problem(404, f"no such model: X-Model is one of {known}", "model")
            request.state.by = served.name, served.model.version
            if self.in_flight >= self.settings.requests:
                raise overloaded(served.batcher.retry_after())
            self.in_flight += 1
            self.metrics.in_flight.set(self.in_flight)
            try:
                return await self._answer(request, served, bool(name))
            finally:
                self.in_flight -= 1
                self.metrics.in_flight.set(self.in_flight)

    async def _answer(self, request: Request, served: Served, by_name: bool) -> Response:
        with self._stage("read"):
            body = await read(request, self.settings.body)
        deadline = time.monotonic() + self.settings.timeout
        kind = request.headers.get("content-type", "")
        loop = asyncio.get_running_loop()
        with self._stage("decode"):
            decoding = loop.run_in_executor(
                self._decoders, self._decode, body, kind, served, deadline
            )
            many, sections = await decoding
        del body
        answered = await self._answering.answer(sections, served, by_name)
        request.state.by = answered.name, answered.version
        request.state.sections = len(sections.inputs)
        request.state.fallback = answered.fallback
        self.metrics.sections.labels(answered.name, answered.version, answered.mode).inc(
            len(sections.inputs)
        )
        response = _to_response(answered, many)
        for watching in self._watching:
            watching.tell(answered)
        return response

    def _decode(
        self, body: bytes, kind: str, served: Served, deadline: float
    ) -> tuple[bool, Sections]:
        """Everything that takes time before the model, in a thread. Whether the request has a list
        of sections, and these."""
        if time.monotonic() > deadline:
            raise Problem(504, "the deadline passed before the input was read", "deadline")
        model = served.model
        asked = take_apart(body, kind, type(model.inference), self.settings.body)
        mode = asked.mode or model.programs[0]
        if mode not in model.programs:
            known = ", ".join(model.programs)
            raise Problem(422, f"no such mode: this model has {known}", "mode")
        inputs, samples = [], []
        for index, values in enumerate(asked.sections):
            name = f"sections[{index}]" if asked.many else "section"
            try:
                inputs.append(model.inputs(values, name, self.settings.inputs))
                samples.append(model.inference.featurize(inputs[-1]))
            except (BadInput, BadUsage) as error:
                raise Problem(422, " ".join(str(error).split())[:500], "input") from None
        return asked.many, Sections(mode, inputs, samples, deadline)

    @contextlib.contextmanager
    def _stage(self, name: str):
        began = time.monotonic()
        yield
        self.metrics.seconds.labels(name).observe(time.monotonic() - began)

    # --- operators ---------------------------------------------------------------------------

    def models(self) -> list[dict[str, Any]]:
        total = sum(each.weight for each in self.versions.by_name.values())
        return [
            {
                "name": each.name,
                "version": each.model.version,
                "modes": list(each.model.programs),
                "share": round(each.weight / total, 4),
            }
            for each in self.versions.by_name.values()
        ]

    def counters(self) -> bytes:
        """In Prometheus' format."""
        for each in self.versions.by_name.values():
            self.metrics.queued.labels(each.name).set(len(each.batcher))
        self.metrics.show_versions(
            (e.name, e.model.version) for e in self.versions.by_name.values()
        )
        if self._drift is not None:
            show_drift(self._drift, self.versions, self.metrics)
        return self.metrics.text()

    def close(self) -> None:
        """Answers all that was accepted."""
        for watching in self._watching:
            watching.close()
        for each in self.versions.by_name.values():
            each.batcher.close()
        self._decoders.shutdown()


def _to_response(answered: Answered, many: bool) -> Response:
    to_values = answered.model.inference.to_values
    pairs = zip(answered.inputs, answered.answers, strict=True)
    told = [to_values(inputs, answer) for inputs, answer in pairs]
    about: dict[str, Any] = {
        "model": answered.name,
        "version": answered.version,
        "mode": answered.mode,
    }
    if answered.fallback:
        about["fallback"] = {"from": answered.chosen, "reason": answered.fallback}
    document = {**about, "sections": told} if many else {**about, **told[0]}
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    return Response(text + "\n", media_type="application/json")


def make_app(service: Service) -> FastAPI:
    """The application, for any ASGI server."""

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        yield
        await asyncio.to_thread(service.close)

    first = next(iter(service.versions.by_name.values())).model
    task = first.exported.model["task"]
    # FastAPI's own pages of documentation load scripts from elsewhere.
    app = FastAPI(
        title="xojl_jax", version=first.version, docs_url=None, redoc_url=None, lifespan=lifespan
    )
    app.state.service = service
    _add_errors(app)
    _add_watching(app, service)

    @app.post(f"/v1/{task}", openapi_extra=openapi.describe(first, service.settings))
    async def answer(request: Request) -> Response:
        """Answers one section or many. The answer names the model and the version that gave it."""
        return await service.answer(request)

    @app.get("/v1/models")
    async def models() -> Any:
        """The models, their versions, modes and shares of the requests."""
        return JSONResponse({"models": service.models()})

    @app.get("/healthz")
    async def healthz() -> Any:
        """Whether the process is alive."""
        return JSONResponse({"status": "ok"})

    @app.get("/readyz")
    async def readyz() -> Any:
        """Whether requests are wanted: models are compiled, and the service does not end."""
        if service.draining or not service.ready:
            status = "draining" if service.draining else "starting"
            raise Problem(503, f"{status}: try again", status, {"Retry-After": "2"})
        return JSONResponse({"status": "ready", "models": service.models()})

    @app.get("/metrics", response_class=PlainTextResponse)
    async def metrics() -> Response:
        """Counters for Prometheus."""
        return Response(service.counters(), media_type=metrics_module.CONTENT_TYPE)

    if (shown := first.inference.page) is not None:
        _add_page(app, shown, task)
    return app


def _add_page(app: FastAPI, path: Path, task: str) -> None:
    text, policy = page.load(path, task)

    @app.get("/", include_in_schema=False)
    async def index() -> Response:
        headers = {"Content-Security-Policy": policy, "X-Content-Type-Options": "nosniff"}
        return Response(text, media_type="text/html", headers=headers)


def _add_errors(app: FastAPI) -> None:
    async def problem(request: Request, error: Exception) -> Response:
        if isinstance(error, Problem):
            request.state.reason = error.reason
            return to_response(error)
        if isinstance(error, HTTPException):  # Starlette's own: no such path, wrong method
            headers = dict(error.headers or {})
            return to_response(Problem(error.status_code, str(error.detail), "path", headers))
        return to_response(Problem(422, "the request is not of the form in /openapi.json", "form"))

    for kind in (Problem, HTTPException, RequestValidationError):
        app.add_exception_handler(kind, problem)


def _add_watching(app: FastAPI, service: Service) -> None:
    """A line of log and a count for each request, and its id in every answer. No contents."""

    @app.middleware("http")
    async def watch(request: Request, call_next: Callable) -> Response:
        began, request_id = time.monotonic(), uuid.uuid4().hex[:16]
        try:
            response = await call_next(request)
        except Exception as error:
            # Where, and of which type. What it says could quote contents.
            log.error("failed", extra={"fields": {"id": request_id, "error": places(error)}})
            request.state.reason = "internal"
            response = to_response(
                Problem(500, f"a fault of ours, number {request_id}", "internal")
            )
        seconds = time.monotonic() - began
        name, version = getattr(request.state, "by", ("", ""))
        route = request.scope.get("route")
        path = getattr(route, "path", "other")
        service.metrics.requests.labels(path, name, version, response.status_code).inc()
        reason = getattr(request.state, "reason", "")
        if reason:
            service.metrics.refused.labels(reason).inc()
        if name:
            service.metrics.seconds.labels("all").observe(seconds)
            response.headers["X-Model"], response.headers["X-Model-Version"] = name, version
        if service.draining:  # a client must not send its next request into a closed connection
            response.headers["Connection"] = "close"
        response.headers["X-Request-Id"] = request_id
        fields = {
            "id": request_id,
            "method": request.method[:16],
            "path": path,
            "status": response.status_code,
            "ms": round(1000 * seconds, 1),
            "model": name,
            "version": version,
            "sections": getattr(request.state, "sections", 0),
            "reason": reason,
            "fallback": getattr(request.state, "fallback", ""),
        }
        log.info("request", extra={"fields": fields})
        return response
