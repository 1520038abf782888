"""A sign-in through the identity provider that was begun and has not come back: what its end must match.

It is kept by the browser that began it, in a cookie that we sign: nobody else's end of it fits (RFC 9700, 2.1 and 4.7), and
nothing of it is stored here.
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import hmac
import secrets
from typing import Any

import jwt
from pydantic import ValidationError

from bot.message import Frozen

LIFE = dt.timedelta(minutes=10)
"""From the first click to the provider's answer: a password, a second factor, and a lift ride."""
_ALGORITHM = "HS256"
_AUDIENCE = "teller-desk-sign-in"
_UNTIMED: Any = {"verify_exp": False, "verify_iat": False, "verify_nbf": False, "require": ["aud"]}


class Attempt(Frozen):
    """``state`` comes back in the address, ``nonce`` in the ID token; ``verifier`` goes along with the code (RFC 7636).

    ``next_page`` is where the rep was going.
    """

    state: str
    nonce: str
    verifier: str
    next_page: str
    began: dt.datetime

    @property
    def challenge(self) -> str:
        """The S256 challenge of ``verifier``."""
        digest = hashlib.sha256(self.verifier.encode()).digest()
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def begin(next_page: str, now: dt.datetime) -> Attempt:
    """An attempt with 256 random bits for each of its secrets."""
    state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
    return Attempt(state=state, nonce=nonce, verifier=verifier, next_page=next_page, began=now)


class AttemptSeal:
    """Signs attempts for their cookie. *secret* is this deployment's; the key is derived from it, for this alone."""

    def __init__(self, secret: bytes) -> None:
        self._key = hmac.digest(secret, b"teller desk oidc attempt", "sha256")

    def seal(self, attempt: Attempt) -> str:
        """The cookie's value."""
        return jwt.encode({**attempt.model_dump(mode="json"), "aud": _AUDIENCE}, self._key, algorithm=_ALGORITHM)

    def unseal(self, cookie: str, now: dt.datetime) -> Attempt | None:
        """The attempt of that cookie; ``None`` where we did not sign it, or too long ago."""
        try:
            claims = jwt.decode(cookie, self._key, algorithms=[_ALGORITHM], audience=_AUDIENCE, options=_UNTIMED)
            attempt = Attempt.model_validate({name: claims.get(name) for name in Attempt.model_fields})
        except (jwt.InvalidTokenError, ValidationError):
            return None
        return attempt if now - attempt.began < LIFE else None
