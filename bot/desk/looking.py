"""What a rep may see: the queue, their own conversations, and past ones; a supervisor sees all."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, func, or_, select
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.orm import aliased

from bot.desk.accounts import Rep
from bot.desk.holding import QUEUE, TAKEN
from bot.desk.rules import desk_rules
from bot.desk.tickets import IN_ORDER
from bot.message import Frozen
from bot.records import AuditRow, ConversationRow, EventRow, InboxRow, TicketRow
from bot.store import reading

SHOWN = 60
"""Customers of the queue that a page lists; the rest is a number."""
FOUND = 50
"""Past conversations that a search lists."""
PREVIEW = 60
"""Code points of a message in a list."""


class Listed(Frozen):
    """A conversation in a list. ``since`` is what its timer counts from, ``limit`` how many seconds that may take.

    ``unanswered`` says that the customer wrote last; ``latest`` is what they wrote.
    """

    id: str
    channel: str
    customer_id: str | None
    owner: str
    reason: str
    reasons: tuple[str, ...]
    capability: str | None
    skill: str | None
    priority: int
    since: dt.datetime
    limit: int
    latest: str
    unanswered: bool
    disposition: str | None = None
    at: dt.datetime


class Seen(Frozen):
    """A conversation as its page begins with it."""

    id: str
    channel: str
    customer_id: str | None
    assurance: str
    owner: str
    language: str | None
    seq: int
    created_at: dt.datetime
    updated_at: dt.datetime
    ticket: Ticket | None


class Ticket(Frozen):
    """The latest ticket of a conversation."""

    id: str
    reason: str
    reasons: tuple[str, ...]
    status: str
    capability: str | None
    skill: str | None
    created_at: dt.datetime
    first_taken_at: dt.datetime | None
    first_reply_at: dt.datetime | None
    summary: str | None
    disposition: str | None
    tags: tuple[str, ...]


class Views:
    """Reading on behalf of a rep."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def queue(self, skills: frozenset[str] | None = None) -> tuple[list[Listed], int]:
        """The first who wait (for one of *skills*, or for any), in their order, and how many wait in all."""
        waits = and_(TicketRow.status == "open", ConversationRow.owner == QUEUE)
        fits = or_(TicketRow.skill.is_(None), TicketRow.skill.in_(sorted(skills))) if skills is not None else None
        query = _listing().where(waits).order_by(*IN_ORDER).limit(SHOWN)
        count = (
            select(func.count())
            .select_from(TicketRow)
            .join(ConversationRow, ConversationRow.id == TicketRow.conversation_id)
            .where(waits)
        )
        if fits is not None:
            query = query.where(fits)
        async with reading(self._engine) as connection:
            rows = (await connection.execute(query)).all()
            total = await connection.scalar(count)
        wait = desk_rules().service_level.wait
        return [_listed(row, row.ticket_at, wait) for row in rows], total or 0

    async def held_by(self, rep_id: str) -> list[Listed]:
        """What the rep holds: those who wait for an answer first, the longest waiting of them at the top."""
        query = _listing().where(ConversationRow.owner == rep_id, TicketRow.status == "taken")
        async with reading(self._engine) as connection:
            rows = (await connection.execute(query)).all()
        level = desk_rules().service_level
        listed = []
        for row in rows:
            if row.first_reply_at is None:
                listed.append(_listed(row, row.taken_at or row.ticket_at, level.first_reply))
            elif row.latest_actor == "customer":
                listed.append(_listed(row, row.latest_at, level.reply))
            else:
                listed.append(_listed(row, row.taken_at or row.ticket_at, level.handle))
        return sorted(listed, key=lambda one: (not one.unanswered, one.since))

    async def conversation(self, conversation_id: str, rep: Rep) -> Seen | None:
        """The conversation, if *rep* may see it: they hold it, it waits, they had it, or its customer is theirs now."""
        query = select(ConversationRow).where(ConversationRow.id == conversation_id, _may_see(rep))
        latest = (
            select(TicketRow)
            .where(TicketRow.conversation_id == conversation_id)
            .order_by(TicketRow.created_at.desc())
            .limit(1)
        )
        async with reading(self._engine) as connection:
            row = (await connection.execute(query)).one_or_none()
            ticket = (await connection.execute(latest)).one_or_none() if row is not None else None
        if row is None:
            return None
        fields = {name: getattr(row, name) for name in Seen.model_fields if name != "ticket"}
        return Seen(**fields, ticket=_ticket(ticket) if ticket is not None else None)

    async def past(self, rep: Rep, words: str = "", customer_id: str | None = None, limit: int = FOUND) -> list[Listed]:
        """Conversations that *rep* may see in which *words* were said, or of that customer; the latest first."""
        query = _listing(outer=True).where(_may_see(rep)).order_by(ConversationRow.updated_at.desc()).limit(limit)
        if customer_id is not None:
            query = query.where(ConversationRow.customer_id == customer_id)
        if words:
            said = exists().where(
                InboxRow.conversation_id == ConversationRow.id,
                InboxRow.request.is_(None),
                InboxRow.text.ilike(_like(words), escape="\\"),
            )
            event = aliased(EventRow)
            answered = exists().where(
                event.conversation_id == ConversationRow.id,
                event.type == "message.completed",
                event.actor != "customer",
                event.data["text"].as_string().ilike(_like(words), escape="\\"),
            )
            query = query.where(or_(said, answered, ConversationRow.customer_id == words, ConversationRow.id == words))
        async with reading(self._engine) as connection:
            rows = (await connection.execute(query)).all()
        return [_listed(row, row.ticket_at or row.updated_at, 0) for row in rows]

    async def waiting(self) -> int:
        """How many wait."""
        query = select(func.count()).select_from(ConversationRow).where(ConversationRow.owner == QUEUE)
        async with reading(self._engine) as connection:
            return await connection.scalar(query) or 0


