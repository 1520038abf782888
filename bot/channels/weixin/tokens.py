"""Access tokens: one for all processes, kept in Redis, renewed before it ends, fetched by one process at a time."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from redis.asyncio import Redis
from redis.exceptions import RedisError

EARLY = 300
"""Seconds before its end at which a token is no longer used."""
LOCKED = 10
"""Seconds for which one process may fetch, while the others wait for what it brings."""
_LOOK = 0.05
_DELETE_IF = "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) end return 0"
_LOG = logging.getLogger(__name__)


class Fetched(NamedTuple):
    """A token as the platform gave it, and for how many seconds it holds."""

    token: str
    seconds: int


class AccessTokens:
    """The token of one app, *name*. *fetch* asks the platform for it; without Redis each process asks for itself.

    Both platforms give every asker the same token while it holds, so one fetched twice invalidates nothing.
    """

    def __init__(self, redis: Redis, name: str, fetch: Callable[[], Awaitable[Fetched]]) -> None:
        self._redis = redis
        self._key = f"teller:weixin:token:{name}"
        self._fetch = fetch

    async def get(self) -> str:
        """The token. Raises what *fetch* raises."""
        try:
            return await self._shared()
        except (RedisError, OSError) as error:
            _LOG.warning("Redis is away, this process fetches a token for itself: %s", type(error).__name__)
            return (await self._fetch()).token

    async def drop(self, token: str) -> None:
        """Forget *token*, which the platform refused; a newer one that another process fetched meanwhile stays."""
        try:
            await self._redis.eval(_DELETE_IF, 1, self._key, token)
        except (RedisError, OSError) as error:
            _LOG.warning("Redis is away, a refused token stays in it: %s", type(error).__name__)

    async def _shared(self) -> str:
        lock, mine = f"{self._key}:lock", secrets.token_hex(8)
        while True:
            kept = await self._redis.get(self._key)
            if kept is not None:
                return str(kept)
            if await self._redis.set(lock, mine, nx=True, ex=LOCKED):
                try:
                    fetched = await self._fetch()
                    if fetched.seconds > EARLY:
                        await self._redis.set(self._key, fetched.token, ex=fetched.seconds - EARLY)
                    return fetched.token
                finally:
                    await self._redis.eval(_DELETE_IF, 1, lock, mine)
            await asyncio.sleep(_LOOK)
