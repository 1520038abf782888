"""The bank's actions behind ``BANK_API_URL``: a client of its REST API, one request a step (see ``backends.http.routes``).

What may be asked twice is asked again when no answer came; what may have an effect never is: its end is asked after under
its key (``outcome``), and at last closed (``void``), by whoever holds the intent. Each bank system has a breaker of its
own, so that one that is down costs nobody's patience and stops no other.
"""

from __future__ import annotations

import asyncio
import random
import re
from collections import defaultdict
from collections.abc import Callable
from urllib.parse import quote

import httpx
from pydantic import BaseModel, ValidationError

from backends import wire
from backends.action import COMMON_OUTCOMES, ActionCall, BackendError, Caller, Rejected
from backends.http.breaker import Breaker
from backends.http.problems import read_problem
from backends.http.routes import IDEMPOTENCY_KEY, MAX_KEY, ROUTES, Confirmation, Routes, repeatable, request_model
from backends.registry import BY_NAME, AnyAction
from backends.result import Result
from backends.wire import Clock, utc_now

TIMEOUT = 5.0
"""Seconds that a call may take, repeats included."""
ATTEMPT = 0.4
"""The share of it that one attempt at what may be asked again gets; what may not has the whole of the call."""
PAUSES = (0.05, 0.2)
"""Seconds before the second and the third attempt, give or take half."""
LIMITS = httpx.Limits(max_connections=100, max_keepalive_connections=20, keepalive_expiry=2.0)
"""An idle connection is given up before servers do (uvicorn after 5 s): a commit that meets their FIN would be unknown."""

_NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)
_AWAY = (502, 503, 504)
_ANSWERED = (200, 201)
_STILL_AT_IT = (408, 409)
"""4xx that do not say that nothing was done: the request timed out, or one with the same key is at work."""

_KEY = re.compile(r"(?!\.+$)[!-.0-~](?:[ -.0-~]*[!-.0-~])?", re.ASCII)
"""What survives both a header and a path: visible ASCII, blanks within, no slash, and no dots alone."""


