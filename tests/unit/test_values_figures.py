"""Every figure of a reply is found again, and nothing that only looks like one."""

from __future__ import annotations

import datetime as dt
import time
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.values import (
    Amount,
    Count,
    Figure,
    Money,
    Percent,
    PercentPoints,
    Period,
    Term,
    Value,
    find_figures,
    same_value,
    write,
)
from tests.unit.values_strategies import figures

SURROUNDINGS = [
    ("", ""),
    ("您的应还金额是", "，请留意。"),
    ("好的，已为您查到：", "。还有什么可以帮您？"),
    ("统一回复：一共", "左右，十分感谢"),
    ("按卖出价", "折算，"),
    ("Your figure is ", ", as of today."),
    ("(", ")"),
    ("**", "**"),
]
READINGS = figures.flatmap(lambda value: st.tuples(st.just(value), st.sampled_from(["zh", "en"])))


def values(text: str) -> list[Value]:
    return [figure.value for figure in find_figures(text)]


@given(READINGS, st.sampled_from(SURROUNDINGS))
def test_whatever_a_reply_writes_is_found_again_and_nothing_else(
    reading: tuple[Value, str], surroundings: tuple[str, str]
) -> None:
    value, language = reading
    written = write(value, language)
    before, after = surroundings
    (figure,) = find_figures(before + written + after)
    assert same_value(figure.value, value)
    assert (figure.start, figure.end, figure.text) == (len(before), len(before) + len(written), written)


@given(READINGS, st.data())
def test_a_changed_digit_is_a_changed_value(reading: tuple[Value, str], data: st.DataObject) -> None:
    value, language = reading
    written = write(value, language)
    place = data.draw(st.sampled_from([index for index, char in enumerate(written) if char.isdigit()]))
    digit = data.draw(st.sampled_from([char for char in "0123456789" if char != written[place]]))
    found = find_figures(f"共{written[:place]}{digit}{written[place + 1 :]}。")
    assert len(found) != 1 or not same_value(found[0].value, value)


@given(st.lists(READINGS, max_size=5))
def test_a_list_of_figures_is_found_in_order(readings: list[tuple[Value, str]]) -> None:
    text = "；".join(write(value, language) for value, language in readings)
    found = find_figures(text)
    assert len(found) == len(readings)
    assert all(same_value(figure.value, value) for figure, (value, _) in zip(found, readings, strict=True))


@given(figures, st.sampled_from(["zh", "en"]))
def test_full_width_writing_says_the_same_at_the_same_place(value: Value, language: str) -> None:
    written = write(value, language)
    wide = "".join(chr(ord(char) + 0xFEE0) if "!" <= char <= "~" else char for char in written)
    (figure,) = find_figures(f"共{wide}。")
    assert same_value(figure.value, value)
    assert figure.text == wide


@given(
    st.text(
        alphabet="0123456789零一二两三十百千万亿点元角分美块年月日号天个期第张%‰成折.,，:：-–~至到/+$¥￥ kwT半几多约负a一下统 oneundrfiv"
    )
)
def test_no_text_is_too_odd_and_spans_are_true(text: str) -> None:
    end = 0
    for figure in find_figures(text):
        assert figure.start >= end
        assert figure.end > figure.start
        assert text[figure.start : figure.end] == figure.text
        end = figure.end


@given(st.text())
def test_any_unicode_is_borne(text: str) -> None:
    find_figures(text)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("共１２，０００元", [Money.of(12000)]),
        ("￥５００，70％", [Money.of(500), Percent(Decimal(70))]),
        ("一万二千元、壹万贰仟元整、1.2万元、12万5、一点二万、1万2",
         [Money.of(12000)] * 3 + [Amount(Decimal(125000)), Amount(Decimal(12000)), Amount(Decimal(12000))]),
        ("1.20万元", [Money.of(12000)]),
        ("3亿，2亿3千万", [Amount(Decimal(300_000_000)), Amount(Decimal(230_000_000))]),
        ("年化百分之三点五，即3.5%", [Percent(Decimal("3.5"))] * 2),
        ("35‰，两成，三成五，九五折，8.8折", [Percent(Decimal(n)) for n in ("3.5", "20", "35", "95", "88")]),
        ("上浮25bp，即0.25个百分点", [PercentPoints(Decimal("0.25"))] * 2),
        ("2026年1月5日，二〇二六年一月五日，2026-01-05，2026/1/5", [dt.date(2026, 1, 5)] * 4),
        ("1/5，五月三号，10月，21日", ["--01-05", "--05-03", "--10", "---21"]),
        ("二十号前还清，3日内到账", ["---20", Term(3, "day")]),
        ("2026年2月30日", ["2026年2月30日"]),
        ("T+1到账", ["T+1"]),
        ("一年期产品，分12期，两年半，半个月", [Term(1, "year"), Term(12, "instalment"), Term(30, "month"), Term(15, "day")]),
        ("3–5万", [Amount(Decimal(30000)), Amount(Decimal(50000))]),
        ("3–5万元，100到200美元，3%–5%，3-5%", [
            Money.of(30000), Money.of(50000), Money.of(100, "USD"), Money.of(200, "USD"),
            *[Percent(Decimal(3)), Percent(Decimal(5))] * 2]),
        ("三到五个工作日", [Count(3, "business_day"), Count(5, "business_day")]),
        ("约500元，不足500元，超过500元", [Money.of(500)] * 3),
        ("-500元，变动-3.5%，+20%", [Money.of(-500), Percent(Decimal("-3.5")), Percent(Decimal(20))]),
        ("500人民币、500元、CNY 500、RMB500、¥500", [Money.of(500)] * 5),
        ("500美金、$500、500刀、USD 500.00", [Money.of(500, "USD")] * 4),
        ("港币500元", [Money.of(500, "HKD")]),
        ("100.125美元", [Amount(Decimal("100.125"), "USD")]),
        ("三块五，五毛钱，12元5角3分", [Money.of("3.5"), Money.of("0.5"), Money.of("12.53")]),
        ("五百多元，几百块，两三天，一年多", ["五百多元", "几百块", "两三天", "一年多"]),
        ("两张卡，第二个，第3位", [Count(2, "card"), Count(2, "item"), Count(3, "person")]),
        ("三分之一，½", ["1/3", "1/2"]),
        ("尾号8888，电话400-820-9966，单号FX20261121A7", ["8888", "400-820-9966", "FX20261121A7"]),
        ("时间是9:00–17:30，下午3点半，24:00", [dt.time(9), dt.time(17, 30), dt.time(15, 30), "24:00"]),
        ("2026年10月1日至31日", [Period(dt.date(2026, 10, 1), dt.date(2026, 10, 31))]),
        ("五百、三十二", [Amount(Decimal(500)), Amount(Decimal(32))]),
        ("那一百元", [Money.of(100)]),
        ("两千九百万千瓦", [Amount(Decimal(29_000_000))]),
        ("1\u200b2元，1️⃣", [Money.of(12), Amount(Decimal(1))]),
        ("five hundred dollars, half a million, two cards, 3 to 5 business days",
         [Money.of(500, "USD"), Amount(Decimal(500_000)), Count(2, "card"), Count(3, "business_day"), Count(5,
         "business_day")]),
        ("twenty-five percent, 1.5k, 9 a.m., May 3rd", [Percent(Decimal(25)), Amount(Decimal(1500)), dt.time(9),
        "--05-03"]),
        ("Please try 3 times", [Count(3, "try")]),
    ],
)  # fmt: skip
def test_figures_are_found_in_every_form(text: str, found: list[Value]) -> None:
    assert values(text) == found


