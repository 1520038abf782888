"""The demo bank behind a REST API: the reference that a bank's own API is compared with, and its OpenAPI document.

    python -m backends.http.server                   serves the demo bank on http://127.0.0.1:5056
    python -m backends.http.server --openapi         writes the document to standard output

It signs nobody in: whoever asks is who the signed assertion in ``Authorization`` says, or nobody.
"""

from __future__ import annotations

import argparse
import asyncio
import inspect
import json
import logging
import os
import sys
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any, cast

import uvicorn
from fastapi import Body, Depends, FastAPI, Header, Query, Request
from fastapi import Path as InPath
from fastapi.exceptions import RequestValidationError
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel
from sqlalchemy import Connection, event
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from backends import demo, wire
from backends.action import ActionCall, ActionRunner, BackendError, Caller, Rejected, Step
from backends.http.problems import MEDIA_TYPE, Problem
from backends.http.routes import IDEMPOTENCY_KEY, MAX_KEY, ROUTES, Confirmation, Route, request_model
from backends.local import READ_ONLY, LocalActions
from backends.registry import BY_NAME
from backends.result import Result
from backends.wire import Clock, utc_now

log = logging.getLogger(__name__)

PORT = 5056
MAX_BODY = 64 * 1024
"""Bytes of a request: a question of 4,000 characters, each of them escaped, and then some."""
MIN_KEY = 32
"""Bytes of a key that assertions are signed with."""
NO_STORE = {"Cache-Control": "no-store"}
_SAID = {
    "run": "",
    "explain": "How it works, for anyone: rules only, nothing of a customer's.",
    "status": "What became of the customer's last one.",
    "prepare": "Validates and quotes; changes nothing. `outcome` is `ready` where `quote` can be confirmed.",
    "commit": "Carries a quote out, once: the answer of a key, refusals included, is its answer for ever.",
    "outcome": "What was done under a key; `unknown_key` where nothing was so far.",
    "void": "The same; where nothing was done, nothing ever will be: a commit that comes late is refused.",
}
_DESCRIPTION = """\
What the assistant asks of a bank's systems. Every answer of a bank is a `Result`, a rule's no included: an `outcome` and
the facts that a reply may state, money as decimal text with its currency, times in UTC.

The customer is in the assertion (a JWT, HS256, audience `teller-actions`, good for seconds) and nowhere else. Whatever may
change the books bears an `Idempotency-Key`; where its answer is lost, it is asked after under that key and not sent again.

A request without an answer is a problem (RFC 9457); its `effect` says whether something may have been done all the same. A
rule's no may also come as a problem of 4xx that names the `outcome`."""

_bearer = HTTPBearer(
    auto_error=False,
    scheme_name="assertion",
    bearerFormat="JWT",
    description="The caller, signed; see the introduction.",
)


def create_app(
    actions: ActionRunner,
    key: bytes,
    clock: Clock = utc_now,
    *,
    previous: bytes | None = None,
    closing: Callable[[], Awaitable[None]] | None = None,
) -> FastAPI:
    """*actions* as a REST API. *key* (at least 32 bytes) checks the callers' assertions, and *previous*, the key before,
    while there is one; *closing* is awaited at its end.

    Problems: 401 where the customer must sign in first, 404 for an unknown path, 413 for too large a body, 422 for a call
    that cannot be served, 503 where a system is down and nothing was done, 500 where something may have been. None repeats
    the request.
    """

    def who(credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]) -> Caller:
        assertion = credentials.credentials if credentials else None
        return wire.read(assertion, key, clock(), previous=previous)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        yield
        if closing is not None:
            await closing()

    app = FastAPI(
        title="Bank API",
        version="1",
        description=_DESCRIPTION,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        responses={status: {"description": "No answer, or a rule's no", "model": Problem} for status in ("4XX", "5XX")},
    )
    for (name, step), route in ROUTES.items():
        app.add_api_route(
            route.path,
            _endpoint(actions, name, step, route, who),
            methods=[route.method],
            response_model=Result,
            summary=f"{name}: {step}",
            description="\n\n".join([_SAID[step], inspect.getdoc(type(BY_NAME[name])) or ""]).strip(),
            operation_id=f"{name}_{step}",
            tags=[BY_NAME[name].source],
        )
    app.add_api_route("/health", _health, include_in_schema=False)
    app.add_middleware(_BodyLimit)
    app.add_exception_handler(HTTPException, _on_http)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    return app


def openapi() -> dict[str, Any]:
    """The OpenAPI document of the bank API."""

    class Nobody:
        async def run(self, call: ActionCall, caller: Caller) -> Result:
            raise Rejected("this describes the bank API, and serves nothing")

    document = create_app(Nobody(), b"").openapi()
    for path in document["paths"].values():
        for operation in path.values():
            for answer in (operation["responses"]["4XX"], operation["responses"]["5XX"]):
                answer["content"] = {MEDIA_TYPE: answer["content"].pop("application/json")}
    return document


