"""Deposit rates in force, the interest of a sum to the cent, and the price of gold by the minute and by the gram."""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.action import BackendError
from backends.result import Result
from backends.values import Money, Term
from backends.wealth.deposits import days_of, interest
from backends.wealth.gold import Hours, quoted, weight_for, weight_text
from tests.bank import BANK_NOW, Bank, open_bank, said

MID = Decimal("948.60")
HOURS = Hours(dt.time(9), dt.time(22, 30))
START = dt.datetime(2026, 1, 10, tzinfo=dt.UTC)
moments = st.integers(0, 700 * 24 * 60 * 60).map(lambda seconds: START + dt.timedelta(seconds=seconds))


@pytest.fixture
async def bank(tmp_path: Path) -> AsyncIterator[Bank]:
    async with open_bank(tmp_path) as bank:
        yield bank


def column(result: Result, name: str) -> list[str | None]:
    return [next((fact.value for fact in row if fact.name == name), None) for row in result.rows]


# -- interest -----------------------------------------------------------------------------


@given(st.integers(1, 10**12), st.decimals("0", "10", places=2), st.integers(1, 60))
def test_whole_months_earn_exactly_so_many_twelfths_half_up(principal: int, rate: Decimal, months: int) -> None:
    earned = interest(Money(principal), rate, 30 * months).minor
    assert abs(Decimal(earned) - Decimal(principal) * rate * months / 1200) <= Decimal("0.5")
    assert interest(Money(principal), rate, 360).minor == int(Decimal(principal) * rate / 100 + Decimal("0.5"))


@pytest.mark.parametrize(
    ("principal", "rate", "days", "earned"),
    [("100000", "1.10", 360, "1100.00"), ("300000", "1.60", 1080, "14400.00"), ("10000", "0.05", 1, "0.01"), ("50", "0.65", 90, "0.08")],
)  # fmt: skip
def test_interest_is_worked_out_by_hand(principal: str, rate: str, days: int, earned: str) -> None:
    assert interest(Money.of(principal), Decimal(rate), days) == Money.of(earned)


@pytest.mark.parametrize(
    ("term", "days"),
    [(Term(1, "year"), 360), (Term(12, "month"), 360), (Term(7, "day"), 7), (Term(1, "week"), 7), (Term(3, "instalment"), None)],
)  # fmt: skip
def test_a_year_counts_360_days_and_a_month_30(term: Term, days: int | None) -> None:
    assert days_of(term) == days


# -- rates ---------------------------------------------------------------------------------


async def test_without_a_wish_every_rate_of_the_home_currency_is_listed_in_its_order(bank: Bank) -> None:
    result = await bank.ask("deposit_rate", None)
    assert (result.outcome, len(result.rows)) == ("found_many", 12)
    assert column(result, "deposit_kind")[:2] == ["demand", "deposit"]
    assert set(column(result, "interest")) == {None}
    assert said(result) == {"rate_from": "2026-07-01", "insured_limit": "500000.00"}
    assert result.disclosures == ("deposit_insurance",)


@pytest.mark.parametrize(
    ("given_", "kind", "rate"),
    [
        ({"deposit_kind": "demand"}, "demand", "0.05"),
        ({"deposit_kind": "deposit", "term": "P12M"}, "deposit", "1.10"),
        ({"term": "P7D"}, "notice_deposit", "0.55"),
        ({"term": "P1W"}, "notice_deposit", "0.55"),
        ({"product_type": "large_cd", "term": "P3Y"}, "large_cd", "1.60"),
        ({"product_type": "deposit", "term": "P5Y"}, "deposit", "1.40"),
        ({"currency": "USD", "term": "P1Y"}, "deposit", "2.50"),
        ({"amount": "1000 USD", "term": "P6M"}, "deposit", "2.40"),
    ],
)
async def test_one_kind_or_term_finds_its_rate(bank: Bank, given_: dict[str, Any], kind: str, rate: str) -> None:
    result = await bank.ask("deposit_rate", None, **given_)
    assert result.outcome == "found"
    assert (said(result)["deposit_kind"], said(result)["annual_rate"]) == (kind, rate)


