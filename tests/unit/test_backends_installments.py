"""Instalments: the true yearly rate, payments that add up, what may be split, and what is left of a plan."""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator
from decimal import ROUND_HALF_UP, Decimal, localcontext
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from backends.card.interest import annual_percent
from backends.card.plans import EVEN, OFFERED, Schedule, months_after, offered_term, rates, schedule_of
from backends.card.tables import InstalmentPlan, Statement, Transaction
from backends.result import Result
from backends.values import Term
from tests.bank import ME, Bank, open_bank, said

TODAY = dt.date(2026, 11, 21)


@pytest.fixture
async def bank(tmp_path: Path) -> AsyncIterator[Bank]:
    async with open_bank(tmp_path) as bank:
        yield bank


async def split(bank: Bank, customer_id: str = ME, **given: Any) -> Result:
    return await bank.ask("card_installment", customer_id, "prepare", **given)


async def change(bank: Bank, table: type[Any], where: Any, **values: Any) -> None:
    async with AsyncSession(bank.engine) as db, db.begin():
        await db.execute(update(table).where(where).values(**values))


async def plans_of(bank: Bank, card_id: str) -> list[tuple[int, int, int]]:
    query = select(InstalmentPlan).where(InstalmentPlan.card_id == card_id, ~InstalmentPlan.own_limit)
    async with AsyncSession(bank.engine) as db:
        return [(plan.principal, plan.interest, plan.terms) for plan in await db.scalars(query)]


# -- the annualised rate against closed forms ---------------------------------------------


def yearly(monthly: Decimal) -> Decimal:
    return (((1 + monthly) ** 12 - 1) * 100).quantize(Decimal("0.01"), ROUND_HALF_UP)


@given(st.integers(1, 10**9), st.integers(0, 1000))
def test_one_payment_has_the_rate_of_its_interest(principal: int, per_mille: int) -> None:
    interest = principal * per_mille // 1000
    with localcontext(prec=60):
        assert annual_percent(principal, [principal + interest]) == yearly(Decimal(interest) / principal)


@given(st.integers(1000, 10**9), st.integers(0, 1000), st.integers(0, 1000))
def test_two_payments_have_the_root_of_their_quadratic(principal: int, per_mille: int, more: int) -> None:
    first = principal * per_mille // 1000
    second = principal - first + principal * more // 1000
    with localcontext(prec=60):
        # principal·x² = first·x + second, where x is one and the monthly rate
        root = (first + (Decimal(first) ** 2 + 4 * Decimal(principal) * second).sqrt()) / (2 * principal)
        assert annual_percent(principal, [first, second]) == yearly(root - 1)


@given(st.integers(1, 500), st.integers(1, 60))
def test_an_annuity_has_the_rate_it_was_computed_at(basis_points: int, months: int) -> None:
    with localcontext(prec=60):
        rate, principal = Decimal(basis_points) / 10_000, 10**24
        payment = principal * rate / (1 - (1 + rate) ** -months)
        assert annual_percent(principal, [round(payment)] * months) == yearly(rate)


@given(st.integers(1, 500), st.integers(1, 24))
def test_interest_only_and_the_principal_at_the_end_has_the_rate_of_the_interest(points: int, months: int) -> None:
    principal = 10_000_000
    interest = principal * points // 10_000
    payments = [interest] * (months - 1) + [principal + interest]
    with localcontext(prec=60):
        assert annual_percent(principal, payments) == yearly(Decimal(points) / 10_000)


@given(st.integers(500_00, 50_000_000), st.sampled_from(OFFERED))
def test_the_rate_that_is_shown_is_the_nearest_hundredth(principal: int, terms: int) -> None:
    schedule = schedule_of(principal, terms, TODAY)

    def worth(percent: Decimal) -> Decimal:
        monthly = (1 + percent / 100) ** (Decimal(1) / 12) - 1
        return sum((payment / (1 + monthly) ** at for at, payment in enumerate(schedule.payments, 1)), Decimal(0))

    with localcontext(prec=60):
        half = Decimal("0.005")
        assert worth(schedule.annual_rate + half) <= principal <= worth(schedule.annual_rate - half)


