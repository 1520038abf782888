"""One conversation, one worker at a time: claimed for a few seconds of database time, with a number that unmasks the late.

Every claim raises the conversation's ``fence``. A turn is stored only while the fence is still the one it was claimed
with, so a worker that was thought dead and comes back changes nothing.
"""

from __future__ import annotations

import datetime as dt
from typing import Any, Literal

from sqlalchemy import ColumnElement, func, insert, literal_column, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from bot.events import insert_events
from bot.message import Frozen, Incoming, NewEvent
from bot.principal import Principal
from bot.records import ConversationRow, DeliveryRow, InboxRow, TurnRow
from bot.store import database_now, reading

# Written out, not bound: only then may a planner use the index of pending messages.
_PENDING = InboxRow.status == literal_column("'pending'")


class LeaseLost(Exception):
    """Another worker holds the conversation by now: what this one has is not stored."""


class Work(Frozen):
    """A message to handle, and the conversation as it was when it was taken. ``starts`` counts how often it was begun."""

    incoming: Incoming
    session: dict[str, Any]
    principal: Principal
    awaiting_challenge: str | None
    fence: int
    starts: int


class Outcome(Frozen):
    """What is stored of a turn. ``reply`` is the reply's shape without its ``seq``; ``None`` where nothing is said."""

    status: Literal["done", "failed"]
    reply: dict[str, Any] | None
    events: tuple[NewEvent, ...]
    session: dict[str, Any]
    owner: str
    awaiting_challenge: str | None
    record: dict[str, Any]


class Leases:
    """Claiming messages and storing what became of them.

    *seconds* is how long a worker may be silent before another takes over. Replies in *pushed* channels get a delivery
    row: those are channels that must be sent to, where others come and ask.
    """

    def __init__(self, engine: AsyncEngine, *, seconds: float = 6.0, pushed: frozenset[str] = frozenset()) -> None:
        self._engine = engine
        self.seconds = seconds
        self._pushed = pushed

    async def waiting(self, limit: int = 200) -> list[str]:
        """Conversations with a message that nobody works on, the longest waiting first."""
        query = (
            select(InboxRow.conversation_id)
            .join(ConversationRow, ConversationRow.id == InboxRow.conversation_id)
            .where(_PENDING, _free())
            .group_by(InboxRow.conversation_id)
            .order_by(func.min(InboxRow.received_at))
            .limit(limit)
        )
        async with reading(self._engine) as connection:
            return list(await connection.scalars(query))

    async def claim(self, conversation_id: str, holder: str) -> Work | None:
        """The conversation's oldest pending message, if it has one and nobody else holds the conversation."""
        if not await self._worth_claiming(conversation_id):
            return None
        async with self._engine.connect() as connection:
            claimed = (
                update(ConversationRow)
                .where(ConversationRow.id == conversation_id, _free())
                .values(
                    fence=ConversationRow.fence + 1,
                    lease_until=database_now(self.seconds),
                    lease_holder=holder,
                )
                .returning(
                    ConversationRow.fence,
                    ConversationRow.session,
                    ConversationRow.owner,
                    ConversationRow.awaiting_challenge,
                )
            )
            row = (await connection.execute(claimed)).one_or_none()
            if row is None:
                return None
            work = await _take(connection, conversation_id, **row._mapping)
            if work is not None:
                await connection.commit()
            return work

    async def renew(self, work: Work) -> bool:
        """Hold the conversation for another while; ``False`` where it is no longer held."""
        async with self._engine.begin() as connection:
            renewed = await connection.execute(
                update(ConversationRow).where(_held(work)).values(lease_until=database_now(self.seconds))
            )
            return renewed.rowcount == 1

    async def release(self, work: Work) -> None:
        """Let go of the conversation; its message stays pending for whoever comes next."""
        async with self._engine.begin() as connection:
            await connection.execute(update(ConversationRow).where(_held(work)).values(lease_until=None))

    async def finish(self, work: Work, outcome: Outcome, now: dt.datetime, *, more: bool = True) -> Work | None:
        """Store the turn in one transaction: events, deliveries, session, owner, record, and the message's end.

        With *more*, the next pending message is taken in the same transaction and returned; without one the lease ends.
        A conversation whose owner changed while the turn ran keeps its new owner, and the bot says nothing.
        Raises ``LeaseLost``, and then nothing is stored.
        """
        message = work.incoming
        async with self._engine.connect() as connection:
            held = (
                await connection.execute(
                    select(ConversationRow.seq, ConversationRow.owner).where(_held(work)).with_for_update()
                )
            ).one_or_none()
            if held is None:
                raise LeaseLost(message.conversation_id)
            overtaken = held.owner != message.owner
            events = () if overtaken else _events(outcome, message.seq, held.seq + 1)
            written = await insert_events(
                connection, message.conversation_id, held.seq + 1, events, now, in_reply_to=message.seq
            )
            if message.channel in self._pushed and outcome.reply is not None and not overtaken:
                await connection.execute(
                    insert(DeliveryRow).values(
                        conversation_id=message.conversation_id,
                        event_seq=written[0].seq,
                        channel=message.channel,
                        next_at=now,
                    )
                )
            record = {**outcome.record, "overtaken_by": held.owner} if overtaken else outcome.record
            await connection.execute(
                insert(TurnRow).values(conversation_id=message.conversation_id, seq=message.seq, at=now, record=record)
            )
            await connection.execute(
                update(InboxRow)
                .where(InboxRow.conversation_id == message.conversation_id, InboxRow.seq == message.seq)
                .values(status=outcome.status)
            )
            owner = held.owner if overtaken else outcome.owner
            # Under the conversation's row lock: no message can slip in between this look and the end of the lease.
            following = (
                await _take(
                    connection,
                    message.conversation_id,
                    fence=work.fence,
                    session=outcome.session,
                    owner=owner,
                    awaiting_challenge=outcome.awaiting_challenge,
                )
                if more
                else None
            )
            await connection.execute(
                update(ConversationRow)
                .where(ConversationRow.id == message.conversation_id)
                .values(
                    seq=held.seq + len(written),
                    session=outcome.session,
                    owner=owner,
                    version=ConversationRow.version + int(owner != held.owner),
                    awaiting_challenge=outcome.awaiting_challenge,
                    lease_until=database_now(self.seconds) if following else None,
                    updated_at=now,
                )
            )
            await connection.commit()
            return following

    async def _worth_claiming(self, conversation_id: str) -> bool:
        """A look without the write lock: of all the workers a signal wakes, one will find the conversation free."""
        query = (
            select(InboxRow.seq)
            .join(ConversationRow, ConversationRow.id == InboxRow.conversation_id)
            .where(InboxRow.conversation_id == conversation_id, _PENDING, _free())
            .limit(1)
        )
        async with reading(self._engine) as connection:
            return (await connection.scalar(query)) is not None


