"""What the bot hears while a rep holds the conversation: what answers the write that they began, and nothing else."""

from __future__ import annotations

import datetime as dt
from typing import Literal

import pytest

from bot import tracking
from bot.message import WriteRequest
from bot.session import IDLE_LIMIT, Session, Task
from intents.capability import catalog
from tests.unit.test_router import NOW, meant

REQUEST = WriteRequest(capability="card_repay", rep_id="rep-1")
PENDING = Task(id=1, capability="fx_buy", act="do", awaiting="confirm", touched_at=NOW)


def begun(awaiting: str = "confirm") -> Session:
    task = Task(id=3, capability="card_repay", act="do", awaiting=awaiting, touched_at=NOW)
    return Session(tasks=(task,), requested=3, next_task=4, turns=2)


def answers(
    session: Session, text: str, intent: str, last_speaker: Literal["bot", "rep"], *, code: bool = False
) -> bool:
    [task] = session.tasks
    heard = tracking.hear(session, meant(text, intent), code=code, now=NOW, capabilities=catalog())
    return tracking.is_its_answer(task, heard, text, last_speaker)


@pytest.mark.parametrize("details", ["确认", "尾号8888还两百"])
def test_a_request_leaves_nothing_under_way_that_a_yes_could_be_for(details: str) -> None:
    before = Session(tasks=(PENDING,), queue=(PENDING,), signal="cancelled", next_task=2)
    after = tracking.requested(before, REQUEST, meant(details, "affirm"), now=NOW, capabilities=catalog())
    [task] = after.agenda
    assert (after.tasks, after.queue, after.signal, after.requested) == ((), (), None, task.id)
    assert (task.capability, task.act, task.awaiting, task.confirmed) == ("card_repay", "do", None, False)


@pytest.mark.parametrize(
    ("text", "intent", "last_speaker", "heard"),
    [
        ("好的", "affirm", "bot", True),
        ("好的", "affirm", "rep", False),
        ("确认。", "affirm", "rep", True),
        ("算了", "cancel", "bot", True),
        ("不用了", "deny", "rep", False),
        ("取消", "cancel", "rep", True),
        ("谢谢", "thanks", "bot", False),
        ("转人工", "human_agent", "bot", False),
        ("你们几点下班", "branch", "bot", False),
    ],
)
def test_a_yes_or_a_no_is_the_bots_where_it_spoke_last_or_its_very_word_is_said(
    text: str, intent: str, last_speaker: Literal["bot", "rep"], heard: bool
) -> None:
    assert answers(begun(), text, intent, last_speaker) is heard


def test_a_code_and_the_wish_for_another_are_the_bots_whoever_spoke_last() -> None:
    assert answers(begun("code"), "******", "out_of_scope", "rep", code=True)
    assert answers(begun("code"), "没收到，再发一次", "out_of_scope", "rep")
    assert not answers(begun("code"), "等一下", "out_of_scope", "bot")


def test_what_a_rep_began_is_forgotten_like_any_other_task() -> None:
    assert tracking.task_of_rep(begun(), NOW + IDLE_LIMIT) is not None
    assert tracking.task_of_rep(begun(), NOW + IDLE_LIMIT + dt.timedelta(seconds=1)) is None
    assert tracking.task_of_rep(begun().model_copy(update={"requested": None}), NOW) is None
