"""Replacing a card: why, for how much, one at a time, and the fee taken exactly once."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from backends.account.tables import Balance
from backends.action import BackendError
from backends.card.service_tables import MailingAddress, Plastic, Replacement
from backends.card.tables import Card, Transaction
from backends.result import Result
from backends.tables import QuoteRow
from tests.bank import ME, Bank, caller, commit_of, open_bank, said


@pytest.fixture
async def bank(tmp_path: Path) -> AsyncIterator[Bank]:
    async with open_bank(tmp_path) as bank:
        yield bank


async def replace(bank: Bank, tail: str, reason: str | None = None, customer: str = ME) -> Result:
    return await bank.ask("card_replace", customer, "prepare", card_tail=tail, reason=reason)


async def cny(bank: Bank, account_id: str) -> int:
    async with AsyncSession(bank.engine) as db:
        return (await db.get_one(Balance, (account_id, "CNY"))).minor


async def used(bank: Bank, card_id: str) -> int:
    async with AsyncSession(bank.engine) as db:
        return (await db.get_one(Card, card_id)).used or 0


async def orders(bank: Bank, card_id: str) -> list[Replacement]:
    async with AsyncSession(bank.engine) as db:
        return list(await db.scalars(select(Replacement).where(Replacement.card_id == card_id)))


async def change(bank: Bank, model: Any, where: Any, **values: Any) -> None:
    async with AsyncSession(bank.engine) as db, db.begin():
        await db.execute(update(model).where(where).values(**values))


# -- the quote ----------------------------------------------------------------------------------


async def test_everything_is_read_back_and_the_address_only_down_to_the_district(bank: Bank) -> None:
    ready = await replace(bank, "8888", "damaged")
    assert (ready.outcome, said(ready)) == (
        "ready",
        {
            "card_name": "云杉白金信用卡",
            "card_tail": "8888",
            "card_kind": "credit",
            "replace_reason": "replace_damaged",
            "number_change": "number_same",
            "fee": "15.00",
            "billed_tail": "8888",
            "mailing_address": "上海市浦东新区***",
            "expected_by": "2026-12-01",
            "expires_at": "2026-11-21T02:45:12Z",
        },
    )
    async with AsyncSession(bank.engine) as db:
        detail = (await db.get_one(MailingAddress, ME)).detail
    assert detail not in ready.model_dump_json()


async def test_a_quote_changes_nothing(bank: Bank) -> None:
    before = await used(bank, "C1001-1")
    await replace(bank, "8888", "damaged")
    assert (await orders(bank, "C1001-1"), await used(bank, "C1001-1")) == ([], before)


async def test_a_lost_card_that_still_works_is_reported_first(bank: Bank) -> None:
    result = await replace(bank, "8888", "lost")
    assert (result.outcome, result.quote) == ("report_first", None)


@pytest.mark.parametrize("reason", [None, "damaged", "expired", "lost"])
async def test_a_card_that_is_reported_lost_is_replaced_as_lost_whatever_is_said(
    bank: Bank, reason: str | None
) -> None:
    facts = said(await replace(bank, "4502", reason, "C1009"))
    assert (facts["replace_reason"], facts["number_change"], facts["fee"]) == ("replace_lost", "number_new", "15.00")


async def test_of_several_cards_the_one_that_is_reported_lost_is_meant_by_lost(bank: Bank) -> None:
    assert said(await bank.ask("card_replace", "C1009", "prepare", reason="lost"))["card_tail"] == "4502"
    choose = await bank.ask("card_replace", "C1009", "prepare", reason="damaged")
    assert (choose.outcome, [choice.value for choice in choose.choices]) == ("choose", ["4502", "2468", "1357"])


@pytest.mark.parametrize(("days", "outcome"), [(61, "not_due"), (60, "ready"), (0, "ready"), (-5, "ready")])
async def test_a_card_is_renewed_from_sixty_days_before_it_expires(bank: Bank, days: int, outcome: str) -> None:
    last = dt.date(2026, 11, 21) + dt.timedelta(days=days)
    await change(bank, Plastic, Plastic.card_id == "C1001-1", valid_until=last)
    result = await replace(bank, "8888", "expired")
    assert result.outcome == outcome
    if outcome == "ready":
        assert (said(result)["fee"], "billed_tail" in said(result)) == ("0.00", False)


async def test_without_a_reason_it_is_asked_unless_the_card_is_about_to_expire(bank: Bank) -> None:
    asked = await replace(bank, "8888")
    assert (asked.outcome, [choice.value for choice in asked.choices]) == (
        "choose_reason",
        ["damaged", "expired", "lost"],
    )
    assert said(await replace(bank, "1948", None, "C1002"))["replace_reason"] == "replace_expired"
    assert (await replace(bank, "8888", "bored")).outcome == "choose_reason"


async def test_without_an_address_nothing_can_be_sent(bank: Bank) -> None:
    assert (await replace(bank, "1407", "damaged", "C1006")).outcome == "no_address"


# -- doing it -----------------------------------------------------------------------------------


async def test_a_credit_card_has_the_fee_on_its_books_once(bank: Bank) -> None:
    before = await used(bank, "C1001-1")
    ready = await replace(bank, "8888", "damaged")
    done = await bank.commit(ready)
    assert (done.outcome, done.completed, await bank.commit(ready)) == ("done", True, done)
    assert await used(bank, "C1001-1") - before == 1500
    fees = await bank.ask("card_transactions", merchant="补换卡工本费")
    assert (said(fees)["transaction_count"], said(fees)["transaction_total"]) == ("1", "15.00")


async def test_a_debit_card_pays_out_of_its_own_account(bank: Bank) -> None:
    before = await cny(bank, "C1007-8125")
    done = await bank.commit(await replace(bank, "8125", "damaged", "C1007"), "C1007")
    assert (done.outcome, before - await cny(bank, "C1007-8125")) == ("done", 1500)


async def test_a_fee_the_account_cannot_pay_is_refused_before_and_after_the_quote(bank: Bank) -> None:
    ready = await replace(bank, "8125", "damaged", "C1007")
    await change(bank, Balance, Balance.account_id == "C1007-8125", minor=1499)
    late = await bank.commit(ready, "C1007")
    assert (late.outcome, said(late)["balance"]) == ("insufficient_funds", "14.99")
    assert (await orders(bank, "C1007-2"), await cny(bank, "C1007-8125")) == ([], 1499)
    assert (await replace(bank, "8125", "damaged", "C1007")).outcome == "insufficient_funds"
    await change(bank, Balance, Balance.account_id == "C1007-8125", minor=1500)
    assert (await replace(bank, "8125", "damaged", "C1007")).outcome == "ready"


async def test_a_free_renewal_moves_no_money(bank: Bank) -> None:
    before = await cny(bank, "C1002-1948")
    done = await bank.commit(await replace(bank, "1948", "expired", "C1002"), "C1002")
    assert (done.outcome, await cny(bank, "C1002-1948")) == ("done", before)


async def test_one_card_is_replaced_once_at_a_time(bank: Bank) -> None:
    first, second = await replace(bank, "8888", "damaged"), await replace(bank, "8888", "damaged")
    done = await bank.commit(first, key="a")
    late = await bank.commit(second, key="b")
    assert (done.outcome, late.outcome) == ("done", "already")
    assert said(late)["reference"] == done.reference
    assert (await replace(bank, "8888", "damaged")).outcome == "already"
    assert len(await orders(bank, "C1001-1")) == 1


async def test_two_confirmations_that_race_order_one_card_and_take_one_fee(bank: Bank) -> None:
    before = await used(bank, "C1001-1")
    quotes = [await replace(bank, "8888", "damaged") for _ in range(3)]
    results = await asyncio.gather(
        *(bank.actions.run(commit_of(quote, f"k{number}"), caller(ME)) for number, quote in enumerate(quotes))
    )
    assert sorted(result.outcome for result in results) == ["already", "already", "done"]
    assert (len(await orders(bank, "C1001-1")), await used(bank, "C1001-1") - before) == (1, 1500)


async def test_once_the_new_card_should_be_there_another_can_be_ordered(bank: Bank) -> None:
    await bank.commit(await replace(bank, "8888", "damaged"))
    bank.now += dt.timedelta(days=10)
    assert (await replace(bank, "8888", "damaged")).outcome == "already"
    bank.now += dt.timedelta(days=1)
    assert (await bank.commit(await replace(bank, "8888", "damaged"), key="next")).outcome == "done"


async def test_a_card_frozen_after_the_quote_is_not_replaced_as_damaged(bank: Bank) -> None:
    ready = await replace(bank, "8888", "damaged")
    await bank.commit(await bank.ask("card_report_lost", ME, "prepare", card_tail="8888"), key="lost")
    assert (await bank.commit(ready)).outcome == "changed"
    assert await orders(bank, "C1001-1") == []


async def test_nothing_is_ordered_without_a_one_time_code_or_under_anothers_quote(bank: Bank) -> None:
    ready = await replace(bank, "8888", "damaged")
    with pytest.raises(BackendError, match="one-time code"):
        await bank.actions.run(commit_of(ready), caller(ME).model_copy(update={"assurance": "signed_in"}))
    assert (await bank.commit(ready, "C1004")).outcome == "expired"
    assert await orders(bank, "C1001-1") == []


async def test_a_quote_that_names_anothers_card_is_not_carried_out(bank: Bank) -> None:
    ready = await replace(bank, "8888", "damaged")
    async with AsyncSession(bank.engine) as db, db.begin():
        quote = (await db.scalars(select(QuoteRow))).one()
        quote.terms = {**quote.terms, "card_id": "C1004-1"}
    assert (await bank.commit(ready)).outcome == "not_found"
    assert await orders(bank, "C1004-1") == []


# -- afterwards -----------------------------------------------------------------------------------


async def test_a_new_card_is_made_then_mailed_then_late(bank: Bank) -> None:
    await bank.commit(await replace(bank, "8888", "damaged"))
    seen = []
    for days in (0, 2, 1, 7, 1):
        bank.now += dt.timedelta(days=days)
        result = await bank.ask("card_replace", ME, "status")
        seen.append((result.outcome, said(result)["stage"]))
    assert seen == [
        ("status", "stage_making"),
        ("status", "stage_making"),
        ("status", "stage_mailed"),
        ("status", "stage_mailed"),
        ("late", "stage_mailed"),
    ]


async def test_the_status_tells_a_delivery_and_no_date_to_wait_for(bank: Bank) -> None:
    facts = said(await bank.ask("card_replace", "C1007", "status"))
    assert (facts["stage"], facts["delivered_on"], "expected_by" in facts) == ("stage_delivered", "2026-10-19", False)
    assert (await bank.ask("card_replace", "C1002", "status")).outcome == "no_record"
    assert (await bank.ask("card_replace", "C1008", "status")).outcome == "late"


async def test_the_fee_is_posted_on_the_banks_day(bank: Bank) -> None:
    bank.now = dt.datetime(2026, 11, 21, 20, 0, tzinfo=dt.UTC)  # the 22nd in Beijing
    await bank.commit(await replace(bank, "8888", "damaged"))
    async with AsyncSession(bank.engine) as db:
        fee = (await db.scalars(select(Transaction).where(Transaction.transaction_id.startswith("fee-")))).one()
    assert (fee.posted_on, fee.amount) == (dt.date(2026, 11, 22), 1500)
