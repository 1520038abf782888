"""What a message is about in the light of those before it: queues, references, corrections, languages, moods."""

from __future__ import annotations

import datetime as dt

import pytest

from backends.result import Choice, Fact, Result
from bot import router
from bot.decision import Handoff
from bot.session import Page, Session
from intents.understanding import SlotValue, Understanding
from tests.unit.test_router import NOW, READY, VISITOR, Conversation, meant, said


def about(capability: str, outcome: str, **facts: str) -> Result:
    named = tuple(Fact.of(name, value, source="card", as_of=NOW, kind="digits") for name, value in facts.items())
    return Result(capability=capability, outcome=outcome, facts=named)


def english(understanding: Understanding) -> Understanding:
    return understanding.model_copy(update={"language": "en"})


def given(talk: Conversation) -> dict[str, object]:
    """What the last call to the bank was given."""
    return talk.calls[-1].input


@pytest.fixture
def talk() -> Conversation:
    """A customer whose purchases are quoted."""
    talk = Conversation()
    talk.bank("prepare:fx_buy", READY)
    talk.bank("prepare:card_repay", READY.model_copy(update={"capability": "card_repay"}))
    talk.bank("commit:fx_buy", Result(capability="fx_buy", outcome="done", completed=True))
    return talk


BOTH = meant("换五百美金再还信用卡一千", "fx_buy", "card_repay", act="do", amount="五百=500", currency="美金=USD")


def test_of_two_things_to_be_done_only_one_is_read_back(talk: Conversation) -> None:
    assert said(talk.hear(BOTH)) == ["fx_buy.ready"]
    assert [task.capability for task in talk.session.queue] == ["card_repay"]


def test_the_second_is_begun_when_the_first_is_done(talk: Conversation) -> None:
    talk.hear(BOTH)
    talk.hear(meant("确认", "affirm"))
    assert said(talk.hear(meant("******", "out_of_scope"), code=True)) == [
        "fx_buy.done",
        "card_repay.resume",
        "card_repay.ready",
    ]
    assert talk.session.queue == ()
    assert talk.session.in_hand is not None
    assert talk.session.in_hand.capability == "card_repay"


def test_the_second_is_begun_when_the_first_is_called_off(talk: Conversation) -> None:
    talk.hear(BOTH)
    assert said(talk.hear(meant("算了", "cancel"))) == ["fx_buy.cancelled", "card_repay.resume", "card_repay.ready"]


def test_calling_everything_off_leaves_nothing(talk: Conversation) -> None:
    talk.hear(BOTH)
    assert said(talk.hear(meant("都不办了，取消", "cancel"))) == ["fx_buy.cancelled"]
    assert talk.session.tasks == talk.session.queue == ()


@pytest.mark.parametrize(
    ("text", "first", "second"),
    [
        ("换五百美金，顺便还信用卡两千", {"amount": "500", "currency": "USD"}, {"amount": "2000"}),
        ("换五百美金，再还信用卡", {"amount": "500", "currency": "USD"}, {}),
    ],
)
def test_of_two_things_in_a_message_each_has_its_own_figures(
    talk: Conversation, text: str, first: dict[str, str], second: dict[str, str]
) -> None:
    heard = meant(text, "fx_buy", "card_repay", act="do", amount="五百=500", currency="美金=USD")
    if "两千" in text:
        start = text.index("两千")
        slot = SlotValue(slot="amount", start=start, end=start + 2, value="两千", normalized="2000")
        heard = heard.model_copy(update={"slots": (*heard.slots, slot)})
    talk.hear(heard)
    assert given(talk) == first
    assert {name: values[0] for name, values in talk.session.queue[0].slots.items() if values} == second


def test_a_figure_of_a_second_wish_that_was_not_understood_does_not_replace_that_of_the_first(
    talk: Conversation,
) -> None:
    text = "换五百美金，顺便还信用卡两千"
    heard = meant(text, "fx_buy", act="do", amount="五百=500", currency="美金=USD")
    start = text.index("两千")
    slot = SlotValue(slot="amount", start=start, end=start + 2, value="两千", normalized="2000")
    talk.hear(heard.model_copy(update={"slots": (*heard.slots, slot)}))
    assert given(talk) == {"amount": "500", "currency": "USD"}


