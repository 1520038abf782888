"""The journey of one message, told once: understand, decide and do (at most four times), compose.

Every call goes out from here and comes back here. Nothing is written to the conversation on the way: what the turn
led to is returned, and the worker stores it in one transaction. The only rows made before that are the ones an effect
needs to be safe: its intent, its one-time code, its place in the queue.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from zoneinfo import ZoneInfo

from backends import values
from backends.action import ActionCall, BackendError, Caller
from backends.result import Fact, Result
from bot import router, tracking
from bot.decision import Act, Answer, Ask, Clarify, Confirm, Decision, Effect, Handoff, Saying, Step, StepUp
from bot.desk.tickets import Queued
from bot.failpoints import failpoint
from bot.message import Incoming, NewEvent, Turn
from bot.otp import CodeNotSent, TooManyCodes
from bot.parts import Parts
from bot.principal import Principal
from bot.session import Session
from intents.capability import catalog
from intents.understanding import Understanding
from responses.audience import Audience

MAX_ROUNDS = 4
"""Check a code, commit, find the quote lapsed, quote again: the longest honest chain."""
CODE_OK = "code_ok"
BANK_TIME = ZoneInfo("Asia/Shanghai")


async def handle_turn(
    message: Incoming, session: Session, principal: Principal, now: dt.datetime, parts: Parts
) -> Turn:
    """What *message* leads to. Raises nothing a backend or a model can cause: those become outcomes.

    *session* is the conversation before the message, *principal* who vouched for it; *now* is aware UTC.
    """
    clock = _Stopwatch()
    await failpoint("turn.before_understand", message.conversation_id)
    with clock.stage("understand"):
        understanding = parts.understand(message.text, session.context(now.astimezone(BANK_TIME).date()))
    await failpoint("turn.understood", message.conversation_id)
    if message.owner not in ("bot", "queue"):
        return _silent(message, session, understanding, parts, clock)
    session = tracking.hear(
        session,
        understanding,
        message.text,
        code=message.code_digest is not None,
        now=now,
        capabilities=catalog(),
    )
    steps: list[Step] = []
    decisions: tuple[Decision, ...] = ()
    for last_round in (*[False] * MAX_ROUNDS, True):
        with clock.stage("decide"):
            decisions = _decide(message, understanding, session, steps, principal, now)
        effects = [decision for decision in decisions if isinstance(decision, Act | StepUp | Handoff)]
        if not effects:
            break
        if last_round:
            decisions = tuple(_gave_up(effect) for effect in effects)
            break
        with clock.stage("backends"):
            for effect in effects:
                result = await _perform(effect, steps, message, principal, now, parts)
                steps.append(Step(decision=effect, result=result, at=now))

    sayings = [decision for decision in decisions if isinstance(decision, Ask | Confirm | Clarify | Answer)]
    session = tracking.settle(session, sayings, steps, now)
    reply = None
    if sayings:
        with clock.stage("profile"):
            audience = await _audience(message, session, principal, now, parts)
        with clock.stage("compose"):
            await failpoint("turn.before_compose", message.conversation_id)
            reply = await parts.compose([saying.say for saying in sayings], audience, now=now)
        await failpoint("turn.composed", message.conversation_id)
    owner = _owner_after(message.owner, steps)
    if owner == "queue" and sayings:
        session = session.model_copy(update={"queue_noticed_at": now})
    task = session.in_hand
    return Turn(
        reply=reply,
        session=session,
        owner=owner,
        awaiting_challenge=task.challenge_id if task and task.awaiting == "code" else None,
        record=_record(message, understanding, decisions, steps, parts, clock),
        events=_events(steps),
    )


def _decide(
    message: Incoming,
    understanding: Understanding,
    session: Session,
    steps: Sequence[Step],
    principal: Principal,
    now: dt.datetime,
) -> tuple[Decision, ...]:
    if message.owner == "queue":
        return router.decide_in_queue(understanding, session, steps, now=now)
    return router.decide(understanding, session, steps, principal, now=now, capabilities=catalog())


async def _perform(
    effect: Effect, steps: Sequence[Step], message: Incoming, principal: Principal, now: dt.datetime, parts: Parts
) -> Result:
    """One effect carried out, as the result that the router will see."""
    if isinstance(effect, Handoff):
        return await _hand_off(effect, message, principal, now, parts)
    if isinstance(effect, StepUp):
        return await _step_up(effect, message, principal, now, parts)
    if effect.call.step == "commit":
        if effect.call.digest in _proven(steps):
            principal = principal.model_copy(update={"assurance": "stepped_up"})
        return await _commit(effect.call, message, principal, now, parts)
    call = effect.call.model_copy(update={"key": f"{message.conversation_id}:{message.seq}:{effect.task}"})
    await failpoint("bank.before_call", message.conversation_id)
    try:
        result = await _ask(call, principal.caller(message.conversation_id), parts)
    except BackendError:
        return Result(capability=call.name, outcome="unavailable")
    await failpoint("bank.answered", message.conversation_id)
    return result


def _proven(steps: Sequence[Step]) -> set[str]:
    """The digests that a one-time code of this very turn has confirmed."""
    return {
        step.decision.quote.digest
        for step in steps
        if isinstance(step.decision, StepUp) and step.decision.check and step.result.outcome == CODE_OK
    }


async def _commit(call: ActionCall, message: Incoming, principal: Principal, now: dt.datetime, parts: Parts) -> Result:
    """The effect itself: an intent row first, then the call, and an unknown outcome is asked after, never repeated."""
    assert call.quote_id is not None
    assert call.digest is not None
    key = parts.writes.key_for(call.quote_id, call.digest)
    caller = principal.caller(message.conversation_id)
    await failpoint("write.before_intent", message.conversation_id)
    write, new = await parts.writes.intend(key, call, caller, now)
    await failpoint("write.intended", message.conversation_id)
    if write.result is not None:
        return Result.model_validate(write.result)
    result = None
    may_call = new
    if not new:
        # A turn before this one died, or lost the answer: the bank may have been asked already.
        result = await _inquire(call.name, key, message, caller, parts)
        nothing_yet = result is not None and result.outcome == "unknown_key"
        may_call = nothing_yet and write.status == "intended"
    if may_call:
        try:
            result = await _ask(call.model_copy(update={"key": key}), caller, parts)
            await failpoint("write.committed", message.conversation_id)
        except BackendError as error:
            if not error.unknown:
                await parts.writes.settle(key, "failed", None, now)
                return Result(capability=call.name, outcome="unavailable")
            result = await _inquire(call.name, key, message, caller, parts)
    if result is None or result.outcome == "unknown_key":
        await parts.writes.settle(key, "unknown", None, now)
        reference = Fact.of("reference", key[:12], kind="digits", source="bot", as_of=now)
        return Result(capability=call.name, outcome="pending", facts=(reference,))
    await parts.writes.settle(key, "done" if result.completed else "refused", result, now)
    await failpoint("write.settled", message.conversation_id)
    return result


async def _inquire(name: str, key: str, message: Incoming, caller: Caller, parts: Parts) -> Result | None:
    """What became of the key; ``None`` where the bank does not say."""
    await failpoint("write.before_inquiry", message.conversation_id)
    try:
        result = await _ask(ActionCall(name=name, step="outcome", key=key), caller, parts)
    except BackendError:
        return None
    await failpoint("write.inquired", message.conversation_id)
    return result


async def _ask(call: ActionCall, caller: Caller, parts: Parts) -> Result:
    """The bank's answer; one that takes longer than a customer waits is ``BackendError``, like none."""
    try:
        async with asyncio.timeout(parts.bank_patience):
            return await parts.actions.run(call, caller)
    except TimeoutError as error:
        raise BackendError(f"{call.name}.{call.step}: no answer in time", unknown=call.step == "commit") from error


