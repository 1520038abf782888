"""Loans: exact amortisation, what is owed, what paying early costs and saves, and how applications stand."""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from backends.loan import service
from backends.loan.schedule import Method, interest_for_days, interest_of, level_payment, schedule, with_payments_kept
from backends.loan.tables import Loan
from backends.result import Result
from tests.bank import Bank, open_bank, said

METHODS: tuple[Method, ...] = ("equal_instalment", "equal_principal")
principals = st.integers(100_000, 10**10)
rates = st.decimals("0", "24", places=2)
months = st.integers(1, 360)
methods = st.sampled_from(METHODS)


@pytest.fixture
async def bank(tmp_path: Path) -> AsyncIterator[Bank]:
    async with open_bank(tmp_path) as bank:
        yield bank


def column(result: Result, name: str) -> list[str]:
    return [next(fact.value for fact in row if fact.name == name) for row in result.rows]


def yuan(value: str) -> int:
    return int(Decimal(value) * 100)


# -- amortisation -------------------------------------------------------------------------


@given(principals, rates, months, methods)
def test_the_principal_of_all_instalments_is_the_loan_to_the_cent(
    principal: int, rate: Decimal, term: int, method: Method
) -> None:
    found = schedule(principal, rate, term, method)
    assert sum(each.principal for each in found) == principal
    assert found[-1].left == 0
    assert len(found) <= term
    left = principal
    for each in found:
        assert each.principal >= 0
        left -= each.principal
        assert each.left == left
        assert abs(each.interest - Decimal(left + each.principal) * rate / 1200) <= Decimal("0.5")


@given(principals, st.decimals("1", "8", places=2), months)
def test_equal_instalments_are_equal_but_for_the_rounding_in_the_last(principal: int, rate: Decimal, term: int) -> None:
    found = schedule(principal, rate, term, "equal_instalment")
    assert len(found) == term
    assert {each.payment for each in found[:-1]} <= {level_payment(principal, rate, term)}
    grown = sum((1 + rate / 1200) ** k for k in range(term))
    assert abs(found[-1].payment - level_payment(principal, rate, term)) <= grown + 1


@given(principals, rates, months)
def test_equal_principal_falls_and_never_costs_more_interest(principal: int, rate: Decimal, term: int) -> None:
    falling = schedule(principal, rate, term, "equal_principal")
    assert len({each.principal for each in falling[:-1]}) <= 1
    payments = [each.payment for each in falling[:-1]]
    assert payments == sorted(payments, reverse=True)
    level = schedule(principal, rate, term, "equal_instalment")
    assert interest_of(falling) <= interest_of(level) + term


@pytest.mark.parametrize(
    ("principal", "rate", "term", "payment"),
    [(100_000_000, "3.10", 360, 427_016), (1_000_000, "0", 12, 83_333), (10_000_000, "4.35", 240, 62_458)],
)
def test_a_level_payment_is_what_the_banks_calculators_show(principal: int, rate: str, term: int, payment: int) -> None:
    assert level_payment(principal, Decimal(rate), term) == payment


def test_equal_principal_of_a_round_loan_is_worked_out_by_hand() -> None:
    found = schedule(1_200_000, Decimal("6.00"), 12, "equal_principal")
    assert [each.payment for each in found[:2]] == [106_000, 105_500]
    assert interest_of(found) == 39_000


@given(principals, rates, months, methods, st.data())
def test_paying_early_never_costs_more_interest(
    principal: int, rate: Decimal, term: int, method: Method, data: st.DataObject
) -> None:
    after = data.draw(st.integers(1, principal))
    assert (
        interest_of(schedule(after, rate, term, method)) <= interest_of(schedule(principal, rate, term, method)) + term
    )


def test_instalments_that_do_not_cover_the_interest_are_refused() -> None:
    with pytest.raises(ValueError, match="never"):
        with_payments_kept(1_000_000, Decimal("12"), None, 10_000)
    with pytest.raises(ValueError, match="never"):
        with_payments_kept(1_000_000, Decimal("12"), 0, None)


def test_interest_by_the_day_is_of_a_year_of_360_days() -> None:
    assert interest_for_days(36_000_000, Decimal("3.60"), 10) == 36_000


@pytest.mark.parametrize(
    ("day", "count", "later"),
    [("2026-01-31", 1, "2026-02-28"), ("2026-12-15", 1, "2027-01-15"), ("2026-03-31", -1, "2026-02-28")],
)
def test_months_later_is_the_same_day_or_the_last_of_a_shorter_month(day: str, count: int, later: str) -> None:
    assert service.months_after(dt.date.fromisoformat(day), count) == dt.date.fromisoformat(later)


# -- what is owed ---------------------------------------------------------------------------