def _may_see(rep: Rep) -> ColumnElement[bool]:
    """A condition on ``ConversationRow``."""
    if rep.role == "supervisor":
        return ConversationRow.id.is_not(None)
    if rep.role != "rep":
        return ConversationRow.id.is_(None)
    # Under names of their own: the query that this is a condition of may read the same tables.
    had, own = aliased(TicketRow), aliased(ConversationRow)
    held = select(own.customer_id).where(own.owner == rep.id)
    return or_(
        ConversationRow.owner.in_((rep.id, QUEUE)),
        exists().where(had.conversation_id == ConversationRow.id, had.taken_by == rep.id),
        exists().where(
            AuditRow.conversation_id == ConversationRow.id, AuditRow.actor == rep.id, AuditRow.action == TAKEN
        ),
        ConversationRow.customer_id.in_(held),
    )


def _listing(*, outer: bool = False) -> Any:
    """Conversations with their ticket, who spoke last, and the customer's latest message."""
    latest = (
        select(func.max(EventRow.seq))
        .where(EventRow.conversation_id == ConversationRow.id, EventRow.type == "message.completed")
        .correlate(ConversationRow)
        .scalar_subquery()
    )
    written = aliased(InboxRow)
    words = (
        select(written.text)
        .where(written.conversation_id == ConversationRow.id, written.request.is_(None))
        .order_by(written.seq.desc())
        .limit(1)
        .correlate(ConversationRow)
    )
    newest_ticket = (
        select(func.max(TicketRow.created_at))
        .where(TicketRow.conversation_id == ConversationRow.id)
        .correlate(ConversationRow)
        .scalar_subquery()
    )
    is_its = TicketRow.conversation_id == ConversationRow.id
    return (
        select(
            ConversationRow.id,
            ConversationRow.channel,
            ConversationRow.customer_id,
            ConversationRow.owner,
            ConversationRow.updated_at,
            TicketRow.reason,
            TicketRow.reasons,
            TicketRow.capability,
            TicketRow.skill,
            TicketRow.priority,
            TicketRow.disposition,
            TicketRow.taken_at,
            TicketRow.first_reply_at,
            TicketRow.created_at.label("ticket_at"),
            EventRow.actor.label("latest_actor"),
            EventRow.at.label("latest_at"),
            words.scalar_subquery().label("latest"),
        )
        .select_from(ConversationRow)
        .join(
            TicketRow,
            and_(is_its, TicketRow.created_at == newest_ticket) if outer else is_its,
            isouter=outer,
        )
        .outerjoin(EventRow, and_(EventRow.conversation_id == ConversationRow.id, EventRow.seq == latest))
    )


def _listed(row: Any, since: dt.datetime, limit: int) -> Listed:
    return Listed(
        id=row.id,
        channel=row.channel,
        customer_id=row.customer_id,
        owner=row.owner,
        reason=row.reason or "",
        reasons=_reasons(row.reasons),
        capability=row.capability,
        skill=row.skill,
        priority=row.priority or 0,
        since=since,
        limit=limit,
        latest=_shortened(row.latest or ""),
        unanswered=row.latest_actor == "customer",
        disposition=row.disposition,
        at=row.updated_at,
    )


def _ticket(row: Any) -> Ticket:
    fields = {name: getattr(row, name) for name in Ticket.model_fields if name not in ("reasons", "tags")}
    return Ticket(**fields, reasons=_reasons(row.reasons), tags=tuple((row.tags or "").split()))


def _reasons(stored: Any) -> tuple[str, ...]:
    return tuple((stored or {}).get("why", ()))


def _shortened(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= PREVIEW else f"{line[: PREVIEW - 1]}…"


def _like(words: str) -> str:
    escaped = words.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"


Seen.model_rebuild()
