"""Hourly allowances, counted in SQL: what protects a customer must survive a Redis that was emptied."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import case, or_, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.records import AllowanceRow

HOUR = dt.timedelta(hours=1)


class Allowance:
    """At most *limit* of *scope* an hour for each subject; the hour begins with the first one."""

    def __init__(self, scope: str, limit: int) -> None:
        self._scope = scope
        self._limit = limit

    async def take(self, connection: AsyncConnection, subject: str, now: dt.datetime) -> bool:
        """Use one up in the caller's transaction; ``False`` where none is left. One statement decides, however many ask."""
        dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
        over = AllowanceRow.since <= now - HOUR
        taken = await connection.execute(
            dialect.insert(AllowanceRow)
            .values(scope=self._scope, subject=subject, count=1, since=now)
            .on_conflict_do_update(
                index_elements=[AllowanceRow.scope, AllowanceRow.subject],
                set_={
                    "count": case((over, 1), else_=AllowanceRow.count + 1),
                    "since": case((over, now), else_=AllowanceRow.since),
                },
                where=or_(over, AllowanceRow.count < self._limit),
            )
        )
        return taken.rowcount == 1

    async def give_back(self, connection: AsyncConnection, subject: str) -> None:
        """Return one that was taken in the same transaction."""
        await connection.execute(
            update(AllowanceRow)
            .where(AllowanceRow.scope == self._scope, AllowanceRow.subject == subject)
            .values(count=AllowanceRow.count - 1)
        )
