"""What any customer's token must say, whoever signed it: for whom, since when and until when."""

from __future__ import annotations

import datetime as dt
from typing import Any

MAX_LIFETIME = dt.timedelta(hours=12)
"""A token that claims to hold for longer is refused."""
MAX_SUBJECT = 128
"""Characters of the longest customer id."""
LEEWAY = dt.timedelta(seconds=5)
"""How far the issuer's clock may run ahead of ours."""

DECODING: Any = {
    "require": ["sub", "aud", "iat", "exp"],
    # Times are compared in ``subject``, with the clock that was handed in.
    "verify_exp": False,
    "verify_iat": False,
    "verify_nbf": False,
}
"""The options under which a token's signature and audience are checked."""


class InvalidToken(Exception):
    """The token is malformed, not ours, not for us, or over."""


def subject(claims: dict[str, Any], now: dt.datetime) -> str:
    """The customer that *claims*, whose signature was checked, vouch for at *now*. Raises ``InvalidToken``."""
    customer_id, issued, expires = claims["sub"], seconds(claims["iat"]), seconds(claims["exp"])
    begins = max(issued, seconds(claims.get("nbf", issued)))
    if not isinstance(customer_id, str) or not 0 < len(customer_id) <= MAX_SUBJECT:
        raise InvalidToken("it names no customer")
    # What is not a number compares as false, and so is refused.
    if not begins - LEEWAY.total_seconds() <= now.timestamp() < expires:
        raise InvalidToken("outside its time")
    if not expires - issued <= MAX_LIFETIME.total_seconds():
        raise InvalidToken("it claims to hold for too long")
    return customer_id


def seconds(value: object) -> float:
    """A time in a token (RFC 7519, NumericDate) in seconds since 1970. Raises ``InvalidToken`` where it is no number."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InvalidToken("a claim has the wrong type")
    return float(value)
