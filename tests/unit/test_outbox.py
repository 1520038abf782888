"""Dead letters: found, told apart from those that may have been seen, and sent again by whoever decides to."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine
from typer.testing import CliRunner

from bot.cli import app
from bot.delivery import NotSent, Undeliverable
from bot.outbox import MaybeSent, NotDead, Outbox
from bot.records import AuditRow
from bot.store import open_database
from tests.unit.test_delivery import Outbox as Conversation
from tests.unit.test_delivery import Platform

LATER = dt.timedelta(hours=1)


async def dead(said: Conversation, *fates: Exception, user: str = "openid-1") -> None:
    """A dead letter for each of *fates*."""
    conversation = await said.conversation(user)
    for number, fate in enumerate(fates):
        await said.reply(conversation, f"第{number}条")
        await said.process(Platform(fate)).send_due("im")


async def test_a_dead_letter_is_sent_again_once_whoever_asks_at_once(
    database: AsyncEngine, open_engine: Callable[[], AsyncEngine], now: dt.datetime
) -> None:
    said = Conversation(database, now)
    await dead(said, Undeliverable("HTTP 410"))
    [letter] = await Outbox(database).letters()
    assert (letter.state, letter.user_id, letter.last_error) == ("dead", "openid-1", "HTTP 410")
    assert letter.data["text"] == "第0条"
    processes = [Outbox(database), Outbox(open_engine())]
    asked = [processes[n % 2].resend(letter.id, now, actor="operator:li") for n in range(6)]
    answers = await asyncio.gather(*asked, return_exceptions=True)
    assert [type(answer) for answer in answers if answer is not None] == [NotDead] * 5
    platform = Platform()
    process = said.process(platform)
    assert [await process.send_due("im"), await process.send_due("im")] == [1, 0]
    assert platform.sent == ["第0条"]
    assert platform.seen[0].attempt == 1
    with pytest.raises(NotDead):
        await Outbox(database).resend(letter.id, now, actor="operator:li")
    async with database.connect() as connection:
        notes = (await connection.execute(select(AuditRow.action, AuditRow.actor).order_by(AuditRow.id))).all()
    assert [tuple(note) for note in notes] == [("delivery.dead", "bot"), ("delivery.resent", "operator:li")]


async def test_what_may_have_been_seen_is_shown_as_uncertain_and_sent_again_only_knowingly(
    database: AsyncEngine, now: dt.datetime
) -> None:
    said = Conversation(database, now)
    await dead(said, RuntimeError("隐私"))
    [letter] = await Outbox(database).letters()
    assert letter.state == "uncertain"
    with pytest.raises(MaybeSent):
        await Outbox(database).resend(letter.id, now, actor="operator:li")
    await Outbox(database).resend(letter.id, now, actor="operator:li", even_if_sent=True)
    found = await Outbox(database).letter(letter.id)
    assert found is not None
    assert found.state == "pending"


async def test_letters_are_found_by_status_and_channel(database: AsyncEngine, now: dt.datetime) -> None:
    said = Conversation(database, now)
    await dead(said, Undeliverable("gone"), NotSent("away"))
    outbox = Outbox(database)
    assert [letter.status for letter in await outbox.letters(status=None)] == ["pending", "dead"]
    assert [letter.status for letter in await outbox.letters(status="pending")] == ["pending"]
    assert await outbox.letters(channel="other") == []
    assert len(await outbox.letters(status=None, limit=1)) == 1
    assert await outbox.letter(10_000) is None


@pytest.fixture
def letters(sqlite_template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, now: dt.datetime) -> None:
    """A data directory in which the first letter is dead and the second, another customer's, uncertain."""
    shutil.copy(sqlite_template, tmp_path / "teller.db")
    monkeypatch.setenv("TELLER_DATA_DIR", str(tmp_path))
    monkeypatch.delenv("DATABASE_URL", raising=False)

    async def write() -> None:
        engine = open_database(None, tmp_path)
        said = Conversation(engine, now)
        await dead(said, Undeliverable("HTTP 410"))
        await dead(said, RuntimeError(), user="openid-2")
        await engine.dispose()

    asyncio.run(write())


def teller(*arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["deliveries", *arguments])
    return done.exit_code, done.output


@pytest.mark.usefixtures("letters")
def test_an_operator_lists_shows_and_resends() -> None:
    code, listed = teller("list")
    assert code == 0
    uncertain, certain = listed.splitlines()
    assert uncertain.split()[:3] == ["2", "uncertain", "im"]
    assert "HTTP 410" in certain
    assert "第0条" not in listed
    rows = [json.loads(line) for line in teller("list", "--json", "--channel", "im")[1].splitlines()]
    assert [row["state"] for row in rows] == ["uncertain", "dead"]
    assert json.loads(teller("show", "1")[1])["data"]["text"] == "第0条"
    assert teller("show", "99")[0] == 1
    code, said = teller("resend", "1", "2", "99")
    assert code == 1
    assert "1: will be sent" in said
    assert "2: the customer may have it already" in said
    assert "99: is no dead letter" in said
    assert teller("resend", "--channel", "im") == (0, "")
    assert teller("resend", "--channel", "im", "--even-if-sent") == (0, "2: will be sent\n")
    assert [json.loads(line)["state"] for line in teller("list", "--status", "all", "--json")[1].splitlines()] == [
        "pending",
        "pending",
    ]
    assert teller("resend")[0] == 1


def test_without_a_database_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TELLER_DATA_DIR", str(tmp_path))
    monkeypatch.delenv("DATABASE_URL", raising=False)
    code, said = teller("list")
    assert code == 1
    assert "teller doctor" in said
    assert "Traceback" not in said
