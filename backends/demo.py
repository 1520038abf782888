"""The demo bank: invented customers, cards, accounts, prices, products and branches, made once in an empty database."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml
from sqlalchemy import func, insert, select
from sqlalchemy.exc import IntegrityError, ProgrammingError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession

from backends.account import seed as account_seed
from backends.account.tables import Account, Balance, Customer
from backends.card import seed_repaying, seed_service
from backends.card.tables import Card, Statement, Transaction
from backends.fx import seed as fx_seed
from backends.fx.tables import MidPrice, QuotaUse
from backends.loan import seed as loan_seed
from backends.pension import seed as pension_seed
from backends.service.tables import BranchOffice
from backends.tables import Base
from backends.values import BEIJING, Money, Term, from_canonical
from backends.wealth import navs
from backends.wealth import seed as wealth_seed
from backends.wealth.holdings import HUNDREDTHS, maturity
from backends.wealth.tables import Holding, Product, RiskAssessment, Sale

DATA = Path(__file__).with_name("demo_bank")
DAYS_TO_PAY = 20
"""From a statement's date to its due date."""
ASSESSMENT_MONTHS = 12
MINIMUM_SHARE = 10
"""The minimum payment is one so-manieth of a statement."""
DAYS_TO_POST = 2
"""From a purchase to its posting."""

Rows = Iterator[tuple[type[Base], dict[str, Any]]]


async def seed(engine: AsyncEngine, now: dt.datetime) -> None:
    """Makes the bank's tables, and its demo data as of *now* where there is no customer yet.

    All or nothing, and safe to run again or from several processes at once.
    """
    try:
        await _seed(engine, now)
    except (IntegrityError, ProgrammingError):  # another process was making it; now it is there
        await _seed(engine, now)


async def _seed(engine: AsyncEngine, now: dt.datetime) -> None:
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
        if await connection.scalar(select(func.count()).select_from(Customer)):
            return
        await _insert(connection, now)


async def _insert(connection: AsyncConnection, now: dt.datetime) -> None:
    today = now.astimezone(BEIJING).date()
    rows = [
        *_customers(now, today),
        *_transactions(today),
        *_prices(),
        *fx_seed.past_prices(_read("fx"), today),
        *fx_seed.remittances(_read("remittances"), now),
        *fx_seed.banknotes(_read("fx_cash"), _read("fx"), now),
        *_products(today),
        *navs.past_navs(_read("products"), _last_working_day(today)),
        *_holdings(today),
        *_branches(),
        *pension_seed.rows(_read("pension"), today),
        *wealth_seed.rows(_read("deposits")),
        *account_seed.rows(_read("account_history"), _read("transfers"), now),
        *seed_repaying.rows(_read("repaying"), now),
        *seed_service.rows(_read("card_service"), _card_ids(), now),
        *loan_seed.rows(_read("loans"), now),
    ]
    for table in Base.metadata.sorted_tables:
        chosen = [values for model, values in rows if model.__table__ is table]
        if chosen:
            await connection.execute(insert(table), chosen)


def _read(name: str) -> Any:
    return yaml.safe_load((DATA / f"{name}.yml").read_text("utf-8"))


def _customers(now: dt.datetime, today: dt.date) -> Rows:
    for person in _read("customers"):
        customer_id = person["customer_id"]
        yield (
            Customer,
            {
                "customer_id": customer_id,
                "name": person["name"]["zh"],
                "name_en": person["name"]["en"],
                "family_name": person["name"]["family"],
                "family_name_en": person["name"]["family_en"],
                "gender": person["name"]["gender"],
                "born_on": person["born_on"],
                "tier": person["tier"],
                "language": person["language"],
                "phone": person["phone"],
                "note": person["note"]["zh"],
                "note_en": person["note"]["en"],
            },
        )
        yield (
            QuotaUse,
            {
                "customer_id": customer_id,
                "year": today.year,
                "purchased": _minor(person["quota"]["purchased"], "USD"),
                "settled": _minor(person["quota"]["settled"], "USD"),
            },
        )
        if "assessed" in person:
            level, months = person["assessed"]
            assessed_on = _months_before(today, months)
            yield (
                RiskAssessment,
                {
                    "customer_id": customer_id,
                    "level": level,
                    "assessed_on": assessed_on,
                    "valid_until": _months_before(assessed_on, -ASSESSMENT_MONTHS),
                },
            )
        for account in person["accounts"]:
            yield from _account(customer_id, account)
        for number, card in enumerate(person["cards"], start=1):
            yield from _card(customer_id, f"{customer_id}-{number}", card, now, today)


