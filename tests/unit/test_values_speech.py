"""How a reply writes values."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
import yaml

from backends.values import (
    CURRENCIES,
    Amount,
    Count,
    Kind,
    Money,
    Percent,
    PercentPoints,
    Period,
    Rate,
    Term,
    Value,
    write,
)
from backends.values.codes import CODES
from intents.capability import CATALOG

AFTERNOON = dt.datetime(2026, 11, 21, 7, 4, 59, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("value", "zh", "en"),
    [
        (Money.of(12000), "12,000.00元", "CNY 12,000.00"),
        (Money.of("-5.05"), "-5.05元", "CNY -5.05"),
        (Money.of(800, "USD"), "800.00美元", "USD 800.00"),
        (Money.of(1000, "JPY"), "1,000日元", "JPY 1,000"),
        (Amount(Decimal(8000)), "8,000", "8,000"),
        (Amount(Decimal(800), "USD"), "800.00美元", "USD 800.00"),
        (Amount(Decimal("0.125"), "USD"), "0.125美元", "USD 0.125"),
        (Rate(Decimal("712.34"), "USD"), "712.34", "712.34"),
        (Rate(Decimal("712.3"), "USD"), "712.30", "712.30"),
        (Rate(Decimal("4.71235"), "JPY"), "4.7124", "4.7124"),
        (Rate(Decimal("4.7120"), "JPY"), "4.712", "4.712"),
        (Percent(Decimal("3.50")), "3.50%", "3.50%"),
        (Percent(Decimal("-0.00")), "0.00%", "0.00%"),
        (PercentPoints(Decimal("0.25")), "0.25个百分点", "0.25 percentage points"),
        (Count(3, "card"), "3张", "3 cards"),
        (Count(1, "card"), "1张", "1 card"),
        (Count(5, "try"), "5次", "5 attempts"),
        (Count(2, "person"), "2位", "2 people"),
        (Count(15, "business_day"), "15个工作日", "15 business days"),
        (Count(100, "currency_unit"), "100", "100"),
        (Count(2026, "year"), "2026年", "2026"),
        (Count(35, "year"), "35年", "35 years"),
        (Term(12, "month"), "12个月", "12 months"),
        (Term(12, "instalment"), "12期", "12 instalments"),
        (Term(7, "day"), "7天", "7 days"),
        (Term(1, "year"), "1年", "1 year"),
        (Period(dt.date(2026, 10, 1), dt.date(2026, 10, 31)), "2026年10月", "October 2026"),
        (Period(dt.date(2026, 1, 1), dt.date(2026, 12, 31)), "2026年", "the year 2026"),
        (
            Period(dt.date(2026, 10, 1), dt.date(2026, 11, 30)),
            "2026年10月1日至2026年11月30日",
            "1 October 2026 to 30 November 2026",
        ),
        (dt.date(2026, 11, 21), "2026年11月21日", "21 November 2026"),
        (AFTERNOON, "2026年11月21日 15:04", "21 November 2026, 15:04 (Beijing time)"),
        (dt.time(9), "09:00", "09:00"),
    ],
)
def test_a_value_is_written_as_the_bank_writes_it(value: Value, zh: str, en: str) -> None:
    assert write(value, "zh") == zh
    assert write(value, "en") == en


@pytest.mark.parametrize(
    ("text", "kind", "zh", "en"),
    [
        ("USD", "currency", "美元", "US dollars"),
        ("credit", "enum", "信用卡", "credit card"),
        ("R2", "enum", "R2（中低风险）", "R2 (medium-low risk)"),
        ("8888", "digits", "8888", "8888"),
        ("credit", "text", "credit", "credit"),
        ("青年卡", "name", "青年卡", "青年卡"),
        ("unlisted", "enum", "unlisted", "unlisted"),
        ("USD", None, "USD", "USD"),
    ],
)
def test_a_string_is_written_by_its_kind(text: str, kind: Kind | None, zh: str, en: str) -> None:
    assert write(text, "zh", kind) == zh
    assert write(text, "en", kind) == en


@pytest.mark.parametrize(
    ("value", "language", "kind"),
    [
        (Money.of(1), "fr", None),
        (Money(1, "XXX"), "zh", None),
        (Count(1, "unicorn"), "zh", None),
        ("ZZZ", "en", "currency"),
        (AFTERNOON.replace(tzinfo=None), "zh", None),
    ],
)
def test_what_cannot_be_written_well_is_refused(value: Value, language: str, kind: Kind | None) -> None:
    with pytest.raises(ValueError):
        write(value, language, kind)


def test_every_code_of_the_catalogue_has_a_wording() -> None:
    slots = yaml.safe_load((CATALOG / "_slots.yml").read_text("utf-8"))
    missing = {code for slot in slots.values() for code in slot.get("values", ())} - set(CODES)
    assert not missing


def test_no_two_currencies_share_a_name() -> None:
    assert len({currency.zh for currency in CURRENCIES.values()}) == len(CURRENCIES)
    assert len({currency.en for currency in CURRENCIES.values()}) == len(CURRENCIES)
