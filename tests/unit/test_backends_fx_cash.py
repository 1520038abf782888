"""Foreign banknotes: which can be reserved, how many a day, from when on and where, and how a reservation is taken back."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from backends.action import BackendError, Refused
from backends.fx.cash import cancel, pickup_day
from backends.fx.tables import CashDay, CashReservation
from backends.result import Result
from backends.wealth.calendar import is_trading_day
from tests.bank import BANK_NOW, Bank, caller, commit_of, open_bank, said

RICH = "C1004"
PLACE = "徐家汇"


@pytest.fixture
async def bank(tmp_path: Path) -> AsyncIterator[Bank]:
    async with open_bank(tmp_path) as bank:
        yield bank


async def book(bank: Bank, customer_id: str = RICH, **given: str) -> Result:
    return await bank.ask("fx_cash", customer_id, "prepare", **{"currency": "USD", "city": PLACE, **given})


async def reserved(bank: Bank, day: dt.date, customer_id: str = RICH) -> int:
    async with AsyncSession(bank.engine) as db:
        row = await db.get(CashDay, (customer_id, day))
        return row.reserved_usd if row else 0


# -- what is asked for --------------------------------------------------------------------


async def test_what_is_missing_is_asked_for_with_what_there_is_to_choose_from(bank: Bank) -> None:
    nothing = await bank.ask("fx_cash", RICH, "prepare")
    assert nothing.outcome == "choose_currency"
    assert [choice.value for choice in nothing.choices][:3] == ["USD", "EUR", "JPY"]
    amount = await bank.ask("fx_cash", RICH, "prepare", currency="HKD")
    assert (amount.outcome, said(amount)["fx_balance"], said(amount)["amount_step"]) == (
        "choose_amount",
        "120000.00",
        "100.00",
    )
    city = await bank.ask("fx_cash", RICH, "prepare", currency="HKD", amount="5000")
    assert city.outcome == "choose_city"
    assert "上海" in [choice.value for choice in city.choices]
    branch = await bank.ask("fx_cash", RICH, "prepare", currency="HKD", amount="5000", city="上海")
    assert branch.outcome == "choose"
    assert len(branch.choices) == 4
    for choice in branch.choices:
        ready = await bank.ask("fx_cash", RICH, "prepare", currency="HKD", amount="5000", city=choice.value)
        assert (ready.outcome, said(ready)["branch_name"]) == ("ready", choice.value)


async def test_the_amount_that_is_offered_can_be_reserved_and_one_step_more_cannot(bank: Bank) -> None:
    offered = (await bank.ask("fx_cash", RICH, "prepare", currency="USD")).choices[0].value
    assert offered == "10000.00 USD"
    assert (await book(bank, amount=offered)).outcome == "ready"
    assert (await book(bank, amount="10010")).outcome == "over_daily"


async def test_what_a_day_has_used_is_not_offered_again(bank: Bank) -> None:
    await bank.commit(await book(bank, amount="4000"), RICH)
    assert (await bank.ask("fx_cash", RICH, "prepare", currency="USD")).choices[0].value == "6000.00 USD"
    await bank.commit(await book(bank, amount="6000"), RICH, key="the rest")
    full = await bank.ask("fx_cash", RICH, "prepare", currency="USD")
    assert (full.outcome, said(full)) == ("over_daily", {"daily_limit": "10000.00", "pickup_on": "2026-11-24"})


@pytest.mark.parametrize(
    ("customer", "given", "outcome"),
    [
        ("C1001", {"amount": "1200"}, "ready"),
        ("C1001", {"amount": "1210"}, "insufficient_funds"),
        ("C1001", {"currency": "EUR"}, "no_balance"),
        ("C1001", {"currency": "EUR", "amount": "100"}, "insufficient_funds"),
        ("C1001", {"amount": "105"}, "wrong_step"),
        ("C1007", {"currency": "JPY", "amount": "100500"}, "wrong_step"),
        ("C1007", {"currency": "JPY", "amount": "100000"}, "ready"),
        ("C1001", {"amount": "100 EUR"}, "invalid_amount"),
        ("C1001", {"amount": "-100"}, "invalid_amount"),
        ("C1001", {"amount": "100.001"}, "invalid_amount"),
        ("C1001", {"currency": "VND", "amount": "100"}, "unsupported"),
        ("C1001", {"currency": "CHF", "amount": "100"}, "unsupported"),
        ("C1001", {"currency": "CNY", "amount": "100"}, "unsupported"),
        ("C1001", {"amount": "100", "city": "拉萨"}, "not_found"),
        ("C1008", {"amount": "100"}, "no_account"),
    ],
)
async def test_what_cannot_be_reserved_is_refused(
    bank: Bank, customer: str, given: dict[str, str], outcome: str
) -> None:
    assert (await book(bank, customer, **given)).outcome == outcome


async def test_what_is_put_aside_already_is_not_free_for_another(bank: Bank) -> None:
    await bank.commit(await book(bank, "C1001", amount="1000"), "C1001")
    refused = await book(bank, "C1001", amount="210")
    assert (refused.outcome, said(refused)["fx_balance"]) == ("insufficient_funds", "200.00")
    assert (await book(bank, "C1001", amount="200")).outcome == "ready"


# -- when ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("date", "outcome"),
    [
        (None, "ready"),
        ("2026-11-24", "ready"),
        ("2026-11-23", "date_unavailable"),
        ("2026-11-28", "date_unavailable"),
        ("2026-12-21", "ready"),
        ("2026-12-22", "date_unavailable"),
        ("2026-11-01", "date_unavailable"),
    ],
)
async def test_the_day_is_a_business_day_two_of_them_ahead_and_within_thirty_days(
    bank: Bank, date: str | None, outcome: str
) -> None:
    result = await book(bank, amount="1000", **({} if date is None else {"date": date}))
    assert result.outcome == outcome
    facts = said(result)
    if outcome == "ready":
        assert facts["pickup_on"] == (date or "2026-11-24")
    else:
        assert (facts["earliest_on"], facts["latest_on"], facts["advance_days"]) == ("2026-11-24", "2026-12-21", "2")


@given(st.dates(dt.date(2026, 1, 1), dt.date(2026, 11, 20)), st.integers(-3, 40))
def test_whatever_the_day_an_accepted_one_is_open_and_leaves_time(today: dt.date, ahead: int) -> None:
    asked = today + dt.timedelta(days=ahead)
    earliest = pickup_day(None, today)
    try:
        accepted = pickup_day(asked, today)
    except Refused:
        assert asked < earliest or ahead > 30 or not is_trading_day(asked)
    else:
        assert accepted == asked
        assert is_trading_day(asked)
        between = [today + dt.timedelta(days=number) for number in range(1, ahead + 1)]
        assert sum(is_trading_day(day) for day in between) >= 2


async def test_a_quote_does_not_outlive_the_day_it_counts_from(bank: Bank) -> None:
    bank.now = dt.datetime(2026, 11, 23, 15, 55, tzinfo=dt.UTC)  # 23:55 in Beijing
    ready = await book(bank, amount="1000")
    assert said(ready)["expires_at"] == "2026-11-23T16:00:00Z"
    bank.now += dt.timedelta(minutes=5)
    assert (await bank.commit(ready, RICH)).outcome == "expired"


# -- once, and not too much ---------------------------------------------------------------


async def test_a_reservation_is_made_once_and_moves_no_money(bank: Bank) -> None:
    before = await bank.ask("account_balance", RICH)
    ready = await book(bank, amount="1000")
    assert await reserved(bank, dt.date(2026, 11, 24)) == 0, "a quote changes nothing"
    first, again = await bank.commit(ready, RICH), await bank.commit(ready, RICH, key="another")
    assert again == first
    assert first.completed
    assert await reserved(bank, dt.date(2026, 11, 24)) == 100_000
    assert (await bank.ask("account_balance", RICH)).rows == before.rows
    status = await bank.ask("fx_cash", RICH, "status")
    assert (said(status)["reference"], said(status)["reservation_status"]) == (first.reference, "notes_ordered")


async def test_many_at_once_never_exceed_the_maximum_of_a_day(bank: Bank) -> None:
    quotes = [await book(bank, amount="4000") for _ in range(4)]
    answers = await asyncio.gather(
        *(bank.commit(ready, RICH, key=f"key {number}") for number, ready in enumerate(quotes))
    )
    assert sorted(answer.outcome for answer in answers) == ["done", "done", "over_daily", "over_daily"]
    assert await reserved(bank, dt.date(2026, 11, 24)) == 800_000
    assert (await book(bank, amount="4000", date="2026-11-25")).outcome == "ready", "another day has its own maximum"


async def test_other_currencies_count_in_dollars(bank: Bank) -> None:
    refused = await book(bank, currency="HKD", amount="78000")
    assert refused.outcome == "over_daily"
    assert 10_000 < float(said(refused)["amount_usd"]) < 10_050


# -- taking back --------------------------------------------------------------------------


async def test_a_reservation_is_taken_back_once_and_gives_its_day_back(bank: Bank) -> None:
    done = await bank.commit(await book(bank, amount="10000"), RICH)
    assert (await book(bank, amount="10")).outcome == "over_daily"
    undo = await bank.ask("fx_cash", RICH, "prepare", wish="cancel", currency="USD")
    assert (undo.outcome, said(undo)["reference"]) == ("ready_cancel", done.reference)
    twice = await bank.ask("fx_cash", RICH, "prepare", wish="cancel", currency="USD")
    cancelled = await bank.commit(undo, RICH, key="1")
    assert (cancelled.outcome, cancelled.completed) == ("done_cancel", True)
    assert cancelled.reference != done.reference
    assert (await bank.commit(twice, RICH, key="2")).outcome == "no_reservation"
    assert await reserved(bank, dt.date(2026, 11, 24)) == 0
    assert said(await bank.ask("fx_cash", RICH, "status"))["reservation_status"] == "notes_cancelled"
    assert (await book(bank, amount="10000")).outcome == "ready"


async def test_the_one_made_last_is_meant_unless_a_currency_is_named(bank: Bank) -> None:
    await bank.commit(await book(bank, amount="1000"), RICH)
    last = await bank.ask("fx_cash", RICH, "prepare", wish="cancel")
    assert last.fact("amount").unit == "USD"
    euros = await bank.ask("fx_cash", RICH, "prepare", wish="cancel", currency="EUR")
    assert (euros.fact("amount").value, euros.fact("amount").unit) == ("1000.00", "EUR")


async def test_nobody_takes_back_anothers_reservation(bank: Bank) -> None:
    assert (await bank.ask("fx_cash", "C1001", "prepare", wish="cancel")).outcome == "no_reservation"
    undo = await bank.ask("fx_cash", RICH, "prepare", wish="cancel")
    assert (await bank.commit(undo, "C1001", key="a")).outcome == "expired"
    async with AsyncSession(bank.engine) as db:
        assert all(row.cancelled_at is None for row in await db.scalars(select(CashReservation)))


async def test_a_reference_alone_does_not_open_anothers_reservation(bank: Bank) -> None:
    async with AsyncSession(bank.engine) as db:
        theirs = (await db.scalars(select(CashReservation.reference))).one()
        with pytest.raises(Refused, match="no_reservation"):
            await cancel(db, "C1001", theirs, now=bank.now)


async def test_notes_are_kept_for_five_days_and_then_lapse(bank: Bank) -> None:
    await bank.commit(await book(bank, amount="1000"), RICH)
    stages = []
    for days in (2, 3, 8, 9):
        bank.now = BANK_NOW + dt.timedelta(days=days)
        facts = said(await bank.ask("fx_cash", RICH, "status"))
        stages.append((facts["reservation_status"], facts.get("kept_until")))
    assert stages == [
        ("notes_ordered", None),
        ("notes_ready", "2026-11-29"),
        ("notes_ready", "2026-11-29"),
        ("notes_lapsed", None),
    ]
    assert (await bank.ask("fx_cash", RICH, "prepare", wish="cancel", currency="USD")).outcome == "no_reservation"


async def test_without_a_code_nothing_is_reserved(bank: Bank) -> None:
    ready = await book(bank, amount="1000")
    with pytest.raises(BackendError, match="one-time code"):
        await bank.actions.run(commit_of(ready), caller(RICH).model_copy(update={"assurance": "signed_in"}))


async def test_the_rules_of_carrying_are_told_to_anyone(bank: Bank) -> None:
    facts = said(await bank.ask("fx_cash", None, "explain"))
    assert (facts["carry_free"], facts["carry_permit"], facts["daily_limit"]) == ("5000.00", "10000.00", "10000.00")
