"""Bills, limits and lost cards."""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from backends.card.tables import Card, Statement
from tests.bank import Bank, open_bank, said


@pytest.fixture
async def bank(tmp_path: Path) -> AsyncIterator[Bank]:
    async with open_bank(tmp_path) as bank:
        yield bank


async def change(bank: Bank, table: type[Any], where: Any, **values: Any) -> None:
    async with AsyncSession(bank.engine) as db, db.begin():
        await db.execute(update(table).where(where).values(**values))


# -- bills --------------------------------------------------------------------------------


async def test_one_card_gives_its_latest_statement_in_full(bank: Bank) -> None:
    result = await bank.ask("card_bill")
    assert result.outcome == "found"
    assert said(result) == {
        "card_name": "云杉白金信用卡",
        "card_tail": "8888",
        "statement_month": "2026-11-01/2026-11-30",
        "statement_balance": "6842.37",
        "minimum_due": "684.24",
        "paid": "0.00",
        "remaining_due": "6842.37",
        "statement_date": "2026-11-07",
        "due_date": "2026-11-27",
        "days_left": "6",
    }
    assert {fact.unit for fact in result.facts if fact.kind == "money"} == {"CNY"}
    assert {fact.sensitivity for fact in result.facts} == {"personal"}
    assert result.fact("card_name").english == "Spruce Platinum Credit Card"


async def test_a_past_month_finds_the_statement_issued_in_it(bank: Bank) -> None:
    result = await bank.ask("card_bill", period="2026-10-01/2026-10-31")
    assert (result.outcome, said(result)["statement_date"]) == ("settled", "2026-10-07")


@pytest.mark.parametrize("period", ["2026-11-01/2026-11-30", "2026-11-21/2026-11-21", "2026-08-21/2026-11-21"])
async def test_a_period_that_reaches_today_means_the_current_statement(bank: Bank, period: str) -> None:
    assert said(await bank.ask("card_bill", period=period))["statement_date"] == "2026-11-07"


@pytest.mark.parametrize("period", ["2025-01-01/2025-01-31", "2027-01-01/2027-01-31"])
async def test_a_month_without_a_statement_says_so_and_shows_no_other(bank: Bank, period: str) -> None:
    result = await bank.ask("card_bill", period=period)
    assert result.outcome == "no_statement"
    assert said(result) == {"card_name": "云杉白金信用卡", "card_tail": "8888", "period": period}


async def test_several_credit_cards_are_listed_with_their_total(bank: Bank) -> None:
    result = await bank.ask("card_bill", "C1004")
    assert result.outcome == "found_many"
    assert said(result) == {"card_count": "2", "total_due": "65184.34"}
    assert [{fact.name: fact.value for fact in row}["remaining_due"] for row in result.rows] == ["62318.44", "2865.90"]


async def test_naming_one_of_several_cards_gives_that_one(bank: Bank) -> None:
    assert said(await bank.ask("card_bill", "C1004", card_tail="2375"))["remaining_due"] == "2865.90"


async def test_a_settled_statement_is_said_to_be_settled(bank: Bank) -> None:
    result = await bank.ask("card_bill", "C1008")
    assert (result.outcome, said(result)["remaining_due"]) == ("settled", "0.00")
    assert "overdue_days" not in said(result)


async def test_an_overpaid_statement_owes_nothing_rather_than_a_negative_sum(bank: Bank) -> None:
    await change(bank, Statement, Statement.card_id == "C1001-1", paid=10**7)
    result = await bank.ask("card_bill")
    assert (result.outcome, said(result)["remaining_due"]) == ("settled", "0.00")


async def test_an_unpaid_statement_past_its_due_date_counts_the_days_overdue(bank: Bank) -> None:
    facts = said(await bank.ask("card_bill", "C1006"))
    assert (facts["overdue_days"], facts["remaining_due"]) == ("4", "4480.12")
    assert "days_left" not in facts


async def test_the_due_date_itself_leaves_no_days_and_is_not_overdue(bank: Bank) -> None:
    bank.now = dt.datetime(2026, 11, 27, 15, 59, tzinfo=dt.UTC)  # 23:59 in Beijing
    facts = said(await bank.ask("card_bill"))
    assert facts["days_left"] == "0"
    assert "overdue_days" not in facts
    bank.now += dt.timedelta(minutes=1)
    assert said(await bank.ask("card_bill"))["overdue_days"] == "1"


@pytest.mark.parametrize("name", ["card_bill", "card_limit"])
async def test_a_customer_without_a_credit_card_is_told_so(bank: Bank, name: str) -> None:
    assert (await bank.ask(name, "C1002")).outcome == "no_card"


@pytest.mark.parametrize("name", ["card_bill", "card_limit"])
@pytest.mark.parametrize("tail", ["0000", "9016", "6217", "88", "%", "四个八"])
async def test_a_card_that_is_not_one_of_theirs_is_not_found(bank: Bank, name: str, tail: str) -> None:
    result = await bank.ask(name, card_tail=tail)
    assert result.outcome == "not_found"
    assert [(fact.name, fact.value, fact.source) for fact in result.facts] == [("card_tail", tail, "customer")]


# -- limits -------------------------------------------------------------------------------


async def test_a_limit_is_split_into_used_and_available(bank: Bank) -> None:
    assert said(await bank.ask("card_limit")) == {
        "card_name": "云杉白金信用卡",
        "card_tail": "8888",
        "credit_limit": "80000.00",
        "available": "70784.40",
        "cash_available": "40000.00",
        "used": "9215.60",
    }


