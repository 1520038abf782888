"""Annual fees, card applications and declined payments, as their customers are told of them."""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from backends.card.applications import OUTCOME_OF
from backends.card.declines import REASONS
from backends.card.fees import state_of
from backends.card.service_tables import AnnualFee, CardApplication, Decline
from backends.card.tables import Card
from backends.result import Result
from backends.values.codes import CODES
from tests.bank import Bank, open_bank, said


@pytest.fixture
async def bank(tmp_path: Path) -> AsyncIterator[Bank]:
    async with open_bank(tmp_path) as bank:
        yield bank


def column(result: Result, name: str) -> list[str | None]:
    return [next((fact.value for fact in row if fact.name == name), None) for row in result.rows]


async def change(bank: Bank, model: Any, where: Any, **values: Any) -> None:
    async with AsyncSession(bank.engine) as db, db.begin():
        await db.execute(update(model).where(where).values(**values))


# -- annual fees ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("made", "outcome", "left"), [(0, "to_meet", "6"), (5, "to_meet", "1"), (6, "waived", None), (7, "waived", None)]
)
async def test_a_fee_is_waived_from_the_last_purchase_that_is_needed_on(
    bank: Bank, made: int, outcome: str, left: str | None
) -> None:
    await change(bank, AnnualFee, AnnualFee.card_id == "C1008-1", purchases_made=made)
    result = await bank.ask("card_annual_fee", "C1008")
    assert (result.outcome, said(result).get("purchases_left")) == (outcome, left)
    assert said(result)["next_fee_on"] == "2027-01-12"


@given(st.sampled_from(["purchases", "exempt", "fixed"]), st.integers(0, 10**6), st.integers(0, 20), st.integers(0, 20))
def test_only_an_unmet_count_of_purchases_leaves_something_to_do(waiver: str, fee: int, needed: int, made: int) -> None:
    row = AnnualFee(fee=fee, waiver=waiver, purchases_needed=needed, purchases_made=made)
    assert (state_of(row) == "to_meet") == (waiver == "purchases" and fee > 0 and made < needed)
    assert (state_of(row) == "free") == (waiver == "exempt" or fee == 0)


async def test_what_was_charged_and_what_was_waived_are_told_apart(bank: Bank) -> None:
    charged = said(await bank.ask("card_annual_fee", "C1004", card_tail="9016"))
    assert (charged["charged"], charged["charged_on"]) == ("3600.00", "2026-01-24")
    assert "waived_on" not in charged
    waived = said(await bank.ask("card_annual_fee", card_tail="8888"))
    assert waived["waived_on"] == "2026-03-19"
    assert not {"charged", "charged_on"} & waived.keys()


async def test_a_card_without_a_fee_names_no_day_on_which_it_would_be_charged(bank: Bank) -> None:
    result = await bank.ask("card_annual_fee", "C1002")
    assert (result.outcome, said(result)) == (
        "free",
        {"card_name": "云杉颐年借记卡", "card_tail": "1948", "card_kind": "debit", "annual_fee": "0.00"},
    )


async def test_several_cards_are_listed_and_kind_and_name_narrow_them(bank: Bank) -> None:
    every = await bank.ask("card_annual_fee", "C1004")
    assert column(every, "card_tail") == ["9016", "2375", "7701"]
    assert column(every, "fee_state") == ["fee_fixed", "fee_waived", "fee_free"]
    assert column(await bank.ask("card_annual_fee", "C1004", card_kind="credit"), "card_tail") == ["9016", "2375"]
    assert said(await bank.ask("card_annual_fee", "C1004", card_product="白金"))["card_tail"] == "2375"
    assert (await bank.ask("card_annual_fee", "C1002", card_kind="credit")).outcome == "no_card"


# -- applications ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("customer", "outcome", "facts"),
    [
        ("C1001", "in_review", {"stage": "stage_reviewing", "submitted_on": "2026-11-17", "expected_by": "2026-11-29"}),
        ("C1003", "papers", {"missing_papers": "学籍在线验证报告"}),
        ("C1005", "approved", {"stage": "stage_mailed", "decided_on": "2026-11-15"}),
        ("C1006", "refused", {"refusal": "refusal_score", "reapply_from": "2027-02-08"}),
        ("C1009", "none", {"review_days": "10"}),
    ],
)
async def test_an_application_is_told_as_far_as_it_has_come(
    bank: Bank, customer: str, outcome: str, facts: dict[str, str]
) -> None:
    result = await bank.ask("card_application_status", customer)
    assert result.outcome == outcome
    assert facts.items() <= said(result).items()


async def test_a_reason_that_waiting_does_not_change_names_no_day_to_try_again(bank: Bank) -> None:
    facts = said(await bank.ask("card_application_status", "C1002"))
    assert facts["refusal"] == "refusal_age"
    assert "reapply_from" not in facts


