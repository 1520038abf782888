"""An effect whose outcome was lost finds its end: done once and told, or closed for good and told."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncEngine

from backends.action import ActionCall, BackendError, Caller
from backends.ledger import Fault, LedgerActions
from backends.result import Result
from backends.rules import standing_facts
from bot import failpoints
from bot.app import Instead
from bot.conversations import Conversations
from bot.desk.tickets import Tickets
from bot.events import Event, Events
from bot.otp import Challenges
from bot.parts import Parts
from bot.principal import Principal
from bot.reconcile import AFTER_INTENT, AFTER_UNKNOWN, AT_MOST, GIVE_UP_AFTER, Reconciler
from bot.records import ConversationRow, DeliveryRow, WriteRow
from bot.service import Service
from bot.signals import Signals
from bot.store import database_now
from bot.writes import Writes
from responses.compose import compose
from tests.bank import ME, Bank, caller, commit_of, open_bank
from tests.conversations.stories import open_bank as open_service

CHEN = Principal(customer_id=ME, assurance="signed_in")
SECOND = dt.timedelta(seconds=1)


class Night:
    """A bank that fails as it is told, one conversation, and an effect in it of which nobody knows the end."""

    def __init__(self, engine: AsyncEngine, bank: Bank, conversation: str, language: str | None = None) -> None:
        self.engine = engine
        self.bank = bank
        self.ledger = LedgerActions(bank.actions, delay=0.05)
        self.conversation = conversation
        self.writes = Writes(engine)
        self.call: ActionCall

    async def lose(self, fault: Fault | None, *, settled: bool = True) -> None:
        """Confirm a purchase and lose its answer; with ``None`` the process dies before the bank hears of it."""
        given = {"amount": "800", "currency": "USD"}
        quoted = await self.bank.ask("fx_buy", ME, "prepare", **given)
        self.call = commit_of(quoted)
        assert quoted.quote is not None
        key = self.writes.key_for(quoted.quote.quote_id, quoted.quote.digest)
        self.call = self.call.model_copy(update={"key": key})
        me = caller(ME, self.conversation)
        await self.writes.intend(key, self.call, me, self.bank.now)
        if fault is not None:
            self.ledger.fail(fault)
            with contextlib.suppress(BackendError, TimeoutError):
                async with asyncio.timeout(0.02 if fault in ("never", "late") else 10):
                    await self.ledger.run(self.call, me)
        if settled:
            await self.writes.settle(key, "unknown", None, self.bank.now)

    def reconciler(self, engine: AsyncEngine | None = None, **options: Any) -> Reconciler:
        engine = engine or self.engine
        parts = Parts(
            understand=lambda text, context: pytest.fail("nothing is to be understood"),
            actions=self.ledger,
            compose=partial(compose, rules=standing_facts(self.bank.now)),
            challenges=Challenges(engine, None, key=b"key"),  # type: ignore[arg-type]
            writes=Writes(engine),
            tickets=Tickets(engine),
            clock=lambda: self.bank.now,
        )
        return Reconciler(engine, Signals(None), parts, **options)

    async def after(self, time: dt.timedelta, **options: Any) -> int:
        """Let *time* pass and look once."""
        self.bank.now += time
        return await self.reconciler(**options).look()

    async def events(self) -> list[Event]:
        return await Events(self.engine, Signals(None)).read(self.conversation)

    async def status(self) -> str | None:
        async with self.engine.connect() as connection:
            return await connection.scalar(select(WriteRow.status))


@pytest.fixture
async def night(database: AsyncEngine, tmp_path: Path) -> AsyncIterator[Night]:
    async with open_bank(tmp_path) as bank:
        opened, _ = await Conversations(database).create(channel="web", principal=CHEN, now=bank.now)
        yield Night(database, bank, opened.id)


@pytest.mark.parametrize("fault", ["lost", "twice"])
async def test_what_was_done_and_whose_answer_was_lost_is_told_and_not_done_again(night: Night, fault: Fault) -> None:
    await night.lose(fault)
    assert await night.after(SECOND) == 0
    assert await night.after(AFTER_UNKNOWN) == 1
    said, settled = await night.events()
    [done] = night.ledger.effects()
    assert (said.type, said.actor) == ("message.completed", "bot")
    assert str(done.reference) in said.data["text"]
    assert said.data["decisions"][0]["outcome"] == "done"
    assert said.data["seq"] == said.seq
    assert (settled.type, settled.data) == (
        "write.settled",
        {"capability": "fx_buy", "outcome": "done", "reference": done.reference},
    )
    assert await night.status() == "done"
    assert await night.after(AT_MOST) == 0
    assert [entry.call.step for entry in night.ledger.entries].count("commit") == 1


async def test_what_never_happened_is_closed_and_told_and_can_happen_no_more(night: Night) -> None:
    await night.lose("never")
    assert await night.after(AFTER_UNKNOWN + SECOND) == 0
    assert await night.events() == []
    assert await night.after(GIVE_UP_AFTER, lease=0.0) == 0, "somebody else still holds the lease"
    assert await night.after(SECOND) == 0
    await forget_leases(night.engine)
    assert await night.after(SECOND) == 1
    said, _ = await night.events()
    assert "没有" in said.data["text"]
    assert said.data["decisions"][0]["outcome"] == "not_done"
    assert await night.status() == "refused"
    late = await night.bank.actions.run(night.call, caller(ME, night.conversation))
    assert late.outcome == "not_done"
    assert night.ledger.effects() == []


async def test_a_commit_that_comes_late_is_done_and_told_once(night: Night) -> None:
    await night.lose("late")
    await night.ledger.settled()
    assert await night.after(AFTER_UNKNOWN + SECOND) == 1
    assert len(night.ledger.effects()) == 1
    assert await night.status() == "done"


async def test_an_effect_whose_process_died_is_asked_after_too(night: Night) -> None:
    await night.lose("lost", settled=False)
    assert await night.after(AFTER_INTENT - SECOND) == 0
    assert await night.after(2 * SECOND) == 1
    assert await night.status() == "done"


async def test_nothing_is_unknown_for_a_minute_whatever_the_turn_does(night: Night) -> None:
    await night.lose(None, settled=False)
    async with night.engine.begin() as connection:
        await connection.execute(update(ConversationRow).values(lease_until=database_now(600.0)))
    passed = dt.timedelta()
    while await night.after(2 * SECOND) == 0:
        passed += 2 * SECOND
        await forget_leases(night.engine)
        assert passed < dt.timedelta(seconds=50)
    assert passed >= AT_MOST - 2 * SECOND


async def test_of_several_processes_one_asks_and_tells(night: Night, open_engine: Callable[[], AsyncEngine]) -> None:
    await night.lose("lost")
    night.bank.now += 2 * AFTER_UNKNOWN
    looks = [night.reconciler(engine).look() for engine in (night.engine, open_engine(), open_engine())]
    assert sorted(await asyncio.gather(*looks)) == [0, 0, 1]
    assert [event.type for event in await night.events()] == ["message.completed", "write.settled"]


async def test_who_asked_and_died_is_followed_by_another(night: Night) -> None:
    await night.lose("lost")
    assert await night.writes.claim(night.call.key or "", 0.5)
    assert await night.after(2 * AFTER_UNKNOWN) == 0
    await asyncio.sleep(0.55)
    assert await night.after(SECOND) == 1


async def test_what_its_own_turn_settled_meanwhile_is_not_told_twice(night: Night) -> None:
    await night.lose("lost")
    night.bank.now += 2 * AFTER_UNKNOWN
    [done] = night.ledger.effects()
    ask = night.ledger.run

    async def settled_meanwhile(call: ActionCall, whose: Caller) -> Result:
        await night.writes.settle(night.call.key or "", "done", done, night.bank.now)
        return await ask(call, whose)

    night.ledger.run = settled_meanwhile  # type: ignore[method-assign]
    assert await night.reconciler().look() == 0
    assert await night.events() == []


async def test_a_bank_that_does_not_say_is_asked_again(night: Night) -> None:
    await night.lose("lost")
    night.ledger.fail("down", "never", step="outcome")
    assert await night.after(2 * AFTER_UNKNOWN, lease=0.05) == 0
    await forget_leases(night.engine)
    assert await night.after(SECOND, lease=0.05) == 0
    await forget_leases(night.engine)
    assert await night.after(SECOND) == 1


async def test_a_human_who_holds_the_conversation_tells_it_themselves(night: Night) -> None:
    await night.lose("lost")
    await Conversations(night.engine).change_owner(night.conversation, "bot", "rep-7", night.bank.now, actor="rep-7")
    assert await night.after(2 * AFTER_UNKNOWN) == 1
    assert [event.type for event in await night.events()] == ["write.settled"]


async def test_a_pushed_channel_is_sent_what_became_of_it(night: Night) -> None:
    await night.lose("lost")
    assert await night.after(2 * AFTER_UNKNOWN, pushed=frozenset({"web"})) == 1
    async with night.engine.connect() as connection:
        assert list(await connection.scalars(select(DeliveryRow.event_seq))) == [1]


async def test_it_is_told_in_the_language_of_the_conversation(night: Night) -> None:
    async with night.engine.begin() as connection:
        await connection.execute(update(ConversationRow).values(session={"language": "en"}))
    await night.lose("lost")
    await night.after(2 * AFTER_UNKNOWN)
    assert (await night.events())[0].data["language"] == "en"


async def forget_leases(engine: AsyncEngine) -> None:
    """Let the leases on effects be over, as they are some seconds later."""
    async with engine.begin() as connection:
        await connection.execute(update(WriteRow).values(lease_until=None))


# -- the turn itself, run again --------------------------------------------------------------


@pytest.fixture
def armed() -> Any:
    yield failpoints.arm
    failpoints.arm(None)


class Told:
    """A signed-in customer's conversation with the whole bot."""

    def __init__(self, service: Service, conversation: str) -> None:
        self.service = service
        self.conversation = conversation
        self.said = 0

    async def say(self, text: str) -> str:
        """The outcome that *text* was answered with."""
        self.said += 1
        taken = await self.service.inbox.accept(
            self.conversation, f"m{self.said}", text, principal=CHEN, channel="web", now=self.service.clock()
        )
        event = await self.service.events.reply_to(self.conversation, taken.seq, 10.0)
        assert event is not None
        return str(event.data["decisions"][-1]["outcome"])