async def _step_up(effect: StepUp, message: Incoming, principal: Principal, now: dt.datetime, parts: Parts) -> Result:
    """Send a code bound to the quote's digest, or check the one that came back; the code itself is never seen here."""
    name = effect.capability
    if effect.check:
        if message.code_digest is None or message.challenge_id is None:
            return Result(capability=name, outcome="code_expired")
        await failpoint("code.before_check", message.conversation_id)
        verdict = await parts.challenges.check(
            message.challenge_id, message.code_digest, message.message_id, now, address=principal.address
        )
        await failpoint("code.checked", message.conversation_id)
        if verdict.status == "ok" and (verdict.quote_id, verdict.digest) == (
            effect.quote.quote_id,
            effect.quote.digest,
        ):
            return Result(capability=name, outcome=CODE_OK, reference=message.challenge_id)
        left = Fact.of("tries_left", values.Count(verdict.tries_left, "try"), source="rule", as_of=now)
        # A right code for other figures than these is worth no more than an old one.
        outcome = "expired" if verdict.status == "ok" else verdict.status
        return Result(capability=name, outcome=f"code_{outcome}", facts=(left,) if outcome == "wrong" else ())
    assert principal.customer_id is not None
    await failpoint("code.before_issue", message.conversation_id)
    try:
        issued = await parts.challenges.issue(
            principal.customer_id, message.conversation_id, effect.quote.quote_id, effect.quote.digest, now
        )
    except CodeNotSent:
        return Result(capability=name, outcome="unavailable")
    except TooManyCodes:
        return Result(capability=name, outcome="code_too_many")
    await failpoint("code.issued", message.conversation_id)
    minutes = round((issued.expires_at - now).total_seconds() / 60)
    profile = await _profile(message, principal, parts)
    phone = tuple(fact for fact in profile.facts if fact.name == "phone_tail") if profile else ()
    facts = (
        *phone,
        Fact.of("code_length", values.Count(issued.code_length, "digit"), source="rule", as_of=now),
        Fact.of("minutes", values.Count(minutes, "minute"), source="rule", as_of=now),
    )
    return Result(capability=name, outcome="code_sent", facts=facts, reference=issued.challenge_id)


