"""A callback as it comes over HTTP: whose it is, how old, and what is in it; and the answer put back in its envelope."""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Mapping
from dataclasses import dataclass

from bot.channels.weixin import xml
from bot.channels.weixin.crypto import Refused, check_signature, decrypt, encrypt, signature

MAX_PARAMETER = 4_096
"""Characters of the longest query parameter, an encrypted ``echostr``."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A callback's *fields*, and the *key* that its answer is encrypted with; ``None`` in plain mode."""

    fields: dict[str, str]
    key: bytes | None


@dataclass(frozen=True, slots=True)
class Envelope:
    """How one callback address is spoken to. *keys* are the AES key and the one before it; without any it is plain mode.

    *receiver* is the app id or corp id that messages are encrypted for; *max_age* is how old a callback may be.
    """

    token: str
    receiver: str
    keys: tuple[bytes, ...]
    max_age: dt.timedelta

    def verify(self, query: Mapping[str, str], now: dt.datetime) -> str:
        """The answer to the platform's question whether this address is ours: its ``echostr``. Raises ``Refused``.

        An Official Account asks in plain even in safe mode, WeCom encrypts.
        """
        echo = _parameter(query, "echostr")
        if "msg_signature" not in query:
            self._check(query, "signature", now)
            return echo
        self._check(query, "msg_signature", now, echo)
        return _text(decrypt(echo, self.keys, self.receiver)[0])

    def open(self, query: Mapping[str, str], body: bytes, now: dt.datetime) -> Opened:
        """What the callback says. Raises ``Refused``.

        With a key only encrypted bodies are taken: a plain one is covered by no signature, whatever the query claims.
        """
        if not self.keys:
            self._check(query, "signature", now)
            return Opened(xml.parse(body), None)
        encrypted = xml.parse(body).get("Encrypt", "")
        self._check(query, "msg_signature", now, encrypted)
        message, key = decrypt(encrypted, self.keys, self.receiver)
        return Opened(xml.parse(message), key)

    def seal(self, fields: Mapping[str, str | int], key: bytes | None, now: dt.datetime) -> str:
        """The body of an answer, encrypted with the *key* of what it answers."""
        message = xml.build(fields)
        if key is None:
            return message
        timestamp, nonce = str(int(now.timestamp())), secrets.token_hex(8)
        encrypted = encrypt(message.encode(), key, self.receiver)
        return xml.build(
            {
                "Encrypt": encrypted,
                "MsgSignature": signature(self.token, timestamp, nonce, encrypted),
                "TimeStamp": int(timestamp),
                "Nonce": nonce,
            }
        )

    def _check(self, query: Mapping[str, str], name: str, now: dt.datetime, *encrypted: str) -> None:
        timestamp = _parameter(query, "timestamp")
        check_signature(_parameter(query, name), self.token, timestamp, _parameter(query, "nonce"), *encrypted)
        # After the signature: only what the platform said is worth reading.
        if not (timestamp.isascii() and timestamp.isdecimal() and len(timestamp) <= 12):
            raise Refused
        if abs(now.timestamp() - int(timestamp)) > self.max_age.total_seconds():
            raise Refused


def _parameter(query: Mapping[str, str], name: str) -> str:
    value = query.get(name, "")
    if not value or len(value) > MAX_PARAMETER:
        raise Refused
    return value


def _text(message: bytes) -> str:
    try:
        return message.decode()
    except UnicodeDecodeError:
        raise Refused from None
