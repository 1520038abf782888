"""What a human rep is warned of, and the plain talk of people that warns nobody."""

from __future__ import annotations

import datetime as dt

import pytest

from backends.result import Fact
from backends.values import Count, Money
from responses.check import SAMPLE_TIME
from responses.verify import check_rep_text
from tests.unit.responses_samples import bill, result

BILL = bill(
    statement_balance=Money.of("3250.80"), paid=Money.of(1000), remaining_due=Money.of("2250.80"),
    minimum_due=Money.of("225.08"), days_left=Count(9, "day"),
)  # fmt: skip
HONORIFIC = Fact.of(
    "honorific", "陈女士", source="account", as_of=SAMPLE_TIME, kind="name", sensitivity="personal", english="Ms Chen"
)
FACTS = (*BILL.facts, HONORIFIC)


@pytest.mark.parametrize(
    "text",
    [
        "陈女士您好，尾号8866这张卡这期还要还2250.80元，12月3日之前还上就行，还有9天呢。",
        "账单总共3,250.80，您已经还了1000块，最低还款额是225.08元。",
        "两千二百五十块八毛是还没还的部分。",
        "您稍等一下，我帮您看一看，大概需要一会儿。千万别把密码告诉任何人。",
        "我不能保证一定能减免，但会帮您反映。",
        "12月3号是最后还款日，10月的账单。",
    ],
)
def test_what_the_facts_say_may_be_said_in_the_words_of_people(text: str) -> None:
    assert check_rep_text(text, FACTS, "zh") == []


@pytest.mark.parametrize(
    "text",
    [
        "Ms Chen, the card ending 8866 still has CNY 2,250.80 due by 3 December, so 9 days left.",
        "Your minimum payment is 225.08 yuan. Give me a second, I am checking.",
        "I cannot promise anything, and we cannot waive it, but I will ask.",
    ],
)
def test_the_same_goes_for_english(text: str) -> None:
    assert check_rep_text(text, FACTS, "en") == []


@pytest.mark.parametrize(
    ("rule", "text", "span"),
    [
        ("figure_ungrounded", "这期还要还2,520.80元。", "2,520.80元"),
        ("figure_ungrounded", "12月5日之前还上就行。", "12月5日"),
        ("figure_ungrounded", "利息打八折。", "八折"),
        ("figure_ungrounded", "还有8866元没还。", "8866元"),
        ("approximation", "还剩大约2250.80元没还。", "大约"),
        ("label", "最低还款额是2250.80元。", "最低"),
        ("label", "您已还225.08元。", "已还"),
        ("date", "明天之前还就行。", "明天"),
        ("name", "王先生您好。", "王先生"),
        ("name", "可以去招商银行还。", "招商银行"),
        ("contact", "您加我微信吧。", "加我微信"),
        ("link", "请打开 example.com 还款。", "example.com"),
        ("completion", "已为您办理延期。", "已为您办理延期"),
        ("added_waiver", "利息给您减免。", "减免"),
        ("added_certainty", "肯定能通过审核。", "肯定能"),
        ("added_secret", "请把验证码发给我。", "验证码"),
        ("guarantee", "我保证没问题。", "保证"),
        ("promised_return", "这款产品稳赚不赔。", "稳赚"),
    ],
)
def test_a_warning_names_its_rule_and_the_words_in_the_text(rule: str, text: str, span: str) -> None:
    (warning,) = check_rep_text(text, FACTS, "zh")
    assert (warning.rule, warning.span, text[warning.start : warning.end]) == (rule, span, span)


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        ("figure_ungrounded", "You still owe CNY 2,520.80."),
        ("figure_ungrounded", "Please pay by 5 December."),
        ("date", "You can pay tomorrow."),
        ("label", "The minimum payment is CNY 2,250.80."),
        ("completion", "Your limit has been raised."),
        ("added_fee_free", "That is free of charge."),
        ("guarantee", "We guarantee it."),
    ],
)
def test_english_is_warned_of_alike(rule: str, text: str) -> None:
    assert [warning.rule for warning in check_rep_text(text, FACTS, "en")] == [rule]


def test_what_was_really_done_may_be_said() -> None:
    frozen = result("card_report_lost", "done")
    assert check_rep_text("已为您冻结卡片。", (), "zh", results=[frozen]) == []
    assert [warning.rule for warning in check_rep_text("已为您冻结卡片。", frozen.facts, "zh")] == ["completion"]


def test_a_time_of_day_and_a_day_state_the_moment_they_are_part_of() -> None:
    quoted = Fact.of("quoted_at", dt.datetime(2026, 11, 21, 7, 4, tzinfo=dt.UTC), source="fx", as_of=SAMPLE_TIME)
    assert check_rep_text("报价时间是11月21日，15:04。", [quoted], "zh") == []
    assert [each.rule for each in check_rep_text("报价时间是15:40。", [quoted], "zh")] == ["figure_ungrounded"]
