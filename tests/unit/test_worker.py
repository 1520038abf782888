"""Accepted messages are handled: each once, in order, whatever dies in between."""

from __future__ import annotations

import asyncio
import datetime as dt
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis
from sqlalchemy import func, select
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncEngine

from bot import events as events_module
from bot.conversations import Conversations
from bot.embedded_redis import EmbeddedRedis
from bot.events import Event, Events
from bot.inbox import Inbox
from bot.leases import LeaseLost, Leases, Outcome
from bot.message import Incoming, NewEvent, Turn
from bot.otp import Challenges
from bot.principal import Principal
from bot.records import ConversationRow, DeliveryRow, InboxRow, TurnRow
from bot.session import Session, Task
from bot.signals import Signals
from bot.worker import MAX_STARTS, TRIES, Handle, Worker
from responses.reply import How, Reply
from tests.conftest import NOW

VISITOR = Principal()


def turn(message: Incoming, said: str, **changes: Any) -> Turn:
    """What the router would hand back, made by hand."""
    reply = Reply(text=said, language="zh", evidence=(), how=How(generator="t", verdict="template", rules="r"))
    understood: dict[str, Any] = {"intents": [], "act": "ask", "slots": [], "in_scope": True}
    plain = {
        "reply": reply,
        "session": Session(),
        "owner": message.owner,
        "awaiting_challenge": None,
        "record": {"understanding": understood, "decisions": []},
    }
    return Turn.model_validate({**plain, **changes})


async def echo(message: Incoming, session: dict[str, Any], principal: Principal, now: dt.datetime) -> Turn:
    return turn(message, f"re: {message.text}")


class Drawer:
    """A phone that nobody looks at."""

    async def send(self, customer_id: str, code: str, expires_at: dt.datetime) -> None:
        pass


class Bank:
    """One process's parts over a database: the tests run several of them side by side."""

    def __init__(self, engine: AsyncEngine, redis: Redis | None) -> None:
        self.engine = engine
        self.signals = Signals(redis)
        self.events = Events(engine, self.signals)
        self.conversations = Conversations(engine)
        self.challenges = Challenges(engine, Drawer(), key=b"key")
        self.inbox = Inbox(engine, self.signals, self.challenges, mask=str, key=b"key")

    async def conversation(self, channel: str = "web") -> str:
        opened, _ = await self.conversations.create(channel=channel, principal=VISITOR, now=NOW)
        return opened.id

    async def say(self, conversation: str, said: str, channel: str = "web") -> int:
        taken = await self.inbox.accept(conversation, said, said, principal=VISITOR, channel=channel, now=NOW)
        return taken.seq

    async def answer(self, conversation: str, seq: int, within: float = 8.0) -> Event:
        event = await self.events.reply_to(conversation, seq, within)
        assert event is not None, f"message {seq} was not answered"
        return event

    def worker(self, handle: Handle = echo, **options: Any) -> Worker:
        return Worker(self.engine, self.signals, handle, lambda: NOW, **options)

    @asynccontextmanager
    async def working(self, handle: Handle = echo, **options: Any) -> AsyncIterator[Worker]:
        worker = self.worker(handle, **options)
        await worker.start()
        try:
            yield worker
        finally:
            await worker.stop()


@pytest.fixture
async def open_bank(
    open_engine: Callable[[], AsyncEngine], redis: Redis
) -> AsyncIterator[Callable[[], Awaitable[Bank]]]:
    banks: list[Bank] = []

    async def open_one() -> Bank:
        bank = Bank(open_engine(), redis)
        await bank.signals.start()
        banks.append(bank)
        return bank

    yield open_one
    for bank in banks:
        await bank.signals.stop()


@pytest.fixture
async def bank(open_bank: Callable[[], Awaitable[Bank]]) -> Bank:
    return await open_bank()


async def test_a_message_is_answered_and_its_turn_is_stored_whole(bank: Bank) -> None:
    conversation = await bank.conversation()
    async with bank.working():
        seq = await bank.say(conversation, "你好")
        answer = await bank.answer(conversation, seq)
    assert (answer.seq, answer.actor, answer.at) == (2, "bot", NOW)
    assert answer.data["text"] == "re: 你好"
    assert (answer.data["seq"], answer.data["in_reply_to"]) == (2, seq)
    async with bank.engine.connect() as connection:
        assert await connection.scalar(select(InboxRow.status)) == "done"
        assert (await connection.scalar(select(TurnRow.record)))["decisions"] == []
        row = (await connection.execute(select(ConversationRow.seq, ConversationRow.lease_until))).one()
    assert tuple(row) == (2, None)


