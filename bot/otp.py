"""One-time codes: bound to one confirmation, kept only as a keyed hash, five tries, five minutes."""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import json
import secrets
from typing import Any, Literal, Protocol

from redis.asyncio import Redis
from redis.exceptions import RedisError
from sqlalchemy import Row, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from bot import audit
from bot.allowances import Allowance
from bot.codes import CODE_LENGTH
from bot.message import Frozen
from bot.records import ChallengeRow, ConversationRow
from bot.store import reading

MAX_TRIES = 5
LIFE = dt.timedelta(minutes=5)


class CodeLimits(Frozen):
    """What one customer, and one address, may use up in an hour: codes sent, and codes tried that were wrong.

    Five tries a challenge keep one code safe; these keep a customer safe from many challenges, and everybody safe from
    an address that tries its luck with many customers.
    """

    codes: int = 5
    wrong_tries: int = 10
    wrong_tries_address: int = 50


class Issued(Frozen):
    """A code is on its way. ``challenge_id`` names it; the code itself is only on the customer's phone."""

    challenge_id: str
    expires_at: dt.datetime
    code_length: int


class CodeVerdict(Frozen):
    """What a try was worth, and which confirmation the code was for."""

    status: Literal["ok", "wrong", "expired", "locked"]
    tries_left: int
    quote_id: str | None = None
    digest: str | None = None


class CodeNotSent(Exception):
    """The code could not be sent; the challenge is void."""


class TooManyCodes(Exception):
    """The customer was sent as many codes as an hour allows."""


class OtpSender(Protocol):
    """Whatever reaches the customer's phone."""

    async def send(self, customer_id: str, code: str, expires_at: dt.datetime) -> None:
        """Send *code*; raises ``CodeNotSent`` where that failed."""
        ...


class DemoPhone:
    """The phone on the demo page: it rings in Redis, for as long as the code lives, and nowhere else."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def send(self, customer_id: str, code: str, expires_at: dt.datetime) -> None:
        """Show *code* on the customer's demo phone. Raises ``CodeNotSent``."""
        shown = json.dumps({"code": code, "expires_at": expires_at.isoformat()})
        try:
            await self._redis.set(_phone_key(customer_id), shown, ex=LIFE)
        except RedisError as error:
            raise CodeNotSent(str(error)) from error

    async def read(self, customer_id: str) -> tuple[str, dt.datetime] | None:
        """The last code sent to that customer and when it expires."""
        shown = await self._redis.get(_phone_key(customer_id))
        if shown is None:
            return None
        message = json.loads(shown)
        return message["code"], dt.datetime.fromisoformat(message["expires_at"])


