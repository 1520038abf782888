"""The REST API over a network that fails: whatever is lost, late or cut, a confirmed quote is carried out once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from backends.action import ActionCall, BackendError
from backends.http.breaker import Breaker
from backends.http.client import HttpActions
from backends.http.server import create_app
from backends.ledger import LedgerActions
from backends.result import Result
from tests.bank import BANK_NOW, ME, caller, commit_of, open_bank
from tests.faults.proxy import Proxy
from tests.server import serving

KEY = b"a key of the contract test, 32 bytes"
PREPARE = ActionCall(name="fx_buy", step="prepare", input={"amount": "800", "currency": "USD"})
RATE = ActionCall(name="fx_rate", input={"currency": ["USD"]})


@dataclass
class Line:
    """A bank, the network to it, and a client at the other end; ``seconds`` is the time of its breakers."""

    ledger: LedgerActions
    network: Proxy
    client: HttpActions
    seconds: float = 0.0

    async def ready(self) -> ActionCall:
        """A quote to confirm, as the call that does."""
        return commit_of(await self.client.run(PREPARE, caller(ME)))

    async def ask(self, step: str) -> Result:
        """What became of the key, or its end."""
        call = ActionCall.model_validate({"name": "fx_buy", "step": step, "key": "key"})
        return await self.client.run(call, caller(ME))

    def arrived(self, step: str) -> int:
        """How many requests of that step reached the bank."""
        return sum(entry.call.step == step for entry in self.ledger.entries)


@pytest.fixture
async def line(tmp_path: Path) -> AsyncIterator[Line]:
    async with open_bank(tmp_path) as bank:
        ledger = LedgerActions(bank.actions, delay=1.5)
        with serving(create_app(ledger, KEY, lambda: BANK_NOW)) as url:
            network = Proxy(int(url.rpartition(":")[2]))
            await network.start()
            client = HttpActions(
                f"http://127.0.0.1:{network.port}",
                KEY,
                0.4,
                clock=lambda: BANK_NOW,
                breaker=lambda: Breaker(failures=3, cool_down=5, clock=lambda: line.seconds),
            )
            line = Line(ledger, network, client)
            yield line
            await client.aclose()
            await network.stop()


async def unknown(line: Line, call: ActionCall) -> None:
    with pytest.raises(BackendError) as raised:
        await line.client.run(call, caller(ME))
    assert raised.value.unknown


@pytest.mark.parametrize("weather", ["reset", "black_hole"])
async def test_a_reply_that_is_cut_after_the_commit_leaves_exactly_one_effect(line: Line, weather: str) -> None:
    commit = await line.ready()
    line.network.weather = weather  # type: ignore[assignment]
    await unknown(line, commit)
    line.network.weather = "fair"
    assert line.arrived("commit") == 1, "a commit is not sent again"
    done = await line.ask("outcome")
    assert done.completed
    assert await line.ask("void") == done, "what was done cannot be closed any more"
    assert await line.client.run(commit, caller(ME)) == done
    assert await line.client.run(commit.model_copy(update={"key": "another"}), caller(ME)) == done
    assert line.ledger.effects() == [done]


@pytest.mark.parametrize("fault", ["lost", "twice"])
async def test_an_answer_lost_in_the_bank_and_a_request_that_comes_twice_leave_one_effect(
    line: Line, fault: str
) -> None:
    commit = await line.ready()
    line.ledger.fail(fault)  # type: ignore[arg-type]
    if fault == "lost":
        await unknown(line, commit)
    else:
        await line.client.run(commit, caller(ME))
    assert line.ledger.effects() == [await line.ask("outcome")]


async def test_a_commit_that_comes_late_is_done_unless_its_key_was_closed_before(line: Line) -> None:
    commit = await line.ready()
    line.ledger.fail("late")
    await unknown(line, commit)
    assert (await line.ask("outcome")).outcome == "unknown_key"
    closed = await line.ask("void")
    assert (closed.outcome, closed.completed) == ("not_done", False)
    (late,) = (entry for entry in line.ledger.entries if entry.call.step == "commit")
    for _ in range(200):
        if late.results:
            break
        await asyncio.sleep(0.02)
    assert late.results == [closed], "the commit came, and was refused"
    assert line.ledger.effects() == []


async def test_a_read_whose_answer_is_late_is_asked_again_within_its_time(line: Line) -> None:
    line.ledger.fail("late", step="run")
    assert (await line.client.run(RATE, caller(None))).outcome == "found"
    assert line.arrived("run") == 2


async def test_a_system_that_is_down_costs_nobodys_patience_and_heals(line: Line) -> None:
    line.ledger.fail(*["down"] * 9, step="run")
    for _ in range(3):
        with pytest.raises(BackendError):
            await line.client.run(RATE, caller(None))
    asked = line.arrived("run")
    with pytest.raises(BackendError) as raised:
        await line.client.run(RATE, caller(None))
    assert not raised.value.unknown
    assert line.arrived("run") == asked, "it is left alone"
    assert (await line.client.run(ActionCall(name="card_bill"), caller(ME))).facts, "the cards are another system"
    line.seconds = 5.0
    assert (await line.client.run(RATE, caller(None))).outcome == "found"
    assert (await line.client.run(RATE, caller(None))).outcome == "found"


async def test_a_customer_who_cannot_wait_counts_as_an_answer_that_did_not_come(line: Line) -> None:
    line.network.weather = "black_hole"
    for _ in range(3):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.02):
                await line.client.run(RATE, caller(None))
    with pytest.raises(BackendError, match="left alone"):
        await line.client.run(RATE, caller(None))
