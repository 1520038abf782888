"""The ledger fails as it is told, around the real bank: late, twice, never, lost, down."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from backends.action import ActionCall, BackendError
from backends.ledger import Fault, LedgerActions
from backends.result import Result
from tests.bank import ME, Bank, caller, commit_of, open_bank, said

OUTCOME = ActionCall(name="fx_buy", step="outcome", key="key")


@pytest.fixture
async def bank(tmp_path: Path) -> AsyncIterator[Bank]:
    async with open_bank(tmp_path) as bank:
        yield bank


@pytest.fixture
def ledger(bank: Bank) -> LedgerActions:
    return LedgerActions(bank.actions, delay=0.01)


async def quoted(ledger: LedgerActions) -> ActionCall:
    given = {"amount": "800", "currency": "USD"}
    return commit_of(await ledger.run(ActionCall(name="fx_buy", step="prepare", input=given), caller(ME)))


async def used(ledger: LedgerActions) -> str:
    return said(await ledger.run(ActionCall(name="fx_quota"), caller(ME)))["purchase_used"]


async def test_without_a_script_it_only_keeps_the_books(ledger: LedgerActions) -> None:
    call = await quoted(ledger)
    done = await ledger.run(call, caller(ME))
    assert [(entry.call.step, entry.fault) for entry in ledger.entries] == [("prepare", None), ("commit", None)]
    assert ledger.entries[-1].results == [done]
    assert ledger.effects() == [done]


async def test_a_lost_reply_leaves_an_effect_that_can_be_asked_after(ledger: LedgerActions) -> None:
    call = await quoted(ledger)
    ledger.fail("lost")
    with pytest.raises(BackendError) as raised:
        await ledger.run(call, caller(ME))
    assert raised.value.unknown
    assert [await ledger.run(OUTCOME, caller(ME))] == ledger.effects()
    assert await used(ledger) == "4000.00"


async def test_a_request_that_arrives_twice_is_answered_alike_and_done_once(ledger: LedgerActions) -> None:
    call = await quoted(ledger)
    ledger.fail("twice")
    done = await ledger.run(call, caller(ME))
    assert ledger.entries[-1].results == [done, done]
    assert ledger.effects() == [done]
    assert await used(ledger) == "4000.00"


async def test_a_late_commit_happens_though_its_caller_has_gone(ledger: LedgerActions) -> None:
    call = await quoted(ledger)
    ledger.fail("late")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.001):
            await ledger.run(call, caller(ME))
    assert (await ledger.run(OUTCOME, caller(ME))).outcome == "unknown_key"
    await ledger.settled()
    assert (await ledger.run(OUTCOME, caller(ME))).completed
    assert len(ledger.effects()) == 1


async def test_a_late_commit_and_its_repetition_are_one_effect(ledger: LedgerActions) -> None:
    call = await quoted(ledger)
    ledger.fail("late")
    late, again = await asyncio.gather(ledger.run(call, caller(ME)), ledger.run(call, caller(ME)))
    assert late == again
    assert await used(ledger) == "4000.00"


@pytest.mark.parametrize("fault", ["never", "down"])
async def test_what_never_arrives_leaves_nothing(ledger: LedgerActions, fault: Fault) -> None:
    call = await quoted(ledger)
    ledger.fail(fault)
    with pytest.raises((TimeoutError, BackendError)) as raised:
        async with asyncio.timeout(0.01):
            await ledger.run(call, caller(ME))
    assert getattr(raised.value, "unknown", False) is False
    assert (await ledger.run(OUTCOME, caller(ME))).outcome == "unknown_key"
    assert (ledger.effects(), await used(ledger)) == ([], "3200.00")


async def test_faults_meet_the_calls_of_their_step_in_order_and_then_end(ledger: LedgerActions) -> None:
    ledger.fail("down", "lost", step="run")
    quota = ActionCall(name="fx_quota")
    errors = []
    for _ in range(2):
        with pytest.raises(BackendError) as raised:
            await ledger.run(quota, caller(ME))
        errors.append(raised.value.unknown)
    assert errors == [False, True]
    assert isinstance(await ledger.run(quota, caller(ME)), Result)
