"""Who holds a conversation: claimed, assigned, transferred, returned, handed back, taken over; never two, never none.

Each is one conditional update of the conversation's owner, and its ticket, its event and its line of the audit trail are
written in the same transaction. Rows are locked in one order: the rep, the conversation, the ticket.
"""

from __future__ import annotations

import datetime as dt
import secrets
from typing import Any, Literal

from sqlalchemy import func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from bot import audit
from bot.conversations import BOT
from bot.desk.accounts import COLUMNS, Rep, rep_of
from bot.desk.tables import RepRow
from bot.desk.tickets import Queued, Tickets
from bot.events import insert_events, take_numbers
from bot.message import Frozen, NewEvent
from bot.records import ConversationRow, TicketRow
from bot.signals import Signals
from bot.store import reading

QUEUE = "queue"
"""The owner of a conversation that waits for a human."""
DESK = "desk"
"""What signals of the desk itself are about."""
TAKEN = "conversation.taken"
"""The audit trail's line of a rep who holds a conversation from then on, however they came to it."""
SYSTEM = "system"
"""Who returns what an absent rep holds."""


class HeldElsewhere(Exception):
    """The conversation is not whose the caller thought: ``holder`` is ``bot``, ``queue`` or a rep's id, or there is none."""

    def __init__(self, holder: str | None) -> None:
        super().__init__(holder)
        self.holder = holder


class CannotTake(Exception):
    """The rep holds as many conversations as they may (``full``), takes none (``away``), or is shut out (``shut``)."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Ending(Frozen):
    """How a rep ends a conversation: one of the rules' dispositions and tags, and a few words for whoever comes next."""

    disposition: str | None = None
    tags: tuple[str, ...] = ()
    summary: str = ""


