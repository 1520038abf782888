"""What customers hold: lots of a product, what they are worth, and when they are confirmed or mature."""

from __future__ import annotations

import calendar
import datetime as dt
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Literal

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from backends.values import Money, Term
from backends.wealth.tables import Holding, Product, WealthOrder

HUNDREDTHS = 100
"""Units are kept in hundredths of one: two decimals are what a fund registers."""


def units_for(amount: Money, nav: Decimal) -> int:
    """How many hundredths of a unit *amount* is at *nav*, half up."""
    return int((amount.number / nav * HUNDREDTHS).quantize(Decimal(1), rounding=ROUND_HALF_UP))


def worth(units: int, nav: Decimal) -> Money:
    """What *units* hundredths are worth at *nav*, half up to the cent."""
    return Money.of(Decimal(units) / HUNDREDTHS * nav)


def units_text(units: int) -> str:
    """*units* hundredths as a number of units with two decimals."""
    return str(Decimal(units).scaleb(-2))


def nav_of(product: Product) -> Decimal:
    """The net value of a product that is held in units."""
    assert product.nav is not None
    return product.nav


def maturity(from_day: dt.date, term: Term) -> dt.date:
    """The day *term* after *from_day*; the last of the month where it has no such day."""
    assert term.unit != "instalment"
    if term.unit in ("day", "week"):
        return from_day + dt.timedelta(days=term.count * (7 if term.unit == "week" else 1))
    months = term.count * (12 if term.unit == "year" else 1)
    year, month = divmod(from_day.year * 12 + from_day.month - 1 + months, 12)
    last = calendar.monthrange(year, month + 1)[1]
    return dt.date(year, month + 1, min(from_day.day, last))


@dataclass(frozen=True, slots=True)
class Held:
    """A lot and its product as they stand on a day."""

    lot: Holding
    product: Product
    today: dt.date

    @property
    def status(self) -> Literal["awaiting", "confirmed", "matured"]:
        """A lot counts as confirmed from its confirmation day on, as matured from its maturity on."""
        if self.today < self.lot.confirm_on:
            return "awaiting"
        matures_on = self.lot.matures_on
        return "matured" if matures_on is not None and matures_on <= self.today else "confirmed"

    @property
    def cost(self) -> Money:
        """What was paid for it."""
        return Money(self.lot.cost)

    @property
    def value(self) -> Money:
        """What it is worth at the last net value; a lot that awaits confirmation is worth what was paid."""
        return self.cost if self.status == "awaiting" else worth(self.lot.units, nav_of(self.product))

    @property
    def gain(self) -> Money:
        """Its value less its cost: below zero where it lost."""
        return self.value - self.cost


async def held(db: AsyncSession, customer_id: str, today: dt.date) -> list[Held]:
    """The customer's lots by product, the earliest first; what was redeemed in full is no lot any more."""
    query = (
        select(Holding, Product)
        .join(Product, Product.code == Holding.code)
        .where(Holding.customer_id == customer_id, Holding.units > 0)
        .order_by(Holding.code, Holding.confirm_on, Holding.holding_id)
    )
    return [Held(lot, product, today) for lot, product in await db.execute(query)]


async def in_transit(db: AsyncSession, customer_id: str, today: dt.date) -> tuple[Money, dt.date] | None:
    """What redemptions are still to pay out, as estimated, and the day by which all of it has; ``None`` for nothing."""
    query = select(func.sum(WealthOrder.amount), func.max(WealthOrder.settles_on)).where(
        WealthOrder.customer_id == customer_id, WealthOrder.side == "redeem", WealthOrder.settles_on > today
    )
    amount, by = (await db.execute(query)).one()
    return None if by is None else (Money(int(amount)), by)
