"""Customers' tokens: short-lived JWTs that say which customer signed in. Issued by the bank, checked here.

Either the bank signs them with the key it shares with us (HS256), or it has an issuer of its own whose public keys we
fetch (``bot.issuer``). A token's header only picks which of the two looks at it; each knows its own algorithms and keys.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from typing import Any

import jwt

from bot.claims import DECODING, InvalidToken, subject
from bot.issuer import BankIssuer
from bot.principal import Principal

AUDIENCE = "teller"
LIFETIME = dt.timedelta(minutes=30)
_ALGORITHM = "HS256"


class Tokens:
    """Issues and reads tokens. *key* signs; *previous* still verifies, while tokens under it are about. Both have at
    least 32 bytes.

    *issuer* is the bank's own, where it has one. *own* says whether tokens under the shared keys sign anybody in.
    """

    def __init__(
        self, key: bytes, previous: bytes | None = None, *, issuer: BankIssuer | None = None, own: bool = True
    ) -> None:
        self._key = key
        self._keys = {key_id(each): each for each in (key, previous) if each is not None}
        self._issuer = issuer
        self._own = own

    def issue(self, customer_id: str, now: dt.datetime, lifetime: dt.timedelta = LIFETIME) -> str:
        """A token for *customer_id*, good from *now* for *lifetime*."""
        claims = {"sub": customer_id, "aud": AUDIENCE, "iat": now, "exp": now + lifetime}
        return jwt.encode(claims, self._key, algorithm=_ALGORITHM, headers={"kid": key_id(self._key)})

    async def principal(self, token: str, channel: str, now: dt.datetime) -> Principal:
        """The signed-in customer that *token* vouches for.

        Raises ``InvalidToken``, and ``issuer.KeysAway`` where the bank's keys cannot be had.
        """
        try:
            header = jwt.get_unverified_header(token)
        except jwt.InvalidTokenError as error:
            raise InvalidToken(str(error)) from error
        if header.get("alg") == _ALGORITHM and self._own:
            claims = self._read(token, header.get("kid"))
        elif self._issuer is not None:
            claims = await self._issuer.read(token, header.get("kid"), now)
        else:
            raise InvalidToken("nobody here signs like that")
        return Principal(channel=channel, customer_id=subject(claims, now), assurance="signed_in")

    def _read(self, token: str, kid: object) -> dict[str, Any]:
        """The claims of a token under a shared key: the one it names, or either where it names none."""
        keys = self._keys if kid is None else {name: key for name, key in self._keys.items() if name == kid}
        refusal = "there is no such key"
        for key in keys.values():
            try:
                claims: dict[str, Any] = jwt.decode(
                    token, key, algorithms=[_ALGORITHM], audience=AUDIENCE, options=DECODING
                )
            except jwt.InvalidTokenError as error:
                refusal = str(error)
            else:
                return claims
        raise InvalidToken(refusal)


def key_id(key: bytes) -> str:
    """The ``kid`` of a shared key. It gives no more away than any signature under the key does."""
    return hashlib.sha256(b"teller kid " + key).hexdigest()[:16]


def looks_like_a_token(credential: str) -> bool:
    """Whether a bearer credential is a JWT; a conversation's secret has no dots."""
    return credential.count(".") == 2
