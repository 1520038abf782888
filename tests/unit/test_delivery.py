"""The outbox: sent once, in order, by one process, tried again with patience, and never lost without a trace."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncEngine

from bot import delivery as delivery_module
from bot.conversations import Conversations
from bot.delivery import FIRST_WAIT, MAX_ATTEMPTS, Deliveries, Delivery, NotSent, Undeliverable
from bot.events import insert_events, take_numbers
from bot.message import NewEvent
from bot.principal import Principal
from bot.records import AuditRow, DeliveryRow, InboxRow


class Platform:
    """A channel that does as its script says, one entry a call, and keeps what it was sent."""

    def __init__(self, *script: Exception | float | None, repeatable: bool = False) -> None:
        self.repeatable = repeatable
        self.script = list(script)
        self.sent: list[str] = []
        self.seen: list[Delivery] = []
        self.called = asyncio.Event()

    async def send(self, delivery: Delivery) -> None:
        self.seen.append(delivery)
        self.called.set()
        fate = self.script.pop(0) if self.script else None
        if isinstance(fate, float):
            await asyncio.sleep(fate)
        elif fate is not None:
            raise fate
        self.sent.append(str(delivery.data["text"]))


class Outbox:
    """Conversations with replies that wait to be sent."""

    def __init__(self, engine: AsyncEngine, now: dt.datetime) -> None:
        self.engine = engine
        self.now = now

    async def conversation(self, label: str = "openid-1") -> str:
        opened, _ = await Conversations(self.engine).create(
            channel="im", principal=Principal(), now=self.now, label=label
        )
        return opened.id

    async def reply(self, conversation: str, text: str) -> None:
        async with self.engine.begin() as connection:
            first = (await take_numbers(connection, conversation, 1, self.now)).first
            event = NewEvent(type="message.completed", actor="bot", data={"text": text})
            await insert_events(connection, conversation, first, [event], self.now)
            row = {"conversation_id": conversation, "event_seq": first, "channel": "im", "next_at": self.now}
            await connection.execute(insert(DeliveryRow).values(**row))

    def process(self, platform: Platform, engine: AsyncEngine | None = None, **options: Any) -> Deliveries:
        return Deliveries(engine or self.engine, {"im": platform}, lambda: self.now, **options)

    async def rows(self) -> list[tuple[str, int, str | None]]:
        query = select(DeliveryRow.status, DeliveryRow.attempts, DeliveryRow.last_error).order_by(DeliveryRow.id)
        async with self.engine.connect() as connection:
            return [(row.status, row.attempts, row.last_error) for row in await connection.execute(query)]

    async def died_sending(self) -> None:
        """A process marked the delivery and died, longer ago than its lease."""
        long_ago = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
        async with self.engine.begin() as connection:
            await connection.execute(update(DeliveryRow).values(status="sending", attempts=1, lease_until=long_ago))


@pytest.fixture
def outbox(database: AsyncEngine, now: dt.datetime) -> Outbox:
    return Outbox(database, now)


async def test_a_reply_is_sent_once_to_whom_the_channel_knows(outbox: Outbox) -> None:
    conversation = await outbox.conversation("openid-7")
    await outbox.reply(conversation, "您好")
    platform = Platform()
    process = outbox.process(platform)
    assert [await process.send_due("im"), await process.send_due("im")] == [1, 0]
    [seen] = platform.seen
    assert (seen.conversation_id, seen.label, seen.event_seq, seen.attempt) == (conversation, "openid-7", 1, 1)
    assert platform.sent == ["您好"]
    assert await outbox.rows() == [("sent", 1, None)]


async def test_several_processes_send_everything_once_and_in_order(
    outbox: Outbox, open_engine: Callable[[], AsyncEngine]
) -> None:
    conversations = [await outbox.conversation(f"openid-{n}") for n in range(4)]
    for n in range(5):
        for conversation in conversations:
            await outbox.reply(conversation, f"{conversation}:{n}")
    platform = Platform(*[0.002] * 20)
    processes = [outbox.process(platform, engine, every=0.02) for engine in (outbox.engine, open_engine())]
    for process in processes:
        await process.start()
    for _ in range(200):
        if len(platform.sent) == 20:
            break
        await asyncio.sleep(0.02)
    for process in processes:
        await process.stop()
    assert sorted(platform.sent) == sorted(f"{name}:{n}" for name in conversations for n in range(5))
    for name in conversations:
        assert [text for text in platform.sent if text.startswith(name)] == [f"{name}:{n}" for n in range(5)]
    assert set(await outbox.rows()) == {("sent", 1, None)}


async def test_a_platform_that_is_away_is_tried_again_with_growing_patience(outbox: Outbox) -> None:
    await outbox.reply(await outbox.conversation(), "m")
    platform = Platform(NotSent("503"), NotSent("503"))
    process = outbox.process(platform)
    for attempt in range(2):
        assert await process.send_due("im") == 1
        outbox.now += FIRST_WAIT * 2**attempt * 0.7
        assert await process.send_due("im") == 0
        outbox.now += FIRST_WAIT * 2**attempt * 0.6
    assert await outbox.rows() == [("pending", 2, "503")]
    assert await process.send_due("im") == 1
    assert await outbox.rows() == [("sent", 3, None)]


async def test_what_cannot_be_sent_at_last_is_a_dead_letter_with_a_trace(outbox: Outbox, database: AsyncEngine) -> None:
    conversation = await outbox.conversation()
    await outbox.reply(conversation, "m")
    platform = Platform(*[NotSent("503")] * MAX_ATTEMPTS)
    process = outbox.process(platform)
    for _ in range(MAX_ATTEMPTS + 2):
        await process.send_due("im")
        outbox.now += dt.timedelta(hours=1)
    assert await outbox.rows() == [("dead", MAX_ATTEMPTS, "503")]
    async with database.connect() as connection:
        [note] = (await connection.execute(select(AuditRow.action, AuditRow.conversation_id, AuditRow.data))).all()
    assert (note.action, note.conversation_id, note.data["error"]) == ("delivery.dead", conversation, "503")


async def test_a_customer_who_is_gone_is_not_written_to_again(outbox: Outbox) -> None:
    await outbox.reply(await outbox.conversation(), "m")
    platform = Platform(Undeliverable("45047"))
    await outbox.process(platform).send_due("im")
    assert await outbox.rows() == [("dead", 1, "45047")]


async def test_a_reply_waits_for_the_one_before_it_and_not_for_other_conversations(outbox: Outbox) -> None:
    stuck, free = await outbox.conversation("a"), await outbox.conversation("b")
    for conversation in (stuck, stuck, free):
        await outbox.reply(conversation, f"to {'a' if conversation == stuck else 'b'}")
    platform = Platform(NotSent("503"))
    process = outbox.process(platform)
    await process.send_due("im")
    await process.send_due("im")
    assert platform.sent == ["to b"]
    outbox.now += FIRST_WAIT * 2
    await process.send_due("im")
    await process.send_due("im")
    assert platform.sent == ["to b", "to a", "to a"]


@pytest.mark.parametrize("fate", [RuntimeError("隐私"), TimeoutError(), 9.0])
async def test_where_nobody_knows_if_it_was_sent_it_is_not_sent_again(outbox: Outbox, fate: Exception | float) -> None:
    await outbox.reply(await outbox.conversation(), "m")
    process = outbox.process(Platform(fate), lease=0.05)
    await process.send_due("im")
    outbox.now += dt.timedelta(hours=1)
    assert await process.send_due("im") == 0
    [(status, attempts, error)] = await outbox.rows()
    assert (status, attempts) == ("dead", 1)
    assert error is not None
    assert "nobody knows" in error
    assert "隐私" not in error


async def test_where_a_repetition_does_no_harm_it_is_sent_again(outbox: Outbox) -> None:
    await outbox.reply(await outbox.conversation(), "m")
    platform = Platform(RuntimeError(), repeatable=True)
    process = outbox.process(platform)
    await process.send_due("im")
    outbox.now += FIRST_WAIT * 2
    await process.send_due("im")
    assert await outbox.rows() == [("sent", 2, None)]
    await outbox.died_sending()
    assert await process.send_due("im") == 1
    assert platform.sent == ["m", "m"]


async def test_what_a_dead_process_was_sending_is_put_aside(outbox: Outbox) -> None:
    await outbox.reply(await outbox.conversation(), "m")
    await outbox.died_sending()
    platform = Platform()
    assert await outbox.process(platform).send_due("im") == 0
    assert platform.sent == []
    assert await outbox.rows() == [("dead", 1, "nobody knows if it was sent")]


async def test_a_sender_that_was_taken_over_has_no_say_any_more(
    outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery_module, "STORE_WITHIN", -0.95)
    await outbox.reply(await outbox.conversation(), "m")
    processes = [outbox.process(Platform(0.4, repeatable=True), lease=1.0) for _ in range(2)]
    late = asyncio.create_task(processes[0].send_due("im"))
    await asyncio.sleep(0.2)
    other = asyncio.create_task(processes[1].send_due("im"))
    assert await late == 1
    assert await outbox.rows() == [("sending", 2, None)]
    assert await other == 1
    assert await outbox.rows() == [("sent", 2, None)]


async def test_stopping_lets_the_message_that_is_being_sent_be_sent(outbox: Outbox) -> None:
    conversation = await outbox.conversation()
    for text in ("first", "second"):
        await outbox.reply(conversation, text)
    platform = Platform(0.2)
    process = outbox.process(platform)
    await process.start()
    await platform.called.wait()
    await process.stop()
    assert platform.sent == ["first"]
    assert [status for status, _, _ in await outbox.rows()] == ["sent", "pending"]


HELD = dt.timedelta(seconds=5)


async def _answered(outbox: Outbox, engine: AsyncEngine) -> str:
    """A conversation in which a message that came just now was answered."""
    conversation = await outbox.conversation()
    async with engine.begin() as connection:
        asked = (await take_numbers(connection, conversation, 1, outbox.now)).first
        row = {"conversation_id": conversation, "seq": asked, "message_id": "1", "body_hash": "", "text": "?"}
        stands = {"principal": {}, "channel": "im", "received_at": outbox.now}
        await connection.execute(insert(InboxRow).values(**row, **stands))
        answer = (await take_numbers(connection, conversation, 1, outbox.now)).first
        event = NewEvent(type="message.completed", actor="bot", data={"text": "m"})
        await insert_events(connection, conversation, answer, [event], outbox.now, in_reply_to=asked)
        due = {"conversation_id": conversation, "event_seq": answer, "channel": "im", "next_at": outbox.now}
        await connection.execute(insert(DeliveryRow).values(**due))
    return conversation


async def test_an_answer_is_left_to_the_request_for_as_long_as_that_waits(
    outbox: Outbox, database: AsyncEngine
) -> None:
    await _answered(outbox, database)
    platform = Platform()
    process = outbox.process(platform, held={"im": HELD})
    outbox.now += HELD - dt.timedelta(seconds=1)
    assert await process.send_due("im") == 0
    outbox.now += dt.timedelta(seconds=1)
    assert await process.send_due("im") == 1
    assert platform.sent == ["m"]


async def test_what_the_request_carried_is_not_sent_and_what_was_sent_is_not_carried(
    outbox: Outbox, database: AsyncEngine
) -> None:
    conversation = await _answered(outbox, database)
    platform = Platform()
    process = outbox.process(platform, held={"im": HELD})
    assert not await process.answer_in_place("other", conversation, 2)
    assert await process.answer_in_place("im", conversation, 2)
    assert await process.answer_in_place("im", conversation, 2)
    outbox.now += HELD
    assert await process.send_due("im") == 0
    await outbox.reply(conversation, "next")
    assert await process.send_due("im") == 1
    assert not await process.answer_in_place("im", conversation, 3)
    assert platform.sent == ["next"]


async def test_a_request_carries_nothing_past_what_waits(outbox: Outbox) -> None:
    conversation = await outbox.conversation()
    for text in ("first", "second"):
        await outbox.reply(conversation, text)
    process = outbox.process(Platform())
    assert not await process.answer_in_place("im", conversation, 2)
    assert await process.answer_in_place("im", conversation, 1)
    assert await process.answer_in_place("im", conversation, 2)