class Challenges:
    """Codes sent and checked. *key* is the server's secret: without it a stolen table does not give six digits away."""

    def __init__(
        self, engine: AsyncEngine, sender: OtpSender, *, key: bytes, limits: CodeLimits = CodeLimits()
    ) -> None:
        self._engine = engine
        self._sender = sender
        self._key = key
        self._codes = Allowance("code.issued", limits.codes)
        self._tries = Allowance("code.tried", limits.wrong_tries)
        self._address_tries = Allowance("code.tried.address", limits.wrong_tries_address)

    async def issue(
        self, customer_id: str, conversation_id: str, quote_id: str, digest: str, now: dt.datetime
    ) -> Issued:
        """Send a code for the confirmation *digest* of the quote; the conversation awaits it, its earlier ones are void.

        Raises ``CodeNotSent`` and ``TooManyCodes``.
        """
        challenge_id = secrets.token_hex(12)
        code = "".join(secrets.choice("0123456789") for _ in range(CODE_LENGTH))
        expires_at = now + LIFE
        async with self._engine.begin() as connection:
            if not await self._codes.take(connection, customer_id, now):
                raise TooManyCodes
            await connection.execute(
                update(ChallengeRow)
                .where(ChallengeRow.conversation_id == conversation_id, ChallengeRow.status == "open")
                .values(status="replaced")
            )
            await connection.execute(
                insert(ChallengeRow).values(
                    id=challenge_id,
                    conversation_id=conversation_id,
                    customer_id=customer_id,
                    quote_id=quote_id,
                    digest=digest,
                    code_digest=self.code_digest(challenge_id, code),
                    created_at=now,
                    expires_at=expires_at,
                )
            )
            # From before the code arrives, not from the end of the turn: a quick customer's code must find it awaited.
            await connection.execute(
                update(ConversationRow)
                .where(ConversationRow.id == conversation_id)
                .values(awaiting_challenge=challenge_id)
            )
            await audit.note(
                connection, "code.issued", actor=customer_id, at=now, conversation_id=conversation_id, quote_id=quote_id
            )
        # After the commit, so that no code arrives that nobody can check.
        await self._sender.send(customer_id, code, expires_at)
        return Issued(challenge_id=challenge_id, expires_at=expires_at, code_length=CODE_LENGTH)

    def code_digest(self, challenge_id: str, code: str) -> str:
        """The code as it may be stored: keyed with the server's secret, and of no use for another challenge."""
        return hmac.new(self._key, f"{challenge_id}:{code}".encode(), hashlib.sha256).hexdigest()

    async def check(
        self, challenge_id: str, code_digest: str, message_id: str, now: dt.datetime, *, address: str | None = None
    ) -> CodeVerdict:
        """Whether *code_digest* is the code's; every message is one try, and asked again gets the same answer.

        A code serves once: after the message that got it right it is ``expired`` for every other one. Where the customer,
        or *address*, has used up an hour's wrong tries, it is ``locked`` and the code is not looked at.
        """
        async with reading(self._engine) as connection:
            challenge = await _challenge(connection, challenge_id)
        if challenge is None or not _has_a_try(challenge, message_id, now):
            # Most of a flood of guesses ends here, without a turn at the write lock.
            return _verdict(challenge, message_id)
        async with self._engine.connect() as connection:
            tried = await self._take_a_try(connection, challenge_id, message_id, now)
            if tried and not await self._allowed(connection, challenge.customer_id, address, now):
                # Nothing is committed: neither the try nor what the other allowance gave.
                return CodeVerdict(status="locked", tries_left=0)
            if tried and hmac.compare_digest(challenge.code_digest, code_digest):
                await connection.execute(
                    update(ChallengeRow).where(ChallengeRow.id == challenge_id).values(status="passed")
                )
                await self._tries.give_back(connection, challenge.customer_id)
                if address is not None:
                    await self._address_tries.give_back(connection, address)
            verdict = _verdict(await _challenge(connection, challenge_id), message_id)
            if tried:
                await audit.note(
                    connection, f"code.{verdict.status}", actor="customer", at=now, challenge_id=challenge_id
                )
            await connection.commit()
            return verdict

    async def _allowed(
        self, connection: AsyncConnection, customer_id: str, address: str | None, now: dt.datetime
    ) -> bool:
        """Take one wrong try from what the customer and the address have left; ``False`` where either has none."""
        if not await self._tries.take(connection, customer_id, now):
            return False
        return address is None or await self._address_tries.take(connection, address, now)

    async def _take_a_try(
        self, connection: AsyncConnection, challenge_id: str, message_id: str, now: dt.datetime
    ) -> bool:
        """Count a try, if there is one left and this message has not had its own: one conditional update decides."""
        taken = await connection.execute(
            update(ChallengeRow)
            .where(
                ChallengeRow.id == challenge_id,
                ChallengeRow.status == "open",
                ChallengeRow.tries < MAX_TRIES,
                ChallengeRow.expires_at > now,
                or_(ChallengeRow.last_message_id.is_(None), ChallengeRow.last_message_id != message_id),
            )
            .values(tries=ChallengeRow.tries + 1, last_message_id=message_id)
        )
        return taken.rowcount == 1


async def _challenge(connection: AsyncConnection, challenge_id: str) -> Row[Any] | None:
    columns: tuple[Any, ...] = (
        ChallengeRow.customer_id,
        ChallengeRow.status,
        ChallengeRow.tries,
        ChallengeRow.last_message_id,
        ChallengeRow.expires_at,
        ChallengeRow.quote_id,
        ChallengeRow.digest,
        ChallengeRow.code_digest,
    )
    return (await connection.execute(select(*columns).where(ChallengeRow.id == challenge_id))).one_or_none()


def _has_a_try(row: Row[Any], message_id: str, now: dt.datetime) -> bool:
    """Whether the message may try that challenge, as it stood a moment ago; ``_take_a_try`` decides."""
    return bool(
        row.status == "open" and row.tries < MAX_TRIES and row.expires_at > now and row.last_message_id != message_id
    )


def _verdict(row: Row[Any] | None, message_id: str) -> CodeVerdict:
    """How the challenge stands for that message, after its try was counted."""
    if row is None:
        return CodeVerdict(status="expired", tries_left=0)
    status: Literal["ok", "wrong", "expired", "locked"]
    if row.status == "passed" and row.last_message_id == message_id:
        status = "ok"
    elif row.status != "open":
        status = "expired"
    elif row.tries >= MAX_TRIES:
        status = "locked"
    elif row.last_message_id == message_id:
        status = "wrong"
    else:
        status = "expired"
    return CodeVerdict(status=status, tries_left=MAX_TRIES - row.tries, quote_id=row.quote_id, digest=row.digest)


def _phone_key(customer_id: str) -> str:
    return f"teller:phone:{customer_id}"
