"""Carrying out what the router decided: a call to the bank, a commit, a one-time code, a place in the queue.

Each comes back to the turn as a ``Result``; nothing a bank system can do raises here.
"""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Sequence

from backends import values
from backends.action import ActionCall, BackendError, Caller
from backends.result import Fact, Result
from bot.decision import Effect, Handoff, Step, StepUp
from bot.desk.tickets import Queued
from bot.desk.urgency import skill_of, urgency_of
from bot.failpoints import failpoint
from bot.message import Incoming
from bot.otp import CodeNotSent, TooManyCodes
from bot.parts import Parts
from bot.principal import Principal

CODE_OK = "code_ok"
PLACE_WITHIN = 2.0
"""Seconds that the bank has to say who a customer is whom a human shall help."""


async def perform(
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
    profile = await profile_of(message, principal, parts)
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
    try:
        # Their age and tier may move them up; a bank that is slow must not keep them out of the queue.
        async with asyncio.timeout(PLACE_WITHIN):
            profile = await remembered_profile(message, principal, now, parts)
    except TimeoutError:
        profile = None
    facts = profile.facts if profile else ()
    priority, reasons = urgency_of(effect.reason, effect.about, message.text, facts)
    queued = await parts.tickets.open(
        message.conversation_id,
        principal.customer_id,
        effect.reason,
        priority,
        now,
        reasons=reasons,
        capability=effect.about,
        skill=skill_of(effect.about, message.text),
    )
    return _queue_result("queued" if queued.in_hours else "after_hours", queued, now)


def _queue_result(outcome: str, queued: Queued, now: dt.datetime) -> Result:
    def fact(name: str, value: values.Value) -> Fact:
        return Fact.of(name, value, source="desk", as_of=now)

    facts = (
        fact("position", values.Count(queued.position, "person")),
        # To be told that nobody is ahead one need not be told a number.
        *([fact("ahead", values.Count(queued.ahead, "person"))] if queued.ahead else []),
        fact("wait_minutes", values.Count(queued.wait_minutes, "minute")),
        fact("hours_from", queued.hours_from),
        fact("hours_to", queued.hours_to),
    )
    return Result(capability="human_agent", outcome=outcome, facts=facts, reference=queued.ticket_id)


async def profile_of(message: Incoming, principal: Principal, parts: Parts) -> Result | None:
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


async def remembered_profile(message: Incoming, principal: Principal, now: dt.datetime, parts: Parts) -> Result | None:
    """``profile_of``, or what it gave a little earlier in this conversation: good for how a reply is worded."""
    caller = principal.caller(message.conversation_id)
    profile = parts.profiles.get(caller, now)
    if profile is None:
        profile = await profile_of(message, principal, parts)
        if profile is not None:
            parts.profiles.learn(caller, profile, now)
    return profile