async def test_the_session_of_one_turn_is_what_the_next_one_starts_from(bank: Bank) -> None:
    async def count(message: Incoming, session: dict[str, Any], principal: Principal, now: dt.datetime) -> Turn:
        turns = session.get("turns", 0) + 1
        return turn(message, str(turns), session=Session(turns=turns))

    conversation = await bank.conversation()
    async with bank.working(count):
        seqs = [await bank.say(conversation, f"m{n}") for n in range(5)]
        said = [(await bank.answer(conversation, seq)).data["text"] for seq in seqs]
    assert said == ["1", "2", "3", "4", "5"]


async def test_two_workers_handle_every_message_once_in_order_and_never_two_of_a_conversation(
    open_bank: Callable[[], Awaitable[Bank]],
) -> None:
    banks = [await open_bank(), await open_bank()]
    running: set[str] = set()
    handled: dict[str, list[int]] = {}
    by: list[set[str]] = [set(), set()]
    overlaps: list[str] = []

    def handler(index: int) -> Handle:
        async def handle(message: Incoming, session: dict[str, Any], principal: Principal, now: dt.datetime) -> Turn:
            if message.conversation_id in running:
                overlaps.append(message.conversation_id)
            running.add(message.conversation_id)
            await asyncio.sleep(0.001)
            running.discard(message.conversation_id)
            handled.setdefault(message.conversation_id, []).append(message.seq)
            by[index].add(message.conversation_id)
            return turn(message, "ok")

        return handle

    conversations = [await banks[0].conversation() for _ in range(20)]
    async with banks[0].working(handler(0), lease=30), banks[1].working(handler(1), lease=30):
        sent = await asyncio.gather(*(banks[n % 2].say(name, f"m{n}") for n in range(10) for name in conversations))
        for name, seq in zip(conversations * 10, sent, strict=True):
            await banks[0].answer(name, seq)
    assert overlaps == []
    for name in conversations:
        assert handled[name] == sorted(set(handled[name]))
        assert len(handled[name]) == 10
    assert by[0] | by[1] == set(conversations)
    # Both took part; otherwise nothing was contended and the test would say nothing.
    assert by[0]
    assert by[1]


async def test_a_message_that_comes_while_a_turn_runs_needs_no_sweep(bank: Bank) -> None:
    began, go_on = asyncio.Event(), asyncio.Event()

    async def slow(message: Incoming, session: dict[str, Any], principal: Principal, now: dt.datetime) -> Turn:
        began.set()
        await go_on.wait()
        return turn(message, "ok")

    conversation = await bank.conversation()
    async with bank.working(slow, sweep=600):
        await bank.say(conversation, "m1")
        await began.wait()
        second = await bank.say(conversation, "m2")
        go_on.set()
        await bank.answer(conversation, second, within=3)


async def test_messages_that_wait_together_are_handled_in_one_go(open_engine: Callable[[], AsyncEngine]) -> None:
    deaf = Bank(open_engine(), None)
    conversation = await deaf.conversation()
    seqs = [await deaf.say(conversation, f"m{n}") for n in range(5)]
    # It looks once, when it starts, and nobody wakes it.
    async with deaf.working(sweep=600):
        assert [(await deaf.answer(conversation, seq)).data["text"] for seq in seqs] == [f"re: m{n}" for n in range(5)]


async def test_no_transaction_is_open_while_a_turn_runs(bank: Bank, open_bank: Callable[[], Awaitable[Bank]]) -> None:
    other = await open_bank()

    async def writes_elsewhere(
        message: Incoming, session: dict[str, Any], principal: Principal, now: dt.datetime
    ) -> Turn:
        async with asyncio.timeout(2):
            await other.say(message.conversation_id, "from another process") if message.text == "m1" else None
        return turn(message, "ok")

    conversation = await bank.conversation()
    async with bank.working(writes_elsewhere):
        answer = await bank.answer(conversation, await bank.say(conversation, "m1"))
    assert answer.data["text"] == "ok"


