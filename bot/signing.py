"""Signed webhooks, both ways, as the Standard Webhooks specification has them.

The signature is an HMAC-SHA256 over ``id.timestamp.body``; a header may hold several, so that a secret can be changed
without a message being lost. Source: github.com/standard-webhooks/standard-webhooks, version 1.
"""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

ID, TIMESTAMP, SIGNATURE = "webhook-id", "webhook-timestamp", "webhook-signature"
SECRET_PREFIX = "whsec_"  # noqa: S105 - how a secret begins, not one
MIN_KEY, MAX_KEY = 24, 64
"""Bytes of a key."""
MAX_SIGNATURES = 8
"""Signatures of one message that are compared at all."""
_VERSION = "v1"
_ID = re.compile(r"[\x21-\x7e]{1,128}")
_TIMESTAMP = re.compile(r"[0-9]{1,12}")


class Refused(Exception):
    """It is not signed as it should be. The words are for whoever writes the other side, and tell nothing of the key."""


@dataclass(frozen=True, slots=True)
class Signed:
    """What the signature vouches for besides the body: the sender's *id* of the message, and when it was signed."""

    id: str
    at: dt.datetime


def key_of(secret: str) -> bytes:
    """The bytes of a *secret*: base64, with or without ``whsec_`` before it. ``ValueError`` where it is none."""
    try:
        key = base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("a webhook's secret is base64, after whsec_ or alone") from None
    if not MIN_KEY <= len(key) <= MAX_KEY:
        raise ValueError(f"a webhook's secret has {MIN_KEY} to {MAX_KEY} bytes")
    return key


def signed_headers(keys: Sequence[bytes], message_id: str, now: dt.datetime, body: bytes) -> dict[str, str]:
    """The three headers of *body*, signed with each of *keys*: the receiver may know either."""
    timestamp = str(int(now.timestamp()))
    signatures = " ".join(_signature(key, message_id, timestamp, body) for key in keys)
    return {ID: message_id, TIMESTAMP: timestamp, SIGNATURE: signatures}


def verified(
    keys: Sequence[bytes], headers: Mapping[str, str], body: bytes, max_age: dt.timedelta, now: dt.datetime
) -> Signed:
    """What *headers* say of *body*, if one of *keys* signed it not longer than *max_age* ago. Raises ``Refused``."""
    message_id, timestamp = headers.get(ID, ""), headers.get(TIMESTAMP, "")
    shown = headers.get(SIGNATURE, "").split(" ")
    if not _ID.fullmatch(message_id) or not _TIMESTAMP.fullmatch(timestamp) or len(shown) > MAX_SIGNATURES:
        raise Refused(f"Send {ID}, {TIMESTAMP} (seconds since 1970) and {SIGNATURE}.")
    made = [_signature(key, message_id, timestamp, body).encode() for key in keys]
    given = [signature.encode("utf-8", "surrogatepass") for signature in shown]
    if not any(hmac.compare_digest(one, other) for one in made for other in given):
        raise Refused(f"{SIGNATURE} is not that of this id, timestamp and body under this channel's secret.")
    # After the signature: only what the sender said is worth reading.
    age = now.timestamp() - int(timestamp)
    if abs(age) > max_age.total_seconds():
        raise Refused(f"{TIMESTAMP} is {abs(age):.0f} s {'old' if age > 0 else 'ahead'}: look at the clock, sign anew.")
    return Signed(message_id, dt.datetime.fromtimestamp(int(timestamp), dt.UTC))


def _signature(key: bytes, message_id: str, timestamp: str, body: bytes) -> str:
    digest = hmac.new(key, f"{message_id}.{timestamp}.".encode() + body, hashlib.sha256).digest()
    return f"{_VERSION},{base64.b64encode(digest).decode()}"
