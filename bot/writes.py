"""The ledger of intentions: an effect has a key and a row here before a backend is asked for it."""

from __future__ import annotations

import datetime as dt
import hashlib
from typing import Any, Literal, NamedTuple

from sqlalchemy import or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from backends.action import ActionCall, Caller
from backends.result import Result
from bot import audit
from bot.message import Frozen
from bot.records import ConversationRow, WriteRow
from bot.store import database_now, reading

Status = Literal["intended", "unknown", "done", "refused", "failed"]
"""``intended``: the backend may have been asked. ``unknown``: it was, and its answer was lost. ``done``, ``refused`` (it
said no, or gave it up) and ``failed`` (it was never reached) are final; only a failed one may be intended again."""

OPEN: tuple[Status, ...] = ("intended", "unknown")


class Write(Frozen):
    """One intended effect, whose it is, and ``result``: the backend's answer where there is one. Times are UTC."""

    key: str
    conversation_id: str
    customer_id: str | None
    channel: str
    capability: str
    quote_id: str
    digest: str
    status: Status
    result: dict[str, Any] | None
    created_at: dt.datetime
    updated_at: dt.datetime

    @property
    def caller(self) -> Caller:
        """Whose effect it is, as the bank's systems know them: enough to ask after it, not to do it."""
        assurance: Literal["none", "signed_in"] = "none" if self.customer_id is None else "signed_in"
        return Caller(
            customer_id=self.customer_id,
            channel=self.channel,
            assurance=assurance,
            conversation_id=self.conversation_id,
        )


class Intention(NamedTuple):
    """An effect's row as it stands, and whether nobody can have called the backend for it yet."""

    write: Write
    new: bool


class Writes:
    """Effects intended, and what became of them."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    def key_for(self, quote_id: str, digest: str) -> str:
        """The one key of the effect that was confirmed: whoever commits this quote with these figures uses it."""
        return hashlib.sha256(f"{len(quote_id)}:{quote_id}{digest}".encode()).hexdigest()[:40]

    async def intend(self, key: str, call: ActionCall, caller: Caller, now: dt.datetime) -> Intention:
        """Put on record that *call* will be made for *caller*, before the backend hears of it; ``quote_id`` and
        ``digest`` say what was confirmed.

        The second time nothing changes, and what is there is returned: of a settled effect, its end. One that failed,
        which never reached the backend, is new again.
        """
        assert call.quote_id is not None
        assert call.digest is not None
        async with self._engine.begin() as connection:
            dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
            inserted = await connection.execute(
                dialect.insert(WriteRow)
                .values(
                    key=key,
                    conversation_id=caller.conversation_id,
                    customer_id=caller.customer_id,
                    channel=caller.channel,
                    capability=call.name,
                    quote_id=call.quote_id,
                    digest=call.digest,
                    result=None,
                    created_at=now,
                    updated_at=now,
                )
                .on_conflict_do_update(
                    index_elements=[WriteRow.key],
                    set_={"status": "intended", "updated_at": now},
                    where=WriteRow.status == "failed",
                )
            )
            new = inserted.rowcount == 1
            if new:
                await audit.note(
                    connection,
                    "write.intended",
                    actor="bot",
                    at=now,
                    conversation_id=caller.conversation_id,
                    key=key,
                    capability=call.name,
                )
            row = (await connection.execute(select(*_columns()).where(WriteRow.key == key))).one()
        return Intention(Write(**row._mapping), new)

    async def settle(self, key: str, status: Status, result: Result | None, now: dt.datetime) -> bool:
        """Record what became of the effect; ``False`` where it was final already, and then nothing changes."""
        async with self._engine.begin() as connection:
            return await settle(connection, key, status, result, now)

    async def unsettled(
        self, *, unknown_since: dt.datetime, intended_since: dt.datetime, at_work_since: dt.datetime
    ) -> list[Write]:
        """Effects whose end is not known and that nobody is asking after, the oldest first.

        Of those whose answer was lost, the ones from before *unknown_since*; of those that were only intended, from before
        *intended_since*. A conversation in which a turn is at work is left to it, unless that is since *at_work_since*.
        """
        query = (
            select(*_columns())
            .join(ConversationRow, ConversationRow.id == WriteRow.conversation_id)
            .where(
                or_(
                    (WriteRow.status == "unknown") & (WriteRow.updated_at < unknown_since),
                    (WriteRow.status == "intended") & (WriteRow.updated_at < intended_since),
                ),
                or_(
                    ConversationRow.lease_until.is_(None),
                    ConversationRow.lease_until < database_now(),
                    WriteRow.updated_at < at_work_since,
                ),
                or_(WriteRow.lease_until.is_(None), WriteRow.lease_until < database_now()),
            )
            .order_by(WriteRow.updated_at)
            .limit(100)
        )
        async with reading(self._engine) as connection:
            return [Write(**row._mapping) for row in await connection.execute(query)]

    async def claim(self, key: str, seconds: float) -> bool:
        """Be the one who asks after the effect for the next *seconds*; ``False`` where another is, or it is settled."""
        async with self._engine.begin() as connection:
            claimed = await connection.execute(
                update(WriteRow)
                .where(
                    WriteRow.key == key,
                    WriteRow.status.in_(OPEN),
                    or_(WriteRow.lease_until.is_(None), WriteRow.lease_until < database_now()),
                )
                .values(lease_until=database_now(seconds))
            )
            return claimed.rowcount == 1


async def settle(
    connection: AsyncConnection, key: str, status: Status, result: Result | None, now: dt.datetime
) -> bool:
    """Record what became of the effect in the caller's transaction; ``False``, and nothing, where it was final."""
    settled = (
        update(WriteRow)
        .where(WriteRow.key == key, WriteRow.status.in_(OPEN))
        .values(status=status, result=result.model_dump(mode="json") if result else None, updated_at=now)
        .returning(WriteRow.conversation_id)
    )
    conversation_id = await connection.scalar(settled)
    if conversation_id is None:
        return False
    await audit.note(connection, f"write.{status}", actor="bot", at=now, conversation_id=conversation_id, key=key)
    return True


def _columns() -> list[Any]:
    return [getattr(WriteRow, name) for name in Write.model_fields]