def test_a_question_beside_a_form_is_answered_before_it(talk: Conversation) -> None:
    both = meant("换五百美金，顺便查账单", "fx_buy", "card_bill", act="do", amount="五百=500", currency="美金=USD")
    assert said(talk.hear(both)) == ["card_bill.found", "fx_buy.ready"]


def test_a_lost_card_goes_before_what_was_said_first(talk: Conversation) -> None:
    talk.bank("prepare:card_report_lost", READY.model_copy(update={"capability": "card_report_lost"}))
    both = meant("换五百美金，卡也丢了", "fx_buy", "card_report_lost", act="do", amount="五百=500", currency="美金=USD")
    assert said(talk.hear(both)) == ["card_report_lost.ready"]
    assert [task.capability for task in talk.session.queue] == ["fx_buy"]


def test_what_lay_open_under_a_finished_form_is_said_before_a_yes_can_be_for_it(talk: Conversation) -> None:
    talk.bank("prepare:card_report_lost", READY.model_copy(update={"capability": "card_report_lost"}))
    talk.bank("commit:card_report_lost", Result(capability="card_report_lost", outcome="done", completed=True))
    talk.hear(meant("换五百美金", "fx_buy", act="do", amount="五百=500", currency="美金=USD"))
    talk.hear(meant("我卡丢了", "card_report_lost", act="do"))
    assert said(talk.hear(meant("确认", "affirm"))) == ["card_report_lost.done", "fx_buy.resume", "fx_buy.ready"]


def test_that_card_is_the_one_that_was_answered_about(talk: Conversation) -> None:
    talk.bank("run:card_bill", about("card_bill", "found", card_tail="9016"))
    talk.hear(meant("查账单", "card_bill"))
    talk.hear(meant("那张卡还有多少额度可以用", "card_limit"))
    assert given(talk) == {"card_tail": "9016"}


def test_a_card_that_is_named_is_not_the_one_before(talk: Conversation) -> None:
    talk.bank("run:card_bill", about("card_bill", "found", card_tail="9016"))
    talk.hear(meant("查账单", "card_bill"))
    talk.hear(meant("那张尾号2375的额度", "card_limit", card_tail="2375=2375"))
    assert given(talk) == {"card_tail": "2375"}


def test_a_card_of_half_an_hour_ago_is_no_longer_that_card(talk: Conversation) -> None:
    talk.bank("run:card_bill", about("card_bill", "found", card_tail="9016"))
    talk.hear(meant("查账单", "card_bill"))
    talk.now = NOW + dt.timedelta(minutes=30)
    talk.hear(meant("那张卡还有多少额度可以用", "card_limit"))
    assert given(talk) == {}


def test_the_second_of_what_was_listed_is_told_about(talk: Conversation) -> None:
    rows = tuple(
        (Fact.of("product_name", name, source="wealth", as_of=NOW, kind="name"),) for name in ("日日盈", "稳盈")
    )
    talk.bank("run:wealth_recommend", Result(capability="wealth_recommend", outcome="found", rows=rows))
    talk.hear(meant("推荐个理财", "wealth_recommend"))
    assert said(talk.hear(meant("第二个怎么样", "out_of_scope"))) == ["wealth_product.found"]
    assert given(talk) == {"product_name": "稳盈"}


def test_the_same_as_before_fills_what_is_needed_and_is_read_back(talk: Conversation) -> None:
    talk.hear(meant("换五百美金", "fx_buy", act="do", amount="五百=500", currency="美金=USD"))
    talk.hear(meant("确认", "affirm"))
    talk.hear(meant("******", "out_of_scope"), code=True)
    assert said(talk.hear(meant("再换一笔，跟刚才一样", "fx_buy", act="do"))) == ["fx_buy.ready"]
    assert given(talk) == {"amount": "500", "currency": "USD"}


