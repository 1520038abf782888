"""The individual pension: what a year still takes, the tax it saves, and whose account it is."""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import AsyncSession

from backends.pension.service import Year, savings, tax_brackets
from backends.pension.tables import PensionPayment
from backends.result import Result
from backends.rules import REVIEW_EVERY
from backends.values import Money
from tests.bank import BANK_NOW, Bank, open_bank, said


@pytest.fixture
async def bank(tmp_path: Path) -> AsyncIterator[Bank]:
    async with open_bank(tmp_path) as bank:
        yield bank


def column(result: Result, name: str) -> list[str | None]:
    return [next((fact.value for fact in row if fact.name == name), None) for row in result.rows]


async def test_the_year_tells_what_was_paid_in_and_what_it_still_takes(bank: Bank) -> None:
    result = await bank.ask("pension")
    assert (result.outcome, said(result)) == (
        "found",
        {
            "year": "2026",
            "contributed": "8000.00",
            "yearly_limit": "12000.00",
            "opened_on": "2023-03-10",
            "pension_balance": "33412.60",
            "pension_left": "4000.00",
            "pay_by": "2026-12-31",
        },
    )
    assert result.fact("yearly_limit").source == "rule"


@pytest.mark.parametrize(
    ("customer_id", "outcome"), [("C1004", "full"), ("C1007", "found"), ("C1002", "not_open"), ("C9999", "not_open")]
)
async def test_an_account_is_told_as_it_stands(bank: Bank, customer_id: str, outcome: str) -> None:
    assert (await bank.ask("pension", customer_id)).outcome == outcome


@given(st.integers(0, 5_000_000))
def test_what_is_left_is_never_below_zero_and_never_above_the_limit(paid: int) -> None:
    left = Year(2026, Money(paid), Money.of(12_000)).left.minor
    assert 0 <= left <= 1_200_000
    assert left == 0 or left + paid == 1_200_000


@pytest.mark.parametrize(("period", "paid"), [("2025-01-01/2025-12-31", "12000.00"), ("2024-01-01/2024-12-31", "0.00")])
async def test_another_year_counts_what_was_paid_within_it_alone(bank: Bank, period: str, paid: str) -> None:
    result = await bank.ask("pension", period=period)
    assert (result.outcome, said(result)["contributed"]) == ("past_year", paid)


@pytest.mark.parametrize(("day", "counted"), [("2026-12-31", "2026"), ("2027-01-01", "2027")])
async def test_a_payment_counts_for_the_year_of_its_day(bank: Bank, day: str, counted: str) -> None:
    async with AsyncSession(bank.engine) as db, db.begin():
        db.add(PensionPayment(payment_id="P", customer_id="C1007", paid_on=dt.date.fromisoformat(day), amount=700))
    for year in ("2026", "2027"):
        paid = said(await bank.ask("pension", "C1007", period=f"{year}-01-01/{year}-12-31"))["contributed"]
        assert paid == ("7.00" if year == counted else "0.00")


# -- tax ---------------------------------------------------------------------------------------


def test_the_full_limit_saves_what_the_tax_office_publishes() -> None:
    assert [str(each.saved.number) for each in savings(Money.of(12_000))] == [
        "360.00", "1200.00", "2400.00", "3000.00", "3600.00", "4200.00", "5400.00",
    ]  # fmt: skip


def test_the_brackets_join_and_rise_and_were_reviewed() -> None:
    found = savings(Money.of(1))
    assert [each.above for each in found[1:]] == [each.up_to for each in found[:-1]]
    assert found[-1].up_to is None
    assert [each.rate for each in found] == sorted({each.rate for each in found})
    assert BANK_NOW.date() - tax_brackets().reviewed_on <= REVIEW_EVERY


@given(st.integers(1, 1_200_000))
def test_a_saving_is_the_payment_times_the_rate_half_up(paid: int) -> None:
    for each in savings(Money(paid)):
        assert each.saved.minor == int(Decimal(paid) * each.rate / 100 + Decimal("0.5"))


@pytest.mark.parametrize(
    ("given_", "outcome", "paid"),
    [
        ({"topic": "tax"}, "tax_table", "12000.00"),
        ({"amount": "5000"}, "tax_table", "5000.00"),
        ({"amount": "12000.01"}, "tax_table", "12000.00"),
        ({"topic": "tax", "amount": "100000", "amount_of": "income"}, "tax_table", "12000.00"),
        ({"topic": "tax", "amount": "8000", "amount_of": "income"}, "tax_table", "12000.00"),
        ({"tax_rate": "20", "amount": "1000"}, "tax", "1000.00"),
        ({"tax_rate": "21"}, "tax_table", "12000.00"),
    ],
)
async def test_tax_is_worked_out_for_the_payment_named_up_to_the_limit(
    bank: Bank, given_: dict[str, Any], outcome: str, paid: str
) -> None:
    result = await bank.ask("pension", "C1003", **given_)
    assert (result.outcome, said(result)["paid_in"]) == (outcome, paid)
    assert len(result.rows) == (7 if outcome == "tax_table" else 0)


async def test_a_named_rate_states_its_own_saving_only(bank: Bank) -> None:
    facts = said(await bank.ask("pension", tax_rate="10", amount="6000"))
    assert (facts["tax_rate"], facts["tax_saved"], facts["income_above"]) == ("10", "600.00", "36000.00")


@pytest.mark.parametrize("amount", ["0", "-1", "1.001", "500 USD"])
async def test_a_payment_that_cannot_be_is_refused(bank: Bank, amount: str) -> None:
    assert (await bank.ask("pension", amount=amount)).outcome == "invalid_amount"


# -- the other sides -----------------------------------------------------------------------------


async def test_an_account_is_opened_once(bank: Bank) -> None:
    assert (await bank.ask("pension", topic="open")).outcome == "already_open"
    assert (await bank.ask("pension", "C1003", topic="open")).outcome == "not_open"


async def test_only_pension_products_are_offered_with_their_risk_disclosed(bank: Bank) -> None:
    result = await bank.ask("pension", topic="products")
    assert (result.outcome, column(result, "product_code")) == ("products", ["PN6101"])
    assert result.disclosures == ("wealth_risk",)


async def test_taking_money_out_states_rules_alone(bank: Bank) -> None:
    result = await bank.ask("pension", topic="payout")
    assert {fact.source for fact in result.facts} == {"rule"}
    assert said(result)["withdrawal_tax"] == "3"
