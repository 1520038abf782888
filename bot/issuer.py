"""A bank's own issuer of customers' tokens: its public keys (a JWKS, RFC 7517), fetched when they are needed.

Only asymmetric signatures are known here. The algorithm is the key's, never the token's: a token cannot have a public
key taken for a shared secret (RFC 8725, 2.1), nor go unsigned.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey

from bot.claims import DECODING, InvalidToken

ALGORITHMS = frozenset({"RS256", "ES256", "EdDSA"})
MIN_RSA_BITS = 2048
MAX_BYTES = 262_144
"""Bytes of the largest key set that is read."""
TIMEOUT = 3.0
"""Seconds the whole of a fetch may take; a customer may be waiting for it."""
ASK_AGAIN = dt.timedelta(minutes=1)
"""Between two fetches, whatever unknown keys tokens name."""
STALE = dt.timedelta(minutes=10)
"""Age from which keys are looked up again though they serve: one that the bank took away must go."""

Source = Callable[[], Awaitable[bytes]]
"""Gives the key set as it is published; raises ``httpx.HTTPError`` or ``OSError`` where that cannot be had."""

_DECODING: Any = {**DECODING, "require": [*DECODING["require"], "iss"]}
_LOG = logging.getLogger(__name__)


class KeysAway(ConnectionError):
    """The bank's keys were never seen and cannot be had: nothing can be said about its tokens."""


class BankIssuer:
    """Reads the tokens that *issuer* signs for *audience*, by the keys that *source* publishes.

    The keys are kept: a key that is not among them is looked for again at most once in ``ASK_AGAIN``, and where the
    source is away the keys of before stay.
    """

    def __init__(self, source: Source, *, issuer: str, audience: str) -> None:
        self._source = source
        self._issuer = issuer
        self._audience = audience
        self._keys: dict[str, jwt.PyJWK] = {}
        self._asked_at: dt.datetime | None = None
        self._seen_at: dt.datetime | None = None
        self._asking = asyncio.Lock()

    async def read(self, token: str, kid: object, now: dt.datetime) -> dict[str, Any]:
        """The claims of *token*, whose header names the key *kid*; its times are not looked at.

        Raises ``InvalidToken`` and ``KeysAway``.
        """
        if not isinstance(kid, str):
            raise InvalidToken("it names no key")
        key = await self._key(kid, now)
        try:
            claims: dict[str, Any] = jwt.decode(
                token,
                key.key,
                algorithms=[key.algorithm_name],
                audience=self._audience,
                issuer=self._issuer,
                options=_DECODING,
            )
        except jwt.InvalidTokenError as error:
            raise InvalidToken(str(error)) from error
        return claims

    async def _key(self, kid: str, now: dt.datetime) -> jwt.PyJWK:
        if kid not in self._keys:
            async with self._asking:
                # Who waited here finds what another one brought.
                if kid not in self._keys and self._may_ask(now):
                    await self._ask(now)
        elif self._is_stale(now) and self._may_ask(now) and not self._asking.locked():
            # One customer waits for it; the others go on with the keys of before.
            async with self._asking:
                await self._ask(now)
        if self._seen_at is None:
            raise KeysAway("the bank's keys cannot be had")
        if kid not in self._keys:
            raise InvalidToken("the bank has no such key")
        return self._keys[kid]

    def _may_ask(self, now: dt.datetime) -> bool:
        return self._asked_at is None or now - self._asked_at >= ASK_AGAIN

    def _is_stale(self, now: dt.datetime) -> bool:
        return self._seen_at is None or now - self._seen_at >= STALE

    async def _ask(self, now: dt.datetime) -> None:
        self._asked_at = now
        try:
            async with asyncio.timeout(TIMEOUT):
                keys = usable_keys(await self._source())
        except (httpx.HTTPError, OSError, ValueError, jwt.PyJWTError) as error:
            _LOG.warning("the bank's keys cannot be had, those of before stay: %s", type(error).__name__)
            return
        self._keys, self._seen_at = keys, now


def usable_keys(published: bytes) -> dict[str, jwt.PyJWK]:
    """The keys of a JWKS that may verify a token, by their ``kid``. Raises ``ValueError`` or ``jwt.PyJWTError`` where
    there is none."""
    try:
        parsed = jwt.PyJWKSet.from_json(published.decode())
    except AttributeError:
        raise ValueError("a key set is an object") from None
    keys = {key.key_id: key for key in parsed if key.key_id and _may_verify(key)}
    if not keys:
        raise ValueError("no usable key")
    return keys


def _may_verify(key: jwt.PyJWK) -> bool:
    if key.algorithm_name not in ALGORITHMS or key.public_key_use not in (None, "sig"):
        return False
    return not isinstance(key.key, RSAPublicKey | RSAPrivateKey) or key.key.key_size >= MIN_RSA_BITS


def from_file(path: Path) -> Source:
    """The key set of a file, read anew each time: replacing the file is enough."""

    async def read() -> bytes:
        return await asyncio.to_thread(path.read_bytes)

    return read


def from_url(url: str, http: httpx.AsyncClient) -> Source:
    """The key set that *url* answers with; a redirect is no answer, nor is more than ``MAX_BYTES``."""

    async def fetch() -> bytes:
        body = b""
        async with http.stream("GET", url, headers={"Accept": "application/json"}, follow_redirects=False) as response:
            if response.status_code != httpx.codes.OK:
                raise ValueError("no key set")
            async for part in response.aiter_bytes():
                body += part
                if len(body) > MAX_BYTES:
                    raise ValueError("too large a key set")
        return body

    return fetch