def test_the_same_card_answers_which_card(talk: Conversation) -> None:
    talk.bank("run:card_bill", about("card_bill", "found", card_tail="9016"))
    choices = tuple(Choice(slot="card_tail", value=tail, facts=()) for tail in ("9016", "2375"))
    talk.bank("prepare:card_repay", Result(capability="card_repay", outcome="choose", choices=choices))
    talk.hear(meant("查账单", "card_bill"))
    talk.hear(meant("还款一千", "card_repay", act="do", amount="一千=1000"))
    talk.hear(meant("还是刚才那张", "out_of_scope"))
    assert given(talk)["card_tail"] == ["9016"]


def test_the_page_stands_in_for_what_a_form_needs_and_was_not_said(talk: Conversation) -> None:
    talk.session = Session(page=Page(page="wealth/detail", product="云杉日日盈"))
    talk.hear(meant("我要买两万", "wealth_buy", act="do", amount="两万=20000"))
    assert given(talk)["product_name"] == "云杉日日盈"


def test_the_page_says_which_product_this_one_is_but_answers_no_general_question(talk: Conversation) -> None:
    talk.session = Session(page=Page(product="云杉日日盈"))
    talk.hear(meant("这款收益多少", "wealth_product"))
    assert given(talk) == {"product_name": "云杉日日盈"}
    talk.session = Session(page=Page(product="云杉日日盈"))
    talk.hear(meant("有哪些理财", "wealth_product"))
    assert given(talk) == {}


def test_the_card_of_a_bill_is_not_what_a_purchase_is_paid_from(talk: Conversation) -> None:
    talk.hear(meant("尾号9016的账单", "card_bill", card_tail="9016=9016"))
    talk.hear(meant("换五百美金", "fx_buy", act="do", amount="五百=500", currency="美金=USD"))
    assert given(talk) == {"amount": "500", "currency": "USD"}


def test_another_thing_to_be_done_is_no_answer_to_an_offer_however_little_it_says(talk: Conversation) -> None:
    talk.bank("explain:fx_sell", Result(capability="fx_sell", outcome="explain"))
    talk.hear(meant("怎么结汇", "fx_sell"))
    heard = talk.hear(meant("换五百美金", "fx_buy", act="do", amount="五百=500", currency="美金=USD"))
    assert said(heard) == ["fx_buy.ready"]


def test_a_code_that_has_run_out_ends_the_form_so_that_it_can_be_begun_again(talk: Conversation) -> None:
    talk.hear(meant("换五百美金", "fx_buy", act="do", amount="五百=500", currency="美金=USD"))
    talk.hear(meant("确认", "affirm"))
    talk.bank("check", Result(capability="fx_buy", outcome="code_expired"))
    assert said(talk.hear(meant("******", "out_of_scope"), code=True)) == ["fx_buy.code_expired"]
    assert talk.session.tasks == ()
    heard = talk.hear(meant("换五百美金", "fx_buy", act="do", amount="五百=500", currency="美金=USD"))
    assert said(heard) == ["fx_buy.ready"]


def test_what_is_said_goes_before_what_the_page_shows(talk: Conversation) -> None:
    talk.session = Session(page=Page(product="云杉日日盈"))
    talk.hear(meant("稳盈这款收益多少", "wealth_product", product_name="稳盈=稳盈"))
    assert given(talk) == {"product_name": "稳盈"}


@pytest.mark.parametrize("shown", [{"card_tail": "88888"}, {"product": "<b>x</b>"}, {"page": "a b"}, {"balance": "1"}])
def test_a_page_that_shows_nonsense_is_refused(shown: dict[str, str]) -> None:
    with pytest.raises(ValueError):
        Page.model_validate(shown)


@pytest.mark.parametrize("name", ["out_of_scope", "chitchat", "greet"])
def test_an_open_question_is_asked_again_in_the_language_gone_over_to(talk: Conversation, name: str) -> None:
    talk.hear(meant("换五百美金", "fx_buy", act="do", amount="五百=500", currency="美金=USD"))
    assert said(talk.hear(english(meant("hello, my Chinese is not good", name)))) == ["fx_buy.ready"]
    assert talk.session.language == "en"


def test_a_wish_for_a_language_is_heeded_whatever_language_it_is_said_in(talk: Conversation) -> None:
    talk.hear(meant("查账单", "card_bill"))
    assert said(talk.hear(meant("请用英文", "out_of_scope"))) == ["card_bill.found"]
    assert talk.session.language == "en"


