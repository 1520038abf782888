"""Recorded conversations run again: the same release changes nothing, another changes exactly what it reads otherwise."""

from __future__ import annotations

import asyncio
import dataclasses
import datetime as dt
import json
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncEngine
from typer.testing import CliRunner

from backends.action import ActionCall
from backends.result import Result
from bot.app import Instead
from bot.cli import app
from bot.decision import Act, Step
from bot.records import EventRow, TurnRow
from bot.replay import FIELDS, Report, again, choose, recorded_turns, replay, was
from bot.replay import Recording as Perform
from bot.replay_page import as_data, page
from bot.store import open_database
from intents.scorer import RELEASE
from intents.serve import Understander
from tests.conversations.stories import HERE, WEDNESDAY, Clock, Snapshot, open_bank, play, told

pytestmark = pytest.mark.asyncio(loop_scope="module")

STORIES = (
    "account_profile: 帮我更新身份证有效期",
    "card_bill: a bill in English",
    "card_bill: 两张卡一起看",
    "card_report_lost: 有几张卡就先问是哪一张",
    "fraud_security: 被骗以后排着队，也能马上挂失",
    "fx_buy: 问价、改口、确认、收码、办成，额度跟着变",
    "fx_buy: 验证码错了可以再试",
    "fx_buy: 没有登录不能换",
    "fx_rate: 一种货币，接着问另一种",
    "human_agent: 转人工以后机器人不再说话",
    "out_of_scope: 连着两次听不懂就提议转人工",
    "repeat: 再说一遍刚才的账单，数字重新问过",
    "transfer_rules: 拿不准就给出几个最接近的问题，用户选第二个",
    "cards: 没登录的人丢了卡，先说怎么办，登录后冻结",
    "everyday: 报价过期要重新核对",
)
SWAPPED = "fx_rate", "loan_status"
READ_OTHERWISE = {"美元汇率多少", "美元多少了，顺便看看欧元"}
"""What the stories say about one of those two, in full words: what lives off the talk before it is read without the model."""


@dataclasses.dataclass(frozen=True)
class Recording:
    folder: Path
    engine: AsyncEngine
    conversations: list[str]
    broken: Path


@pytest_asyncio.fixture(scope="module", loop_scope="module", name="recording")
async def _recording(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Recording]:
    """The stories, told once and recorded, and a release that takes two intents for each other."""
    folder, clock = tmp_path_factory.mktemp("recorded"), Clock(WEDNESDAY)
    stories = dict(told() + told(HERE / "long"))
    async with open_bank(folder, Instead(clock=clock), codes_an_hour=100, wrong_tries_an_hour=100) as service:
        bank = Snapshot(folder / "bank.db")
        for name in STORIES:
            await bank.put_back()
            clock.now = WEDNESDAY
            await play(stories[name], service)
    broken = folder / "broken"
    shutil.copytree(RELEASE, broken, copy_function=lambda source, there: Path(there).symlink_to(source))
    labels = (broken / "labels.json").read_text("utf-8")
    first, second = (f'"{name}"' for name in SWAPPED)
    (broken / "labels.json").unlink()
    (broken / "labels.json").write_text(
        labels.replace(first, '"?"').replace(second, first).replace('"?"', second), "utf-8"
    )
    engine = open_database(None, folder)
    yield Recording(folder, engine, await choose(engine), broken)
    await engine.dispose()


async def replayed(recording: Recording, release: Path = RELEASE) -> Report:
    understander = Understander(release)
    return await replay(recording.engine, recording.conversations, understander.understand, "tried")


@pytest_asyncio.fixture(scope="module", loop_scope="module", name="changed")
async def _changed(recording: Recording) -> Report:
    """What the broken release makes of it."""
    return await replayed(recording, recording.broken)


async def test_the_release_that_was_recorded_changes_nothing(recording: Recording) -> None:
    report = await replayed(recording)
    assert report.conversations == len(STORIES)
    assert report.replayed > 45
    assert not report.skipped
    assert report.changes == []


async def test_a_release_that_takes_two_intents_for_each_other_changes_exactly_their_turns(
    recording: Recording, changed: Report
) -> None:
    assert {change.text for change in changed.changes} == READ_OTHERWISE
    assert all("intents" in change.fields for change in changed.changes)
    assert ("fx_rate", "loan_status") in {(was_, now) for was_, now, _ in changed.confusions()}
    before = (recording.folder / "teller.db").read_bytes()
    assert as_data(changed) == as_data(await replayed(recording, recording.broken))
    assert (recording.folder / "teller.db").read_bytes() == before, "a replay writes nothing"


