"""Everything of one run, started in order and taken down again: stores, bank, phones, models, replicas."""

from __future__ import annotations

import asyncio
import random
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Literal

import uvicorn
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.records import EventRow, InboxRow, WriteRow
from bot.store import open_database, reading
from bot.tokens import Tokens
from tests.faults import bank
from tests.faults.clients import Door, Journal, Phones
from tests.faults.oracle import Evidence, Intention, Said, Stored
from tests.faults.processes import ActionServer, Replica, ScriptedModel
from tests.faults.proxy import Proxy
from tests.faults.stores import PostgresServer, RedisServer, free_port

Database = Literal["sqlite", "postgresql"]
LYING = "changed_digit"
_UNLIMITED = {
    # All customers come from one address here, a burst is one conversation, and a visit is an hour's codes.
    "TELLER_ADDRESS_RATE": "1000000",
    "TELLER_CONVERSATION_RATE": "1000000",
    "TELLER_MAX_PENDING_CONVERSATION": "1000000",
    "TELLER_MAX_PENDING": "1000000",
    "TELLER_CODES_AN_HOUR": "1000",
}


class World:
    """What a run works with; ``open_world`` makes it. *environment* is what every process of it is told."""

    def __init__(self, folder: Path, database: Database, seed: int) -> None:
        self.folder = folder
        self.database = database
        self.seed = seed
        self.dice = random.Random(seed)
        self.journal = Journal()
        self.phones = Phones()
        self.redis = RedisServer(folder)
        self.postgres = PostgresServer() if database == "postgresql" else None
        self.models = {mode: ScriptedModel(mode, folder) for mode in ("stalled", LYING)}
        self.environment: dict[str, str] = {}
        self.tokens = Tokens(b"")
        self._replicas: list[Replica] = []
        self.bank: ActionServer
        self.bank_proxy: Proxy
        self.engine: AsyncEngine
        self.bank_engine: AsyncEngine

    def replicas(self, count: int, prefix: str) -> list[Replica]:
        """*count* replicas that are not started yet."""
        made = [Replica(f"{prefix}-{number}", self.folder, self.environment) for number in range(count)]
        self._replicas += made
        return made

    def door(self, replicas: list[Replica]) -> Door:
        """The clients' way to *replicas*."""
        return Door([replica.url for replica in replicas], self.journal, random.Random(self.seed + 1))

    async def pending(self) -> int:
        """Messages that wait for an answer."""
        query = select(func.count()).select_from(InboxRow).where(InboxRow.status == "pending")
        async with reading(self.engine) as connection:
            return await connection.scalar(query) or 0

    async def unsettled(self) -> int:
        """Effects whose end is not known."""
        query = select(func.count()).select_from(WriteRow).where(WriteRow.status.in_(("intended", "unknown")))
        async with reading(self.engine) as connection:
            return await connection.scalar(query) or 0

    async def evidence(self, read_at: float) -> Evidence:
        """All that the clients, the bot's database and the bank's books hold."""
        books = await bank.Books.read(self.bank_engine)
        evidence = Evidence(
            sent=self.journal.sent,
            confirmed=self.journal.confirmed,
            effects=books.effects,
            booked=books.booked,
            unbalanced=books.unbalanced,
            read_at=read_at,
        )
        inbox = select(InboxRow.conversation_id, InboxRow.seq, InboxRow.message_id, InboxRow.status, InboxRow.starts)
        events = select(
            EventRow.conversation_id, EventRow.seq, EventRow.actor, EventRow.type, EventRow.at, EventRow.in_reply_to
        )
        writes = select(
            WriteRow.key, WriteRow.quote_id, WriteRow.capability, WriteRow.status, WriteRow.created_at,
            WriteRow.updated_at,
        )  # fmt: skip
        async with reading(self.engine) as connection:
            evidence.stored = [Stored(*row) for row in await connection.execute(inbox)]
            evidence.said = [
                Said(conversation, seq, actor, kind, at.timestamp(), answers)
                for conversation, seq, actor, kind, at, answers in await connection.execute(events)
            ]
            evidence.intentions = [
                Intention(key, quote, capability, status, created.timestamp(), updated.timestamp())
                for key, quote, capability, status, created, updated in await connection.execute(writes)
            ]
        return evidence

    async def take_down(self) -> None:
        """Kill what still runs, and remove what was written outside the run's folder."""
        for server in (*self._replicas, *self.models.values()):
            server.kill()
            await server.stop()
        if hasattr(self, "bank"):
            self.bank.kill()
            await self.bank.stop()
            await self.bank_proxy.stop()
            await self.engine.dispose()
            await self.bank_engine.dispose()
        await self.redis.kill()
        if self.postgres is not None:
            await self.postgres.remove()


@asynccontextmanager
async def open_world(
    folder: Path, database: Database, *, customers: int, lost: float, seed: int
) -> AsyncIterator[World]:
    """A world at work but for its replicas, which its user starts; *lost* is the share of commits that go wrong."""
    world = World(folder, database, seed)
    data = folder / "data"
    key = secrets.token_urlsafe(32)
    world.tokens = Tokens(key.encode())
    phones = uvicorn.Server(uvicorn.Config(world.phones.app, port=free_port(), log_level="warning", lifespan="off"))
    async with asyncio.TaskGroup() as group:
        answering = group.create_task(phones.serve())
        try:
            await world.redis.start()
            world.environment = {
                "TELLER_ENV": "demo",
                "TELLER_DATA_DIR": str(data),
                "TELLER_SECRET": secrets.token_urlsafe(32),
                "TELLER_TOKEN_KEY": key,
                "TELLER_OTP_URL": f"http://127.0.0.1:{phones.config.port}/send",
                "REDIS_URL": world.redis.url,
                **_UNLIMITED,
            }
            url = bank_url = None
            if world.postgres is not None:
                await world.postgres.create("teller", "bank")
                url, bank_url = world.postgres.url("teller"), world.postgres.url("bank")
                world.environment |= {"DATABASE_URL": url, "BANK_DATABASE_URL": bank_url}
            await bank.found(bank_url, data, customers)
            world.engine = open_database(url, data)
            world.bank_engine = open_database(bank_url, data, "bank")
            world.bank = ActionServer("bank", folder, dict(world.environment), lost=lost, seed=seed)
            world.bank_proxy = Proxy(world.bank.port)
            await world.bank_proxy.start()
            world.environment["ACTIONS_URL"] = f"http://127.0.0.1:{world.bank_proxy.port}"
            await world.bank.start()
            for model in world.models.values():
                await model.start()
            if not await world.bank.answering("/health"):
                raise RuntimeError(f"the bank did not start:\n{world.bank.log}")
            yield world
        finally:
            phones.should_exit = True
            await answering
            await world.take_down()