async def test_a_worker_that_dies_in_the_middle_is_taken_over(bank: Bank) -> None:
    conversation = await bank.conversation()
    seq = await bank.say(conversation, "m1")
    dead = await Leases(bank.engine, seconds=0.3).claim(conversation, "a worker that is killed now")
    assert dead is not None
    async with bank.working(sweep=0.1):
        assert (await bank.answer(conversation, seq)).data["text"] == "re: m1"


async def test_a_worker_that_was_thought_dead_stores_nothing(bank: Bank) -> None:
    conversation = await bank.conversation()
    await bank.say(conversation, "m1")
    leases = Leases(bank.engine, seconds=0.05)
    late = await leases.claim(conversation, "late")
    assert late is not None
    await asyncio.sleep(0.1)
    successor = await leases.claim(conversation, "successor")
    assert successor is not None
    assert not await leases.renew(late)
    with pytest.raises(LeaseLost):
        await leases.finish(late, outcome("from the late one"), NOW)
    await leases.finish(successor, outcome("from its successor"), NOW)
    said = [event.data["text"] for event in await bank.events.read(conversation) if event.actor == "bot"]
    assert said == ["from its successor"]


async def test_a_held_conversation_cannot_be_claimed(bank: Bank) -> None:
    conversation = await bank.conversation()
    await bank.say(conversation, "m1")
    leases = Leases(bank.engine)
    claims = await asyncio.gather(*(leases.claim(conversation, f"w{n}") for n in range(8)))
    assert sum(claim is not None for claim in claims) == 1
    assert await leases.waiting() == []


async def test_a_long_turn_keeps_its_lease(bank: Bank, open_bank: Callable[[], Awaitable[Bank]]) -> None:
    calls = []

    async def long(message: Incoming, session: dict[str, Any], principal: Principal, now: dt.datetime) -> Turn:
        calls.append(message.seq)
        await asyncio.sleep(0.6)
        return turn(message, "ok")

    other = await open_bank()
    conversation = await bank.conversation()
    async with bank.working(long, lease=0.2, sweep=0.05), other.working(long, lease=0.2, sweep=0.05):
        await bank.answer(conversation, await bank.say(conversation, "m1"))
    assert calls == [1]


async def test_a_turn_that_fails_is_tried_again_and_answered_once(bank: Bank, caplog: pytest.LogCaptureFixture) -> None:
    calls = []

    async def fails_twice(message: Incoming, session: dict[str, Any], principal: Principal, now: dt.datetime) -> Turn:
        calls.append(message.seq)
        if len(calls) < TRIES:
            raise RuntimeError(f"cannot read {message.text}")
        return turn(message, "ok")

    conversation = await bank.conversation()
    async with bank.working(fails_twice):
        answer = await bank.answer(conversation, await bank.say(conversation, "my own words"))
    assert answer.data["text"] == "ok"
    assert len(calls) == TRIES
    assert "RuntimeError" in caplog.text
    assert "my own words" not in caplog.text


async def test_a_turn_that_finds_the_database_away_waits_for_it_instead_of_apologising(bank: Bank) -> None:
    begun = 0

    async def unlucky(message: Incoming, session: dict[str, Any], principal: Principal, now: dt.datetime) -> Turn:
        nonlocal begun
        begun += 1
        if begun <= TRIES:
            raise OperationalError("SELECT 1", {}, ConnectionRefusedError())
        return await echo(message, session, principal, now)

    async with bank.working(unlucky, lease=0.3, sweep=0.1):
        conversation = await bank.conversation()
        answered = await bank.answer(conversation, await bank.say(conversation, "在吗"))
    assert answered.data["text"] == "re: 在吗"
    assert begun == TRIES + 1


async def test_a_turn_that_cannot_be_run_ends_in_an_apology_and_the_next_one_runs(bank: Bank) -> None:
    async def chokes(message: Incoming, session: dict[str, Any], principal: Principal, now: dt.datetime) -> Turn:
        if message.text == "m1":
            raise RuntimeError
        return turn(message, "ok")

    conversation = await bank.conversation()
    async with bank.working(chokes):
        first, second = await bank.say(conversation, "m1"), await bank.say(conversation, "m2")
        apology, answer = await bank.answer(conversation, first), await bank.answer(conversation, second)
    assert "抱歉" in apology.data["text"]
    assert apology.data.keys() == answer.data.keys()
    assert answer.data["text"] == "ok"
    async with bank.engine.connect() as connection:
        assert list(await connection.scalars(select(InboxRow.status).order_by(InboxRow.seq))) == ["failed", "done"]