async def test_what_was_never_asked_of_the_bank_is_not_made_up(changed: Report) -> None:
    report = changed
    change = next(change for change in report.changes if change.text == "美元汇率多少")
    assert change.replayed.reply is None
    assert "reply" not in change.fields
    assert report.unrecorded > 0
    # Nobody was signed in, so the loan is not asked for; who is signed in has it asked for, and nothing is recorded of it.
    assert any(line.startswith("act loan_status") for change in report.changes for line in change.replayed.unrecorded)
    html = page(as_data(report))
    assert "not known: nothing was recorded for" in html


async def test_a_reply_that_a_template_words_otherwise_is_a_change_of_the_reply_alone(recording: Recording) -> None:
    turn = await _turn(recording, "how much is my credit card bill this month")
    assert turn.reply is not None
    understander = Understander()
    said = await again(turn, understander.understand)
    reworded = dataclasses.replace(turn, reply={**turn.reply, "text": turn.reply["text"] + " Anything else?"})
    then = await was(reworded)
    assert [name for name in FIELDS if then.of(name) != said.of(name)] == ["reply"]


async def test_what_the_code_changes_is_left_out_where_only_the_release_is_asked_about(recording: Recording) -> None:
    """Templates that now say more stand for a change of the code."""
    async with _reworded(recording) as engine:
        understander = Understander()
        every = await replay(engine, recording.conversations, understander.understand, "same")
        assert len(every.changes) == 1
        assert every.changes[0].fields == ("reply",)
        mine = await replay(engine, recording.conversations, understander.understand, "same", same_code=True)
        assert mine.changes == []


@asynccontextmanager
async def _reworded(recording: Recording) -> AsyncIterator[AsyncEngine]:
    """The same records, but that one reply was said in other words than the code would say today."""
    folder = recording.folder / "reworded"
    folder.mkdir()
    shutil.copy(recording.folder / "teller.db", folder / "teller.db")
    engine = open_database(None, folder)
    async with engine.begin() as connection:
        said = EventRow.in_reply_to.is_not(None) & (EventRow.actor == "bot")
        where = select(EventRow.conversation_id, EventRow.seq, EventRow.data).where(said).limit(1)
        row = (await connection.execute(where)).one()
        its = (EventRow.conversation_id == row.conversation_id) & (EventRow.seq == row.seq)
        await connection.execute(update(EventRow).where(its).values(data={**row.data, "text": "In other words."}))
    yield engine
    await engine.dispose()


async def test_what_was_answered_once_is_not_answered_twice() -> None:
    """Committing, finding the quote lapsed and quoting again asks for two quotes."""
    act = Act(task=1, why="", call=ActionCall(name="card_bill"))
    step = Step(decision=act, result=Result(capability="card_bill", outcome="found"), at=WEDNESDAY)
    perform = Perform([step])
    asked: Any = (act.model_copy(update={"task": 7, "why": "another"}), (), None, None, WEDNESDAY, None)
    assert (await perform(*asked)).outcome == "found"
    assert perform.unrecorded == []
    assert (await perform(*asked)).outcome == "unavailable"
    assert perform.unrecorded == ["act card_bill.run()"]


async def test_a_model_s_wording_is_compared_in_the_words_of_the_templates(recording: Recording) -> None:
    turn = await _turn(recording, "how much is my credit card bill this month")
    assert turn.reply is not None
    how = {**turn.reply["how"], "generator": "a model", "verdict": "passed"}
    worded = dataclasses.replace(turn, reply={**turn.reply, "text": "As a model puts it.", "how": how})
    assert (await was(worded)).reply == turn.reply["text"]


async def test_a_turn_recorded_without_what_it_found_is_left_out_and_counted(
    recording: Recording, tmp_path: Path
) -> None:
    shutil.copy(recording.folder / "teller.db", tmp_path / "teller.db")
    engine = open_database(None, tmp_path)
    async with engine.begin() as connection:
        row = (await connection.execute(select(TurnRow.conversation_id, TurnRow.seq, TurnRow.record).limit(1))).one()
        record = {name: value for name, value in row.record.items() if name != "given"}
        await connection.execute(
            update(TurnRow)
            .where(TurnRow.conversation_id == row.conversation_id, TurnRow.seq == row.seq)
            .values(record=record)
        )
    understander = Understander()
    report = await replay(engine, [row.conversation_id], understander.understand, "same")
    await engine.dispose()
    assert dict(report.skipped) == {"recorded without what it found": 1}


