"""The bank's rules about card transactions: which of them a question means, and which are not billed yet."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from backends.card.tables import Card, Statement, Transaction
from backends.search import Search, bounds
from backends.values import Money


async def transactions(db: AsyncSession, cards: Sequence[Card], search: Search, now: dt.datetime) -> list[Transaction]:
    """What *cards* did up to *now* and fits *search*, the newest first."""
    query = select(Transaction).where(
        Transaction.card_id.in_([card.card_id for card in cards]), Transaction.spent_at <= now
    )
    if search.period is not None:
        first, end = bounds(search.period)
        query = query.where(Transaction.spent_at >= first, Transaction.spent_at < end)
    found = await db.scalars(query.order_by(Transaction.spent_at.desc(), Transaction.transaction_id))
    return [each for each in found if search.fits(each.amount, each.merchant, each.merchant_en)]


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
