"""Hearing and deciding, as pure functions: no model, no bank, no clock but the one given."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import pytest

from backends import values
from backends.action import ActionCall
from backends.result import Choice, Fact, Quote, Result
from bot import router, tracking
from bot.decision import Act, Answer, Ask, Clarify, Confirm, Decision, Handoff, Step, StepUp
from bot.principal import Principal
from bot.session import Session, Task
from intents.capability import catalog
from intents.understanding import Act as SpeechAct
from intents.understanding import IntentScore, SlotValue, Understanding

NOW = dt.datetime(2026, 11, 21, 2, 0, tzinfo=dt.UTC)
CUSTOMER = Principal(channel="web", customer_id="C1", assurance="signed_in")
VISITOR = Principal()
READY = Result(
    capability="fx_buy",
    outcome="ready",
    facts=(Fact.of("amount", values.Money.of(500, "USD"), source="fx", as_of=NOW),),
    quote=Quote(quote_id="q1", digest="d1", expires_at=NOW + dt.timedelta(minutes=3)),
)


def meant(
    text: str,
    *names: str,
    act: SpeechAct = "ask",
    confidence: float = 0.95,
    ranking: Sequence[tuple[str, float]] = (),
    **slots: str,
) -> Understanding:
    """An understanding as the model would hand it on; each slot's words are ``words=normalized`` found in the text."""
    found = []
    for name, value in slots.items():
        words, _, normalized = value.partition("=")
        start = text.index(words)
        found.append(SlotValue(slot=name, start=start, end=start + len(words), value=words, normalized=normalized))
    return Understanding(
        text=text,
        language="zh",
        in_scope=names != ("out_of_scope",),
        act=act,
        intents=tuple(IntentScore(name=name, confidence=confidence) for name in names),
        slots=tuple(found),
        ranking=tuple(IntentScore(name=name, confidence=score) for name, score in ranking),
    )


class Conversation:
    """A conversation whose bank answers what it is told to, so that only hearing and deciding are under test."""

    def __init__(self, principal: Principal = CUSTOMER) -> None:
        self.session = Session()
        self.principal = principal
        self.now = NOW
        self.answers: dict[str, Result] = {}
        self.done: list[Act | StepUp | Handoff] = []

    def bank(self, kind: str, result: Result) -> None:
        """What comes back from ``step:capability``, ``code`` or ``check``."""
        self.answers[kind] = result

    def hear(self, understanding: Understanding, *, code: bool = False) -> list[Decision]:
        self.session = tracking.hear(self.session, understanding, code=code, now=self.now, capabilities=catalog())
        self.done = []
        steps: list[Step] = []
        for _ in range(5):
            decisions = router.decide(
                understanding, self.session, steps, self.principal, now=self.now, capabilities=catalog()
            )
            effects = [d for d in decisions if isinstance(d, Act | StepUp | Handoff)]
            if not effects:
                break
            for effect in effects:
                self.done.append(effect)
                steps.append(Step(decision=effect, result=self._come_back(effect), at=self.now))
        else:
            raise AssertionError("no end")
        sayings = [d for d in decisions if isinstance(d, Ask | Confirm | Clarify | Answer)]
        self.session = tracking.settle(self.session, sayings, steps, self.now)
        return list(decisions)

    def _come_back(self, effect: Act | StepUp | Handoff) -> Result:
        if isinstance(effect, StepUp):
            fallback = Result(
                capability=effect.capability, outcome="code_ok" if effect.check else "code_sent", reference="ch1"
            )
            return self.answers.get("check" if effect.check else "code", fallback)
        if isinstance(effect, Handoff):
            return Result(capability="human_agent", outcome="queued")
        key = f"{effect.call.step}:{effect.call.name}"
        return self.answers.get(key, Result(capability=effect.call.name, outcome="found"))

    @property
    def calls(self) -> list[ActionCall]:
        return [effect.call for effect in self.done if isinstance(effect, Act)]


@pytest.fixture
def buying() -> Conversation:
    """A customer who has just had a purchase of 500 dollars read back."""
    talk = Conversation()
    talk.bank("prepare:fx_buy", READY)
    talk.hear(meant("换五百美金", "fx_buy", act="do", amount="五百=500", currency="美金=USD"))
    return talk


def said(decisions: Sequence[Decision]) -> list[str]:
    return [f"{d.say.capability}.{d.say.outcome}" for d in decisions if isinstance(d, Ask | Confirm | Clarify | Answer)]


