"""How a currency's middle price went: the price of each weekday, and what it comes to over some time."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Literal

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from backends.fx.rates import UNIT, prices_at
from backends.fx.tables import DailyMid, MidPrice
from backends.result import Card
from backends.values import BEIJING, Percent, Period

USUAL = "USD"
"""The currency whose trend is meant where none is named."""
FIXED_AT = dt.time(9, 15)
"""When the middle price of a day is fixed, by the bank's clock."""

Point = tuple[dt.date, Decimal]


async def daily_mids(db: AsyncSession, currency: str, period: Period, now: dt.datetime) -> list[Point]:
    """The middle price of each weekday of *period* that the bank keeps, up to today, in order.

    Days after those that are kept have the price that was quoted when it was fixed.
    """
    local = now.astimezone(BEIJING)
    end = min(period.end, local.date() if local.time() >= FIXED_AT else local.date() - dt.timedelta(days=1))
    query = select(DailyMid).where(DailyMid.currency == currency, DailyMid.day.between(period.start, end))
    kept = {row.day: row.mid for row in await db.scalars(query)}
    last = await db.scalar(
        select(DailyMid.day).where(DailyMid.currency == currency).order_by(DailyMid.day.desc()).limit(1)
    )
    mid = (await db.get_one(MidPrice, currency)).mid
    day = period.start if last is None else max(period.start, last + dt.timedelta(days=1))
    while day <= end:
        if day.weekday() < 5:
            kept[day] = prices_at(currency, mid, dt.datetime.combine(day, FIXED_AT, BEIJING)).mid
        day += dt.timedelta(days=1)
    return sorted(kept.items())


@dataclass(frozen=True, slots=True)
class Trend:
    """How the middle price of *currency* (CNY for 100 units) went over *points*, of which there is at least one."""

    currency: str
    points: Sequence[Point]

    @property
    def period(self) -> Period:
        """From the first day with a price to the last."""
        return Period(self.points[0][0], self.points[-1][0])

    @property
    def high(self) -> Point:
        """The highest price, and the first day it had."""
        return max(self.points, key=lambda point: point[1])

    @property
    def low(self) -> Point:
        """The lowest price, and the first day it had."""
        return min(self.points, key=lambda point: point[1])

    @property
    def change(self) -> Percent:
        """By how much the last price differs from the first, without its sign, to two decimals."""
        return Percent(abs(self._change))

    @property
    def direction(self) -> Literal["rose", "fell", "unchanged"]:
        """Which way that is; ``unchanged`` where it rounds to nothing."""
        if self._change == 0:
            return "unchanged"
        return "rose" if self._change > 0 else "fell"

    @property
    def _change(self) -> Decimal:
        first, last = self.points[0][1], self.points[-1][1]
        return ((last / first - 1) * 100).quantize(Decimal("0.01"), ROUND_HALF_UP)

    def card(self) -> Card:
        """The daily prices for a channel that can draw them, as decimal text."""
        return Card(
            kind="rate_history",
            data={
                "currency": self.currency,
                "quote": "CNY",
                "unit": UNIT,
                "points": [{"day": day.isoformat(), "mid": str(mid)} for day, mid in self.points],
            },
        )
