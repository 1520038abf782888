"""The rules of the individual pension: what a year still takes, and what tax a payment saves in each bracket."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path

import yaml
from pydantic import Field
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from backends.pension.tables import PensionAccount, PensionPayment
from backends.result import Frozen
from backends.rules import money_rule
from backends.values import Money

FILE = Path(__file__).with_name("tax_brackets.yml")


class Brackets(Frozen):
    """The brackets of yearly income tax: per cent and the taxable income up to which it applies, lowest first."""

    citation: str = Field(min_length=8)
    reviewed_on: dt.date
    effective_from: dt.date
    brackets: tuple[tuple[Decimal, Decimal | None], ...]


@cache
def tax_brackets() -> Brackets:
    """The brackets in force; ``ValueError`` where the file has no source or no readable figure."""
    return Brackets.model_validate(yaml.safe_load(FILE.read_text("utf-8")))


@dataclass(frozen=True, slots=True)
class Saving:
    """What paying in saves of the year's tax at a marginal ``rate``, and the taxable income that is taxed so."""

    rate: Decimal
    saved: Money
    above: Money
    up_to: Money | None


def savings(paid: Money) -> list[Saving]:
    """The tax that paying *paid* in saves in each bracket, were all of it deducted there: paid × rate, half up."""
    found, above = list[Saving](), Money(0)
    for rate, limit in tax_brackets().brackets:
        up_to = None if limit is None else Money.of(limit)
        found.append(Saving(rate, Money.of(paid.number * rate / 100), above, up_to))
        above = up_to or above
    return found


@dataclass(frozen=True, slots=True)
class Year:
    """What was paid in during a calendar year, and what the year takes."""

    number: int
    contributed: Money
    limit: Money

    @property
    def left(self) -> Money:
        """What may still be paid in; zero where the limit is reached."""
        return Money(max((self.limit - self.contributed).minor, 0))

    @property
    def closes_on(self) -> dt.date:
        """The last day on which a payment counts for the year."""
        return dt.date(self.number, 12, 31)


async def account(db: AsyncSession, customer_id: str) -> PensionAccount | None:
    """The customer's account; ``None`` where they opened none here."""
    return await db.get(PensionAccount, customer_id)


async def year(db: AsyncSession, customer_id: str, number: int, today: dt.date) -> Year:
    """The calendar year *number* of the customer's account, under the limit that stands *today*."""
    paid = await db.scalar(
        select(func.sum(PensionPayment.amount)).where(
            PensionPayment.customer_id == customer_id,
            PensionPayment.paid_on >= dt.date(number, 1, 1),
            PensionPayment.paid_on <= dt.date(number, 12, 31),
        )
    )
    return Year(number, Money(int(paid or 0)), money_rule("pension_yearly_limit", today))