def _account(customer_id: str, account: dict[str, Any]) -> Rows:
    account_id = f"{customer_id}-{account['tail']}"
    yield (
        Account,
        {
            "account_id": account_id,
            "customer_id": customer_id,
            "tail": account["tail"],
            "opened_on": account["opened_on"],
        },
    )
    for currency, held in account["balances"].items():
        yield Balance, {"account_id": account_id, "currency": currency, "minor": _minor(held, currency)}


def _card(customer_id: str, card_id: str, card: dict[str, Any], now: dt.datetime, today: dt.date) -> Rows:
    frozen_at = now - dt.timedelta(hours=card["frozen_hours"]) if "frozen_hours" in card else None
    yield (
        Card,
        {
            "card_id": card_id,
            "customer_id": customer_id,
            "tail": card["tail"],
            "kind": card["kind"],
            "name": card["name"]["zh"],
            "name_en": card["name"]["en"],
            **{name: _minor(card[name]) if name in card else None for name in _LIMITS},
            "temporary_until": today + dt.timedelta(days=card["temporary_days"]) if "temporary_days" in card else None,
            "frozen_at": frozen_at,
            "frozen_reference": None if frozen_at is None else f"{frozen_at:%Y%m%d}{card['tail']:0>10}",
        },
    )
    for months_ago, (balance, paid) in enumerate(card.get("statements", ())):
        issued_on = _months_before(today - dt.timedelta(days=card["statement_age"]), months_ago)
        owed = _minor(balance)
        yield (
            Statement,
            {
                "card_id": card_id,
                "issued_on": issued_on,
                "due_on": issued_on + dt.timedelta(days=DAYS_TO_PAY),
                "balance": owed,
                "minimum": -(-owed // MINIMUM_SHARE),
                "paid": _minor(paid),
            },
        )


def _card_ids() -> dict[str, str]:
    """Every card's id by its last digits."""
    return {
        card["tail"]: f"{person['customer_id']}-{number}"
        for person in _read("customers")
        for number, card in enumerate(person["cards"], start=1)
    }


def _transactions(today: dt.date) -> Rows:
    told, card_ids = _read("transactions"), _card_ids()
    for tail, entries in told["cards"].items():
        for number, (days, clock, merchant, amount) in enumerate(entries, start=1):
            day = today - dt.timedelta(days=days)
            yield (
                Transaction,
                {
                    "transaction_id": f"{card_ids[tail]}-{number}",
                    "card_id": card_ids[tail],
                    "spent_at": dt.datetime.combine(day, dt.time.fromisoformat(clock), BEIJING),
                    "posted_on": day + dt.timedelta(days=DAYS_TO_POST),
                    "merchant": told["merchants"][merchant]["zh"],
                    "merchant_en": told["merchants"][merchant]["en"],
                    "amount": _minor(amount),
                },
            )


_LIMITS = ("credit_limit", "cash_limit", "used", "temporary_limit")


def _prices() -> Rows:
    for currency, mid in _read("fx").items():
        yield MidPrice, {"currency": currency, "mid": Decimal(mid)}


def _products(today: dt.date) -> Rows:
    last_month_end = today.replace(day=1) - dt.timedelta(days=1)
    year_before = last_month_end.replace(year=last_month_end.year - 1, day=28) + dt.timedelta(days=4)
    for product in _read("products"):
        redemption = product.get("redemption", {})
        benchmark = product.get("benchmark", (None, None))
        has_past = "year_return" in product
        yield (
            Product,
            {
                "code": product["code"],
                "name": product["name"]["zh"],
                "name_en": product["name"]["en"],
                "type": product["type"],
                "risk_level": product["risk_level"],
                "issuer_risk_level": product.get("issuer_risk_level"),
                "term": product.get("term"),
                "redemption": redemption.get("zh"),
                "redemption_en": redemption.get("en"),
                "min_amount": _minor(product["min_amount"]),
                "benchmark_low": _decimal(benchmark[0]),
                "benchmark_high": _decimal(benchmark[1]),
                "year_return": _decimal(product.get("year_return")),
                "return_from": year_before.replace(day=1) if has_past else None,
                "return_to": last_month_end if has_past else None,
                "rate": _decimal(product.get("rate")),
                "fee": _decimal(product.get("fee")),
                "nav": _decimal(product.get("nav")),
                "nav_date": _last_working_day(today) if "nav" in product else None,
            },
        )
        if "sale" in product:
            sale = product["sale"]
            yield (
                Sale,
                {
                    "code": product["code"],
                    "step": _minor(sale["step"]),
                    "min_units": int(Decimal(sale.get("min_units", "0")) * HUNDREDTHS),
                    "purchase_fee": Decimal(sale.get("purchase_fee", "0")),
                    "redemption_fee": Decimal(sale.get("redemption_fee", "0")),
                    "redeem_days": sale.get("redeem_days", 1),
                    "quota_left": _minor(sale["quota"]) if "quota" in sale else None,
                },
            )


def _holdings(today: dt.date) -> Rows:
    terms = {product["code"]: product.get("term") for product in _read("products")}
    for number, (customer_id, tail, code, units, cost, days) in enumerate(_read("holdings"), start=1):
        confirm_on = today - dt.timedelta(days=days) if days > 0 else _next_working_day(today)
        term = terms[code]
        yield (
            Holding,
            {
                "holding_id": f"H{number:04d}",
                "customer_id": customer_id,
                "account_id": f"{customer_id}-{tail}",
                "code": code,
                "units": int(Decimal(units) * HUNDREDTHS),
                "cost": _minor(cost),
                "confirm_on": confirm_on,
                "matures_on": None if term is None else maturity(confirm_on, _term(term)),
            },
        )


def _term(text: str) -> Term:
    term = from_canonical("term", text, None)
    assert isinstance(term, Term)
    return term


def _branches() -> Rows:
    for number, branch in enumerate(_read("branches"), start=1):
        opens, closes = (dt.time.fromisoformat(text) for text in branch.pop("hours"))
        yield BranchOffice, {"branch_id": number, "opens": opens, "closes": closes, **branch}


def _last_working_day(today: dt.date) -> dt.date:
    """The last Monday to Friday before *today*."""
    return today - dt.timedelta(days=max(today.weekday() - 4, 0) or (3 if today.weekday() == 0 else 1))


def _next_working_day(today: dt.date) -> dt.date:
    """The first Monday to Friday after *today*."""
    return today + dt.timedelta(days=7 - today.weekday() if today.weekday() >= 4 else 1)


def _decimal(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def _minor(number: str, currency: str = "CNY") -> int:
    return Money.of(number, currency).minor


def _months_before(day: dt.date, months: int) -> dt.date:
    """The same day of an earlier month, the 28th at the latest, so that every month has it."""
    year, month = divmod(day.year * 12 + day.month - 1 - months, 12)
    return dt.date(year, month + 1, min(day.day, 28))


async def list_customers(engine: AsyncEngine) -> list[dict[str, str]]:
    """Who can be signed in as, for the demo's page: id, name, tier, language and a note, in both languages."""
    async with AsyncSession(engine) as db:
        found = await db.scalars(select(Customer).order_by(Customer.customer_id))
        return [
            {
                "customer_id": person.customer_id,
                "name": person.name,
                "name_en": person.name_en,
                "tier": person.tier,
                "language": person.language,
                "note": person.note,
                "note_en": person.note_en,
            }
            for person in found
        ]


async def phone_of(engine: AsyncEngine, customer_id: str) -> str | None:
    """The customer's mobile number; ``None`` where there is no such customer."""
    async with AsyncSession(engine) as db:
        person = await db.get(Customer, customer_id)
        return None if person is None else person.phone
