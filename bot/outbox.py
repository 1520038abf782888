"""Deliveries as an operator sees them: what waits, what was put aside and why, and sending it once more."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import Select, and_, select, update
from sqlalchemy.ext.asyncio import AsyncEngine

from bot import audit
from bot.delivery import UNCERTAIN
from bot.message import Frozen
from bot.records import ConversationRow, DeliveryRow, EventRow
from bot.store import reading

_COLUMNS = (
    DeliveryRow.id,
    DeliveryRow.channel,
    ConversationRow.label.label("user_id"),
    DeliveryRow.conversation_id,
    DeliveryRow.event_seq,
    DeliveryRow.status,
    DeliveryRow.attempts,
    DeliveryRow.next_at,
    DeliveryRow.last_error,
    EventRow.at.label("said_at"),
    EventRow.data,
)


class Letter(Frozen):
    """One delivery. ``next_at`` is when a pending one is due; ``data`` is the reply's shape."""

    id: int
    channel: str
    user_id: str | None
    conversation_id: str
    event_seq: int
    status: str
    attempts: int
    next_at: dt.datetime
    last_error: str | None
    said_at: dt.datetime
    data: dict[str, Any]

    @property
    def state(self) -> str:
        """``pending``, ``sending``, ``sent``, ``dead``, or ``uncertain``: dead, and perhaps shown all the same."""
        return state_of(self.status, self.last_error)

    @property
    def is_uncertain(self) -> bool:
        """Whether nobody knows if the customer saw it."""
        return self.state == "uncertain"


def state_of(status: str, last_error: str | None) -> str:
    """The state of a delivery, for people; see ``Letter.state``."""
    return "uncertain" if status == "dead" and (last_error or "").startswith(UNCERTAIN) else status


class NotDead(Exception):
    """Only a dead letter can be sent again: there is no such delivery, or it waits, or it was sent."""


class MaybeSent(Exception):
    """It may have been shown already, and would be shown twice."""


class Outbox:
    """The deliveries of all channels."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def letters(
        self, *, status: str | None = "dead", channel: str | None = None, limit: int = 100
    ) -> list[Letter]:
        """Those of *status* (all for ``None``) and *channel*, the newest first."""
        query = _letters().order_by(DeliveryRow.id.desc()).limit(limit)
        if status is not None:
            query = query.where(DeliveryRow.status == status)
        if channel is not None:
            query = query.where(DeliveryRow.channel == channel)
        async with reading(self._engine) as connection:
            return [Letter(**row._mapping) for row in await connection.execute(query)]

    async def letter(self, delivery_id: int) -> Letter | None:
        """The delivery of that number."""
        async with reading(self._engine) as connection:
            row = (await connection.execute(_letters().where(DeliveryRow.id == delivery_id))).one_or_none()
        return Letter(**row._mapping) if row is not None else None

    async def resend(self, delivery_id: int, now: dt.datetime, *, actor: str, even_if_sent: bool = False) -> None:
        """Have a dead letter sent again, with all attempts before it; a serving process does it within a second.

        Later messages of its conversation wait for it. Raises ``NotDead``, and ``MaybeSent`` unless *even_if_sent*. Of many
        who ask at once one is heard.
        """
        letter = await self.letter(delivery_id)
        if letter is None or letter.status != "dead":
            raise NotDead(delivery_id)
        if letter.is_uncertain and not even_if_sent:
            raise MaybeSent(delivery_id)
        async with self._engine.begin() as connection:
            again = await connection.execute(
                update(DeliveryRow)
                .where(
                    DeliveryRow.id == delivery_id,
                    DeliveryRow.status == "dead",
                    # Not where it was sent and died once more since the look: why it did may be another reason now.
                    DeliveryRow.last_error == letter.last_error,
                )
                .values(status="pending", attempts=0, next_at=now, lease_until=None)
            )
            if again.rowcount != 1:
                raise NotDead(delivery_id)
            await audit.note(
                connection,
                "delivery.resent",
                actor=actor,
                at=now,
                conversation_id=letter.conversation_id,
                delivery=delivery_id,
                error=letter.last_error,
            )


def _letters() -> Select[*tuple[Any, ...]]:
    return (
        select(*_COLUMNS)
        .join(ConversationRow, ConversationRow.id == DeliveryRow.conversation_id)
        .join(
            EventRow,
            and_(EventRow.conversation_id == DeliveryRow.conversation_id, EventRow.seq == DeliveryRow.event_seq),
        )
    )