async def test_a_code_that_was_sent_before_its_turn_failed_is_still_awaited(bank: Bank) -> None:
    conversation = await bank.conversation()
    issued = []

    async def sends_a_code(message: Incoming, session: dict[str, Any], principal: Principal, now: dt.datetime) -> Turn:
        if message.text == "m1":
            issued.append(await bank.challenges.issue("C1001", conversation, "quote", "digest", now))
            raise RuntimeError
        return turn(message, "none" if message.code_digest is None else str(message.challenge_id))

    async with bank.working(sends_a_code):
        await bank.answer(conversation, await bank.say(conversation, "m1"))
        answer = await bank.answer(conversation, await bank.say(conversation, "271828"))
    assert answer.data["text"] == issued[-1].challenge_id


async def test_a_message_that_kills_its_process_is_not_begun_for_ever(bank: Bank) -> None:
    conversation = await bank.conversation()
    seq = await bank.say(conversation, "m1")
    leases = Leases(bank.engine, seconds=0)
    for _ in range(MAX_STARTS):
        await asyncio.sleep(0.002)
        assert await leases.claim(conversation, "killed") is not None

    begun = []

    async def kills(message: Incoming, session: dict[str, Any], principal: Principal, now: dt.datetime) -> Turn:
        begun.append(message.seq)
        return turn(message, "ok")

    async with bank.working(kills):
        assert "抱歉" in (await bank.answer(conversation, seq)).data["text"]
    assert begun == []


async def test_a_turn_that_never_ends_is_given_up(bank: Bank) -> None:
    async def hangs(message: Incoming, session: dict[str, Any], principal: Principal, now: dt.datetime) -> Turn:
        await asyncio.sleep(3600)
        raise AssertionError

    conversation = await bank.conversation()
    async with bank.working(hangs, lease=0.3, patience=0.1):
        assert "抱歉" in (await bank.answer(conversation, await bank.say(conversation, "m1"))).data["text"]


async def test_a_human_who_takes_over_while_the_bot_thinks_silences_it(bank: Bank) -> None:
    conversation = await bank.conversation()

    async def interrupted(message: Incoming, session: dict[str, Any], principal: Principal, now: dt.datetime) -> Turn:
        assert await bank.conversations.change_owner(conversation, "bot", "rep-7", NOW, actor="rep-7")
        return turn(message, "the bot's answer", events=(NewEvent(type="x", actor="bot", data={}),))

    async with bank.working(interrupted):
        assert await bank.events.reply_to(conversation, await bank.say(conversation, "m1"), 5.0) is None
    assert [event.actor for event in await bank.events.read(conversation)] == ["customer"]
    found = await bank.conversations.get(conversation)
    assert found is not None
    assert found.owner == "rep-7"


async def test_what_a_human_kept_from_being_said_is_not_remembered(bank: Bank) -> None:
    conversation = await bank.conversation()

    async def reads_back(message: Incoming, session: dict[str, Any], principal: Principal, now: dt.datetime) -> Turn:
        assert await bank.conversations.change_owner(conversation, "bot", "rep-7", NOW, actor="rep-7")
        quoted = Task(id=1, capability="card_repay", act="do", awaiting="confirm", touched_at=NOW)
        return turn(message, "200.00元，确认吗？").model_copy(update={"session": Session(tasks=(quoted,))})

    async with bank.working(reads_back):
        assert await bank.events.reply_to(conversation, await bank.say(conversation, "m1"), 5.0) is None
    async with bank.engine.connect() as connection:
        assert await connection.scalar(select(ConversationRow.session)) == {}


