"""Failpoints: every one is passed, none does anything unasked, and each action does what it says."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from backends.ledger import Fault, LedgerActions
from backends.local import LocalActions
from bot.app import Instead, open_bank, running
from bot.failpoints import NAMES, FailpointReached, arm, failpoint, parse
from bot.parts import utc_now
from bot.principal import Principal
from bot.service import Service
from bot.settings import UnsafeSettings, load_settings

CUSTOMER = Principal(customer_id="C1001", assurance="signed_in")


@pytest.fixture(autouse=True)
def disarmed() -> Iterator[None]:
    yield
    arm(None)


@asynccontextmanager
async def serving(folder: Path, *faults: Fault) -> AsyncIterator[Service]:
    """The whole bot over a bank whose commits meet *faults*."""
    settings = load_settings(env="demo", data_dir=folder)
    engine = open_bank(settings)
    actions = LedgerActions(LocalActions(engine, utc_now))
    actions.fail(*faults)
    async with running(settings, Instead(actions=actions)) as service:
        yield service
    await engine.dispose()


async def converse(service: Service, texts: list[str]) -> list[str]:
    """What the bot answers to each text; an empty one stands for the code on the customer's phone."""
    assert service.demo is not None
    conversation, _ = await service.conversations.create(channel="web", principal=CUSTOMER, now=utc_now())
    answers = []
    for number, text in enumerate(texts):
        if not text:
            code = await service.demo.phone.read("C1001")
            assert code is not None
            text = code[0]
        taken = await service.inbox.accept(
            conversation.id, f"m{number}", text, principal=CUSTOMER, channel="web", now=utc_now()
        )
        reply = await service.events.reply_to(conversation.id, taken.seq, timeout=20)
        assert reply is not None
        answers.append(str(reply.data["text"]))
    return answers


@pytest.mark.parametrize(
    ("faults", "untouched"),
    [((), {"write.before_inquiry", "write.inquired"}), (("lost",), {"write.committed"})],
    ids=["answered", "answer lost"],
)
async def test_a_purchase_passes_every_failpoint(
    tmp_path: Path, faults: tuple[Fault, ...], untouched: set[str]
) -> None:
    trace = tmp_path / "trace.jsonl"
    async with serving(tmp_path / "data", *faults) as service:
        arm(f"*=trace:{trace}")
        answers = await converse(service, ["换五百美金", "确认", ""])
        await asyncio.sleep(0.3)  # Signals are published after the reply.
    assert "500.00美元" in answers[-1]
    assert {json.loads(line)["point"] for line in trace.read_text().splitlines()} == set(NAMES) - untouched


async def test_a_point_without_orders_does_nothing() -> None:
    arm("turn.understood=raise")
    await failpoint("turn.composed")
    arm(None)
    await failpoint("turn.understood")


async def test_an_order_acts_on_its_hit_only() -> None:
    arm("turn.understood=raise@3")
    await failpoint("turn.understood")
    await failpoint("turn.understood")
    with pytest.raises(FailpointReached, match=r"turn\.understood"):
        await failpoint("turn.understood")
    await failpoint("turn.understood")


async def test_an_order_waits_its_time() -> None:
    arm("turn.understood=raise@1+0.05")
    await failpoint("turn.understood")
    await asyncio.sleep(0.06)
    with pytest.raises(FailpointReached):
        await failpoint("turn.understood")


async def test_a_chance_is_taken_about_as_often_as_it_says() -> None:
    arm("*=raise%0.25")
    raised = 0
    for _ in range(2000):
        try:
            await failpoint("inbox.committed")
        except FailpointReached:
            raised += 1
    assert 400 < raised < 600


def test_a_kill_ends_the_process_at_once_and_names_the_point() -> None:
    code = "import asyncio; from bot.failpoints import arm, failpoint; arm('inbox.committed=kill')\n"
    code += "try: asyncio.run(failpoint('inbox.committed'))\nfinally: print('cleaned up')"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=30)
    assert (ended.returncode, ended.stdout, ended.stderr) == (-9, "", "failpoint inbox.committed kills\n")


@pytest.mark.parametrize("orders", ["turn.nowhere=kill", "turn.understood", "turn.understood=explode", "*=sleep:soon"])
def test_orders_that_cannot_be_read_are_refused(orders: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match=r"failpoint|float"):
        parse(orders)
    monkeypatch.setenv("TELLER_FAILPOINTS", orders)
    with pytest.raises(UnsafeSettings, match="TELLER_FAILPOINTS"):
        load_settings()


def test_production_does_not_start_with_failpoints(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TELLER_ENV", "production")
    monkeypatch.setenv("TELLER_FAILPOINTS", "turn.understood=sleep:0%0.001")
    with pytest.raises(UnsafeSettings) as refused:
        load_settings()
    assert any("TELLER_FAILPOINTS" in reason for reason in refused.value.reasons)


def test_the_harness_can_reach_each_point_by_name() -> None:
    armed = parse("*=kill@1")
    assert tuple(armed) == NAMES
    assert parse("") == {}
