"""Which product was meant, and what suits whom: never above the customer's own risk level."""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator
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


def column(result: Result, name: str) -> list[str | None]:
    return [next((fact.value for fact in row if fact.name == name), None) for row in result.rows]


# -- finding a product ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        "云杉稳盈春晓",
        "稳盈春晓",
        "WP2602",
        "wp2602",
        "ＷＰ２６０２",
        "Spruce Steady Spring",
        "steady spring",
        "云杉稳盈春晓理财产品",
    ],
)
async def test_a_product_is_found_by_what_customers_call_it(bank: Bank, name: str) -> None:
    result = await bank.ask("wealth_product", None, product_name=name)
    assert said(result) == {
        "product_name": "云杉稳盈春晓",
        "product_code": "WP2602",
        "risk_level": "R2",
        "term": "P90D",
        "min_amount": "1000.00",
        "product_type": "wealth",
        "benchmark_low": "2.10",
        "benchmark_high": "2.60",
        "benchmark_basis": "不代表未来表现和实际收益",
        "fee": "0.30",
        "nav": "1.0214",
        "nav_date": "2026-11-20",
    }
    assert result.disclosures == ("wealth_risk",)


async def test_an_open_ended_product_says_how_to_leave_it_instead_of_a_term(bank: Bank) -> None:
    facts = said(await bank.ask("wealth_product", None, product_name="云杉货币宝"))
    assert facts["redemption"] == "每个工作日可赎回"
    assert "term" not in facts


async def test_a_past_return_carries_the_period_it_was_made_in(bank: Bank) -> None:
    facts = said(await bank.ask("wealth_product", None, product_name="云杉科技先锋股票"))
    assert (facts["year_return"], facts["return_period"]) == ("-4.18", "2025-11-01/2026-10-31")
    assert "benchmark_low" not in facts


async def test_a_deposit_has_a_rate_and_its_insurance_disclosed(bank: Bank) -> None:
    result = await bank.ask("wealth_product", None, product_name="云杉大额存单")
    assert said(result)["rate"] == "1.60"
    assert not {"benchmark_low", "year_return", "nav"} & said(result).keys()
    assert result.disclosures == ("deposit_insurance",)


async def test_the_risk_of_wealth_products_is_disclosed_wherever_one_is_listed_and_not_beside_deposits(
    bank: Bank,
) -> None:
    mixed = await bank.ask("wealth_product", None, term="P12M")
    deposits = await bank.ask("wealth_product", None, product_type="deposit")
    nothing = await bank.ask("wealth_product", None, product_name="不存在的产品")
    assert mixed.disclosures == ("wealth_risk",)
    assert deposits.disclosures == ("deposit_insurance",)
    assert nothing.disclosures == ()


@pytest.mark.parametrize(
    ("given", "codes"),
    [
        ({"product_name": "稳盈"}, ["WP2602", "WP2603"]),
        ({"product_type": "large_cd"}, None),
        ({"product_type": "wealth", "risk_level": "R2"}, ["WP2602", "WP2603", "WP2604"]),
        ({"product_type": "wealth", "term": "P3M"}, None),
        ({"term": "P12M"}, ["WP2604", "DP4101"]),
        ({"risk_level": "R5"}, None),
        ({"product_type": "deposit"}, ["DP4101", "DP4102"]),
    ],
)
async def test_a_description_lists_what_fits_it(bank: Bank, given: dict[str, str], codes: list[str] | None) -> None:
    result = await bank.ask("wealth_product", None, **given)
    if codes is None:
        assert result.outcome == "found"
    else:
        assert (result.outcome, said(result)) == ("found_many", {"product_count": str(len(codes))})
        assert sorted(code for code in column(result, "product_code") if code) == sorted(codes)


@pytest.mark.parametrize("given", [{"product_name": "余额宝"}, {"product_name": "%"}, {"product_name": "。"}])
async def test_a_product_nobody_sells_is_named_back(bank: Bank, given: dict[str, str]) -> None:
    result = await bank.ask("wealth_product", None, **given)
    assert (result.outcome, said(result)) == ("not_found", {"product_asked": given["product_name"]})


