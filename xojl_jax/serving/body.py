"""The body of a request: read within its limits, then taken apart. Nothing is decoded before."""

import asyncio
import base64
import binascii
import dataclasses
import re
from collections.abc import AsyncIterator
from typing import Any

from starlette.datastructures import Headers, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect, Request

from xojl_jax.errors import BadInput
from xojl_jax.serving.problems import Problem
from xojl_jax.tasks.base import Inference

# `html` is the same as `html[0]`.
_PART = re.compile(r"(\w+)(?:\[(\d{1,4})\])?")
_OPTIONS = ("mode",)


@dataclasses.dataclass(frozen=True)
class BodyLimits:
    """
    Attributes:
      bytes: of the body.
      seconds: until it must have come.
      sections: of one request.
    """

    bytes: int = 16 << 20
    seconds: float = 10.0
    sections: int = 32


@dataclasses.dataclass(frozen=True)
class Asked:
    """What a request asks for.

    Attributes:
      sections: of each its values by name: bytes of files, decoded JSON.
      many: whether the request has a list of sections, and the answer shall have one.
      mode: the program to answer with; None for the usual one.
    """

    sections: list[dict[str, Any]]
    many: bool
    mode: str | None


async def read(request: Request, limits: BodyLimits) -> bytes:
    """The whole body. Raises Problem where it is too large, too slow, or ends early."""
    too_large = Problem(
        413, f"the body has more than {limits.bytes} bytes: one section a request?", "body_size",
        {"Connection": "close"},
    )  # fmt: skip
    told = request.headers.get("content-length", "0")
    if not told.isdigit() or int(told) > limits.bytes:
        raise too_large
    body = bytearray()
    try:
        async with asyncio.timeout(limits.seconds):
            async for chunk in request.stream():
                if len(body) + len(chunk) > limits.bytes:
                    raise too_large
                body += chunk
    except TimeoutError:
        detail = f"the body did not come within {limits.seconds:g} s"
        raise Problem(408, detail, "slow_body", {"Connection": "close"}) from None
    except ClientDisconnect:
        raise Problem(400, "the connection ended within the body", "disconnected") from None
    return bytes(body)


def take_apart(
    body: bytes, content_type: str, inference: type[Inference], limits: BodyLimits
) -> Asked:
    """What the body asks for, as JSON or as multipart/form-data. Raises Problem."""
    kind = content_type.partition(";")[0].strip().lower()
    if kind == "application/json":
        asked = _take_json(body, inference)
    elif kind == "multipart/form-data":
        asked = _take_multipart(body, content_type, inference)
    else:
        raise Problem(
            415, "send application/json or multipart/form-data", "content_type",
            {"Accept": "application/json, multipart/form-data"},
        )  # fmt: skip
    if not 1 <= len(asked.sections) <= limits.sections:
        detail = f"{len(asked.sections)} sections: send 1 to {limits.sections}"
        raise Problem(422, detail, "sections")
    return asked


def _take_json(body: bytes, inference: type[Inference]) -> Asked:
    try:
        document = inference.read_json(body, "body")
    except BadInput as error:
        raise Problem(400, str(error), "json") from None
    if not isinstance(document, dict):
        raise Problem(422, "the body must be an object, each field once", "fields")
    document = dict(document)
    mode = document.pop("mode", None)
    if mode is not None and not isinstance(mode, str):
        raise Problem(422, "mode must be a string", "fields")
    many = "sections" in document
    sections = document.pop("sections", None) if many else [document]
    if many and document:
        raise Problem(422, "give sections, or the fields of one section, not both", "fields")
    if not isinstance(sections, list):
        raise Problem(422, "sections must be a list", "fields")
    return Asked([_decoded(section, inference) for section in sections], many, mode)


def _decoded(section: Any, inference: type[Inference]) -> dict[str, Any]:
    """A section with its files, which are base64 in JSON, as bytes."""
    if not isinstance(section, dict):
        raise Problem(422, "a section must be an object, each field once", "fields")
    values = dict(section)
    for name in inference.binary_names:
        text = values.get(name)
        if text is None:
            continue
        if not isinstance(text, str):
            raise Problem(422, f"{name} must be a string of base64", "fields")
        if text.startswith("data:"):
            text = text.partition(",")[2]
        try:
            values[name] = base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError):
            raise Problem(422, f"{name} is not base64", "fields") from None
    return values


class _InMemory(MultiPartParser):
    """The body is in memory already, and small."""

    spool_max_size = 1 << 40


def _take_multipart(body: bytes, content_type: str, inference: type[Inference]) -> Asked:
    async def stream() -> AsyncIterator[bytes]:
        yield body
        yield b""

    async def parts() -> list[tuple[str, bytes]]:
        parser = _InMemory(
            Headers({"content-type": content_type}), stream(),
            max_files=1000, max_fields=1000, max_part_size=len(body) + 1,
        )  # fmt: skip
        found = []
        form = await parser.parse()
        for name, value in form.multi_items():
            raw = await value.read() if isinstance(value, UploadFile) else value.encode()
            found.append((name, raw))
        await form.close()
        return found

    try:
        found = asyncio.run(parts())
    except (MultiPartException, KeyError, UnicodeError, ValueError) as error:
        text = getattr(error, "message", None) or "no form data"
        raise Problem(400, f"multipart: {text}", "multipart") from None
    sections: dict[int, dict[str, Any]] = {}
    mode, many = None, False
    for name, raw in found:
        match = _PART.fullmatch(name)
        known = match and match[1] in (*inference.input_names, *_OPTIONS)
        if not match or not known:
            names = ", ".join((*inference.input_names, *_OPTIONS))
            raise Problem(422, f"a part with a name that is not known: give {names}", "fields")
        if match[1] == "mode":
            mode = raw.decode("utf-8", "replace")
            continue
        many |= match[2] is not None
        section = sections.setdefault(int(match[2] or 0), {})
        if match[1] in section:
            raise Problem(
                422, f"{match[1]} twice: name them {match[1]}[0], {match[1]}[1]", "fields"
            )
        section[match[1]] = _part(raw, match[1], inference)
    return Asked([sections[number] for number in sorted(sections)], many, mode)


def _part(raw: bytes, name: str, inference: type[Inference]) -> Any:
    if name in inference.binary_names:
        return raw
    if name not in inference.text_names:
        return _json(raw, name, inference)
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        raise Problem(422, f"{name} is no text in UTF-8", "fields") from None


def _json(raw: bytes, name: str, inference: type[Inference]) -> Any:
    try:
        return inference.read_json(raw, name)
    except BadInput as error:
        raise Problem(400, str(error), "json") from None
