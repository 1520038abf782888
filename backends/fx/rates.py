"""What a currency costs at a given minute, and what one sum is worth in another currency. Pure decimal arithmetic.

The demo bank has no market feed: a price is its seeded middle price, moved a little by a hash of the minute, so that
rates live and are the same again for the same minute. A price is rounded against the customer (the bank's buying prices
down, its selling prices up), which keeps buying below selling; an amount is rounded half up to its smallest unit.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, Decimal
from typing import Literal

from backends.values import Money, Rate, minor_digits

CURRENCIES = ("USD", "EUR", "JPY", "GBP", "HKD", "AUD", "CAD", "CHF", "SGD", "NZD", "KRW", "THB")
"""What the bank quotes, in the order it lists them."""
UNIT = 100
"""A price is for so many units of the foreign currency."""

SPOT_SPREAD = Decimal("0.0018")
CASH_SPREAD = Decimal("0.0090")
SWING = Decimal("0.0006")
"""How far a minute's price can lie from the seeded middle, as a share of it."""

Side = Literal["buy", "sell", "cross"]
"""``buy``: the bank buys foreign currency; ``sell``: it sells; ``cross``: it does one and then the other."""


@dataclass(frozen=True, slots=True)
class Prices:
    """The bank's four prices of a currency (CNY for 100 units) and the middle, as quoted at the minute ``at``."""

    currency: str
    mid: Decimal
    spot_buy: Decimal
    spot_sell: Decimal
    cash_buy: Decimal
    cash_sell: Decimal
    at: dt.datetime

    def rate(self, price: Decimal) -> Rate:
        """One of these prices as a rate."""
        return Rate(price, base=self.currency, quote="CNY", per=UNIT)


@dataclass(frozen=True, slots=True)
class Conversion:
    """``given`` is worth ``received`` at ``rate``; exactly, but for rounding the result half up."""

    given: Money
    received: Money
    rate: Rate
    side: Side


def prices_at(currency: str, mid: Decimal, now: dt.datetime) -> Prices:
    """The prices of *currency* in the minute of *now*, around the seeded middle *mid*."""
    minute = now.astimezone(dt.UTC).replace(second=0, microsecond=0)
    moved = mid * (1 + _swing(currency, minute))
    step = Decimal("0.01") if mid >= UNIT else Decimal("0.0001")
    sell = (moved * (1 + SPOT_SPREAD)).quantize(step, rounding=ROUND_CEILING)
    return Prices(
        currency=currency,
        mid=moved.quantize(step, rounding=ROUND_HALF_UP),
        spot_buy=(moved * (1 - SPOT_SPREAD)).quantize(step, rounding=ROUND_FLOOR),
        spot_sell=sell,
        cash_buy=(moved * (1 - CASH_SPREAD)).quantize(step, rounding=ROUND_FLOOR),
        cash_sell=sell,
        at=minute,
    )


def _swing(currency: str, minute: dt.datetime) -> Decimal:
    """A share between -``SWING`` and ``SWING`` that looks random and depends on the minute alone."""
    mixed = hashlib.sha256(f"{currency} {minute.isoformat()}".encode()).digest()
    return SWING * (Decimal(int.from_bytes(mixed[:4])) / Decimal(2**31) - 1)


def cost_of(amount: Money, prices: Prices) -> Money:
    """What a customer pays in CNY for *amount* of foreign currency, at the bank's selling price."""
    return Money.of(amount.number * prices.spot_sell / UNIT)


def bought_for(cost: Money, prices: Prices) -> Money:
    """The most foreign currency that *cost* of CNY buys: rounded down, so that it never costs more."""
    exact = cost.number * UNIT / prices.spot_sell
    cents = Money.of(exact, prices.currency)
    return cents if cost_of(cents, prices) <= cost else Money(cents.minor - 1, prices.currency)


def proceeds_of(amount: Money, prices: Prices) -> Money:
    """What a customer gets in CNY for *amount* of foreign currency, at the bank's buying price."""
    return Money.of(amount.number * prices.spot_buy / UNIT)


def sold_for(proceeds: Money, prices: Prices) -> Money:
    """The foreign currency that brings *proceeds* of CNY: rounded up, so that it never brings less."""
    step = Decimal(1).scaleb(-minor_digits(prices.currency))
    exact = proceeds.number * UNIT / prices.spot_buy
    return Money.of(exact.quantize(step, rounding=ROUND_CEILING), prices.currency)


def in_usd(amount: Money, mid: Decimal, usd_mid: Decimal) -> Money:
    """*amount* in US dollars by middle prices, the measure of the yearly quota."""
    if amount.currency == "USD":
        return amount
    return Money.of(amount.number * mid / usd_mid, "USD")


def convert(given: Money, to: str, prices: dict[str, Prices]) -> Conversion:
    """What *given* is worth in the currency *to*, at spot prices; *prices* has every foreign currency of the two.

    Foreign for CNY takes the bank's buying price, CNY for foreign its selling price, foreign for foreign both: that
    rate is rounded to four decimals, half up, and applied as stated.
    """
    if to == "CNY":
        own = prices[given.currency]
        return Conversion(given, proceeds_of(given, own), own.rate(own.spot_buy), "buy")
    target = prices[to]
    if given.currency == "CNY":
        received = Money.of(given.number * UNIT / target.spot_sell, to)
        return Conversion(given, received, target.rate(target.spot_sell), "sell")
    crossed = (prices[given.currency].spot_buy * UNIT / target.spot_sell).quantize(Decimal("0.0001"), ROUND_HALF_UP)
    rate = Rate(crossed, base=given.currency, quote=to, per=UNIT)
    return Conversion(given, Money.of(given.number * crossed / UNIT, to), rate, "cross")


def price_of(wanted: Money, payer: str, prices: dict[str, Prices]) -> Conversion:
    """What it costs in the currency *payer* to have *wanted*, at spot prices; ``received`` is the cost.

    The sides are those of ``convert`` seen from the other end: the bank sells what is wanted and buys what pays for it.
    """
    if payer == "CNY":
        own = prices[wanted.currency]
        return Conversion(wanted, cost_of(wanted, own), own.rate(own.spot_sell), "sell")
    paid = prices[payer]
    if wanted.currency == "CNY":
        cost = Money.of(wanted.number * UNIT / paid.spot_buy, payer)
        return Conversion(wanted, cost, paid.rate(paid.spot_buy), "buy")
    crossed = (prices[wanted.currency].spot_sell * UNIT / paid.spot_buy).quantize(Decimal("0.0001"), ROUND_HALF_UP)
    rate = Rate(crossed, base=wanted.currency, quote=payer, per=UNIT)
    return Conversion(wanted, Money.of(wanted.number * crossed / UNIT, payer), rate, "cross")
