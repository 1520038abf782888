"""Reward points: what is left of what was earned, in which order it goes, and what it is worth."""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.card.points import lots_on, needed_for, worth
from backends.card.service_tables import PointsEntry
from backends.result import Result
from backends.values import Money
from tests.bank import Bank, open_bank, said

DAY = dt.date(2026, 1, 1)


@pytest.fixture
async def bank(tmp_path: Path) -> AsyncIterator[Bank]:
    async with open_bank(tmp_path) as bank:
        yield bank


def entry(day: int, points: int, lasts: int | None = None) -> PointsEntry:
    happened_on = DAY + dt.timedelta(days=day)
    return PointsEntry(
        entry_id=f"{day}-{points}",
        customer_id="C1",
        happened_on=happened_on,
        points=points,
        reason="redeemed" if points < 0 else "earned",
        expires_on=None if lasts is None else happened_on + dt.timedelta(days=lasts),
    )


def left(entries: list[PointsEntry], day: int) -> list[tuple[int, int]]:
    """Days until they expire (from ``DAY``) and points of what is left."""
    return [((lot.expires_on - DAY).days, lot.points) for lot in lots_on(entries, DAY + dt.timedelta(days=day))]


def test_points_are_good_on_their_last_day_and_gone_the_day_after() -> None:
    assert left([entry(0, 100, lasts=10)], 10) == [(10, 100)]
    assert left([entry(0, 100, lasts=10)], 11) == []


def test_what_expires_first_is_spent_first_whenever_it_was_earned() -> None:
    earned = [entry(0, 100, lasts=30), entry(1, 100, lasts=5)]
    assert left([*earned, entry(2, -120)], 2) == [(30, 80)]


def test_what_had_expired_when_points_were_spent_paid_for_nothing() -> None:
    assert left([entry(0, 100, lasts=5), entry(0, 100, lasts=30), entry(10, -60)], 10) == [(30, 40)]


def test_what_is_taken_back_beyond_what_is_there_comes_off_what_is_earned_next() -> None:
    entries = [entry(0, 50, lasts=30), entry(1, -80), entry(2, 100, lasts=30)]
    assert left(entries[:2], 1) == []
    assert left(entries, 2) == [(32, 70)]


def test_what_happens_later_does_not_count_yet() -> None:
    assert left([entry(0, 100, lasts=30), entry(5, -40)], 4) == [(30, 100)]


MOVEMENTS = st.lists(
    st.builds(entry, st.integers(0, 60), st.integers(1, 5000), st.integers(0, 90))
    | st.builds(entry, st.integers(0, 60), st.integers(-5000, -1)),
    max_size=12,
)


@given(MOVEMENTS, st.integers(0, 150))
def test_a_balance_is_never_below_zero_nor_above_what_was_earned(entries: list[PointsEntry], day: int) -> None:
    lots = left(entries, day)
    assert all(points > 0 and expires >= day for expires, points in lots)
    assert [expires for expires, _ in lots] == sorted({expires for expires, _ in lots})
    valid = [e for e in entries if e.points > 0 and e.happened_on <= DAY + dt.timedelta(days=day)]
    assert sum(points for _, points in lots) <= sum(e.points for e in valid)


@given(MOVEMENTS)
def test_while_nothing_expires_nothing_is_lost(entries: list[PointsEntry]) -> None:
    lasting = [entry((e.happened_on - DAY).days, e.points, lasts=500 if e.points > 0 else None) for e in entries]
    running = 0
    owing = 0
    for e in sorted(lasting, key=lambda e: (e.happened_on, e.points < 0)):
        running += e.points
        if running < 0:
            owing, running = owing - running, 0
        elif owing:
            settled = min(owing, running)
            owing, running = owing - settled, running - settled
    assert sum(points for _, points in left(lasting, 100)) == running


@given(st.integers(0, 10**9), st.integers(1, 5000))
def test_what_points_are_worth_can_be_had_for_them(points: int, a_yuan: int) -> None:
    value = worth(points, a_yuan)
    assert needed_for(value, a_yuan) <= points
    assert needed_for(Money(value.minor + 1), a_yuan) > points


# -- what customers are told ----------------------------------------------------------------


async def test_the_balance_its_worth_and_what_expires_first_are_told_with_every_reward(bank: Bank) -> None:
    result = await bank.ask("card_points")
    assert (result.outcome, said(result)) == (
        "found",
        {
            "points": "51231",
            "points_value": "102.46",
            "expiring_points": "971",
            "expiring_on": "2026-12-31",
            "points_valid": "P3Y",
            "used_on": "2026-11-15",
            "points_use": "taken_back",
            "used_points": "129",
        },
    )
    rewards = [{fact.name: fact.value for fact in row} for row in result.rows]
    assert [int(row["reward_points"]) for row in rewards] == sorted(int(row["reward_points"]) for row in rewards)
    short = {row["reward_name"]: row["points_short"] for row in rewards if "points_short" in row}
    assert short == {"京东购物卡": "769", "空气炸锅": "36769", "航空里程": "98769"}


async def test_expired_points_are_gone_from_the_balance(bank: Bank) -> None:
    bank.now += dt.timedelta(days=41)
    facts = said(await bank.ask("card_points"))
    assert (facts["points"], facts["expiring_on"]) == ("50260", "2027-12-31")


@pytest.mark.parametrize(
    ("given_period", "outcome", "facts"),
    [
        ("2026-12-01/2026-12-31", "expiring", {"expiring_points": "971", "expires_by": "2026-12-31"}),
        ("2026-12-01/2026-12-30", "expiring", {"expiring_points": "0", "expires_by": "2026-12-30"}),
        ("2026-11-21/2026-11-21", "expiring", {"expiring_points": "0", "expires_by": "2026-11-21"}),
        ("2026-10-01/2026-10-31", "earned", {"earned_points": "9870", "used_points": "0"}),
        ("2026-11-15/2026-11-15", "earned", {"earned_points": "0", "used_points": "129"}),
    ],
)
async def test_a_time_ahead_asks_what_expires_and_one_that_is_over_what_moved(
    bank: Bank, given_period: str, outcome: str, facts: dict[str, str]
) -> None:
    result = await bank.ask("card_points", period=given_period)
    assert result.outcome == outcome
    assert facts.items() <= said(result).items()
    assert said(result)["points"] == "51231"


async def test_an_amount_is_told_both_ways_what_it_earns_and_what_it_takes(bank: Bank) -> None:
    facts = said(await bank.ask("card_points", amount="99.90"))
    assert (facts["amount"], facts["amount_earns"], facts["amount_takes"]) == ("99.90", "99", "49950")
    assert (await bank.ask("card_points", amount="100 USD")).outcome == "invalid_amount"
    assert (await bank.ask("card_points", amount="0.001")).outcome == "invalid_amount"


async def test_points_are_the_customers_but_a_card_that_is_named_must_be_theirs(bank: Bank) -> None:
    def shown(result: Result) -> dict[str, str]:
        return said(result)

    assert shown(await bank.ask("card_points", card_tail="6217")) == shown(await bank.ask("card_points"))
    other = await bank.ask("card_points", card_tail="9016")
    assert (other.outcome, said(other)) == ("not_found", {"card_tail": "9016"})


async def test_who_never_earned_any_is_told_how(bank: Bank) -> None:
    result = await bank.ask("card_points", "C1008")
    assert (result.outcome, said(result)) == ("none", {"spend_unit": "1.00", "points_per_unit": "1"})
    assert {fact.source for fact in result.facts} == {"rule"}