async def _hand_off(effect: Handoff, message: Incoming, principal: Principal, now: dt.datetime, parts: Parts) -> Result:
    """Into the queue, out of it, or only its state."""
    if effect.withdraw:
        await parts.tickets.close(message.conversation_id, now)
        return Result(capability="human_agent", outcome="withdrawn")
    if effect.reason == "state":
        queued = await parts.tickets.state(message.conversation_id, now)
        if queued is None:
            return Result(capability="human_agent", outcome="withdrawn")
        return _queue_result("waiting" if queued.in_hours else "after_hours", queued, now)
    queued = await parts.tickets.open(
        message.conversation_id, principal.customer_id, effect.reason, effect.priority, now
    )
    return _queue_result("queued" if queued.in_hours else "after_hours", queued, now)


def _queue_result(outcome: str, queued: Queued, now: dt.datetime) -> Result:
    def fact(name: str, value: values.Value) -> Fact:
        return Fact.of(name, value, source="desk", as_of=now)

    facts = (
        fact("position", values.Count(queued.position, "person")),
        fact("ahead", values.Count(queued.ahead, "person")),
        fact("wait_minutes", values.Count(queued.wait_minutes, "minute")),
        fact("hours_from", queued.hours_from),
        fact("hours_to", queued.hours_to),
    )
    return Result(capability="human_agent", outcome=outcome, facts=facts, reference=queued.ticket_id)


async def _profile(message: Incoming, principal: Principal, parts: Parts) -> Result | None:
    """Who the customer is to the bank; a visitor, or a bank system that is down, gives none."""
    if principal.customer_id is None:
        return None
    await failpoint("bank.before_call", message.conversation_id)
    try:
        result = await _ask(ActionCall(name="customer_profile"), principal.caller(message.conversation_id), parts)
    except BackendError:
        return None
    await failpoint("bank.answered", message.conversation_id)
    return result if result.outcome == "found" else None


async def _audience(
    message: Incoming, session: Session, principal: Principal, now: dt.datetime, parts: Parts
) -> Audience:
    profile = await _profile(message, principal, parts)
    return Audience.of(
        profile.facts if profile else (),
        language=session.language,
        channel=principal.channel,
        greeted=session.turns > 1,
        now=now,
        variation=message.seq,
    )


def _gave_up(effect: Effect) -> Saying:
    """The answer to a task whose effects did not come to an end: honest, and open to a human."""
    name = effect.call.name if isinstance(effect, Act) else "human_agent"
    return Answer(task=effect.task, why="no end in four rounds", say=Result(capability=name, outcome="unavailable"))


def _owner_after(owner: str, steps: Sequence[Step]) -> str:
    for step in steps:
        if step.result.capability == "human_agent":
            owner = "bot" if step.result.outcome == "withdrawn" else "queue"
    return owner


def _events(steps: Sequence[Step]) -> tuple[NewEvent, ...]:
    """What the console and the widget must know beside the reply: the queue was entered, or left."""
    events = []
    for step in steps:
        if not isinstance(step.decision, Handoff) or step.decision.reason == "state":
            continue
        kind = "handover.left" if step.result.outcome == "withdrawn" else "handover.queued"
        facts = {fact.name: fact.value for fact in step.result.facts}
        events.append(NewEvent(type=kind, actor="bot", data={"ticket_id": step.result.reference, **facts}))
    return tuple(events)


def _silent(message: Incoming, session: Session, understanding: Understanding, parts: Parts, clock: _Stopwatch) -> Turn:
    """A human holds the conversation: the message is understood for their console, and nothing is said."""
    return Turn(
        reply=None,
        session=session,
        owner=message.owner,
        awaiting_challenge=None,
        record=_record(message, understanding, (), (), parts, clock),
    )


def _record(
    message: Incoming,
    understanding: Understanding,
    decisions: Sequence[Decision],
    steps: Sequence[Step],
    parts: Parts,
    clock: _Stopwatch,
) -> dict[str, Any]:
    """All that replaying and explaining the turn needs, as JSON."""
    return {
        "message": message.model_dump(mode="json"),
        "understanding": understanding.model_dump(mode="json"),
        "decisions": [decision.model_dump(mode="json") for decision in decisions],
        "steps": [step.model_dump(mode="json") for step in steps],
        "versions": dict(parts.versions),
        "milliseconds": clock.milliseconds(),
    }


class _Stopwatch:
    """Milliseconds by stage, for the record and the metrics only; no rule reads it."""

    def __init__(self) -> None:
        self._seconds: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        start = time.perf_counter()
        try:
            yield
        finally:
            self._seconds[name] = self._seconds.get(name, 0.0) + time.perf_counter() - start

    def milliseconds(self) -> dict[str, float]:
        return {name: round(seconds * 1000, 3) for name, seconds in self._seconds.items()}
