"""The events of a conversation: numbered, stored before anybody sees them, read again from any point."""

from __future__ import annotations

import asyncio
import datetime as dt
import time
from collections.abc import AsyncIterator, Sequence
from typing import Any, NamedTuple

from sqlalchemy import bindparam, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from bot.message import Frozen, NewEvent
from bot.records import ConversationRow, EventRow, InboxRow, is_reply_to
from bot.signals import Signals
from bot.store import reading

HEARTBEAT = 15.0
"""Seconds of silence after which a stream says that it is alive."""
SOON = 0.02
"""Seconds in which most messages are answered: whoever waits for an answer would look in vain before it is told of."""
POLL = 1.0
"""Seconds after which a waiting reader looks for itself: a signal may have been lost."""

# Statements of the busiest paths are built once: building one costs as much as running it.
_COLUMNS = (EventRow.seq, EventRow.type, EventRow.at, EventRow.actor, EventRow.data)
_READ = (
    select(*_COLUMNS)
    .where(EventRow.conversation_id == bindparam("conversation"), EventRow.seq > bindparam("after"))
    .order_by(EventRow.seq)
    .limit(bindparam("limit"))
)
_ANSWER = (
    select(*_COLUMNS, InboxRow.status)
    .select_from(InboxRow)
    .outerjoin(EventRow, is_reply_to(InboxRow))
    .where(InboxRow.conversation_id == bindparam("conversation"), InboxRow.seq == bindparam("message"))
)
_TAKE_NUMBERS = (
    update(ConversationRow)
    .where(ConversationRow.id == bindparam("conversation"))
    .values(seq=ConversationRow.seq + bindparam("count"), updated_at=bindparam("at"))
    .returning(ConversationRow.seq, ConversationRow.awaiting_challenge, ConversationRow.customer_id)
)
_INSERT = insert(EventRow)


class Event(Frozen):
    """One event: ``{"seq", "type", "at", "actor", "data"}``, the same in every channel and for a replay. ``at`` is UTC."""

    seq: int
    type: str
    at: dt.datetime
    actor: str
    data: dict[str, Any]


class Taken(NamedTuple):
    """Numbers for new events, from ``first`` on, the challenge that the conversation awaits a code for, and whose it is."""

    first: int
    awaiting_challenge: str | None
    customer_id: str | None


class UnknownConversation(LookupError):
    """There is no conversation of that id."""


class Events:
    """Reading and following conversations."""

    def __init__(self, engine: AsyncEngine, signals: Signals) -> None:
        self._engine = engine
        self._signals = signals

    async def read(self, conversation_id: str, after: int = 0, limit: int = 500) -> list[Event]:
        """The events with a ``seq`` above *after*, oldest first, at most *limit* of them."""
        parameters = {"conversation": conversation_id, "after": after, "limit": limit}
        async with reading(self._engine) as connection:
            return [Event(**row._mapping) for row in await connection.execute(_READ, parameters)]

    async def follow(self, conversation_id: str, after: int) -> AsyncIterator[Event | None]:
        """Every event after *after*, each as soon as it is committed; ``None`` when a heartbeat is due. Never ends."""
        with self._signals.watch(conversation_id) as woken:
            silent_since = time.monotonic()
            while True:
                woken.clear()
                for event in await self.read(conversation_id, after):
                    after = event.seq
                    yield event
                    silent_since = time.monotonic()
                    woken.set()
                if not await _wait(woken, POLL) and time.monotonic() - silent_since >= HEARTBEAT:
                    yield None
                    silent_since = time.monotonic()

    async def reply_to(self, conversation_id: str, seq: int, timeout: float) -> Event | None:  # noqa: ASYNC109
        """The bot's message that answers the message *seq*, waited for up to *timeout* seconds.

        ``None`` when it has not come by then, and at once when the message is done and nothing was said to it.
        """
        deadline = time.monotonic() + timeout
        with self._signals.watch(conversation_id) as woken:
            patience = SOON
            while True:
                left = deadline - time.monotonic()
                await _wait(woken, max(0.0, min(patience, left)))
                patience = POLL
                woken.clear()
                async with reading(self._engine) as connection:
                    reply, pending = await _answer(connection, conversation_id, seq)
                if reply is not None or not pending or left <= 0:
                    return reply


async def take_numbers(connection: AsyncConnection, conversation_id: str, count: int, at: dt.datetime) -> Taken:
    """Number *count* new events; the caller's transaction holds the conversation's row from here to its end.

    Raises ``UnknownConversation``.
    """
    parameters = {"conversation": conversation_id, "count": count, "at": at}
    row = (await connection.execute(_TAKE_NUMBERS, parameters)).one_or_none()
    if row is None:
        raise UnknownConversation(conversation_id)
    return Taken(row.seq - count + 1, row.awaiting_challenge, row.customer_id)


async def insert_events(
    connection: AsyncConnection,
    conversation_id: str,
    first: int,
    events: Sequence[NewEvent],
    at: dt.datetime,
    *,
    in_reply_to: int | None = None,
) -> None:
    """Store *events* under the numbers from *first* on, taken in the same transaction.

    Whoever does so tells ``Signals`` after the commit.
    """
    rows = [
        {
            "conversation_id": conversation_id,
            "seq": seq,
            "type": event.type,
            "at": at,
            "actor": event.actor,
            "in_reply_to": in_reply_to,
            "data": event.data,
        }
        for seq, event in enumerate(events, start=first)
    ]
    if rows:
        await connection.execute(_INSERT, rows)


async def _answer(connection: AsyncConnection, conversation_id: str, seq: int) -> tuple[Event | None, bool]:
    """The bot's answer to the message *seq*, and whether one may still come."""
    row = (await connection.execute(_ANSWER, {"conversation": conversation_id, "message": seq})).one_or_none()
    if row is None:
        return None, False
    *event, status = row
    answer = dict(zip(Event.model_fields, event, strict=True))
    return (Event(**answer) if answer["seq"] is not None else None), status == "pending"


async def _wait(woken: asyncio.Event, seconds: float) -> bool:
    """Whether *woken* was set within *seconds*."""
    try:
        async with asyncio.timeout(seconds):
            await woken.wait()
    except TimeoutError:
        return False
    return True
