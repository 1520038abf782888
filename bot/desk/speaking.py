"""What a rep says: one event, to every channel that the customer is in, under the rep's own name."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from sqlalchemy import func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from bot import audit
from bot.desk.accounts import Rep
from bot.desk.holding import HeldElsewhere
from bot.desk.tables import SuggestionRow
from bot.events import insert_events
from bot.message import Frozen, NewEvent
from bot.records import ConversationRow, DeliveryRow, EventRow, TicketRow
from bot.signals import Signals
from responses.reply import Language

LOOK_BACK = 50
"""Events among which a message that is sent again is looked for."""


class Spoken(Frozen):
    """A rep's message. ``message_id`` is the page's own: the same again is the same message.

    ``suggestion`` is the one it grew from, ``distance`` how far from it (in characters), ``overridden`` the rules that were warned of, and
    ``reason`` why it was sent all the same.
    """

    message_id: str
    text: str
    language: Language
    suggestion: int | None = None
    distance: int | None = None
    overridden: tuple[str, ...] = ()
    reason: str = ""


class Speaking:
    """Sending what reps write. *pushed* are the channels that must be sent to."""

    def __init__(self, engine: AsyncEngine, signals: Signals, pushed: frozenset[str]) -> None:
        self._engine = engine
        self._signals = signals
        self._pushed = pushed

    async def say(self, conversation_id: str, rep: Rep, spoken: Spoken, now: dt.datetime) -> int:
        """Say it to the customer; its number. Raises ``HeldElsewhere`` where the conversation is not *rep*'s."""
        data: dict[str, Any] = {
            "text": spoken.text,
            "language": spoken.language,
            "name": rep.display_name,
            "name_en": rep.display_name_en,
            "message_id": spoken.message_id,
            "evidence": [],
            "cards": [],
            "quick_replies": [],
        }
        try:
            seq = await self._store(conversation_id, rep, spoken, data, now)
        except _SaidBefore as before:
            return before.seq
        self._signals.tell("event", conversation_id)
        return seq

    async def _store(
        self, conversation_id: str, rep: Rep, spoken: Spoken, data: dict[str, Any], now: dt.datetime
    ) -> int:
        async with self._engine.begin() as connection:
            row = await self._numbered(connection, conversation_id, rep, now)
            # Raises where it was: the number that was taken is given up with the transaction.
            await _demand_new(connection, conversation_id, spoken.message_id, row.seq)
            event = NewEvent(type="message.completed", actor="rep", data={"seq": row.seq, **data})
            await insert_events(connection, conversation_id, row.seq, [event], now)
            if row.channel in self._pushed:
                delivery = {"event_seq": row.seq, "channel": row.channel, "next_at": now}
                await connection.execute(insert(DeliveryRow).values(conversation_id=conversation_id, **delivery))
            await connection.execute(
                update(TicketRow)
                .where(TicketRow.conversation_id == conversation_id, TicketRow.status == "taken")
                .values(first_reply_at=func.coalesce(TicketRow.first_reply_at, now))
            )
            await _settle(connection, conversation_id, spoken, now)
            await audit.note(
                connection,
                "message.sent",
                actor=rep.id,
                at=now,
                conversation_id=conversation_id,
                seq=row.seq,
                suggestion=spoken.suggestion,
                overridden=list(spoken.overridden),
                reason=spoken.reason,
            )
        return int(row.seq)

    async def type(self, conversation_id: str, rep: Rep, now: dt.datetime) -> None:
        """Tell the customer that the rep is writing. Raises ``HeldElsewhere``."""
        data = {"name": rep.display_name, "name_en": rep.display_name_en}
        async with self._engine.begin() as connection:
            row = await self._numbered(connection, conversation_id, rep, now)
            await insert_events(
                connection, conversation_id, row.seq, [NewEvent(type="typing", actor="rep", data=data)], now
            )
        self._signals.tell("event", conversation_id)

    async def _numbered(self, connection: AsyncConnection, conversation_id: str, rep: Rep, now: dt.datetime) -> Any:
        row = (
            await connection.execute(
                update(ConversationRow)
                .where(ConversationRow.id == conversation_id, ConversationRow.owner == rep.id)
                .values(seq=ConversationRow.seq + 1, updated_at=now)
                .returning(ConversationRow.seq, ConversationRow.channel)
            )
        ).one_or_none()
        if row is None:
            holder = await connection.scalar(select(ConversationRow.owner).where(ConversationRow.id == conversation_id))
            raise HeldElsewhere(holder)
        return row


class _SaidBefore(Exception):
    """The message of that id was sent a moment ago, as ``seq``."""

    def __init__(self, seq: int) -> None:
        super().__init__(seq)
        self.seq = seq


async def _demand_new(connection: AsyncConnection, conversation_id: str, message_id: str, seq: int) -> None:
    """Raises ``_SaidBefore``."""
    recent = await connection.execute(
        select(EventRow.seq, EventRow.data).where(
            EventRow.conversation_id == conversation_id,
            EventRow.actor == "rep",
            EventRow.type == "message.completed",
            EventRow.seq > seq - LOOK_BACK,
        )
    )
    for row in recent:
        if row.data.get("message_id") == message_id:
            raise _SaidBefore(row.seq)


async def _settle(connection: AsyncConnection, conversation_id: str, spoken: Spoken, now: dt.datetime) -> None:
    """Keep what became of the suggestions that were open: this one was sent or edited, older ones were passed over."""
    is_open = (SuggestionRow.conversation_id == conversation_id, SuggestionRow.outcome == "open")
    if spoken.suggestion is not None:
        await connection.execute(
            update(SuggestionRow)
            .where(SuggestionRow.id == spoken.suggestion, *is_open)
            .values(outcome="edited" if spoken.distance else "sent", distance=spoken.distance, settled_at=now)
        )
    await connection.execute(update(SuggestionRow).where(*is_open).values(outcome="passed over", settled_at=now))


def edit_distance(before: Sequence[str], after: Sequence[str]) -> int:
    """How many characters must be put in, taken out or exchanged to make *after* of *before* (Levenshtein 1966)."""
    row = list(range(len(after) + 1))
    for i, a in enumerate(before, 1):
        diagonal, row[0] = row[0], i
        for j, b in enumerate(after, 1):
            diagonal, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, diagonal + (a != b))
    return row[-1]