class HttpActions:
    """An ``ActionRunner`` over the bank's REST API at *url*. *signing_key* (32 bytes or more) signs the caller, *timeout* is
    the whole of a call in seconds, *routes* says where each step is, *breaker* makes the breaker of a bank system, *transport* stands in for the
    network."""

    def __init__(
        self,
        url: str,
        signing_key: bytes,
        timeout: float = TIMEOUT,
        *,
        clock: Clock = utc_now,
        routes: Routes = ROUTES,
        breaker: Callable[[], Breaker] = Breaker,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._base = url.rstrip("/")
        self._key = signing_key
        self._timeout = timeout
        self._clock = clock
        self._routes = routes
        self._breakers: defaultdict[str, Breaker] = defaultdict(breaker)
        self._client = httpx.AsyncClient(timeout=timeout, limits=LIMITS, transport=transport, trust_env=False)

    async def run(self, call: ActionCall, caller: Caller) -> Result:
        """The bank's answer.

        Raises ``Rejected`` where the call cannot be made at all, and ``BackendError`` where no answer came: ``unknown``
        where something may have been done all the same.
        """
        action = BY_NAME.get(call.name)
        if action is None or (call.name, call.step) not in self._routes:
            raise Rejected(f"no action answers {call.name}.{call.step}")
        request = self._request(call, caller)
        breaker = self._breakers[action.source]
        if not breaker.admits():
            raise BackendError(f"{call.name}.{call.step}: {action.source} is down and left alone for a while")
        answered = False
        try:
            async with asyncio.timeout(self._timeout):
                response = await self._send(request, again=repeatable(call.name, call.step))
            answered = not response.is_server_error
        except _NEVER_SENT as error:
            raise BackendError(f"{call.name}.{call.step}: {type(error).__name__}") from error
        except Exception as error:
            # Not only httpx's own: a connection reset while it is made comes out of anyio as AttributeError.
            raise _no_answer(action, call, type(error).__name__) from error
        finally:
            # In a cancelled call too: then the bank took longer than the customer waits.
            breaker.record(answered=answered)
        return _read(action, call, response)

    async def aclose(self) -> None:
        """Closes the connections."""
        await self._client.aclose()

    def _request(self, call: ActionCall, caller: Caller) -> httpx.Request:
        route = self._routes[call.name, call.step]
        headers = {
            "Authorization": f"Bearer {wire.sign(caller, self._key, self._clock())}",
            "Accept": "application/json, application/problem+json",
        }
        path = route.path
        if route.keyed or "{key}" in path:
            key = call.key or ""
            if len(key) > MAX_KEY or not _KEY.fullmatch(key):
                raise Rejected(f"{call.name}.{call.step} needs an idempotency key")
            path = path.replace("{key}", quote(key, safe=""))
            if route.keyed:
                headers[IDEMPOTENCY_KEY] = key
        body = _body(call) if route.sends != "nothing" else None
        in_query = route.method == "GET"
        return self._client.build_request(
            route.method,
            f"{self._base}{path}",
            headers=headers,
            params=body if in_query else None,
            json=None if in_query else body,
            timeout=self._timeout * (ATTEMPT if repeatable(call.name, call.step) else 1),
        )

    async def _send(self, request: httpx.Request, *, again: bool) -> httpx.Response:
        for pause in PAUSES if again else ():
            try:
                response = await self._client.send(request)
            except httpx.TransportError:
                pass
            else:
                if response.status_code not in _AWAY:
                    return response
            await asyncio.sleep(pause * random.uniform(0.5, 1.5))  # noqa: S311 - spreads load, hides nothing
        return await self._client.send(request)


def _body(call: ActionCall) -> dict[str, str | list[str]]:
    """The input or the confirmation as it travels, checked; what is blank or meant for someone else is left out."""
    try:
        sent: BaseModel
        if call.step == "commit":
            sent = Confirmation.model_validate({"quote_id": call.quote_id, "digest": call.digest})
        else:
            model = request_model(call.name)
            given = {name: value for name, value in call.input.items() if name in model.model_fields}
            sent = model.model_validate({name: value for name, value in given.items() if not _is_blank(value)})
    except ValidationError as error:
        fields = sorted({str(problem["loc"][0]) for problem in error.errors() if problem["loc"]})
        raise Rejected(f"{call.name}.{call.step}: unreadable input {', '.join(fields)}") from None
    return sent.model_dump(exclude_unset=True)


def _is_blank(value: object) -> bool:
    return value is None or (isinstance(value, str) and not value.strip()) or value in ([], ())


def _read(action: AnyAction, call: ActionCall, response: httpx.Response) -> Result:
    if response.status_code in _ANSWERED:
        try:
            result = Result.model_validate_json(response.content)
        except ValidationError:
            raise _no_answer(action, call, "unreadable answer") from None
        return _believed(action, call, result)
    problem = read_problem(response.content)
    if response.is_client_error and problem.outcome is not None:
        return _believed(action, call, Result(capability=call.name, outcome=problem.outcome, facts=problem.facts))
    refused = response.is_client_error and response.status_code not in _STILL_AT_IT
    if problem.effect == "none" or (refused and problem.effect is None):
        kind = Rejected if refused else BackendError
        raise kind(f"{call.name}.{call.step}: refused with {response.status_code}")
    raise _no_answer(action, call, str(response.status_code))


def _believed(action: AnyAction, call: ActionCall, result: Result) -> Result:
    """*result* if it can be an answer to *call*: of this capability, with words for its outcome, and claiming to be done
    only where something is."""
    may_be_done = action.acts(call.step) or call.step == "outcome"
    if (
        result.capability != call.name
        or result.outcome not in action.outcomes | COMMON_OUTCOMES
        or (result.completed and not (may_be_done and result.reference))
    ):
        raise _no_answer(action, call, "an answer to something else")
    return result


def _no_answer(action: AnyAction, call: ActionCall, why: str) -> BackendError:
    return BackendError(f"{call.name}.{call.step}: {why}", unknown=action.acts(call.step))