def test_what_costs_nothing_has_a_rate_of_nothing_and_a_loss_has_none() -> None:
    assert annual_percent(1200, [100] * 12) == Decimal("0.00")
    with pytest.raises(ValueError, match="below the principal"):
        annual_percent(1200, [100] * 11)


# -- payments -----------------------------------------------------------------------------


@settings(max_examples=300)
@given(st.integers(1, 10**12), st.integers(0, 10**12), st.sampled_from(OFFERED))
def test_the_payments_add_up_to_the_cent_and_only_the_last_differs(principal: int, interest: int, terms: int) -> None:
    schedule = Schedule(principal, interest, terms)
    assert sum(schedule.payments) == principal + interest
    assert sum(schedule.principals) == principal
    assert len(schedule.payments) == terms
    assert len(set(schedule.payments[:-1])) == 1
    assert 0 <= schedule.payments[-1] - schedule.payments[0] <= 2 * (terms - 1)


def test_a_day_that_a_month_lacks_becomes_its_last() -> None:
    assert months_after(dt.date(2027, 1, 31), 1) == dt.date(2027, 2, 28)
    assert months_after(dt.date(2026, 11, 27), 1) == dt.date(2026, 12, 27)
    assert months_after(dt.date(2026, 12, 5), 12) == dt.date(2027, 12, 5)


@pytest.mark.parametrize(
    ("asked", "terms"),
    [
        (Term(12, "instalment"), 12), (Term(6, "month"), 6), (Term(1, "year"), 12), (Term(2, "year"), 24),
        (Term(9, "instalment"), None), (Term(36, "month"), None), (Term(90, "day"), None),
    ],
)  # fmt: skip
def test_a_term_means_a_number_of_instalments_where_it_is_offered(asked: Term, terms: int | None) -> None:
    assert offered_term(asked) == terms


# -- a statement --------------------------------------------------------------------------


async def test_a_plan_reads_back_all_of_its_cost(bank: Bank) -> None:
    ready = await split(bank, term="P12I")
    assert (ready.outcome, said(ready)) == (
        "ready",
        {
            "card_name": "云杉白金信用卡",
            "card_tail": "8888",
            "plan_name": "信用卡账单",
            "statement_month": "2026-11-01/2026-11-30",
            "principal": "6158.00",
            "term": "P12I",
            "first_payment": "550.10",
            "each_payment": "550.10",
            "last_payment": "550.27",
            "interest": "443.37",
            "total_payment": "6601.37",
            "annual_rate": "13.84",
            "term_interest": "0.60",
            "first_on": "2026-12-27",
            "rest_due": "684.37",
            "settle_fee_rate": "3",
            "expires_at": "2026-11-21T02:45:12Z",
        },
    )


async def test_without_a_term_every_term_is_shown_with_its_rate_to_choose_from(bank: Bank) -> None:
    asked = await split(bank, amount="5000")
    assert (asked.outcome, [choice.value for choice in asked.choices]) == (
        "choose_term",
        ["P3I", "P6I", "P12I", "P18I", "P24I"],
    )
    assert [row[-1].name for row in asked.rows] == ["annual_rate"] * 5
    unoffered = await split(bank, amount="5000", term="P9I")
    assert (unoffered.outcome, said(unoffered)["term_asked"], len(unoffered.choices)) == ("term_unoffered", "P9I", 5)


@pytest.mark.parametrize(
    ("amount", "outcome"),
    [
        ("499.99", "below_minimum"), ("500", "ready"), ("6158", "ready"), ("6158.01", "over_limit"), ("0", "invalid_amount"),
        ("900 USD", "invalid_amount"),
    ],
)  # fmt: skip
async def test_a_sum_lies_between_the_minimum_and_the_share_that_may_be_split(
    bank: Bank, amount: str, outcome: str
) -> None:
    assert (await split(bank, term="P12I", amount=amount)).outcome == outcome


