"""Changing a credit card's limit: how far, for how long, at once or after a review, and back again."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from backends.card.tables import Card, LimitChange, LimitOffer
from backends.result import Result
from tests.bank import ME, Bank, open_bank, said


@pytest.fixture
async def bank(tmp_path: Path) -> AsyncIterator[Bank]:
    async with open_bank(tmp_path) as bank:
        yield bank


async def ask(bank: Bank, customer_id: str = ME, **given: Any) -> Result:
    return await bank.ask("card_limit_change", customer_id, "prepare", **given)


async def limits(bank: Bank, card_id: str = "C1001-1") -> tuple[int | None, int | None, dt.date | None]:
    async with AsyncSession(bank.engine) as db:
        card = await db.get_one(Card, card_id)
    return card.credit_limit, card.temporary_limit, card.temporary_until


async def change(bank: Bank, table: type[Any], where: Any, **values: Any) -> None:
    async with AsyncSession(bank.engine) as db, db.begin():
        await db.execute(update(table).where(where).values(**values))


async def changes(bank: Bank, card_id: str = "C1001-1") -> list[tuple[str, int, int, str]]:
    query = select(LimitChange).where(LimitChange.card_id == card_id)
    async with AsyncSession(bank.engine) as db:
        return [(each.kind, each.before, each.after, each.state) for each in await db.scalars(query)]


# -- a temporary raise --------------------------------------------------------------------


async def test_a_temporary_raise_holds_at_once_until_its_last_day_and_ends_by_itself(bank: Bank) -> None:
    ready = await ask(bank, limit_kind="temporary", amount="100000")
    assert (said(ready)["credit_limit"], said(ready)["new_limit"], said(ready)["until"]) == (
        "80000.00",
        "100000.00",
        "2026-12-21",
    )
    done = await bank.commit(ready)
    assert (done.completed, said(done)["available"]) == (True, "90784.40")
    assert await bank.commit(ready, key="another") == done
    assert await limits(bank) == (8000000, 10000000, dt.date(2026, 12, 21))
    bank.now = dt.datetime(2026, 12, 21, 15, 59, tzinfo=dt.UTC)
    assert said(await bank.ask("card_limit"))["available"] == "90784.40"
    bank.now += dt.timedelta(minutes=1)
    assert said(await bank.ask("card_limit"))["available"] == "70784.40"
    assert said(await bank.ask("card_limit_change", step="status"))["limit_state"] == "limit_ended"


@pytest.mark.parametrize(
    ("period", "until"),
    [
        ("2026-12-01/2026-12-15", "2026-12-15"),
        ("2026-11-21/2026-11-21", "2026-11-21"),
        ("2026-12-01/2026-12-31", "2026-12-21"),
        ("2026-11-01/2026-11-20", "2026-12-21"),
    ],
)
async def test_its_last_day_is_that_of_the_period_within_what_is_allowed(bank: Bank, period: str, until: str) -> None:
    assert said(await ask(bank, limit_kind="temporary", amount="100000", period=period))["until"] == until


async def test_the_offer_is_the_most_there_is(bank: Bank) -> None:
    assert (await ask(bank, limit_kind="temporary", amount="120000")).outcome == "ready"
    over = await ask(bank, limit_kind="temporary", amount="120100")
    assert (over.outcome, said(over)["offered_limit"]) == ("over_offer", "120000.00")
    over = await ask(bank, limit_kind="permanent", amount="100100")
    assert (over.outcome, said(over)["offered_limit"]) == ("over_offer", "100000.00")


async def test_an_offer_holds_to_its_last_day(bank: Bank) -> None:
    await change(bank, LimitOffer, LimitOffer.card_id == "C1001-1", valid_until=dt.date(2026, 11, 21))
    assert (await ask(bank, limit_kind="temporary", amount="90000")).outcome == "ready"
    await change(bank, LimitOffer, LimitOffer.card_id == "C1001-1", valid_until=dt.date(2026, 11, 20))
    assert (await ask(bank, limit_kind="temporary", amount="90000")).outcome == "no_offer"
    assert (await ask(bank, "C1003", direction="raise")).outcome == "no_offer"


@pytest.mark.parametrize(
    ("amount", "measure", "new_limit"),
    [
        ("90000", "to", "90000.00"),
        ("90000", None, "90000.00"),
        ("10000", "by", "90000.00"),
        ("10000", None, "90000.00"),
    ],
)
async def test_an_amount_is_the_limit_or_what_is_added_to_it(
    bank: Bank, amount: str, measure: str | None, new_limit: str
) -> None:
    ready = await ask(bank, direction="raise", limit_kind="temporary", amount=amount, measure=measure)
    assert said(ready)["new_limit"] == new_limit


async def test_a_raise_to_no_more_than_there_is_says_so(bank: Bank) -> None:
    for amount in ("80000", "50000"):
        same = await ask(bank, direction="raise", limit_kind="temporary", amount=amount, measure="to")
        assert same.outcome == "same_limit"


async def test_kind_and_amount_are_asked_for_with_what_can_be_had(bank: Bank) -> None:
    asked = await ask(bank, direction="raise")
    assert [(choice.slot, choice.value) for choice in asked.choices] == [
        ("limit_kind", "temporary"),
        ("limit_kind", "permanent"),
    ]
    asked = await ask(bank, direction="raise", limit_kind="permanent")
    assert (asked.outcome, asked.choices[0].value) == ("how_much", "100000.00")
    assert (await ask(bank, direction="lower")).outcome == "how_low"


@pytest.mark.parametrize("amount", ["0", "-1", "90050", "100.5", "1000 USD"])
async def test_a_limit_is_a_round_sum_of_yuan(bank: Bank, amount: str) -> None:
    assert (await ask(bank, limit_kind="temporary", amount=amount)).outcome == "invalid_amount"


# -- a permanent raise --------------------------------------------------------------------


async def test_a_permanent_raise_goes_to_review_once_and_changes_nothing_yet(bank: Bank) -> None:
    ready = await ask(bank, limit_kind="permanent", amount="100000")
    other = await ask(bank, limit_kind="permanent", amount="90000")
    submitted = await bank.commit(ready, key="1")
    assert (submitted.outcome, submitted.completed) == ("submitted", True)
    assert await limits(bank) == (8000000, None, None)
    assert (await bank.commit(other, key="2")).outcome == "changed"
    waiting = await ask(bank, limit_kind="permanent", amount="90000")
    assert (waiting.outcome, waiting.fact("reference").value) == ("in_review", submitted.reference)
    assert await changes(bank) == [("permanent", 8000000, 10000000, "in_review")]
    assert said(await bank.ask("card_limit_change", step="status"))["limit_state"] == "limit_in_review"


async def test_two_requests_at_once_are_one_review(bank: Bank) -> None:
    quotes = [await ask(bank, limit_kind="permanent", amount=amount) for amount in ("90000", "100000")]
    answers = await asyncio.gather(*(bank.commit(ready, key=f"key {number}") for number, ready in enumerate(quotes)))
    assert sorted(answer.outcome for answer in answers) == ["changed", "submitted"]


# -- lower --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("amount", "outcome"),
    [("80000", "same_limit"), ("79900", "ready"), ("9300", "ready"), ("9200", "below_used"), ("900", "below_lowest")],
)
async def test_a_limit_is_lowered_to_what_is_used_and_to_the_lowest_there_is(
    bank: Bank, amount: str, outcome: str
) -> None:
    assert (await ask(bank, direction="lower", amount=amount)).outcome == outcome


async def test_a_smaller_sum_without_a_word_is_a_lowering(bank: Bank) -> None:
    assert said(await ask(bank, amount="20000"))["new_limit"] == "20000.00"
    assert said(await ask(bank, direction="lower", measure="by", amount="20000"))["new_limit"] == "60000.00"
    assert (await ask(bank, direction="lower", measure="by", amount="80000")).outcome == "invalid_amount"


async def test_what_was_spent_meanwhile_stops_a_lowering(bank: Bank) -> None:
    ready = await ask(bank, direction="lower", amount="20000")
    await change(bank, Card, Card.card_id == "C1001-1", used=2000001)
    assert (await bank.commit(ready)).outcome == "changed"
    assert await limits(bank) == (8000000, None, None)


# -- and back -----------------------------------------------------------------------------


async def test_a_limit_that_was_lowered_is_restored_at_once_and_no_further(bank: Bank) -> None:
    await bank.commit(await ask(bank, direction="lower", amount="20000"), key="1")
    assert (await limits(bank))[0] == 2000000
    part = await ask(bank, direction="restore", amount="50000")
    assert said(part)["new_limit"] == "50000.00"
    assert (await ask(bank, direction="restore", amount="80100")).outcome == "nothing_to_restore"
    ready = await ask(bank, direction="restore")
    assert said(ready)["new_limit"] == "80000.00"
    assert (await bank.commit(ready, key="2")).outcome == "done"
    assert (await limits(bank))[0] == 8000000
    assert (await ask(bank, direction="restore")).outcome == "nothing_to_restore"


async def test_a_limit_that_the_bank_has_set_since_is_not_restored(bank: Bank) -> None:
    await bank.commit(await ask(bank, direction="lower", amount="20000"))
    await change(bank, Card, Card.card_id == "C1001-1", credit_limit=3000000)
    assert (await ask(bank, direction="restore")).outcome == "nothing_to_restore"


async def test_a_temporary_limit_is_ended_before_its_day(bank: Bank) -> None:
    ready = await ask(bank, "C1007", direction="restore")
    assert said(ready)["limit_change"] == "limit_end"
    assert (said(ready)["limit_kind"], said(ready)["temporary_limit"], said(ready)["new_limit"]) == (
        "temporary",
        "180000.00",
        "120000.00",
    )
    assert (await bank.commit(ready, "C1007")).outcome == "done"
    assert await limits(bank, "C1007-1") == (12000000, None, None)


async def test_a_temporary_limit_that_is_in_use_is_not_ended(bank: Bank) -> None:
    ready = await ask(bank, "C1007", direction="restore")
    await change(bank, Card, Card.card_id == "C1007-1", used=12000001)
    assert (await bank.commit(ready, "C1007")).outcome == "changed"
    assert (await ask(bank, "C1007", direction="restore")).outcome == "below_used"


# -- whose --------------------------------------------------------------------------------


async def test_a_frozen_card_keeps_its_limit(bank: Bank) -> None:
    assert (await ask(bank, "C1009", direction="raise")).outcome == "frozen"
    ready = await ask(bank, limit_kind="temporary", amount="100000")
    await change(bank, Card, Card.card_id == "C1001-1", frozen_at=bank.now)
    assert (await bank.commit(ready)).outcome == "changed"


async def test_a_card_is_chosen_among_ones_own_only(bank: Bank) -> None:
    assert [choice.value for choice in (await ask(bank, "C1004", direction="raise")).choices] == ["9016", "2375"]
    assert (await ask(bank, direction="raise", card_tail="9016")).outcome == "not_found"
    assert (await ask(bank, "C1002", direction="raise")).outcome == "no_card"


async def test_a_customer_who_asked_for_nothing_has_no_record(bank: Bank) -> None:
    assert (await bank.ask("card_limit_change", "C1006", "status")).outcome == "no_record"
