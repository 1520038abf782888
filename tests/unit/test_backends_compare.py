"""Products and kinds side by side: what differs is a fact, and which is better is never said."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from backends.result import Result
from tests.bank import Bank, open_bank, said


@pytest.fixture
async def bank(tmp_path: Path) -> AsyncIterator[Bank]:
    async with open_bank(tmp_path) as bank:
        yield bank


def column(result: Result, name: str) -> list[str | None]:
    return [next((fact.value for fact in row if fact.name == name), None) for row in result.rows]


@pytest.mark.parametrize(
    "names",
    [
        ["云杉稳盈春晓", "云杉稳盈秋实"],
        ["稳盈春晓和稳盈秋实"],
        ["Steady Spring vs Steady Harvest"],
        ["WP2602", "WP2603"],
        ["稳盈"],
        ["云杉稳盈春晓", "稳盈春晓", "稳盈秋实"],
    ],
)
async def test_products_are_found_however_their_names_were_cut(bank: Bank, names: list[str]) -> None:
    result = await bank.ask("wealth_compare", None, product_name=names)
    assert (result.outcome, column(result, "product_code")) == ("found", ["WP2602", "WP2603"])
    assert result.card is not None
    assert (result.card.kind, len(result.card.data["products"])) == ("comparison", 2)
    assert "product_asked" not in said(result)


async def test_what_differs_is_named_and_what_is_shared_is_not(bank: Bank) -> None:
    facts = said(await bank.ask("wealth_compare", None, product_name=["稳盈春晓", "稳盈秋实"]))
    assert facts == {"product_count": "2", "same_risk": "R2", "shorter_term": "云杉稳盈春晓"}
    facts = said(await bank.ask("wealth_compare", None, product_name=["安心添利", "锐进混合优选"]))
    assert {facts[name] for name in ("lower_risk", "lower_minimum", "lower_fee", "shorter_term")} == {"云杉安心添利"}
    assert "same_risk" not in facts


async def test_no_fee_is_called_lower_where_one_product_states_none(bank: Bank) -> None:
    facts = said(await bank.ask("wealth_compare", None, product_name=["DP4101", "WP2601"]))
    assert "lower_fee" not in facts


async def test_a_benchmark_is_never_shown_without_its_basis(bank: Bank) -> None:
    by_name = await bank.ask("wealth_compare", None, product_name=["WP2601", "FD3101"])
    by_kind = await bank.ask("wealth_compare", None, product_type=["wealth", "fund"])
    for result in (by_name, by_kind):
        for row in result.rows:
            names = {fact.name for fact in row}
            assert ("benchmark_low" in names) == ("benchmark_basis" in names)
            assert (bool(names & {"year_return", "past_low"})) == ("return_period" in names)
        assert result.disclosures == ("wealth_risk",)


async def test_a_product_that_is_not_ours_is_named_beside_what_is(bank: Bank) -> None:
    alone = await bank.ask("wealth_compare", None, product_name=["云杉安心添利和余额宝"])
    assert (alone.outcome, said(alone)["product_asked"], said(alone)["product_code"]) == (
        "one_missing",
        "余额宝",
        "WP2601",
    )
    assert alone.fact("product_asked").source == "customer"
    among = await bank.ask("wealth_compare", None, product_name=["安心添利", "货币宝", "余额宝", "零钱通"])
    assert (among.outcome, said(among)["product_asked"]) == ("found", "余额宝、零钱通")


@pytest.mark.parametrize(
    ("given_", "outcome"),
    [
        ({"product_name": ["余额宝", "零钱通"]}, "not_found"),
        ({"product_name": ["云杉安心添利"]}, "which"),
        ({"product_name": ["Spruce"]}, "which"),
        ({"product_type": ["fund"]}, "which"),
        ({"product_type": ["bond", "insurance"]}, "which"),
        ({"risk_level": ["R2"]}, "which"),
        ({}, "which"),
        ({"bank": "招行", "product_type": ["wealth"]}, "other_bank"),
    ],
)
async def test_too_little_to_compare_is_said_so(bank: Bank, given_: dict[str, Any], outcome: str) -> None:
    assert (await bank.ask("wealth_compare", None, **given_)).outcome == outcome


async def test_kinds_tell_what_is_insured_and_between_which_figures_they_lie(bank: Bank) -> None:
    result = await bank.ask("wealth_compare", None, product_type=["deposit", "wealth", "bond"])
    assert (result.outcome, column(result, "product_type")) == ("kinds", ["deposit", "wealth"])
    assert said(result) == {"kind_missing": "bond"}
    assert ["存款保险" in (text or "") for text in column(result, "protection")] == [True, False]
    assert (column(result, "rate_low")[0], column(result, "rate_high")[0]) == ("1.10", "1.35")
    low, high = column(result, "benchmark_low")[1], column(result, "benchmark_high")[1]
    assert Decimal(low or 0) < Decimal(high or 0)
    assert column(result, "risk_up_to") == [None, "R4"]


async def test_a_structured_deposit_is_not_called_an_ordinary_one(bank: Bank) -> None:
    result = await bank.ask("wealth_compare", None, product_type=["structured", "deposit"])
    assert column(result, "protection")[0] != column(result, "protection")[1]
    assert result.disclosures == ("wealth_risk",)
    deposits = await bank.ask("wealth_compare", None, product_type=["large_cd", "deposit"])
    assert deposits.disclosures == ("deposit_insurance",)


async def test_terms_of_one_kind_are_compared_by_the_products_that_run_so_long(bank: Bank) -> None:
    result = await bank.ask("wealth_compare", None, product_type=["deposit"], term=["P1Y", "P3Y"])
    assert (result.outcome, column(result, "product_code")) == ("found", ["DP4101", "DP4102"])


async def test_risk_levels_are_told_in_their_order_with_who_may_buy_them(bank: Bank) -> None:
    result = await bank.ask("wealth_compare", None, risk_level=["R3", "R2", "R3"])
    assert (result.outcome, column(result, "risk_level"), column(result, "customer_risk")) == (
        "levels",
        ["R2", "R3"],
        ["C2", "C3"],
    )
