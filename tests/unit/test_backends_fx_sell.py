"""Selling foreign currency: which and how much, at which price, against balance and quota."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from backends.account.tables import Balance, Entry
from backends.action import BackendError
from backends.fx.rates import CURRENCIES, prices_at, proceeds_of, sold_for
from backends.fx.tables import CurrencySale, QuotaUse
from backends.result import Result
from backends.values import Money
from tests.bank import BANK_NOW, Bank, caller, commit_of, open_bank, said

SELLER = "C1004"
ACCOUNT = "C1004-7701"


@pytest.fixture
async def bank(tmp_path: Path) -> AsyncIterator[Bank]:
    async with open_bank(tmp_path) as bank:
        yield bank


async def sell(bank: Bank, customer_id: str = SELLER, **given: str) -> Result:
    return await bank.ask("fx_sell", customer_id, "prepare", **given)


async def balances(bank: Bank, account_id: str = ACCOUNT) -> dict[str, int]:
    async with AsyncSession(bank.engine) as db:
        rows = await db.scalars(select(Balance).where(Balance.account_id == account_id))
        return {row.currency: row.minor for row in rows}


async def settled(bank: Bank, customer_id: str = SELLER) -> int:
    async with AsyncSession(bank.engine) as db:
        return (await db.get_one(QuotaUse, (customer_id, 2026))).settled


async def test_the_quote_is_at_the_price_at_which_the_bank_buys(bank: Bank) -> None:
    listed = said(await bank.ask("fx_rate", None, currency=["USD"]))
    facts = said(await sell(bank, amount="800", currency="USD"))
    assert (facts["amount"], facts["rate"], facts["unit_amount"]) == ("800.00", listed["spot_buy"], "100")
    assert Decimal(facts["proceeds"]) == 8 * Decimal(listed["spot_buy"])
    assert (facts["quota_left_after"], facts["account_tail"], facts["purpose"]) == ("37200.00", "7701", "other")


@pytest.mark.parametrize(
    ("given", "amount"),
    [
        ({"amount": "800 USD"}, "800.00 USD"),
        ({"amount": "800", "currency_from": "USD", "currency": "CNY"}, "800.00 USD"),
        ({"amount": "800", "currency": "HKD"}, "800.00 HKD"),
        ({"part": "full", "currency": "EUR"}, "6400.00 EUR"),
        ({"part": "half", "currency_from": "EUR"}, "3200.00 EUR"),
    ],
)
async def test_however_the_currency_is_named_it_is_the_one_that_is_sold(
    bank: Bank, given: dict[str, str], amount: str
) -> None:
    sold = (await sell(bank, **given)).fact("amount")
    assert f"{sold.value} {sold.unit}" == amount


async def test_a_sum_in_yuan_is_what_is_to_come_out_of_it(bank: Bank) -> None:
    facts = said(await sell(bank, amount="5000 CNY", currency="USD"))
    assert 0 <= Decimal(facts["proceeds"]) - 5000 < Decimal("0.08")


async def test_who_holds_one_currency_need_not_name_it(bank: Bank) -> None:
    sold = (await sell(bank, "C1006", amount="100")).fact("amount")
    assert (sold.value, sold.unit) == ("100.00", "EUR")


async def test_who_holds_several_chooses_among_their_own(bank: Bank) -> None:
    result = await sell(bank, amount="100")
    assert result.outcome == "choose"
    assert [(choice.slot, choice.value) for choice in result.choices] == [
        ("currency", "EUR"),
        ("currency", "HKD"),
        ("currency", "USD"),
    ]


async def test_without_an_amount_all_of_the_balance_is_offered(bank: Bank) -> None:
    result = await sell(bank, currency="EUR")
    assert result.outcome == "choose_amount"
    assert [(choice.slot, choice.value) for choice in result.choices] == [("amount", "6400.00 EUR")]
    assert said(await sell(bank, currency="EUR", amount=result.choices[0].value))["amount"] == "6400.00"


async def test_the_account_that_holds_the_currency_pays(bank: Bank) -> None:
    assert said(await sell(bank, "C1009", amount="100", currency="USD"))["account_tail"] == "1357"
    empty = await sell(bank, "C1009", amount="100", currency="USD", card_tail="2468")
    assert (empty.outcome, said(empty)["fx_balance"]) == ("insufficient_funds", "0.00")


@pytest.mark.parametrize(
    ("customer", "given", "outcome"),
    [
        ("C1002", {"amount": "1"}, "no_balance"),
        ("C1002", {"currency": "USD"}, "no_balance"),
        ("C1002", {"currency": "USD", "part": "full"}, "no_balance"),
        ("C1008", {"amount": "1", "currency": "USD"}, "no_account"),
        ("C1001", {"amount": "1200.01", "currency": "USD"}, "insufficient_funds"),
        ("C1001", {"amount": "1", "currency": "VND"}, "unsupported"),
        ("C1001", {"amount": "1", "currency_from": "USD", "currency": "EUR"}, "unsupported"),
        ("C1001", {"amount": "0", "currency": "USD"}, "invalid_amount"),
        ("C1001", {"amount": "0.001", "currency": "USD"}, "invalid_amount"),
        ("C1007", {"amount": "0.5", "currency": "JPY"}, "invalid_amount"),
        ("C1001", {"amount": "0.01", "currency": "THB"}, "invalid_amount"),
        ("C1001", {"amount": "1", "currency": "USD", "card_tail": "7701"}, "not_found"),
        ("C1004", {"amount": "38000.01", "currency": "USD"}, "over_quota"),
        ("C1004", {"amount": "38000", "currency": "USD"}, "ready"),
        ("C1001", {"amount": "1200", "currency": "USD"}, "ready"),
    ],
)
async def test_what_cannot_be_sold_is_refused(bank: Bank, customer: str, given: dict[str, str], outcome: str) -> None:
    assert (await sell(bank, customer, **given)).outcome == outcome


async def test_other_currencies_count_in_dollars_at_the_middle_price(bank: Bank) -> None:
    left = said(await sell(bank, amount="6400", currency="EUR"))["quota_left_after"]
    quotes = {
        code: prices_at(code, mid, BANK_NOW) for code, mid in (("EUR", Decimal("812.40")), ("USD", Decimal("705.20")))
    }
    counted = Money.of(6400 * quotes["EUR"].mid / quotes["USD"].mid, "USD")
    assert Money.of(left, "USD") == Money.of("38000", "USD") - counted


async def test_a_quote_changes_nothing_and_a_commit_moves_exactly_what_was_read_back(bank: Bank) -> None:
    before = await balances(bank)
    ready = await sell(bank, amount="800", currency="USD")
    assert (await balances(bank), await settled(bank)) == (before, 1_200_000)
    done = await bank.commit(ready, SELLER)
    proceeds = Money.of(said(ready)["proceeds"]).minor
    assert (done.outcome, done.completed) == ("done", True)
    assert await balances(bank) == {**before, "USD": before["USD"] - 80_000, "CNY": before["CNY"] + proceeds}
    assert await settled(bank) == 1_280_000
    facts = said(done)
    assert (facts["fx_balance"], facts["settle_left"]) == ("37450.00", "37200.00")
    assert facts["balance"] == str(Money(before["CNY"] + proceeds).number)


async def test_a_purchase_does_not_use_the_settlement_quota_nor_a_sale_that_of_purchases(bank: Bank) -> None:
    before = said(await bank.ask("fx_quota", SELLER))
    await bank.commit(await sell(bank, amount="800", currency="USD"), SELLER)
    after = said(await bank.ask("fx_quota", SELLER))
    assert (before["purchase_left"], after["purchase_left"]) == ("3500.00", "3500.00")
    assert (before["settle_left"], after["settle_left"]) == ("38000.00", "37200.00")


async def test_a_sale_is_done_once_and_stands_in_the_books_and_in_the_history(bank: Bank) -> None:
    ready = await sell(bank, amount="800", currency="USD")
    first, again = await bank.commit(ready, SELLER), await bank.commit(ready, SELLER, key="another")
    assert again == first
    async with AsyncSession(bank.engine) as db:
        rows = (await db.scalars(select(CurrencySale))).all()
        booked = (await db.scalars(select(Entry).where(Entry.kind == "exchange"))).all()
    assert [(row.amount, row.currency, row.reference) for row in rows] == [(80_000, "USD", first.reference)]
    assert [(row.amount, row.entry_id) for row in booked] == [(rows[0].proceeds, first.reference)]
    status = await bank.ask("fx_sell", SELLER, "status")
    assert (status.outcome, said(status)["proceeds"]) == ("status", said(ready)["proceeds"])


async def test_a_purchase_stands_in_the_history_too(bank: Bank) -> None:
    ready = await bank.ask("fx_buy", SELLER, "prepare", amount="100", currency="USD")
    await bank.commit(ready, SELLER)
    found = await bank.ask("account_transactions", SELLER, amount=said(ready)["cost"])
    assert [fact.value for fact in found.rows[0] if fact.name in ("flow", "entry_kind")] == ["money_out", "exchange"]


async def test_who_never_sold_has_no_record(bank: Bank) -> None:
    assert (await bank.ask("fx_sell", SELLER, "status")).outcome == "no_record"


async def test_what_was_taken_meanwhile_is_not_sold_twice(bank: Bank) -> None:
    first = await sell(bank, "C1001", amount="1000", currency="USD")
    second = await sell(bank, "C1001", amount="1000", currency="USD")
    assert (await bank.commit(first, "C1001", key="1")).outcome == "done"
    refused = await bank.commit(second, "C1001", key="2")
    assert (refused.outcome, said(refused)["fx_balance"]) == ("insufficient_funds", "200.00")
    assert await settled(bank, "C1001") == 100_000, "the quota of a refused sale is given back"


async def test_many_at_once_never_exceed_the_years_quota(bank: Bank) -> None:
    async with AsyncSession(bank.engine) as db:
        await db.execute(update(QuotaUse).where(QuotaUse.customer_id == SELLER).values(settled=4_900_000))
        await db.commit()
    quotes = [await sell(bank, amount="400", currency="USD") for _ in range(4)]
    answers = await asyncio.gather(
        *(bank.commit(ready, SELLER, key=f"key {number}") for number, ready in enumerate(quotes))
    )
    assert sorted(answer.outcome for answer in answers) == ["done", "done", "over_quota", "over_quota"]
    assert await settled(bank) == 4_980_000


async def test_a_quote_runs_out_after_three_minutes(bank: Bank) -> None:
    ready = await sell(bank, amount="800", currency="USD")
    bank.now += dt.timedelta(minutes=3)
    assert (await bank.commit(ready, SELLER)).outcome == "expired"


async def test_without_a_code_nothing_is_sold(bank: Bank) -> None:
    ready = await sell(bank, amount="800", currency="USD")
    with pytest.raises(BackendError, match="one-time code"):
        await bank.actions.run(commit_of(ready), caller(SELLER).model_copy(update={"assurance": "signed_in"}))


@given(st.sampled_from(CURRENCIES), st.decimals("0.4", "2000", places=2), st.integers(1, 10**10))
def test_what_is_sold_for_a_sum_brings_it_and_one_unit_less_would_not_bring_more(
    currency: str, mid: Decimal, wanted: int
) -> None:
    quoted = prices_at(currency, mid, BANK_NOW)
    sold = sold_for(Money(wanted), quoted)
    assert Money(wanted) <= proceeds_of(sold, quoted)
    assert proceeds_of(Money(sold.minor - 1, currency), quoted) <= Money(wanted)
