"""Errors as problem details (RFC 9457), which every path of the service answers with."""

import json
from http import HTTPStatus
from typing import Any

from starlette.responses import Response


class Problem(Exception):
    """An answer that is an error.

    Attributes:
      status: of HTTP.
      detail: one line of what is wrong and what to do. It quotes no more than a few characters.
      reason: one word, for counting.
    """

    def __init__(
        self, status: int, detail: str, reason: str, headers: dict[str, str] | None = None
    ):
        super().__init__(detail)
        self.status, self.detail, self.reason = status, detail, reason
        self.headers = headers or {}


def to_response(problem: Problem) -> Response:
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(problem.status).phrase,
        "status": problem.status,
        "detail": problem.detail,
        "reason": problem.reason,
    }
    return Response(
        json.dumps(body) + "\n",
        problem.status,
        headers=problem.headers,
        media_type="application/problem+json",
    )


def overloaded(seconds: int) -> Problem:
    """Asks to come again. The connection is closed, so that others find a place."""
    detail = f"too many requests at once: try again in {seconds} s"
    return Problem(503, detail, "overload", {"Retry-After": str(seconds), "Connection": "close"})


# What OpenAPI says of them.
SCHEMA = {
    "type": "object",
    "required": ["type", "title", "status", "detail", "reason"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "what is wrong, and what to do"},
        "reason": {"type": "string", "description": "one word, for counting"},
    },
}
