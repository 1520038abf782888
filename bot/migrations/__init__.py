"""The history of the bot's tables. ``upgrade`` is run at every start; a table is changed by a new file in ``versions``."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import AsyncEngine

VERSION_TABLE = "bot_version"
"""Not Alembic's usual name: the bank's tables may live in the same database, with a history of their own."""
_LOCK = 0x7E11E4


async def upgrade(engine: AsyncEngine, revision: str = "head") -> None:
    """Bring the tables to *revision*; nothing where they are there already, once where several processes start at once."""
    async with engine.begin() as connection:
        await connection.run_sync(_run, "upgrade", revision)


async def downgrade(engine: AsyncEngine, revision: str = "base") -> None:
    """Take the tables back to *revision*; what only later versions hold is lost."""
    async with engine.begin() as connection:
        await connection.run_sync(_run, "downgrade", revision)


def _run(connection: Connection, direction: str, revision: str) -> None:
    # On SQLite the transaction itself is the lock: it began with BEGIN IMMEDIATE.
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.attributes["connection"] = connection
    getattr(command, direction)(config, revision)
