"""Intended effects: one row an effect, one end a row."""

from __future__ import annotations

import asyncio
import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from backends.result import Result
from bot.conversations import Conversations
from bot.principal import Principal
from bot.records import AuditRow
from bot.writes import Write, Writes

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
    return await writes.intend(writes.key_for(quote, "d"), conversation, "fx_buy", quote, "d", now)


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
    found = await writes.unsettled(now + 3 * SOON)
    assert [(write.quote_id, write.status) for write in found] == [("asked", "intended"), ("lost", "unknown")]