def test_a_query_asks_the_bank_and_says_its_answer() -> None:
    talk = Conversation()
    assert said(talk.hear(meant("查账单", "card_bill"))) == ["card_bill.found"]
    assert talk.calls[0].step == "run"
    assert talk.session.tasks == ()


def test_a_visitor_is_asked_to_sign_in_and_no_backend_is_called() -> None:
    talk = Conversation(VISITOR)
    assert said(talk.hear(meant("查账单", "card_bill"))) == ["card_bill.sign_in"]
    assert talk.done == []


def test_a_visitor_who_lost_a_card_is_told_what_to_do_first() -> None:
    talk = Conversation(VISITOR)
    talk.bank("explain:card_report_lost", Result(capability="card_report_lost", outcome="explain"))
    said_first = said(talk.hear(meant("我卡丢了", "card_report_lost", act="do")))
    assert said_first == ["card_report_lost.explain", "human_agent.queued"]
    assert talk.calls[0].step == "explain"
    assert [effect.priority for effect in talk.done if isinstance(effect, Handoff)] == [router.URGENT_FIRST]


def test_two_intents_are_both_answered_in_their_order() -> None:
    talk = Conversation()
    decisions = talk.hear(meant("查账单，再看看额度", "card_bill", "card_limit"))
    assert said(decisions) == ["card_bill.found", "card_limit.found"]


def test_several_currencies_of_one_question_reach_the_bank_together() -> None:
    talk = Conversation()
    text = "美元多少了，顺便看看欧元"
    understanding = meant(text, "fx_rate").model_copy(
        update={
            "slots": (
                SlotValue(slot="currency", start=0, end=2, value="美元", normalized="USD"),
                SlotValue(slot="currency", start=10, end=12, value="欧元", normalized="EUR"),
            )
        }
    )
    talk.hear(understanding)
    assert talk.calls[0].input == {"currency": ["USD", "EUR"]}


def test_asking_how_a_write_works_explains_and_offers_and_changes_nothing() -> None:
    talk = Conversation()
    talk.bank("explain:fx_buy", Result(capability="fx_buy", outcome="explain"))
    assert said(talk.hear(meant("怎么换外币", "fx_buy"))) == ["fx_buy.explain", "fx_buy.offer"]
    assert [(call.name, call.step) for call in talk.calls] == [("fx_buy", "explain"), ("knowledge", "run")]
    assert said(talk.hear(meant("好的", "affirm"))) == ["fx_buy.ask_amount"]


def test_a_missing_slot_is_asked_for_and_filled_by_the_next_message() -> None:
    talk = Conversation()
    talk.bank("prepare:fx_buy", READY)
    assert said(talk.hear(meant("我要换美元", "fx_buy", act="do", currency="美元=USD"))) == ["fx_buy.ask_amount"]
    assert said(talk.hear(meant("八百", "out_of_scope", amount="八百=800"))) == ["fx_buy.ready"]
    assert talk.calls[0].input == {"currency": "USD", "amount": "800"}


def test_a_write_is_confirmed_then_coded_then_committed_with_the_digest_that_was_read_back(
    buying: Conversation,
) -> None:
    assert buying.session.in_hand is not None
    assert buying.session.in_hand.awaiting == "confirm"
    assert said(buying.hear(meant("确认", "affirm"))) == ["fx_buy.code_sent"]
    assert buying.session.in_hand.challenge_id == "ch1"
    buying.bank("commit:fx_buy", Result(capability="fx_buy", outcome="done", completed=True))
    assert said(buying.hear(meant("••••••", "out_of_scope"), code=True)) == ["fx_buy.done"]
    commit = buying.calls[-1]
    assert (commit.step, commit.quote_id, commit.digest) == ("commit", "q1", "d1")
    assert buying.session.tasks == ()


def test_a_yes_before_anything_was_read_back_commits_nothing() -> None:
    talk = Conversation()
    talk.hear(meant("我要换美元", "fx_buy", act="do", currency="美元=USD"))
    assert said(talk.hear(meant("确认", "affirm"))) == ["fx_buy.ask_amount"]
    assert [call.step for call in talk.calls] == []