async def test_cash_comes_out_of_the_same_limit(bank: Bank) -> None:
    await change(bank, Card, Card.card_id == "C1001-1", used=7_500_000)
    facts = said(await bank.ask("card_limit"))
    assert (facts["available"], facts["cash_available"]) == ("5000.00", "5000.00")


async def test_a_temporary_limit_counts_until_its_last_day_and_no_longer(bank: Bank) -> None:
    facts = said(await bank.ask("card_limit", "C1007"))
    assert (facts["temporary_limit"], facts["temporary_until"], facts["available"]) == (
        "180000.00",
        "2026-12-16",
        "81660.00",
    )
    bank.now = dt.datetime(2026, 12, 16, 16, 0, tzinfo=dt.UTC)  # midnight in Beijing
    facts = said(await bank.ask("card_limit", "C1007"))
    assert "temporary_limit" not in facts
    assert facts["available"] == "21660.00"


async def test_a_card_used_beyond_its_limit_has_nothing_left_rather_than_less(bank: Bank) -> None:
    await change(bank, Card, Card.card_id == "C1001-1", used=9_000_000)
    assert said(await bank.ask("card_limit"))["available"] == "0.00"


# -- lost cards ---------------------------------------------------------------------------


async def test_anyone_may_hear_how_a_card_is_reported_lost(bank: Bank) -> None:
    result = await bank.ask("card_report_lost", None, "explain")
    assert said(result) == {"hotline": "400-820-9966", "fee": "0.00"}
    assert {fact.source for fact in result.facts} == {"rule"}


async def test_several_cards_ask_which_one_and_offer_each(bank: Bank) -> None:
    result = await bank.ask("card_report_lost", step="prepare")
    assert (result.outcome, result.quote) == ("choose", None)
    assert [(choice.slot, choice.value) for choice in result.choices] == [("card_tail", "8888"), ("card_tail", "6217")]
    assert [choice.facts for choice in result.choices] == list(result.rows)


@pytest.mark.parametrize(
    ("given", "tail"),
    [
        ({"card_tail": "6217"}, "6217"),
        ({"card_kind": "credit"}, "8888"),
        ({"card_product": "白金"}, "8888"),
        ({"card_product": "platinum"}, "8888"),
        ({"card_kind": "debit", "card_product": "白金"}, "6217"),
        ({"card_kind": "debit", "card_tail": "8888"}, "8888"),
    ],
)
async def test_what_they_say_about_a_card_narrows_the_choice(bank: Bank, given: dict[str, str], tail: str) -> None:
    result = await bank.ask("card_report_lost", step="prepare", **given)
    assert (result.outcome, said(result)["card_tail"]) == ("ready", tail)


async def test_a_name_that_fits_no_card_is_disregarded_not_held_against_them(bank: Bank) -> None:
    assert (await bank.ask("card_report_lost", step="prepare", card_product="黑金卡")).outcome == "choose"


async def test_a_kind_of_card_they_do_not_have_is_no_card(bank: Bank) -> None:
    assert (await bank.ask("card_report_lost", "C1002", "prepare", card_kind="credit")).outcome == "no_card"


async def test_preparing_freezes_nothing(bank: Bank) -> None:
    await bank.ask("card_report_lost", step="prepare", card_tail="8888")
    assert (await bank.ask("card_report_lost", step="status")).outcome == "no_record"


async def test_a_confirmed_report_freezes_the_card_and_the_status_shows_it(bank: Bank) -> None:
    done = await bank.commit(await bank.ask("card_report_lost", step="prepare", card_tail="8888"))
    assert (done.outcome, done.completed) == ("done", True)
    facts = said(done)
    assert done.reference == facts["reference"]
    assert facts["frozen_at"] == "2026-11-21T02:30:12Z"
    status = said(await bank.ask("card_report_lost", step="status"))
    assert {name: facts[name] for name in status} == status
    again = await bank.ask("card_report_lost", step="prepare", card_tail="8888")
    assert (again.outcome, said(again)["frozen_at"]) == ("already", facts["frozen_at"])


async def test_a_card_frozen_between_quote_and_confirmation_is_already_frozen(bank: Bank) -> None:
    first = await bank.ask("card_report_lost", step="prepare", card_tail="8888")
    second = await bank.ask("card_report_lost", step="prepare", card_tail="8888")
    assert (await bank.commit(first, key="first")).outcome == "done"
    already = await bank.commit(second, key="second")
    assert (already.outcome, already.completed, already.reference) == ("already", False, None)


async def test_with_one_card_frozen_the_other_one_is_meant(bank: Bank) -> None:
    await bank.commit(await bank.ask("card_report_lost", step="prepare", card_tail="8888"))
    assert said(await bank.ask("card_report_lost", step="prepare"))["card_tail"] == "6217"


async def test_with_every_card_frozen_the_last_one_is_named(bank: Bank) -> None:
    for tail in ("8888", "6217"):
        await bank.commit(await bank.ask("card_report_lost", step="prepare", card_tail=tail), key=tail)
        bank.now += dt.timedelta(minutes=1)
    result = await bank.ask("card_report_lost", step="prepare")
    assert (result.outcome, said(result)["card_tail"]) == ("already", "6217")
