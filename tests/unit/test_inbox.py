"""Messages are taken once, in order, and with nothing secret in them."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, text, update
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.codes import MASKED, hide_code
from bot.conversations import Conversations
from bot.events import Events, UnknownConversation
from bot.inbox import BodyConflict, Inbox
from bot.otp import Challenges
from bot.principal import Principal
from bot.records import ConversationRow, InboxRow
from bot.signals import Signals

KEY = b"a server secret of some length"
SIGNED_IN = Principal(channel="web", customer_id="c1", assurance="signed_in")


class NoPhone:
    async def send(self, customer_id: str, code: str, expires_at: dt.datetime) -> None:
        raise AssertionError("no code is sent here")


@pytest.fixture
def challenges(database: AsyncEngine) -> Challenges:
    return Challenges(database, NoPhone(), key=KEY)


@pytest.fixture
def inbox(database: AsyncEngine, signals: Signals, challenges: Challenges) -> Inbox:
    return Inbox(database, signals, challenges, mask=lambda said: said.replace("secret", "***"), key=KEY)


@pytest.fixture
async def conversation(database: AsyncEngine, now: dt.datetime) -> str:
    opened, _ = await Conversations(database).create(channel="web", principal=SIGNED_IN, now=now)
    return opened.id


@pytest.fixture
def accept(inbox: Inbox, conversation: str, now: dt.datetime) -> Callable[..., Any]:
    async def send(message_id: str, said: str, to: str = conversation) -> Any:
        return await inbox.accept(to, message_id, said, principal=SIGNED_IN, channel="web", now=now)

    return send


async def test_messages_are_numbered_in_the_order_of_their_acceptance(accept: Callable[..., Any]) -> None:
    assert [(await accept(f"m{n}", "你好")).seq for n in range(4)] == [1, 2, 3, 4]


async def test_the_same_message_again_gets_the_same_number_and_takes_none(accept: Callable[..., Any]) -> None:
    first = await accept("m1", "查一下账单")
    again = await accept("m1", "查一下账单")
    after = await accept("m2", "谢谢")
    assert (first.seq, first.duplicate) == (again.seq, False)
    assert again.duplicate
    assert after.seq == first.seq + 1


async def test_the_same_id_with_another_text_is_refused(accept: Callable[..., Any]) -> None:
    await accept("m1", "查一下账单")
    with pytest.raises(BodyConflict):
        await accept("m1", "查一下额度")


async def test_the_same_id_in_another_conversation_is_another_message(
    accept: Callable[..., Any], database: AsyncEngine, now: dt.datetime
) -> None:
    other, _ = await Conversations(database).create(channel="web", principal=SIGNED_IN, now=now)
    await accept("m1", "查一下账单")
    assert not (await accept("m1", "查一下额度", to=other.id)).duplicate


async def test_a_message_to_nowhere_is_refused(accept: Callable[..., Any]) -> None:
    with pytest.raises(UnknownConversation):
        await accept("m1", "有人吗", to="nowhere")


async def test_who_was_let_in_before_somebody_signed_in_says_nothing_after_it(
    inbox: Inbox, database: AsyncEngine, now: dt.datetime
) -> None:
    conversations = Conversations(database)
    seen, _ = await conversations.create(channel="web", principal=Principal(), now=now)
    said = {"message_id": "m1", "text": "再说一遍", "principal": Principal(), "channel": "web", "now": now}
    await inbox.accept(seen.id, **said)
    await conversations.sign_in(seen, "c1", now)
    for principal in (Principal(), Principal(customer_id="c2", assurance="signed_in")):
        with pytest.raises(UnknownConversation):
            await inbox.accept(seen.id, **{**said, "message_id": "m2", "principal": principal})
    assert (await inbox.accept(seen.id, **{**said, "message_id": "m2", "principal": SIGNED_IN})).seq == 3


async def test_one_message_delivered_thirty_times_at_once_is_one_message(
    accept: Callable[..., Any], database: AsyncEngine, signals: Signals, conversation: str
) -> None:
    answers = await asyncio.gather(*(accept("m1", "换五百美金") for _ in range(30)))
    assert {answer.seq for answer in answers} == {1}
    assert sum(not answer.duplicate for answer in answers) == 1
    assert len(await Events(database, signals).read(conversation)) == 1


async def test_the_customers_own_message_is_an_event_at_once(
    accept: Callable[..., Any], database: AsyncEngine, signals: Signals, conversation: str, now: dt.datetime
) -> None:
    await accept("m1", "查一下账单")
    [event] = await Events(database, signals).read(conversation)
    assert (event.seq, event.type, event.actor, event.at) == (1, "message.completed", "customer", now)
    assert event.data == {"text": "查一下账单", "message_id": "m1"}


async def test_what_must_not_rest_is_masked_before_it_is_written(
    accept: Callable[..., Any], database: AsyncEngine, conversation: str
) -> None:
    await accept("m1", "my secret card")
    assert "secret" not in await everything_stored(database)


async def test_text_that_no_database_can_hold_is_accepted_all_the_same(
    accept: Callable[..., Any], database: AsyncEngine
) -> None:
    await accept("m1", "账\0单\ud800🙂")
    async with database.connect() as connection:
        assert await connection.scalar(select(InboxRow.text)) == "账单?🙂"


@pytest.mark.parametrize(
    "said", ["271828", " 271 828 ", "２７１８２８", "验证码是271828", "code: 271828.", "好的 271828 谢谢"]
)
async def test_a_code_is_never_stored_in_clear(
    said: str, accept: Callable[..., Any], database: AsyncEngine, challenges: Challenges, conversation: str
) -> None:
    await await_challenge(database, conversation, "ch1")
    await accept("m1", said)
    stored = await everything_stored(database)
    assert "271828" not in stored
    assert "271 828" not in stored
    assert "２７１８２８" not in stored
    async with database.connect() as connection:
        row = (await connection.execute(select(InboxRow.text, InboxRow.code_digest, InboxRow.challenge_id))).one()
    assert MASKED in row.text
    assert (row.code_digest, row.challenge_id) == (challenges.code_digest("ch1", "271828"), "ch1")


async def test_the_hash_of_a_body_cannot_be_guessed_without_the_servers_secret(
    database: AsyncEngine, signals: Signals, challenges: Challenges, conversation: str, now: dt.datetime
) -> None:
    hashes = set()
    for key in (b"one", b"two"):
        inbox = Inbox(database, signals, challenges, mask=str, key=key)
        hashes.add(inbox._body_hash(conversation, "m1", "271828"))
    assert len(hashes) == 2


async def test_six_digits_are_only_text_while_no_code_is_awaited(
    accept: Callable[..., Any], database: AsyncEngine
) -> None:
    await accept("m1", "271828")
    async with database.connect() as connection:
        row = (await connection.execute(select(InboxRow.text, InboxRow.code_digest))).one()
    assert tuple(row) == ("271828", None)


@pytest.mark.parametrize("said", ["换200000日元", "改成 200000 JPY", "¥200000", "200000.50", "12345678", "不用了"])
def test_an_amount_or_another_number_is_not_taken_for_a_code(said: str) -> None:
    assert hide_code(said) == (said, None)


@given(st.text(), st.from_regex(r"[0-9]{6}", fullmatch=True), st.text())
def test_no_lone_run_of_six_digits_that_is_no_amount_survives(before: str, code: str, after: str) -> None:
    hidden, found = hide_code(f"{before} {code}，{after}")
    assert found is not None
    assert f" {code}，" not in hidden


async def await_challenge(database: AsyncEngine, conversation: str, challenge: str) -> None:
    async with database.begin() as connection:
        await connection.execute(
            update(ConversationRow).where(ConversationRow.id == conversation).values(awaiting_challenge=challenge)
        )


async def everything_stored(database: AsyncEngine) -> str:
    """Every cell of the tables a message touches, as text."""
    found = []
    async with database.connect() as connection:
        for table in ("conversations", "inbox", "events", "audit"):
            found += [str(tuple(row)) for row in await connection.execute(text(f"SELECT * FROM {table}"))]
    return "\n".join(found)
