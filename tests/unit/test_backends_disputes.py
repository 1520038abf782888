"""Disputing a transaction: which is meant, how old it may be, once only, and never another's."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from backends.card.service_tables import Dispute
from backends.card.tables import Transaction
from backends.result import Result
from backends.tables import QuoteRow
from tests.bank import ME, Bank, caller, commit_of, open_bank, said


@pytest.fixture
async def bank(tmp_path: Path) -> AsyncIterator[Bank]:
    async with open_bank(tmp_path) as bank:
        yield bank


async def dispute(bank: Bank, customer: str = ME, **given: Any) -> Result:
    return await bank.ask("card_dispute", customer, "prepare", **given)


async def count(bank: Bank, customer: str = ME) -> int:
    async with AsyncSession(bank.engine) as db:
        return (await db.scalar(select(func.count()).select_from(Dispute).where(Dispute.customer_id == customer))) or 0


# -- which transaction ------------------------------------------------------------------------


async def test_what_is_disputed_is_read_back_with_the_reason_and_the_day_of_the_answer(bank: Bank) -> None:
    ready = await dispute(bank, amount="388", reason="unauthorised")
    assert (ready.outcome, said(ready)) == (
        "ready",
        {
            "merchant": "淘宝",
            "amount": "388.00",
            "spent_at": "2026-11-18T13:06:00Z",
            "card_name": "云杉白金信用卡",
            "card_tail": "8888",
            "dispute_reason": "dispute_unauthorised",
            "answer_by": "2026-12-21",
            "expires_at": "2026-11-21T02:45:12Z",
        },
    )
    assert await count(bank) == 0


async def test_without_a_description_the_newest_five_are_offered(bank: Bank) -> None:
    choose = await dispute(bank)
    assert [choice.value for choice in choose.choices] == [f"C1001-1-{number}" for number in (2, 1, 3, 4, 5)]


async def test_a_merchant_an_amount_and_a_day_narrow_the_choice(bank: Bank) -> None:
    several = await dispute(bank, merchant="星巴克", reason="duplicate")
    assert (several.outcome, len(several.choices)) == ("choose", 2)
    assert said(await dispute(bank, merchant="星巴克", amount="35", reason="duplicate"))["amount"] == "35.00"
    assert said(await dispute(bank, date="2026-11-18", reason="unauthorised"))["merchant"] == "淘宝"


async def test_a_refund_is_nothing_to_dispute(bank: Bank) -> None:
    assert said(await dispute(bank, merchant="淘宝", reason="refund_missing"))["amount"] == "388.00"
    assert (await dispute(bank, amount="129")).outcome == "no_match"


async def test_of_two_charges_that_are_alike_the_later_one_is_the_double(bank: Bank) -> None:
    async with AsyncSession(bank.engine) as db, db.begin():
        first = await db.get_one(Transaction, "C1001-1-4")
        db.add(
            Transaction(
                transaction_id="C1001-1-double", card_id=first.card_id, posted_on=first.posted_on, amount=first.amount,
                spent_at=first.spent_at + dt.timedelta(minutes=1), merchant=first.merchant,
                merchant_en=first.merchant_en,
            )
        )  # fmt: skip
    double = await dispute(bank, amount="388", reason="duplicate")
    assert said(double)["spent_at"] == "2026-11-18T13:07:00Z"
    assert (await dispute(bank, amount="388", reason="unauthorised")).outcome == "choose"


async def test_the_one_that_was_chosen_counts_until_something_else_is_described(bank: Bank) -> None:
    chosen = await dispute(bank, transaction="C1001-1-3", reason="wrong_amount")
    assert said(chosen)["merchant"] == "美团外卖"
    corrected = await dispute(bank, transaction="C1001-1-3", amount="388", reason="wrong_amount")
    assert said(corrected)["merchant"] == "淘宝"


async def test_without_a_reason_it_is_asked(bank: Bank) -> None:
    for reason in (None, "grudge"):
        asked = await dispute(bank, amount="388", reason=reason)
        assert (asked.outcome, asked.choices[0].slot) == ("choose_reason", "reason")
        assert said(asked)["merchant"] == "淘宝"


async def test_a_transaction_that_is_not_there_is_not_made_up(bank: Bank) -> None:
    result = await dispute(bank, merchant="沃尔玛", amount="300", date="2026-11-18")
    assert (result.outcome, said(result)) == (
        "no_match",
        {"merchant_asked": "沃尔玛", "amount": "300.00", "day": "2026-11-18"},
    )
    assert {fact.source for fact in result.facts} == {"customer"}


async def test_debit_cards_are_for_staff_and_no_card_is_no_card(bank: Bank) -> None:
    assert (await dispute(bank, "C1002")).outcome == "debit_card"
    assert (await dispute(bank, card_tail="6217")).outcome == "debit_card"
    assert (await dispute(bank, "C1008", card_kind="debit")).outcome == "no_card"


# -- how old ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("days", "outcome"), [(117, "ready"), (118, "too_old")])
async def test_a_transaction_can_be_disputed_for_a_hundred_and_twenty_days(bank: Bank, days: int, outcome: str) -> None:
    bank.now += dt.timedelta(days=days)  # the purchase was three days before
    result = await dispute(bank, amount="388", reason="unauthorised")
    assert result.outcome == outcome
    if outcome == "too_old":
        assert said(result)["dispute_days"] == "120"


# -- once ---------------------------------------------------------------------------------------


async def test_a_dispute_is_registered_once_and_found_again(bank: Bank) -> None:
    ready = await dispute(bank, amount="388", reason="unauthorised")
    done = await bank.commit(ready)
    assert (done.outcome, done.completed, await bank.commit(ready)) == ("done", True, done)
    status = said(await bank.ask("card_dispute", ME, "status"))
    assert (status["reference"], status["dispute_state"], status["merchant"]) == (
        done.reference,
        "investigating",
        "淘宝",
    )
    assert await count(bank) == 1


async def test_what_is_in_dispute_is_not_disputed_again(bank: Bank) -> None:
    first = await dispute(bank, amount="388", reason="unauthorised")
    second = await dispute(bank, amount="388", reason="wrong_amount")
    done = await bank.commit(first, key="a")
    late = await bank.commit(second, key="b")
    assert (late.outcome, said(late)["reference"]) == ("already", done.reference)
    assert (await dispute(bank, amount="388", reason="duplicate")).outcome == "already"
    assert await count(bank) == 1
    assert "C1001-1-4" not in [choice.value for choice in (await dispute(bank)).choices]


async def test_two_confirmations_that_race_register_one_dispute(bank: Bank) -> None:
    quotes = [await dispute(bank, amount="388", reason="unauthorised") for _ in range(3)]
    results = await asyncio.gather(
        *(bank.actions.run(commit_of(quote, f"k{number}"), caller(ME)) for number, quote in enumerate(quotes))
    )
    assert sorted(result.outcome for result in results) == ["already", "already", "done"]
    assert await count(bank) == 1


async def test_a_dispute_moves_no_money(bank: Bank) -> None:
    before = said(await bank.ask("card_limit"))
    await bank.commit(await dispute(bank, amount="388", reason="unauthorised"))
    assert said(await bank.ask("card_limit")) == before


# -- whose ----------------------------------------------------------------------------------------


async def test_another_customers_transaction_reads_like_none_at_all(bank: Bank) -> None:
    theirs = await dispute(bank, transaction="C1004-2-5", reason="unauthorised")
    assert theirs == await dispute(bank, transaction="C1004-2-999", reason="unauthorised")
    assert [choice.value[:5] for choice in theirs.choices] == ["C1001"] * 5
    assert (await bank.ask("card_dispute", ME, "status")).outcome == "no_record"
    assert said(await bank.ask("card_dispute", "C1004", "status"))["merchant"] == "知行教育"


async def test_a_quote_that_names_anothers_transaction_is_not_carried_out(bank: Bank) -> None:
    ready = await dispute(bank, amount="388", reason="unauthorised")
    async with AsyncSession(bank.engine) as db, db.begin():
        quote = (await db.scalars(select(QuoteRow))).one()
        quote.terms = {**quote.terms, "transaction_id": "C1004-2-1"}
    assert (await bank.commit(ready)).outcome == "not_found"
    assert await count(bank) == 0
