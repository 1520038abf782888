"""How our own API is described, as ``/openapi.json`` answers it: bodies that are read by hand, ids, and problems for every error."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from bot.problems import MEDIA_TYPE

VERSION = "1"
REF = "#/components/schemas/{model}"
ABOUT = """How a bank's page, a Rasa client or the adapter of another platform talks to the assistant. Every error is a problem (RFC
9457) and repeats nothing of what was sent. A message has an id of its sender's: the same id and text again is the same message.
What the events hold is in the AsyncAPI document."""
_bodies: dict[str, type[BaseModel]] = {}


class Problem(BaseModel):
    """What went wrong (RFC 9457). *type* is ``urn:teller:problem:…`` and stays the same; *detail* is for a developer to
    read. *errors* name the fields of a body that is not as it should be."""

    type: str
    title: str
    status: int
    detail: str
    errors: list[dict[str, str]] | None = None


def described_body(model: type[BaseModel]) -> dict[str, Any]:
    """What a route says of its body that reads it by itself, for ``openapi_extra``."""
    _bodies[model.__name__] = model
    schema = {"$ref": REF.format(model=model.__name__)}
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


def operation_id(route: APIRoute) -> str:
    """The name of an operation in generated clients."""
    return "_".join([*map(str, route.tags[:1]), route.name])


def install_description(app: FastAPI) -> None:
    """Make *app* describe itself whole: bodies that handlers read by themselves, and problems."""
    made = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _completed(made())
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]


def schemas_of(*models: type[BaseModel]) -> dict[str, Any]:
    """The schemas of *models* and of all they hold, by name, as what they are when they are sent."""
    _, found = models_json_schema([(model, "serialization") for model in models], ref_template=REF)
    schemas: dict[str, Any] = found.get("$defs", {})
    return schemas


def _completed(document: dict[str, Any]) -> dict[str, Any]:
    schemas = document["components"]["schemas"]
    _, bodies = models_json_schema([(model, "validation") for model in _bodies.values()], ref_template=REF)
    schemas |= {**bodies["$defs"], **schemas_of(Problem)}
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    problem = {MEDIA_TYPE: {"schema": {"$ref": REF.format(model=Problem.__name__)}}}
    for path in (*document["paths"].values(), *document.get("webhooks", {}).values()):
        for operation in path.values():
            # Said for each: none is needed, which is not the same as nothing being known of it.
            operation.setdefault("security", [])
            answers = operation["responses"]
            answers.pop("422", None)
            for status in [status for status in answers if status[0] in "45"]:
                answers[status]["content"] = problem
    for path in document["paths"].values():
        for operation in path.values():
            operation["responses"]["4XX"] = {"description": "It is refused; the problem says why.", "content": problem}
            operation["responses"]["5XX"] = {"description": "It failed, or cannot be done now.", "content": problem}
    document["components"]["schemas"] = dict(sorted(schemas.items()))
    return document