def test_a_form_that_was_left_lying_is_forgotten_and_a_yes_is_told_so(talk: Conversation) -> None:
    talk.hear(BOTH)
    talk.now = NOW + dt.timedelta(minutes=21)
    assert said(talk.hear(meant("好的，确认", "affirm"))) == ["fx_buy.lapsed"]
    assert talk.session.tasks == talk.session.queue == ()


def test_a_form_that_was_left_lying_is_not_brought_up_by_another_question(talk: Conversation) -> None:
    talk.hear(BOTH)
    talk.now = NOW + dt.timedelta(minutes=21)
    assert said(talk.hear(meant("查账单", "card_bill"))) == ["card_bill.found"]


def test_who_is_upset_is_offered_a_human_once(talk: Conversation) -> None:
    upset = meant("气死我了，查账单", "card_bill")
    assert said(talk.hear(upset)) == ["card_bill.found", "human_agent.human_offer"]
    assert said(talk.hear(upset)) == ["card_bill.found"]


def test_the_offer_of_a_human_comes_before_the_question_that_is_open(talk: Conversation) -> None:
    heard = talk.hear(meant("气死我了，快给我换五百美金", "fx_buy", act="do", amount="五百=500", currency="美金=USD"))
    assert said(heard) == ["human_agent.human_offer", "fx_buy.ready"]
    assert said(talk.hear(meant("确认", "affirm"))) == ["fx_buy.code_sent"]


def test_a_lost_card_is_frozen_before_a_human_is_offered(talk: Conversation) -> None:
    talk.bank("prepare:card_report_lost", READY.model_copy(update={"capability": "card_report_lost"}))
    assert said(talk.hear(meant("气死我了，卡丢了", "card_report_lost", act="do"))) == ["card_report_lost.ready"]


def test_a_yes_to_the_offer_calls_a_human(talk: Conversation) -> None:
    talk.hear(meant("气死我了，查账单", "card_bill"))
    assert said(talk.hear(meant("好的", "affirm"))) == ["human_agent.queued"]


def test_a_yes_to_something_later_calls_nobody(talk: Conversation) -> None:
    talk.hear(meant("气死我了，查账单", "card_bill"))
    talk.hear(meant("查额度", "card_limit"))
    assert said(talk.hear(meant("好的", "affirm"))) == ["affirm.plain"]


def test_a_yes_after_two_misses_calls_a_human(talk: Conversation) -> None:
    talk.hear(meant("红烧肉", "out_of_scope"))
    talk.hear(meant("恐龙", "out_of_scope"))
    assert said(talk.hear(meant("好的", "affirm"))) == ["human_agent.queued"]


def test_a_visitor_who_lost_a_card_gets_a_place_ahead_and_one_who_asks_does_not() -> None:
    visitor = Conversation(VISITOR)
    visitor.bank("explain:card_report_lost", Result(capability="card_report_lost", outcome="explain"))
    assert said(visitor.hear(meant("卡丢了怎么挂失", "card_report_lost"))) == ["card_report_lost.explain"]
    visitor.hear(meant("我卡丢了", "card_report_lost", act="do"))
    tickets = [effect for effect in visitor.done if isinstance(effect, Handoff)]
    assert [(ticket.reason, ticket.priority) for ticket in tickets] == [("lost_card", router.URGENT_FIRST)]


@pytest.mark.parametrize(
    ("text", "slots", "expected"),
    [
        ("不对，是八百", {"amount": "八百=800"}, {"amount": "800", "currency": "USD"}),
        ("改成欧元", {"currency": "欧元=EUR"}, {"amount": "500", "currency": "EUR"}),
        ("不是那张，是尾号6688", {"card_tail": "6688=6688"}, {"amount": "500", "currency": "USD", "card_tail": "6688"}),
    ],
)
def test_any_earlier_slot_can_be_corrected(
    talk: Conversation, text: str, slots: dict[str, str], expected: dict[str, str]
) -> None:
    talk.hear(meant("换五百美金", "fx_buy", act="do", amount="五百=500", currency="美金=USD"))
    assert said(talk.hear(meant(text, "fx_buy", act="do", **slots))) == ["fx_buy.ready"]
    assert given(talk) == expected
