"""The bank's rules about account history: which movements a question means, and what they come to."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Literal

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from backends.account.tables import Account, Entry
from backends.search import Search, bounds
from backends.values import Money, write

Flow = Literal["in", "out"]
MOVED_BY = frozenset({"alipay", "wechat", "atm"})
"""Channels that say how money moved. The others, said of a history, are where the customer wants to read it."""


async def entries(
    db: AsyncSession,
    accounts: Sequence[Account],
    search: Search,
    now: dt.datetime,
    *,
    kind: str | None = None,
    flow: Flow | None = None,
    channel: str | None = None,
) -> list[Entry]:
    """What was booked on *accounts* up to *now* and fits all that is asked, the newest first."""
    query = select(Entry).where(Entry.account_id.in_([each.account_id for each in accounts]), Entry.booked_at <= now)
    if search.period is not None:
        first, end = bounds(search.period)
        query = query.where(Entry.booked_at >= first, Entry.booked_at < end)
    if kind is not None:
        query = query.where(Entry.kind == kind)
    if flow is not None:
        query = query.where(Entry.amount > 0 if flow == "in" else Entry.amount < 0)
    if channel in MOVED_BY:
        query = query.where(Entry.channel == channel)
    found = await db.scalars(query.order_by(Entry.booked_at.desc(), Entry.entry_id))
    return [each for each in found if search.fits(each.amount, *_names(each))]


def _names(entry: Entry) -> tuple[str, ...]:
    """By which names a customer may know the other side: its own, and those of what moved the money."""
    by = () if entry.channel is None else (write(entry.channel, "zh", "enum"), write(entry.channel, "en", "enum"))
    return (entry.counterparty, entry.counterparty_en, *by)


def total_in(found: Sequence[Entry]) -> Money | None:
    """What came in with *found*; ``None`` where nothing did."""
    return _total([each.amount for each in found if each.amount > 0])


def total_out(found: Sequence[Entry]) -> Money | None:
    """What went out with *found*, above zero; ``None`` where nothing did."""
    return _total([-each.amount for each in found if each.amount < 0])


def _total(amounts: Sequence[int]) -> Money | None:
    return Money(sum(amounts)) if amounts else None


def book(
    db: AsyncSession,
    account_id: str,
    amount: Money,
    *,
    kind: str,
    counterparty: tuple[str, str],
    reference: str,
    now: dt.datetime,
) -> None:
    """Writes a movement of *amount* (CNY, below zero where it went out) into the history, once a *reference*."""
    db.add(
        Entry(
            entry_id=reference,
            account_id=account_id,
            booked_at=now,
            kind=kind,
            counterparty=counterparty[0],
            counterparty_en=counterparty[1],
            channel=None,
            amount=amount.minor,
        )
    )
