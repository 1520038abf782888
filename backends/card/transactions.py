"""The bank's rules about card transactions: which of them a question means, and which are not billed yet."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from backends.action import BANK_TIME, Refused
from backends.card.tables import Card, Statement, Transaction
from backends.facts import Said
from backends.inputs import folded, read_amount
from backends.values import Money, Period

RECENT = dt.timedelta(days=30)
"""How far back is looked for someone who names no time; for one purchase they describe, all that is kept is."""


@dataclass(frozen=True, slots=True)
class Search:
    """What a customer said about transactions: each ``None`` where they did not. ``least`` and ``most`` bound the amount,
    both included, whichever way the money went."""

    period: Period | None = None
    merchant: str | None = None
    least: Money | None = None
    most: Money | None = None

    @property
    def describes_one(self) -> bool:
        """Whether they look for a certain purchase rather than for all of them."""
        return self.merchant is not None or self.least is not None

    def fits(self, found: Transaction) -> bool:
        """Whether merchant and amount fit; the period is the database's to compare."""
        if self.merchant is not None and not _is_called(self.merchant, found):
            return False
        if self.least is None or self.most is None:
            return True
        return self.least.minor <= abs(found.amount) <= self.most.minor


def amount_bounds(asked: str) -> tuple[Money, Money]:
    """Between which amounts *asked* lies: 388 may have been 388.50, 388.5 was 388.50. Refused as ``invalid_amount``."""
    amount = read_amount(asked)
    if amount.currency not in (None, "CNY"):
        raise Refused("invalid_amount", amount_asked=Said(asked))
    least = Money.of(amount.number)
    whole = amount.number == amount.number.to_integral_value()
    return least, Money.of(amount.number + Decimal("0.99")) if whole else least


def recent(today: dt.date) -> Period:
    """The days a question without a time is about."""
    return Period(today - RECENT, today)


def _is_called(merchant: str, found: Transaction) -> bool:
    said = folded(merchant)
    return any(said in name or name in said for name in (folded(found.merchant), folded(found.merchant_en)))


async def transactions(db: AsyncSession, cards: Sequence[Card], search: Search, now: dt.datetime) -> list[Transaction]:
    """What *cards* did up to *now* and fits *search*, the newest first."""
    query = select(Transaction).where(
        Transaction.card_id.in_([card.card_id for card in cards]), Transaction.spent_at <= now
    )
    if search.period is not None:
        first = dt.datetime.combine(search.period.start, dt.time(), BANK_TIME)
        end = dt.datetime.combine(search.period.end + dt.timedelta(days=1), dt.time(), BANK_TIME)
        query = query.where(Transaction.spent_at >= first, Transaction.spent_at < end)
    found = await db.scalars(query.order_by(Transaction.spent_at.desc(), Transaction.transaction_id))
    return [each for each in found if search.fits(each)]


async def last_statements(db: AsyncSession, cards: Sequence[Card]) -> dict[str, dt.date]:
    """The day of each card's latest statement, by card."""
    query = (
        select(Statement.card_id, func.max(Statement.issued_on))
        .where(Statement.card_id.in_([card.card_id for card in cards]))
        .group_by(Statement.card_id)
    )
    return {row.card_id: row[1] for row in await db.execute(query)}


def unbilled(found: Sequence[Transaction], statements: dict[str, dt.date]) -> list[Transaction]:
    """Those of *found* that no statement holds yet, posted or not."""
    return [each for each in found if each.posted_on > statements.get(each.card_id, dt.date.min)]


def total(found: Sequence[Transaction]) -> Money:
    """What *found* come to, refunds taken off."""
    return Money(sum(each.amount for each in found))
