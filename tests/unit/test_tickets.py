"""The queue for humans: places, waits, service hours."""

from __future__ import annotations

import asyncio
import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.conversations import Conversations
from bot.desk.tickets import Queued, ServiceHours, Tickets
from bot.principal import Principal


class Queue:
    """Opens a ticket for a new conversation, some seconds after the test's beginning."""

    def __init__(self, engine: AsyncEngine, now: dt.datetime) -> None:
        self.tickets = Tickets(engine)
        self.conversations = Conversations(engine)
        self.now = now

    async def conversation(self) -> str:
        opened, _ = await self.conversations.create(channel="web", principal=Principal(), now=self.now)
        return opened.id

    async def join(self, second: int = 0, priority: int = 0, conversation: str | None = None) -> tuple[str, Queued]:
        conversation = conversation or await self.conversation()
        at = self.now + dt.timedelta(seconds=second)
        return conversation, await self.tickets.open(conversation, None, "asked for a person", priority, at)

    async def place(self, conversation: str) -> int | None:
        queued = await self.tickets.state(conversation, self.now)
        return queued.position if queued else None


@pytest.fixture
def queue(database: AsyncEngine, now: dt.datetime) -> Queue:
    return Queue(database, now)


async def test_customers_queue_in_the_order_in_which_they_came(queue: Queue) -> None:
    places = [(await queue.join(second))[1] for second in range(3)]
    assert [(place.position, place.ahead, place.wait_minutes) for place in places] == [(1, 0, 2), (2, 1, 4), (3, 2, 6)]


async def test_an_urgent_customer_comes_before_those_who_wait(queue: Queue) -> None:
    first, _ = await queue.join(0)
    second, _ = await queue.join(1)
    urgent, place = await queue.join(2, priority=9)
    assert place.position == 1
    assert [await queue.place(name) for name in (urgent, first, second)] == [1, 2, 3]


async def test_asking_again_keeps_the_place_and_an_urgent_reason_betters_it(queue: Queue) -> None:
    await queue.join(0)
    name, place = await queue.join(1)
    assert (await queue.join(5, conversation=name))[1] == place
    assert (await queue.join(6, priority=9, conversation=name))[1].position == 1
    assert (await queue.join(7, priority=0, conversation=name))[1].position == 1


async def test_asking_many_times_at_once_makes_one_ticket(queue: Queue) -> None:
    name = await queue.conversation()
    places = await asyncio.gather(*(queue.join(n, conversation=name) for n in range(8)))
    assert len({place.ticket_id for _, place in places}) == 1


async def test_who_leaves_the_queue_frees_the_place_and_may_come_again(queue: Queue) -> None:
    first, place = await queue.join(0)
    second, _ = await queue.join(1)
    assert await queue.tickets.close(first, queue.now)
    assert not await queue.tickets.close(first, queue.now)
    assert [await queue.place(name) for name in (first, second)] == [None, 1]
    again = (await queue.join(2, conversation=first))[1]
    assert again.position == 2
    assert again.ticket_id != place.ticket_id


@given(st.times())
def test_service_hours_are_bank_time_whatever_the_zone(at: dt.time) -> None:
    hours = ServiceHours(opens=dt.time(8, 30), closes=dt.time(21, 0))
    in_beijing = dt.datetime.combine(dt.date(2026, 11, 21), at, hours.zone)
    assert hours.include(in_beijing.astimezone(dt.UTC)) is (dt.time(8, 30) <= at < dt.time(21, 0))


async def test_a_ticket_opened_at_night_says_when_somebody_serves(queue: Queue, database: AsyncEngine) -> None:
    tickets = Tickets(database, ServiceHours(opens=dt.time(9), closes=dt.time(18)))
    night = dt.datetime(2026, 11, 21, 15, 0, tzinfo=dt.UTC)
    queued = await tickets.open(await queue.conversation(), "C1001", "asked", 0, night)
    assert not queued.in_hours
    assert (queued.hours_from, queued.hours_to) == (dt.time(9), dt.time(18))
