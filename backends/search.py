"""Finding movements of money as customers describe them: by days, by a name, by an amount."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal

from backends.action import Refused
from backends.facts import Said
from backends.inputs import folded, read_amount
from backends.values import BEIJING, Money, Period

RECENT = dt.timedelta(days=30)
"""How far back is looked for someone who names no time; for one movement they describe, all that is kept is."""


@dataclass(frozen=True, slots=True)
class Search:
    """What a customer said about a movement: each ``None`` where they did not. ``least`` and ``most`` bound the amount,
    both included, whichever way the money went."""

    period: Period | None = None
    merchant: str | None = None
    least: Money | None = None
    most: Money | None = None

    @property
    def describes_one(self) -> bool:
        """Whether they look for a certain movement rather than for all of them."""
        return self.merchant is not None or self.least is not None

    def fits(self, amount: int, *names: str) -> bool:
        """Whether amount (minor units) and one of *names* fit; the period is the database's to compare."""
        if self.merchant is not None and not is_called(self.merchant, *names):
            return False
        if self.least is None or self.most is None:
            return True
        return self.least.minor <= abs(amount) <= self.most.minor


def amount_bounds(asked: str, currency: str = "CNY") -> tuple[Money, Money]:
    """Between which amounts of *currency* the words *asked* lie: 388 may have been 388.50, 388.5 was 388.50.

    Refused as ``invalid_amount``, also where another currency is named.
    """
    amount = read_amount(asked)
    if amount.currency not in (None, currency):
        raise Refused("invalid_amount", amount_asked=Said(asked))
    least = Money.of(amount.number, currency)
    whole = amount.number == amount.number.to_integral_value()
    return least, Money.of(amount.number + Decimal("0.99"), currency) if whole else least


def recent(today: dt.date) -> Period:
    """The days a question without a time is about."""
    return Period(today - RECENT, today)


def is_called(said: str, *names: str) -> bool:
    """Whether *said* is one of *names*, a part of it, or holds it."""
    wanted = folded(said)
    return any(wanted in name or name in wanted for name in map(folded, names))


def bounds(period: Period) -> tuple[dt.datetime, dt.datetime]:
    """The first moment of *period* and the first after it, by the bank's clock."""
    return midnight(period.start), midnight(period.end + dt.timedelta(days=1))


def midnight(day: dt.date) -> dt.datetime:
    """The first moment of *day* by the bank's clock."""
    return dt.datetime.combine(day, dt.time(), BEIJING)
