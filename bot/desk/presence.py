"""Who is at the desk: a key in Redis that lives as long as a rep's page says that it is open."""

from __future__ import annotations

from collections.abc import Iterable

from redis.asyncio import Redis
from redis.exceptions import RedisError

TTL = 30
"""Seconds after which a page that says nothing counts as gone."""
BEAT = 10.0
"""Seconds between two signs of a page that is open: a lost one, or an emptied Redis, makes nobody absent."""


class Presence:
    """Presence over one Redis. Where Redis is away, nothing is known: nobody is taken for absent on account of that."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def beat(self, rep_id: str) -> None:
        """This rep's page is open now."""
        try:
            await self._redis.set(_key(rep_id), "1", ex=TTL)
        except (RedisError, OSError):
            return

    async def leave(self, rep_id: str) -> None:
        """This rep has gone."""
        try:
            await self._redis.delete(_key(rep_id))
        except (RedisError, OSError):
            return

    async def among(self, rep_ids: Iterable[str]) -> set[str] | None:
        """Those of *rep_ids* who are there; ``None`` where it is not known."""
        asked = list(rep_ids)
        if not asked:
            return set()
        try:
            found = await self._redis.mget([_key(rep_id) for rep_id in asked])
        except (RedisError, OSError):
            return None
        return {rep_id for rep_id, value in zip(asked, found, strict=True) if value is not None}


def _key(rep_id: str) -> str:
    return f"teller:desk:here:{rep_id}"