def test_a_correction_is_quoted_again_and_needs_a_new_yes(buying: Conversation) -> None:
    assert said(buying.hear(meant("不对，是八百", "deny", amount="八百=800"))) == ["fx_buy.ready"]
    assert buying.calls[-1].step == "prepare"
    assert buying.calls[-1].input["amount"] == "800"
    assert buying.session.in_hand is not None
    assert not buying.session.in_hand.confirmed


def test_a_correction_after_the_code_was_sent_throws_the_code_away(buying: Conversation) -> None:
    buying.hear(meant("确认", "affirm"))
    buying.hear(meant("不对，是八百", "deny", amount="八百=800"))
    assert buying.session.in_hand is not None
    assert buying.session.in_hand.challenge_id is None
    assert buying.session.in_hand.awaiting == "confirm"


def test_a_no_without_a_value_asks_what_to_change(buying: Conversation) -> None:
    assert said(buying.hear(meant("不对", "deny"))) == ["fx_buy.ask_change"]
    assert buying.session.in_hand is not None


def test_a_refusal_drops_the_task(buying: Conversation) -> None:
    assert said(buying.hear(meant("算了", "deny"))) == ["fx_buy.cancelled"]
    assert buying.session.tasks == ()


def test_a_digression_is_answered_and_the_read_back_is_repeated(buying: Conversation) -> None:
    decisions = buying.hear(meant("我额度还剩多少", "card_limit"))
    assert said(decisions) == ["card_limit.found", "fx_buy.resume", "fx_buy.ready"]
    assert buying.session.in_hand is not None
    assert buying.session.in_hand.awaiting == "confirm"
    assert said(buying.hear(meant("确认", "affirm"))) == ["fx_buy.code_sent"]


def test_a_lapsed_quote_is_quoted_again_and_never_silently(buying: Conversation) -> None:
    buying.hear(meant("确认", "affirm"))
    buying.bank("commit:fx_buy", Result(capability="fx_buy", outcome="expired"))
    decisions = buying.hear(meant("••••••", "out_of_scope"), code=True)
    assert said(decisions) == ["fx_buy.expired", "fx_buy.ready"]
    assert [call.step for call in buying.calls] == ["commit", "prepare"]
    assert buying.session.in_hand is not None
    assert buying.session.in_hand.awaiting == "confirm"


def test_a_wrong_code_leaves_the_task_waiting_for_another(buying: Conversation) -> None:
    buying.hear(meant("确认", "affirm"))
    buying.bank("check", Result(capability="fx_buy", outcome="code_wrong"))
    assert said(buying.hear(meant("••••••", "out_of_scope"), code=True)) == ["fx_buy.code_wrong"]
    assert [call.step for call in buying.calls] == []
    assert buying.session.in_hand is not None
    assert buying.session.in_hand.awaiting == "code"


def test_a_code_that_did_not_arrive_is_sent_again(buying: Conversation) -> None:
    buying.hear(meant("确认", "affirm"))
    assert said(buying.hear(meant("没收到，重新发一个", "online_banking"))) == ["fx_buy.code_sent"]


def test_protecting_a_lost_card_needs_one_yes_and_no_code() -> None:
    talk = Conversation()
    talk.bank("prepare:card_report_lost", READY.model_copy(update={"capability": "card_report_lost"}))
    talk.bank("commit:card_report_lost", Result(capability="card_report_lost", outcome="done", completed=True))
    talk.hear(meant("我卡丢了，挂失", "card_report_lost", act="do"))
    assert said(talk.hear(meant("确认", "affirm"))) == ["card_report_lost.done"]
    assert not any(isinstance(effect, StepUp) for effect in talk.done)


def test_a_choice_among_the_customers_own_cards_is_asked_and_answered() -> None:
    talk = Conversation()
    choice = Choice(slot="card_tail", value="8888", facts=())
    talk.bank("prepare:card_report_lost", Result(capability="card_report_lost", outcome="choose", choices=(choice,)))
    talk.hear(meant("挂失", "card_report_lost", act="do"))
    talk.bank("prepare:card_report_lost", READY.model_copy(update={"capability": "card_report_lost"}))
    decisions = talk.hear(meant("尾号8888的", "out_of_scope", card_tail="8888=8888"))
    assert isinstance(decisions[0], Confirm)
    assert talk.calls[-1].input == {"card_tail": "8888"}


