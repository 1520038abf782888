"""Account history and transfers: which movements are meant, what they come to, and how far a transfer is."""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from backends.account.tables import Account, Entry, Transfer
from backends.account.transfers import masked
from backends.demo import seed
from backends.result import Result
from backends.search import Search, amount_bounds
from backends.values import Money
from bot.store import open_database
from tests.bank import BANK_NOW, Bank, open_bank, said


@pytest.fixture
async def bank(tmp_path: Path) -> AsyncIterator[Bank]:
    async with open_bank(tmp_path) as bank:
        yield bank


def column(result: Result, name: str) -> list[str]:
    return [next(fact.value for fact in row if fact.name == name) for row in result.rows]


# -- history ------------------------------------------------------------------------------


async def test_without_a_time_the_last_thirty_days_are_told_newest_first_ten_at_most(bank: Bank) -> None:
    result = await bank.ask("account_transactions")
    assert (result.outcome, said(result)) == (
        "found",
        {
            "period": "2026-10-22/2026-11-21",
            "transaction_count": "24",
            "total_in": "26985.28",
            "total_out": "21981.40",
            "listed_count": "10",
        },
    )
    booked = column(result, "booked_at")
    assert len(booked) == 10
    assert booked == sorted(booked, reverse=True)


async def test_the_totals_are_of_everything_that_was_found(bank: Bank) -> None:
    async with AsyncSession(bank.engine) as db:
        rows = (await db.scalars(select(Entry).where(Entry.account_id == "C1001-6217"))).all()
    since = dt.datetime(2026, 10, 21, 16, tzinfo=dt.UTC)
    amounts = [row.amount for row in rows if since <= row.booked_at <= bank.now]
    facts = said(await bank.ask("account_transactions"))
    assert facts["total_in"] == str(Money(sum(amount for amount in amounts if amount > 0)).number)
    assert facts["total_out"] == str(Money(-sum(amount for amount in amounts if amount < 0)).number)


@pytest.mark.parametrize(
    ("given", "amounts"),
    [
        ({"merchant": "财付通"}, ["133.00", "500.00", "15.00"]),
        ({"merchant": "财付通", "flow": "out"}, ["133.00", "15.00"]),
        ({"merchant": "支付宝", "period": "2026-11-18/2026-11-21"}, ["36.50"]),
        ({"amount": "499"}, ["499.90"]),
        ({"amount": "66"}, []),
        ({"date": "2026-11-15"}, ["499.90"]),
        ({"channel": "atm"}, ["2000.00", "1000.00"]),
        ({"channel": "atm", "period": "2026-11-01/2026-11-21"}, ["2000.00"]),
        ({"channel": "app", "date": "2026-11-15"}, ["499.90"]),
        ({"flow": "in", "period": "2026-11-16/2026-11-17"}, ["800.00"]),
    ],
)
async def test_a_name_an_amount_a_day_a_channel_or_a_way_finds_what_is_meant(
    bank: Bank, given: dict[str, str], amounts: list[str]
) -> None:
    result = await bank.ask("account_transactions", **given)
    assert column(result, "amount") == amounts
    assert result.outcome == ("found" if amounts else "no_match")


async def test_nothing_is_told_before_it_happened(bank: Bank) -> None:
    bank.now = BANK_NOW - dt.timedelta(days=8)
    assert max(column(await bank.ask("account_transactions"), "booked_at")) < "2026-11-13T02:30:12Z"


async def test_the_last_salary_is_told_with_who_paid_it(bank: Bank) -> None:
    result = await bank.ask("account_transactions", income="salary")
    assert (result.outcome, said(result)) == (
        "income",
        {
            "income_kind": "salary",
            "amount": "18650.00",
            "counterparty": "云帆软件有限公司",
            "booked_at": "2026-11-10T01:30:00Z",
            "account_tail": "6217",
        },
    )


async def test_several_salaries_of_a_period_are_counted_and_added(bank: Bank) -> None:
    facts = said(await bank.ask("account_transactions", income="salary", period="2026-09-01/2026-11-30"))
    assert (facts["transaction_count"], facts["total_in"]) == ("3", "55950.00")


async def test_where_a_salary_is_not_there_yet_the_last_before_is_told(bank: Bank) -> None:
    result = await bank.ask("account_transactions", income="salary", date="2026-11-09")
    assert (result.outcome, said(result)) == (
        "no_income",
        {
            "day": "2026-11-09",
            "income_kind": "salary",
            "last_amount": "18650.00",
            "last_at": "2026-10-10T01:30:00Z",
        },
    )


async def test_a_customer_who_never_had_one_is_told_so(bank: Bank) -> None:
    result = await bank.ask("account_transactions", "C1003", income="salary")
    assert (result.outcome, said(result)) == ("no_income", {"income_kind": "salary"})


@pytest.mark.parametrize(
    ("customer", "given", "outcome"),
    [
        ("C1008", {}, "no_account"),
        ("C1001", {"card_tail": "7701"}, "not_found"),
        ("C1001", {"period": "2019-01-01/2019-12-31"}, "none_in_period"),
        ("C1001", {"merchant": "沃尔玛"}, "no_match"),
        ("C1001", {"amount": "20 USD"}, "invalid_amount"),
        ("C1001", {"amount": "很多"}, "invalid_amount"),
    ],
)
async def test_what_cannot_be_told_is_refused(bank: Bank, customer: str, given: dict[str, str], outcome: str) -> None:
    result = await bank.ask("account_transactions", customer, **given)
    assert (result.outcome, result.rows) == (outcome, ())