def _endpoint(
    actions: ActionRunner, name: str, step: Step, route: Route, who: Callable[..., Caller]
) -> Callable[..., Awaitable[Response]]:
    """The handler of one route. Its parameters are made to measure, so that they are checked and documented."""

    async def answer(
        *,
        caller: Caller,
        given: BaseModel | None = None,
        confirmation: Confirmation | None = None,
        key: str | None = None,
    ) -> Response:
        call = ActionCall(
            name=name,
            step=step,
            input=given.model_dump(exclude_unset=True) if given else {},
            quote_id=confirmation.quote_id if confirmation else None,
            digest=confirmation.digest if confirmation else None,
            key=key,
        )
        return await _answer(actions, call, caller)

    annotations: dict[str, Any] = {"caller": Annotated[Caller, Depends(who)]}
    if route.sends == "input":
        place = Query() if route.method == "GET" else Body()
        annotations["given"] = Annotated[request_model(name), place]
    if route.sends == "confirmation":
        annotations["confirmation"] = Annotated[Confirmation, Body()]
    if route.keyed:
        annotations["key"] = Annotated[str, Header(alias=IDEMPOTENCY_KEY, min_length=1, max_length=MAX_KEY)]
    if "{key}" in route.path:
        annotations["key"] = Annotated[str, InPath(min_length=1, max_length=MAX_KEY)]
    signature = inspect.Signature(
        [
            inspect.Parameter(one, inspect.Parameter.KEYWORD_ONLY, annotation=annotation)
            for one, annotation in annotations.items()
        ]
    )
    cast(Any, answer).__signature__ = signature
    return answer


async def _answer(actions: ActionRunner, call: ActionCall, caller: Caller) -> Response:
    try:
        result = await actions.run(call, caller)
    except Rejected as error:
        return _problem(422, "rejected", str(error), effect="none")
    except BackendError as error:
        if error.unknown:
            return _problem(500, "unknown", "It is not known whether this was done.", effect="unknown")
        return _problem(503, "away", "The system behind this is not there.", effect="none")
    except Exception as error:
        # The message of an exception may quote the request; its type and where it was raised do not.
        place = "".join(traceback.format_tb(error.__traceback__))
        log.error("%s.%s failed: %s\n%s", call.name, call.step, type(error).__name__, place)
        return _problem(500, "unknown", "It is not known whether this was done.", effect="unknown")
    if result.outcome == "sign_in":
        return _problem(401, "sign-in", "The customer has to sign in first.", effect="none", outcome="sign_in")
    return Response(result.model_dump_json(), media_type="application/json", headers=NO_STORE)


def _problem(status: int, kind: str, detail: str, **members: Any) -> Response:
    problem = Problem(type=f"urn:teller:bank:{kind}", title=kind, status=status, detail=detail, **members)
    headers = NO_STORE | ({"WWW-Authenticate": "Bearer"} if status == 401 else {})
    body = problem.model_dump_json(exclude_defaults=True)
    return Response(body, status_code=status, media_type=MEDIA_TYPE, headers=headers)


async def _health() -> JSONResponse:
    return JSONResponse({"status": "ok"}, headers=NO_STORE)


async def _on_http(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return _problem(error.status_code, "http", f"{error.detail}.", effect="none")


async def _on_invalid(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    fields = sorted({".".join(map(str, one["loc"])) for one in error.errors()})
    return _problem(422, "unreadable", f"Not as it should be: {', '.join(fields)}.", effect="none")


class _BodyLimit:
    """Takes no more of a body than ``MAX_BODY``."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        taken = 0

        async def bounded() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > MAX_BODY:
                raise HTTPException(413, "Request body too large")
            return message

        await self._app(scope, bounded, send)


def open_engine(url: str) -> AsyncEngine:
    """The bank's database. On SQLite a transaction that writes takes its lock at once: two that read first and then wrote
    would refuse each other."""
    engine = create_async_engine(url)
    if engine.dialect.name == "sqlite":
        Path(engine.url.database or ".").parent.mkdir(parents=True, exist_ok=True)

        @event.listens_for(engine.sync_engine, "connect")
        def _connected(connection: Any, _: object) -> None:
            connection.isolation_level = None
            connection.execute("PRAGMA journal_mode=WAL")

        @event.listens_for(engine.sync_engine, "begin")
        def _begun(connection: Connection) -> None:
            reads = connection.get_execution_options().get(READ_ONLY)
            connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")

    return engine


async def _serve(url: str, host: str, port: int, key: bytes, previous: bytes | None) -> None:
    engine = open_engine(url)
    await demo.seed(engine, utc_now())
    app = create_app(LocalActions(engine, utc_now), key, previous=previous, closing=engine.dispose)
    await uvicorn.Server(uvicorn.Config(app, host=host, port=port, log_level="warning", ws="none")).serve()


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m backends.http.server", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=PORT)
    parser.add_argument("--database", default="sqlite+aiosqlite:///var/bank.db", help="SQLAlchemy's URL of it")
    parser.add_argument(
        "--key-file",
        type=Path,
        default=Path("var/keys/token_key"),
        help="holds the key of assertions, unless TELLER_TOKEN_KEY does; the demo keeps its own here",
    )
    parser.add_argument("--openapi", action="store_true", help="write the OpenAPI document, and serve nothing")
    told = parser.parse_args()
    if told.openapi:
        sys.stdout.write(json.dumps(openapi(), ensure_ascii=False, indent=1) + "\n")
        return
    given = os.environ.get("TELLER_TOKEN_KEY") or (told.key_file.read_text() if told.key_file.is_file() else "")
    if len(given.encode()) < MIN_KEY:
        parser.error(f"set TELLER_TOKEN_KEY to what the bot has, or start the demo once: it makes {told.key_file}")
    previous = os.environ.get("TELLER_TOKEN_KEY_PREVIOUS")
    asyncio.run(_serve(told.database, told.host, told.port, given.encode(), previous.encode() if previous else None))


if __name__ == "__main__":
    main()
