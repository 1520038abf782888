"""What gold costs by the gram: now, at the close of an earlier day, and for a sum of money or a weight.

The demo bank has no market feed: like its exchange rates, the price is a seeded middle price moved by hashes of the day
and of the minute, the same again for the same minute. Outside the trading hours the price of the last close stands.
Prices are rounded against the customer to the cent, weights down to a ten-thousandth of a gram, sums half up.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Annotated, Literal

from pydantic import BeforeValidator
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from backends.action import ActionInput, BankAction, Context, Refused
from backends.facts import Said, Vouched
from backends.inputs import OptionalDate, OptionalText, exact_money, read_amount
from backends.result import Result
from backends.rules import ruled, time_rule
from backends.values import BEIJING, Money, Percent
from backends.wealth import calendar
from backends.wealth.tables import GoldPrice, Product

SPREAD = Decimal("0.0035")
DAY_SWING = Decimal("0.0120")
MINUTE_SWING = Decimal("0.0006")
"""How far a day's and a minute's price can lie from the seeded middle, as shares of it."""
CENT = Decimal("0.01")
WEIGHED = Decimal("0.0001")
"""The least weight that is sold, in grams."""
MINUTE = dt.timedelta(minutes=1)
PLAN = "gold"
"""The product type of the accumulation plan."""


@dataclass(frozen=True, slots=True)
class Quoted:
    """What the bank asks for a gram and what it pays for one, in CNY, as of the minute ``at``."""

    sell: Money
    buyback: Money
    at: dt.datetime


def quoted(mid: Decimal, at: dt.datetime) -> Quoted:
    """The prices of the minute *at* (aware) around the seeded middle *mid*."""
    minute = at.astimezone(BEIJING).replace(second=0, microsecond=0)
    moved = mid * (1 + _swing(f"day {minute.date()}", DAY_SWING) + _swing(f"minute {minute.isoformat()}", MINUTE_SWING))
    return Quoted(
        sell=Money.of((moved * (1 + SPREAD)).quantize(CENT, rounding=ROUND_CEILING)),
        buyback=Money.of((moved * (1 - SPREAD)).quantize(CENT, rounding=ROUND_FLOOR)),
        at=minute.astimezone(dt.UTC),
    )


def _swing(seed: str, width: Decimal) -> Decimal:
    mixed = hashlib.sha256(f"gold {seed}".encode()).digest()
    return width * (Decimal(int.from_bytes(mixed[:4])) / Decimal(2**31) - 1)


@dataclass(frozen=True, slots=True)
class Hours:
    """When gold is traded on a trading day, in the bank's time; ``to`` is the close."""

    opens: dt.time
    closes: dt.time

    def last_minute(self, now: dt.datetime) -> dt.datetime:
        """The minute of *now* while gold trades, else the last minute before it closed."""
        local = now.astimezone(BEIJING)
        if calendar.is_trading_day(local.date()) and self.opens <= local.time() < self.closes:
            return local
        over = calendar.is_trading_day(local.date()) and local.time() >= self.closes
        return self.close_of(local.date() if over else self.day_before(local.date()))

    def close_of(self, day: dt.date) -> dt.datetime:
        """The last minute in which gold traded on *day*."""
        return dt.datetime.combine(day, self.closes, BEIJING) - MINUTE

    def day_before(self, day: dt.date) -> dt.date:
        """The last trading day before *day*."""
        return calendar.trading_day_until(day - dt.timedelta(days=1))


class GoldInput(ActionInput):
    amount: OptionalText = None
    measure: Annotated[Literal["money", "gram"] | None, BeforeValidator(lambda value: value or None)] = None
    date: OptionalDate = None


class Gold(BankAction[GoldInput]):
    """The price of gold (``found``), what a sum buys (``weight``), what a weight costs (``cost``), an earlier day's
    close (``past``). ``measure`` says what an amount without a currency counts."""

    name = "gold"
    outcomes = frozenset({"found", "weight", "cost", "past", "no_price", "invalid_amount"})
    source = "wealth"
    access = "public"
    disclosures = ("wealth_risk",)
    Input = GoldInput

    async def run(self, given: GoldInput, context: Context) -> Result:
        mid = await context.db.scalar(select(GoldPrice.mid))
        if mid is None:
            raise Refused("no_price", price_day=given.date)
        hours = Hours(time_rule("gold_hours_from", context.today), time_rule("gold_hours_to", context.today))
        if given.date is not None and given.date != context.today:
            return self._past(mid, hours, given.date, context)
        now = quoted(mid, hours.last_minute(context.now))
        if given.amount is not None:
            return self._converted(given.amount, given.measure, now, context)
        before = hours.day_before(now.at.astimezone(BEIJING).date())
        return self.answer(
            "found",
            self.facts(
                context,
                **_prices(now),
                last_close=quoted(mid, hours.close_of(before)).sell,
                last_close_on=before,
                trades_from=ruled("gold_hours_from", context.today),
                trades_to=ruled("gold_hours_to", context.today),
                **await _plan(context.db),
            ),
        )

    def _past(self, mid: Decimal, hours: Hours, day: dt.date, context: Context) -> Result:
        if day > context.today or day.year not in calendar.years():
            raise Refused("no_price", price_day=Said(day))
        on = calendar.trading_day_until(day)
        then = quoted(mid, hours.close_of(on))
        return self.answer("past", self.facts(context, price_day=on, sell_price=then.sell, buyback_price=then.buyback))

    def _converted(self, asked: str, measure: str | None, now: Quoted, context: Context) -> Result:
        amount = read_amount(asked)
        if amount.currency not in (None, "CNY"):
            raise Refused("invalid_amount", amount_asked=Said(asked))
        if measure == "gram" and amount.currency is None:
            grams = amount.number.quantize(WEIGHED, rounding=ROUND_FLOOR)
            if grams != amount.number:
                raise Refused("invalid_amount", amount_asked=Said(asked))
            return self.answer(
                "cost",
                self.facts(
                    context,
                    grams=weight_text(grams),
                    cost=Money.of(grams * now.sell.number),
                    proceeds=Money.of(grams * now.buyback.number),
                    **_prices(now),
                ),
            )
        money = exact_money(amount.number, "CNY", asked)
        grams = weight_for(money, now.sell)
        return self.answer("weight", self.facts(context, amount=money, grams=weight_text(grams), **_prices(now)))


def weight_for(money: Money, price: Money) -> Decimal:
    """The most gold, in grams, that *money* buys at *price* a gram."""
    return (money.number / price.number).quantize(WEIGHED, rounding=ROUND_FLOOR)


def weight_text(grams: Decimal) -> str:
    """A weight in grams with at least two decimals and no more than it needs."""
    whole, _, part = format(grams, "f").partition(".")
    return f"{whole}.{part.rstrip('0').ljust(2, '0')}"


def _prices(now: Quoted) -> dict[str, Vouched]:
    return {"sell_price": now.sell, "buyback_price": now.buyback, "quoted_at": now.at}


async def _plan(db: AsyncSession) -> dict[str, Vouched]:
    """What is fixed about the accumulation plan, where the bank sells one."""
    plan = (await db.scalars(select(Product).where(Product.type == PLAN).order_by(Product.code).limit(1))).first()
    if plan is None:
        return {}
    return {
        "plan_minimum": Money(plan.min_amount),
        "plan_fee": None if plan.fee is None else Percent(plan.fee),
    }
