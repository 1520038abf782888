"""Telling whoever waits that something was committed: at once in this process, through Redis in the others.

A signal carries no data and may be lost; what it is about is in SQL, and everybody who waits also looks there in time.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any, Literal

from redis.asyncio import Redis
from redis.exceptions import RedisError

from bot.failpoints import failpoint

Kind = Literal["message", "event", "typing"]
"""``message``: an inbox holds one to process. ``event``: a conversation has grown. ``typing``: its customer writes."""

CHANNEL = "teller:signals"
_RETRY_SECONDS = 0.5
_BACKLOG = 10_000
_TOGETHER = 0.005
"""Seconds for which signals to the other processes are gathered: a turn is not held up by telling of it, and under load
many go in one trip."""


class Signals:
    """The wake-ups of one process. ``start`` before use, ``stop`` at the end; without Redis it serves this process alone."""

    def __init__(self, redis: Redis | None) -> None:
        self._redis = redis
        self._origin = secrets.token_hex(6)
        self._workers: list[Callable[[str], None]] = []
        self._listeners: list[Callable[[str], None]] = []
        self._typing: list[Callable[[str], None]] = []
        self._watchers: dict[str, set[asyncio.Event]] = {}
        self._outgoing: deque[str] = deque(maxlen=_BACKLOG)
        self._queued = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    def tell(self, kind: Kind, conversation_id: str) -> None:
        """Wake everyone who waits for this; returns at once and never fails."""
        self._wake(kind, conversation_id)
        if self._tasks:
            self._outgoing.append(f"{kind} {conversation_id}")
            self._queued.set()

    def on_message(self, call: Callable[[str], None]) -> Callable[[], None]:
        """Have *call* told the conversation of every ``message``; returns what ends it."""
        self._workers.append(call)
        return lambda: self._workers.remove(call)

    def on_event(self, call: Callable[[str], None]) -> Callable[[], None]:
        """Have *call* told every conversation that has grown; returns what ends it."""
        self._listeners.append(call)
        return lambda: self._listeners.remove(call)

    def on_typing(self, call: Callable[[str], None]) -> Callable[[], None]:
        """Have *call* told every conversation whose customer writes; returns what ends it."""
        self._typing.append(call)
        return lambda: self._typing.remove(call)

    @contextlib.contextmanager
    def watch(self, conversation_id: str) -> Iterator[asyncio.Event]:
        """An event that is set whenever the conversation has grown; the waiter clears it before it looks."""
        woken = asyncio.Event()
        watchers = self._watchers.setdefault(conversation_id, set())
        watchers.add(woken)
        try:
            yield woken
        finally:
            watchers.discard(woken)
            if not watchers and self._watchers.get(conversation_id) is watchers:
                del self._watchers[conversation_id]

    async def start(self) -> None:
        """Begin to exchange signals with the other processes."""
        if self._redis is not None and not self._tasks:
            self._tasks = [
                asyncio.create_task(_forever(self._publish), name="signals-publish"),
                asyncio.create_task(_forever(self._subscribe), name="signals-subscribe"),
            ]

    async def stop(self) -> None:
        """Stop exchanging signals; what was not sent yet the others find in SQL."""
        tasks, self._tasks = set(self._tasks), []
        while tasks:
            for task in tasks:
                task.cancel()
            # Once more until it is heard: redis-py swallows a cancellation that comes while it connects.
            _, tasks = await asyncio.wait(tasks, timeout=0.1)

    def _wake(self, kind: str, conversation_id: str) -> None:
        if kind == "message":
            for call in self._workers:
                call(conversation_id)
        elif kind == "typing":
            for call in self._typing:
                call(conversation_id)
        else:
            for woken in self._watchers.get(conversation_id, ()):
                woken.set()
            for call in self._listeners:
                call(conversation_id)

    async def _publish(self) -> None:
        assert self._redis is not None
        while True:
            await self._queued.wait()
            await asyncio.sleep(_TOGETHER)
            self._queued.clear()
            # Told twice in that time, once is enough.
            batch = "\n".join((self._origin, *dict.fromkeys(self._outgoing)))
            self._outgoing.clear()
            await self._redis.publish(CHANNEL, batch)
            await failpoint("signals.published")

    async def _subscribe(self) -> None:
        assert self._redis is not None
        async with self._redis.pubsub(ignore_subscribe_messages=True) as subscription:
            await subscription.subscribe(CHANNEL)
            while True:
                heard: dict[str, Any] | None = await subscription.get_message(timeout=1.0)
                if heard is None:
                    continue
                origin, *batch = str(heard["data"]).split("\n")
                if origin != self._origin:
                    for signal in batch:
                        self._wake(*signal.split(" ", 1))


async def _forever(work: Callable[[], Any]) -> None:
    """Run *work* again whenever Redis fails it: it is a nerve, and its loss is felt but not suffered."""
    while True:
        try:
            await work()
        except (RedisError, OSError) as error:
            logging.getLogger(__name__).warning("Redis is away, signals stay in this process: %s", error)
            await asyncio.sleep(_RETRY_SECONDS)