async def test_one_loan_is_told_with_its_next_instalment_and_what_paying_it_off_takes(bank: Bank) -> None:
    result = await bank.ask("loan_repay")
    facts = said(result)
    assert result.outcome == "found"
    assert (facts["next_due"], facts["next_amount"], facts["instalments_left"]) == ("2026-12-20", "5124.20", "322")
    assert (facts["account_tail"], facts["annual_rate"], facts["repay_method"]) == ("6217", "3.10", "equal_instalment")
    assert facts["last_due"] == "2053-09-20"
    whole = schedule(120_000_000, Decimal("3.10"), 360, "equal_instalment")[38:]
    assert yuan(facts["remaining_principal"]) == sum(each.principal for each in whole)
    accrued = interest_for_days(yuan(facts["remaining_principal"]), Decimal("3.10"), 1)
    assert yuan(facts["accrued_interest"]) == accrued
    assert yuan(facts["payoff_amount"]) == yuan(facts["remaining_principal"]) + accrued
    assert yuan(facts["interest_saved"]) == interest_of(whole) - accrued
    assert "overdue_days" not in facts


async def test_within_the_first_year_paying_off_costs_a_fee_and_from_its_last_day_on_none(bank: Bank) -> None:
    facts = said(await bank.ask("loan_repay", "C1005"))
    assert yuan(facts["early_fee"]) == (yuan(facts["remaining_principal"]) + 50) // 100
    total = sum(yuan(facts[name]) for name in ("remaining_principal", "accrued_interest", "early_fee"))
    assert yuan(facts["payoff_amount"]) == total
    async with AsyncSession(bank.engine) as db:
        loan = (await db.scalars(select(Loan).where(Loan.customer_id == "C1005"))).one()
    anniversary = service.months_after(loan.started_on, 12)
    owed = service.owed(loan, anniversary).principal
    assert service.early_fee(loan, owed, anniversary - dt.timedelta(days=1)).minor > 0
    assert service.early_fee(loan, owed, anniversary).minor == 0


async def test_an_unpaid_instalment_is_overdue_from_the_day_after(bank: Bank) -> None:
    bank.now += dt.timedelta(days=29)
    assert "overdue_days" not in said(await bank.ask("loan_repay"))
    bank.now += dt.timedelta(days=1)
    assert said(await bank.ask("loan_repay"))["overdue_days"] == "1"
    refused = await bank.ask("loan_repay", amount="100000")
    assert (refused.outcome, said(refused)) == ("arrears", {"next_due": "2026-12-20", "next_amount": "5124.20"})


async def test_several_loans_are_listed_with_their_sum_and_one_of_them_by_its_kind(bank: Bank) -> None:
    many = await bank.ask("loan_repay", "C1004")
    assert (many.outcome, column(many, "loan_kind")) == ("found_many", ["mortgage", "car"])
    assert sum(map(yuan, column(many, "remaining_principal"))) == yuan(said(many)["total_principal"])
    assert said(await bank.ask("loan_repay", "C1004", loan_kind="car"))["annual_rate"] == "3.60"


async def test_a_sum_to_pay_early_on_one_of_several_loans_asks_which(bank: Bank) -> None:
    asked = await bank.ask("loan_repay", "C1004", amount="200000")
    assert (asked.outcome, [choice.value for choice in asked.choices]) == ("choose", ["mortgage", "car"])
    assert {choice.slot for choice in asked.choices} == {"loan_kind"}


@pytest.mark.parametrize("customer_id", ["C1002", "C9999"])
async def test_who_repays_nothing_is_told_so(bank: Bank, customer_id: str) -> None:
    assert (await bank.ask("loan_repay", customer_id)).outcome == "none"


async def test_a_loan_of_another_kind_is_not_found_whoever_else_has_one(bank: Bank) -> None:
    refused = await bank.ask("loan_repay", loan_kind="car")
    assert (refused.outcome, said(refused)) == ("not_found", {"loan_asked": "car"})


async def test_a_loan_that_was_paid_off_is_owed_no_more(bank: Bank) -> None:
    async with AsyncSession(bank.engine) as db, db.begin():
        await db.execute(update(Loan).where(Loan.customer_id == "C1001").values(paid=Loan.months))
    assert (await bank.ask("loan_repay")).outcome == "none"


async def test_the_books_hold_no_more_paid_instalments_than_there_are(bank: Bank) -> None:
    async with AsyncSession(bank.engine) as db:
        with pytest.raises(IntegrityError):
            await db.execute(update(Loan).values(paid=Loan.months + 1))


# -- paying a part early --------------------------------------------------------------------


