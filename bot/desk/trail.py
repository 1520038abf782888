"""The audit trail as the desk writes and reads it: every view and every act of a rep, never changed afterwards."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
from collections.abc import AsyncIterator
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from bot import audit
from bot.message import Frozen
from bot.records import AuditRow
from bot.store import reading

PAGE = 1_000
"""Lines that are read at once."""


class Entry(Frozen):
    """One line: who did what, when (UTC), in which conversation."""

    id: int
    at: dt.datetime
    actor: str
    action: str
    conversation_id: str | None
    data: dict[str, Any]


class Trail:
    """The lines of all, of one conversation, or of one actor."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def viewed(
        self, what: str, *, actor: str, at: dt.datetime, conversation_id: str | None = None, **data: Any
    ) -> None:
        """Keep that *actor* looked at *what*."""
        async with self._engine.begin() as connection:
            await audit.note(connection, f"view.{what}", actor=actor, at=at, conversation_id=conversation_id, **data)

    async def latest(self, limit: int = 200, *, actor: str | None = None) -> list[Entry]:
        """The newest lines first."""
        query = select(*_COLUMNS).order_by(AuditRow.id.desc()).limit(limit)
        if actor is not None:
            query = query.where(AuditRow.actor == actor)
        async with reading(self._engine) as connection:
            return [Entry(**row._mapping) for row in await connection.execute(query)]

    async def between(self, since: dt.datetime, until: dt.datetime) -> AsyncIterator[Entry]:
        """Every line of that time, the oldest first, read a page at a time."""
        after = 0
        while True:
            query = (
                select(*_COLUMNS)
                .where(AuditRow.id > after, AuditRow.at >= since, AuditRow.at < until)
                .order_by(AuditRow.id)
                .limit(PAGE)
            )
            async with reading(self._engine) as connection:
                rows = [Entry(**row._mapping) for row in await connection.execute(query)]
            for entry in rows:
                yield entry
            if len(rows) < PAGE:
                return
            after = rows[-1].id


_COLUMNS = tuple(getattr(AuditRow, name) for name in Entry.model_fields)


async def as_csv(entries: AsyncIterator[Entry]) -> AsyncIterator[str]:
    """*entries* as lines of RFC 4180, a heading first."""
    yield csv_line(("id", "at", "actor", "action", "conversation", "data"))
    async for entry in entries:
        data = json.dumps(entry.data, ensure_ascii=False, sort_keys=True)
        yield csv_line((entry.id, entry.at.isoformat(), entry.actor, entry.action, entry.conversation_id or "", data))


def csv_line(values: tuple[object, ...]) -> str:
    """One line. A text that a spreadsheet would run as a formula gets an apostrophe in front."""
    line = io.StringIO()
    csv.writer(line).writerow([_harmless(value) for value in values])
    return line.getvalue()


def _harmless(value: object) -> object:
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r") else value