def _free() -> ColumnElement[bool]:
    return or_(ConversationRow.lease_until.is_(None), ConversationRow.lease_until < database_now())


def _held(work: Work) -> ColumnElement[bool]:
    return (ConversationRow.id == work.incoming.conversation_id) & (ConversationRow.fence == work.fence)


async def _take(
    connection: AsyncConnection,
    conversation_id: str,
    *,
    fence: int,
    session: dict[str, Any],
    owner: str,
    awaiting_challenge: str | None,
) -> Work | None:
    """Begin the conversation's oldest pending message."""
    oldest = (
        select(func.min(InboxRow.seq)).where(InboxRow.conversation_id == conversation_id, _PENDING).scalar_subquery()
    )
    begun = (
        update(InboxRow)
        .where(InboxRow.conversation_id == conversation_id, InboxRow.seq == oldest)
        .values(starts=InboxRow.starts + 1)
        .returning(
            InboxRow.seq,
            InboxRow.message_id,
            InboxRow.text,
            InboxRow.code_digest,
            InboxRow.challenge_id,
            InboxRow.principal,
            InboxRow.channel,
            InboxRow.received_at,
            InboxRow.starts,
        )
    )
    row = (await connection.execute(begun)).one_or_none()
    if row is None:
        return None
    incoming = Incoming(
        conversation_id=conversation_id,
        message_id=row.message_id,
        seq=row.seq,
        text=row.text,
        received_at=row.received_at,
        channel=row.channel,
        owner=owner,
        code_digest=row.code_digest,
        challenge_id=row.challenge_id,
    )
    return Work(
        incoming=incoming,
        session=session,
        principal=Principal.model_validate(row.principal),
        awaiting_challenge=awaiting_challenge,
        fence=fence,
        starts=row.starts,
    )


def _events(outcome: Outcome, answers: int, seq: int) -> tuple[NewEvent, ...]:
    """What is said, then what else happened; the reply carries its own number."""
    if outcome.reply is None:
        return outcome.events
    data = {"seq": seq, **outcome.reply, "in_reply_to": answers}
    return (NewEvent(type="message.completed", actor="bot", data=data), *outcome.events)