async def test_a_description_nothing_fits_finds_nothing(bank: Bank) -> None:
    result = await bank.ask("wealth_product", None, product_type="deposit", risk_level="R5")
    assert (result.outcome, result.facts) == ("not_found", ())


# -- what suits whom --------------------------------------------------------------------------


@pytest.mark.parametrize("level", ["C1", "C2", "C3", "C4", "C5"])
async def test_nothing_above_the_customers_own_level_is_ever_recommended(bank: Bank, level: str) -> None:
    async with AsyncSession(bank.engine) as db, db.begin():
        await db.execute(update(RiskAssessment).where(RiskAssessment.customer_id == ME).values(level=level))
    for asked in (None, "R1", "R2", "R3", "R4", "R5"):
        result = await bank.ask("wealth_recommend", risk_level=asked)
        shown = [int(risk[1]) for risk in column(result, "risk_level") if risk]
        assert shown
        assert max(shown) <= min(int(level[1]), int(asked[1]) if asked else 5)
        above = asked is not None and int(asked[1]) > int(level[1])
        assert (result.outcome, said(result).get("risk_asked")) == (("capped", asked) if above else ("found", None))
        assert said(result)["customer_risk"] == level


async def test_a_recommendation_says_on_what_it_rests(bank: Bank) -> None:
    result = await bank.ask("wealth_recommend")
    assert said(result) == {
        "customer_risk": "C3",
        "assessed_on": "2026-07-21",
        "valid_until": "2027-07-21",
        "product_count": "3",
    }
    assert len(result.rows) == 3
    assert result.disclosures == ("wealth_risk",)
    assert result.card is not None
    assert [product["product_code"] for product in result.card.data["products"]] == column(result, "product_code")


@pytest.mark.parametrize(
    ("given", "codes"),
    [
        ({"product_type": "fund"}, ["FD3103", "FD3102", "FD3101"]),
        ({"product_type": "gold"}, ["GD5101"]),
        ({"term": "P3Y", "amount": "100000"}, ["DP4102"]),
        ({"term": "P3Y", "amount": "300000"}, ["DP4102", "LC4201"]),
        ({"product_type": "wealth", "amount": "500 CNY"}, ["WP2601"]),
    ],
)
async def test_what_they_wish_for_narrows_a_recommendation(bank: Bank, given: dict[str, str], codes: list[str]) -> None:
    assert column(await bank.ask("wealth_recommend", **given), "product_code") == codes


async def test_nothing_suitable_is_said_rather_than_something_unsuitable_shown(bank: Bank) -> None:
    result = await bank.ask("wealth_recommend", "C1002", product_type="gold")
    assert (result.outcome, said(result), result.rows) == ("none_suitable", {"customer_risk": "C1"}, ())


async def test_without_an_assessment_nothing_is_recommended(bank: Bank) -> None:
    assert (await bank.ask("wealth_recommend", "C1003")).outcome == "assessment_missing"


async def test_with_an_expired_assessment_nothing_is_recommended(bank: Bank) -> None:
    result = await bank.ask("wealth_recommend", "C1007")
    assert (result.outcome, said(result)) == (
        "assessment_expired",
        {"assessed_on": "2025-09-21", "valid_until": "2026-09-21"},
    )


async def test_an_assessment_is_valid_until_and_on_its_last_day(bank: Bank) -> None:
    bank.now = dt.datetime(2027, 7, 21, 15, 59, tzinfo=dt.UTC)  # 23:59 in Beijing
    assert (await bank.ask("wealth_recommend")).outcome == "found"
    bank.now += dt.timedelta(minutes=1)
    assert (await bank.ask("wealth_recommend")).outcome == "assessment_expired"


async def test_an_unreadable_budget_is_refused_by_name(bank: Bank) -> None:
    result = await bank.ask("wealth_recommend", amount="很多")
    assert (result.outcome, said(result)) == ("invalid_amount", {"amount_asked": "很多"})
