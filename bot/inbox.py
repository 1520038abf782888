"""Taking a message in: once, in order, with nothing secret in it. When it is committed here it is acknowledged."""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
from collections.abc import Callable

from sqlalchemy import bindparam, func, insert, literal_column, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from bot.codes import hide_code
from bot.events import UnknownConversation, insert_events
from bot.failpoints import failpoint
from bot.leases import Bid, Work, begin_oldest, enter, work_of
from bot.message import Frozen, NewEvent
from bot.otp import Challenges
from bot.principal import Principal
from bot.records import InboxRow
from bot.session import Page
from bot.signals import Signals
from bot.worker import Worker

_IN_CONVERSATION = InboxRow.conversation_id == bindparam("conversation")
_FIRST = InboxRow.message_id == bindparam("message")
# Written out, not bound: only then may a planner use the index of pending messages.
_PENDING = (
    select(InboxRow.seq)
    .where(_IN_CONVERSATION, InboxRow.status == literal_column("'pending'"))
    .limit(bindparam("limit"))
    .subquery()
)
_LOOK = select(
    select(InboxRow.seq).where(_IN_CONVERSATION, _FIRST).scalar_subquery().label("first_seq"),
    select(InboxRow.body_hash).where(_IN_CONVERSATION, _FIRST).scalar_subquery().label("first_hash"),
    select(func.count()).select_from(_PENDING).scalar_subquery().label("pending"),
)
_INSERT = insert(InboxRow)


class Accepted(Frozen):
    """The message has the number ``seq`` in its conversation; ``duplicate`` if it had it before."""

    seq: int
    duplicate: bool


class BodyConflict(Exception):
    """This ``message_id`` was used in this conversation for another text."""


class TooManyPending(Exception):
    """As many messages of this conversation as may wait for an answer are waiting; one more may come later."""


class _SeenBefore(Exception):
    """Undoes the transaction that took a number for a message that already had one."""

    def __init__(self, accepted: Accepted) -> None:
        self.accepted = accepted


class Inbox:
    """The one door for customers' messages of every channel.

    *mask* removes what must never rest (card numbers, passwords: class C3) from a text; *key* is the server's secret.
    *max_pending* messages of one conversation may wait for an answer. Where *worker*, this process's own, has room, the
    message is claimed for it as it is taken in: nobody need be woken, and no second transaction made.
    """

    def __init__(
        self,
        engine: AsyncEngine,
        signals: Signals,
        challenges: Challenges,
        *,
        mask: Callable[[str], str],
        key: bytes,
        max_pending: int = 100,
        worker: Worker | None = None,
    ) -> None:
        self._engine = engine
        self._signals = signals
        self._challenges = challenges
        self._mask = mask
        self._key = key
        self._max_pending = max_pending
        self._worker = worker

    async def accept(
        self,
        conversation_id: str,
        message_id: str,
        text: str,
        *,
        principal: Principal,
        channel: str,
        now: dt.datetime,
        page: Page | None = None,
    ) -> Accepted:
        """Store the message; once this returns it will be answered, whatever dies.

        *page* is what the page that it was written on shows. The same id and text again give the same ``seq``. Raises ``BodyConflict`` for the same id with another text,
        ``TooManyPending``, and ``UnknownConversation`` where there is none or it is not *principal*'s.
        """
        text = _storable(text)
        body_hash = self._body_hash(conversation_id, message_id, text)
        bid = self._worker.reserve(conversation_id) if self._worker else None
        work = None
        try:
            async with self._engine.begin() as connection:
                seq, begun = await self._store(
                    connection, conversation_id, message_id, text, body_hash, principal, page, channel, now, bid
                )
                await failpoint("inbox.before_commit", conversation_id)
                if begun is not None:
                    await failpoint("lease.before_claim", conversation_id)
            work = begun
        except _SeenBefore as seen:
            return seen.accepted
        finally:
            if self._worker and bid:
                self._worker.begin(conversation_id, work)
        await failpoint("inbox.committed", conversation_id)
        if work is None:
            self._signals.tell("message", conversation_id)
        self._signals.tell("event", conversation_id)
        return Accepted(seq=seq, duplicate=False)

    async def _store(
        self,
        connection: AsyncConnection,
        conversation_id: str,
        message_id: str,
        text: str,
        body_hash: str,
        principal: Principal,
        page: Page | None,
        channel: str,
        now: dt.datetime,
        bid: Bid | None,
    ) -> tuple[int, Work | None]:
        """The message's number, and what to begin with where the conversation was claimed for *bid*."""
        # The conversation's row is held from here on: a second delivery of this message waits, and then sees the first.
        seq, awaited, customer_id, claim = await enter(connection, conversation_id, now, bid)
        if customer_id != principal.customer_id:
            # It was signed in since this sender was let in: what they may say now is decided anew.
            raise UnknownConversation(conversation_id)
        pending = await self._look(connection, conversation_id, message_id, body_hash)
        code = None
        if awaited is not None:
            text, code = hide_code(text)
        text = self._mask(text)
        event = NewEvent(type="message.completed", actor="customer", data={"text": text, "message_id": message_id})
        await insert_events(connection, conversation_id, seq, [event], now)
        row = {
            "conversation_id": conversation_id,
            "seq": seq,
            "message_id": message_id,
            "body_hash": body_hash,
            "text": text,
            "code_digest": self._challenges.code_digest(awaited, code) if awaited and code else None,
            "challenge_id": awaited if code else None,
            "principal": principal.model_dump(mode="json"),
            "page": page.model_dump(mode="json") if page is not None else None,
            "request": None,
            "channel": channel,
            "status": "pending",
            "starts": 0,
            "received_at": now,
        }
        if claim is None:
            await connection.execute(_INSERT, row)
            return seq, None
        if pending:
            # Left over by a worker that is gone: the oldest is the first to be begun.
            await connection.execute(_INSERT, row)
            return seq, await begin_oldest(connection, conversation_id, **claim)
        row["starts"] = 1
        await connection.execute(_INSERT, row)
        return seq, work_of(row, principal, **claim)

    async def _look(self, connection: AsyncConnection, conversation_id: str, message_id: str, body_hash: str) -> int:
        """How many messages of the conversation wait. Raises where this one is not to join them."""
        parameters = {"conversation": conversation_id, "message": message_id, "limit": self._max_pending}
        first_seq, first_hash, pending = (await connection.execute(_LOOK, parameters)).one()
        if first_seq is not None:
            if not hmac.compare_digest(first_hash, body_hash):
                raise BodyConflict(message_id)
            raise _SeenBefore(Accepted(seq=first_seq, duplicate=True))
        if pending >= self._max_pending:
            raise TooManyPending(conversation_id)
        return int(pending)

    def _body_hash(self, conversation_id: str, message_id: str, text: str) -> str:
        # Keyed: the plain hash of a six-digit code, or of a card number, is as good as the digits themselves.
        body = "\0".join((conversation_id, message_id, text))
        return hmac.new(self._key, body.encode(), hashlib.sha256).hexdigest()


def _storable(text: str) -> str:
    """*text* without what no database stores: NUL, and halves of surrogate pairs."""
    return text.replace("\0", "").encode("utf-8", "replace").decode()
