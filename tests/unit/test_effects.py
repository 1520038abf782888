"""Effects as a turn has them done: only what was confirmed and proven, once, and never on a guess."""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from backends.action import ActionCall
from backends.ledger import LedgerActions
from backends.result import Quote, Result
from backends.rules import standing_facts
from bot.conversations import Conversations
from bot.decision import Act, Step, StepUp
from bot.desk.tickets import Tickets
from bot.effects import perform
from bot.message import Incoming
from bot.otp import Challenges
from bot.parts import Parts
from bot.principal import Principal
from bot.writes import Writes
from responses.compose import compose
from tests.bank import ME, Bank, open_bank

CHEN = Principal(customer_id=ME, assurance="signed_in")


class Phone:
    def __init__(self) -> None:
        self.codes: list[str] = []

    async def send(self, customer_id: str, code: str, expires_at: dt.datetime) -> None:
        self.codes.append(code)


class Counter:
    """One conversation of a signed-in customer, its phone, and the bank behind it."""

    def __init__(self, engine: AsyncEngine, bank: Bank, conversation: str) -> None:
        self.bank = bank
        self.ledger = LedgerActions(bank.actions)
        self.phone = Phone()
        self.conversation = conversation
        self.challenges = Challenges(engine, self.phone, key=b"key")
        self.parts = Parts(
            understand=lambda text, context: pytest.fail("nothing is to be understood"),
            actions=self.ledger,
            compose=partial(compose, rules=standing_facts(bank.now)),
            challenges=self.challenges,
            writes=Writes(engine),
            tickets=Tickets(engine),
            clock=lambda: bank.now,
            bank_patience=0.5,
        )

    async def quote(self, amount: str) -> Quote:
        quoted = await self.bank.ask("fx_buy", ME, "prepare", amount=amount, currency="USD")
        assert quoted.quote is not None
        return quoted.quote

    def incoming(self, message: str = "m1", challenge: str | None = None, code: str = "") -> Incoming:
        return Incoming(
            conversation_id=self.conversation,
            message_id=message,
            seq=1,
            text="",
            received_at=self.bank.now,
            channel="web",
            challenge_id=challenge,
            code_digest=self.challenges.code_digest(challenge, code) if challenge else None,
        )

    async def send_code(self, quote: Quote) -> Result:
        effect = StepUp(task=1, why="", capability="fx_buy", quote=quote)
        return await perform(effect, (), self.incoming(), CHEN, self.bank.now, self.parts)

    async def check(self, quote: Quote, challenge: str, code: str) -> Step:
        effect = StepUp(task=1, why="", capability="fx_buy", quote=quote, check=True)
        incoming = self.incoming("m2", challenge, code)
        result = await perform(effect, (), incoming, CHEN, self.bank.now, self.parts)
        return Step(decision=effect, result=result, at=self.bank.now)

    async def commit(self, quote: Quote, *steps: Step) -> Result:
        call = ActionCall(name="fx_buy", step="commit", quote_id=quote.quote_id, digest=quote.digest)
        effect = Act(task=1, why="", call=call)
        return await perform(effect, steps, self.incoming("m2"), CHEN, self.bank.now, self.parts)

    async def proven(self, quote: Quote) -> Step:
        sent = await self.send_code(quote)
        return await self.check(quote, sent.reference or "", self.phone.codes[-1])


@pytest.fixture
async def counter(database: AsyncEngine, tmp_path: Path) -> AsyncIterator[Counter]:
    async with open_bank(tmp_path) as bank:
        opened, _ = await Conversations(database).create(channel="web", principal=CHEN, now=bank.now)
        yield Counter(database, bank, opened.id)


async def test_a_code_confirms_the_figures_it_was_sent_for(counter: Counter) -> None:
    quote = await counter.quote("100")
    step = await counter.proven(quote)
    assert step.result.outcome == "code_ok"
    assert (await counter.commit(quote, step)).completed


async def test_a_right_code_for_other_figures_confirms_nothing(counter: Counter) -> None:
    small, large = await counter.quote("100"), await counter.quote("900")
    sent = await counter.send_code(small)
    step = await counter.check(large, sent.reference or "", counter.phone.codes[-1])
    assert step.result.outcome == "code_expired"
    assert counter.ledger.effects() == []


async def test_a_purchase_without_a_code_of_its_own_is_not_made(counter: Counter) -> None:
    small, large = await counter.quote("100"), await counter.quote("900")
    step = await counter.proven(small)
    sent = await counter.send_code(large)
    wrong = await counter.check(
        large, sent.reference or "", "000000" if counter.phone.codes[-1][0] != "0" else "111111"
    )
    assert wrong.result.outcome == "code_wrong"
    for steps in ((), (step,), (wrong,)):
        assert (await counter.commit(large, *steps)).outcome == "unavailable"
    assert counter.ledger.effects() == []


async def test_what_never_reached_the_bank_can_be_confirmed_again(counter: Counter) -> None:
    quote = await counter.quote("100")
    step = await counter.proven(quote)
    counter.ledger.fail("down")
    assert (await counter.commit(quote, step)).outcome == "unavailable"
    assert (await counter.commit(quote, step)).completed
    assert len(counter.ledger.effects()) == 1


async def test_a_bank_that_never_answers_is_waited_for_no_longer_than_a_customer_would(counter: Counter) -> None:
    quote = await counter.quote("100")
    step = await counter.proven(quote)
    counter.ledger.fail("never")
    pending = await counter.commit(quote, step)
    assert pending.outcome == "pending"
    again = await counter.commit(quote, step)
    assert again == pending
    assert [entry.call.step for entry in counter.ledger.entries].count("commit") == 1


@pytest.mark.parametrize("fault", ["down", "never", "lost"])
async def test_while_nobody_knows_the_end_nothing_is_done_again(counter: Counter, fault: str) -> None:
    quote = await counter.quote("100")
    step = await counter.proven(quote)
    counter.ledger.fail("lost")
    counter.ledger.fail("down", fault, step="outcome")  # type: ignore[arg-type]
    assert [(await counter.commit(quote, step)).outcome for _ in range(3)] == ["pending", "pending", "done"]
    assert [entry.call.step for entry in counter.ledger.entries].count("commit") == 1


async def test_a_customer_who_asks_for_code_after_code_is_told_to_wait(counter: Counter) -> None:
    quote = await counter.quote("100")
    for _ in range(5):
        assert (await counter.send_code(quote)).outcome == "code_sent"
    assert (await counter.send_code(quote)).outcome == "code_too_many"
    assert len(counter.phone.codes) == 5
