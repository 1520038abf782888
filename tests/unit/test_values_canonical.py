"""Values as canonical text, and as the same value under another type."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.result import Fact
from backends.values import (
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
    canonical,
    from_canonical,
    same_value,
)
from tests.unit.values_strategies import figures, money, rates

NOON = dt.datetime(2026, 11, 21, 4, 0, tzinfo=dt.UTC)


@given(figures | st.text())
def test_canonical_text_is_read_back_as_the_same_value(value: Value) -> None:
    written = canonical(value)
    read = from_canonical(*written)
    assert same_value(read, value)
    assert canonical(read) == written


@given(figures.filter(lambda value: not isinstance(value, Amount)))
def test_canonical_text_is_read_back_as_the_very_type(value: Value) -> None:
    assert from_canonical(*canonical(value)) == value


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (Money.of("1234.56"), ("money", "1234.56", "CNY")),
        (Money.of("1000", "JPY"), ("money", "1000", "JPY")),
        (Amount(Decimal("800")), ("money", "800", None)),
        (Amount(Decimal("800"), "USD"), ("money", "800.00", "USD")),
        (Amount(Decimal("0.125"), "USD"), ("money", "0.125", "USD")),
        (Decimal("3E+2"), ("money", "300", None)),
        (Rate(Decimal("712.34"), "USD"), ("rate", "712.34", "CNY/100 USD")),
        (Percent(Decimal("3.50")), ("percent", "3.50", "%")),
        (PercentPoints(Decimal("0.25")), ("points", "0.25", None)),
        (Count(3, "card"), ("count", "3", "card")),
        (Term(12, "month"), ("term", "P12M", None)),
        (Term(7, "day"), ("term", "P7D", None)),
        (Term(2, "week"), ("term", "P2W", None)),
        (Term(1, "year"), ("term", "P1Y", None)),
        (Term(12, "instalment"), ("term", "P12I", None)),
        (Period(dt.date(2026, 10, 1), dt.date(2026, 10, 31)), ("period", "2026-10-01/2026-10-31", None)),
        (dt.date(2026, 11, 20), ("date", "2026-11-20", None)),
        (NOON, ("datetime", "2026-11-21T04:00:00Z", None)),
        (NOON.astimezone(dt.timezone(dt.timedelta(hours=8))), ("datetime", "2026-11-21T04:00:00Z", None)),
        (dt.time(9), ("time", "09:00", None)),
        ("尾号", ("text", "尾号", None)),
    ],
)
def test_canonical_text_has_one_form_for_each_kind(
    value: Value | Decimal, written: tuple[str, str, str | None]
) -> None:
    assert canonical(value) == written


@pytest.mark.parametrize(
    "value",
    [
        dt.datetime(2026, 11, 21, 4, 0),  # noqa: DTZ001
        dt.time(9, tzinfo=dt.UTC),
        Term(-1, "day"),
        Amount(Decimal("NaN")),
        Percent(Decimal("Infinity")),
    ],
)
def test_what_has_no_canonical_text_is_refused(value: Value) -> None:
    with pytest.raises(ValueError):
        canonical(value)


@pytest.mark.parametrize(
    ("kind", "text", "unit"),
    [("money", "1e5", "CNY"), ("money", "12,000", "CNY"), ("percent", "３", "%"), ("rate", "7.1", "CNY"),
     ("rate", "7.1", None), ("term", "12M", None), ("term", "P-1M", None), ("datetime", "2026-11-21T04:00:00", None),
     ("date", "2026-02-30", None), ("period", "2026-10-01", None), ("count", "1.5", "card"), ("time", "25:00", None)],
)  # fmt: skip
def test_text_of_another_kind_is_refused(kind: Kind, text: str, unit: str | None) -> None:
    with pytest.raises(ValueError):
        from_canonical(kind, text, unit)


@pytest.mark.parametrize("kind", ["currency", "text", "name", "digits", "enum"])
def test_text_of_any_sort_stays_text(kind: Kind) -> None:
    assert from_canonical(kind, "0012", None) == "0012"


@given(figures)
def test_a_fact_keeps_its_value(value: Value) -> None:
    assert same_value(Fact.of("x", value, source="card", as_of=NOON).typed(), value)


@given(figures)
def test_a_value_is_the_same_as_itself(value: Value) -> None:
    assert same_value(value, value)


@given(figures, figures)
def test_sameness_has_no_direction(a: Value, b: Value) -> None:
    assert same_value(a, b) == same_value(b, a)


@given(money, money)
def test_two_amounts_are_the_same_only_in_number_and_currency(a: Money, b: Money) -> None:
    assert same_value(a, b) == (a == b)


@given(rates, rates)
def test_a_rate_is_not_the_rate_of_another_currency(a: Rate, b: Rate) -> None:
    assert not same_value(a, b) or (a.base, a.quote, a.per) == (b.base, b.quote, b.per)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (Money.of("12000"), Amount(Decimal("1.20") * 10_000, "CNY")),
        (Percent(Decimal("3.50")), Percent(Decimal("3.5"))),
        (Rate(Decimal("712.34"), "USD"), Amount(Decimal("712.34"))),
        (Rate(Decimal("712.34"), "USD"), Money.of("712.34")),
        (Rate(Decimal("4.71234"), "JPY"), Amount(Decimal("4.7123"))),
        (Count(3, "day"), Term(3, "day")),
        (Count(2, "person"), Count(2, "digit")),
        (Count(100, "currency_unit"), Amount(Decimal(100))),
        (Count(100, "currency_unit"), Money.of(100, "USD")),
        (Count(2026, "year"), Period(dt.date(2026, 1, 1), dt.date(2026, 12, 31))),
        (Count(2026, "year"), Amount(Decimal(2026))),
        (NOON, NOON.replace(second=59)),
        (NOON, NOON.astimezone(dt.timezone(dt.timedelta(hours=8)))),
    ],
)
def test_what_reads_alike_is_the_same(a: Value, b: Value) -> None:
    assert same_value(a, b)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (Percent(Decimal("0.25")), PercentPoints(Decimal("0.25"))),
        (Money.of(800), Money.of(800, "USD")),
        (Money.of(800), Amount(Decimal(800))),
        (Money.of("800.00"), Money.of("800.01")),
        (Amount(Decimal(3)), Count(3, "card")),
        (Count(3, "card"), Count(3, "person")),
        (Count(3, "year"), Amount(Decimal(3))),
        (Term(12, "month"), Term(1, "year")),
        (Term(12, "month"), Term(12, "instalment")),
        (NOON, NOON + dt.timedelta(minutes=1)),
        (NOON, NOON.date()),
        (dt.date(2026, 11, 21), "2026-11-21"),
        ("8888", Amount(Decimal(8888))),
        (Rate(Decimal("712.34"), "USD"), Money.of("712.34", "USD")),
    ],
)
def test_what_reads_otherwise_is_not_the_same(a: Value, b: Value) -> None:
    assert not same_value(a, b)
