"""The outbox: replies for channels that must be sent to, each sent once, in order, or put aside for a person.

A delivery is marked as being sent, in a transaction of its own, before the channel is called. Whoever finds the mark of a
process that died cannot know whether the platform had it: where the channel says that a repetition does no harm it is sent
again, elsewhere it becomes a dead letter. So nothing is said twice, and nothing is lost without a trace.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
import secrets
from collections.abc import Mapping
from typing import Any, Protocol

from sqlalchemy import ColumnElement, and_, exists, or_, select, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from sqlalchemy.orm import aliased

from bot import audit
from bot.message import Frozen
from bot.parts import Clock
from bot.records import ConversationRow, DeliveryRow, EventRow, InboxRow
from bot.store import database_now, reading

MAX_ATTEMPTS = 8
"""Calls of the channel after which a delivery is put aside: with the waits between them, some four minutes."""
FIRST_WAIT = dt.timedelta(seconds=2)
"""Before the second attempt; it doubles with each."""
STORE_WITHIN = 5.0
"""Seconds for storing that it was sent, on top of those that the channel has."""
UNCERTAIN = "nobody knows if it was sent"
"""How the ``last_error`` of a dead letter begins that the customer may have seen all the same."""
_LOG = logging.getLogger(__name__)


class Delivery(Frozen):
    """One message to send: to whom (the channel's own *label* of the conversation) and ``data``, the reply's shape."""

    id: int
    conversation_id: str
    label: str | None
    event_seq: int
    attempt: int
    data: dict[str, Any]


class NotSent(Exception):
    """The platform certainly does not have it, and may take it later."""


class Undeliverable(Exception):
    """The platform certainly does not have it, and never will: the customer is gone, or the window to write is over."""


class Unsure(Exception):
    """The platform was asked and its answer did not come, or cannot be read: nobody knows if it was sent."""


class Channel(Protocol):
    """A platform that is sent to. *repeatable* says that the same delivery sent twice is shown once."""

    @property
    def repeatable(self) -> bool: ...

    async def send(self, delivery: Delivery) -> None:
        """Send it. Raises ``NotSent``, ``Undeliverable`` or ``Unsure``; any other error is ``Unsure`` too, without its words."""
        ...


class Deliveries:
    """One process's senders, one a channel; any number of processes over one database.

    *every* is how often it looks, *lease* how long a channel has to take one message, in seconds. *held* names the channels
    whose own request may carry the answer, and for how long after the customer's message it does: until then the answer is
    left to ``answer_in_place``.
    """

    def __init__(
        self,
        engine: AsyncEngine,
        channels: Mapping[str, Channel],
        clock: Clock,
        *,
        every: float = 0.25,
        lease: float = 15.0,
        held: Mapping[str, dt.timedelta] | None = None,
    ) -> None:
        self._held = held or {}
        self._engine = engine
        self._channels = channels
        self._clock = clock
        self._every = every
        self._lease = lease
        self._tasks: list[asyncio.Task[None]] = []
        self._stopping = asyncio.Event()

    async def start(self) -> None:
        """Begin to send."""
        self._stopping.clear()
        self._tasks = [asyncio.create_task(self._forever(name), name=f"deliver-{name}") for name in self._channels]

    async def stop(self, grace: float = 5.0) -> None:
        """Send no more, and give the message that is being sent *grace* seconds."""
        self._stopping.set()
        tasks, self._tasks = self._tasks, []
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=grace)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    async def answer_in_place(self, name: str, conversation_id: str, event_seq: int) -> bool:
        """Whether the answer to the platform's own request may carry this message: it counts as sent, with no attempt.

        ``False`` where it is being sent otherwise, or where an older one must come first. A request that is repeated may
        carry it again: the platform shows one answer to one message.
        """
        async with self._engine.begin() as connection:
            taken = await connection.execute(
                update(DeliveryRow)
                .where(
                    DeliveryRow.channel == name,
                    DeliveryRow.conversation_id == conversation_id,
                    DeliveryRow.event_seq == event_seq,
                    DeliveryRow.attempts == 0,
                    DeliveryRow.status.in_(("pending", "sent")),
                    ~_has_earlier(),
                )
                .values(status="sent")
            )
            return taken.rowcount == 1

    async def send_due(self, name: str) -> int:
        """Send every message of the channel *name* that is due; how many were tried."""
        tried = 0
        for delivery_id in await self._due(name):
            if self._stopping.is_set():
                break
            delivery = await self._claim(delivery_id, name)
            if delivery is not None:
                await self._send(delivery, name)
                tried += 1
        return tried

    async def _forever(self, name: str) -> None:
        while not self._stopping.is_set():
            try:
                tried = await self.send_due(name)
            except (SQLAlchemyError, OSError) as error:
                tried = 0
                _LOG.warning("the database is away, nothing is delivered: %s", type(error).__name__)
            if not tried:
                try:
                    async with asyncio.timeout(self._every):
                        await self._stopping.wait()
                except TimeoutError:
                    continue

    async def _due(self, name: str) -> list[int]:
        query = select(DeliveryRow.id).where(*self._is_due(name)).order_by(DeliveryRow.next_at, DeliveryRow.id)
        async with reading(self._engine) as connection:
            return list(await connection.scalars(query.limit(100)))

    def _is_due(self, name: str) -> tuple[ColumnElement[bool], ...]:
        """Waiting and due, or left over by a process that died; and the oldest of its conversation, for order."""
        due = and_(DeliveryRow.status == "pending", DeliveryRow.next_at <= self._clock())
        if name in self._held:
            due = and_(due, ~_answers_message_since(self._clock() - self._held[name]))
        return (
            DeliveryRow.channel == name,
            or_(due, and_(DeliveryRow.status == "sending", DeliveryRow.lease_until < database_now())),
            ~_has_earlier(),
        )

    async def _claim(self, delivery_id: int, name: str) -> Delivery | None:
        """Mark the delivery as being sent; ``None`` where another process did, or where it must not be sent again."""
        async with self._engine.begin() as connection:
            before = (
                await connection.execute(
                    select(DeliveryRow.status, DeliveryRow.conversation_id, DeliveryRow.attempts)
                    .where(DeliveryRow.id == delivery_id, *self._is_due(name))
                    .with_for_update(of=DeliveryRow, skip_locked=True)
                )
            ).one_or_none()
            if before is None:
                return None
            if before.status == "sending" and not self._channels[name].repeatable:
                await self._end(connection, delivery_id, before.conversation_id, "dead", UNCERTAIN)
                return None
            marked = {
                "status": "sending",
                "attempts": before.attempts + 1,
                "lease_until": database_now(self._lease + STORE_WITHIN),
            }
            await connection.execute(update(DeliveryRow).where(DeliveryRow.id == delivery_id).values(marked))
            query = (
                select(
                    DeliveryRow.id,
                    DeliveryRow.conversation_id,
                    ConversationRow.label,
                    DeliveryRow.event_seq,
                    DeliveryRow.attempts.label("attempt"),
                    EventRow.data,
                )
                .join(ConversationRow, ConversationRow.id == DeliveryRow.conversation_id)
                .join(
                    EventRow,
                    and_(
                        EventRow.conversation_id == DeliveryRow.conversation_id, EventRow.seq == DeliveryRow.event_seq
                    ),
                )
                .where(DeliveryRow.id == delivery_id)
            )
            return Delivery(**(await connection.execute(query)).one()._mapping)

    async def _send(self, delivery: Delivery, name: str) -> None:
        channel = self._channels[name]
        try:
            async with asyncio.timeout(self._lease):
                await channel.send(delivery)
        except Undeliverable as error:
            await self._finish(delivery, "dead", str(error))
        except NotSent as error:
            await self._again(delivery, str(error))
        except Exception as error:
            # The words of an unforeseen error may quote the message; its type does not.
            why = str(error) if isinstance(error, Unsure) else type(error).__name__
            _LOG.warning("delivery %s to %s: %s", delivery.id, name, why)
            if channel.repeatable:
                await self._again(delivery, why)
            else:
                await self._finish(delivery, "dead", f"{UNCERTAIN}: {why}")
        else:
            await self._finish(delivery, "sent", None)

    async def _again(self, delivery: Delivery, error: str) -> None:
        """Try it later, a random part of the time away from what else failed, or put it aside after the last attempt."""
        if delivery.attempt >= MAX_ATTEMPTS:
            await self._finish(delivery, "dead", error)
            return
        wait = FIRST_WAIT * 2 ** (delivery.attempt - 1)
        later = {
            "status": "pending",
            "next_at": self._clock() + wait * (0.75 + secrets.randbelow(500) / 1000),
            "lease_until": None,
            "last_error": error,
        }
        async with self._engine.begin() as connection:
            await connection.execute(update(DeliveryRow).where(_is_attempt(delivery)).values(later))

    async def _finish(self, delivery: Delivery, status: str, error: str | None) -> None:
        async with self._engine.begin() as connection:
            await self._end(connection, delivery.id, delivery.conversation_id, status, error, _is_attempt(delivery))

    async def _end(
        self,
        connection: AsyncConnection,
        delivery_id: int,
        conversation_id: str,
        status: str,
        error: str | None,
        *conditions: ColumnElement[bool],
    ) -> None:
        ended = await connection.execute(
            update(DeliveryRow)
            .where(DeliveryRow.id == delivery_id, *conditions)
            .values(status=status, lease_until=None, last_error=error)
        )
        if status == "dead" and ended.rowcount == 1:
            await audit.note(
                connection,
                "delivery.dead",
                actor="bot",
                at=self._clock(),
                conversation_id=conversation_id,
                delivery=delivery_id,
                error=error,
            )


def _has_earlier() -> ColumnElement[bool]:
    """An older one of the conversation is not at its end."""
    earlier = aliased(DeliveryRow)
    return exists().where(
        earlier.conversation_id == DeliveryRow.conversation_id,
        earlier.channel == DeliveryRow.channel,
        earlier.event_seq < DeliveryRow.event_seq,
        earlier.status.in_(("pending", "sending")),
    )


def _answers_message_since(since: dt.datetime) -> ColumnElement[bool]:
    """It was never tried, and answers a message that came after *since*."""
    answered = exists().where(
        EventRow.conversation_id == DeliveryRow.conversation_id,
        EventRow.seq == DeliveryRow.event_seq,
        InboxRow.conversation_id == EventRow.conversation_id,
        InboxRow.seq == EventRow.in_reply_to,
        InboxRow.received_at > since,
    )
    return and_(DeliveryRow.attempts == 0, answered)


def _is_attempt(delivery: Delivery) -> ColumnElement[bool]:
    """Still this attempt: one that was taken over meanwhile has no say any more."""
    return and_(
        DeliveryRow.id == delivery.id, DeliveryRow.status == "sending", DeliveryRow.attempts == delivery.attempt
    )
