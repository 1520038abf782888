"""What customers hold and how they were assessed."""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from backends.result import Result
from backends.wealth.tables import RiskAssessment
from tests.bank import ME, Bank, open_bank, said


@pytest.fixture
async def bank(tmp_path: Path) -> AsyncIterator[Bank]:
    async with open_bank(tmp_path) as bank:
        yield bank


def rows(result: Result) -> dict[str, dict[str, str]]:
    found = [{fact.name: fact.value for fact in row} for row in result.rows]
    return {row["product_name"]: row for row in found}


async def test_a_holding_is_told_with_its_worth_its_gain_and_its_maturity(bank: Bank) -> None:
    result = await bank.ask("wealth_holdings")
    assert (result.outcome, said(result)) == (
        "found",
        {
            "product_count": "4",
            "total_value": "60395.97",
            "total_gain": "-104.03",
            "awaiting_amount": "2000.00",
            "nav_date": "2026-11-20",
        },
    )
    told = rows(result)
    assert told["云杉稳盈春晓"] == {
        "product_name": "云杉稳盈春晓",
        "holding_status": "confirmed",
        "value": "30070.66",
        "gain": "70.66",
        "units": "29440.63",
        "matures_on": "2026-12-19",
    }
    assert told["云杉均衡成长混合"]["gain"] == "-224.17"
    assert result.disclosures == ("wealth_risk",)


async def test_a_total_is_the_sum_of_its_rows(bank: Bank) -> None:
    for customer_id in ("C1001", "C1002", "C1004", "C1005", "C1009"):
        result = await bank.ask("wealth_holdings", customer_id)
        for total, each in (("total_value", "value"), ("total_gain", "gain"), ("awaiting_amount", "amount")):
            parts = [Decimal(fact.value) for row in result.rows for fact in row if fact.name == each]
            assert sum(parts) == Decimal(said(result).get(total, "0")), (customer_id, total)


async def test_what_awaits_confirmation_has_no_worth_until_its_day(bank: Bank) -> None:
    assert rows(await bank.ask("wealth_holdings"))["云杉纯债优选债券"] == {
        "product_name": "云杉纯债优选债券",
        "holding_status": "awaiting",
        "amount": "2000.00",
        "confirm_on": "2026-11-23",
    }
    bank.now = dt.datetime(2026, 11, 22, 16, 0, tzinfo=dt.UTC)  # midnight in Beijing
    row = rows(await bank.ask("wealth_holdings"))["云杉纯债优选债券"]
    assert (row["holding_status"], row["value"]) == ("confirmed", "1999.03")


async def test_a_product_matures_on_its_day(bank: Bank) -> None:
    bank.now = dt.datetime(2026, 12, 18, 16, 0, tzinfo=dt.UTC)  # midnight in Beijing
    assert rows(await bank.ask("wealth_holdings"))["云杉稳盈春晓"]["holding_status"] == "matured"


@pytest.mark.parametrize(
    ("given", "names"),
    [
        ({"product_type": "fund"}, {"云杉均衡成长混合", "云杉纯债优选债券"}),
        ({"product_name": "安心添利"}, {"云杉安心添利"}),
        ({"product_name": "WP2602"}, {"云杉稳盈春晓"}),
    ],
)
async def test_a_name_or_a_kind_narrows_the_holdings(bank: Bank, given: dict[str, str], names: set[str]) -> None:
    assert rows(await bank.ask("wealth_holdings", **given)).keys() == names


async def test_a_product_they_do_not_hold_reads_like_one_that_does_not_exist(bank: Bank) -> None:
    for name in ("云杉科技先锋股票", "余额宝"):
        result = await bank.ask("wealth_holdings", product_name=name)
        assert (result.outcome, said(result)) == ("not_held", {"product_asked": name})


async def test_a_customer_who_holds_nothing_is_told_so(bank: Bank) -> None:
    assert (await bank.ask("wealth_holdings", "C1006")).outcome == "none"


# -- the risk assessment --------------------------------------------------------------------


async def test_an_assessment_is_told_with_what_it_allows(bank: Bank) -> None:
    assert said(await bank.ask("risk_assessment")) == {
        "customer_risk": "C3",
        "assessed_on": "2026-07-21",
        "valid_until": "2027-07-21",
        "risk_level": "R3",
    }


@pytest.mark.parametrize("level", ["C1", "C2", "C3", "C4", "C5"])
@pytest.mark.parametrize("asked", ["R1", "R2", "R3", "R4", "R5"])
async def test_a_level_that_is_asked_about_is_within_or_above_their_own(bank: Bank, level: str, asked: str) -> None:
    async with AsyncSession(bank.engine) as db, db.begin():
        await db.execute(update(RiskAssessment).where(RiskAssessment.customer_id == ME).values(level=level))
    result = await bank.ask("risk_assessment", risk_level=asked)
    assert result.outcome == ("within" if asked[1] <= level[1] else "above")
    assert said(result)["risk_asked"] == asked


async def test_an_assessment_that_is_missing_or_expired_allows_nothing(bank: Bank) -> None:
    assert (await bank.ask("risk_assessment", "C1003")).outcome == "assessment_missing"
    expired = await bank.ask("risk_assessment", "C1007")
    assert (expired.outcome, said(expired)) == (
        "assessment_expired",
        {"assessed_on": "2025-09-21", "valid_until": "2026-09-21"},
    )