async def test_conversations_are_chosen_by_name_by_day_and_by_a_sample_that_is_always_the_same(
    recording: Recording,
) -> None:
    engine, every = recording.engine, recording.conversations
    assert await choose(engine, conversations=every[3:5]) == every[3:5]
    late = await choose(engine, since=WEDNESDAY + dt.timedelta(seconds=1))
    assert len(late) == 1, "one story waits for its quote to lapse"
    assert late[0] in every
    few, more = await choose(engine, sample=4), await choose(engine, sample=9)
    assert len(few) == 4
    assert set(few) < set(more)
    with pytest.raises(LookupError, match="nobody"):
        await choose(engine, conversations=["nobody"])


async def test_the_report_shows_no_personal_data_and_markup_as_text(changed: Report) -> None:
    report = dataclasses.replace(changed, changes=list(changed.changes))
    change = report.changes[0]
    hostile = "<script>alert(1)</script> Walker先生的手机13912345678"
    slot = {"slot": "phone", "start": 0, "end": 11, "value": "13912345678", "normalized": "13912345678"}
    seen = change.replayed.model_copy(update={"reply": hostile, "slots": (slot,), "unrecorded": ()})
    report.changes[0] = change.model_copy(
        update={"text": hostile, "names": ("Walker先生",), "replayed": seen, "fields": ("reply", "slots")}
    )
    data = as_data(report)
    html, told_ = page(data), json.dumps(data)
    assert "13912345678" not in html + told_
    assert "Walker" not in html + told_
    assert "⟦PHONE_1⟧" in html
    assert "<script" not in html


class TestCommand:
    """``teller replay``, as somebody runs it."""

    async def test_it_writes_both_files_for_their_owner_alone_and_ends_well_where_little_changes(
        self, recording: Recording, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        result = await self._run(recording, monkeypatch, "--out", str(tmp_path / "out"), "--fail-over", "0%")
        assert result.exit_code == 0, result.output
        written = json.loads((tmp_path / "out" / "replay.json").read_text("utf-8"))
        assert written["changed"] == 0
        assert written["turns"] == []
        assert {path.stat().st_mode & 0o777 for path in (tmp_path / "out").iterdir()} == {0o600}

    async def test_it_fails_where_more_changes_than_was_allowed(
        self, recording: Recording, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        given = ("--release", str(recording.broken), "--out", str(tmp_path), "--fail-over")
        assert (await self._run(recording, monkeypatch, *given, "1%")).exit_code == 1
        assert (await self._run(recording, monkeypatch, *given, "50%")).exit_code == 0

    @pytest.mark.parametrize(
        "given",
        [("--fail-over", "0.05"), ("--since", "yesterday"), ("--conversation", "nobody"), ("--release", "tests")],
    )
    async def test_a_bad_word_is_told_in_a_sentence(
        self, recording: Recording, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, given: tuple[str, str]
    ) -> None:
        result = await self._run(recording, monkeypatch, *given, "--out", str(tmp_path))
        assert result.exit_code == 2
        assert result.stderr.strip().endswith(".")
        assert "Traceback" not in result.output

    async def test_nothing_to_replay_is_no_success(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        monkeypatch.setenv("TELLER_DATA_DIR", str(tmp_path))
        engine = open_database(None, tmp_path)
        from bot import migrations

        await migrations.upgrade(engine)
        await engine.dispose()
        result = await asyncio.to_thread(CliRunner().invoke, app, ["replay", "--fail-over", "5%"])
        assert result.exit_code == 1

    async def _run(self, recording: Recording, monkeypatch: pytest.MonkeyPatch, *given: str) -> Any:
        monkeypatch.setenv("TELLER_DATA_DIR", str(recording.folder))
        return await asyncio.to_thread(CliRunner().invoke, app, ["replay", *given])


async def _turn(recording: Recording, text: str) -> Any:
    for conversation in recording.conversations:
        async for turn in recorded_turns(recording.engine, conversation):
            if turn.record["message"]["text"] == text:
                return turn
    raise AssertionError(text)
