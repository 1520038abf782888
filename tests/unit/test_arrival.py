"""A message claimed by the process that takes it in, in the same transaction: no second one, and no guarantee less."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.events import UnknownConversation
from bot.inbox import BodyConflict, Inbox
from bot.leases import LeaseLost, Leases
from bot.message import Incoming, Turn
from bot.principal import Principal
from bot.records import ConversationRow
from bot.worker import Handle
from tests.conftest import NOW
from tests.unit.test_worker import VISITOR, Bank, echo, outcome, turn

NEVER = 1_000.0


class Desk(Bank):
    """One process whose inbox claims for its own worker. Nothing else wakes the worker here: it never sweeps."""

    @asynccontextmanager
    async def at_work(self, handle: Handle = echo, **options: Any) -> AsyncIterator[None]:
        worker = self.worker(handle, **{"sweep": NEVER, **options})
        await worker.start()
        await asyncio.sleep(0.05)  # Its first sweep is over.
        self.inbox = Inbox(self.engine, self.signals, self.challenges, mask=str, key=b"key", worker=worker)
        try:
            yield
        finally:
            await worker.stop()


@pytest.fixture
def desk(database: AsyncEngine) -> Desk:
    return Desk(database, None)


@pytest.fixture
def claims(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The conversations that were claimed in a transaction of their own."""
    made: list[str] = []
    claim = Leases.claim

    async def noted(self: Leases, conversation_id: str, holder: str) -> Any:
        made.append(conversation_id)
        return await claim(self, conversation_id, holder)

    monkeypatch.setattr(Leases, "claim", noted)
    return made


async def test_a_message_that_finds_room_is_answered_without_a_claim_of_its_own(desk: Desk, claims: list[str]) -> None:
    conversation = await desk.conversation()
    async with desk.at_work():
        for number in range(3):
            said = f"m{number}"
            assert (await desk.answer(conversation, await desk.say(conversation, said))).data["text"] == f"re: {said}"
    assert claims == []
    async with desk.engine.connect() as connection:
        row = (await connection.execute(select(ConversationRow.fence, ConversationRow.lease_until))).one()
    assert tuple(row) == (3, None)


async def test_what_was_left_over_is_answered_before_what_arrives(desk: Desk) -> None:
    order: list[str] = []

    async def handle(message: Incoming, session: dict[str, Any], principal: Principal, now: dt.datetime) -> Turn:
        order.append(message.text)
        return turn(message, "ok")

    conversation = await desk.conversation()
    async with desk.at_work(handle):
        unheard, heard = Bank(desk.engine, None), desk  # Whom the worker does not hear, and whom it claims for.
        await unheard.say(conversation, "first")
        await heard.answer(conversation, await heard.say(conversation, "second"))
    assert order == ["first", "second"]


async def test_a_conversation_that_another_process_holds_is_left_to_it(desk: Desk) -> None:
    conversation = await desk.conversation()
    await desk.say(conversation, "m1")
    work = await Leases(desk.engine).claim(conversation, "another process")
    assert work is not None
    async with desk.at_work():
        second = await desk.say(conversation, "m2")
        assert await desk.events.reply_to(conversation, second, 0.2) is None
        following = await Leases(desk.engine).finish(work, outcome("from the other"), NOW)
    assert following is not None
    assert following.incoming.seq == second


async def test_who_was_late_stores_nothing_over_what_arrived_after_its_lease(desk: Desk) -> None:
    conversation = await desk.conversation()
    await desk.say(conversation, "m1")
    leases = Leases(desk.engine, seconds=0.05)
    late = await leases.claim(conversation, "late")
    assert late is not None
    await asyncio.sleep(0.1)
    async with desk.at_work():
        await desk.answer(conversation, await desk.say(conversation, "m2"))
    with pytest.raises(LeaseLost):
        await leases.finish(late, outcome("too late"), NOW)
    said = [event.data["text"] for event in await desk.events.read(conversation) if event.actor == "bot"]
    assert said == ["re: m1", "re: m2"]


async def test_a_message_that_is_refused_gives_its_place_up(desk: Desk) -> None:
    conversation = await desk.conversation()
    async with desk.at_work(concurrency=1):
        await desk.answer(conversation, await desk.say(conversation, "m1"))
        assert await desk.say(conversation, "m1") == 1
        with pytest.raises(BodyConflict):
            await desk.inbox.accept(conversation, "m1", "other", principal=VISITOR, channel="web", now=NOW)
        with pytest.raises(UnknownConversation):
            await desk.say("nowhere", "m2")
        assert (await desk.answer(conversation, await desk.say(conversation, "m3"))).data["text"] == "re: m3"


async def test_a_worker_without_room_is_told_and_comes_when_it_has(desk: Desk, claims: list[str]) -> None:
    at_once: list[str] = []
    most = 0

    async def handle(message: Incoming, session: dict[str, Any], principal: Principal, now: dt.datetime) -> Turn:
        nonlocal most
        at_once.append(message.conversation_id)
        most = max(most, len(at_once))
        await asyncio.sleep(0.02)
        at_once.remove(message.conversation_id)
        return turn(message, "ok")

    names = [await desk.conversation() for _ in range(6)]
    async with desk.at_work(handle, concurrency=2):
        sent = await asyncio.gather(*(desk.say(name, "m1") for name in names))
        for name, seq in zip(names, sent, strict=True):
            await desk.answer(name, seq)
    assert most == 2
    assert 0 < len(claims) < 6


async def test_bursts_into_one_conversation_through_two_processes_keep_their_order(
    open_engine: Callable[[], AsyncEngine],
) -> None:
    running, handled = set(), []

    async def handle(message: Incoming, session: dict[str, Any], principal: Principal, now: dt.datetime) -> Turn:
        assert not running
        running.add(message.seq)
        await asyncio.sleep(0)
        running.remove(message.seq)
        handled.append(message.seq)
        return turn(message, "ok")

    desks = [Desk(open_engine(), None) for _ in range(2)]
    conversation = await desks[0].conversation()
    async with desks[0].at_work(handle, sweep=0.2), desks[1].at_work(handle, sweep=0.2):
        sent = await asyncio.gather(*(desks[n % 2].say(conversation, f"m{n}") for n in range(60)))
        for seq in sent:
            await desks[0].answer(conversation, seq)
    assert sorted(handled) == handled == sorted(sent)
