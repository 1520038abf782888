"""Looking after what nobody looks after: conversations of reps who are gone, and customers whom a lost turn stranded."""

from __future__ import annotations

import asyncio
import datetime as dt
import logging

from redis.exceptions import RedisError
from sqlalchemy import exists, literal_column, select, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.conversations import BOT
from bot.desk.holding import QUEUE, SYSTEM, HeldElsewhere, Holding
from bot.desk.presence import Presence
from bot.desk.tables import RepRow
from bot.desk.tickets import Tickets
from bot.parts import Clock
from bot.records import ConversationRow, InboxRow, TicketRow
from bot.store import reading

EVERY = 5.0
"""Seconds between two looks of one process."""
GRACE = dt.timedelta(seconds=45)
"""How long a rep may be absent before others take their customers: a page that is reloaded, or a line that was cut, is
back by then."""
STRANDED_AFTER = dt.timedelta(seconds=30)
"""How long a conversation and its ticket may disagree: a turn between the two is stored well before."""
_LOG = logging.getLogger(__name__)


class Keeper:
    """One process's keeper; any number of them over one database do the same as one."""

    def __init__(self, engine: AsyncEngine, holding: Holding, tickets: Tickets, presence: Presence) -> None:
        self._engine = engine
        self._holding = holding
        self._tickets = tickets
        self._presence = presence
        self._task: asyncio.Task[None] | None = None

    async def start(self, clock: Clock) -> None:
        """Begin to look."""
        self._task = asyncio.create_task(self._forever(clock), name="desk-keeper")

    async def stop(self) -> None:
        """Look no more."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def look(self, now: dt.datetime) -> None:
        """Return what absent reps hold, and give whoever waits for a human what waiting needs."""
        await self._return_from_absent(now)
        await self._unstrand(now)

    async def return_all(self, rep_id: str, now: dt.datetime, *, actor: str) -> int:
        """Return all that the rep holds; how many conversations it was."""
        async with reading(self._engine) as connection:
            held = list(await connection.scalars(select(ConversationRow.id).where(ConversationRow.owner == rep_id)))
        for conversation_id in held:
            try:
                await self._holding.give_back(conversation_id, rep_id, now, actor=actor, why="left")
            except HeldElsewhere:
                continue
        return len(held)

    async def _forever(self, clock: Clock) -> None:
        while True:
            try:
                await self.look(clock())
            except (SQLAlchemyError, RedisError, OSError) as error:
                _LOG.warning("the desk's keeper waits: %s", type(error).__name__)
            await asyncio.sleep(EVERY)

    async def _return_from_absent(self, now: dt.datetime) -> None:
        query = (
            select(ConversationRow.owner, RepRow.active, RepRow.absent_since)
            .outerjoin(RepRow, RepRow.id == ConversationRow.owner)
            .where(ConversationRow.owner != literal_column("'bot'"), ConversationRow.owner != QUEUE)
            .distinct()
        )
        async with reading(self._engine) as connection:
            holders = {row.owner: row for row in await connection.execute(query)}
        here = await self._presence.among(holders)
        for rep_id, row in holders.items():
            if not row.active:
                # Shut out, or an owner that is no account at all: nobody will come back for these.
                await self.return_all(rep_id, now, actor=SYSTEM)
            elif here is None:
                continue
            elif rep_id in here:
                if row.absent_since is not None:
                    await self._note_absence(rep_id, None)
            elif row.absent_since is None:
                await self._note_absence(rep_id, now)
            elif now - row.absent_since >= GRACE:
                await self.return_all(rep_id, now, actor=SYSTEM)
                await self._note_absence(rep_id, None)

    async def _note_absence(self, rep_id: str, since: dt.datetime | None) -> None:
        async with self._engine.begin() as connection:
            await connection.execute(update(RepRow).where(RepRow.id == rep_id).values(absent_since=since))

    async def _unstrand(self, now: dt.datetime) -> None:
        has_open = exists().where(TicketRow.conversation_id == ConversationRow.id, TicketRow.status == "open")
        is_old = ConversationRow.updated_at < now - STRANDED_AFTER
        async with reading(self._engine) as connection:
            without = list(
                await connection.execute(
                    select(ConversationRow.id, ConversationRow.customer_id).where(
                        ConversationRow.owner == QUEUE, ~has_open, is_old
                    )
                )
            )
            lost = list(
                await connection.execute(
                    select(TicketRow.id, TicketRow.conversation_id, ConversationRow.owner)
                    .join(ConversationRow, ConversationRow.id == TicketRow.conversation_id)
                    .where(
                        TicketRow.status == "open",
                        ConversationRow.owner != QUEUE,
                        TicketRow.created_at < now - STRANDED_AFTER,
                        ~exists().where(
                            InboxRow.conversation_id == TicketRow.conversation_id, InboxRow.status == "pending"
                        ),
                    )
                )
            )
        for row in without:
            _LOG.warning("conversation %s waited without a ticket", row.id)
            await self._tickets.open(row.id, row.customer_id, "found", 0, now)
        for ticket in lost:
            if ticket.owner == BOT:
                # The turn that asked for a human was lost after it did: they still want one.
                await self._queue(ticket.conversation_id, now)
            else:
                await self._drop(ticket.id, now)

    async def _queue(self, conversation_id: str, now: dt.datetime) -> None:
        async with self._engine.begin() as connection:
            await connection.execute(
                update(ConversationRow)
                .where(ConversationRow.id == conversation_id, ConversationRow.owner == BOT)
                .values(owner=QUEUE, version=ConversationRow.version + 1, updated_at=now)
            )

    async def _drop(self, ticket_id: str, now: dt.datetime) -> None:
        """Close a second ticket of a conversation that a rep has anyway."""
        async with self._engine.begin() as connection:
            await connection.execute(
                update(TicketRow)
                .where(TicketRow.id == ticket_id, TicketRow.status == "open")
                .values(status="closed", closed_at=now)
            )
