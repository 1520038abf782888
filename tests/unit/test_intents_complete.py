"""Slots that need no model, the seams between them, and how their words are normalised."""

from __future__ import annotations

import datetime as dt
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intents.capability import slot_types
from intents.complete import complete
from intents.normalise import normalise
from intents.tagging import Span

TODAY = dt.date(2026, 11, 21)


def found(text: str, *spans: Span) -> list[tuple[str, str]]:
    return [(slot, text[start:end]) for start, end, slot in complete(text, spans)]


@pytest.mark.parametrize(
    ("text", "slots"),
    [
        ("美元多少了，顺便看看欧元", [("currency", "美元"), ("currency", "欧元")]),
        ("尾号8888的卡丢了", [("card_tail", "8888")]),
        ("my card ending in 1234", [("card_tail", "1234")]),
        ("20克的金条要多少钱", [("amount", "20")]),
        ("buy 3 grams of gold", [("amount", "3")]),
        ("能买几克黄金", []),
        ("换五百美金", [("amount", "五百"), ("currency", "美金")]),
        ("100美元等于多少人民币", [("amount", "100"), ("currency_from", "美元"), ("currency", "人民币")]),
        ("日元对人民币汇率", [("currency", "日元"), ("currency_from", "人民币")]),
        ("给我的信用卡转3000元", [("card_kind", "信用卡"), ("amount", "3000元")]),
        ("buy 500 US dollars", [("amount", "500"), ("currency", "US dollars")]),
        ("人民币理财有哪些", []),
        ("元旦上班吗", []),
        ("一块儿去", []),
    ],
)
def test_what_is_plainly_written_is_found_without_a_model(text: str, slots: list[tuple[str, str]]) -> None:
    assert found(text) == slots


@pytest.mark.parametrize(
    ("text", "span", "slots"),
    [
        ("换五百美金", (1, 5, "amount"), [("amount", "五百"), ("currency", "美金")]),
        ("尾号8888的", (0, 6, "card_tail"), [("card_tail", "8888")]),
        ("月供多少，100万30年", (5, 11, "amount"), [("amount", "100万"), ("term", "30年")]),
        ("存3万5怎么样", (1, 4, "amount"), [("amount", "3万5")]),
        ("共8.88元", (3, 6, "amount"), [("amount", "8.88元")]),
        ("买了二十天的", (3, 5, "term"), [("term", "二十天")]),
        ("2015年5月5日净值", (0, 8, "date"), [("date", "2015年5月5日")]),
        ("定期储蓄怎么取", (0, 2, "product_type"), [("product_type", "定期储蓄")]),
        ("9月份的账单", (0, 2, "period"), [("period", "9月份")]),
        ("上海 网点", (0, 3, "city"), [("city", "上海")]),
    ],
)
def test_a_span_that_cuts_through_a_value_is_mended(text: str, span: Span, slots: list[tuple[str, str]]) -> None:
    assert found(text, span) == slots


@given(st.text("换一百万8.,美元尾号信用卡期月年$ kd人民币", max_size=40), st.data())
def test_spans_never_overlap_and_never_leave_the_text(text: str, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.sets(st.integers(0, len(text)), max_size=6)))
    slots = st.sampled_from(sorted(slot_types()))
    spans = [(start, end, data.draw(slots)) for start, end in zip(cuts[::2], cuts[1::2], strict=False)]
    result = complete(text, spans)
    assert result == sorted(result)
    assert all(0 <= start < end <= len(text) for start, end, _ in result)
    assert all(before[1] <= after[0] for before, after in itertools.pairwise(result))


def test_a_long_hostile_text_is_read_in_reasonable_time() -> None:
    began = dt.datetime.now(dt.UTC)
    for text in ("1" * 20_000, "一" * 20_000, "尾号" * 10_000, "1," * 10_000, "美" * 20_000):
        complete(text, [(0, 5, "amount")])
    assert dt.datetime.now(dt.UTC) - began < dt.timedelta(seconds=4)


@pytest.mark.parametrize(
    ("slot", "words", "canonical"),
    [
        ("amount", "五百", "500"),
        ("amount", "8千块", "8000 CNY"),
        ("amount", "$1,200.50", "1200.5 USD"),
        ("amount", "1万2", "12000"),
        ("currency", "美金", "USD"),
        ("currency", "外币", None),
        ("term", "三个月", "P3M"),
        ("term", "12期", "P12I"),
        ("date", "昨天", "2026-11-20"),
        ("date", "on Friday", None),
        ("period", "上个月", "2026-10-01/2026-10-31"),
        ("period", "in October", "2026-10-01/2026-10-31"),
        ("card_tail", "尾号８８８８", "8888"),
        ("card_tail", "六六八八", "6688"),
        ("card_tail", "123", None),
        ("phone", "138 0013 8000", "13800138000"),
        ("card_kind", "我的储蓄卡", "debit"),
        ("product_type", "大额存单", "large_cd"),
        ("risk_level", "稳一点的", "R2"),
        ("risk_level", "中低风险", "R2"),
        ("city", "上海", "上海"),
    ],
)
def test_slot_words_become_canonical_text(slot: str, words: str, canonical: str | None) -> None:
    if words == "on Friday":
        assert normalise(slot, words, TODAY) == normalise(slot, "Friday", TODAY)
    else:
        assert normalise(slot, words, TODAY) == canonical
