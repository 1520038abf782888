"""Deposit rates as the bank publishes them, and the interest of a sum over a term.

Interest is principal × yearly rate × days / 360, where a year counts 360 days and a month 30 (对年对月对日, 人民币存贷款
计结息问题的通知, 银发〔2005〕129号), rounded half up to the smallest unit: of whole months it is exactly so many twelfths.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Annotated, Literal

from pydantic import BeforeValidator
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from backends import values
from backends.action import ActionInput, BankAction, Context, Refused
from backends.facts import Said, Vouched
from backends.inputs import OptionalTerm, OptionalText, exact_money, read_amount
from backends.result import Result, Row
from backends.rules import ruled
from backends.values import Money, Percent, Term
from backends.wealth.service import DEPOSITS
from backends.wealth.tables import DepositRate as Published

DepositKind = Literal["demand", "deposit", "notice_deposit", "large_cd"]
"""``deposit`` is a fixed term; the other names are those of the product types."""

HOME = "CNY"
SHORT = 90
"""Below so many days nothing fixed is offered: what is asked for so short a time is a demand deposit."""
_DAYS = {"day": 1, "week": 7, "month": 30, "year": 360}
YEAR = 360


class DepositRateInput(ActionInput):
    deposit_kind: Annotated[DepositKind | None, BeforeValidator(lambda value: value or None)] = None
    product_type: OptionalText = None
    term: OptionalTerm = None
    amount: OptionalText = None
    currency: OptionalText = None


@dataclass(frozen=True, slots=True)
class Wanted:
    """What was asked about: each ``None`` where nothing was said of it."""

    kind: str | None
    term: Term | None
    amount: Money | None
    currency: str


class DepositRate(BankAction[DepositRateInput]):
    """The rates in force, those of one kind or term, and what a sum earns at them."""

    name = "deposit_rate"
    outcomes = frozenset({"found", "found_many", "below_minimum", "no_term", "unsupported", "invalid_amount"})
    source = "wealth"
    access = "public"
    disclosures = ("deposit_insurance",)
    Input = DepositRateInput

    async def run(self, given: DepositRateInput, context: Context) -> Result:
        wanted = _wanted(given)
        rates = await in_force(context.db, wanted.currency, context.today)
        if not rates:
            raise Refused("unsupported", currency_asked=Said(wanted.currency))
        found = fitting(rates, wanted)
        always: dict[str, Vouched] = {
            "amount": wanted.amount,
            "rate_from": max(each.effective_from for each in found),
            "insured_limit": ruled("deposit_insurance_limit", context.today),
            "day_count": None if wanted.amount is None else ruled("deposit_day_count", context.today),
        }
        if len(found) == 1:
            return self.answer("found", self.facts(context, **always, **_described(found[0], wanted)))
        rows: tuple[Row, ...] = tuple(self.facts(context, **_described(each, wanted)) for each in found)
        return self.answer("found_many", self.facts(context, **always), rows=rows)


def _wanted(given: DepositRateInput) -> Wanted:
    amount = None if given.amount is None else read_amount(given.amount)
    currency = given.currency or (amount.currency if amount else None) or HOME
    money = None
    if amount is not None and given.amount is not None:
        if amount.currency not in (None, currency):
            raise Refused("invalid_amount", amount_asked=Said(given.amount))
        money = exact_money(amount.number, currency, given.amount)
    # "deposit" as a product type is any of them: only the customer's own word says that a fixed term is meant.
    narrow = given.product_type if given.product_type in DEPOSITS and given.product_type != "deposit" else None
    return Wanted(given.deposit_kind or narrow, given.term, money, currency)


async def in_force(db: AsyncSession, currency: str, day: dt.date) -> list[Published]:
    """The rates of *currency* that hold on *day*, in the order they are published in: each the latest of its kind."""
    query = select(Published).where(Published.currency == currency, Published.effective_from <= day)
    latest = {
        (row.kind, row.term): row for row in await db.scalars(query.order_by(Published.effective_from, Published.place))
    }
    return sorted(latest.values(), key=lambda row: row.place)


def fitting(rates: list[Published], wanted: Wanted) -> list[Published]:
    """Those of *rates* that were asked about, and that the sum is enough for.

    Refused as ``no_term`` where nothing runs so long, ``below_minimum`` where the sum is too small for all of them.
    """
    kind = wanted.kind
    days = None if wanted.term is None else days_of(wanted.term)
    if kind is None and days is not None and days < SHORT and not _enough(_running(rates, days), wanted):
        kind = "demand"
    offered = [row for row in rates if kind in (None, row.kind)]
    found = offered if wanted.term is None or kind == "demand" else _running(offered, days)
    if not found:
        raise Refused("no_term", term_asked=None if wanted.term is None else Said(wanted.term))
    enough = _enough(found, wanted)
    if not enough:
        least = min(found, key=lambda row: row.min_amount)
        raise Refused(
            "below_minimum",
            amount=wanted.amount,
            deposit_kind=least.kind,
            min_amount=Money(least.min_amount, least.currency),
        )
    return enough


def _running(rates: list[Published], days: int | None) -> list[Published]:
    return [row for row in rates if row.term is not None and days_of(term_of(row)) == days]


def _enough(rates: list[Published], wanted: Wanted) -> list[Published]:
    return [row for row in rates if wanted.amount is None or row.min_amount <= wanted.amount.minor]


def term_of(row: Published) -> Term:
    """The term of a deposit that has one."""
    term = values.from_canonical("term", row.term or "", None)
    assert isinstance(term, Term)
    return term


def days_of(term: Term) -> int | None:
    """How many days *term* counts, of 30 a month and 360 a year; ``None`` for a number of instalments."""
    return None if term.unit == "instalment" else term.count * _DAYS[term.unit]


def interest(principal: Money, rate: Decimal, days: int) -> Money:
    """What *principal* earns at *rate* per cent a year in *days*, half up to the smallest unit."""
    exact = principal.minor * Fraction(rate) / 100 * days / YEAR
    return Money((exact + Fraction(1, 2)).__floor__(), principal.currency)


def _described(row: Published, wanted: Wanted) -> dict[str, Vouched]:
    """A rate and, for a sum, what it earns: over the deposit's own term, or that which was asked of a demand deposit."""
    stays = term_of(row) if row.term is not None else wanted.term
    days = None if stays is None else days_of(stays)
    earned = None if wanted.amount is None or days is None else interest(wanted.amount, row.rate, days)
    return {
        "deposit_kind": row.kind,
        "term": stays,
        "annual_rate": Percent(row.rate),
        "min_amount": Money(row.min_amount, row.currency),
        "interest": earned,
        "total": None if earned is None or wanted.amount is None else wanted.amount + earned,
    }
