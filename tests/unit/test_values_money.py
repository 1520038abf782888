"""Money is whole minor units of one currency."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from backends.values import Money, minor_digits
from tests.unit.values_strategies import codes, money


@given(st.integers(-(10**14), 10**14), st.integers(-(10**14), 10**14), st.integers(-(10**14), 10**14), codes)
def test_addition_is_exact_whatever_the_order(a: int, b: int, c: int, code: str) -> None:
    x, y, z = (Money(minor, code) for minor in (a, b, c))
    assert (x + y) + z == x + (y + z)
    assert x + y == y + x
    assert x + y - y == x


@given(money)
def test_the_number_of_money_makes_the_same_money_again(amount: Money) -> None:
    assert Money.of(amount.number, amount.currency) == amount
    assert -amount.number.as_tuple().exponent == minor_digits(amount.currency)  # type: ignore[operator]


@given(money, money)
def test_currencies_are_never_mixed(a: Money, b: Money) -> None:
    assume(a.currency != b.currency)
    for combine in (lambda: a + b, lambda: a - b, lambda: a < b, lambda: a <= b):
        with pytest.raises(ValueError):
            combine()


@given(st.integers(-(10**14), 10**14), st.integers(-(10**14), 10**14), codes)
def test_money_is_ordered_like_its_number(a: int, b: int, code: str) -> None:
    x, y = Money(a, code), Money(b, code)
    assert (x < y) == (x.number < y.number)
    assert (x <= y) == (x.number <= y.number)


@pytest.mark.parametrize(
    ("number", "code", "minor"),
    [("0.005", "CNY", 1), ("0.004", "CNY", 0), ("-0.005", "CNY", -1), ("0.5", "JPY", 1), ("12.345", "USD", 1235)],
)
def test_more_decimals_than_the_currency_has_are_rounded_half_up(number: str, code: str, minor: int) -> None:
    assert Money.of(Decimal(number), code) == Money(minor, code)