def test_an_elliptical_follow_up_keeps_the_topic_and_replaces_the_slot() -> None:
    talk = Conversation()
    talk.hear(meant("100美元换人民币", "fx_quote", amount="100=100", currency_from="美元=USD", currency="人民币=CNY"))
    talk.hear(meant("那欧元呢？", "out_of_scope", currency="欧元=EUR"))
    assert talk.calls[-1].name == "fx_quote"
    assert talk.calls[-1].input == {"amount": "100", "currency_from": "EUR", "currency": "CNY"}


def test_a_follow_up_about_another_thing_keeps_the_same_card() -> None:
    talk = Conversation()
    talk.hear(meant("尾号8888的账单", "card_bill", card_tail="8888=8888"))
    talk.hear(meant("那额度呢", "card_limit"))
    assert talk.calls[-1].name == "card_limit"
    assert talk.calls[-1].input == {"card_tail": "8888"}


def test_a_human_is_called_at_any_time_and_the_task_is_not_resumed(buying: Conversation) -> None:
    assert said(buying.hear(meant("转人工", "human_agent", act="do"))) == ["human_agent.queued"]


def test_an_unfinished_task_is_forgotten_overnight(buying: Conversation) -> None:
    buying.now = NOW + dt.timedelta(hours=12)
    assert said(buying.hear(meant("确认", "affirm"))) == ["fx_buy.lapsed"]
    assert buying.done == []
    assert buying.session.tasks == ()


def test_close_readings_are_put_to_the_customer_and_a_number_picks_one() -> None:
    talk = Conversation()
    unsure = meant(
        "额度", "card_limit", confidence=0.4, ranking=(("card_limit", 0.4), ("fx_quota", 0.35), ("loan_apply", 0.1))
    )
    decisions = talk.hear(unsure)
    assert isinstance(decisions[0], Clarify)
    assert decisions[0].options == ("card_limit", "fx_quota")
    assert said(talk.hear(meant("2", "out_of_scope"))) == ["fx_quota.found"]


def test_two_misses_in_a_row_offer_a_human() -> None:
    talk = Conversation()
    assert said(talk.hear(meant("@@", "out_of_scope"))) == ["out_of_scope.miss"]
    assert said(talk.hear(meant("##", "out_of_scope"))) == ["out_of_scope.miss_again"]


def test_a_planned_capability_is_answered_honestly(monkeypatch: pytest.MonkeyPatch) -> None:
    planned = {**catalog(), "card_points": catalog()["card_points"].model_copy(update={"status": "planned"})}
    monkeypatch.setattr("tests.unit.test_router.catalog", lambda: planned)
    talk = Conversation()
    assert said(talk.hear(meant("我的积分", "card_points"))) == ["card_points.planned"]
    assert talk.done == []


def test_a_write_is_refused_in_a_channel_it_does_not_name() -> None:
    talk = Conversation(Principal(channel="wechat", customer_id="C1", assurance="signed_in"))
    assert said(talk.hear(meant("换500美元", "fx_buy", act="do"))) == ["fx_buy.channel"]


def test_deciding_is_a_pure_function_of_its_arguments() -> None:
    task = Task(id=1, capability="card_bill", act="ask", touched_at=NOW)
    session = Session(agenda=(task,), next_task=2)
    understanding = meant("查账单", "card_bill")
    first, second = (
        router.decide(understanding, session, (), CUSTOMER, now=NOW, capabilities=catalog()) for _ in range(2)
    )
    assert first == second
    assert all(decision.why for decision in first)


def test_a_waiting_customer_hears_the_queues_state_but_not_at_every_message() -> None:
    understanding = meant("在吗", "greet")
    first = router.decide_in_queue(understanding, Session(), (), now=NOW)
    assert isinstance(first[0], Handoff)
    noticed = Session(queue_noticed_at=NOW)
    assert router.decide_in_queue(understanding, noticed, (), now=NOW + dt.timedelta(seconds=30)) == ()
    leaving = router.decide_in_queue(meant("不用了", "deny"), noticed, (), now=NOW)
    assert isinstance(leaving[0], Handoff)
    assert leaving[0].withdraw


def test_an_unsure_cancel_does_not_throw_the_task_away(buying: Conversation) -> None:
    assert said(buying.hear(meant("用来留学的", "cancel", act="do", confidence=0.3))) == ["fx_buy.ready"]


def test_calling_it_off_for_something_else_does_only_the_other_thing(buying: Conversation) -> None:
    assert said(buying.hear(meant("算了，查一下我的额度", "card_limit"))) == ["card_limit.found"]
    assert buying.session.tasks == ()