@pytest.fixture
async def bank(tmp_path: Path) -> AsyncIterator[Bank]:
    (tmp_path / "bank").mkdir()
    async with open_bank(tmp_path / "bank") as bank:
        yield bank


@pytest.fixture
async def ledger(bank: Bank) -> LedgerActions:
    return LedgerActions(bank.actions)


@pytest.fixture
async def told(bank: Bank, ledger: LedgerActions, tmp_path: Path) -> AsyncIterator[Told]:
    async with open_service(tmp_path, Instead(clock=lambda: bank.now, actions=ledger)) as service:
        opened, _ = await service.conversations.create(channel="web", principal=CHEN, now=bank.now)
        told = Told(service, opened.id)
        assert await told.say("挂失尾号8888的信用卡") == "ready"
        yield told


@pytest.mark.parametrize(
    ("point", "steps"),
    [
        ("write.intended", ["outcome", "commit"]),
        ("write.committed", ["commit", "outcome"]),
        ("write.settled", ["commit"]),
    ],
)
async def test_a_turn_that_is_begun_again_asks_before_it_acts(
    told: Told, ledger: LedgerActions, armed: Any, point: str, steps: list[str]
) -> None:
    armed(f"{point}=raise@1")
    assert await told.say("确认") == "done"
    assert [entry.call.step for entry in ledger.entries if entry.call.step in ("commit", "outcome")] == steps
    assert len(ledger.effects()) == 1


async def test_a_customer_who_was_told_to_wait_is_told_the_end(told: Told, ledger: LedgerActions, bank: Bank) -> None:
    ledger.fail("lost")
    ledger.fail("down", step="outcome")
    assert await told.say("确认") == "pending"
    bank.now += 2 * AFTER_UNKNOWN
    for _ in range(100):
        events = await told.service.events.read(told.conversation)
        if events[-1].type == "write.settled":
            break
        await asyncio.sleep(0.1)
    assert events[-2].data["decisions"][0]["outcome"] == "done"
    assert len(ledger.effects()) == 1
