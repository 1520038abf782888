"""The demo bank for tests: a seeded database, a clock that moves when told, and short ways to ask."""

from __future__ import annotations

import asyncio
import atexit
import datetime as dt
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from sqlalchemy.ext.asyncio import AsyncEngine

from backends.action import ActionCall, Caller, Step
from backends.demo import seed
from backends.local import LocalActions
from backends.result import Result
from bot.store import open_database

BANK_NOW = dt.datetime(2026, 11, 21, 2, 30, 12, tzinfo=dt.UTC)
"""A Saturday, 10:30 in Beijing."""
ME = "C1001"


def caller(customer_id: str | None, conversation_id: str = "conversation") -> Caller:
    """A customer who is signed in and has answered a one-time code, or a visitor."""
    return Caller(
        customer_id=customer_id,
        assurance="stepped_up" if customer_id else "none",
        conversation_id=conversation_id,
    )


class Bank:
    """The bank's actions over *engine*, as of ``now``."""

    def __init__(self, engine: AsyncEngine) -> None:
        self.engine = engine
        self.now = BANK_NOW
        self.actions = LocalActions(engine, lambda: self.now)

    async def ask(self, name: str, customer_id: str | None = ME, step: Step = "run", **given: Any) -> Result:
        """One step of an action on behalf of a customer."""
        return await self.actions.run(ActionCall(name=name, step=step, input=given, key="ask"), caller(customer_id))

    async def commit(self, prepared: Result, customer_id: str | None = ME, key: str = "key", **changes: Any) -> Result:
        """Confirms what was prepared."""
        return await self.actions.run(commit_of(prepared, key, **changes), caller(customer_id))


def commit_of(prepared: Result, key: str = "key", **changes: Any) -> ActionCall:
    """The call that confirms *prepared*."""
    assert prepared.quote is not None
    call = ActionCall(
        name=prepared.capability,
        step="commit",
        quote_id=prepared.quote.quote_id,
        digest=prepared.quote.digest,
        key=key,
    )
    return call.model_copy(update=changes)


def said(result: Result) -> dict[str, str]:
    """The facts of a result: their canonical values by name."""
    return {fact.name: fact.value for fact in result.facts}


@asynccontextmanager
async def open_bank(folder: Path) -> AsyncIterator[Bank]:
    """A freshly seeded bank in an SQLite file of *folder*."""
    shutil.copy(await asyncio.to_thread(_template), folder / "bank.db")
    engine = open_database(None, folder, "bank")
    try:
        yield Bank(engine)
    finally:
        await engine.dispose()


@cache
def _template() -> Path:
    folder = Path(mkdtemp(prefix="teller-bank-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)

    async def make() -> None:
        engine = open_database(None, folder, "bank")
        await seed(engine, BANK_NOW)
        await engine.dispose()

    asyncio.run(make())
    return folder / "bank.db"