async def test_a_plan_leaves_the_rest_due_and_is_made_once(bank: Bank) -> None:
    ready = await split(bank, term="P12I", amount="6000")
    done = await bank.commit(ready)
    assert (done.completed, done.reference) == (True, said(done)["reference"])
    assert await bank.commit(ready, key="another") == done
    assert await plans_of(bank, "C1001-1") == [(600000, 43200, 12)]
    bill = said(await bank.ask("card_bill"))
    assert (bill["remaining_due"], bill["paid"], bill["instalment_amount"]) == ("842.37", "0.00", "6000.00")
    again = await split(bank, term="P6I")
    assert (again.outcome, said(again)["principal"]) == ("already", "6000.00")


async def test_what_a_plan_repays_is_not_paid_a_second_time(bank: Bank) -> None:
    await bank.commit(await split(bank, term="P12I", amount="6000"))
    assert said(await bank.ask("card_repay", step="prepare", part="full"))["payment"] == "842.37"
    assert said(await bank.ask("card_repay", step="prepare", amount="9000"))["owed"] == "3215.60"


async def test_a_payment_quoted_before_the_plan_is_quoted_anew(bank: Bank) -> None:
    payment = await bank.ask("card_repay", step="prepare", part="full")
    await bank.commit(await split(bank, term="P12I", amount="6000"), key="1")
    assert (await bank.commit(payment, key="2")).outcome == "changed"
    assert said(await bank.ask("card_bill"))["remaining_due"] == "842.37"


async def test_a_statement_that_was_paid_meanwhile_is_quoted_anew(bank: Bank) -> None:
    ready = await split(bank, term="P12I")
    await change(bank, Statement, (Statement.card_id == "C1001-1") & (Statement.balance == 684237), paid=1)
    assert (await bank.commit(ready)).outcome == "changed"
    assert await plans_of(bank, "C1001-1") == []


async def test_two_quotes_of_one_statement_make_one_plan(bank: Bank) -> None:
    first, second = await split(bank, term="P12I"), await split(bank, term="P6I")
    assert (await bank.commit(first, key="1")).outcome == "done"
    assert (await bank.commit(second, key="2")).outcome == "changed"
    assert len(await plans_of(bank, "C1001-1")) == 1


async def test_a_settled_or_an_overdue_statement_is_not_split(bank: Bank) -> None:
    assert (await split(bank, "C1008", term="P12I")).outcome == "nothing"
    late = await split(bank, "C1006", term="P12I")
    assert (late.outcome, said(late)["due_date"]) == ("overdue", "2026-11-17")
    assert (await split(bank, term="P12I", period="2025-01-01/2025-01-31")).outcome == "no_statement"
    assert (await split(bank, term="P12I", period="2026-10-01/2026-10-31")).outcome == "nothing"


async def test_on_the_due_date_itself_it_still_may_be_split(bank: Bank) -> None:
    bank.now = dt.datetime(2026, 11, 27, 15, 59, tzinfo=dt.UTC)
    assert (await split(bank, term="P12I")).outcome == "ready"
    bank.now += dt.timedelta(minutes=1)
    assert (await split(bank, term="P12I")).outcome == "overdue"


async def test_of_several_cards_one_is_chosen_and_another_customers_is_not_found(bank: Bank) -> None:
    assert [choice.value for choice in (await split(bank, "C1004", term="P12I")).choices] == ["9016", "2375"]
    assert (await split(bank, term="P12I", card_tail="9016")).outcome == "not_found"
    assert (await split(bank, "C1002", term="P12I")).outcome == "no_card"


# -- a purchase ---------------------------------------------------------------------------


async def test_a_purchase_is_split_whole_and_once(bank: Bank) -> None:
    ready = await split(bank, merchant="京东", term="P6I")
    assert (said(ready)["principal"], said(ready)["plan_name"]) == ("784.53", "京东商城")
    assert "rest_due" not in said(ready)
    other = await split(bank, merchant="京东", term="P12I")
    assert (await bank.commit(ready, key="1")).outcome == "done"
    assert (await bank.commit(other, key="2")).outcome == "changed"
    assert (await split(bank, merchant="京东", term="P6I")).outcome == "no_match"
    assert len(await plans_of(bank, "C1001-1")) == 1