@given(st.integers(1, 10**9), st.sampled_from(["CNY", "JPY", "USD"]))
def test_the_exact_amount_always_lies_within_what_was_asked(minor: int, currency: str) -> None:
    amount = Money(minor, currency)
    least, most = amount_bounds(str(amount.number), currency)
    assert least <= amount <= most
    search = Search(least=least, most=most)
    assert search.fits(minor)
    assert search.fits(-minor)
    assert not search.fits(minor - 1)


# -- transfers ----------------------------------------------------------------------------


async def test_without_a_description_the_last_transfers_are_listed_with_their_stages(bank: Bank) -> None:
    result = await bank.ask("transfer_status")
    assert (result.outcome, said(result)) == ("found_many", {"transfer_count": "6", "listed_count": "5"})
    assert column(result, "transfer_stage") == ["processing", "arrived", "returned", "arrived", "arrived"]
    assert column(result, "direction") == ["outgoing", "outgoing", "outgoing", "incoming", "incoming"]


@pytest.mark.parametrize(
    ("given", "outcome", "amount"),
    [
        ({"amount": "5000"}, "arrived", "5000.00"),
        ({"amount": "5000 CNY"}, "arrived", "5000.00"),
        ({"bank": "农行"}, "processing", "4000.00"),
        ({"bank": "建设银行"}, "arrived", "5000.00"),
        ({"bank": "ICBC"}, "received", "800.00"),
        ({"card_tail": "7745"}, "returned", "3600.00"),
        ({"channel": "website"}, "returned", "3600.00"),
        ({"channel": "wechat"}, "received", "500.00"),
        ({"date": "2026-11-20"}, "arrived", "5000.00"),
        ({"date": "2026-11-20", "amount": "4000"}, "no_match", None),
        ({"amount": "5001"}, "no_match", None),
        ({"card_tail": "0000"}, "no_match", None),
        ({"amount": "5000 USD"}, "invalid_amount", None),
    ],
)
async def test_one_that_is_described_is_told_with_its_stage(
    bank: Bank, given: dict[str, str], outcome: str, amount: str | None
) -> None:
    result = await bank.ask("transfer_status", **given)
    assert result.outcome == outcome
    if amount is not None:
        assert said(result)["amount"] == amount


async def test_a_transfer_is_processing_until_it_ends_and_names_a_time_until_then(bank: Bank) -> None:
    before = said(await bank.ask("transfer_status", amount="4000"))
    assert before["expected_at"] == "2026-11-22T02:05:12Z"
    assert "ended_at" not in before
    bank.now += dt.timedelta(hours=23, minutes=35)
    after = await bank.ask("transfer_status", amount="4000")
    assert (after.outcome, said(after)["ended_at"]) == ("arrived", "2026-11-22T02:05:12Z")
    assert "expected_at" not in said(after)


async def test_a_returned_transfer_says_why_and_when_the_money_was_back(bank: Bank) -> None:
    facts = said(await bank.ask("transfer_status", amount="3600"))
    assert (facts["return_reason"], facts["ended_at"]) == ("name_mismatch", "2026-11-18T23:05:00Z")
    history = await bank.ask("account_transactions", amount="3600")
    assert column(history, "flow") == ["money_in", "money_out"]


async def test_money_on_its_way_to_the_customer_is_not_seen_before_it_is_here(bank: Bank) -> None:
    bank.now = dt.datetime(2026, 11, 16, 12, 32, tzinfo=dt.UTC)  # sent at 12:30, here at 12:36
    assert (await bank.ask("transfer_status", amount="800")).outcome == "no_match"
    bank.now += dt.timedelta(minutes=4)
    assert (await bank.ask("transfer_status", amount="800")).outcome == "received"


@pytest.mark.parametrize("customer", ["C1003", "C1008"])
async def test_who_has_no_transfers_is_told_so(bank: Bank, customer: str) -> None:
    assert (await bank.ask("transfer_status", customer)).outcome == "none"


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("张伟", "*伟"),
        ("林晓燕", "*晓燕"),
        ("Zhang Wei", "Z*** Wei"),
        ("张", "*"),
        ("Sofia Anna Rossi", "S*** Anna Rossi"),
    ],
)
def test_a_family_name_is_hidden(name: str, shown: str) -> None:
    assert masked(name) == shown


async def test_no_answer_holds_the_full_name_of_a_person(bank: Bank) -> None:
    async with AsyncSession(bank.engine) as db:
        people = (await db.scalars(select(Transfer).where(Transfer.is_person))).all()
        owners = {row.account_id: row.customer_id for row in await db.scalars(select(Account))}
    assert people
    for each in people:
        customer = owners[each.account_id]
        amount = str(Money(each.amount).number)
        answers = [
            await bank.ask("transfer_status", customer),
            await bank.ask("transfer_status", customer, amount=amount),
            await bank.ask("account_transactions", customer, amount=amount),
        ]
        text = "".join(answer.model_dump_json() for answer in answers)
        assert each.counterparty not in text
        assert each.counterparty_en not in text


@pytest.mark.parametrize("day", ["2026-11-21", "2027-01-01", "2028-02-29", "2027-03-31"])
async def test_whatever_the_day_the_history_ends_before_now_and_reaches_back_months(tmp_path: Path, day: str) -> None:
    engine = open_database(None, tmp_path, "bank")
    now = dt.datetime.fromisoformat(f"{day}T04:00:00+00:00")
    await seed(engine, now)
    async with AsyncSession(engine) as db:
        entries = (await db.scalars(select(Entry).where(Entry.kind == "salary"))).all()
        transfers = (await db.scalars(select(Transfer))).all()
    await engine.dispose()
    assert max(each.booked_at for each in entries) <= now
    assert min(each.booked_at for each in entries) < now - dt.timedelta(days=300)
    assert all(each.sent_at <= now and each.sent_at < each.ended_at for each in transfers)
    assert {each.return_reason is None for each in transfers} == {True, False}