class Holding:
    """Changing hands."""

    def __init__(self, engine: AsyncEngine, signals: Signals, tickets: Tickets) -> None:
        self._engine = engine
        self._signals = signals
        self._tickets = tickets

    async def claim(self, conversation_id: str, rep: Rep, now: dt.datetime, *, actor: str | None = None) -> int:
        """Give *rep* a conversation that waits; *actor* is the supervisor who assigns it. The number of its event.

        Raises ``HeldElsewhere`` where it waits no more, and ``CannotTake``.
        """
        await self._demand_waiting(conversation_id)
        async with self._engine.begin() as connection:
            taker = await _able(connection, rep.id)
            seq = await self._pass_on(connection, conversation_id, QUEUE, taker, now)
            if actor not in (None, rep.id):
                await _note(connection, "assigned", conversation_id, now, actor=actor, to=rep.id)
        self._tell(conversation_id)
        return seq

    async def claim_next(self, rep: Rep, skills: frozenset[str] | None, now: dt.datetime) -> str | None:
        """Give *rep* the first who waits for one of *skills* (``None``: for any); ``None`` where nobody does."""
        for conversation_id in await self._tickets.waiting(skills, limit=20):
            try:
                await self.claim(conversation_id, rep, now)
            except HeldElsewhere:
                continue
            return conversation_id
        return None

    async def transfer(
        self, conversation_id: str, holder: str, to: Rep, summary: str, now: dt.datetime, *, actor: str
    ) -> int:
        """Give what *holder* holds to another rep, with a summary. Raises ``HeldElsewhere`` and ``CannotTake``."""
        async with self._engine.begin() as connection:
            taker = await _able(connection, to.id)
            seq = await self._pass_on(connection, conversation_id, holder, taker, now, summary=summary)
            await _note(connection, "transferred", conversation_id, now, actor=actor, was=holder, to=to.id)
        self._tell(conversation_id)
        return seq

    async def take_over(self, conversation_id: str, seen: str, rep: Rep, now: dt.datetime) -> int:
        """Give a supervisor what *seen* (the bot, the queue or a rep) holds; capacity is no bar. Raises ``HeldElsewhere``."""
        async with self._engine.begin() as connection:
            seq = await self._pass_on(connection, conversation_id, seen, rep, now)
            await _note(connection, "taken_over", conversation_id, now, actor=rep.id, was=seen)
        self._tell(conversation_id)
        return seq

    async def give_back(
        self,
        conversation_id: str,
        holder: str,
        now: dt.datetime,
        *,
        actor: str,
        skill: str | None = None,
        summary: str = "",
        why: str = "returned",
    ) -> int:
        """Return what *holder* holds to the queue, in the place it had; with *skill*, to those who have that one.

        Raises ``HeldElsewhere``.
        """
        async with self._engine.begin() as connection:
            seq = await _change_owner(connection, conversation_id, holder, QUEUE, now)
            await self._reopen(connection, conversation_id, now, skill=skill, summary=summary)
            queued = await self._tickets.queued(connection, conversation_id, now)
            assert queued is not None
            who: Literal["rep", "system"] = "system" if actor == SYSTEM else "rep"
            await _say(connection, conversation_id, seq, "handover.queued", place(queued), now, actor=who)
            await _note(connection, why, conversation_id, now, actor=actor, was=holder)
        self._tell(conversation_id)
        return seq

    async def hand_back(
        self, conversation_id: str, holder: str, ending: Ending, now: dt.datetime, *, actor: str
    ) -> int:
        """Give what *holder* holds to the bot again, close its ticket, and ask a customer who was answered how it was.

        Raises ``HeldElsewhere``.
        """
        async with self._engine.begin() as connection:
            seq = await _change_owner(connection, conversation_id, holder, BOT, now)
            values: dict[str, Any] = {
                "status": "closed",
                "closed_at": now,
                "disposition": ending.disposition,
                "tags": " ".join(ending.tags) or None,
            }
            if ending.summary:
                values["summary"] = ending.summary
            closed = await connection.execute(
                update(TicketRow)
                .where(TicketRow.conversation_id == conversation_id, TicketRow.status != "closed")
                .values(values)
                .returning(TicketRow.first_reply_at)
            )
            await _say(connection, conversation_id, seq, "handover.left", {"to": BOT}, now)
            if any(closed.scalars()):
                asked = await take_numbers(connection, conversation_id, 1, now)
                await _say(connection, conversation_id, asked.first, "rating.requested", {}, now)
            said = {"disposition": ending.disposition, "tags": list(ending.tags)}
            await _note(connection, "handed_back", conversation_id, now, actor=actor, was=holder, **said)
        self._tell(conversation_id)
        return seq

    async def _demand_waiting(self, conversation_id: str) -> None:
        """Raises ``HeldElsewhere`` where the customer is gone already: who comes late need not wait for a lock to hear it."""
        async with reading(self._engine) as connection:
            holder = await connection.scalar(select(ConversationRow.owner).where(ConversationRow.id == conversation_id))
        if holder != QUEUE:
            raise HeldElsewhere(holder)

    def _tell(self, conversation_id: str) -> None:
        self._signals.tell("event", conversation_id)
        self._signals.tell("event", DESK)

    async def _pass_on(
        self,
        connection: AsyncConnection,
        conversation_id: str,
        seen: str,
        to: Rep,
        now: dt.datetime,
        *,
        summary: str = "",
    ) -> int:
        seq = await _change_owner(connection, conversation_id, seen, to.id, now)
        values: dict[str, Any] = {
            "status": "taken",
            "taken_by": to.id,
            "taken_at": now,
            "first_taken_at": func.coalesce(TicketRow.first_taken_at, now),
        }
        if summary:
            values["summary"] = summary
        taken = await connection.execute(
            update(TicketRow)
            .where(TicketRow.conversation_id == conversation_id, TicketRow.status != "closed")
            .values(values)
        )
        if not taken.rowcount:
            # The bot's own, taken over; or the customer left the queue a moment ago, and this was faster.
            await _make_ticket(connection, conversation_id, now, status="taken", taken_by=to.id, reason="taken_over")
        data = {"name": to.display_name, "name_en": to.display_name_en}
        await _say(connection, conversation_id, seq, "handover.joined", data, now)
        await audit.note(connection, TAKEN, actor=to.id, at=now, conversation_id=conversation_id, was=seen)
        return seq

    async def _reopen(
        self, connection: AsyncConnection, conversation_id: str, now: dt.datetime, *, skill: str | None, summary: str
    ) -> None:
        values: dict[str, Any] = {"status": "open", "taken_by": None, "taken_at": None}
        if skill is not None:
            values["skill"] = skill
        if summary:
            values["summary"] = summary
        is_its = TicketRow.conversation_id == conversation_id
        # A turn that was overtaken may have opened a second one meanwhile: the older place is kept.
        live = list(
            await connection.scalars(
                select(TicketRow.id).where(is_its, TicketRow.status != "closed").order_by(TicketRow.created_at)
            )
        )
        if not live:
            await _make_ticket(connection, conversation_id, now, status="open", taken_by=None, reason="returned")
            return
        await connection.execute(
            update(TicketRow).where(TicketRow.id.in_(live[1:])).values(status="closed", closed_at=now)
        )
        await connection.execute(update(TicketRow).where(TicketRow.id == live[0]).values(values))


