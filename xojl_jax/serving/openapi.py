"""What `/openapi.json` says of the path that answers: schemas, limits and examples."""

from typing import Any

from xojl_jax.serving.loaded import Model
from xojl_jax.serving.problems import SCHEMA

_STATUSES = {
    400: "The body is not JSON or form data.",
    401: "An API key is needed.",
    404: "No such model.",
    408: "The body came too slowly.",
    413: "The body is too large.",
    415: "Neither JSON nor form data.",
    422: "The input is not what it should be, or beyond a limit.",
    429: "Too many requests of this client: Retry-After tells when to come again.",
    503: "Too many requests at once: Retry-After tells when to come again.",
    504: "No answer within the time.",
}


def describe(model: Model, settings) -> dict[str, Any]:
    """The extra fields of the operation in OpenAPI."""
    inference = model.inference
    fields = {
        name: {"type": "string", "description": "a picture, base64 or a data: URL"}
        if name in inference.binary_names
        else {"type": "string"}
        if name in inference.text_names
        else {"description": "JSON"}
        for name in inference.input_names
    }
    mode = {"type": "string", "enum": list(model.programs), "default": model.programs[0]}
    section = {"type": "object", "properties": fields, "additionalProperties": False}
    one = {"type": "object", "properties": {**fields, "mode": mode}, "additionalProperties": False}
    many = {
        "type": "object",
        "required": ["sections"],
        "properties": {
            "sections": {"type": "array", "items": section, "maxItems": settings.body.sections},
            "mode": mode,
        },
        "additionalProperties": False,
    }
    form = {
        "type": "object",
        "properties": {
            name: {"type": "string", "format": "binary" if name in inference.binary_names else None}
            for name in inference.input_names
        }
        | {"mode": mode},
    }
    for field in form["properties"].values():
        if field.get("format", "") is None:
            del field["format"]
    answer = {
        "type": "object",
        "required": ["model", "version", "mode"],
        "properties": {
            "model": {"type": "string"},
            "version": {"type": "string", "description": "which model gave the answer"},
            "mode": {"type": "string"},
            "fallback": {
                "type": "object",
                "description": "only where another model than the chosen one answered",
                "properties": {
                    "from": {"type": "string", "description": "the model that was chosen"},
                    "reason": {"enum": ["overload", "error", "deadline"]},
                },
            },
            inference.answer_name: {"type": "object"},
            "sections": {"type": "array", "items": {"type": "object"}},
        },
    }
    examples = {name: {"value": value} for name, value in inference.request_examples.items()}
    problem = {"application/problem+json": {"schema": SCHEMA}}
    return {
        "parameters": [
            {
                "name": "X-Model",
                "in": "header",
                "required": False,
                "schema": {"type": "string"},
                "description": "the model to ask; without it, models answer by their weights",
            }
        ],
        "requestBody": {
            "required": True,
            "description": f"At most {settings.body.bytes} bytes, {settings.inputs.pixels} pixels "
            f"a picture, {settings.inputs.nodes} nodes a tree. In form data, part NAME[0], NAME[1] "
            "for many sections.",
            "content": {
                "application/json": {"schema": {"oneOf": [one, many]}, "examples": examples},
                "multipart/form-data": {"schema": form},
            },
        },
        "responses": {
            "200": {
                "description": "The answer",
                "content": {"application/json": {"schema": answer}},
            },
            **{
                str(status): {"description": text, "content": problem}
                for status, text in _STATUSES.items()
            },
        },
    }
