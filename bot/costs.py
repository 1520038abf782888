"""The ledger of language models: what their meters counted, stored by day, capability and model, and told as costs.

A turn does not wait for it: each process adds what it counted every few seconds, in a transaction of its own, and then
reads what all of them spent today, which the budgets are held against.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from bot.records import UsageRow
from bot.store import reading
from responses.gateway.usage import NANO, Meter, Totals

log = logging.getLogger(__name__)

EVERY = 2.0
"""Seconds between two looks: at most so much is forgotten when a process is killed, and a budget overspent by replicas."""
SUMS = Totals.__slots__
_KEYS = ("day", "capability", "provider", "model", "currency")
GROUPS = ("day", "capability", "model")


class Ledger:
    """Keeps what *meter* counts, every *every* seconds."""

    def __init__(self, engine: AsyncEngine, meter: Meter, *, every: float = EVERY) -> None:
        self._engine = engine
        self._meter = meter
        self._every = every
        self._keeping: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Learn what was spent today, and begin to keep."""
        await self.keep()
        self._keeping = asyncio.create_task(self._keep_on(), name="model-ledger")

    async def stop(self) -> None:
        """Keep what is left, and no more."""
        keeping, self._keeping = self._keeping, None
        if keeping is not None:
            keeping.cancel()
            await asyncio.gather(keeping, return_exceptions=True)
        await self._try_to_keep()

    async def keep(self) -> None:
        """Store what was counted, and learn what all processes spent today."""
        counted = self._meter.counted()
        if counted:
            async with self._engine.begin() as connection:
                # In one order everywhere: two processes that add to the same rows must not wait for each other.
                for key in sorted(counted):
                    await _add(connection, {**key._asdict(), **_sums(counted[key])})
                spent = await self._spent(connection)
        else:
            async with reading(self._engine) as connection:
                spent = await self._spent(connection)
        self._meter.stored(counted, spent)

    async def _spent(self, connection: AsyncConnection) -> dict[tuple[dt.date, str], int]:
        today = self._meter.today()
        query = (
            select(UsageRow.provider, func.sum(UsageRow.cost)).where(UsageRow.day == today).group_by(UsageRow.provider)
        )
        return {(today, provider): int(cost) for provider, cost in await connection.execute(query)}

    async def _keep_on(self) -> None:
        while True:
            await asyncio.sleep(self._every)
            await self._try_to_keep()

    async def _try_to_keep(self) -> None:
        try:
            await self.keep()
        except (SQLAlchemyError, OSError) as error:
            # It stays counted: the next look stores it.
            log.warning("the database is away, what models cost is kept later: %s", type(error).__name__)


async def _add(connection: AsyncConnection, row: dict[str, Any]) -> None:
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    statement = dialect.insert(UsageRow).values(**row)
    added = {name: getattr(UsageRow, name) + getattr(statement.excluded, name) for name in SUMS}
    await connection.execute(statement.on_conflict_do_update(index_elements=_KEYS, set_=added))


def _sums(totals: Totals) -> dict[str, int]:
    return {name: int(getattr(totals, name)) for name in SUMS}


@dataclass(frozen=True, slots=True)
class Cost:
    """The sums of one group: *by* are its names in the order they were asked for, *cost* is in *currency*."""

    by: tuple[str, ...]
    currency: str
    calls: int
    failures: int
    estimated: int
    tokens_in: int
    tokens_out: int
    cost: Decimal
    milliseconds: int

    @property
    def mean_milliseconds(self) -> int:
        """Of a call, failed ones too."""
        return round(self.milliseconds / self.calls)

    def as_json(self, names: Sequence[str]) -> dict[str, Any]:
        """With *names* for ``by``."""
        sums = {name: getattr(self, name) for name in SUMS if name != "cost"}
        return {**dict(zip(names, self.by, strict=True)), "currency": self.currency, **sums, "cost": str(self.cost)}


async def costs(engine: AsyncEngine, since: dt.date, until: dt.date, by: Sequence[str] = GROUPS) -> list[Cost]:
    """What models took and cost from *since* to *until* (days in Beijing, both counted), grouped and in order of *by*."""
    groups = [getattr(UsageRow, name) for name in by]
    query = (
        select(*groups, UsageRow.currency, *(func.sum(getattr(UsageRow, name)).label(name) for name in SUMS))
        .where(UsageRow.day.between(since, until))
        .group_by(*groups, UsageRow.currency)
        .order_by(*groups, UsageRow.currency)
    )
    async with reading(engine) as connection:
        rows = (await connection.execute(query)).all()
    found = []
    for row in rows:
        sums = {name: int(getattr(row, name)) for name in SUMS}
        money = (Decimal(sums.pop("cost")) / NANO).normalize()
        found.append(Cost(tuple(str(each) for each in row[: len(by)]), row.currency, cost=money, **sums))
    return found


def table(found: Sequence[Cost], by: Sequence[str]) -> str:
    """*found* for people, a line each and one a currency for the whole."""
    head = (*by, "calls", "failed", "tokens in", "tokens out", "cost", "ms a call")
    lines = [(*each.by, *_figures(each)) for each in found]
    for currency in sorted({each.currency for each in found}):
        whole = _together([each for each in found if each.currency == currency])
        lines.append(("all", *[""] * (len(by) - 1), *_figures(whole)))
    widths = [max(len(row[place]) for row in (head, *lines)) for place in range(len(head))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if place < len(by) else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in (head, *lines)
    )


def _figures(cost: Cost) -> tuple[str, ...]:
    about = "~" if cost.estimated else ""
    return (
        f"{cost.calls:,}",
        f"{cost.failures:,}",
        f"{about}{cost.tokens_in:,}",
        f"{about}{cost.tokens_out:,}",
        f"{about}{cost.cost:,.4f} {cost.currency}",
        f"{cost.mean_milliseconds:,}",
    )


def _together(found: Sequence[Cost]) -> Cost:
    sums = {name: sum(getattr(each, name) for each in found) for name in SUMS if name != "cost"}
    return Cost((), found[0].currency, cost=sum((each.cost for each in found), Decimal(0)), **sums)