@pytest.mark.parametrize("customer_id", ["C1001", "C1007"])
async def test_a_part_paid_early_lowers_the_instalments_or_shortens_the_loan(bank: Bank, customer_id: str) -> None:
    before = said(await bank.ask("loan_repay", customer_id))
    result = await bank.ask("loan_repay", customer_id, amount="100000")
    facts = said(result)
    assert (result.outcome, facts["prepaid"], facts["prepaid_on"]) == ("early", "100000.00", before["next_due"])
    assert yuan(facts["principal_after"]) < yuan(before["remaining_principal"]) - 10_000_000
    assert yuan(facts["lower_payment"]) < yuan(before["next_amount"])
    assert int(facts["shorter_by"]) > 0
    assert 0 < yuan(facts["lower_saves"]) < yuan(facts["shorter_saves"])


async def test_no_more_is_paid_early_than_is_owed_after_the_next_instalment(bank: Bank) -> None:
    async with AsyncSession(bank.engine) as db:
        loan = (await db.scalars(select(Loan).where(Loan.customer_id == "C1001"))).one()
    left = service.owed(loan, dt.date(2026, 11, 21)).ahead[0].left
    most, over = Decimal(left - 1) / 100, Decimal(left) / 100
    assert (await bank.ask("loan_repay", amount=str(most))).outcome == "early"
    refused = await bank.ask("loan_repay", amount=str(over))
    assert refused.outcome == "more_than_owed"
    assert said(refused).keys() == {"amount", "remaining_principal", "payoff_amount"}


@pytest.mark.parametrize("amount", ["0", "-5", "1.001", "100 USD", "many"])
async def test_a_sum_that_cannot_be_paid_early_is_refused(bank: Bank, amount: str) -> None:
    assert (await bank.ask("loan_repay", amount=amount)).outcome == "invalid_amount"


# -- a loan worked out ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given_", "kind", "count"),
    [
        ({"term": "P30Y"}, "mortgage", "360"),
        ({"term": "P5Y"}, "consumer", "60"),
        ({"term": "P61M"}, "mortgage", "61"),
        ({"term": "P12I"}, "consumer", "12"),
        ({"term": "P10Y", "loan_kind": "business"}, "business", "120"),
    ],
)
async def test_a_loan_is_worked_out_for_any_signed_in_customer(
    bank: Bank, given_: dict[str, Any], kind: str, count: str
) -> None:
    result = await bank.ask("loan_repay", "C1003", amount="500000", **given_)
    facts = said(result)
    assert (result.outcome, facts["loan_kind"], facts["instalments"]) == ("computed", kind, count)
    assert yuan(facts["last_payment"]) < yuan(facts["level_payment"]) < yuan(facts["first_payment"])
    assert yuan(facts["falling_interest"]) < yuan(facts["level_interest"])
    assert result.fact("annual_rate").source == "rule"


@pytest.mark.parametrize(
    ("term", "kind", "outcome"),
    [("P361M", None, "too_long"), ("P6Y", "car", "too_long"), ("P5Y", "car", "computed"), ("P90D", None, "invalid_term"), ("P0M", None, "invalid_term")],
)  # fmt: skip
async def test_a_loan_runs_whole_months_and_no_longer_than_its_kind_may(
    bank: Bank, term: str, kind: str | None, outcome: str
) -> None:
    assert (await bank.ask("loan_repay", amount="100000", term=term, loan_kind=kind)).outcome == outcome


@pytest.mark.parametrize(("amount", "outcome"), [("999.99", "invalid_amount"), ("1000", "computed")])
async def test_nothing_is_worked_out_below_the_smallest_loan(bank: Bank, amount: str, outcome: str) -> None:
    assert (await bank.ask("loan_repay", amount=amount, term="P1Y")).outcome == outcome


# -- applications ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("customer_id", "kind", "outcome"),
    [
        ("C1001", None, "under_way"),
        ("C1002", None, "refused"),
        ("C1004", None, "found_many"),
        ("C1004", "business", "approved"),
        ("C1004", "car", "disbursed"),
        ("C1004", "mortgage", "not_found"),
        ("C1001", "car", "not_found"),
        ("C1003", None, "none"),
    ],
)
async def test_an_application_is_told_as_it_stands(
    bank: Bank, customer_id: str, kind: str | None, outcome: str
) -> None:
    assert (await bank.ask("loan_status", customer_id, loan_kind=kind)).outcome == outcome


async def test_a_refusal_says_why_and_from_when_on_to_apply_again(bank: Bank) -> None:
    facts = said(await bank.ask("loan_status", "C1002"))
    assert facts["refusal_reason"]
    assert facts["reapply_from"] == "2026-11-29"
    assert "reapply_from" not in said(await bank.ask("loan_status"))


async def test_what_was_paid_out_is_told_with_its_account_and_the_latest_application_comes_first(bank: Bank) -> None:
    assert said(await bank.ask("loan_status", "C1005"))["account_tail"] == "4093"
    assert column(await bank.ask("loan_status", "C1004"), "loan_kind") == ["business", "car"]
