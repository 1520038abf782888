"""Short messages in the light of what was asked."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intents.answers import read_in_context, yes_or_no
from intents.capability import catalog
from intents.tagging import Span
from intents.understanding import Context

TODAY = dt.date(2026, 11, 21)


def read(
    text: str, capability: str | None, awaiting: str | None = None, spans: tuple[Span, ...] = ()
) -> tuple[str | None, dict[str, str]]:
    """The intent and the slots' words, in a conversation about *capability*."""
    context = Context(today=TODAY, awaiting=awaiting, capability=capability)
    reading = read_in_context(text, spans, context, catalog().get(capability or ""))
    return reading.intent, {slot: text[start:end] for start, end, slot in reading.spans}


YES = [
    "是的",
    "好",
    "嗯",
    "确认",
    "对",
    "好的好的",
    "可以的",
    "行吧",
    "没问题",
    "嗯嗯",
    "ok",
    "OK",
    "好的，确认",
    "yes",
    "Yes please",
    "sure, go ahead",
    "是",
    "办吧",
    "好的谢谢",
]
NO = [
    "不用了",
    "算了",
    "不是",
    "不要",
    "先不办了",
    "不用了谢谢",
    "算了吧",
    "不",
    "no",
    "No thanks",
    "never mind",
    "不办了",
    "暂时不用",
]


@pytest.mark.parametrize("text", YES)
def test_a_yes_is_a_yes(text: str) -> None:
    assert yes_or_no(text) == "affirm"


@pytest.mark.parametrize("text", NO)
def test_a_no_is_a_no(text: str) -> None:
    assert yes_or_no(text) == "deny"


@pytest.mark.parametrize(
    "text", ["好多钱", "对账单", "行号是多少", "是多少", "不能取款", "可以提额吗", "要转账", "没有收到短信", "note", "right card", "再说一遍", "中行", "成都网点", "确认收款没有"]
)  # fmt: skip
def test_a_message_that_only_begins_like_one_is_neither(text: str) -> None:
    assert yes_or_no(text) is None


@pytest.mark.parametrize(
    ("text", "awaiting", "capability", "words"),
    [
        ("八百", "amount", "fx_buy", "八百"),
        ("500", "amount", "fx_buy", "500"),
        ("大概一万二吧", "amount", "fx_buy", "一万二"),
        ("eight hundred please", "amount", "fx_buy", "eight hundred"),
        ("后四位8888的", "card_tail", "card_report_lost", "8888"),
        ("尾号1234的那张卡", "card_tail", "card_report_lost", "1234"),
        ("欧元吧", "currency", "fx_buy", "欧元"),
        ("日", "currency", "fx_buy", None),
        ("去英国留学", "purpose", "fx_buy", "留学"),
        ("信用卡", "card_kind", "card_report_lost", "信用卡"),
        ("三个月", "term", "wealth_recommend", "三个月"),
    ],
)
def test_a_bare_value_fills_the_slot_that_was_asked_for(
    text: str, awaiting: str, capability: str, words: str | None
) -> None:
    intent, slots = read(text, capability, awaiting)
    assert slots.get(awaiting) == words
    assert intent == (capability if words else None)


@pytest.mark.parametrize("text", ["美元汇率多少", "附近哪里有网点", "转人工", "什么是手续费"])
def test_a_question_of_its_own_is_no_answer(text: str) -> None:
    assert read(text, "fx_buy", "purpose") == (None, {})
    assert read(text, "fx_buy", "amount")[0] is None


@pytest.mark.parametrize(
    ("text", "slot", "words"),
    [
        ("不对，是八百", "amount", "八百"),
        ("改成欧元", "currency", "欧元"),
        ("no, make it 800", "amount", "800"),
        ("换成日元吧", "currency", "日元"),
    ],
)
def test_a_correction_is_about_the_task_in_hand(text: str, slot: str, words: str) -> None:
    intent, slots = read(text, "fx_buy")
    assert intent == "fx_buy"
    assert slots[slot] == words


def test_what_is_taken_back_is_not_a_value() -> None:
    text = "是八百不是五百"
    spans = ((1, 3, "amount"), (5, 7, "amount"))
    assert read(text, "fx_buy", spans=spans) == ("fx_buy", {"amount": "八百"})


@pytest.mark.parametrize(
    ("text", "words"), [("那欧元呢", "欧元"), ("那日元呢？", "日元"), ("what about euros?", "euros")]
)
def test_a_follow_up_is_about_the_last_topic(text: str, words: str) -> None:
    assert read(text, "fx_rate") == ("fx_rate", {"currency": words})


def test_a_follow_up_with_a_question_of_its_own_is_left_to_the_model() -> None:
    text = "那信用卡的额度呢"
    assert read(text, "card_report_lost", spans=((1, 4, "card_kind"),))[0] is None


@pytest.mark.parametrize(
    ("text", "spans", "name"),
    [
        ("云杉全球配置混合", (), "云杉全球配置混合"),
        ("云杉全球配置混合", ((0, 2, "product_name"),), "云杉全球配置混合"),
        ("Spruce Global Allocation Fund", ((25, 29, "product_type"),), "Spruce Global Allocation Fund"),
        ("就云杉安心添利吧", (), "云杉安心添利"),
    ],
)
def test_a_name_that_was_asked_for_is_the_whole_of_the_words(text: str, spans: tuple[Span, ...], name: str) -> None:
    intent, slots = read(text, "wealth_buy", "product_name", spans)
    assert (intent, slots["product_name"]) == ("wealth_buy", name)


def test_a_question_or_another_business_is_no_name() -> None:
    assert read("有哪些理财产品", "wealth_buy", "product_name") == (None, {})
    context = Context(today=TODAY, awaiting="product_name", capability="wealth_buy")
    assert read_in_context("转人工", (), context, catalog()["wealth_buy"], elsewhere=True).intent is None


def test_without_a_conversation_nothing_is_added() -> None:
    assert read("八百", None) == (None, {})


@given(
    st.text(max_size=40),
    st.sampled_from(["amount", "currency", "purpose", "confirm", None]),
    st.sampled_from(sorted(catalog())),
)
def test_no_text_breaks_the_reading(text: str, awaiting: str | None, capability: str) -> None:
    context = Context(today=TODAY, awaiting=awaiting, capability=capability)
    for start, end, slot in read_in_context(text, (), context, catalog()[capability]).spans:
        assert text[start:end].strip()
        assert slot in catalog()[capability].slots or slot == awaiting


@pytest.mark.parametrize(
    ("text", "intent"),
    [
        ("取消排队", "cancel"),
        ("不想排队了", "cancel"),
        ("leave the queue", "cancel"),
        ("你都会干什么呀", "help"),
        ("您能办哪些业务？", "help"),
        ("What can you do?", "help"),
    ],
)
def test_a_command_to_the_conversation_is_known_however_the_model_was_trained(text: str, intent: str) -> None:
    assert read_in_context(text, (), Context(today=TODAY), None).intent == intent


@pytest.mark.parametrize("text", ["不等额本息", "你能帮我查账单吗", "你能做什么投资", "等一下", "取消自动还款"])
def test_business_that_begins_like_a_command_is_left_to_the_model(text: str) -> None:
    assert read_in_context(text, (), Context(today=TODAY), None).intent is None