@pytest.mark.parametrize(("amount", "kinds"), [("199999.99", ["deposit"]), ("200000", ["deposit", "large_cd"])])
async def test_a_sum_is_worked_out_for_every_deposit_it_is_enough_for(
    bank: Bank, amount: str, kinds: list[str]
) -> None:
    result = await bank.ask("deposit_rate", None, amount=amount, term="P3Y")
    assert (column(result, "deposit_kind") or [said(result).get("deposit_kind")]) == kinds


async def test_the_total_is_the_sum_and_its_interest_and_says_how_days_are_counted(bank: Bank) -> None:
    facts = said(await bank.ask("deposit_rate", None, amount="100000", deposit_kind="deposit", term="P1Y"))
    assert (facts["interest"], facts["total"]) == ("1100.00", "101100.00")
    assert "360" in facts["day_count"]


async def test_a_sum_for_a_day_that_nothing_fixed_takes_is_a_demand_deposit(bank: Bank) -> None:
    facts = said(await bank.ask("deposit_rate", None, amount="10000", term="P1D"))
    assert (facts["deposit_kind"], facts["interest"]) == ("demand", "0.01")
    assert said(await bank.ask("deposit_rate", None, amount="50000", term="P1D"))["deposit_kind"] == "notice_deposit"


@pytest.mark.parametrize(
    ("given_", "outcome"),
    [
        ({"deposit_kind": "large_cd", "amount": "199999.99"}, "below_minimum"),
        ({"term": "P4Y"}, "no_term"),
        ({"deposit_kind": "deposit", "term": "P1D"}, "no_term"),
        ({"term": "P3I"}, "no_term"),
        ({"currency": "JPY"}, "unsupported"),
        ({"amount": "0"}, "invalid_amount"),
        ({"amount": "1.005"}, "invalid_amount"),
        ({"amount": "100 USD", "currency": "HKD"}, "invalid_amount"),
    ],
)
async def test_what_no_deposit_fits_is_refused(bank: Bank, given_: dict[str, Any], outcome: str) -> None:
    assert (await bank.ask("deposit_rate", None, **given_)).outcome == outcome


async def test_the_rate_that_holds_is_the_latest_in_force_and_none_of_the_future(bank: Bank) -> None:
    bank.now = dt.datetime(2026, 6, 30, 15, 59, tzinfo=dt.UTC)
    before = said(await bank.ask("deposit_rate", None, deposit_kind="deposit", term="P1Y"))
    bank.now += dt.timedelta(minutes=1)
    after = said(await bank.ask("deposit_rate", None, deposit_kind="deposit", term="P1Y"))
    assert (before["annual_rate"], before["rate_from"]) == ("1.15", "2026-01-01")
    assert (after["annual_rate"], after["rate_from"]) == ("1.10", "2026-07-01")


async def test_the_listed_rates_agree_with_the_deposits_on_sale(bank: Bank) -> None:
    for code, kind in [
        ("DP4101", "deposit"),
        ("DP4102", "deposit"),
        ("LC4201", "large_cd"),
        ("ND4301", "notice_deposit"),
    ]:
        product = said(await bank.ask("wealth_product", None, product_name=code))
        rate = said(await bank.ask("deposit_rate", None, deposit_kind=kind, term=product["term"]))
        assert (rate["annual_rate"], rate["min_amount"]) == (product["rate"], product["min_amount"])


# -- gold ----------------------------------------------------------------------------------


@given(moments)
def test_the_bank_never_buys_gold_back_for_more_than_it_sells_it(at: dt.datetime) -> None:
    price = quoted(MID, at)
    assert price.buyback < price.sell
    assert abs(price.sell.number / MID - 1) < Decimal("0.0162")
    assert price == quoted(MID, at.replace(second=0, microsecond=0))


@given(st.integers(1, 10**11), moments)
def test_a_sum_never_buys_gold_that_costs_more(minor: int, at: dt.datetime) -> None:
    price = quoted(MID, at).sell
    grams = weight_for(Money(minor), price)
    assert grams * price.number <= Money(minor).number < (grams + Decimal("0.0001")) * price.number


@given(moments)
def test_the_price_is_of_a_minute_in_which_gold_traded_and_that_has_come(now: dt.datetime) -> None:
    at = HOURS.last_minute(now)
    assert at <= now
    assert HOURS.opens <= at.time() < HOURS.closes
    assert at.weekday() < 5


