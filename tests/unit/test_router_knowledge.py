"""Hearing and deciding about what the bank has written down, and about fraud."""

from __future__ import annotations

import pytest

from backends.result import Choice, Fact, Result
from bot import router
from bot.decision import Answer, Handoff
from bot.session import Session, Task
from intents.capability import catalog
from tests.unit.test_router import NOW, READY, VISITOR, Conversation, meant, said

ASKED = "卡怎么激活"
CLOSE = Result(
    capability="card_activate",
    outcome="close",
    choices=tuple(
        Choice(slot="question", value=words, facts=(Fact.of("question", words, source="knowledge", as_of=NOW),))
        for words in ("新卡在哪儿激活", "激活要什么证件")
    ),
)


@pytest.fixture
def unsure() -> Conversation:
    """A visitor whose question came close to two answers."""
    talk = Conversation(VISITOR)
    talk.bank("run:card_activate", CLOSE)
    assert said(talk.hear(meant(ASKED, "card_activate"))) == ["card_activate.close"]
    talk.bank("run:card_activate", Result(capability="card_activate", outcome="answered"))
    return talk


def test_a_question_reaches_the_knowledge_base_in_the_customers_words() -> None:
    talk = Conversation(VISITOR)
    talk.hear(meant("激活", "card_activate", act="do"))
    assert talk.calls[0].input == {"question": "激活", "act": "do", "language": "zh"}


def test_a_follow_up_is_asked_of_the_question_before_it() -> None:
    talk = Conversation(VISITOR)
    talk.hear(meant("信用卡怎么激活", "card_activate", card_kind="信用卡=credit"))
    talk.hear(meant("那借记卡呢", "card_activate", card_kind="借记卡=debit"))
    assert talk.calls[0].input["question"] == "信用卡怎么激活 那借记卡呢"


def test_said_again_an_answer_is_looked_up_by_the_same_question() -> None:
    talk = Conversation(VISITOR)
    talk.hear(meant(ASKED, "card_activate"))
    talk.hear(meant("再说一遍", "repeat"))
    assert talk.calls[0].input["question"] == ASKED


@pytest.mark.parametrize("pick", ["第二个", "2", "激活要什么证件"])
def test_one_of_the_offered_questions_is_picked_by_its_place_or_its_words(unsure: Conversation, pick: str) -> None:
    assert said(unsure.hear(meant(pick, "out_of_scope"))) == ["card_activate.answered"]
    assert unsure.calls[0].input["question"] == "激活要什么证件"
    assert unsure.session.tasks == ()


def test_whatever_else_is_said_to_the_offered_questions_stands_for_itself(unsure: Conversation) -> None:
    assert said(unsure.hear(meant("激活不了，帮我激活", "card_activate", act="do"))) == ["card_activate.answered"]
    assert unsure.calls[0].input["question"] == "激活不了，帮我激活"


def test_another_topic_leaves_the_offered_questions_behind(unsure: Conversation) -> None:
    assert said(unsure.hear(meant("美元汇率", "fx_rate"))) == ["fx_rate.found"]
    assert unsure.session.tasks == ()


def test_a_reading_that_is_picked_keeps_the_question() -> None:
    talk = Conversation(VISITOR)
    ranking = (("card_activate", 0.4), ("card_bind", 0.35))
    talk.hear(meant("卡怎么开通", "card_activate", confidence=0.4, ranking=ranking))
    assert talk.done == []
    talk.hear(meant("1", "out_of_scope"))
    assert talk.calls[0].input["question"] == "卡怎么开通"


def test_only_what_is_served_is_offered_beside_an_answer_and_by_its_label(monkeypatch: pytest.MonkeyPatch) -> None:
    planned = {**catalog(), "card_points": catalog()["card_points"].model_copy(update={"status": "planned"})}
    monkeypatch.setattr("tests.unit.test_router.catalog", lambda: planned)
    talk = Conversation(VISITOR)
    names = ("branch", "customer_profile", "card_points", "no_such_thing")
    choices = tuple(Choice(slot="intent", value=name, facts=()) for name in names)
    talk.bank("run:card_activate", Result(capability="card_activate", outcome="answered", choices=choices))
    (answer,) = talk.hear(meant(ASKED, "card_activate"))
    assert isinstance(answer, Answer)
    shown = {choice.value: [fact.value for fact in choice.facts] for choice in answer.say.choices}
    assert shown == {"branch": [catalog()["branch"].label["zh"]]}


@pytest.mark.parametrize(("outcome", "heard"), [("answered", True), ("close", False), ("unknown", False)])
def test_what_is_written_on_a_write_follows_its_explanation(outcome: str, heard: bool) -> None:
    talk = Conversation()
    talk.bank("explain:fx_buy", Result(capability="fx_buy", outcome="explain"))
    talk.bank("run:knowledge", Result(capability="knowledge", outcome=outcome, choices=CLOSE.choices[:1]))
    expected = ["fx_buy.explain", *(["knowledge.answered"] if heard else []), "fx_buy.offer"]
    assert said(talk.hear(meant("买外汇要带什么材料", "fx_buy"))) == expected
    assert talk.calls[1].input == {
        "question": "买外汇要带什么材料", "about": "fx_buy", "act": "ask", "language": "zh",
    }  # fmt: skip


