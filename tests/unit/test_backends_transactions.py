"""Card transactions: which are meant, what they come to, and which are not posted or billed yet."""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from backends.card.tables import Card, Statement, Transaction
from backends.demo import seed
from backends.result import Result
from bot.store import open_database
from tests.bank import BANK_NOW, Bank, open_bank, said


@pytest.fixture
async def bank(tmp_path: Path) -> AsyncIterator[Bank]:
    async with open_bank(tmp_path) as bank:
        yield bank


def column(result: Result, name: str) -> list[str]:
    return [next(fact.value for fact in row if fact.name == name) for row in result.rows]


async def test_without_a_time_the_last_thirty_days_are_told_newest_first_ten_at_most(bank: Bank) -> None:
    result = await bank.ask("card_transactions")
    assert (result.outcome, said(result)) == (
        "found",
        {
            "period": "2026-10-22/2026-11-21",
            "transaction_count": "16",
            "transaction_total": "7911.63",
            "unbilled_total": "2373.23",
            "unposted_count": "2",
            "listed_count": "10",
        },
    )
    spent = column(result, "spent_at")
    assert len(spent) == 10
    assert spent == sorted(spent, reverse=True)


async def test_what_is_not_posted_yet_is_told_apart_and_is_posted_two_days_later(bank: Bank) -> None:
    assert column(await bank.ask("card_transactions"), "posting")[:3] == ["unposted", "unposted", "posted"]
    bank.now += dt.timedelta(days=1)
    result = await bank.ask("card_transactions")
    assert set(column(result, "posting")) == {"posted"}
    assert "unposted_count" not in said(result)


async def test_several_cards_are_told_together_and_each_row_names_its_card(bank: Bank) -> None:
    together = await bank.ask("card_transactions", "C1004")
    assert set(column(together, "card_tail")) == {"9016", "2375"}
    one = await bank.ask("card_transactions", "C1004", card_tail="2375")
    assert set(column(one, "card_tail")) == {"2375"}
    assert said(one)["unbilled_total"] == "1314.40"


@pytest.mark.parametrize(
    ("given", "merchants"),
    [
        ({"merchant": "淘宝"}, ["淘宝", "淘宝"]),
        ({"merchant": "starbucks"}, ["星巴克", "星巴克"]),
        ({"merchant": "盒马"}, ["盒马鲜生", "盒马鲜生"]),
        ({"merchant": "盒马鲜生的那笔"}, ["盒马鲜生", "盒马鲜生"]),
        ({"amount": "388"}, ["淘宝"]),
        ({"amount": "784"}, ["京东商城"]),
        ({"amount": "784.53 CNY"}, ["京东商城"]),
        ({"amount": "129"}, ["淘宝"]),
        ({"amount": "129", "merchant": "淘宝"}, ["淘宝"]),
        ({"date": "2026-11-20"}, ["盒马鲜生", "星巴克"]),
        ({"period": "2026-11-18/2026-11-19"}, ["美团外卖", "淘宝"]),
    ],
)
async def test_a_merchant_an_amount_or_a_day_finds_what_is_meant(
    bank: Bank, given: dict[str, str], merchants: list[str]
) -> None:
    assert column(await bank.ask("card_transactions", **given), "merchant") == merchants


async def test_one_purchase_is_looked_for_in_all_that_is_kept(bank: Bank) -> None:
    facts = said(await bank.ask("card_transactions", merchant="盒马", amount="318.27"))
    assert facts == {"transaction_count": "1", "transaction_total": "318.27"}


async def test_a_refund_is_taken_off_the_total(bank: Bank) -> None:
    result = await bank.ask("card_transactions", merchant="淘宝")
    assert column(result, "amount") == ["388.00", "-129.00"]
    assert said(result)["transaction_total"] == "259.00"


async def test_a_day_ends_at_midnight_in_beijing(bank: Bank) -> None:
    # 07:58 on the 17th in Beijing is still the 16th in UTC.
    assert column(await bank.ask("card_transactions", date="2026-11-17"), "merchant") == ["滴滴出行"]
    assert (await bank.ask("card_transactions", "C1001", date="2026-11-21")).outcome == "none_in_period"


@pytest.mark.parametrize(
    ("given", "outcome", "facts"),
    [
        ({"period": "2025-01-01/2025-01-31"}, "none_in_period", {"period": "2025-01-01/2025-01-31"}),
        ({"date": "2025-01-01"}, "none_in_period", {"day": "2025-01-01"}),
        ({"merchant": "沃尔玛"}, "no_match", {"merchant_asked": "沃尔玛"}),
        ({"amount": "1"}, "no_match", {"amount": "1.00"}),
        ({"amount": "387.99"}, "no_match", {"amount": "387.99"}),
        ({"merchant": "%"}, "no_match", {"merchant_asked": "%"}),
        ({"amount": "很多"}, "invalid_amount", {"amount_asked": "很多"}),
        ({"amount": "20 USD"}, "invalid_amount", {"amount_asked": "20 USD"}),
    ],
)
async def test_what_is_not_there_is_said_with_what_was_looked_for(
    bank: Bank, given: dict[str, str], outcome: str, facts: dict[str, str]
) -> None:
    result = await bank.ask("card_transactions", **given)
    assert (result.outcome, said(result), result.rows) == (outcome, facts, ())


async def test_a_customer_without_a_credit_card_is_told_so(bank: Bank) -> None:
    assert (await bank.ask("card_transactions", "C1002")).outcome == "no_card"


@pytest.mark.parametrize("tail", ["9016", "0000", "6217"])
async def test_another_customers_card_is_not_found(bank: Bank, tail: str) -> None:
    assert (await bank.ask("card_transactions", card_tail=tail)).outcome == "not_found"


async def test_nothing_is_told_before_it_happened(bank: Bank) -> None:
    bank.now = BANK_NOW - dt.timedelta(days=5)
    assert column(await bank.ask("card_transactions"), "merchant")[0] == "淘宝"


@pytest.mark.parametrize("day", ["2026-11-21", "2027-03-14", "2028-02-29"])
async def test_the_demo_banks_books_agree_statement_by_statement(tmp_path: Path, day: str) -> None:
    engine = open_database(None, tmp_path, "bank")
    await seed(engine, dt.datetime.fromisoformat(f"{day}T04:00:00+00:00"))
    async with AsyncSession(engine) as db:
        cards = (await db.scalars(select(Card).where(Card.kind == "credit"))).all()
        for card in cards:
            latest = (
                await db.scalars(
                    select(Statement).where(Statement.card_id == card.card_id).order_by(Statement.issued_on.desc())
                )
            ).first()
            assert latest is not None
            assert card.used is not None
            amount = select(func.coalesce(func.sum(Transaction.amount), 0)).where(Transaction.card_id == card.card_id)
            billed = await db.scalar(amount.where(Transaction.posted_on <= latest.issued_on))
            unbilled = await db.scalar(amount.where(Transaction.posted_on > latest.issued_on))
            assert billed == latest.balance, card.tail
            assert unbilled == card.used - (latest.balance - latest.paid), card.tail
    await engine.dispose()
