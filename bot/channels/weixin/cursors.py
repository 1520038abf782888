"""How far the messages that a platform keeps for us were taken in."""

from __future__ import annotations

from sqlalchemy import select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.records import CursorRow
from bot.store import reading


class Cursors:
    """The places in all such lists."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def read(self, channel: str, account: str) -> str | None:
        """Where to read on; ``None`` where nothing was ever read."""
        query = select(CursorRow.cursor).where(CursorRow.channel == channel, CursorRow.account == account)
        async with reading(self._engine) as connection:
            return await connection.scalar(query)

    async def move(self, channel: str, account: str, seen: str | None, cursor: str) -> bool:
        """Store *cursor* where it is still *seen*; ``False`` where another process was faster."""
        async with self._engine.begin() as connection:
            if seen is None:
                dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
                row = {"channel": channel, "account": account, "cursor": cursor}
                statement = dialect.insert(CursorRow).values(**row).on_conflict_do_nothing()
                return (await connection.execute(statement)).rowcount == 1
            here = (CursorRow.channel == channel, CursorRow.account == account, CursorRow.cursor == seen)
            return (await connection.execute(update(CursorRow).where(*here).values(cursor=cursor))).rowcount == 1
