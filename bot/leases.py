"""One conversation, one worker at a time: claimed for a few seconds of database time, with a number that unmasks the late.

Every claim raises the conversation's ``fence``. A turn is stored only while the fence is still the one it was claimed
with, so a worker that was thought dead and comes back changes nothing.
"""

from __future__ import annotations

import datetime as dt
from typing import Any, Literal

from sqlalchemy import (
    Boolean,
    Float,
    bindparam,
    case,
    exists,
    func,
    insert,
    literal_column,
    or_,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from bot.events import insert_events
from bot.failpoints import failpoint
from bot.message import Frozen, Incoming, NewEvent
from bot.principal import Principal
from bot.records import ConversationRow, DeliveryRow, InboxRow, TurnRow
from bot.store import database_now, reading

# Statements are built once: building one costs as much as running it.
_IS_CONVERSATION = ConversationRow.id == bindparam("conversation")
_IS_FREE = or_(ConversationRow.lease_until.is_(None), ConversationRow.lease_until < database_now())
_IS_HELD = _IS_CONVERSATION & (ConversationRow.fence == bindparam("held"))
# Written out, not bound: only then may a planner use the index of pending messages.
_IS_PENDING = InboxRow.status == literal_column("'pending'")
_IS_ITS_MESSAGE = InboxRow.conversation_id == bindparam("conversation")
_LEASE_END = database_now(bindparam("lease", type_=Float))

_WAITING = (
    select(InboxRow.conversation_id)
    .join(ConversationRow, ConversationRow.id == InboxRow.conversation_id)
    .where(_IS_PENDING, _IS_FREE)
    .group_by(InboxRow.conversation_id)
    .order_by(func.min(InboxRow.received_at))
    .limit(bindparam("limit"))
)
_CLAIM = (
    update(ConversationRow)
    .where(_IS_CONVERSATION, _IS_FREE, exists().where(_IS_ITS_MESSAGE, _IS_PENDING))
    .values(fence=ConversationRow.fence + 1, lease_until=_LEASE_END, lease_holder=bindparam("holder"))
    .returning(ConversationRow.fence, ConversationRow.session, ConversationRow.owner)
)
_BEGIN_OLDEST = (
    update(InboxRow)
    .where(
        _IS_ITS_MESSAGE,
        InboxRow.seq == select(func.min(InboxRow.seq)).where(_IS_ITS_MESSAGE, _IS_PENDING).scalar_subquery(),
    )
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
_RENEW = update(ConversationRow).where(_IS_HELD).values(lease_until=_LEASE_END)
_RELEASE = update(ConversationRow).where(_IS_HELD).values(lease_until=None)
_HOLD = select(ConversationRow.seq, ConversationRow.owner).where(_IS_HELD).with_for_update()
_END_MESSAGE = (
    update(InboxRow).where(_IS_ITS_MESSAGE, InboxRow.seq == bindparam("message")).values(status=bindparam("end"))
)
_STORE_CONVERSATION = (
    update(ConversationRow)
    .where(_IS_HELD)
    .values(
        seq=ConversationRow.seq + bindparam("count"),
        session=bindparam("new_session", type_=ConversationRow.session.type),
        owner=bindparam("new_owner"),
        version=ConversationRow.version + case((ConversationRow.owner == bindparam("new_owner"), 0), else_=1),
        awaiting_challenge=case(
            (bindparam("failed", type_=Boolean), ConversationRow.awaiting_challenge), else_=bindparam("challenge")
        ),
        lease_until=case((bindparam("more", type_=Boolean), _LEASE_END), else_=None),
        updated_at=bindparam("at"),
    )
)
_INSERT_TURN = insert(TurnRow)
_INSERT_DELIVERY = insert(DeliveryRow)


class LeaseLost(Exception):
    """Another worker holds the conversation by now: what this one has is not stored."""


class Work(Frozen):
    """A message to handle, and the conversation as it was when it was taken. ``starts`` counts how often it was begun."""

    incoming: Incoming
    session: dict[str, Any]
    principal: Principal
    fence: int
    starts: int


class Outcome(Frozen):
    """What is stored of a turn. ``reply`` is the reply's shape without its ``seq``; ``None`` where nothing is said.

    A failed turn leaves ``awaiting_challenge`` as it is: a code may have been sent before it failed.
    """

    status: Literal["done", "failed"]
    reply: dict[str, Any] | None
    events: tuple[NewEvent, ...]
    session: dict[str, Any]
    owner: str
    awaiting_challenge: str | None = None
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
        async with reading(self._engine) as connection:
            return list(await connection.scalars(_WAITING, {"limit": limit}))

    async def claim(self, conversation_id: str, holder: str) -> Work | None:
        """The conversation's oldest pending message, if it has one and nobody else holds the conversation."""
        parameters = {"conversation": conversation_id, "holder": holder, "lease": self.seconds}
        async with self._engine.connect() as connection:
            row = (await connection.execute(_CLAIM, parameters)).one_or_none()
            if row is None:
                return None
            work = await _begin_oldest(connection, conversation_id, **row._mapping)
            if work is not None:
                await failpoint("lease.before_claim", conversation_id)
                await connection.commit()
                await failpoint("lease.claimed", conversation_id)
            return work

    async def renew(self, work: Work) -> bool:
        """Hold the conversation for another while; ``False`` where it is no longer held."""
        async with self._engine.begin() as connection:
            renewed = await connection.execute(_RENEW, {**_held(work), "lease": self.seconds})
            return renewed.rowcount == 1

    async def release(self, work: Work) -> None:
        """Let go of the conversation; its message stays pending for whoever comes next."""
        async with self._engine.begin() as connection:
            await connection.execute(_RELEASE, _held(work))

    async def finish(self, work: Work, outcome: Outcome, now: dt.datetime, *, more: bool = True) -> Work | None:
        """Store the turn in one transaction: events, deliveries, session, owner, record, and the message's end.

        With *more*, the next pending message is taken in the same transaction and returned; without one the lease ends.
        A conversation whose owner changed while the turn ran keeps its new owner, and the bot says nothing.
        Raises ``LeaseLost``, and then nothing is stored.
        """
        message = work.incoming
        async with self._engine.connect() as connection:
            held = (await connection.execute(_HOLD, _held(work))).one_or_none()
            if held is None:
                raise LeaseLost(message.conversation_id)
            overtaken = held.owner != message.owner
            owner = held.owner if overtaken else outcome.owner
            events = () if overtaken else _events(outcome, message.seq, held.seq + 1)
            await insert_events(connection, message.conversation_id, held.seq + 1, events, now, in_reply_to=message.seq)
            if message.channel in self._pushed and outcome.reply is not None and not overtaken:
                delivery = {"event_seq": held.seq + 1, "channel": message.channel, "next_at": now}
                await connection.execute(_INSERT_DELIVERY, {"conversation_id": message.conversation_id, **delivery})
            record = {**outcome.record, "overtaken_by": held.owner} if overtaken else outcome.record
            turn = {"conversation_id": message.conversation_id, "seq": message.seq, "at": now, "record": record}
            await connection.execute(_INSERT_TURN, turn)
            ended = {"conversation": message.conversation_id, "message": message.seq, "end": outcome.status}
            await connection.execute(_END_MESSAGE, ended)
            # Under the conversation's row lock: no message can slip in between this look and the end of the lease.
            following = None
            if more:
                following = await _begin_oldest(
                    connection,
                    message.conversation_id,
                    fence=work.fence,
                    session=outcome.session,
                    owner=owner,
                )
            stored = {
                "count": len(events),
                "new_session": outcome.session,
                "new_owner": owner,
                "challenge": outcome.awaiting_challenge,
                "failed": outcome.status == "failed",
                "more": following is not None,
                "lease": self.seconds,
                "at": now,
            }
            await connection.execute(_STORE_CONVERSATION, {**_held(work), **stored})
            await failpoint("lease.before_finish", message.conversation_id)
            await connection.commit()
            await failpoint("lease.finished", message.conversation_id)
            return following


def _held(work: Work) -> dict[str, Any]:
    return {"conversation": work.incoming.conversation_id, "held": work.fence}


async def _begin_oldest(
    connection: AsyncConnection,
    conversation_id: str,
    *,
    fence: int,
    session: dict[str, Any],
    owner: str,
) -> Work | None:
    """Begin the conversation's oldest pending message, with the conversation as it is now."""
    row = (await connection.execute(_BEGIN_OLDEST, {"conversation": conversation_id})).one_or_none()
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
        fence=fence,
        starts=row.starts,
    )


def _events(outcome: Outcome, answers: int, seq: int) -> tuple[NewEvent, ...]:
    """What is said, then what else happened; the reply carries its own number."""
    if outcome.reply is None:
        return outcome.events
    data = {"seq": seq, **outcome.reply, "in_reply_to": answers}
    return (NewEvent(type="message.completed", actor="bot", data=data), *outcome.events)
