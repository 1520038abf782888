"""What goes wrong, and when: replicas killed at every failpoint and at random, stores and the bank killed and hindered."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import asyncpg  # type: ignore[import-untyped]

from bot.failpoints import NAMES
from tests.faults.processes import Replica
from tests.faults.world import LYING, World

GRACE = 6.0
"""Seconds a replica may outlive its time while its failpoint is not reached; then it is killed where it stands."""
STARTING = 3.0
"""About what a replica takes until it serves, in seconds."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """One thing that was done to somebody, ``at`` Unix seconds. A ``kill`` is one that ended a process at once."""

    at: float
    whom: str
    what: str
    kill: bool


class Chaos:
    """Keeps *replicas* running, and from running long: about one kill every *interval* seconds, *kills* in all."""

    def __init__(self, world: World, replicas: list[Replica], *, kills: int, interval: float) -> None:
        self.troubles: list[Trouble] = []
        self.failed_starts = 0
        self._world = world
        self._replicas = replicas
        self._kills = kills
        self._interval = interval
        self._dice = random.Random(world.seed + 2)
        self._deck: list[str] = []
        self._over = asyncio.Event()

    @property
    def kills(self) -> int:
        """Processes ended so far."""
        return sum(trouble.kill for trouble in self.troubles)

    @property
    def by_point(self) -> Counter[str]:
        """How often replicas were killed where."""
        return Counter(trouble.what for trouble in self.troubles if trouble.whom == "replica")

    async def run(self) -> None:
        """Make trouble until ``end``; then leave every process whole and running."""
        async with asyncio.TaskGroup() as group:
            for replica in self._replicas:
                group.create_task(self._keep(replica))
            group.create_task(self._trouble_the_rest())

    def end(self) -> None:
        """Let things come to rest."""
        self._over.set()

    @property
    def _is_over(self) -> bool:
        return self._over.is_set() or self.kills >= self._kills

    async def _keep(self, replica: Replica) -> None:
        """One replica's lives. The last one begins when the trouble is over, and is left alone."""
        while not self._is_over:
            point = self._draw()
            # A replica's share of all kills, less what the rest takes; the more replicas, the longer each may live.
            life = max(0.5, self._interval * len(self._replicas) * 1.2 - STARTING) * (0.5 + self._dice.random())
            orders = f"{point}=kill@1+{life + STARTING:.2f}" if point is not None else ""
            await replica.start(orders, **self._model())
            if await replica.answering("/healthz"):
                await self._end_of(replica, point, life)
            else:
                await self._failed_start(replica, point)
        await replica.start()
        if not await replica.answering("/readyz"):
            raise RuntimeError(f"{replica.name} does not come back:\n{replica.log[-2000:]}")

    async def _end_of(self, replica: Replica, point: str | None, life: float) -> None:
        """Wait until the replica's failpoint ends it; end it where that takes too long, or everything is over."""
        ended, over = asyncio.ensure_future(replica.ended()), asyncio.ensure_future(self._over.wait())
        patience = life + (GRACE if point is not None else 0.0)
        await asyncio.wait({ended, over}, timeout=patience, return_when=asyncio.FIRST_COMPLETED)
        over.cancel()
        if ended.done():
            where = replica.failpoint_that_killed()
            self._note("replica", where or "by itself", kill=where is not None)
            return
        self._put_back(point)
        replica.kill()
        await ended
        self._note("replica", "at random", kill=True)

    async def _failed_start(self, replica: Replica, point: str | None) -> None:
        """It ended before it answered: at its failpoint, for it works before it is seen to, or for want of a store."""
        replica.kill()
        await replica.ended()
        where = replica.failpoint_that_killed()
        if where is not None:
            self._note("replica", where, kill=True)
            return
        self.failed_starts += 1
        self._put_back(point)
        await asyncio.sleep(0.5)

    def _draw(self) -> str | None:
        """The failpoint at which a replica is to die; of five lives one ends at random."""
        if self._dice.random() < 0.2:
            return None
        if not self._deck:
            self._deck = list(NAMES)
            self._dice.shuffle(self._deck)
        return self._deck.pop()

    def _put_back(self, point: str | None) -> None:
        if point is not None:
            self._deck.insert(0, point)

    def _model(self) -> dict[str, str]:
        """One life in five speaks through a model that stalls, or lies."""
        mode = self._dice.choice(("stalled", LYING)) if self._dice.random() < 0.2 else None
        return self._world.models[mode].settings if mode is not None else {}

    async def _trouble_the_rest(self) -> None:
        world = self._world
        menu: list[tuple[Callable[[], Awaitable[None]], int]] = [
            (self._kill_bank, 4),
            (self._kill_redis, 4),
            (self._redis_for("emptied", ["FLUSHALL"], []), 2),
            (self._redis_for("full", ["CONFIG", "SET", "maxmemory", "1"], ["CONFIG", "SET", "maxmemory", "0"]), 2),
            (self._redis_for("read-only", ["REPLICAOF", "127.0.0.1", "1"], ["REPLICAOF", "NO", "ONE"]), 2),
            (self._redis_for("paused", ["CLIENT", "PAUSE", "3000", "ALL"], []), 2),
            (self._storm, 3),
        ]
        if world.postgres is not None:
            menu += [(self._stop_postgres, 3), (self._cut_postgres, 4)]
        deck: list[Callable[[], Awaitable[None]]] = []
        while not self._is_over:
            if not deck:
                deck = [act for act, often in menu for _ in range(often)]
                self._dice.shuffle(deck)
            await self._sleep(self._interval * 2.2)
            if not self._is_over:
                await deck.pop()()

    async def _kill_bank(self) -> None:
        bank = self._world.bank
        if bank.kill():
            await bank.ended()
            self._note("bank", "kill -9", kill=True)
        while True:
            await bank.start()
            if await bank.answering("/health"):
                return
            await asyncio.sleep(0.5)

    async def _kill_redis(self) -> None:
        await self._world.redis.kill()
        self._note("redis", "kill -9", kill=True)
        await self._sleep(self._dice.uniform(0.2, 3.0))
        await self._world.redis.start()

    def _redis_for(self, what: str, hinder: list[str], help_: list[str]) -> Callable[[], Awaitable[None]]:
        async def act() -> None:
            self._note("redis", what)
            await self._world.redis.ask(*hinder)
            await self._sleep(3.0)
            if help_:
                await self._world.redis.ask(*help_)

        return act

    async def _storm(self) -> None:
        """The way to the bank, for three seconds."""
        proxy = self._world.bank_proxy
        proxy.weather = self._dice.choice(("slow", "black_hole", "reset"))
        self._note("way to the bank", proxy.weather)
        await self._sleep(3.0)
        proxy.weather = "fair"

    async def _stop_postgres(self) -> None:
        assert self._world.postgres is not None
        await self._world.postgres.stop_hard()
        self._note("postgresql", "stop -m immediate", kill=True)
        await self._sleep(self._dice.uniform(0.0, 1.5))
        await self._world.postgres.start()

    async def _cut_postgres(self) -> None:
        assert self._world.postgres is not None
        self._note("postgresql", "pg_terminate_backend")
        try:
            await self._world.postgres.cut_connections()
        except (asyncpg.PostgresError, OSError):
            await asyncio.sleep(0.5)

    async def _sleep(self, seconds: float) -> None:
        """Sleep, unless it is over before."""
        try:
            async with asyncio.timeout(seconds):
                await self._over.wait()
        except TimeoutError:
            return

    def _note(self, whom: str, what: str, *, kill: bool = False) -> None:
        self.troubles.append(Trouble(time.time(), whom, what, kill))
