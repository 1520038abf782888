"""One conversation, one worker at a time: claimed for a few seconds of database time, with a number that unmasks the late.

Every claim raises the conversation's ``fence``. A turn is stored only while the fence is still the one it was claimed
with, so a worker that was thought dead and comes back changes nothing.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

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

from bot.deltas import DELTA, cut_short, heard_in
from bot.events import UnknownConversation, insert_events, take_numbers
from bot.failpoints import failpoint
from bot.message import Frozen, Incoming, NewEvent
from bot.principal import Principal
from bot.records import ConversationRow, DeliveryRow, EventRow, InboxRow, TurnRow
from bot.store import database_now, reading, statement_began
from responses.streaming import Heard

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
# Asked three times in one statement: a clock that went on between them could raise no fence and yet take the lease.
_IS_FREE_THROUGHOUT = or_(ConversationRow.lease_until.is_(None), ConversationRow.lease_until < statement_began())
_ENTER = (
    update(ConversationRow)
    .where(_IS_CONVERSATION)
    .values(
        seq=ConversationRow.seq + 1,
        updated_at=bindparam("at"),
        fence=ConversationRow.fence + case((_IS_FREE_THROUGHOUT, 1), else_=0),
        lease_until=case((_IS_FREE_THROUGHOUT, _LEASE_END), else_=ConversationRow.lease_until),
        lease_holder=case((_IS_FREE_THROUGHOUT, bindparam("holder")), else_=ConversationRow.lease_holder),
    )
    .returning(
        ConversationRow.seq,
        ConversationRow.awaiting_challenge,
        ConversationRow.customer_id,
        ConversationRow.lease_holder,
        ConversationRow.fence,
        ConversationRow.session,
        ConversationRow.owner,
    )
)
_INCOMING = tuple(name for name in Incoming.model_fields if name not in ("owner", "last_speaker"))
_MESSAGE = tuple(getattr(InboxRow, name) for name in (*_INCOMING, "principal", "starts"))
_OLDEST = select(func.min(InboxRow.seq)).where(_IS_ITS_MESSAGE, _IS_PENDING)
_BEGIN_OLDEST = (
    update(InboxRow)
    .where(_IS_ITS_MESSAGE, InboxRow.seq == _OLDEST.scalar_subquery())
    .values(starts=InboxRow.starts + 1)
    .returning(*_MESSAGE)
)
_IS_ENDED = InboxRow.seq == bindparam("message")
_END = update(InboxRow).where(_IS_ITS_MESSAGE, _IS_ENDED).values(status=bindparam("end"))
_END_AND_BEGIN_NEXT = (
    update(InboxRow)
    .where(
        _IS_ITS_MESSAGE,
        InboxRow.seq.in_([bindparam("message"), _OLDEST.where(InboxRow.seq != bindparam("message")).scalar_subquery()]),
    )
    .values(
        status=case((_IS_ENDED, bindparam("end")), else_=InboxRow.status),
        starts=InboxRow.starts + case((_IS_ENDED, 0), else_=1),
    )
    .returning(*_MESSAGE)
)
_RENEW = update(ConversationRow).where(_IS_HELD).values(lease_until=_LEASE_END)
_RELEASE = update(ConversationRow).where(_IS_HELD).values(lease_until=None)
_HOLD = select(ConversationRow.owner).where(_IS_HELD).with_for_update()
_STORE_CONVERSATION = (
    update(ConversationRow)
    .where(_IS_HELD, ConversationRow.owner == bindparam("seen_owner"))
    .values(
        seq=ConversationRow.seq + bindparam("count"),
        session=bindparam("new_session", type_=ConversationRow.session.type),
        owner=bindparam("new_owner"),
        version=ConversationRow.version + case((ConversationRow.owner == bindparam("new_owner"), 0), else_=1),
        awaiting_challenge=case(
            (bindparam("failed", type_=Boolean), ConversationRow.awaiting_challenge), else_=bindparam("challenge")
        ),
        lease_until=None,
        updated_at=bindparam("at"),
    )
    .returning(ConversationRow.seq)
)
_TAKE_NUMBER = (
    update(ConversationRow)
    .where(_IS_HELD, ConversationRow.owner == bindparam("seen_owner"))
    .values(seq=ConversationRow.seq + 1, updated_at=bindparam("at"))
    .returning(ConversationRow.seq)
)
_DELTAS = (
    select(EventRow.data)
    .where(
        EventRow.conversation_id == bindparam("conversation"),
        EventRow.in_reply_to == bindparam("message"),
        EventRow.type == DELTA,
    )
    .order_by(EventRow.seq)
)
_LAST_SPEAKER = (
    select(EventRow.actor)
    .where(
        EventRow.conversation_id == bindparam("conversation"),
        EventRow.seq < bindparam("message"),
        EventRow.type == "message.completed",
        EventRow.actor.in_(("bot", "rep")),
    )
    .order_by(EventRow.seq.desc())
    .limit(1)
)
_INSERT_TURN = insert(TurnRow)
_INSERT_DELIVERY = insert(DeliveryRow)


class LeaseLost(Exception):
    """Another worker holds the conversation by now: what this one has is not stored."""


class Bid(NamedTuple):
    """An offer to work on a conversation from the moment its message is taken in.

    ``holder`` is a name that is used once, so that a claim can be told from every other; ``seconds`` the lease's.
    """

    holder: str
    seconds: float


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
            work = await begin_oldest(connection, conversation_id, **row._mapping)
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

    async def add(self, work: Work, event: NewEvent, now: dt.datetime) -> bool:
        """Store *event* of a turn that goes on; ``False``, and nothing stored, where the conversation is another's by now.

        Whoever does so tells ``Signals`` then.
        """
        message = work.incoming
        async with self._engine.begin() as connection:
            parameters = {**_held(work), "seen_owner": message.owner, "at": now}
            seq: int | None = await connection.scalar(_TAKE_NUMBER, parameters)
            if seq is None:
                return False
            await insert_events(connection, message.conversation_id, seq, [event], now, in_reply_to=message.seq)
        return True

    async def heard(self, work: Work) -> Heard:
        """What left of the answer to this message, in this turn or in one that broke off."""
        async with reading(self._engine) as connection:
            return await _heard(connection, work)

    async def placed(self, work: Work) -> Incoming:
        """The message to be handled; where a rep holds the conversation, with who spoke to the customer before it."""
        message = work.incoming
        if message.owner in ("bot", "queue"):
            return message
        async with reading(self._engine) as connection:
            place = {"conversation": message.conversation_id, "message": message.seq}
            speaker = await connection.scalar(_LAST_SPEAKER, place)
        return message.model_copy(update={"last_speaker": speaker})

    async def finish(self, work: Work, outcome: Outcome, now: dt.datetime, *, more: bool = True) -> Work | None:
        """Store the turn in one transaction: events, deliveries, session, owner, record, and the message's end.

        With *more*, the next pending message is taken in the same transaction and returned; without one the lease ends.
        A conversation whose owner changed while the turn ran keeps its new owner, and the bot says nothing more than left
        already.
        Raises ``LeaseLost``, and then nothing is stored.
        """
        message = work.incoming
        async with self._engine.connect() as connection:
            owner, record = outcome.owner, outcome.record
            if outcome.reply is None and work.starts > 1:
                outcome = _broken_off(outcome, await _heard(connection, work))
            said = outcome.reply is not None
            count = len(outcome.events) + said
            last = await _store_conversation(connection, work, outcome, message.owner, owner, count, now)
            if last is None:
                now_owner = await _owner_now(connection, work)
                if now_owner != message.owner:
                    # What nobody has read is not remembered: a later yes must not be to a quote that was never said.
                    outcome = _broken_off(outcome, await _heard(connection, work), session=work.session)
                    owner, said = now_owner, outcome.reply is not None
                    count = len(outcome.events) + said
                    record = {**record, "overtaken_by": now_owner}
                last = await _store_conversation(connection, work, outcome, now_owner, owner, count, now)
                assert last is not None
            first = last - count + 1
            events = _events(outcome, message.seq, first) if count else ()
            await insert_events(connection, message.conversation_id, first, events, now, in_reply_to=message.seq)
            if said and message.channel in self._pushed:
                delivery = {"event_seq": first, "channel": message.channel, "next_at": now}
                await connection.execute(_INSERT_DELIVERY, {"conversation_id": message.conversation_id, **delivery})
            turn = {"conversation_id": message.conversation_id, "seq": message.seq, "at": now, "record": record}
            await connection.execute(_INSERT_TURN, turn)
            following = await self._end(connection, work, outcome, owner, more=more)
            await failpoint("lease.before_finish", message.conversation_id)
            await connection.commit()
            await failpoint("lease.finished", message.conversation_id)
            return following

    async def _end(
        self, connection: AsyncConnection, work: Work, outcome: Outcome, owner: str, *, more: bool
    ) -> Work | None:
        """End the message, and with *more* begin the next one under the same lease."""
        conversation_id, seq = work.incoming.conversation_id, work.incoming.seq
        ended = {"conversation": conversation_id, "message": seq, "end": outcome.status}
        if not more:
            await connection.execute(_END, ended)
            return None
        # Under the conversation's row lock: no message can slip in between this look and the end of the lease.
        for row in await connection.execute(_END_AND_BEGIN_NEXT, ended):
            if row.seq != seq:
                await connection.execute(_RENEW, {**_held(work), "lease": self.seconds})
                principal = Principal.model_validate(row.principal)
                return work_of(row._asdict(), principal, fence=work.fence, session=outcome.session, owner=owner)
        return None


class Entered(NamedTuple):
    """The number of a message that was let into its conversation, the challenge that a code is awaited for, whose
    conversation it is, and (``claim``) what a ``Work`` needs where the conversation was claimed on the way."""

    seq: int
    awaiting_challenge: str | None
    customer_id: str | None
    claim: dict[str, Any] | None


async def enter(connection: AsyncConnection, conversation_id: str, at: dt.datetime, bid: Bid | None = None) -> Entered:
    """Number one message, and claim the conversation for *bid* where nobody holds it.

    The caller's transaction holds the conversation's row from here to its end. Raises ``UnknownConversation``.
    """
    if bid is None:
        first, awaiting, customer_id = await take_numbers(connection, conversation_id, 1, at)
        return Entered(first, awaiting, customer_id, None)
    parameters = {"conversation": conversation_id, "at": at, "holder": bid.holder, "lease": bid.seconds}
    row = (await connection.execute(_ENTER, parameters)).one_or_none()
    if row is None:
        raise UnknownConversation(conversation_id)
    claimed = row.lease_holder == bid.holder
    claim = {"fence": row.fence, "session": row.session, "owner": row.owner} if claimed else None
    return Entered(row.seq, row.awaiting_challenge, row.customer_id, claim)


async def begin_oldest(connection: AsyncConnection, conversation_id: str, **claim: Any) -> Work | None:
    """Begin the oldest pending message of a conversation that this transaction has claimed."""
    row = (await connection.execute(_BEGIN_OLDEST, {"conversation": conversation_id})).one_or_none()
    return None if row is None else work_of(row._asdict(), Principal.model_validate(row.principal), **claim)


async def _store_conversation(
    connection: AsyncConnection, work: Work, outcome: Outcome, seen: str, owner: str, count: int, now: dt.datetime
) -> int | None:
    """Store what the turn made of the conversation, number *count* events, and end the lease; the last number.

    ``None`` where it is no longer held, or no longer *seen*'s.
    """
    stored = {
        "seen_owner": seen,
        "count": count,
        "new_session": outcome.session,
        "new_owner": owner,
        "challenge": outcome.awaiting_challenge,
        "failed": outcome.status == "failed",
        "at": now,
    }
    return await connection.scalar(_STORE_CONVERSATION, {**_held(work), **stored})


async def _heard(connection: AsyncConnection, work: Work) -> Heard:
    message = {"conversation": work.incoming.conversation_id, "message": work.incoming.seq}
    return heard_in(await connection.scalars(_DELTAS, message))


def _broken_off(outcome: Outcome, heard: Heard, session: dict[str, Any] | None = None) -> Outcome:
    """*outcome* for a conversation that is a human's by now: what was heard stands, and nothing is added to it.

    *session* is what is remembered instead of the turn's own.
    """
    reply = cut_short(heard, outcome.session.get("language", "zh")) if heard.text else None
    kept = outcome.session if session is None else session
    return outcome.model_copy(update={"reply": reply, "events": (), "session": kept})


async def _owner_now(connection: AsyncConnection, work: Work) -> str:
    """Who holds the conversation by now, for the rest of this transaction; raises ``LeaseLost``."""
    owner: str | None = await connection.scalar(_HOLD, _held(work))
    if owner is None:
        raise LeaseLost(work.incoming.conversation_id)
    return owner


def _held(work: Work) -> dict[str, Any]:
    return {"conversation": work.incoming.conversation_id, "held": work.fence}


def work_of(row: Mapping[str, Any], principal: Principal, *, fence: int, session: dict[str, Any], owner: str) -> Work:
    """The message of the inbox's *row*, begun, with the conversation as it is now."""
    incoming = Incoming(owner=owner, **{name: row[name] for name in _INCOMING})
    return Work(incoming=incoming, session=session, principal=principal, fence=fence, starts=row["starts"])


def _events(outcome: Outcome, answers: int, seq: int) -> tuple[NewEvent, ...]:
    """What is said, then what else happened; the reply carries its own number."""
    if outcome.reply is None:
        return outcome.events
    data = {"seq": seq, **outcome.reply, "in_reply_to": answers}
    return (NewEvent(type="message.completed", actor="bot", data=data), *outcome.events)
