"""What both ends of the action-server protocol agree on: names of actions, and the caller as a signed assertion.

The protocol is Rasa's. The customer travels as a JWT in the metadata of the tracker's latest message, good for seconds and
for this audience only: a token that a customer holds is no assertion, though one key may sign both.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import jwt
from pydantic import ValidationError

from backends.action import Caller, Step

Clock = Callable[[], dt.datetime]

AUDIENCE = "teller-actions"
LIFETIME = dt.timedelta(seconds=30)
MAX_LIFETIME = dt.timedelta(seconds=60)
"""An assertion that claims to hold for longer is refused, whoever signed it."""
LEEWAY = dt.timedelta(seconds=5)
"""How far the other machine's clock may run ahead of ours."""

ASSERTION = "teller_assertion"
QUOTE_ID = "teller_quote_id"
DIGEST = "teller_digest"
KEY = "teller_key"
"""Where the metadata of ``latest_message`` holds what is not a slot."""


def utc_now() -> dt.datetime:
    """The clock of a process that was given none."""
    return dt.datetime.now(dt.UTC)


def action_name(name: str, step: Step) -> str:
    """The Rasa name of a step: ``action_fx_rate`` to run a query, ``action_fx_buy_commit`` for a step of a write."""
    return f"action_{name}" if step == "run" else f"action_{name}_{step}"


def sign(caller: Caller, key: bytes, now: dt.datetime) -> str:
    """*caller* as an assertion that holds from *now* for ``LIFETIME``; *key* has at least 32 bytes."""
    claims: dict[str, Any] = {
        "aud": AUDIENCE,
        "iat": int(now.timestamp()),
        "exp": int((now + LIFETIME).timestamp()),
        "caller": caller.model_dump(mode="json"),
    }
    return jwt.encode(claims, key, algorithm="HS256")


def read(assertion: object, key: bytes, now: dt.datetime, *, previous: bytes | None = None) -> Caller:
    """The caller an assertion vouches for; nobody where it is absent, forged, stale, or for someone else.

    *previous* is the key before, under which a process that was not restarted yet still signs.
    """
    caller = _read(assertion, key, now)
    return _read(assertion, previous, now) if caller == Caller() and previous is not None else caller


def _read(assertion: object, key: bytes, now: dt.datetime) -> Caller:
    if not isinstance(assertion, str):
        return Caller()
    try:
        claims = jwt.decode(
            assertion,
            key,
            algorithms=["HS256"],
            audience=AUDIENCE,
            # Times are compared below, with the clock that was handed in.
            options={"require": ["aud", "iat", "exp"], "verify_exp": False, "verify_iat": False},
        )
        issued, expires = float(claims["iat"]), float(claims["exp"])
        caller = Caller.model_validate(claims.get("caller"))
    except (jwt.InvalidTokenError, ValidationError, TypeError, ValueError):
        return Caller()
    in_time = issued - LEEWAY.total_seconds() <= now.timestamp() < expires
    return caller if in_time and expires - issued <= MAX_LIFETIME.total_seconds() else Caller()
