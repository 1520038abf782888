"""Corrections of turns: quarantined, checked, reviewed by another person, exported as training data."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import insert, select, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine
from typer.testing import CliRunner

from bot.cli import app
from bot.conversations import Conversations
from bot.desk.correctable import Meaning, NoSuchTurn
from bot.desk.correction_checks import braced, problems_of_text
from bot.desk.correction_export import catalogue_form, marked, training_rows
from bot.desk.correction_tables import CorrectionStepRow
from bot.desk.corrections import (
    AlreadyQuarantined,
    BadCorrection,
    Correction,
    Corrections,
    NoSuchCorrection,
    NotClean,
    NothingNew,
    NotTheirs,
    Stale,
)
from bot.principal import Principal
from bot.records import AuditRow, EventRow, TurnRow
from bot.store import reading
from intents.capability import catalog, parse_example
from intents.nearness import Nearness, likeness
from intents.training.rows import read_rows

AUTHOR, OTHER, REVIEWER = "rep-author", "rep-other", "rep-reviewer"
SAID = "我那张蓝色的卡昨天在海南刷了多少呀"
"""What no example of the catalogue says."""
PHONE = "13912345678"


class Desk:
    """Recorded turns, and who corrects them."""

    def __init__(self, engine: AsyncEngine, now: dt.datetime) -> None:
        self.engine = engine
        self.now = now
        self.corrections = Corrections(engine)

    async def turn(self, text: str = SAID, reply: str | None = None, evidence: tuple[tuple[str, str], ...] = ()) -> str:
        """A conversation whose first message was taken for a question about points."""
        opened, _ = await Conversations(self.engine).create(channel="web", principal=Principal(), now=self.now)
        understanding = {
            "text": text,
            "language": "zh",
            "in_scope": True,
            "act": "ask",
            "intents": [{"name": "card_points", "confidence": 0.61}],
            "slots": [],
            "ranking": [{"name": "card_points", "confidence": 0.61}, {"name": "card_bill", "confidence": 0.3}],
        }
        say = {"capability": "card_points", "outcome": "found"}
        record = {
            "message": {"text": text, "channel": "web"},
            "understanding": understanding,
            "decisions": [{"kind": "answer", "say": say}],
            "versions": {"model": "release-1"},
            "given": {"session": {"tasks": [{"awaiting": "card_tail"}]}},
        }
        row: dict[str, Any] = {"conversation_id": opened.id, "seq": 1, "at": self.now}
        async with self.engine.begin() as connection:
            await connection.execute(insert(TurnRow).values(**row, record=record))
            if reply is not None:
                spans = [
                    {"start": reply.index(words), "end": reply.index(words) + len(words), "name": name}
                    for words, name in evidence
                ]
                event = {**row, "seq": 2, "type": "message.completed", "actor": "bot", "in_reply_to": 1}
                data = {"text": reply, "evidence": spans}
                await connection.execute(insert(EventRow).values(**event, data=data))
        return opened.id

    async def propose(self, text: str = SAID, said: str | None = None, **changes: Any) -> Correction:
        """A correction of a new turn to a question about transactions, with *said* as what the customer wrote."""
        conversation = await self.turn(said or text)
        meaning = meant(text, **changes)
        return await self.corrections.propose(conversation, 1, author=AUTHOR, now=self.now, meaning=meaning, why="no")

    async def approve(self, correction: Correction, **given: Any) -> Correction:
        given = {"reviewer": REVIEWER, "now": self.now, **given}
        return await self.corrections.approve(correction.id, correction.revision, **given)


def meant(text: str = SAID, **changes: Any) -> Meaning:
    return Meaning(**{"text": text, "intents": ("card_transactions",), "act": "ask", **changes})


@pytest.fixture
def desk(database: AsyncEngine, now: dt.datetime) -> Desk:
    return Desk(database, now)


async def test_a_correction_goes_from_quarantine_through_another_s_hands_into_training(
    desk: Desk, tmp_path: Path
) -> None:
    proposed = await desk.propose(slots=((5, 7, "date"), (8, 10, "city")), text="我蓝色的卡昨天在海南刷了多少呀")
    assert proposed.status == "quarantined"
    assert proposed.was["intents"] == ["card_points"]
    assert proposed.was["awaiting"] == "card_tail"
    assert proposed.was["release"] == "release-1"
    assert await desk.corrections.all("approved") == []
    approved = await desk.approve(proposed)
    assert (approved.status, approved.reviewer) == ("approved", REVIEWER)
    exported = await desk.corrections.all("approved")
    (tmp_path / "rows.jsonl").write_text(training_rows(exported), "utf-8")
    (row,) = read_rows(tmp_path / "rows.jsonl")
    assert (row.text, row.intent, row.act) == ("我蓝色的卡昨天在海南刷了多少呀", "card_transactions", "ask")
    assert row.spans == ((5, 7, "date"), (8, 10, "city"))
    lines = yaml.safe_load(catalogue_form(exported))["card_transactions"]["examples"]["zh"]["ask"].splitlines()
    assert lines == ["- 我蓝色的卡[昨天](date)在[海南](city)刷了多少呀"]
    example = parse_example(lines[0], "zh", "ask")
    assert (example.text, example.spans) == (row.text, row.spans)


async def test_nobody_reviews_what_they_wrote_or_changed(desk: Desk) -> None:
    proposed = await desk.propose()
    with pytest.raises(NotTheirs):
        await desk.approve(proposed, reviewer=AUTHOR)
    with pytest.raises(NotTheirs):
        await desk.corrections.reject(proposed.id, 1, reviewer=AUTHOR, now=desk.now, why="no")
    changed = await desk.corrections.revise(
        proposed.id, 1, actor=REVIEWER, now=desk.now, meaning=meant(act="status"), why="it asks for a state"
    )
    with pytest.raises(NotTheirs):
        await desk.approve(changed)
    assert (await desk.approve(changed, reviewer=OTHER)).meaning == meant(act="status")


async def test_what_was_changed_or_settled_since_it_was_looked_at_is_not_approved(desk: Desk) -> None:
    proposed = await desk.propose()
    await desk.corrections.revise(proposed.id, 1, actor=OTHER, now=desk.now, meaning=meant(act="do"))
    with pytest.raises(Stale):
        await desk.approve(proposed)
    await desk.approve(proposed.model_copy(update={"revision": 2}))
    with pytest.raises(Stale):
        await desk.corrections.withdraw(proposed.id, actor=AUTHOR, now=desk.now)
    with pytest.raises(Stale):
        await desk.corrections.revise(proposed.id, 2, actor=OTHER, now=desk.now, meaning=meant())


async def test_of_many_reviewers_at_once_one_settles_it(desk: Desk) -> None:
    proposed = await desk.propose()

    async def settle(number: int) -> str:
        try:
            if number % 2:
                await desk.corrections.reject(proposed.id, 1, reviewer=f"rep-{number}", now=desk.now, why="no")
            else:
                await desk.approve(proposed, reviewer=f"rep-{number}")
        except Stale:
            return ""
        return f"rep-{number}"

    done = [name for name in await asyncio.gather(*map(settle, range(6))) if name]
    assert len(done) == 1
    assert (await desk.corrections.get(proposed.id)).reviewer == done[0]


async def test_a_turn_has_one_correction_in_quarantine_however_many_correct_it_at_once(desk: Desk) -> None:
    conversation = await desk.turn()

    async def propose(number: int) -> str:
        try:
            found = await desk.corrections.propose(
                conversation, 1, author=f"rep-{number}", now=desk.now, meaning=meant()
            )
        except AlreadyQuarantined as there:
            return there.correction_id
        return found.id

    assert len(set(await asyncio.gather(*map(propose, range(5))))) == 1
    waiting = await desk.corrections.of_turn(conversation, 1)
    assert waiting is not None
    await desk.corrections.withdraw(waiting.id, actor=waiting.author, now=desk.now)
    assert await desk.corrections.of_turn(conversation, 1) is None
    again = await desk.corrections.propose(conversation, 1, author=AUTHOR, now=desk.now, meaning=meant())
    assert again.id != waiting.id
    with pytest.raises(NotTheirs):
        await desk.corrections.withdraw(again.id, actor=OTHER, now=desk.now)


async def test_a_customer_s_data_is_shown_and_keeps_a_correction_in_quarantine(desk: Desk) -> None:
    said = f"我手机{PHONE[:3]} {PHONE[3:7]} {PHONE[7:]}昨天在海南刷了多少"
    proposed = await desk.propose(said)
    assert [problem.kind for problem in proposed.problems] == ["PHONE"]
    assert said[proposed.problems[0].start : proposed.problems[0].end] == "139 1234 5678"
    with pytest.raises(NotClean):
        await desk.approve(proposed, why="it is mine to say", anyway=True)
    # The same number in other clothes is still the customer's; an invented one is nobody's.
    same = await desk.corrections.revise(
        proposed.id, 1, actor=AUTHOR, now=desk.now, meaning=meant(f"我手机{PHONE}昨天在海南刷了多少")
    )
    assert same.problems
    invented = await desk.corrections.revise(
        proposed.id, 2, actor=AUTHOR, now=desk.now, meaning=meant("我手机13800001234昨天在海南刷了多少")
    )
    assert not invented.problems
    await desk.approve(invented)
    history = json.dumps([step.model_dump(mode="json") for step in await desk.corrections.history(proposed.id)])
    assert PHONE not in history.replace(" ", "")


async def test_what_is_turned_down_keeps_nobody_s_data(desk: Desk) -> None:
    proposed = await desk.propose(f"我的手机{PHONE}绑定了哪张卡来着")
    rejected = await desk.corrections.reject(proposed.id, 1, reviewer=REVIEWER, now=desk.now, why="a phone number")
    assert PHONE not in rejected.model_dump_json()


def test_a_hidden_secret_is_no_example_and_an_amount_is_nobody_s() -> None:
    hidden = "我的密码是••••••，能改吗"
    assert [problem.kind for problem in problems_of_text(hidden, (), hidden)] == ["HIDDEN"]
    exchange = "换1000000日元"
    assert [problem.kind for problem in problems_of_text(exchange, (), exchange)] == ["NUMBER"]
    assert problems_of_text(exchange, ((1, 8, "amount"),), exchange) == []
    named = "我叫陈思远，尾号8888的卡上个月刷了500元吧"
    assert [problem.kind for problem in problems_of_text(named, (), named)] == ["NAME", "CARD"]
    assert problems_of_text("我叫王小明，尾号1234的卡上个月刷了500元吧", (), named) == []


async def test_what_the_catalogue_says_already_is_shown_and_taken_only_for_a_reason(desk: Desk) -> None:
    example = next(each for each in catalog()["card_bill"].parsed_examples() if len(each.text) > 8)
    proposed = await desk.propose(f"{example.text}？", intents=("card_transactions",))
    near = await desk.corrections.near(proposed)
    assert near[0].text == example.text
    assert (near[0].intent, near[0].agrees, near[0].correction_id) == ("card_bill", False, None)
    with pytest.raises(NothingNew):
        await desk.approve(proposed)
    with pytest.raises(NothingNew):
        await desk.approve(proposed, anyway=True, why=" ")
    approved = await desk.approve(proposed, anyway=True, why="the catalogue is wrong here")
    step = (await desk.corrections.history(approved.id))[-1]
    assert (step.action, step.actor, step.why) == ("approved", REVIEWER, "the catalogue is wrong here")


async def test_another_correction_that_says_nearly_the_same_is_shown_unless_it_was_turned_down(desk: Desk) -> None:
    first, second = await desk.propose(SAID), await desk.propose(SAID.replace("呀", ""))
    assert [near.correction_id for near in await desk.corrections.near(second)] == [first.id]
    await desk.corrections.reject(first.id, 1, reviewer=REVIEWER, now=desk.now, why="no")
    assert await desk.corrections.near(second) == []
    await desk.approve(second)


async def test_the_history_tells_who_did_what_when_and_why_and_cannot_be_changed(desk: Desk) -> None:
    proposed = await desk.propose()
    later = desk.now + dt.timedelta(minutes=3)
    await desk.corrections.revise(proposed.id, 1, actor=OTHER, now=later, meaning=meant(act="do"), why="an order")
    await desk.corrections.reject(proposed.id, 2, reviewer=REVIEWER, now=later, why="it leans on the question before")
    steps = await desk.corrections.history(proposed.id)
    assert [(step.action, step.actor, step.at, step.why) for step in steps] == [
        ("proposed", AUTHOR, desk.now, "no"),
        ("revised", OTHER, later, "an order"),
        ("rejected", REVIEWER, later, "it leans on the question before"),
    ]
    assert [step.data["meaning"]["act"] for step in steps[:2]] == ["ask", "do"]
    async with reading(desk.engine) as connection:
        actions = list(await connection.scalars(select(AuditRow.action).order_by(AuditRow.id)))
    assert actions == ["correction.proposed", "correction.revised", "correction.rejected"]
    with pytest.raises(DBAPIError, match="never changed"):
        async with desk.engine.begin() as connection:
            await connection.execute(update(CorrectionStepRow).values(why="something else"))


@pytest.mark.parametrize(
    "changes",
    [
        {"intents": ()},
        {"intents": ("card_bill", "card_bill")},
        {"intents": ("card_bill", "card_points", "card_limit")},
        {"intents": ("out_of_scope", "card_bill")},
        {"intents": ("no_such_intent",)},
        {"slots": ((0, 2, "no_such_slot"),)},
        {"slots": ((0, 4, "date"), (3, 6, "city"))},
        {"slots": ((3, 3, "date"),)},
        {"slots": ((0, 99, "date"),)},
        {"text": " "},
        {"text": "长" * 2_001},
        {"intents": ("card_points",)},
    ],
)
async def test_what_makes_no_sense_or_corrects_nothing_is_refused(desk: Desk, changes: dict[str, Any]) -> None:
    if changes == {"intents": ("card_points",)}:
        with pytest.raises(BadCorrection, match="Nothing is corrected"):
            await desk.propose(**changes)
        return
    with pytest.raises(BadCorrection):
        await desk.propose(said=SAID, **changes)


async def test_where_nothing_was_recorded_nothing_is_corrected(desk: Desk) -> None:
    with pytest.raises(NoSuchTurn):
        await desk.corrections.propose("nobody", 1, author=AUTHOR, now=desk.now, meaning=meant())
    with pytest.raises(NoSuchCorrection):
        await desk.approve((await desk.propose()).model_copy(update={"id": "none"}))


async def test_the_command_lists_what_there_is_and_takes_out_what_was_approved(
    desk: Desk, database_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("TELLER_DATA_DIR", str(tmp_path / "data"))
    approved, waiting = await desk.propose(), await desk.propose(f"我的手机{PHONE}绑定了哪张卡来着")
    await desk.approve(approved, now=desk.now - dt.timedelta(minutes=1))

    async def run(*given: str) -> Any:
        return await asyncio.to_thread(CliRunner().invoke, app, ["corrections", *given])

    listed = (await run("list")).stdout.splitlines()
    assert [line.split()[:2] for line in listed] == [[approved.id, "approved"], [waiting.id, "quarantined"]]
    assert listed[1].endswith("! PHONE")
    assert (await run("list", "--status", "approved")).stdout.splitlines() == listed[:1]
    assert (await run("export", "--out", str(tmp_path / "rows.jsonl"))).exit_code == 0
    assert [row.text for row in read_rows(tmp_path / "rows.jsonl")] == [SAID]
    assert "card_transactions:" in (await run("export", "--form", "catalogue")).stdout
    assert (await run("export", "--since", "2026-11-22")).stdout == ""
    for bad in (("list", "--status", "new"), ("export", "--form", "xml"), ("list", "--since", "soon")):
        result = await run(*bad)
        assert result.exit_code in (1, 2)
        assert result.stderr.strip().endswith(".")
    async with reading(desk.engine) as connection:
        taken = await connection.scalars(select(AuditRow.actor).where(AuditRow.action == "corrections.exported"))
    assert {actor.partition(":")[0] for actor in taken} == {"command line"}


class TestReplies:
    """A better reply: facts by their names, and no figure that is none."""

    REPLY = "您有12,345分，其中200分月底到期。"
    EVIDENCE = (("12,345分", "points"), ("200分", "expiring"))

    async def test_facts_are_kept_by_their_names_and_no_figure_rests(self, desk: Desk) -> None:
        found = await self._propose(desk, "好消息：攒到12,345分啦，200分这个月底前用掉吧。")
        assert found.reply == "好消息：攒到{points}啦，{expiring}这个月底前用掉吧。"
        assert found.was["reply"] == "您有{points}，其中{expiring}月底到期。"
        assert "12,345" not in found.model_dump_json()
        assert found.problems == ()
        assert training_rows([await desk.approve(found)]) == ""

    async def test_a_better_reply_can_be_bettered_by_the_names_of_its_facts(self, desk: Desk) -> None:
        found = await self._propose(desk, "攒到12,345分啦。")
        changed = await desk.corrections.revise(found.id, 1, actor=OTHER, now=desk.now, reply="{points}了，真不少。")
        assert (changed.reply, changed.problems) == ("{points}了，真不少。", ())
        with pytest.raises(BadCorrection):
            await desk.corrections.revise(found.id, 2, actor=OTHER, now=desk.now, reply="{balance}了。")
        with pytest.raises(BadCorrection, match="Nothing"):
            await desk.corrections.revise(found.id, 2, actor=OTHER, now=desk.now, reply=self.REPLY)

    async def test_a_figure_that_no_fact_says_keeps_it_in_quarantine(self, desk: Desk) -> None:
        found = await self._propose(desk, "您有12,345分，可以换50元话费。")
        assert [problem.kind for problem in found.problems] == ["FIGURE"]
        with pytest.raises(NotClean):
            await desk.approve(found)

    async def _propose(self, desk: Desk, reply: str) -> Correction:
        conversation = await desk.turn(reply=self.REPLY, evidence=self.EVIDENCE)
        return await desk.corrections.propose(conversation, 1, author=AUTHOR, now=desk.now, reply=reply)

    def test_words_that_two_facts_say_stand_for_both_in_their_order(self) -> None:
        evidence = (("0.00元", "fee"), ("0.00元", "interest"), ("0", "count"))
        assert braced("手续费0.00元，利息0.00元，共0笔", evidence) == "手续费{fee}，利息{interest}，共{count}笔"


@st.composite
def marked_texts(draw: st.DrawFn) -> tuple[str, tuple[tuple[int, int, str], ...]]:
    """A text with slots over some of its pieces."""
    pieces = draw(st.lists(st.text("换点美元500[]()x 。\n", min_size=1, max_size=4), min_size=1, max_size=6))
    text, spans = "", []
    for piece in pieces:
        if draw(st.booleans()):
            spans.append((len(text), len(text) + len(piece), draw(st.sampled_from(["amount", "currency"]))))
        text += piece
    return text, tuple(spans)


@given(marked_texts())
def test_a_line_of_the_catalogue_reads_back_as_what_it_was_written_from_or_is_not_written(
    given_: tuple[str, tuple[tuple[int, int, str], ...]],
) -> None:
    text, spans = given_
    try:
        line = marked(text, spans)
    except ValueError:
        return
    block = yaml.safe_load(f"ask: |\n  {line}\n")["ask"]
    example = parse_example(block.rstrip("\n"), "zh", "ask")
    assert (example.text, example.spans) == (text, spans)


def test_lines_are_written_where_texts_are_plain() -> None:
    assert marked("换500美元", ((1, 4, "amount"), (4, 6, "currency"))) == "- 换[500](amount)[美元](currency)"


@given(st.text(max_size=20), st.text(max_size=20))
def test_likeness_is_the_same_both_ways_and_whole_with_itself(one: str, other: str) -> None:
    assert likeness(one, other) == likeness(other, one)
    assert 0 <= likeness(one, other) <= 1
    assert likeness(one, one) == 1


def test_case_width_punctuation_and_figures_do_not_make_another_message() -> None:
    known = Nearness([("换500美元，谢谢", "fx_buy"), ("how much is my CARD bill", "card_bill")])
    assert [close.item for close in known.near("换８００美元谢谢！")] == ["fx_buy"]
    assert [close.item for close in known.near("How much is my card bill?")] == ["card_bill"]
    assert known.near("买点黄金") == []