@pytest.mark.parametrize(
    "text",
    [
        "请您稍等一下，我们一起看看。", "统一受理，万一有问题第一时间联系您。", "十分感谢，千万别泄露密码。",
        "这是一张信用卡，一笔交易，一位客户，一次性付清。", "已完成，办理成功，存折在柜台。", "折合部分分期在网点点击办理。",
        "两边都可以，三方存管，二维码，四川，百度，万事达卡。", "一定一直一样一般一些一旦一并一律", "周一到周五，星期三，双十一，五一假期",
        "收拾、登陆、陆续、大陆、队伍", "每一天、下一期、同一周", "百分比、万能、亿万、零售、零件", "上半年、大半、过半",
        "祝您有美好的一天", "元旦、单元、元宝", "长三角地区", "人民币与美元的汇率", "以上内容由人工智能生成",
        "One moment please, this one is a one-time code by two-factor authentication.",
        "Have a great day, a year from now",
        "You may call us", "", "，。！？", "- 转人工\n- 查额度",
    ],
)  # fmt: skip
def test_harmless_words_are_no_figures(text: str) -> None:
    assert find_figures(text) == []


@pytest.mark.parametrize(("text", "role"), [
    ("500.00元", "money"), ("500", "number"), ("3%", "percent"), ("3个百分点", "points"), ("九折", "discount"),
    ("12期", "term"), ("3张", "count"), ("第3位", "ordinal"), ("三分之二", "fraction"), ("几百元", "vague"),
    ("2026年1月5日", "date"), ("2026年1月5日 09:00", "datetime"), ("09:00", "time"), ("2026年1月", "period"),
    ("T+0", "settlement"), ("尾号1234", "digits"), ("0012", "digits"), ("6222020200112233445", "digits"),
])  # fmt: skip
def test_a_figure_says_what_it_is(text: str, role: str) -> None:
    (figure,) = find_figures(text)
    assert figure.role == role


def test_the_sign_of_an_ordinal_is_no_part_of_its_figure() -> None:
    (figure,) = find_figures("您排在第3位")
    assert (figure.text, figure.value) == ("3位", Count(3, "person"))


def test_a_rate_beside_a_currency_name_is_not_taken_for_its_money() -> None:
    assert values("美元 712.34，欧元：820.10") == [Amount(Decimal("712.34")), Amount(Decimal("820.10"))]


def test_offsets_are_those_of_the_raw_text() -> None:
    text = "①㍿—共\u200b１２，０００\ufe0f元。"
    first, money = find_figures(text)
    assert first == Figure(0, 1, "①", Amount(Decimal(1)), "number")
    assert text[money.start : money.end] == "１２，０００\ufe0f元"
    assert money.value == Money.of(12000)


HOSTILE = [
    "1", "一", "万一", "1,111", "1.1", "1-", "一二", "1万零", "one ", "hundred ", "a", "a1-", "百分之", "2026年1月", "第", "¥", "-",
    "T+1", "十分", "1至", "usd ", "零", "几百", "half a ",
]  # fmt: skip


@pytest.mark.parametrize("piece", HOSTILE)
def test_hostile_text_takes_linear_time(piece: str) -> None:
    def seconds(size: int) -> float:
        text = (piece * size)[:size]
        start = time.process_time()
        find_figures(text)
        return time.process_time() - start

    # Twice the text takes about twice the time; a quadratic pattern would take four times it, and seconds.
    assert seconds(20_000) < 2 or seconds(20_000) < 3 * seconds(10_000)


def test_a_balance_behind_an_account_s_tail_does_not_make_it_vague() -> None:
    tail, sum_ = find_figures("尾号6217余额180,849.52元")
    assert (tail.text, tail.role, sum_.text) == ("6217", "digits", "180,849.52元")
    [vague] = find_figures("五百余元")
    assert vague.role == "vague"
