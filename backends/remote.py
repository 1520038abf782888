"""The bank's actions behind ``ACTIONS_URL``: a client of Rasa's action-server protocol."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
from pydantic import ValidationError

from backends import wire
from backends.action import ActionCall, BackendError, Caller
from backends.registry import BY_NAME
from backends.result import Fact, Result
from backends.wire import Clock, action_name, utc_now

FOREIGN = "foreign"
"""The outcome, and the source of its one fact, where a server that is not ours answered with words only."""
SDK_VERSION = "3.21.1"
"""The release of rasa_sdk whose requests these are; a stock server warns where its own differs."""
_NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)
_REJECTED = range(400, 500)


class RemoteActions:
    """An ``ActionRunner`` over HTTP. *timeout* is the whole of a call, in seconds; *url* the server's, or its webhook's."""

    def __init__(self, url: str, signing_key: bytes, timeout: float = 5.0, *, clock: Clock = utc_now) -> None:
        base = url.rstrip("/")
        self._webhook = base if base.endswith("/webhook") else f"{base}/webhook"
        self._key = signing_key
        self._timeout = timeout
        self._clock = clock
        self._client = httpx.AsyncClient(timeout=timeout, trust_env=False)

    async def run(self, call: ActionCall, caller: Caller) -> Result:
        """The server's answer; ``BackendError`` where it gave none, ``unknown`` where it may have acted all the same."""
        try:
            async with asyncio.timeout(self._timeout):
                response = await self._client.post(self._webhook, json=self._request(call, caller))
        except _NEVER_SENT as error:
            raise BackendError(f"{call.name}.{call.step}: {type(error).__name__}") from error
        except Exception as error:
            # Not only httpx's own: a connection reset while it is made comes out of anyio as AttributeError.
            raise _no_answer(call, type(error).__name__) from error
        if response.status_code in _REJECTED:
            raise BackendError(f"{call.name}.{call.step}: refused with {response.status_code}")
        if response.status_code != httpx.codes.OK:
            raise _no_answer(call, str(response.status_code))
        try:
            answers = response.json()["responses"]
            return _read(call, [answer for answer in answers if isinstance(answer, dict)], self._clock)
        except (ValueError, KeyError, TypeError) as error:
            raise _no_answer(call, "unreadable answer") from error

    async def aclose(self) -> None:
        """Closes the connections."""
        await self._client.aclose()

    def _request(self, call: ActionCall, caller: Caller) -> dict[str, Any]:
        metadata = {
            wire.ASSERTION: wire.sign(caller, self._key, self._clock()),
            wire.QUOTE_ID: call.quote_id,
            wire.DIGEST: call.digest,
            wire.KEY: call.key,
        }
        name = action_name(call.name, call.step)
        return {
            "next_action": name,
            "sender_id": caller.conversation_id,
            "tracker": {
                "sender_id": caller.conversation_id,
                "slots": call.input,
                "latest_message": {"intent": {"name": call.name}, "entities": [], "text": "", "metadata": metadata},
                "events": [],
                "paused": False,
                "followup_action": None,
                "active_loop": {},
                "latest_action_name": None,
                "stack": [],
            },
            "domain": {},
            "version": SDK_VERSION,
        }


def _read(call: ActionCall, answers: list[dict[str, Any]], clock: Clock) -> Result:
    """Our own ``Result`` where one came, else the words of a foreign action as one opaque fact."""
    for answer in answers:
        custom = answer.get("custom")
        if isinstance(custom, dict) and {"capability", "outcome"} <= custom.keys():
            try:
                result = Result.model_validate(custom)
            except ValidationError:
                raise ValueError("a result of another version") from None
            if result.capability != call.name:
                raise ValueError("an answer to something else")
            return result
    text = "\n".join(answer["text"] for answer in answers if answer.get("text"))
    if not text:
        raise ValueError("no answer")
    words = Fact.of("text", text, source=FOREIGN, as_of=clock(), sensitivity="secret")
    return Result(capability=call.name, outcome=FOREIGN, facts=(words,))


def _no_answer(call: ActionCall, why: str) -> BackendError:
    action = BY_NAME.get(call.name)
    acts = action.acts(call.step) if action is not None else call.step in ("run", "commit")
    return BackendError(f"{call.name}.{call.step}: {why}", unknown=acts)
