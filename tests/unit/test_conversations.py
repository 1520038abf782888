"""Conversations: opened by their secret, found by their label, and never a stranger's."""

from __future__ import annotations

import asyncio
import datetime as dt

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.conversations import SIGNED_IN, Conversations, SignInRefused
from bot.principal import Principal
from bot.records import AuditRow, ConversationRow, EventRow

VISITOR = Principal(channel="rasa")
CHEN = Principal(channel="rasa", customer_id="C1001", assurance="signed_in")
LI = Principal(channel="rasa", customer_id="C1002", assurance="signed_in")


@pytest.fixture
def conversations(database: AsyncEngine) -> Conversations:
    return Conversations(database)


async def test_only_the_secret_that_was_given_out_opens_a_conversation(
    conversations: Conversations, now: dt.datetime
) -> None:
    opened, secret = await conversations.create(channel="web", principal=CHEN, now=now, language="en")
    _, another = await conversations.create(channel="web", principal=CHEN, now=now)
    found = await conversations.get(opened.id)
    assert found == opened
    assert found.opens_with(secret)
    assert not found.opens_with(another)
    assert not found.opens_with("")
    assert (found.customer_id, found.language, found.owner, found.seq) == ("C1001", "en", "bot", 0)


async def test_a_secret_is_stored_nowhere_and_shown_by_nothing(
    conversations: Conversations, database: AsyncEngine, now: dt.datetime
) -> None:
    opened, secret = await conversations.create(channel="web", principal=CHEN, now=now)
    async with database.connect() as connection:
        row = (await connection.execute(select(ConversationRow.__table__))).one()
    assert secret not in str(tuple(row))
    assert opened.secret_hash not in repr(opened)
    assert opened.secret_hash not in opened.model_dump_json()


async def test_an_unknown_conversation_is_none(conversations: Conversations) -> None:
    assert await conversations.get("nowhere") is None
    assert await conversations.by_label("rasa", None, "nowhere") is None


async def test_a_label_without_a_token_never_finds_a_signed_in_conversation(
    conversations: Conversations, now: dt.datetime
) -> None:
    hers = await conversations.for_label(channel="rasa", principal=CHEN, label="sender-1", now=now)
    his = await conversations.for_label(channel="rasa", principal=LI, label="sender-1", now=now)
    nobodys = await conversations.for_label(channel="rasa", principal=VISITOR, label="sender-1", now=now)
    assert len({hers.id, his.id, nobodys.id}) == 3
    assert await conversations.by_label("rasa", "C1001", "sender-1") == hers
    assert await conversations.by_label("rasa", None, "sender-1") == nobodys
    assert await conversations.by_label("web", "C1001", "sender-1") is None


@pytest.mark.parametrize("principal", [VISITOR, CHEN])
async def test_a_label_asked_for_many_times_at_once_is_one_conversation(
    conversations: Conversations, database: AsyncEngine, now: dt.datetime, principal: Principal
) -> None:
    asked = (conversations.for_label(channel="rasa", principal=principal, label="s", now=now) for _ in range(10))
    assert len({found.id for found in await asyncio.gather(*asked)}) == 1
    async with database.connect() as connection:
        assert await connection.scalar(select(func.count()).select_from(ConversationRow)) == 1


@pytest.mark.parametrize("principal", [VISITOR, CHEN])
async def test_a_label_that_is_taken_cannot_be_made_again(
    conversations: Conversations, now: dt.datetime, principal: Principal
) -> None:
    await conversations.create(channel="rasa", principal=principal, label="s", now=now)
    with pytest.raises(IntegrityError):
        await conversations.create(channel="rasa", principal=principal, label="s", now=now)


async def test_of_many_who_claim_a_conversation_one_gets_it(
    conversations: Conversations, database: AsyncEngine, now: dt.datetime
) -> None:
    opened, _ = await conversations.create(channel="web", principal=VISITOR, now=now)
    reps = [f"rep-{n}" for n in range(10)]
    got = await asyncio.gather(*(conversations.change_owner(opened.id, "bot", rep, now, actor=rep) for rep in reps))
    found = await conversations.get(opened.id)
    assert sum(got) == 1
    assert found is not None
    assert found.owner == reps[got.index(True)]
    assert found.version == 1
    async with database.connect() as connection:
        notes = (await connection.execute(select(AuditRow.actor, AuditRow.data))).all()
    assert [tuple(note) for note in notes] == [(found.owner, {"was": "bot", "now": found.owner})]


async def test_of_many_who_sign_in_with_one_secret_one_gets_the_conversation(
    conversations: Conversations, database: AsyncEngine, now: dt.datetime
) -> None:
    seen, old = await conversations.create(channel="web", principal=Principal(), now=now)
    claims = [conversations.sign_in(seen, f"C{1000 + n % 3}", now) for n in range(12)]
    secrets = await asyncio.gather(*claims, return_exceptions=True)
    [secret] = [each for each in secrets if isinstance(each, str)]
    assert all(isinstance(each, SignInRefused) for each in secrets if each is not secret)
    found = await conversations.get(seen.id)
    assert found is not None
    assert found.opens_with(secret)
    assert not found.opens_with(old)
    assert (found.assurance, found.seq) == ("signed_in", 1)
    async with database.connect() as connection:
        assert (await connection.scalars(select(EventRow.type))).all() == [SIGNED_IN]
        [who] = (await connection.scalars(select(AuditRow.actor).where(AuditRow.action == "signed_in"))).all()
    assert found.customer_id == who


async def test_a_customers_conversation_is_signed_in_by_nobody_else(
    conversations: Conversations, now: dt.datetime
) -> None:
    theirs, secret = await conversations.create(channel="web", principal=CHEN, now=now)
    with pytest.raises(SignInRefused):
        await conversations.sign_in(theirs, "C1002", now)
    found = await conversations.get(theirs.id)
    assert found == theirs
    assert found.opens_with(secret)
    again = await conversations.sign_in(theirs, "C1001", now)
    assert again != secret
