"""Back-pressure: whether a message may be taken now, or has to come again later.

What is taken is answered, so a flood must be refused at the door, while those who are inside are served as ever. The
inbox is measured in SQL; how often an address or a conversation asks is counted in Redis, which may be dead: then
nobody is refused for that.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import time

from redis.asyncio import Redis
from redis.exceptions import RedisError
from sqlalchemy import func, literal_column, select
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.message import Frozen
from bot.records import InboxRow
from bot.store import reading

MEASURE_EVERY = 0.25
"""Seconds for which one look at the inbox holds."""
RETRY_AFTER = 2
"""Seconds after which to come again while the inbox is too long."""
WINDOW = 60
"""Seconds in which a rate is counted."""
REDIS_WITHIN = 0.1
"""Seconds that Redis has to count: a message must not wait for it."""
REDIS_PAUSE = 1.0
"""Seconds without counting after Redis did not."""

# Written out, not bound: only then may a planner use the index of pending messages.
_MEASURE = select(func.count(), func.min(InboxRow.received_at)).where(InboxRow.status == literal_column("'pending'"))


class PressureLimits(Frozen):
    """How much is taken at once. ``pending`` messages wait in the inbox at most, the oldest for ``waited`` at most;
    ``address_rate`` and ``conversation_rate`` are messages a minute."""

    pending: int = 1_000
    waited: dt.timedelta = dt.timedelta(seconds=20)
    address_rate: int = 1_200
    conversation_rate: int = 120


class Busy(Exception):
    """It has to come again in ``retry_after`` seconds; ``reason`` is ``inbox``, ``address`` or ``conversation``."""

    def __init__(self, reason: str, retry_after: int) -> None:
        super().__init__(reason)
        self.reason = reason
        self.retry_after = retry_after


class Pressure:
    """The gauge of one process."""

    def __init__(self, engine: AsyncEngine, redis: Redis, limits: PressureLimits = PressureLimits()) -> None:
        self._engine = engine
        self._redis = redis
        self._limits = limits
        self._too_long = False
        self._measured_at = -MEASURE_EVERY
        self._no_redis_until = 0.0

    async def admit_address(self, address: str | None, now: dt.datetime) -> None:
        """Count a request from *address*; raises ``Busy`` where there are too many."""
        if address is not None:
            await self._rate("address", address, self._limits.address_rate, now)

    async def admit_message(self, conversation_id: str, now: dt.datetime) -> None:
        """Count a message in the conversation; raises ``Busy`` where there are too many, or the inbox is too long."""
        if await self._inbox_is_too_long(now):
            raise Busy("inbox", RETRY_AFTER)
        await self._rate("conversation", conversation_id, self._limits.conversation_rate, now)

    async def _inbox_is_too_long(self, now: dt.datetime) -> bool:
        if time.monotonic() - self._measured_at >= MEASURE_EVERY:
            # Before the look, not after it: whoever comes meanwhile goes by the last one.
            self._measured_at = time.monotonic()
            async with reading(self._engine) as connection:
                pending, oldest = (await connection.execute(_MEASURE)).one()
            waited = now - oldest if oldest is not None else dt.timedelta()
            self._too_long = pending >= self._limits.pending or waited > self._limits.waited
        return self._too_long

    async def _rate(self, kind: str, subject: str, limit: int, now: dt.datetime) -> None:
        if time.monotonic() < self._no_redis_until:
            return
        window, passed = divmod(int(now.timestamp()), WINDOW)
        key = f"teller:rate:{kind}:{subject}:{window}"
        try:
            async with asyncio.timeout(REDIS_WITHIN), self._redis.pipeline(transaction=False) as pipeline:
                pipeline.incr(key)
                pipeline.expire(key, WINDOW)
                count, _ = await pipeline.execute()
        except (RedisError, OSError, TimeoutError):
            self._no_redis_until = time.monotonic() + REDIS_PAUSE
            return
        if count > limit:
            raise Busy(kind, WINDOW - passed)
