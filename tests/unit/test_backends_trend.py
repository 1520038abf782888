"""How a currency went: the price of each weekday, the highest and the lowest, and the change between the first and the last."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from backends.fx.rates import CURRENCIES
from backends.fx.tables import DailyMid, MidPrice
from backends.fx.trend import Trend
from backends.result import Result
from backends.values import Percent
from tests.bank import BANK_NOW, Bank, open_bank, said

FRIDAY = dt.date(2026, 11, 20)


@pytest.fixture
async def bank(tmp_path: Path) -> AsyncIterator[Bank]:
    async with open_bank(tmp_path) as bank:
        yield bank


async def trend(bank: Bank, *currency: str, **given: str) -> Result:
    return await bank.ask("fx_rate", None, "run", currency=list(currency), **given)


def points(result: Result) -> list[tuple[str, Decimal]]:
    assert result.card is not None
    assert result.card.kind == "rate_history"
    return [(point["day"], Decimal(point["mid"])) for point in result.card.data["points"]]


async def test_only_who_asks_for_the_trend_is_told_it(bank: Bank) -> None:
    plain = await trend(bank, "USD")
    assert (plain.outcome, plain.card) == ("found", None)
    assert (await trend(bank, "USD", about="trend")).outcome == "history"
    assert (await trend(bank, "USD", period="2026-11-01/2026-11-15")).outcome == "history"


async def test_without_a_time_the_last_thirty_days_are_told_by_their_weekdays(bank: Bank) -> None:
    result = await trend(bank, "USD", about="trend")
    days = [dt.date.fromisoformat(day) for day, _ in points(result)]
    assert days == sorted(days)
    assert {day.weekday() for day in days} == {0, 1, 2, 3, 4}
    assert said(result)["period"] == "2026-10-22/2026-11-20"
    assert len(days) == 22


async def test_what_is_stated_is_what_the_card_draws(bank: Bank) -> None:
    result = await trend(bank, "JPY", period="2026-09-01/2026-11-21")
    drawn, facts = points(result), said(result)
    mids = [mid for _, mid in drawn]
    assert Decimal(facts["high"]) == max(mids)
    assert Decimal(facts["low"]) == min(mids)
    assert dict(drawn)[facts["high_on"]] == max(mids)
    assert dict(drawn)[facts["low_on"]] == min(mids)
    change = (mids[-1] / mids[0] - 1) * 100
    assert abs(abs(change) - Decimal(facts["change_percent"])) <= Decimal("0.005")
    assert facts["trend"] == ("rose" if change > 0 else "fell")


async def test_todays_prices_stand_beside_the_trend(bank: Bank) -> None:
    now = said(await trend(bank, "EUR"))
    went = said(await trend(bank, "EUR", about="trend"))
    assert {name: went[name] for name in ("spot_buy", "spot_sell", "quoted_at")} == {
        name: now[name] for name in ("spot_buy", "spot_sell", "quoted_at")
    }


async def test_the_same_day_has_the_same_price_whenever_it_is_asked_for(bank: Bank) -> None:
    early = dict(points(await trend(bank, "USD", period="2026-11-02/2026-11-20")))
    bank.now = BANK_NOW + dt.timedelta(days=40)
    later = dict(points(await trend(bank, "USD", period="2026-10-01/2026-12-31")))
    assert early.items() <= later.items()
    assert max(later) == "2026-12-31"


async def test_a_day_has_no_price_before_it_is_fixed(bank: Bank) -> None:
    bank.now = dt.datetime(2026, 11, 24, 1, 14, tzinfo=dt.UTC)  # 09:14 in Beijing
    assert points(await trend(bank, "USD", about="trend"))[-1][0] == "2026-11-23"
    bank.now += dt.timedelta(minutes=1)
    assert points(await trend(bank, "USD", about="trend"))[-1][0] == "2026-11-24"


async def test_where_nothing_is_kept_that_is_said(bank: Bank) -> None:
    result = await trend(bank, "USD", period="2019-01-01/2019-12-31")
    assert (result.outcome, said(result)) == (
        "no_history",
        {"currency": "USD", "period": "2019-01-01/2019-12-31"},
    )


async def test_a_time_to_come_has_no_trend_and_the_price_is_told(bank: Bank) -> None:
    assert (await trend(bank, "USD", period="2026-12-01/2026-12-31")).outcome == "found"


async def test_without_a_currency_the_dollar_is_meant_and_of_several_the_prices_are_told(bank: Bank) -> None:
    assert said(await trend(bank, about="trend"))["currency"] == "USD"
    assert (await trend(bank, "USD", "EUR", about="trend")).outcome == "found_many"
    assert (await trend(bank, "VND", about="trend")).outcome == "unsupported"


async def test_the_past_leads_up_to_the_price_of_today_in_small_steps(bank: Bank) -> None:
    async with AsyncSession(bank.engine) as db:
        mids = {row.currency: row.mid for row in await db.scalars(select(MidPrice))}
        for currency in CURRENCIES:
            query = select(DailyMid).where(DailyMid.currency == currency).order_by(DailyMid.day)
            past = (await db.scalars(query)).all()
            assert (past[-1].day, past[-1].mid) == (FRIDAY, mids[currency])
            assert past[0].day < FRIDAY - dt.timedelta(days=360)
            steps = [after.mid / before.mid - 1 for before, after in itertools.pairwise(past)]
            assert max(abs(step) for step in steps) < Decimal("0.004")


@given(st.lists(st.decimals("0.5", "1000", places=2), min_size=1, max_size=40))
def test_high_and_low_bound_every_price_and_the_change_has_its_direction(mids: list[Decimal]) -> None:
    days = [dt.date(2026, 1, 1) + dt.timedelta(days=number) for number in range(len(mids))]
    went = Trend("USD", list(zip(days, mids, strict=True)))
    assert all(went.low[1] <= mid <= went.high[1] for mid in mids)
    assert (went.direction == "unchanged") is (went.change == Percent(Decimal(0)))
    if went.direction == "rose":
        assert mids[-1] > mids[0]
    elif went.direction == "fell":
        assert mids[-1] < mids[0]