def test_an_open_question_is_brought_up_again_twice_and_then_left_alone(buying: Conversation) -> None:
    digression = meant("我额度还剩多少", "card_limit")
    resumed = ["card_limit.found", "fx_buy.resume", "fx_buy.ready"]
    assert said(buying.hear(digression)) == resumed
    assert said(buying.hear(digression)) == resumed
    assert said(buying.hear(digression)) == ["card_limit.found"]
    assert buying.session.in_hand is not None


def test_thanks_in_between_do_not_bring_the_question_up_again(buying: Conversation) -> None:
    assert said(buying.hear(meant("谢谢", "thanks"))) == ["thanks.plain"]


def test_a_follow_up_on_a_digression_is_not_taken_for_the_form(buying: Conversation) -> None:
    buying.hear(meant("北京有网点吗", "branch", city="北京=北京"))
    decisions = buying.hear(meant("上海的呢", "out_of_scope", city="上海=上海"))
    assert said(decisions)[0] == "branch.found"
    assert buying.calls[0].input["city"] == "上海"


def test_a_stolen_card_with_nothing_on_record_is_a_call_for_help() -> None:
    talk = Conversation()
    talk.bank("status:card_report_lost", Result(capability="card_report_lost", outcome="no_record"))
    talk.bank("prepare:card_report_lost", READY.model_copy(update={"capability": "card_report_lost"}))
    assert isinstance(talk.hear(meant("我的卡被偷了", "card_report_lost", act="status"))[0], Confirm)
    assert [call.step for call in talk.calls] == ["status", "prepare"]


def test_a_faint_reading_is_not_acted_on() -> None:
    talk = Conversation()
    assert said(talk.hear(meant("咕噜咕噜", "transfer_rules", confidence=0.13))) == ["out_of_scope.miss"]


def test_a_lost_card_that_is_only_stated_is_a_request_and_one_that_is_asked_about_a_question() -> None:
    talk = Conversation()
    talk.bank("prepare:card_report_lost", READY.model_copy(update={"capability": "card_report_lost"}))
    talk.bank("explain:card_report_lost", Result(capability="card_report_lost", outcome="explain"))
    assert isinstance(talk.hear(meant("卡丢了要挂失", "card_report_lost", act="ask"))[0], Confirm)
    talk = Conversation()
    talk.bank("explain:card_report_lost", Result(capability="card_report_lost", outcome="explain"))
    assert said(talk.hear(meant("挂失要多少钱", "card_report_lost", act="ask")))[0] == "card_report_lost.explain"


@pytest.mark.parametrize("words", ["第二个", "2", "第2张", "the second one"])
def test_one_of_several_cards_is_picked_by_its_place(words: str) -> None:
    talk = Conversation()
    choices = tuple(Choice(slot="card_tail", value=tail, facts=()) for tail in ("8888", "6217"))
    talk.bank("prepare:card_report_lost", Result(capability="card_report_lost", outcome="choose", choices=choices))
    talk.hear(meant("挂失", "card_report_lost", act="do"))
    talk.bank("prepare:card_report_lost", READY.model_copy(update={"capability": "card_report_lost"}))
    assert isinstance(talk.hear(meant(words, "out_of_scope"))[0], Confirm)
    assert talk.calls[-1].input == {"card_tail": "6217"}


def test_one_of_those_offered_may_be_described_instead_of_picked() -> None:
    talk = Conversation()
    rows = tuple((Fact.of("merchant", name, source="card", as_of=NOW, kind="name"),) for name in ("淘宝", "盒马"))
    choices = tuple(Choice(slot="transaction", value=f"T{n}", facts=row) for n, row in enumerate(rows))
    talk.bank("prepare:card_dispute", Result(capability="card_dispute", outcome="choose", rows=rows, choices=choices))
    assert said(talk.hear(meant("我要申请拒付", "card_dispute", act="do"))) == ["card_dispute.choose"]
    described = meant("388那笔", "out_of_scope", amount="388=388 CNY")
    assert said(talk.hear(described)) == ["card_dispute.choose"]
    assert talk.calls[0].input == {"amount": "388 CNY"}
    talk.hear(meant("第二个", "out_of_scope"))
    assert talk.calls[0].input == {"amount": "388 CNY", "transaction": "T1"}