def place(queued: Queued) -> dict[str, str]:
    """A place in the queue as the event tells it, in the form that the bot's own has."""
    return {
        "ticket_id": queued.ticket_id,
        "position": str(queued.position),
        "ahead": str(queued.ahead),
        "wait_minutes": str(queued.wait_minutes),
    }


async def held_by(connection: AsyncConnection, rep_id: str) -> int:
    """How many conversations the rep holds."""
    count = await connection.scalar(
        select(func.count()).select_from(ConversationRow).where(ConversationRow.owner == rep_id)
    )
    return count or 0


async def _able(connection: AsyncConnection, rep_id: str) -> Rep:
    """The rep, locked: two conversations at once do not pass a capacity of one."""
    row = (await connection.execute(select(*COLUMNS).where(RepRow.id == rep_id).with_for_update())).one_or_none()
    if row is None or not row.active or row.role == "admin":
        raise CannotTake("shut")
    if not row.taking:
        raise CannotTake("away")
    if await held_by(connection, rep_id) >= row.capacity:
        raise CannotTake("full")
    return rep_of(row)


async def _change_owner(
    connection: AsyncConnection, conversation_id: str, seen: str, owner: str, now: dt.datetime
) -> int:
    """The one statement that decides; the number of the event that tells of it. Raises ``HeldElsewhere``."""
    seq = await connection.scalar(
        update(ConversationRow)
        .where(ConversationRow.id == conversation_id, ConversationRow.owner == seen, ConversationRow.owner != owner)
        .values(owner=owner, version=ConversationRow.version + 1, seq=ConversationRow.seq + 1, updated_at=now)
        .returning(ConversationRow.seq)
    )
    if seq is None:
        holder = await connection.scalar(select(ConversationRow.owner).where(ConversationRow.id == conversation_id))
        raise HeldElsewhere(holder)
    return int(seq)


async def _note(
    connection: AsyncConnection, what: str, conversation_id: str, now: dt.datetime, *, actor: str | None, **data: Any
) -> None:
    await audit.note(
        connection, f"conversation.{what}", actor=actor or SYSTEM, at=now, conversation_id=conversation_id, **data
    )


async def _make_ticket(
    connection: AsyncConnection,
    conversation_id: str,
    now: dt.datetime,
    *,
    status: str,
    taken_by: str | None,
    reason: str,
) -> None:
    customer = select(ConversationRow.customer_id).where(ConversationRow.id == conversation_id).scalar_subquery()
    await connection.execute(
        insert(TicketRow).values(
            id=secrets.token_hex(8),
            conversation_id=conversation_id,
            customer_id=customer,
            reason=reason,
            status=status,
            taken_by=taken_by,
            taken_at=now if taken_by else None,
            first_taken_at=now if taken_by else None,
            created_at=now,
        )
    )


async def _say(
    connection: AsyncConnection,
    conversation_id: str,
    seq: int,
    kind: str,
    data: dict[str, Any],
    now: dt.datetime,
    *,
    actor: Literal["rep", "system"] = "rep",
) -> None:
    await insert_events(connection, conversation_id, seq, [NewEvent(type=kind, actor=actor, data=data)], now)
