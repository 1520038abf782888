"""The ledger of intentions: an effect has a key and a row here before a backend is asked for it."""

from __future__ import annotations

import datetime as dt
import hashlib
from typing import Any, Literal

from sqlalchemy import select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncEngine

from backends.result import Result
from bot import audit
from bot.message import Frozen
from bot.records import WriteRow
from bot.store import reading

Status = Literal["intended", "unknown", "done", "refused", "failed"]
"""``intended``: the backend may have been asked. ``unknown``: it was, and its answer was lost. ``done``, ``refused`` (it
said no) and ``failed`` (it was never reached) are final."""

_OPEN: tuple[Status, ...] = ("intended", "unknown")


class Write(Frozen):
    """One intended effect. ``result`` is the backend's answer where there is one; times are UTC."""

    key: str
    conversation_id: str
    capability: str
    quote_id: str
    digest: str
    status: Status
    result: dict[str, Any] | None
    created_at: dt.datetime
    updated_at: dt.datetime


class Writes:
    """Effects intended, and what became of them."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    def key_for(self, quote_id: str, digest: str) -> str:
        """The one key of the effect that was confirmed: whoever commits this quote with these figures uses it."""
        return hashlib.sha256(f"{len(quote_id)}:{quote_id}{digest}".encode()).hexdigest()[:40]

    async def intend(
        self, key: str, conversation_id: str, capability: str, quote_id: str, digest: str, now: dt.datetime
    ) -> Write:
        """Put the intention on record, before the backend is called; the second time nothing changes.

        Returns the row as it stands: of an effect that was settled before, its end.
        """
        async with self._engine.begin() as connection:
            dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
            inserted = await connection.execute(
                dialect.insert(WriteRow)
                .values(
                    key=key,
                    conversation_id=conversation_id,
                    capability=capability,
                    quote_id=quote_id,
                    digest=digest,
                    result=None,
                    created_at=now,
                    updated_at=now,
                )
                .on_conflict_do_nothing()
            )
            if inserted.rowcount == 1:
                await audit.note(
                    connection,
                    "write.intended",
                    actor="bot",
                    at=now,
                    conversation_id=conversation_id,
                    key=key,
                    capability=capability,
                )
            row = (await connection.execute(select(*_columns()).where(WriteRow.key == key))).one()
        return Write(**row._mapping)

    async def settle(self, key: str, status: Status, result: Result | None, now: dt.datetime) -> bool:
        """Record what became of the effect; ``False`` where it was final already, and then nothing changes."""
        stored = result.model_dump(mode="json") if result is not None else None
        async with self._engine.begin() as connection:
            settled = (
                update(WriteRow)
                .where(WriteRow.key == key, WriteRow.status.in_(_OPEN))
                .values(status=status, result=stored, updated_at=now)
                .returning(WriteRow.conversation_id)
            )
            conversation_id = await connection.scalar(settled)
            if conversation_id is None:
                return False
            await audit.note(
                connection, f"write.{status}", actor="bot", at=now, conversation_id=conversation_id, key=key
            )
            return True

    async def unsettled(self, older_than: dt.datetime) -> list[Write]:
        """Effects whose end is not known and that nothing was heard of since *older_than*, the oldest first."""
        query = (
            select(*_columns())
            .where(WriteRow.status.in_(_OPEN), WriteRow.updated_at < older_than)
            .order_by(WriteRow.updated_at)
        )
        async with reading(self._engine) as connection:
            return [Write(**row._mapping) for row in await connection.execute(query)]


def _columns() -> list[Any]:
    return [getattr(WriteRow, name) for name in Write.model_fields]