async def test_a_purchase_is_found_by_its_day_and_amount(bank: Bank) -> None:
    assert said(await split(bank, date="2026-11-11", amount="784", term="P6I"))["plan_name"] == "京东商城"
    assert (await split(bank, date="2026-11-12", amount="784", term="P6I")).outcome == "no_match"


async def test_a_billed_purchase_or_another_customers_is_no_match(bank: Bank) -> None:
    assert (await split(bank, merchant="云栖度假酒店", term="P6I")).outcome == "no_match"
    found = await split(bank, "C1004", merchant="云栖度假酒店", term="P6I")
    assert said(found)["principal"] == "8680.00"


async def test_of_several_purchases_one_is_chosen(bank: Bank) -> None:
    async with AsyncSession(bank.engine) as db, db.begin():
        bought = (await db.scalars(select(Transaction).where(Transaction.amount == 868000))).one()
        columns = {name: getattr(bought, name) for name in [column.key for column in Transaction.__table__.columns]}
        db.add(Transaction(**{**columns, "transaction_id": "another", "amount": 120000}))
    asked = await split(bank, "C1004", merchant="云栖度假酒店", term="P6I")
    assert asked.outcome == "choose_purchase"
    assert {(choice.slot, choice.value) for choice in asked.choices} == {("amount", "8680.00"), ("amount", "1200.00")}
    ready = await split(bank, "C1004", merchant="云栖度假酒店", term="P6I", amount="1200.00")
    assert said(ready)["principal"] == "1200.00"


# -- what is left -------------------------------------------------------------------------


async def test_a_running_plan_tells_what_is_left_and_what_settling_costs(bank: Bank) -> None:
    status = await bank.ask("card_installment", step="status")
    facts = said(status)
    assert (facts["terms_repaid"], facts["terms_left"]) == ("4", "8")
    assert (facts["principal_left"], facts["settle_fee"], facts["settle_amount"]) == ("8000.00", "240.00", "8240.00")
    assert (facts["next_on"], facts["next_payment"]) == ("2026-11-24", "1072.00")
    assert said(await split(bank, wish="settle")) == facts


async def test_a_payment_counts_as_made_on_its_day(bank: Bank) -> None:
    bank.now = dt.datetime(2026, 11, 23, 16, 0, tzinfo=dt.UTC)
    assert said(await bank.ask("card_installment", step="status"))["terms_repaid"] == "5"
    bank.now = dt.datetime(2027, 6, 23, 16, 0, tzinfo=dt.UTC)
    assert (await bank.ask("card_installment", step="status")).outcome == "no_record"


async def test_several_plans_are_listed(bank: Bank) -> None:
    status = await bank.ask("card_installment", "C1004", "status")
    assert (status.outcome, len(status.rows)) == ("status_many", 2)
    one = await split(bank, "C1004", wish="settle", card_tail="2375")
    assert (one.outcome, said(one)["plan_name"]) == ("status", "珠宝分期")


@given(st.integers(500_00, 2_000_00), st.sampled_from(OFFERED))
def test_no_sum_costs_more_than_the_rate_that_is_told(principal: int, terms: int) -> None:
    assert schedule_of(principal, terms, TODAY).annual_rate <= rates(TODAY)[terms]


async def test_the_highest_rate_is_the_highest_of_the_rows(bank: Bank) -> None:
    told = await bank.ask("card_installment", None, "explain")
    shown = [Decimal(row[-1].value) for row in told.rows]
    assert Decimal(said(told)["highest_rate"]) == max(shown)
    assert len(shown) == len(OFFERED)


def test_the_even_sum_divides_to_the_cent() -> None:
    for terms in OFFERED:
        assert len(set(schedule_of(EVEN, terms, TODAY).payments)) == 1