@pytest.mark.parametrize(
    ("now", "at"),
    [
        ("2026-11-20T22:29:59+08:00", "2026-11-20T22:29:59+08:00"),
        ("2026-11-20T22:30:00+08:00", "2026-11-20T22:29:00+08:00"),
        ("2026-11-21T10:30:00+08:00", "2026-11-20T22:29:00+08:00"),
        ("2026-11-23T08:59:00+08:00", "2026-11-20T22:29:00+08:00"),
        ("2026-10-07T12:00:00+08:00", "2026-09-30T22:29:00+08:00"),
    ],
)
def test_out_of_hours_the_last_close_stands(now: str, at: str) -> None:
    assert HOURS.last_minute(dt.datetime.fromisoformat(now)) == dt.datetime.fromisoformat(at)


@pytest.mark.parametrize(
    ("grams", "text"), [("10", "10.00"), ("10.5218", "10.5218"), ("0.1000", "0.10"), ("0", "0.00")]
)
def test_a_weight_is_written_with_two_decimals_at_least(grams: str, text: str) -> None:
    assert weight_text(Decimal(grams)) == text


async def test_the_price_is_told_with_the_close_before_it_and_the_plan(bank: Bank) -> None:
    result = await bank.ask("gold", None)
    facts = said(result)
    assert (result.outcome, facts["quoted_at"], facts["last_close_on"]) == (
        "found",
        "2026-11-20T14:29:00Z",
        "2026-11-19",
    )
    assert (facts["plan_minimum"], facts["plan_fee"]) == ("1000.00", "0.50")
    assert (facts["trades_from"], facts["trades_to"]) == ("09:00", "22:30")
    assert result.disclosures == ("wealth_risk",)


async def test_an_earlier_day_is_told_by_its_close_and_a_day_without_trading_by_the_one_before(bank: Bank) -> None:
    saturday = await bank.ask("gold", None, date="2026-11-14")
    friday = await bank.ask("gold", None, date="2026-11-13")
    assert (saturday.outcome, said(saturday)) == ("past", said(friday))
    assert said(friday)["price_day"] == "2026-11-13"
    close = said(await bank.ask("gold", None))["last_close"]
    assert said(await bank.ask("gold", None, date="2026-11-19"))["sell_price"] == close


@pytest.mark.parametrize("day", ["2026-11-22", "2027-06-01", "2019-03-04"])
async def test_no_price_is_made_up_for_a_day_to_come_or_too_long_ago(bank: Bank, day: str) -> None:
    refused = await bank.ask("gold", None, date=day)
    assert (refused.outcome, said(refused)) == ("no_price", {"price_day": day})


async def test_a_number_is_money_unless_it_is_said_to_be_grams(bank: Bank) -> None:
    price = quoted(MID, HOURS.last_minute(BANK_NOW))
    money = said(await bank.ask("gold", None, amount="1000"))
    assert money["grams"] == weight_text(weight_for(Money.of(1000), price.sell))
    weight = said(await bank.ask("gold", None, amount="20", measure="gram"))
    assert (weight["grams"], weight["cost"]) == ("20.00", str(price.sell.number * 20))
    assert weight["proceeds"] == str(price.buyback.number * 20)
    assert (await bank.ask("gold", None, amount="20 CNY", measure="gram")).outcome == "weight"


@pytest.mark.parametrize(
    "given_",
    [{"amount": "0"}, {"amount": "100 USD"}, {"amount": "1.23456", "measure": "gram"}, {"amount": "1.234"}],
)
async def test_a_sum_or_weight_finer_or_other_than_what_is_traded_is_refused(
    bank: Bank, given_: dict[str, str]
) -> None:
    assert (await bank.ask("gold", None, **given_)).outcome == "invalid_amount"


@pytest.mark.parametrize(
    ("name", "given_"), [("gold", {"measure": "ounce"}), ("deposit_rate", {"deposit_kind": "sofa"})]
)
async def test_a_kind_or_measure_nobody_knows_is_an_error(bank: Bank, name: str, given_: dict[str, str]) -> None:
    with pytest.raises(BackendError):
        await bank.ask(name, None, **given_)
