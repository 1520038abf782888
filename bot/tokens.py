"""Customers' tokens: short-lived JWTs (HS256) that say which customer signed in. Issued by the bank, checked here."""

from __future__ import annotations

import datetime as dt

import jwt

from bot.principal import Principal

AUDIENCE = "teller"
LIFETIME = dt.timedelta(minutes=30)
LEEWAY = dt.timedelta(seconds=5)
"""How far the issuer's clock may run ahead of ours."""


class InvalidToken(Exception):
    """The token is malformed, not ours, not for us, or over."""


class Tokens:
    """Issues and reads tokens under one key of at least 32 bytes."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def issue(self, customer_id: str, now: dt.datetime, lifetime: dt.timedelta = LIFETIME) -> str:
        """A token for *customer_id*, good from *now* for *lifetime*."""
        claims = {"sub": customer_id, "aud": AUDIENCE, "iat": now, "exp": now + lifetime}
        return jwt.encode(claims, self._key, algorithm="HS256")

    def principal(self, token: str, channel: str, now: dt.datetime) -> Principal:
        """The signed-in customer that *token* vouches for; raises ``InvalidToken``."""
        try:
            claims = jwt.decode(
                token,
                self._key,
                algorithms=["HS256"],
                audience=AUDIENCE,
                # Times are compared below, with the clock that was handed in.
                options={"require": ["sub", "aud", "iat", "exp"], "verify_exp": False, "verify_iat": False},
            )
        except jwt.InvalidTokenError as error:
            raise InvalidToken(str(error)) from error
        expires, issued, subject = claims["exp"], claims["iat"], claims["sub"]
        if not isinstance(expires, int | float) or not isinstance(issued, int | float) or not subject:
            raise InvalidToken("a claim has the wrong type")
        if not issued - LEEWAY.total_seconds() <= now.timestamp() < expires:
            raise InvalidToken("outside its time")
        return Principal(channel=channel, customer_id=subject, assurance="signed_in")


def looks_like_a_token(credential: str) -> bool:
    """Whether a bearer credential is a JWT; a conversation's secret has no dots."""
    return credential.count(".") == 2
