"""The journey of one message, told once: understand, decide and do (at most four times), compose.

Every call goes out from here and comes back here. Nothing is written to the conversation on the way: what the turn
led to is returned, and the worker stores it in one transaction. The only rows made before that are the ones an effect
needs to be safe: its intent, its one-time code, its place in the queue.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from backends.result import Result
from backends.values import BEIJING
from bot import moods, otp, router, tracking
from bot.decision import Act, Answer, Ask, Clarify, Confirm, Decision, Effect, Handoff, Saying, Step, StepUp
from bot.effects import perform as perform_effect
from bot.effects import remembered_profile
from bot.failpoints import failpoint
from bot.message import Incoming, NewEvent, Turn
from bot.parts import Parts
from bot.principal import Principal
from bot.session import Session
from intents.capability import catalog
from intents.understanding import Understanding
from responses.audience import Audience
from responses.phrases import remembered

MAX_ROUNDS = 4
"""Check a code, commit, find the quote lapsed, quote again: the longest honest chain."""
Perform = Callable[[Effect, Sequence[Step], Incoming, Principal, dt.datetime, Parts], Awaitable[Result]]
"""Carries out one effect: ``bot.effects.perform``, or in a replay what was recorded of it."""


async def handle_turn(
    message: Incoming,
    session: Session,
    principal: Principal,
    now: dt.datetime,
    parts: Parts,
    perform: Perform = perform_effect,
) -> Turn:
    """What *message* leads to. Raises nothing a backend or a model can cause: those become outcomes.

    *session* is the conversation before the message, *principal* who vouched for it; *now* is aware UTC.
    """
    clock = _Stopwatch()
    if message.page is not None:
        session = session.gone_to(message.page)
    given = _given(session, principal, now)
    await failpoint("turn.before_understand", message.conversation_id)
    with clock.stage("understand"):
        understanding = parts.understand(message.text, session.context(now.astimezone(BEIJING).date()))
    await failpoint("turn.understood", message.conversation_id)
    heard = _hear(message, session, understanding, now)
    if heard is None:
        return _silent(message, session, understanding, parts, clock, given, now)
    session = heard
    mood, mood_age = moods.felt(message.text, session.mood, session.mood_age)
    session = session.model_copy(update={"mood": mood, "mood_age": mood_age})
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
                result = await perform(effect, steps, message, principal, now, parts)
                steps.append(Step(decision=effect, result=result, at=now))

    sayings = [decision for decision in decisions if isinstance(decision, Ask | Confirm | Clarify | Answer)]
    session = tracking.settle(session, sayings, steps, now)
    reply = None
    if sayings:
        with clock.stage("profile"):
            profile = await remembered_profile(message, principal, now, parts)
            given["profile"] = [fact.model_dump(mode="json") for fact in profile.facts] if profile else None
            audience = _audience(message, session, principal, now, profile)
        with clock.stage("compose"):
            await failpoint("turn.before_compose", message.conversation_id)
            reply = await parts.compose([saying.say for saying in sayings], audience, now=now)
        session = session.model_copy(update={"said": remembered(session.said, reply.how.phrases)})
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
        record=_record(message, understanding, decisions, steps, parts, clock, given),
        events=_events(steps),
    )


def _hear(message: Incoming, session: Session, understanding: Understanding, now: dt.datetime) -> Session | None:
    """The session that has heard the message; ``None`` where it is for the human who holds the conversation."""
    capabilities, code = catalog(), message.code_digest is not None
    if message.owner in ("bot", "queue"):
        if message.request is not None:
            return None
        # What a rep began is an ordinary task from here on: the next rep has not begun it.
        session = session.model_copy(update={"requested": None})
        return tracking.hear(session, understanding, code=code, now=now, capabilities=capabilities)
    if message.request is not None:
        return tracking.requested(session, message.request, understanding, now=now, capabilities=capabilities)
    task = tracking.task_of_rep(session, now)
    if task is None:
        return None
    heard = tracking.hear(session, understanding, code=code, now=now, capabilities=capabilities)
    if not tracking.is_its_answer(task, heard, message.text, message.last_speaker):
        return None
    # Nobody is offered a human who has one.
    return heard.model_copy(update={"human_offer": session.human_offer})


def _decide(
    message: Incoming,
    understanding: Understanding,
    session: Session,
    steps: Sequence[Step],
    principal: Principal,
    now: dt.datetime,
) -> tuple[Decision, ...]:
    if message.owner == "queue" and not router.protects(session, catalog()):
        return router.decide_in_queue(understanding, session, steps, now=now)
    if message.owner not in ("bot", "queue"):
        opening = message.request is not None
        return router.decide_requested(
            understanding, session, steps, principal, opening=opening, now=now, capabilities=catalog()
        )
    return router.decide(understanding, session, steps, principal, now=now, capabilities=catalog())


def _audience(
    message: Incoming, session: Session, principal: Principal, now: dt.datetime, profile: Result | None
) -> Audience:
    facts = profile.facts if profile else ()
    return Audience.of(
        facts,
        language=session.language,
        channel=principal.channel,
        greeted=session.turns > 1,
        now=now,
        variation=message.seq,
        mood=session.mood,
        mood_answered=session.mood_age > 1,
        said=session.said,
        customer=message.text,
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
        told = {"ticket_id": step.result.reference, "outcome": step.result.outcome, **facts}
        events.append(NewEvent(type=kind, actor="bot", data=told))
    return tuple(events)


def _silent(
    message: Incoming,
    session: Session,
    understanding: Understanding,
    parts: Parts,
    clock: _Stopwatch,
    given: dict[str, Any],
    now: dt.datetime,
) -> Turn:
    """A human holds the conversation: the message is understood for their console, and nothing is said.

    A code that is on its way stays awaited: its digits are the customer's and the bot's, never the rep's.
    """
    task = session.in_hand
    awaits_code = task is not None and task.awaiting == "code" and now - task.touched_at <= otp.LIFE
    return Turn(
        reply=None,
        session=session,
        owner=message.owner,
        awaiting_challenge=task.challenge_id if task is not None and awaits_code else None,
        record=_record(message, understanding, (), (), parts, clock, given),
    )


def _given(session: Session, principal: Principal, now: dt.datetime) -> dict[str, Any]:
    """What the turn found beside its message: the same again gives the same turn. Where they wrote from is not kept."""
    return {
        "now": now.isoformat(),
        "principal": principal.model_dump(mode="json", exclude={"address"}),
        "session": session.model_dump(mode="json", exclude_defaults=True),
    }


def _record(
    message: Incoming,
    understanding: Understanding,
    decisions: Sequence[Decision],
    steps: Sequence[Step],
    parts: Parts,
    clock: _Stopwatch,
    given: dict[str, Any],
) -> dict[str, Any]:
    """All that replaying and explaining the turn needs, as JSON."""
    return {
        "message": message.model_dump(mode="json"),
        "given": given,
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
