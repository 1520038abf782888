"""Tickets: customers waiting for a human, in the order in which they will be served."""

from __future__ import annotations

import datetime as dt
import math
import secrets
from dataclasses import dataclass

from sqlalchemy import func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from backends.values import BEIJING
from bot import audit
from bot.message import Frozen
from bot.records import ConversationRow, TicketRow
from bot.store import reading


@dataclass(frozen=True, slots=True)
class ServiceHours:
    """When humans serve, every day, and how long a customer keeps them: the rule behind every promise of a wait."""

    opens: dt.time = dt.time(8, 30)
    closes: dt.time = dt.time(21, 0)
    zone: dt.tzinfo = BEIJING
    minutes_a_customer: float = 2.0

    def include(self, now: dt.datetime) -> bool:
        """Whether somebody serves at *now* (aware)."""
        return self.opens <= now.astimezone(self.zone).time() < self.closes


class Queued(Frozen):
    """A place in the queue: ``ahead`` customers come first, so ``position`` is one more.

    ``wait_minutes`` is an estimate, at least 1. ``hours_from`` and ``hours_to`` are bank time.
    """

    ticket_id: str
    position: int
    ahead: int
    wait_minutes: int
    in_hours: bool
    hours_from: dt.time
    hours_to: dt.time


IN_ORDER = (TicketRow.priority.desc(), TicketRow.created_at, TicketRow.id)
"""How the queue is served."""


class Tickets:
    """The queue: a higher priority first, then who came first."""

    def __init__(self, engine: AsyncEngine, hours: ServiceHours | None = None) -> None:
        self._engine = engine
        self._hours = hours or ServiceHours()

    async def open(
        self,
        conversation_id: str,
        customer_id: str | None,
        reason: str,
        priority: int,
        now: dt.datetime,
        *,
        reasons: tuple[str, ...] = (),
        capability: str | None = None,
        skill: str | None = None,
    ) -> Queued:
        """Queue the conversation; one that waits already keeps its place, or moves up if this is more urgent.

        *reasons* are what the *priority* comes from, *capability* is what it is about and *skill* who should take it.
        """
        async with self._engine.begin() as connection:
            # The conversation's row is held: two requests at once make one ticket.
            await connection.execute(
                select(ConversationRow.id).where(ConversationRow.id == conversation_id).with_for_update()
            )
            waiting = await self.queued(connection, conversation_id, now)
            if waiting is None:
                ticket_id = secrets.token_hex(8)
                await connection.execute(
                    insert(TicketRow).values(
                        id=ticket_id,
                        conversation_id=conversation_id,
                        customer_id=customer_id,
                        reason=reason,
                        priority=priority,
                        reasons={"why": list(reasons)},
                        capability=capability,
                        skill=skill,
                        created_at=now,
                    )
                )
                await audit.note(
                    connection,
                    "ticket.opened",
                    actor="bot",
                    at=now,
                    conversation_id=conversation_id,
                    ticket_id=ticket_id,
                    reason=reason,
                )
            else:
                await connection.execute(
                    update(TicketRow)
                    .where(TicketRow.id == waiting.ticket_id, TicketRow.priority < priority)
                    .values(priority=priority, reason=reason, reasons={"why": list(reasons)})
                )
            queued = await self.queued(connection, conversation_id, now)
        assert queued is not None
        return queued

    async def state(self, conversation_id: str, now: dt.datetime) -> Queued | None:
        """The conversation's place in the queue, if it waits."""
        async with reading(self._engine) as connection:
            return await self.queued(connection, conversation_id, now)

    async def close(self, conversation_id: str, now: dt.datetime, *, actor: str = "customer") -> bool:
        """Take the conversation out of the queue; ``False`` where it did not wait."""
        async with self._engine.begin() as connection:
            closed = await connection.scalar(
                update(TicketRow)
                .where(TicketRow.conversation_id == conversation_id, TicketRow.status == "open")
                .values(status="closed", closed_at=now)
                .returning(TicketRow.id)
            )
            if closed is None:
                return False
            await audit.note(
                connection, "ticket.closed", actor=actor, at=now, conversation_id=conversation_id, ticket_id=closed
            )
            return True

    async def waiting(self, skills: frozenset[str] | None, limit: int) -> list[str]:
        """The first *limit* conversations in the queue that ask for one of *skills*, or for any where that is ``None``.

        One that waits while its turn has not been stored yet is not among them: nobody could take it.
        """
        query = (
            select(TicketRow.conversation_id)
            .join(ConversationRow, ConversationRow.id == TicketRow.conversation_id)
            .where(TicketRow.status == "open", ConversationRow.owner == "queue")
            .order_by(*IN_ORDER)
            .limit(limit)
        )
        if skills is not None:
            query = query.where(or_(TicketRow.skill.is_(None), TicketRow.skill.in_(sorted(skills))))
        async with reading(self._engine) as connection:
            return list(await connection.scalars(query))

    async def queued(self, connection: AsyncConnection, conversation_id: str, now: dt.datetime) -> Queued | None:
        """The conversation's place as the caller's transaction sees it."""
        query = select(TicketRow.id, TicketRow.priority, TicketRow.created_at).where(
            TicketRow.conversation_id == conversation_id, TicketRow.status == "open"
        )
        ticket = (await connection.execute(query)).one_or_none()
        if ticket is None:
            return None
        came_first = or_(
            TicketRow.priority > ticket.priority,
            (TicketRow.priority == ticket.priority) & (TicketRow.created_at < ticket.created_at),
            (TicketRow.priority == ticket.priority)
            & (TicketRow.created_at == ticket.created_at)
            & (TicketRow.id < ticket.id),
        )
        ahead = await connection.scalar(
            select(func.count()).select_from(TicketRow).where(TicketRow.status == "open", came_first)
        )
        ahead = ahead or 0
        return Queued(
            ticket_id=ticket.id,
            position=ahead + 1,
            ahead=ahead,
            wait_minutes=max(1, math.ceil((ahead + 1) * self._hours.minutes_a_customer)),
            in_hours=self._hours.include(now),
            hours_from=self._hours.opens,
            hours_to=self._hours.closes,
        )
