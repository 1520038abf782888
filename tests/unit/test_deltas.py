"""A reply that is heard while it is made: stored before it is seen, resumable, and never taken back."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from redis.asyncio import Redis
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.events import Event
from bot.message import Incoming, Turn
from bot.outlet import Outlet
from bot.principal import Principal
from bot.records import ConversationRow
from bot.worker import StreamedHandle
from responses.reply import Evidence
from responses.streaming import Heard
from tests.conftest import NOW
from tests.unit.test_worker import Bank, turn

FIGURE = Evidence(start=2, end=4, name="amount", value="12", unit="CNY", source="card", as_of=NOW)


@pytest.fixture
async def bank(open_engine: Callable[[], AsyncEngine], redis: Redis) -> AsyncIterator[Bank]:
    bank = Bank(open_engine(), redis)
    await bank.signals.start()
    yield bank
    await bank.signals.stop()


async def two_sentences(
    message: Incoming, session: dict[str, Any], principal: Principal, now: dt.datetime, outlet: Outlet
) -> Turn:
    """Says what was not said yet of two sentences."""
    for sentence, evidence in (("还需12元。", (FIGURE,)), ("月底前还。", ())):
        if sentence not in outlet.heard.text:
            await outlet.hear(sentence, evidence)
    return turn(message, "还需12元。月底前还。")


def deltas(events: list[Event]) -> list[dict[str, Any]]:
    return [event.data for event in events if event.type == "message.delta"]


async def answered(bank: Bank, handle: StreamedHandle, channel: str = "web") -> list[Event]:
    conversation = await bank.conversation(channel)
    async with bank.working(streamed={"web": handle}):
        seq = await bank.say(conversation, "还多少", channel)
        await bank.answer(conversation, seq)
    return await bank.events.read(conversation)


async def test_sentences_leave_as_numbered_events_and_the_whole_message_is_what_left(bank: Bank) -> None:
    events = await answered(bank, two_sentences)
    assert [event.seq for event in events] == [1, 2, 3, 4]
    assert [event.type for event in events[1:]] == ["message.delta", "message.delta", "message.completed"]
    first, second = deltas(events)
    assert (first["in_reply_to"], first["start"], first["text"]) == (1, 0, "还需12元。")
    assert first["evidence"][0]["name"] == "amount"
    assert (second["in_reply_to"], second["start"]) == (1, len("还需12元。"))
    assert events[-1].data["text"] == first["text"] + second["text"]


async def test_whoever_resumes_behind_a_sentence_gets_the_rest_and_no_more(bank: Bank) -> None:
    conversation = await bank.conversation()
    async with bank.working(streamed={"web": two_sentences}):
        await bank.answer(conversation, await bank.say(conversation, "还多少"))
    follow = bank.events.follow(conversation, 0)
    seen = [await anext(follow) for _ in range(4)]
    assert await bank.events.read(conversation, after=2) == seen[2:]


async def test_a_channel_that_is_sent_to_gets_whole_messages_only(bank: Bank) -> None:
    assert deltas(await answered(bank, two_sentences, "wechat")) == []


async def test_a_turn_that_breaks_off_is_begun_again_and_goes_on_where_it_was_heard_to(bank: Bank) -> None:
    async def breaks_off(*arguments: Any) -> Turn:
        outlet: Outlet = arguments[-1]
        if not outlet.heard.text:
            await outlet.hear("还需12元。", (FIGURE,))
            raise RuntimeError
        return await two_sentences(*arguments)

    events = await answered(bank, breaks_off)
    assert [data["text"] for data in deltas(events)] == ["还需12元。", "月底前还。"]


async def test_another_worker_knows_what_the_one_before_it_let_leave(bank: Bank) -> None:
    told = asyncio.Event()

    async def hangs(*arguments: Any) -> Turn:
        await arguments[-1].hear("还需12元。", (FIGURE,))
        told.set()
        return await asyncio.Future[Turn]()

    conversation = await bank.conversation()
    worker = bank.worker(streamed={"web": hangs})
    await worker.start()
    seq = await bank.say(conversation, "还多少")
    await asyncio.wait_for(told.wait(), 5)
    await worker.stop(grace=0)
    async with bank.working(streamed={"web": two_sentences}):
        answer = await bank.answer(conversation, seq)
    said = deltas(await bank.events.read(conversation))
    assert [data["text"] for data in said] == ["还需12元。", "月底前还。"]
    assert answer.data["text"] == "还需12元。月底前还。"


async def test_a_turn_that_cannot_be_run_keeps_what_left_and_apologises_behind_it(bank: Bank) -> None:
    async def never_ends(*arguments: Any) -> Turn:
        outlet: Outlet = arguments[-1]
        if not outlet.heard.text:
            await outlet.hear("还需12元。", (FIGURE,))
        raise RuntimeError

    events = await answered(bank, never_ends)
    whole = events[-1].data
    assert whole["text"] == "".join(data["text"] for data in deltas(events))
    assert whole["text"].startswith("还需12元。\n非常抱歉")
    assert whole["evidence"][0]["name"] == "amount"


async def test_when_a_human_takes_over_nothing_more_leaves_and_the_message_ends_where_it_was_heard_to(
    bank: Bank,
) -> None:
    heard: list[Heard] = []

    async def overtaken(*arguments: Any) -> Turn:
        outlet: Outlet = arguments[-1]
        await outlet.hear("还需12元。", (FIGURE,))
        async with bank.engine.begin() as connection:
            await connection.execute(update(ConversationRow).values(owner="R1"))
        assert not await outlet.hear("月底前还。", ())
        heard.append(outlet.heard)
        return turn(arguments[0], "还需12元。月底前还。")

    events = await answered(bank, overtaken)
    assert heard[0].text == "还需12元。"
    assert [data["text"] for data in deltas(events)] == ["还需12元。"]
    assert events[-1].type == "message.completed"
    assert events[-1].data["text"] == "还需12元。"
    assert events[-1].data["quick_replies"] == []
