"""The ledger of language models: added up in SQL by every process, read back as budgets and as costs."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncEngine
from typer.testing import CliRunner

from backends.values import BEIJING
from bot.cli import app
from bot.costs import Ledger, costs, table
from bot.store import open_database
from responses.gateway import Meter, Price, Usage

DAY = dt.date(2026, 11, 21)
PRICE = Price(input=Decimal(2), output=Decimal(8))
FOREVER = 3600.0


def count(meter: Meter, capability: str = "card_bill", model: str = "qwen", tokens: int = 1000, **how: object) -> None:
    told = {"price": PRICE, "usage": Usage(tokens, 100), "failed": False, "seconds": 0.25, **how}
    meter.record(capability=capability, provider=model, model=model, **told)  # type: ignore[arg-type]


async def test_two_processes_add_to_one_ledger_and_learn_what_both_spent(open_engine: Callable[[], AsyncEngine]):
    here, there = Meter(lambda: DAY), Meter(lambda: DAY)
    ours, theirs = Ledger(open_engine(), here), Ledger(open_engine(), there)
    for _ in range(3):
        count(here)
        count(there)
        count(there, "fx_rate", failed=True)
        await asyncio.gather(ours.keep(), theirs.keep())
    await ours.keep()
    each = PRICE.cost(Usage(1000, 100))
    assert here.spent("qwen") == 9 * each
    count(here)
    assert here.spent("qwen") == 10 * each
    found = await costs(open_engine(), DAY, DAY, ("capability",))
    sums = [(cost.by, cost.calls, cost.failures, cost.tokens_in, cost.milliseconds) for cost in found]
    assert sums == [(("card_bill",), 6, 0, 6000, 1500), (("fx_rate",), 3, 3, 3000, 750)]
    assert sum(cost.cost for cost in found) == 9 * (Decimal(2000) + 800) / 10**6
    assert here.counted()
    assert not there.counted()


async def test_what_cannot_be_stored_stays_counted(open_engine: Callable[[], AsyncEngine], caplog):
    meter = Meter(lambda: DAY)
    engine = open_engine()
    ledger = Ledger(engine, meter, every=FOREVER)
    await ledger.start()
    count(meter)
    before = meter.counted()

    class Away:
        def begin(self) -> object:
            raise OperationalError("INSERT", None, OSError("away"))

    ledger._engine = Away()  # type: ignore[assignment]
    await ledger._try_to_keep()
    assert meter.counted() == before
    ledger._engine = engine
    await ledger.stop()
    assert not meter.counted()
    [cost] = await costs(engine, DAY, DAY, ("model",))
    assert cost.calls == 1


async def test_what_was_spent_before_a_restart_counts(open_engine: Callable[[], AsyncEngine]):
    first = Meter(lambda: DAY)
    count(first)
    await Ledger(open_engine(), first).keep()
    second = Meter(lambda: DAY)
    ledger = Ledger(open_engine(), second, every=FOREVER)
    await ledger.start()
    assert second.spent("qwen") == PRICE.cost(Usage(1000, 100))
    await ledger.stop()


async def test_days_and_currencies_are_kept_apart(open_engine: Callable[[], AsyncEngine]):
    today = [DAY]
    meter = Meter(lambda: today[0])
    ledger = Ledger(open_engine(), meter)
    count(meter)
    count(meter, price=Price(currency="USD", input=Decimal(1)))
    today[0] += dt.timedelta(days=1)
    count(meter)
    await ledger.keep()
    found = await costs(open_engine(), DAY, today[0], ("day",))
    assert [(cost.by, cost.currency) for cost in found] == [
        (("2026-11-21",), "CNY"), (("2026-11-21",), "USD"), (("2026-11-22",), "CNY"),
    ]  # fmt: skip
    assert len(await costs(open_engine(), today[0], today[0])) == 1
    shown = table(found, ("day",)).splitlines()
    assert [line.split()[0] for line in shown] == ["day", "2026-11-21", "2026-11-21", "2026-11-22", "all", "all"]


def test_the_command_tells_them_as_a_table_and_as_json(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    from bot import migrations

    monkeypatch.setenv("TELLER_DATA_DIR", str(tmp_path))
    monkeypatch.delenv("DATABASE_URL", raising=False)

    async def fill() -> None:
        engine = open_database(None, tmp_path)
        await migrations.upgrade(engine)
        meter = Meter(lambda: dt.datetime.now(BEIJING).date())
        count(meter, usage=Usage(1000, 100, estimated=True))
        await Ledger(engine, meter).keep()
        await engine.dispose()

    asyncio.run(fill())
    shown = CliRunner().invoke(app, ["costs", "--by", "capability,model"])
    assert shown.exit_code == 0
    assert "card_bill" in shown.stdout
    assert "~0.0028 CNY" in shown.stdout
    [row] = json.loads(CliRunner().invoke(app, ["costs", "--json", "--by", "model"]).stdout)
    assert (row["model"], row["cost"], row["calls"], row["estimated"]) == ("qwen", "0.0028", 1, 1)
    assert CliRunner().invoke(app, ["costs", "--by", "customer"]).exit_code == 1
