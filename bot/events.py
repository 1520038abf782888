"""The events of a conversation: numbered, stored before anybody sees them, read again from any point."""

from __future__ import annotations

import asyncio
import datetime as dt
import time
from collections.abc import AsyncIterator, Sequence
from typing import Any

from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from bot.message import Frozen, NewEvent
from bot.records import ConversationRow, EventRow, InboxRow
from bot.signals import Signals
from bot.store import reading

HEARTBEAT = 15.0
"""Seconds of silence after which a stream says that it is alive."""
POLL = 1.0
"""Seconds after which a waiting reader looks for itself: a signal may have been lost."""


class Event(Frozen):
    """One event: ``{"seq", "type", "at", "actor", "data"}``, the same in every channel and for a replay. ``at`` is UTC."""

    seq: int
    type: str
    at: dt.datetime
    actor: str
    data: dict[str, Any]


class UnknownConversation(LookupError):
    """There is no conversation of that id."""


class Events:
    """Reading and following conversations."""

    def __init__(self, engine: AsyncEngine, signals: Signals) -> None:
        self._engine = engine
        self._signals = signals

    async def read(self, conversation_id: str, after: int = 0, limit: int = 500) -> list[Event]:
        """The events with a ``seq`` above *after*, oldest first, at most *limit* of them."""
        query = (
            select(EventRow.seq, EventRow.type, EventRow.at, EventRow.actor, EventRow.data)
            .where(EventRow.conversation_id == conversation_id, EventRow.seq > after)
            .order_by(EventRow.seq)
            .limit(limit)
        )
        async with reading(self._engine) as connection:
            return [Event(**row._mapping) for row in await connection.execute(query)]

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
            while True:
                woken.clear()
                async with reading(self._engine) as connection:
                    reply, pending = await _answer(connection, conversation_id, seq)
                left = deadline - time.monotonic()
                if reply is not None or not pending or left <= 0:
                    return reply
                await _wait(woken, min(POLL, left))


async def append(
    connection: AsyncConnection,
    conversation_id: str,
    events: Sequence[NewEvent],
    at: dt.datetime,
    *,
    in_reply_to: int | None = None,
) -> list[Event]:
    """Number and store *events* in the caller's transaction, which holds the conversation's row from here to its end.

    Whoever appends tells ``Signals`` after the commit. Raises ``UnknownConversation``.
    """
    taken = (
        update(ConversationRow)
        .where(ConversationRow.id == conversation_id)
        .values(seq=ConversationRow.seq + len(events), updated_at=at)
        .returning(ConversationRow.seq)
    )
    last = (await connection.execute(taken)).scalar_one_or_none()
    if last is None:
        raise UnknownConversation(conversation_id)
    first = last - len(events) + 1
    return await insert_events(connection, conversation_id, first, events, at, in_reply_to=in_reply_to)


async def insert_events(
    connection: AsyncConnection,
    conversation_id: str,
    first: int,
    events: Sequence[NewEvent],
    at: dt.datetime,
    *,
    in_reply_to: int | None = None,
) -> list[Event]:
    """Store *events* under the numbers from *first* on, which the caller took while it held the conversation's row."""
    numbered = [
        Event(seq=seq, type=event.type, at=at, actor=event.actor, data=event.data)
        for seq, event in enumerate(events, start=first)
    ]
    if numbered:
        rows = [
            {**event.model_dump(), "conversation_id": conversation_id, "in_reply_to": in_reply_to} for event in numbered
        ]
        await connection.execute(insert(EventRow), rows)
    return numbered


async def _answer(connection: AsyncConnection, conversation_id: str, seq: int) -> tuple[Event | None, bool]:
    """The bot's answer to the message *seq*, and whether one may still come."""
    status = await connection.scalar(
        select(InboxRow.status).where(InboxRow.conversation_id == conversation_id, InboxRow.seq == seq)
    )
    query = select(EventRow.seq, EventRow.type, EventRow.at, EventRow.actor, EventRow.data).where(
        EventRow.conversation_id == conversation_id,
        EventRow.in_reply_to == seq,
        EventRow.type == "message.completed",
        EventRow.actor == "bot",
    )
    row = (await connection.execute(query)).first()
    return (Event(**row._mapping) if row else None), status == "pending"


async def _wait(woken: asyncio.Event, seconds: float) -> bool:
    """Whether *woken* was set within *seconds*."""
    try:
        async with asyncio.timeout(seconds):
            await woken.wait()
    except TimeoutError:
        return False
    return True
