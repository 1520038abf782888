"""Events: read from any point, followed without a gap, waited for without missing one."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Callable

import pytest
from redis.asyncio import Redis
from sqlalchemy.ext.asyncio import AsyncEngine

from bot import events as events_module
from bot.conversations import Conversations
from bot.events import Event, Events, UnknownConversation, insert_events, take_numbers
from bot.message import NewEvent
from bot.principal import Principal
from bot.signals import Signals


@pytest.fixture
async def conversation(database: AsyncEngine, now: dt.datetime) -> str:
    opened, _ = await Conversations(database).create(channel="web", principal=Principal(), now=now)
    return opened.id


@pytest.fixture
def events(database: AsyncEngine, signals: Signals) -> Events:
    return Events(database, signals)


@pytest.fixture
def write(database: AsyncEngine, now: dt.datetime) -> Callable[..., object]:
    async def one(conversation: str, text: str, tell: Signals | None = None) -> None:
        async with database.begin() as connection:
            seq = (await take_numbers(connection, conversation, 1, now)).first
            event = NewEvent(type="note", actor="system", data={"text": text})
            await insert_events(connection, conversation, seq, [event], now)
        if tell is not None:
            tell.tell("event", conversation)

    return one


async def test_events_are_read_from_any_point_on(
    events: Events, write: Callable[..., object], conversation: str
) -> None:
    for text in "abcde":
        await write(conversation, text)
    assert texts(await events.read(conversation)) == "abcde"
    assert texts(await events.read(conversation, after=3)) == "de"
    assert texts(await events.read(conversation, after=1, limit=2)) == "bc"
    assert await events.read("nowhere") == []


async def test_many_writers_at_once_leave_no_gap_and_no_double(
    events: Events, write: Callable[..., object], conversation: str
) -> None:
    await asyncio.gather(*(write(conversation, str(n)) for n in range(40)))
    assert [event.seq for event in await events.read(conversation)] == list(range(1, 41))


async def test_an_event_of_no_conversation_is_refused(write: Callable[..., object]) -> None:
    with pytest.raises(UnknownConversation):
        await write("nowhere", "a")


async def test_a_follower_gets_what_was_and_then_what_comes(
    events: Events, signals: Signals, write: Callable[..., object], conversation: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Whatever comes must come by signal.
    monkeypatch.setattr(events_module, "POLL", 600)
    await write(conversation, "a")
    await write(conversation, "b")
    stream = events.follow(conversation, after=1)
    async with asyncio.timeout(5):
        assert texts([await anext(stream)]) == "b"
        waiting = asyncio.ensure_future(anext(stream))
        await asyncio.sleep(0.05)
        assert not waiting.done()
        await write(conversation, "c", signals)
        assert texts([await waiting]) == "c"
    await stream.aclose()


async def test_a_follower_in_another_process_is_woken_through_redis(
    open_engine: Callable[[], AsyncEngine],
    redis: Redis,
    signals: Signals,
    write: Callable[..., object],
    conversation: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(events_module, "POLL", 600)
    elsewhere = Signals(redis)
    await elsewhere.start()
    # The subscription is made in the background.
    await asyncio.sleep(0.1)
    stream = Events(open_engine(), elsewhere).follow(conversation, after=0)
    waiting = asyncio.ensure_future(anext(stream))
    await asyncio.sleep(0.05)
    await write(conversation, "a", signals)
    async with asyncio.timeout(5):
        assert texts([await waiting]) == "a"
    await stream.aclose()
    await elsewhere.stop()


async def test_a_follower_finds_what_no_signal_told_of(
    events: Events, write: Callable[..., object], conversation: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events_module, "POLL", 0.05)
    stream = events.follow(conversation, after=0)
    waiting = asyncio.ensure_future(anext(stream))
    await asyncio.sleep(0.02)
    await write(conversation, "a")
    async with asyncio.timeout(5):
        assert texts([await waiting]) == "a"
    await stream.aclose()


async def test_a_silent_conversation_still_gives_heartbeats(
    events: Events, conversation: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events_module, "POLL", 0.02)
    monkeypatch.setattr(events_module, "HEARTBEAT", 0.05)
    stream = events.follow(conversation, after=0)
    async with asyncio.timeout(5):
        assert [await anext(stream), await anext(stream)] == [None, None]
    await stream.aclose()


async def test_a_follower_who_leaves_is_forgotten(
    events: Events, signals: Signals, write: Callable[..., object], conversation: str
) -> None:
    await write(conversation, "a")
    stream = events.follow(conversation, after=0)
    await anext(stream)
    assert conversation in signals._watchers
    await stream.aclose()
    assert signals._watchers == {}


async def test_nobody_waits_for_the_answer_to_a_message_that_is_not_there(events: Events, conversation: str) -> None:
    async with asyncio.timeout(2):
        assert await events.reply_to(conversation, 7, timeout=60) is None


def texts(events: list[Event | None]) -> str:
    return "".join(event.data["text"] for event in events if event is not None)
