"""Intended effects: one row an effect, one end a row."""

from __future__ import annotations

import asyncio
import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncEngine

from backends.action import ActionCall, Caller
from backends.result import Result
from bot.conversations import Conversations
from bot.principal import Principal
from bot.records import AuditRow, ConversationRow
from bot.store import database_now
from bot.writes import Intention, Write, Writes

DONE = Result(capability="fx_buy", outcome="done", completed=True, reference="FX1")
SOON = dt.timedelta(seconds=1)


@pytest.fixture
def writes(database: AsyncEngine) -> Writes:
    return Writes(database)


@pytest.fixture
async def conversation(database: AsyncEngine, now: dt.datetime) -> str:
    opened, _ = await Conversations(database).create(channel="web", principal=Principal(), now=now)
    return opened.id


async def intend(writes: Writes, conversation: str, now: dt.datetime, quote: str = "q1") -> Write:
    return (await intention(writes, conversation, now, quote)).write


async def intention(writes: Writes, conversation: str, now: dt.datetime, quote: str = "q1") -> Intention:
    call = ActionCall(name="fx_buy", step="commit", quote_id=quote, digest="d")
    caller = Caller(customer_id="C1001", conversation_id=conversation)
    return await writes.intend(writes.key_for(quote, "d"), call, caller, now)


@given(st.text(), st.text(), st.text(), st.text())
def test_a_key_names_one_confirmation_and_no_other(quote: str, digest: str, quote2: str, digest2: str) -> None:
    writes = Writes(engine=None)  # type: ignore[arg-type]
    same = (quote, digest) == (quote2, digest2)
    assert (writes.key_for(quote, digest) == writes.key_for(quote2, digest2)) is same


async def test_an_effect_intended_many_times_at_once_is_one_row(
    writes: Writes, conversation: str, database: AsyncEngine, now: dt.datetime
) -> None:
    rows = await asyncio.gather(*(intend(writes, conversation, now) for _ in range(8)))
    assert {(row.key, row.status) for row in rows} == {(writes.key_for("q1", "d"), "intended")}
    async with database.connect() as connection:
        assert list(await connection.scalars(select(AuditRow.action))) == ["write.intended"]


async def test_an_effect_that_is_settled_stays_as_it_was_settled(
    writes: Writes, conversation: str, now: dt.datetime
) -> None:
    key = (await intend(writes, conversation, now)).key
    assert await writes.settle(key, "done", DONE, now)
    assert not await writes.settle(key, "failed", None, now)
    again = await intend(writes, conversation, now + SOON)
    assert again.status == "done"
    assert again.result is not None
    assert Result.model_validate(again.result) == DONE


async def test_an_effect_of_unknown_end_can_still_be_settled(
    writes: Writes, conversation: str, now: dt.datetime
) -> None:
    key = (await intend(writes, conversation, now)).key
    assert await writes.settle(key, "unknown", None, now)
    assert await writes.settle(key, "done", DONE, now)


async def test_nothing_is_settled_that_was_not_intended(writes: Writes, now: dt.datetime) -> None:
    assert not await writes.settle("no such key", "done", DONE, now)


async def test_what_has_no_end_yet_is_found_when_it_is_old_enough(
    writes: Writes, conversation: str, now: dt.datetime
) -> None:
    for n, quote in enumerate(("asked", "lost", "done", "fresh")):
        await intend(writes, conversation, now + n * SOON, quote)
    await writes.settle(writes.key_for("lost", "d"), "unknown", None, now + 2 * SOON)
    await writes.settle(writes.key_for("done", "d"), "done", DONE, now + 2 * SOON)
    late = now + 3 * SOON
    found = await writes.unsettled(unknown_since=late, intended_since=late, at_work_since=now)
    assert [(write.quote_id, write.status) for write in found] == [("asked", "intended"), ("lost", "unknown")]
    assert found[0].caller == Caller(customer_id="C1001", assurance="signed_in", conversation_id=conversation)
    none = await writes.unsettled(unknown_since=late, intended_since=now, at_work_since=now)
    assert [write.quote_id for write in none] == ["lost"]


async def test_a_turn_at_work_is_given_time_to_settle_its_own_effect(
    writes: Writes, conversation: str, database: AsyncEngine, now: dt.datetime
) -> None:
    await intend(writes, conversation, now)
    late = now + SOON
    async with database.begin() as connection:
        await connection.execute(update(ConversationRow).values(lease_until=database_now(60.0)))
    assert await writes.unsettled(unknown_since=late, intended_since=late, at_work_since=now) == []
    assert await writes.unsettled(unknown_since=late, intended_since=late, at_work_since=late) != []


async def test_one_of_many_asks_after_an_effect_and_none_after_a_settled_one(
    writes: Writes, conversation: str, now: dt.datetime
) -> None:
    key = (await intend(writes, conversation, now)).key
    assert sorted(await asyncio.gather(*(writes.claim(key, 60.0) for _ in range(8)))) == [False] * 7 + [True]
    late = now + SOON
    assert await writes.unsettled(unknown_since=late, intended_since=late, at_work_since=now) == []
    other = (await intend(writes, conversation, now, "q2")).key
    await writes.settle(other, "done", DONE, now)
    assert not await writes.claim(other, 60.0)


async def test_only_an_effect_that_never_reached_the_bank_is_intended_anew(
    writes: Writes, conversation: str, now: dt.datetime
) -> None:
    key = (await intend(writes, conversation, now)).key
    assert not (await intention(writes, conversation, now)).new
    await writes.settle(key, "failed", None, now)
    again = await intention(writes, conversation, now + SOON)
    assert (again.new, again.write.status) == (True, "intended")
    await writes.settle(key, "unknown", None, now)
    assert (await intention(writes, conversation, now)).new is False
