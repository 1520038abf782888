"""Cues: input fields that plain words decide, and what a message that brings one takes back."""

from __future__ import annotations

import datetime as dt

import pytest

from backends.card import disputes, replace
from backends.values.codes import CODES
from bot import tracking
from bot.session import Session, Task
from bot.tracking import relevant_slots
from intents.capability import Capability, Cue, catalog
from intents.understanding import Act, IntentScore, SlotValue, Understanding

NOW = dt.datetime(2026, 11, 21, 2, 0, tzinfo=dt.UTC)

PART = Cue(instead_of="amount", values={"minimum": ("最低", "minimum"), "full": ("全部", "all")})
PAY = Capability(
    name="pay", kind="query", access="customer", status="planned", zh="还款", en="pay",
    slots={"amount": {}}, cues={"part": PART}, examples={},
)  # fmt: skip


def heard(text: str, amount: str | None = None) -> Understanding:
    found = () if amount is None else (SlotValue(slot="amount", start=0, end=1, value=text[:1], normalized=amount),)
    return Understanding(
        text=text, language="zh", in_scope=True, act="do", intents=(IntentScore(name="pay", confidence=1),), slots=found
    )


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("先还最低吧", "minimum"),
        ("pay the MINIMUM please", "minimum"),
        ("pay it all", "full"),
        ("pay it, really", None),
        ("全部还了，不是最低", "full"),
        ("不是最低，是全部", "full"),
        ("not the minimum, all of it", "full"),
        ("还款", None),
    ],
)
def test_a_cue_is_read_from_whole_words_that_are_not_denied(text: str, value: str | None) -> None:
    assert PART.read(text) == value


def test_a_cue_takes_back_the_slot_it_stands_instead_of_and_the_slot_takes_back_the_cue() -> None:
    assert relevant_slots(heard("还最低"), PAY) == {"part": ("minimum",), "amount": ()}
    assert relevant_slots(heard("还两千", "2000"), PAY) == {"part": (), "amount": ("2000",)}
    assert relevant_slots(heard("还款"), PAY) == {}


def test_a_field_cannot_be_a_slot_and_a_cue() -> None:
    with pytest.raises(ValueError, match="a slot or a cue"):
        Capability.model_validate({**PAY.model_dump(), "cues": {"amount": PART.model_dump()}})


REPAY = Task(id=1, capability="card_repay", act="do", slots={}, awaiting="part", touched_at=NOW)
QUOTED = REPAY.model_copy(update={"awaiting": "confirm"})


def hear(task: Task, text: str, name: str, confidence: float = 0.95, act: Act = "do") -> Session:
    understanding = Understanding(
        text=text, language="zh", in_scope=True, act=act, intents=(IntentScore(name=name, confidence=confidence),)
    )
    session = Session(tasks=(task,), next_task=2, turns=1)
    return tracking.hear(session, understanding, code=False, now=NOW, capabilities=catalog())


@pytest.mark.parametrize(("name", "confidence"), [("card_repay", 0.95), ("card_limit", 0.3), ("card_bill", 0.95)])
def test_an_awaited_cue_is_an_answer_whatever_else_the_message_reads_like(name: str, confidence: float) -> None:
    heard_now = hear(REPAY, "最低还款额", name, confidence, "ask")
    assert [(task.id, task.slots["part"]) for task in heard_now.agenda] == [(1, ("minimum",))]


def test_a_cue_in_what_surely_wants_something_else_done_belongs_to_that() -> None:
    heard_now = hear(REPAY, "开通自动还款，还最低", "autopay")
    assert [(task.capability, task.slots["part"]) for task in heard_now.agenda] == [("autopay", ("minimum",))]


def test_calling_it_off_is_no_cue_once_everything_was_read_back() -> None:
    called_off = hear(QUOTED.model_copy(update={"capability": "autopay"}), "取消自动还款", "cancel")
    assert (called_off.signal, called_off.tasks) == ("cancelled", ())
    changed = hear(QUOTED, "改成全额", "card_repay")
    assert [task.slots for task in changed.agenda] == [{"part": ("full",), "amount": ()}]


def test_a_message_that_is_nothing_but_the_awaited_word_answers_whatever_it_reads_like() -> None:
    asked = Task(id=1, capability="card_dispute", act="do", slots={}, awaiting="reason", touched_at=NOW)
    heard_now = hear(asked, "重复扣款。", "autopay")
    assert [(task.capability, task.slots) for task in heard_now.agenda] == [
        ("card_dispute", {"reason": ("duplicate",)})
    ]
    assert [task.capability for task in hear(asked, "重复扣款就关掉自动还款", "autopay").agenda] == ["autopay"]


OFFERED = [("card_dispute", "dispute", disputes.REASONS), ("card_replace", "replace", replace.REASONS)]


@pytest.mark.parametrize(
    ("capability", "prefix", "reason"), [(name, prefix, reason) for name, prefix, all_ in OFFERED for reason in all_]
)
def test_a_reason_that_is_offered_is_read_back_as_itself(capability: str, prefix: str, reason: str) -> None:
    cue = catalog()[capability].cues["reason"]
    for words in CODES[f"{prefix}_{reason}"]:
        assert cue.read(words) == reason
        assert cue.is_all_of(words)