async def test_the_owner_a_turn_decides_is_the_next_messages(bank: Bank) -> None:
    async def hand_off(message: Incoming, session: dict[str, Any], principal: Principal, now: dt.datetime) -> Turn:
        queued = NewEvent(type="handover.queued", actor="bot", data={"position": 1})
        return turn(message, message.owner, owner="queue", events=(queued,))

    conversation = await bank.conversation()
    async with bank.working(hand_off):
        first = await bank.answer(conversation, await bank.say(conversation, "m1"))
        second = await bank.answer(conversation, await bank.say(conversation, "m2"))
    assert (first.data["text"], second.data["text"]) == ("bot", "queue")
    types = [event.type for event in await bank.events.read(conversation)]
    assert types == ["message.completed", "message.completed", "handover.queued"] * 2


async def test_only_channels_that_must_be_sent_to_get_a_delivery(bank: Bank) -> None:
    async with bank.working(pushed=frozenset({"wechat"})):
        for channel in ("web", "wechat"):
            conversation = await bank.conversation(channel)
            await bank.answer(conversation, await bank.say(conversation, "m1", channel))
    async with bank.engine.connect() as connection:
        rows = (await connection.execute(select(DeliveryRow.channel, DeliveryRow.event_seq, DeliveryRow.status))).all()
    assert [tuple(row) for row in rows] == [("wechat", 2, "pending")]


async def test_stopping_finishes_the_turn_that_runs_and_leaves_the_rest(bank: Bank) -> None:
    began = asyncio.Event()

    async def slow(message: Incoming, session: dict[str, Any], principal: Principal, now: dt.datetime) -> Turn:
        began.set()
        await asyncio.sleep(0.2)
        return turn(message, "ok")

    conversation = await bank.conversation()
    async with bank.working(slow):
        first = await bank.say(conversation, "m1")
        await began.wait()
        await bank.say(conversation, "m2")
    await bank.answer(conversation, first, within=0)
    assert await Leases(bank.engine).waiting() == [conversation]


async def test_a_turn_that_outlasts_the_grace_is_let_go_at_once(bank: Bank) -> None:
    began = asyncio.Event()

    async def hangs(message: Incoming, session: dict[str, Any], principal: Principal, now: dt.datetime) -> Turn:
        began.set()
        await asyncio.sleep(3600)
        raise AssertionError

    worker = bank.worker(hangs, lease=600)
    await worker.start()
    conversation = await bank.conversation()
    await bank.say(conversation, "m1")
    await began.wait()
    await worker.stop(grace=0.05)
    assert await Leases(bank.engine).waiting() == [conversation]


async def test_a_lost_signal_only_costs_a_sweep(
    open_engine: Callable[[], AsyncEngine], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events_module, "POLL", 0.05)
    deaf, sender = Bank(open_engine(), None), Bank(open_engine(), None)
    conversation = await sender.conversation()
    async with deaf.working(sweep=0.1):
        seq = await sender.say(conversation, "m1")
        assert (await sender.answer(conversation, seq)).data["text"] == "re: m1"


async def test_a_signal_through_redis_wakes_another_process_before_any_sweep(
    open_bank: Callable[[], Awaitable[Bank]],
) -> None:
    here, there = await open_bank(), await open_bank()
    conversation = await here.conversation()
    async with there.working(sweep=600):
        # The subscription is made in the background.
        await asyncio.sleep(0.1)
        await here.answer(conversation, await here.say(conversation, "m1"), within=3)


async def test_a_redis_that_is_killed_in_between_loses_nothing(
    open_engine: Callable[[], AsyncEngine], tmp_path: Path
) -> None:
    redis = await EmbeddedRedis.open(tmp_path)
    bank = Bank(open_engine(), redis)
    await bank.signals.start()
    conversations = [await bank.conversation() for _ in range(5)]
    async with bank.working(sweep=0.2):
        sent = []
        for n in range(4):
            sent += [(name, await bank.say(name, f"m{n}")) for name in conversations]
            if n == 1:
                assert redis.server.state is not None
                os.kill(redis.server.state[0], signal.SIGKILL)
        for name, seq in sent:
            await bank.answer(name, seq)
    await bank.signals.stop()
    await redis.aclose()
    async with bank.engine.connect() as connection:
        assert await connection.scalar(select(func.count()).select_from(TurnRow)) == 20


def outcome(said: str) -> Outcome:
    return Outcome(
        status="done",
        reply={"text": said},
        events=(),
        session={},
        owner="bot",
        record={},
    )
