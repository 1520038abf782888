"""The demo bank is as varied as its tests and its visitors need, and is made once."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from backends.account.service import age_on
from backends.account.tables import Account, Balance, Customer
from backends.card.tables import Card, Statement
from backends.demo import list_customers, phone_of, seed
from backends.fx.rates import CURRENCIES
from backends.fx.tables import MidPrice
from backends.service.tables import BranchOffice
from backends.tables import Base
from backends.wealth.tables import Holding, Product, RiskAssessment, Sale
from bot.store import open_database
from tests.bank import BANK_NOW, Bank, open_bank


@pytest.fixture
async def bank(tmp_path: Path) -> AsyncIterator[Bank]:
    async with open_bank(tmp_path) as bank:
        yield bank


async def everything(bank: Bank) -> dict[str, list[tuple[object, ...]]]:
    async with bank.engine.connect() as connection:
        return {
            table.name: [tuple(row) for row in await connection.execute(select(table).order_by(*table.primary_key))]
            for table in Base.metadata.sorted_tables
        }


async def test_seeding_again_changes_nothing(bank: Bank) -> None:
    before = await everything(bank)
    await seed(bank.engine, BANK_NOW + dt.timedelta(days=90))
    assert await everything(bank) == before


@pytest.mark.parametrize("day", ["2027-01-01", "2028-02-29", "2027-03-31", "2026-12-31"])
async def test_whatever_the_day_the_bank_looks_the_same(tmp_path: Path, day: str) -> None:
    today = dt.date.fromisoformat(day)
    engine = open_database(None, tmp_path, "bank")
    await seed(engine, dt.datetime.combine(today, dt.time(4), dt.UTC))
    async with AsyncSession(engine) as db:
        statements = (await db.scalars(select(Statement))).all()
        products = (await db.scalars(select(Product).where(Product.return_to.is_not(None)))).all()
    await engine.dispose()
    assert len({(row.card_id, row.issued_on.year, row.issued_on.month) for row in statements}) == len(statements)
    assert all(row.issued_on < row.due_on and row.issued_on < today for row in statements)
    for product in products:
        assert product.return_from is not None
        assert product.return_to is not None
        assert (product.return_from.day, (product.return_to + dt.timedelta(days=1)).day) == (1, 1)
        assert 364 <= (product.return_to - product.return_from).days <= 365
    assert all(product.nav_date is None or product.nav_date < today for product in products)
    assert all(product.nav_date is None or product.nav_date.weekday() < 5 for product in products)


async def test_the_customers_differ_in_tier_age_language_and_risk(bank: Bank) -> None:
    async with AsyncSession(bank.engine) as db:
        people = (await db.scalars(select(Customer))).all()
        levels = {each.customer_id: each for each in await db.scalars(select(RiskAssessment))}
    today = BANK_NOW.date()
    ages = [age_on(person.born_on, today) for person in people]
    assert len(people) >= 8
    assert {person.tier for person in people} == {"standard", "gold", "platinum", "private"}
    assert max(ages) >= 75
    assert min(ages) <= 22
    assert Counter(person.language for person in people)["en"] >= 2
    assert {each.level for each in levels.values()} == {"C1", "C2", "C3", "C4", "C5"}
    assert [person.customer_id for person in people if person.customer_id not in levels] == ["C1003"]
    assert [each.customer_id for each in levels.values() if each.valid_until < today] == ["C1007"]
    assert len({person.phone for person in people}) == len(people)


async def test_the_first_customer_has_one_credit_card_and_can_buy_dollars(bank: Bank) -> None:
    async with AsyncSession(bank.engine) as db:
        kinds = (await db.scalars(select(Card.kind).where(Card.customer_id == "C1001"))).all()
        cny = await db.scalar(
            select(Balance.minor).join(Account).where(Account.customer_id == "C1001", Balance.currency == "CNY")
        )
    assert Counter(kinds)["credit"] == 1
    assert cny is not None
    assert cny >= 10_000_000
    assert (await bank.ask("fx_buy", step="prepare", amount="800", currency="USD")).outcome == "ready"


async def test_customers_hold_none_one_or_two_credit_cards(bank: Bank) -> None:
    async with AsyncSession(bank.engine) as db:
        cards = (await db.scalars(select(Card))).all()
        people = (await db.scalars(select(Customer.customer_id))).all()
    credit = Counter(card.customer_id for card in cards if card.kind == "credit")
    assert {credit[person] for person in people} == {0, 1, 2}
    assert {sum(card.customer_id == person for card in cards) for person in people} <= {1, 2, 3}


async def test_a_customers_cards_never_share_their_last_digits(bank: Bank) -> None:
    async with AsyncSession(bank.engine) as db:
        tails = Counter((card.customer_id, card.tail) for card in await db.scalars(select(Card)))
    assert max(tails.values()) == 1


async def test_each_credit_card_has_four_months_of_statements(bank: Bank) -> None:
    async with AsyncSession(bank.engine) as db:
        issued = Counter(row.card_id for row in await db.scalars(select(Statement)))
        credit = (await db.scalars(select(Card.card_id).where(Card.kind == "credit"))).all()
    assert issued == dict.fromkeys(credit, 4)


async def test_the_bank_sells_and_is_found_in_many_ways(bank: Bank) -> None:
    async with AsyncSession(bank.engine) as db:
        products = (await db.scalars(select(Product))).all()
        branches = (await db.scalars(select(BranchOffice))).all()
        mids = (await db.scalars(select(MidPrice.currency))).all()
    assert len(products) >= 14
    assert {product.risk_level for product in products} == {"R1", "R2", "R3", "R4", "R5"}
    assert {"wealth", "fund", "deposit"} <= {product.type for product in products}
    assert len(branches) >= 20
    assert len({branch.city for branch in branches}) >= 8
    assert sorted(mids) == sorted(CURRENCIES)


async def test_every_holding_is_of_a_product_that_is_sold_online_and_paid_from_the_customers_own_account(
    bank: Bank,
) -> None:
    async with AsyncSession(bank.engine) as db:
        lots = (await db.scalars(select(Holding))).all()
        sold = set(await db.scalars(select(Sale.code)))
        terms = {product.code: product.term for product in await db.scalars(select(Product))}
        owners = {each.account_id: each.customer_id for each in await db.scalars(select(Account))}
    assert len({lot.customer_id for lot in lots}) >= 5
    assert {lot.confirm_on > BANK_NOW.date() for lot in lots} == {True, False}
    for lot in lots:
        assert lot.code in sold
        assert owners[lot.account_id] == lot.customer_id
        assert (lot.matures_on is None) == (terms[lot.code] is None)


async def test_a_product_that_bank_and_issuer_rate_differently_is_among_them(bank: Bank) -> None:
    async with AsyncSession(bank.engine) as db:
        products = (await db.scalars(select(Product).where(Product.issuer_risk_level.is_not(None)))).all()
    rated = [(product.risk_level, product.issuer_risk_level or "") for product in products]
    assert {own < issuer for own, issuer in rated} == {True, False}


async def test_every_product_without_a_term_says_how_to_leave_it(bank: Bank) -> None:
    async with AsyncSession(bank.engine) as db:
        products = (await db.scalars(select(Product))).all()
    assert [product.code for product in products if (product.term is None) == (product.redemption is None)] == []


async def test_the_sign_in_page_lists_everyone_in_both_languages(bank: Bank) -> None:
    people = await list_customers(bank.engine)
    assert people[0]["customer_id"] == "C1001"
    assert all(person[name] for person in people for name in ("name", "name_en", "tier", "language", "note", "note_en"))


async def test_a_phone_is_known_for_customers_only(bank: Bank) -> None:
    assert await phone_of(bank.engine, "C1001") == "13800006721"
    assert await phone_of(bank.engine, "C9999") is None