def test_a_knowledge_base_that_is_down_takes_nothing_from_an_explanation() -> None:
    talk = Conversation()
    talk.bank("explain:fx_buy", Result(capability="fx_buy", outcome="explain"))
    talk.bank("run:knowledge", Result(capability="knowledge", outcome="unavailable"))
    assert said(talk.hear(meant("怎么换外币", "fx_buy"))) == ["fx_buy.explain", "fx_buy.offer"]


# -- fraud ---------------------------------------------------------------------------------


def test_who_was_cheated_is_told_what_to_do_first_and_goes_before_all_others() -> None:
    talk = Conversation(VISITOR)
    decisions = talk.hear(meant("我被骗了，钱转走了", "fraud_security", act="do"))
    assert said(decisions) == ["fraud_security.first_steps", "human_agent.queued"]
    (handoff,) = talk.done
    assert isinstance(handoff, Handoff)
    assert handoff.priority > router.URGENT_FIRST > router.ASKED_FOR


def test_who_only_asks_about_fraud_is_advised_and_stays_with_the_bot() -> None:
    talk = Conversation(VISITOR)
    assert said(talk.hear(meant("这个短信是你们发的吗", "fraud_security"))) == ["fraud_security.advice"]
    assert talk.done == []


def test_who_asks_after_a_fraud_hears_who_knows_and_gets_a_human() -> None:
    decisions = Conversation().hear(meant("被骗的钱追回来了吗", "fraud_security", act="status"))
    assert said(decisions) == ["fraud_security.progress", "human_agent.queued"]


def test_fraud_is_served_before_what_was_said_first() -> None:
    decisions = Conversation().hear(meant("查下账单，我好像被骗了", "card_bill", "fraud_security", act="do"))
    assert said(decisions)[:2] == ["fraud_security.first_steps", "human_agent.queued"]


def test_a_payment_under_way_is_not_gone_on_with_after_a_report_of_fraud() -> None:
    talk = Conversation()
    talk.bank("prepare:fx_buy", READY)
    talk.hear(meant("换五百美金", "fx_buy", act="do", amount="五百=500", currency="美金=USD"))
    talk.hear(meant("等等我被骗了", "fraud_security", act="do"))
    assert talk.session.tasks == ()
    assert said(talk.hear(meant("确认", "affirm"))) == ["affirm.plain"]


def test_asking_for_a_human_after_a_question_about_fraud_is_urgent() -> None:
    talk = Conversation(VISITOR)
    talk.hear(meant("这是诈骗吗", "fraud_security"))
    talk.hear(meant("转人工", "human_agent", act="do"))
    assert [handoff.priority for handoff in talk.done if isinstance(handoff, Handoff)] == [router.URGENT_FIRST]


@pytest.mark.parametrize(
    ("names", "protected"), [(["card_report_lost"], True), (["card_report_lost", "card_bill"], False), ([], False)]
)
def test_only_what_protects_the_customer_is_done_while_a_human_is_awaited(names: list[str], protected: bool) -> None:
    agenda = tuple(Task(id=at, capability=name, act="do", touched_at=NOW) for at, name in enumerate(names))
    assert router.protects(Session(agenda=agenda), catalog()) is protected


def test_the_offered_questions_are_an_open_question_of_their_own(unsure: Conversation) -> None:
    task = unsure.session.in_hand
    assert task is not None
    assert (task.awaiting, task.options) == ("question", ("新卡在哪儿激活", "激活要什么证件"))


# -- beside what a bank's system answers ---------------------------------------------------


@pytest.fixture
def written() -> Conversation:
    """A customer of a bank that has written on whatever is asked."""
    talk = Conversation()
    talk.bank("run:knowledge", Result(capability="knowledge", outcome="answered"))
    return talk


def test_what_is_written_on_a_question_follows_what_the_banks_system_says(written: Conversation) -> None:
    assert said(written.hear(meant("活期利息多久结一次", "deposit_rate")))[-1] == "knowledge.answered"
    assert written.calls[-1].input["about"] == "deposit_rate"


def test_what_is_written_comes_before_a_question_of_the_banks_system(written: Conversation) -> None:
    choice = Choice(slot="card_tail", value="8888", facts=())
    written.bank("run:loan_repay", Result(capability="loan_repay", outcome="choose", choices=(choice,)))
    assert said(written.hear(meant("提前还款怎么算", "loan_repay"))) == ["knowledge.answered", "loan_repay.choose"]
    assert written.session.in_hand is not None
    assert written.session.in_hand.awaiting == "card_tail"


def test_a_visitor_hears_what_is_written_before_being_asked_to_sign_in() -> None:
    talk = Conversation(VISITOR)
    talk.bank("run:knowledge", Result(capability="knowledge", outcome="answered"))
    assert said(talk.hear(meant("贷款审批要几步", "loan_status"))) == ["knowledge.answered", "loan_status.sign_in"]
    assert [call.name for call in talk.calls] == ["knowledge"]


def test_nothing_is_looked_up_where_nothing_is_written_or_something_is_to_be_done(written: Conversation) -> None:
    written.hear(meant("查账单", "card_bill"))
    assert [call.name for call in written.calls] == ["card_bill"]
    written.hear(meant("查一下贷款", "loan_status", act="status"))
    assert [call.name for call in written.calls] == ["loan_status"]
