"""How a product's net asset value went: that of each day, and the largest drawdown among them."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterator, Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from backends.result import Card
from backends.tables import Base
from backends.wealth.tables import DailyNav, Product

SHOWN = dt.timedelta(days=182)
"""How far back from the last value a product's history is told."""
FINEST = Decimal("0.0001")
"""To which a value of a unit is published."""
STEPS = {"R1": "0.00006", "R2": "0.0004", "R3": "0.002", "R4": "0.008", "R5": "0.013"}
"""How far a day's value in the demo bank can lie from that of the day before, as a share of it, by risk level."""

Point = tuple[dt.date, Decimal]


async def daily_navs(db: AsyncSession, product: Product) -> list[Point]:
    """The values of *product* that the bank keeps for the half year up to its last, in order."""
    if product.nav_date is None:
        return []
    since = product.nav_date - SHOWN
    query = select(DailyNav).where(DailyNav.code == product.code, DailyNav.day.between(since, product.nav_date))
    return [(row.day, row.nav) for row in await db.scalars(query.order_by(DailyNav.day))]


def largest_drawdown(points: Sequence[Point]) -> tuple[Point, Point] | None:
    """The highest value and the later one that lies deepest below it, as a share of it; ``None`` where none ever fell.

    That is the maximum drawdown of the performance standards (GIPS 2020, glossary).
    """
    if not points:
        return None
    found, deepest, peak = None, Decimal(0), points[0]
    for point in points:
        if point[1] > peak[1]:
            peak = point
        fall = 1 - point[1] / peak[1]
        if fall > deepest:
            found, deepest = (peak, point), fall
    return found


def card(points: Sequence[Point]) -> Card | None:
    """The daily values for a channel that can draw them, as decimal text; ``None`` where there are fewer than two."""
    if len(points) < 2:
        return None
    data: dict[str, Any] = {"unit": "CNY", "points": [[day.isoformat(), str(nav)] for day, nav in points]}
    drawdown = largest_drawdown(points)
    if drawdown is not None:
        (peak_day, peak), (low_day, low) = drawdown
        percent = ((1 - low / peak) * 100).quantize(Decimal("0.01"), ROUND_HALF_UP)
        data["drawdown"] = {
            "percent": str(percent),
            "from": peak_day.isoformat(),
            "to": low_day.isoformat(),
        }
    return Card(kind="nav_history", data=data)


def past_navs(products: Sequence[dict[str, Any]], last: dt.date) -> Iterator[tuple[type[Base], dict[str, Any]]]:
    """The demo bank's values of the weekdays of the half year that leads up to those of ``demo_bank/products.yml``.

    Over the half year a product went half as far as it says it goes in a year; in between it walks its own way.
    """
    for product in products:
        if "nav" not in product or Decimal(product["nav"]) == 1:
            continue  # A money fund pays its gains out: its unit stays at one.
        code, step = product["code"], Decimal(STEPS[product["risk_level"]])
        yearly = Decimal(product.get("year_return") or product.get("benchmark", ["0"])[0])
        days = [last - dt.timedelta(days=back) for back in range(SHOWN.days + 1)]
        walk = [(last, Decimal(product["nav"]))]
        for day in days[1:]:
            if day.weekday() < 5:
                before, nav = walk[-1]
                walk.append((day, nav / (1 + step * _mixed(code, before))))
        # Bent as a whole, so that it begins where it should: a day's share of that is small.
        bend = walk[0][1] / (1 + yearly / 200) / walk[-1][1]
        for number, (day, nav) in enumerate(walk):
            bent = nav * bend ** (Decimal(number) / (len(walk) - 1))
            yield DailyNav, {"code": code, "day": day, "nav": bent.quantize(FINEST, ROUND_HALF_UP)}


def _mixed(code: str, day: dt.date) -> Decimal:
    """From -1 to 1, the same for the same product and day."""
    digest = hashlib.sha256(f"{code} {day.isoformat()}".encode()).digest()
    return Decimal(int.from_bytes(digest[:4])) / Decimal(2**31) - 1
