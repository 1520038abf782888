"""A flood is refused at the door, and a dead Redis refuses nobody."""

from __future__ import annotations

import asyncio
import datetime as dt
import time
from collections.abc import Callable

import pytest
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.requests import Request

from bot import pressure as pressure_module
from bot.conversations import Conversations
from bot.guards import address_of
from bot.inbox import Accepted, Inbox, TooManyPending
from bot.otp import Challenges
from bot.pressure import RETRY_AFTER, Busy, Pressure, PressureLimits
from bot.principal import Principal
from bot.records import InboxRow
from bot.signals import Signals

MINUTE = dt.timedelta(minutes=1)
VISITOR = Principal()


class Door:
    """An inbox with its gauge, and one conversation."""

    def __init__(self, engine: AsyncEngine, redis: Redis, conversation: str, now: dt.datetime) -> None:
        self.engine = engine
        self.redis = redis
        self.conversation = conversation
        self.now = now
        challenges = Challenges(engine, None, key=b"key")  # type: ignore[arg-type]
        self.inbox = Inbox(engine, Signals(None), challenges, mask=str, key=b"key", max_pending=5)

    async def take(self, message: str) -> Accepted:
        return await self.inbox.accept(
            self.conversation, message, message, principal=VISITOR, channel="web", now=self.now
        )

    def gauge(self, **limits: object) -> Pressure:
        return Pressure(self.engine, self.redis, PressureLimits.model_validate(limits))


@pytest.fixture
async def door(database: AsyncEngine, redis: Redis, now: dt.datetime, monkeypatch: pytest.MonkeyPatch) -> Door:
    monkeypatch.setattr(pressure_module, "MEASURE_EVERY", 0.0)
    # A busy machine is not a dead Redis.
    monkeypatch.setattr(pressure_module, "REDIS_WITHIN", 5.0)
    opened, _ = await Conversations(database).create(channel="web", principal=VISITOR, now=now)
    return Door(database, redis, opened.id, now)


async def test_a_full_inbox_takes_nothing_more_until_it_is_worked_off(door: Door) -> None:
    gauge = door.gauge(pending=2)
    for n in range(2):
        await gauge.admit_message(door.conversation, door.now)
        await door.take(f"m{n}")
    with pytest.raises(Busy) as refused:
        await gauge.admit_message(door.conversation, door.now)
    assert (refused.value.reason, refused.value.retry_after) == ("inbox", RETRY_AFTER)
    async with door.engine.begin() as connection:
        await connection.execute(update(InboxRow).where(InboxRow.message_id == "m0").values(status="done"))
    await gauge.admit_message(door.conversation, door.now)


async def test_an_inbox_whose_oldest_message_waits_too_long_takes_nothing_more(door: Door) -> None:
    gauge = door.gauge(waited=dt.timedelta(seconds=20))
    await door.take("m0")
    await gauge.admit_message(door.conversation, door.now + dt.timedelta(seconds=20))
    with pytest.raises(Busy):
        await gauge.admit_message(door.conversation, door.now + dt.timedelta(seconds=21))


async def test_a_look_at_the_inbox_holds_for_a_while(
    door: Door, monkeypatch: pytest.MonkeyPatch, open_engine: Callable[[], AsyncEngine]
) -> None:
    monkeypatch.setattr(pressure_module, "MEASURE_EVERY", 60.0)
    gauge = door.gauge(pending=1)
    await gauge.admit_message(door.conversation, door.now)
    await door.take("m0")
    await gauge.admit_message(door.conversation, door.now)


async def test_a_conversation_has_a_cap_of_its_own_that_a_burst_cannot_pass(door: Door) -> None:
    taken = await asyncio.gather(*(door.take(f"m{n}") for n in range(12)), return_exceptions=True)
    assert sum(isinstance(one, Accepted) for one in taken) == 5
    assert sum(isinstance(one, TooManyPending) for one in taken) == 7
    first = next(n for n, one in enumerate(taken) if isinstance(one, Accepted))
    # Known already, so it is answered as ever.
    assert (await door.take(f"m{first}")).duplicate


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_rate_is_counted_by_the_minute_for_each_by_itself(door: Door) -> None:
    gauge, other = door.gauge(address_rate=3, conversation_rate=2), door.gauge(address_rate=3, conversation_rate=2)
    for asked in (gauge, other, gauge):
        await asked.admit_address("192.0.2.1", door.now)
    with pytest.raises(Busy) as refused:
        await other.admit_address("192.0.2.1", door.now + dt.timedelta(seconds=10))
    assert (refused.value.reason, refused.value.retry_after) == ("address", 50)
    await gauge.admit_address("192.0.2.2", door.now)
    await gauge.admit_address(None, door.now)
    await gauge.admit_address("192.0.2.1", door.now + MINUTE)
    for _ in range(2):
        await gauge.admit_message(door.conversation, door.now)
    with pytest.raises(Busy, match="conversation"):
        await gauge.admit_message(door.conversation, door.now)
    await gauge.admit_message("another", door.now)
    assert all([0 < await door.redis.ttl(key) <= 60 for key in await door.redis.keys("teller:rate:*")])


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_dead_redis_lets_everybody_through_and_costs_no_time(door: Door) -> None:
    door.redis = Redis(host="127.0.0.1", port=9, retry=Retry(NoBackoff(), 0))
    gauge = door.gauge(address_rate=1)
    began = time.monotonic()
    for _ in range(50):
        await gauge.admit_address("192.0.2.1", door.now)
    assert time.monotonic() - began < 1.0
    await door.redis.aclose()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_redis_that_hangs_is_waited_for_once(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    monkeypatch.setattr(pressure_module, "REDIS_WITHIN", 0.05)
    async with await asyncio.start_server(silent, "127.0.0.1", 0) as server:
        door.redis = Redis(host="127.0.0.1", port=server.sockets[0].getsockname()[1], retry=Retry(NoBackoff(), 0))
        gauge = door.gauge(address_rate=1)
        began = time.monotonic()
        for _ in range(50):
            await gauge.admit_address("192.0.2.1", door.now)
        assert time.monotonic() - began < 1.0
        await door.redis.aclose()


@pytest.mark.parametrize(
    ("peer", "address"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
        ("testclient", None),
    ],
)
def test_a_subscriber_is_one_address_whichever_of_theirs_they_use(peer: str, address: str | None) -> None:
    assert address_of(Request({"type": "http", "client": (peer, 1), "headers": []})) == address


def test_a_request_without_a_peer_has_no_address() -> None:
    assert address_of(Request({"type": "http", "client": None, "headers": []})) is None
