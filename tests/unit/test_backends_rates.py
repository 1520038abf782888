"""Exchange rates: the same minute gives the same price, buying is below selling, and arithmetic is exact."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.fx import rates
from backends.fx.rates import (
    CASH_SPREAD,
    CURRENCIES,
    SWING,
    Prices,
    bought_for,
    convert,
    cost_of,
    in_usd,
    price_of,
    prices_at,
)
from backends.values import Money

MOMENTS = st.integers(1_577_836_800, 2_208_988_800).map(lambda second: dt.datetime.fromtimestamp(second, dt.UTC))
MIDS = st.decimals("0.1", "2000", places=4)
CODES = st.sampled_from(CURRENCIES)
AMOUNTS = st.integers(1, 10**11)


def usd(spot_buy: str, spot_sell: str) -> Prices:
    buy, sell = Decimal(spot_buy), Decimal(spot_sell)
    return Prices("USD", (buy + sell) / 2, buy, sell, buy, sell, dt.datetime(2026, 11, 21, tzinfo=dt.UTC))


def all_prices(now: dt.datetime) -> dict[str, Prices]:
    mids = {"USD": "705.20", "EUR": "812.40", "JPY": "4.6120", "KRW": "0.5035"}
    return {code: prices_at(code, Decimal(mids.get(code, "500")), now) for code in CURRENCIES}


@given(CODES, MIDS, MOMENTS)
def test_the_bank_always_buys_below_what_it_sells_for(code: str, mid: Decimal, now: dt.datetime) -> None:
    prices = prices_at(code, mid, now)
    assert 0 < prices.cash_buy < prices.spot_buy < prices.spot_sell <= prices.cash_sell


@given(CODES, MIDS, MOMENTS)
def test_a_price_stays_near_the_seeded_middle(code: str, mid: Decimal, now: dt.datetime) -> None:
    prices = prices_at(code, mid, now)
    widest = mid * (1 + SWING) * (1 + CASH_SPREAD) - mid + Decimal("0.01")
    assert all(abs(price - mid) <= widest for price in (prices.cash_buy, prices.cash_sell, prices.mid))


@given(CODES, MIDS, MOMENTS, st.integers(0, 59), st.sampled_from([0, 8, -5]))
def test_a_minute_has_one_price_however_it_is_asked(
    code: str, mid: Decimal, now: dt.datetime, second: int, offset: int
) -> None:
    elsewhere = now.replace(second=second).astimezone(dt.timezone(dt.timedelta(hours=offset)))
    assert prices_at(code, mid, elsewhere) == prices_at(code, mid, now)


def test_a_price_is_rounded_against_the_customer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rates, "_swing", lambda currency, minute: Decimal(0))
    prices = prices_at("USD", Decimal("705.56"), dt.datetime(2026, 11, 21, tzinfo=dt.UTC))
    assert prices.spot_buy == Decimal("704.28")  # 704.289992
    assert prices.spot_sell == prices.cash_sell == Decimal("706.84")  # 706.830008
    assert prices.cash_buy == Decimal("699.20")  # 699.20996


def test_prices_move_from_minute_to_minute() -> None:
    start = dt.datetime(2026, 11, 21, 2, 30, tzinfo=dt.UTC)
    moments = [start + dt.timedelta(minutes=minutes) for minutes in range(60)]
    assert len({prices_at("USD", Decimal("705.20"), now).spot_sell for now in moments}) > 20


@given(AMOUNTS, MOMENTS, CODES)
def test_spending_an_amount_never_costs_more_than_it_and_leaves_less_than_one_unit(
    minor: int, now: dt.datetime, code: str
) -> None:
    prices = all_prices(now)[code]
    bought = bought_for(Money(minor), prices)
    assert cost_of(bought, prices) <= Money(minor)
    assert cost_of(Money(bought.minor + 1, code), prices) >= Money(minor)


@given(AMOUNTS, MOMENTS, CODES, CODES)
def test_a_conversion_there_and_back_never_gains(minor: int, now: dt.datetime, one: str, other: str) -> None:
    prices = all_prices(now)
    start = Money(minor * 100, one)
    for via in ("CNY", other):
        if via == one:
            continue
        there = convert(start, via, prices)
        back = convert(there.received, one, prices)
        # Rounding to whole units may give back at most what one unit of the other currency is worth.
        unit = convert(Money(1, via), one, prices).received.minor + 1
        assert back.received.minor <= start.minor + unit


def test_buying_and_selling_use_the_price_of_their_side() -> None:
    prices = {"USD": usd("703.20", "706.30")}
    sold = convert(Money.of("500", "USD"), "CNY", prices)
    bought = convert(Money.of("7063"), "USD", prices)
    assert (sold.received, sold.side, sold.rate.value) == (Money.of("3516.00"), "buy", Decimal("703.20"))
    assert (bought.received, bought.side, bought.rate.value) == (Money.of("1000", "USD"), "sell", Decimal("706.30"))


def test_having_a_currency_costs_its_selling_price_and_is_paid_at_the_buying_price() -> None:
    euro = Prices(
        "EUR", *[Decimal(text) for text in ("812.4", "810.58", "813.52", "804.74", "813.52")], usd("1", "2").at
    )
    prices = {"USD": usd("703.20", "706.30"), "EUR": euro}
    yuan = price_of(Money.of("500", "USD"), "CNY", prices)
    dollars = price_of(Money.of("7032"), "USD", prices)
    euros = price_of(Money.of("500", "USD"), "EUR", prices)
    assert (yuan.received, yuan.side, yuan.rate.value) == (Money.of("3531.50"), "sell", Decimal("706.30"))
    assert (dollars.received, dollars.side, dollars.rate.value) == (Money.of("1000", "USD"), "buy", Decimal("703.20"))
    assert (euros.received, euros.rate.value) == (
        Money.of("435.68", "EUR"),
        Decimal("87.1351"),
    )  # 706.30 / 810.58 × 100
    assert (euros.rate.base, euros.rate.quote, euros.side) == ("USD", "EUR", "cross")


@given(AMOUNTS, MOMENTS, st.sampled_from(("CNY", *CURRENCIES)), st.sampled_from(("CNY", *CURRENCIES)))
def test_what_a_sum_costs_is_never_less_than_what_it_is_worth(
    minor: int, now: dt.datetime, one: str, other: str
) -> None:
    if one == other:
        return
    prices, wanted = all_prices(now), Money(minor, one)
    assert convert(wanted, other, prices).received <= price_of(wanted, other, prices).received


def test_a_cross_rate_goes_through_the_yuan_and_is_applied_as_it_is_stated() -> None:
    euro = Prices(
        "EUR", *[Decimal(text) for text in ("812.4", "810.58", "813.52", "804.74", "813.52")], usd("1", "2").at
    )
    found = convert(Money.of("500", "EUR"), "USD", {"EUR": euro, "USD": usd("703.75", "706.30")})
    assert found.rate.value == Decimal("114.7643")  # 810.58 / 706.30 × 100
    assert found.received == Money.of("573.82", "USD")  # 500 × 1.147643 = 573.8215
    assert (found.rate.base, found.rate.quote, found.side) == ("EUR", "USD", "cross")


@pytest.mark.parametrize(
    ("amount", "rate", "cost"),
    [("0.01", "706.30", "0.07"), ("1", "706.25", "7.06"), ("1", "706.35", "7.06"), ("1", "706.50", "7.07")],
)
def test_a_cost_is_rounded_half_up_to_the_fen(amount: str, rate: str, cost: str) -> None:
    assert cost_of(Money.of(amount, "USD"), usd("1", rate)) == Money.of(cost)


def test_the_quota_counts_dollars_as_they_are_and_the_rest_by_middle_prices() -> None:
    assert in_usd(Money.of("800", "USD"), Decimal("1"), Decimal("2")) == Money.of("800", "USD")
    assert in_usd(Money.of("1000", "EUR"), Decimal("812.40"), Decimal("705.20")) == Money.of("1152.01", "USD")
