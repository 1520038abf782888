"""The audit trail: who did what that somebody may ask about later."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.records import AuditRow


async def note(
    connection: AsyncConnection,
    action: str,
    *,
    actor: str,
    at: dt.datetime,
    conversation_id: str | None = None,
    **data: Any,
) -> None:
    """Write one line in the transaction of what it tells of: neither is there without the other."""
    row = {"action": action, "actor": actor, "at": at, "conversation_id": conversation_id, "data": data}
    await connection.execute(insert(AuditRow).values(**row))
