"""How a net asset value went, and the deepest it fell."""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.wealth.navs import largest_drawdown
from tests.bank import Bank, open_bank, said

DAY = dt.date(2026, 6, 1)


@pytest.fixture
async def bank(tmp_path: Path) -> AsyncIterator[Bank]:
    async with open_bank(tmp_path) as bank:
        yield bank


@given(st.lists(st.decimals("0.0001", "3", places=4), max_size=12))
def test_no_later_value_lies_deeper_below_an_earlier_one_than_the_largest_drawdown(values: list[Decimal]) -> None:
    points = [(DAY + dt.timedelta(days=number), value) for number, value in enumerate(values)]
    falls = [1 - low / high for at, high in enumerate(values) for low in values[at:] if low < high]
    found = largest_drawdown(points)
    if found is None:
        assert falls == []
    else:
        (peak_day, peak), (low_day, low) = found
        assert peak_day < low_day
        assert 1 - low / peak == max(falls)


@pytest.mark.parametrize("code", ["WP2602", "WP2605"])
async def test_a_products_history_ends_with_the_value_that_is_told(bank: Bank, code: str) -> None:
    result = await bank.ask("wealth_product", None, product_name=code)
    assert result.card is not None
    assert result.card.kind == "nav_history"
    points = result.card.data["points"]
    assert points == sorted(points)
    assert points[-1] == [said(result)["nav_date"], said(result)["nav"]]
    assert len(points) > 120


async def test_the_demo_banks_curves_agree_with_the_returns_that_are_told(bank: Bank) -> None:
    result = await bank.ask("wealth_product", None, product_name="云杉科技先锋股票")
    assert result.card is not None
    first, *_, last = (Decimal(nav) for _, nav in result.card.data["points"])
    assert round((last / first - 1) * 200, 1) == round(Decimal(said(result)["year_return"]), 1)
    assert Decimal(result.card.data["drawdown"]["percent"]) > 1


async def test_a_product_without_a_history_has_no_curve(bank: Bank) -> None:
    deposit = await bank.ask("wealth_product", None, product_type="deposit", term="P1Y")
    assert (deposit.outcome, deposit.card) == ("found", None)