async def test_of_several_applications_what_was_said_picks_one_and_what_fits_none_is_disregarded(bank: Bank) -> None:
    both = await bank.ask("card_application_status", "C1004")
    assert (both.outcome, column(both, "stage")) == ("found_many", ["stage_reviewing", "stage_making"])
    named = await bank.ask("card_application_status", "C1004", card_product="车主")
    assert (named.outcome, said(named)["card_name"]) == ("in_review", "云杉车主信用卡")
    assert (await bank.ask("card_application_status", "C1004", date="2026-11-12")).outcome == "approved"
    assert await bank.ask("card_application_status", "C1004", card_product="青年") == both


async def test_an_application_is_forgotten_half_a_year_after_it_was_handed_in(bank: Bank) -> None:
    bank.now += dt.timedelta(days=176)
    assert (await bank.ask("card_application_status")).outcome == "in_review"
    bank.now += dt.timedelta(days=1)
    assert (await bank.ask("card_application_status")).outcome == "none"


async def test_every_stage_and_refusal_of_the_bank_has_words(bank: Bank) -> None:
    async with AsyncSession(bank.engine) as db:
        rows = (await db.scalars(select(CardApplication))).all()
    assert {row.stage for row in rows} <= OUTCOME_OF.keys()
    assert all(f"stage_{stage}" in CODES for stage in OUTCOME_OF)
    assert all(row.refusal in CODES for row in rows if row.refusal is not None)


# -- declined payments ----------------------------------------------------------------------------


async def test_declines_are_told_newest_first_each_with_its_reason_and_what_to_do(bank: Bank) -> None:
    result = await bank.ask("card_declined")
    assert (result.outcome, said(result)) == ("found", {"decline_count": "2"})
    assert column(result, "merchant") == ["海外游戏商城", "万象影城"]
    assert column(result, "decline_reason") == [REASONS[code].why.zh for code in ("risk_control", "wrong_pin")]
    assert column(result, "remedy") == [REASONS[code].remedy.zh for code in ("risk_control", "wrong_pin")]


@pytest.mark.parametrize(
    ("given_slots", "merchants"),
    [
        ({"merchant": "影城"}, ["万象影城"]),
        ({"amount": "648"}, ["海外游戏商城"]),
        ({"amount": "96.00 CNY"}, ["万象影城"]),
        ({"date": "2026-11-19"}, ["海外游戏商城"]),
        ({"card_tail": "8888", "merchant": "游戏"}, ["海外游戏商城"]),
    ],
)
async def test_a_merchant_an_amount_or_a_day_finds_the_payment(
    bank: Bank, given_slots: dict[str, str], merchants: list[str]
) -> None:
    assert column(await bank.ask("card_declined", **given_slots), "merchant") == merchants


async def test_a_payment_the_bank_never_saw_is_not_made_up(bank: Bank) -> None:
    result = await bank.ask("card_declined", merchant="沃尔玛", amount="300")
    assert (result.outcome, said(result)) == ("no_match", {"merchant_asked": "沃尔玛", "amount": "300.00"})
    assert {fact.source for fact in result.facts} == {"customer"}


async def test_a_frozen_card_explains_itself_and_one_in_order_says_so(bank: Bank) -> None:
    frozen = await bank.ask("card_declined", "C1009")
    assert (frozen.outcome, said(frozen)["card_tail"]) == ("frozen", "4502")
    assert (await bank.ask("card_declined", "C1009", card_tail="2468")).outcome == "none"
    assert (await bank.ask("card_declined", "C1008")).outcome == "none"


async def test_declines_are_looked_for_a_month_back_and_never_ahead(bank: Bank) -> None:
    bank.now += dt.timedelta(days=24)
    assert column(await bank.ask("card_declined"), "merchant") == ["海外游戏商城"]
    bank.now += dt.timedelta(days=10)
    assert (await bank.ask("card_declined")).outcome == "none"
    bank.now -= dt.timedelta(days=40)
    assert column(await bank.ask("card_declined"), "merchant") == ["万象影城"]


async def test_no_more_than_five_are_listed(bank: Bank) -> None:
    async with AsyncSession(bank.engine) as db, db.begin():
        card = await db.get_one(Card, "C1008-1")
        for number in range(7):
            db.add(
                Decline(
                    decline_id=f"D{number}", card_id=card.card_id, tried_at=bank.now - dt.timedelta(hours=number),
                    merchant="盒马鲜生", merchant_en="Freshippo", amount=100 + number, reason="over_limit",
                )
            )  # fmt: skip
    result = await bank.ask("card_declined", "C1008")
    assert column(result, "amount") == ["1.00", "1.01", "1.02", "1.03", "1.04"]
    assert said(result)["decline_count"] == "5"


async def test_every_reason_that_is_recorded_is_worded_in_both_languages(bank: Bank) -> None:
    async with AsyncSession(bank.engine) as db:
        recorded = set(await db.scalars(select(Decline.reason)))
    assert recorded <= REASONS.keys()
    assert all(words.en for reason in REASONS.values() for words in (reason.why, reason.remedy))
