"""The history of the bot's tables. ``upgrade`` is run at every start; a table is changed by a new file in ``versions``."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
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


async def revisions(engine: AsyncEngine) -> tuple[str | None, str, bool]:
    """The revision that the tables are at (``None``: there are none), the newest, and whether this release knows the
    former."""
    script = ScriptDirectory.from_config(_config())
    async with engine.connect() as connection:
        at = await connection.run_sync(_revision)
    known = {revision.revision for revision in script.walk_revisions()}
    return at, script.get_current_head() or "", at is None or at in known


def _revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE}).get_current_revision()


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    return config


def _run(connection: Connection, direction: str, revision: str) -> None:
    # On SQLite the transaction itself is the lock: it began with BEGIN IMMEDIATE.
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
    config = _config()
    config.attributes["connection"] = connection
    getattr(command, direction)(config, revision)
