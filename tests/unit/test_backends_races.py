"""Many callers at once, on SQLite and on PostgreSQL: one effect a key and a quote, and never more than there is."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Callable
from decimal import Decimal

import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from backends.account.tables import Balance
from backends.demo import seed
from backends.fx.tables import Order
from backends.result import Result
from backends.service.tables import ComplaintRecord
from backends.tables import Base, EffectRow
from backends.wealth.tables import Holding, Sale
from tests.bank import BANK_NOW, ME, Bank, said


@pytest.fixture
async def empty(database: AsyncEngine) -> AsyncEngine:
    """A database without the bank's tables; PostgreSQL's still has those of the test before."""
    async with database.begin() as connection:
        await connection.run_sync(Base.metadata.drop_all)
    return database


@pytest.fixture
async def bank(empty: AsyncEngine) -> Bank:
    await seed(empty, BANK_NOW)
    return Bank(empty)


async def buy(bank: Bank, amount: str = "800", customer_id: str = ME) -> Result:
    return await bank.ask("fx_buy", customer_id, "prepare", amount=amount, currency="USD")


async def count(bank: Bank, table: type[Order] | type[EffectRow] | type[ComplaintRecord]) -> int:
    async with AsyncSession(bank.engine) as db:
        return await db.scalar(select(func.count()).select_from(table)) or 0


async def held(bank: Bank, account_id: str, currency: str) -> int:
    query = select(Balance.minor).where(Balance.account_id == account_id, Balance.currency == currency)
    async with AsyncSession(bank.engine) as db:
        return (await db.scalars(query)).one()


async def test_a_crowd_with_one_key_gets_one_effect_and_one_answer(bank: Bank) -> None:
    ready = await buy(bank)
    answers = await asyncio.gather(*(bank.commit(ready) for _ in range(8)))
    assert answers[0].outcome == "done"
    assert all(answer == answers[0] for answer in answers)
    assert (await count(bank, Order), await count(bank, EffectRow)) == (1, 1)


async def test_a_crowd_with_one_quote_and_many_keys_gets_one_effect(bank: Bank) -> None:
    ready = await buy(bank)
    answers = await asyncio.gather(*(bank.commit(ready, key=f"key {number}") for number in range(4)))
    assert {answer.reference for answer in answers} == {answers[0].reference}
    assert await count(bank, Order) == 1


async def test_many_quotes_at_once_never_spend_more_than_there_is(
    bank: Bank, open_engine: Callable[[], AsyncEngine]
) -> None:
    others = Bank(open_engine())
    start = await held(bank, "C1009-2468", "CNY")
    quotes = [await buy(bank, "2500", "C1009") for _ in range(6)]
    answers = await asyncio.gather(
        *(
            (bank if number % 2 else others).commit(ready, "C1009", key=f"key {number}")
            for number, ready in enumerate(quotes)
        )
    )
    done = [answer for answer in answers if answer.completed]
    spent = sum(int(Decimal(said(answer)["cost"]) * 100) for answer in done)
    assert {answer.outcome for answer in answers} == {"done", "insufficient_funds"}
    assert await held(bank, "C1009-2468", "CNY") == start - spent >= 0
    assert await held(bank, "C1009-2468", "USD") == 250_000 * len(done)
    assert said(await bank.ask("fx_quota", "C1009"))["purchase_used"] == f"{8000 + 2500 * len(done)}.00"


async def test_many_quotes_at_once_never_pass_the_quota(bank: Bank) -> None:
    quotes = [await buy(bank, "1500", "C1004") for _ in range(4)]
    answers = await asyncio.gather(
        *(bank.commit(ready, "C1004", key=f"key {number}") for number, ready in enumerate(quotes))
    )
    assert sorted(answer.outcome for answer in answers) == ["done", "done", "over_quota", "over_quota"]
    assert said(await bank.ask("fx_quota", "C1004"))["purchase_left"] == "500.00"


async def test_many_purchases_at_once_never_sell_more_than_the_products_quota(bank: Bank) -> None:
    quotes = [await bank.ask("wealth_buy", "C1004", "prepare", product_name="WP2604", amount="25000") for _ in range(4)]
    answers = await asyncio.gather(
        *(bank.commit(ready, "C1004", key=f"key {number}") for number, ready in enumerate(quotes))
    )
    assert sorted(answer.outcome for answer in answers) == ["done", "done", "sold_out", "sold_out"]
    async with AsyncSession(bank.engine) as db:
        assert (await db.get_one(Sale, "WP2604")).quota_left == 1_000_000


async def test_many_redemptions_at_once_redeem_a_lot_once(bank: Bank) -> None:
    quotes = [await bank.ask("wealth_redeem", "C1007", "prepare", product_name="FD3102") for _ in range(4)]
    answers = await asyncio.gather(
        *(bank.commit(ready, "C1007", key=f"key {number}") for number, ready in enumerate(quotes))
    )
    assert sorted(answer.outcome for answer in answers) == ["changed", "changed", "changed", "done"]
    async with AsyncSession(bank.engine) as db:
        units = await db.scalar(select(func.sum(Holding.units)).where(Holding.customer_id == "C1007"))
    assert units == 0


@pytest.mark.parametrize("customer_id", [ME, None])
async def test_a_complaint_is_registered_once_a_key(bank: Bank, customer_id: str | None) -> None:
    answers = await asyncio.gather(*(bank.ask("complaint", customer_id, detail="柜台排队太久") for _ in range(4)))
    assert all(answer == answers[0] for answer in answers)
    assert (answers[0].outcome, answers[0].completed) == ("registered", True)
    assert await count(bank, ComplaintRecord) == 1


async def test_times_and_exact_numbers_come_back_as_they_went_in(bank: Bank) -> None:
    ready = await buy(bank)
    bank.now += dt.timedelta(seconds=3, microseconds=141592)
    done = await bank.commit(ready)
    status = await bank.ask("fx_buy", step="status")
    assert said(status)["done_at"] == said(done)["done_at"] == "2026-11-21T02:30:15.141592Z"
    assert said(status)["rate"] == said(ready)["rate"]
    assert await bank.commit(ready) == done


async def test_several_processes_that_seed_at_once_make_one_bank(
    empty: AsyncEngine, open_engine: Callable[[], AsyncEngine]
) -> None:
    await asyncio.gather(*(seed(engine, BANK_NOW) for engine in (empty, open_engine(), open_engine())))
    assert said(await Bank(empty).ask("fx_quota"))["purchase_used"] == "3200.00"
