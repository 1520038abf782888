"""The bank's actions as a Rasa action server: ``/webhook``, ``/actions`` and ``/health``, in a zone of their own.

Rasa's executor runs explicit ``rasa_sdk.Action``s; the HTTP around it is ours, because the stock server answers a failure
with the whole request in its body. Importing this module imports ``rasa_sdk`` (0.5 s): only serving actions does.
"""

from __future__ import annotations

import json
import logging
import traceback
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import uvicorn
from pydantic import ValidationError
from rasa_sdk import Action, ActionExecutionRejection, Tracker
from rasa_sdk.executor import ActionExecutor, CollectingDispatcher
from rasa_sdk.interfaces import ActionMissingDomainException, ActionNotFoundException
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from backends import wire
from backends.action import ActionCall, ActionRunner, BackendError, Step
from backends.local import LocalActions
from backends.registry import ACTIONS
from backends.result import Result
from backends.wire import Clock, utc_now

log = logging.getLogger(__name__)

MAX_BODY = 4 * 1024 * 1024
"""Bytes of a request, before and after inflating; a tracker carries the events of a whole conversation."""


class ServedAction(Action):  # type: ignore[misc]  # rasa_sdk has no types
    """One step of one of our actions, as Rasa knows an action."""

    def __init__(
        self, actions: ActionRunner, name: str, step: Step, key: bytes, clock: Clock, previous: bytes | None
    ) -> None:
        self._actions = actions
        self._name = name
        self._step = step
        self._key = key
        self._previous = previous
        self._clock = clock

    def name(self) -> str:
        """The name a domain file would list."""
        return wire.action_name(self._name, self._step)

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> list[Any]:
        """Answers with one message: the result as JSON in ``custom``, and readable in ``text``."""
        metadata = _metadata(tracker)
        caller = wire.read(metadata.get(wire.ASSERTION), self._key, self._clock(), previous=self._previous)
        try:
            call = ActionCall(
                name=self._name,
                step=self._step,
                input={name: value for name, value in tracker.slots.items() if value is not None},
                quote_id=metadata.get(wire.QUOTE_ID),
                digest=metadata.get(wire.DIGEST),
                key=metadata.get(wire.KEY),
            )
            result = await self._actions.run(call, caller)
        except ValidationError:
            raise ActionExecutionRejection(self.name(), "unreadable metadata") from None
        except BackendError as error:
            if error.unknown:
                raise
            raise ActionExecutionRejection(self.name(), str(error)) from None
        dispatcher.utter_message(text=readable(result), json_message=result.model_dump(mode="json"))
        return []


def _metadata(tracker: Tracker) -> dict[str, Any]:
    message = tracker.latest_message
    metadata = message.get("metadata") if isinstance(message, dict) else None
    return metadata if isinstance(metadata, dict) else {}


def readable(result: Result) -> str:
    """A result in one line a row, for people and for bots that know only ``text``."""
    groups = [result.facts, *result.rows]
    lines = ["; ".join(f"{fact.name} {fact.spoken('zh')}" for fact in group) for group in groups if group]
    return "\n".join([f"{result.capability}: {result.outcome}", *lines])


def executor_of(actions: ActionRunner, key: bytes, clock: Clock, *, previous: bytes | None = None) -> ActionExecutor:
    """Rasa's executor with every step of every action registered by hand."""
    executor = ActionExecutor()
    for action in ACTIONS:
        for step in action.steps:
            executor.register_action(ServedAction(actions, action.name, step, key, clock, previous))
    return executor


def create_app(
    actions: ActionRunner,
    key: bytes,
    clock: Clock = utc_now,
    *,
    previous: bytes | None = None,
    closing: Callable[[], Awaitable[None]] | None = None,
) -> Starlette:
    """The action server. *key* (at least 32 bytes) checks the callers' assertions, and *previous*, the key before,
    while there is one; *closing* is awaited at its end.

    An error is ``{"error", "action_name"}``: 400 for a request that cannot be read or was rejected, 404 for an unknown
    action, 413 for too large a body, 449 where the domain is missing, 500 for a failure; none repeats the request.
    """
    executor = executor_of(actions, key, clock, previous=previous)

    async def webhook(request: Request) -> JSONResponse:
        try:
            body = await _body(request)
        except _TooLarge:
            return _error(413, "request body too large", "")
        except ValueError:
            return _error(400, "invalid request body", "")
        name = str(body.get("next_action") or "")
        try:
            ran = await executor.run(body)
        except ActionExecutionRejection as rejection:
            return _error(400, rejection.message, name)
        except ActionNotFoundException:
            return _error(404, f"no registered action found for name '{name}'", name)
        except ActionMissingDomainException:
            return _error(449, "domain missing", name)
        except Exception as error:
            # The message of an exception may quote the request; its type and where it was raised do not.
            place = "".join(traceback.format_tb(error.__traceback__))
            log.error("%s failed: %s\n%s", name, type(error).__name__, place)
            return _error(500, "internal error", name)
        return JSONResponse(None if ran is None else ran.model_dump())

    async def listing(request: Request) -> JSONResponse:
        return JSONResponse([found.model_dump() for found in executor.list_actions()])

    async def health(request: Request) -> JSONResponse:
        return JSONResponse({"status": "ok"})

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        yield
        if closing is not None:
            await closing()

    return Starlette(
        lifespan=lifespan,
        routes=[
            Route("/webhook", webhook, methods=["POST"]),
            Route("/actions", listing),
            Route("/health", health),
        ],
    )


def serve(
    engine: AsyncEngine, key: bytes, host: str, port: int, *, previous: bytes | None = None, clock: Clock = utc_now
) -> None:
    """Serves the bank's actions until the process is told to stop; the keys are those of ``create_app``."""
    app = create_app(LocalActions(engine, clock), key, clock, previous=previous, closing=engine.dispose)
    uvicorn.run(app, host=host, port=port, log_level="warning", ws="none")


class _TooLarge(Exception):
    pass


async def _body(request: Request) -> dict[str, Any]:
    """The request's JSON object, inflated where it says so; ``ValueError`` where it is none a webhook can take."""
    raw = b""
    async for chunk in request.stream():
        raw += chunk
        if len(raw) > MAX_BODY:
            raise _TooLarge
    if request.headers.get("content-encoding") == "deflate":
        raw = _inflated(raw)
    body = json.loads(raw)
    if not isinstance(body, dict):
        raise ValueError("not an object")
    if body.get("next_action"):
        tracker = body.get("tracker")
        if not isinstance(tracker, dict) or not isinstance(tracker.get("sender_id"), str):
            raise ValueError("no tracker")
        if not isinstance(tracker.get("slots", {}), dict):
            raise ValueError("slots are not an object")
    return body


def _inflated(raw: bytes) -> bytes:
    stream = zlib.decompressobj()
    try:
        plain = stream.decompress(raw, MAX_BODY)
    except zlib.error as error:
        raise ValueError("not deflated") from error
    if stream.unconsumed_tail:
        raise _TooLarge
    return plain


def _error(status: int, error: str, action: str) -> JSONResponse:
    return JSONResponse({"error": error, "action_name": action}, status_code=status)
