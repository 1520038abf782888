"""Every error the HTTP surface answers, as problem details (RFC 9457). None repeats what was sent."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import SQLAlchemyError
from starlette.exceptions import HTTPException
from starlette.responses import Response

MEDIA_TYPE = "application/problem+json"
_LOG = logging.getLogger(__name__)


class Problem(Exception):
    """Raise it to answer with it. *kind* becomes the ``type`` URI, *detail* is one sentence for a developer."""

    def __init__(
        self,
        status: int,
        kind: str,
        detail: str,
        *,
        headers: Mapping[str, str] | None = None,
        **members: Any,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.kind = kind
        self.detail = detail
        self.headers = dict(headers or {})
        self.members = members

    def response(self) -> Response:
        """The problem as an HTTP response."""
        body = {
            "type": f"urn:teller:problem:{self.kind}",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": self.detail,
            **self.members,
        }
        return Response(
            json.dumps(body, ensure_ascii=False), status_code=self.status, headers=self.headers, media_type=MEDIA_TYPE
        )


def unauthorized(detail: str) -> Problem:
    """401: no credential, or one that is nobody's."""
    return Problem(401, "unauthorized", detail, headers={"WWW-Authenticate": 'Bearer realm="teller"'})


def too_many(retry_after: int) -> Problem:
    """429: not now; *retry_after* says in how many seconds."""
    return Problem(429, "too-many", "There is too much to do right now.", headers={"Retry-After": str(retry_after)})


def away() -> Problem:
    """503: the database cannot be reached. Whether something was taken is not known: the same ``message_id`` may come again."""
    return Problem(503, "away", "This cannot be done right now. Please try again.", headers={"Retry-After": "1"})


def not_found(detail: str = "There is nothing here.") -> Problem:
    """404: it does not exist, or it is somebody else's; both read the same."""
    return Problem(404, "not-found", detail)


def install_problem_handlers(app: FastAPI) -> None:
    """Make *app* answer every error, its framework's included, as a problem."""

    async def on_problem(_: Request, error: Exception) -> Response:
        assert isinstance(error, Problem)
        return error.response()

    async def on_http(_: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        kind = HTTPStatus(error.status_code).phrase.lower().replace(" ", "-")
        return Problem(error.status_code, kind, f"{error.detail}.", headers=error.headers).response()

    async def on_invalid(_: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        return from_validation(error.errors()).response()

    async def on_away(request: Request, error: Exception) -> Response:
        # Its type only: a driver's own words may quote what was to be stored.
        _LOG.warning("what it needs is away from %s: %s", request.method, type(error).__name__)
        return away().response()

    async def on_crash(_: Request, __: Exception) -> Response:
        return Problem(500, "internal", "Something went wrong on our side.").response()

    app.add_exception_handler(Problem, on_problem)
    app.add_exception_handler(HTTPException, on_http)
    app.add_exception_handler(RequestValidationError, on_invalid)
    for kind in (SQLAlchemyError, ConnectionError):
        app.add_exception_handler(kind, on_away)
    app.add_exception_handler(Exception, on_crash)


def from_validation(errors: Any) -> Problem:
    """The problem for pydantic's *errors*: where and what, without the offending input, which may be a secret."""
    if any(error["type"] == "json_invalid" for error in errors):
        return Problem(400, "malformed-json", "The body is not JSON.")
    fields = [{"field": ".".join(map(str, error["loc"])), "message": error["msg"]} for error in errors]
    return Problem(422, "invalid-request", "The request is not as it should be; see errors.", errors=fields)
