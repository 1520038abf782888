"""An Official Account in front of real processes, two of them, that are killed where it hurts."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
import uvicorn
from sqlalchemy import func, select, update

from bot.outbox import Outbox
from bot.records import DeliveryRow, InboxRow, TurnRow
from bot.store import open_database, reading
from tests.faults.processes import Replica
from tests.faults.stores import free_port
from tests.weixin import AES_KEY, APP, SECRET, TOKEN, Weixin

PATH = "/channels/wechat"
QUESTION = "今天美元汇率多少"


@asynccontextmanager
async def listening(weixin: Weixin) -> AsyncIterator[str]:
    """The platform on a port; its address."""
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(weixin.app, port=port, log_level="warning"))
    serving = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110
        await asyncio.sleep(0.02)
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    await serving


class World:
    """The platform, and replicas of the bot over one database."""

    def __init__(self, folder: Path, weixin: Weixin, platform: str) -> None:
        self.folder = folder
        self.weixin = weixin
        self._environment = {
            "TELLER_DATA_DIR": str(folder / "var"),
            "TELLER_WECHAT_APPID": APP,
            "TELLER_WECHAT_SECRET": SECRET,
            "TELLER_WECHAT_TOKEN": TOKEN,
            "TELLER_WECHAT_AES_KEY": AES_KEY,
            "TELLER_WECHAT_API_BASE": platform,
        }
        self.replicas: list[Replica] = []

    async def start(self, failpoints: str = "") -> Replica:
        replica = Replica(f"bot-{len(self.replicas)}", self.folder, self._environment)
        self.replicas.append(replica)
        await replica.start(failpoints)
        assert await replica.answering("/readyz"), replica.log
        return replica

    async def statuses(self) -> list[tuple[str, str | None]]:
        """What became of every delivery."""
        engine = open_database(None, self.folder / "var")
        async with reading(engine) as connection:
            rows = (await connection.execute(select(DeliveryRow.status, DeliveryRow.last_error))).all()
        await engine.dispose()
        return [(row.status, row.last_error) for row in rows]

    async def states(self) -> list[str]:
        """Every delivery as ``teller deliveries`` shows it."""
        engine = open_database(None, self.folder / "var")
        letters = await Outbox(engine).letters(status=None)
        await engine.dispose()
        return [letter.state for letter in letters]

    async def end_leases(self) -> None:
        """As if the time that a sender has were over."""
        engine = open_database(None, self.folder / "var")
        async with engine.begin() as connection:
            long_ago = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
            await connection.execute(update(DeliveryRow).values(lease_until=long_ago))
        await engine.dispose()

    async def counts(self) -> tuple[int, int]:
        """Messages taken in, and turns run."""
        engine = open_database(None, self.folder / "var")
        async with reading(engine) as connection:
            counted = [
                await connection.scalar(select(func.count()).select_from(table)) for table in (InboxRow, TurnRow)
            ]
        await engine.dispose()
        return counted[0] or 0, counted[1] or 0


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    weixin = Weixin()
    async with listening(weixin) as platform:
        made = World(tmp_path, weixin, platform)
        yield made
        for replica in made.replicas:
            await replica.stop()


def client(replica: Replica) -> httpx.AsyncClient:
    limits = httpx.Limits(max_connections=100)
    return httpx.AsyncClient(base_url=replica.url, timeout=30, trust_env=False, limits=limits)


async def until_statuses(world: World, *statuses: str) -> None:
    async with asyncio.timeout(45):
        while [status for status, _ in await world.statuses()] != list(statuses):  # noqa: ASYNC110
            await asyncio.sleep(0.2)


async def test_a_hundred_deliveries_of_one_message_over_two_processes_are_one_turn(world: World) -> None:
    first, second = await world.start(), await world.start()
    message = world.weixin.text(QUESTION)
    async with client(first) as one, client(second) as two:
        answers = await asyncio.gather(
            *(world.weixin.post((one, two)[n % 2], PATH, message) for n in range(100)),
        )
    assert await world.counts() == (1, 1)
    shown = {answer for answer in answers if answer is not None}
    # Whoever was too late for its own request leaves the answer to the one that was not, or to one later send.
    assert len(shown) + len(world.weixin.shown.get("openid-1", [])) >= 1
    assert len(shown) <= 1
    assert len(world.weixin.shown.get("openid-1", [])) <= 1


async def test_a_process_killed_between_deciding_and_sending_leaves_it_to_the_next(world: World) -> None:
    killed = await world.start("lease.finished=kill@1")
    async with client(killed) as http:
        with pytest.raises(httpx.HTTPError):
            await world.weixin.post(http, PATH, world.weixin.text(QUESTION))
    await killed.ended()
    assert await world.counts() == (1, 1)
    await world.start()
    await until_statuses(world, "sent")
    assert len(world.weixin.shown["openid-1"]) == 1


async def test_a_process_killed_between_sending_and_marking_has_sent_it_at_most_once(world: World) -> None:
    sending = await world.start("turn.before_compose=sleep:4.5")
    world.weixin.on_send = sending.kill
    async with client(sending) as http:
        assert await world.weixin.post(http, PATH, world.weixin.text(QUESTION)) is None
    await sending.ended()
    assert len(world.weixin.shown["openid-1"]) == 1
    world.weixin.on_send = None
    await world.end_leases()
    await world.start()
    await until_statuses(world, "dead")
    assert await world.statuses() == [("dead", "nobody knows if it was sent")]
    assert await world.states() == ["uncertain"]
    assert len(world.weixin.shown["openid-1"]) == 1
