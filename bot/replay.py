"""Recorded conversations run again: what would another release have understood, decided and said?

Every turn starts from what its record says it found (the session, who asked, the time, the profile), so a turn that goes
another way changes none of those after it: the customer's next words answered what was said then. No backend is asked and
nothing is written: an effect has the result that was recorded of it, and one that was never recorded has none.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NoReturn, cast

from sqlalchemy import ColumnElement, select
from sqlalchemy.ext.asyncio import AsyncEngine

from backends.action import ActionCall, BackendError, Caller
from backends.result import Fact, Result
from backends.rules import standing_facts
from bot.decision import Act, Effect, Handoff, Step, StepUp
from bot.message import Frozen, Incoming, Turn
from bot.parts import Parts, Understand
from bot.principal import Principal
from bot.records import ConversationRow, EventRow, TurnRow, is_reply_to
from bot.session import Session
from bot.store import reading
from bot.turn import handle_turn
from intents.understanding import Context, Understanding
from responses.audience import Audience
from responses.compose import TEMPLATE, compose
from responses.reply import Reply

Field = Literal["intents", "act", "slots", "decisions", "reply", "failure"]
FIELDS: tuple[Field, ...] = ("intents", "act", "slots", "decisions", "reply", "failure")
Skip = Literal["failed then", "recorded without what it found"]


class Seen(Frozen):
    """A turn as far as two runs of it are compared. ``intents`` and ``slots`` are as in the ``Understanding``.

    ``decisions`` is a line for each effect and each saying, in order. ``reply`` is ``None`` where nothing was said, or
    where nobody can tell what would have been: then ``unrecorded`` names what would have been asked. ``failure`` is the
    type of what the turn raised.
    """

    intents: tuple[dict[str, Any], ...] = ()
    act: str = ""
    slots: tuple[dict[str, Any], ...] = ()
    decisions: tuple[str, ...] = ()
    reply: str | None = None
    unrecorded: tuple[str, ...] = ()
    failure: str | None = None

    def of(self, name: Field) -> Any:
        """What is compared of that field: of an intent its name and not its confidence."""
        if name == "intents":
            return [intent["name"] for intent in self.intents]
        return getattr(self, name)


class Change(Frozen):
    """A turn that changed: *fields* are those that differ. ``text`` is what the customer wrote, as it was stored, and
    ``names`` what the bank calls them."""

    conversation_id: str
    seq: int
    at: dt.datetime
    text: str
    names: tuple[str, ...] = ()
    fields: tuple[Field, ...]
    recorded: Seen
    replayed: Seen


@dataclass
class Report:
    """What replaying came to. ``skipped`` counts the turns that could not be run again, by the reason."""

    release: str
    recorded_with: Counter[str] = field(default_factory=Counter)
    conversations: int = 0
    replayed: int = 0
    skipped: Counter[Skip] = field(default_factory=Counter)
    unrecorded: int = 0
    changes: list[Change] = field(default_factory=list)

    @property
    def share(self) -> float:
        """Changed turns of those replayed, 0 to 1."""
        return len(self.changes) / self.replayed if self.replayed else 0.0

    def counts(self) -> dict[Field, int]:
        """How many turns changed in each field."""
        found = Counter(name for change in self.changes for name in change.fields)
        return {name: found[name] for name in FIELDS}

    def confusions(self) -> list[tuple[str, str, int]]:
        """Intents understood then and now, where they differ, the most frequent first."""
        pairs = Counter(
            ("+".join(change.recorded.of("intents")) or "-", "+".join(change.replayed.of("intents")) or "-")
            for change in self.changes
            if "intents" in change.fields
        )
        return [(*pair, count) for pair, count in sorted(pairs.items(), key=lambda item: (-item[1], item[0]))]

    def summary(self) -> dict[str, Any]:
        """The figures, without the turns."""
        return {
            "release": self.release,
            "recorded_with": dict(sorted(self.recorded_with.items())),
            "conversations": self.conversations,
            "replayed": self.replayed,
            "skipped": dict(sorted(self.skipped.items())),
            "changed": len(self.changes),
            "share": round(self.share, 4),
            "changed_in": self.counts(),
            "unrecorded": self.unrecorded,
            "confusions": self.confusions(),
        }


@dataclass(frozen=True, slots=True)
class Recorded:
    """A turn as it was stored: its record, and what was said to it (the reply's shape), if anything was."""

    conversation_id: str
    seq: int
    at: dt.datetime
    record: Mapping[str, Any]
    reply: Mapping[str, Any] | None


async def replay(
    engine: AsyncEngine,
    conversations: Sequence[str],
    understand: Understand,
    release: str,
    *,
    same_code: bool = False,
) -> Report:
    """Run the turns of *conversations* again with *understand*, which is that of *release*.

    With *same_code* they are compared with what today's code makes of the recorded understanding: then only what the
    release itself changes is seen.
    """
    report = Report(release)
    for conversation_id in conversations:
        report.conversations += 1
        async for turn in recorded_turns(engine, conversation_id):
            reason = _cannot_replay(turn.record)
            if reason is not None:
                report.skipped[reason] += 1
                continue
            report.recorded_with[turn.record["versions"].get("model", "?")] += 1
            report.replayed += 1
            before = await as_understood_then(turn) if same_code else await was(turn)
            after = await again(turn, understand)
            report.unrecorded += bool(after.unrecorded)
            fields = tuple(name for name in FIELDS if _differs(name, before, after))
            if fields:
                report.changes.append(
                    Change(
                        conversation_id=turn.conversation_id,
                        seq=turn.seq,
                        at=turn.at,
                        text=turn.record["message"]["text"],
                        names=_names(turn.record),
                        fields=fields,
                        recorded=before,
                        replayed=after,
                    )
                )
    return report


async def choose(
    engine: AsyncEngine,
    *,
    conversations: Sequence[str] = (),
    since: dt.datetime | None = None,
    sample: int | None = None,
) -> list[str]:
    """The ids of the conversations that have turns: those named, those with a turn *since* then, or all.

    *sample* of them are chosen by their ids alone, the same ones every time. Raises ``LookupError`` naming the first of
    *conversations* that has none.
    """
    conditions: list[ColumnElement[bool]] = []
    if conversations:
        conditions.append(TurnRow.conversation_id.in_(conversations))
    if since is not None:
        conditions.append(TurnRow.at >= since)
    began = select(ConversationRow.id).order_by(ConversationRow.created_at, ConversationRow.id)
    query = began.where(ConversationRow.id.in_(select(TurnRow.conversation_id).where(*conditions)))
    async with reading(engine) as connection:
        found = list(await connection.scalars(query))
    missing = next((name for name in conversations if name not in found), None)
    if missing is not None and since is None:
        raise LookupError(missing)
    if sample is not None:
        drawn = set(sorted(found, key=lambda name: hashlib.sha256(name.encode()).digest())[:sample])
        found = [name for name in found if name in drawn]
    return found


async def recorded_turns(engine: AsyncEngine, conversation_id: str) -> AsyncIterator[Recorded]:
    """The turns of a conversation in their order."""
    query = (
        select(TurnRow.seq, TurnRow.at, TurnRow.record, EventRow.data)
        .outerjoin(EventRow, is_reply_to(TurnRow))
        .where(TurnRow.conversation_id == conversation_id)
        .order_by(TurnRow.seq)
    )
    async with reading(engine) as connection:
        rows = (await connection.execute(query)).all()
    for row in rows:
        yield Recorded(conversation_id, row.seq, row.at, row.record, row.data)


async def was(turn: Recorded) -> Seen:
    """The turn as it was recorded. A reply that a language model worded is told in the words of the templates: those of
    a model cannot be had again, and two of its wordings would differ in every turn."""
    record = turn.record
    reply = turn.reply["text"] if turn.reply else None
    if turn.reply is not None and turn.reply["how"]["generator"] != TEMPLATE:
        reply = (await as_understood_then(turn)).reply
    return _seen(record["understanding"], record["steps"], record["decisions"], reply)


async def as_understood_then(turn: Recorded) -> Seen:
    """The turn run again by today's code, with the understanding that was recorded."""
    understood = Understanding.model_validate(turn.record["understanding"])
    return await again(turn, lambda *_: understood)


async def again(turn: Recorded, understand: Understand) -> Seen:
    """The turn run again with *understand*, and with the results that were recorded of its effects."""
    record, given = turn.record, turn.record["given"]
    heard = _Heard(understand)
    recording = Recording([Step.model_validate(step) for step in record["steps"]])
    unasked = cast(Any, _Unasked())
    parts = Parts(
        understand=heard,
        actions=_Profile(given.get("profile")),
        compose=_from_templates,
        challenges=unasked,
        writes=unasked,
        tickets=unasked,
    )
    message = Incoming.model_validate(record["message"])
    session, principal = Session.model_validate(given["session"]), Principal.model_validate(given["principal"])
    now = dt.datetime.fromisoformat(given["now"])
    try:
        done = await handle_turn(message, session, principal, now, parts, recording)
    except Exception as error:
        # A template that today's facts do not fill, say: it is what the report is for.
        understood = heard.last.model_dump(mode="json") if heard.last else None
        return _seen(understood, (), (), None).model_copy(update={"failure": type(error).__name__})
    return _replayed(done, recording, said=not _kept_silent(turn))


def _replayed(done: Turn, recording: Recording, *, said: bool) -> Seen:
    record = done.record
    if not recording.unrecorded:
        reply = done.reply.text if done.reply and said else None
        return _seen(record["understanding"], record["steps"], record["decisions"], reply)
    # What the bank would have said is not known: neither is what would have been made of it.
    seen = _seen(record["understanding"], (), (), None)
    lines = []
    for step in record["steps"]:
        unrecorded = _line(step["decision"]) in recording.unrecorded
        lines.append(_line(step["decision"], "not recorded" if unrecorded else step["result"]["outcome"]))
    return seen.model_copy(update={"decisions": tuple(lines), "unrecorded": tuple(recording.unrecorded)})


def _differs(name: Field, before: Seen, after: Seen) -> bool:
    """Whether that field changed. Of a reply that nobody can tell it is not said that it did."""
    unknown = name == "reply" and (after.unrecorded or after.failure)
    return not unknown and bool(before.of(name) != after.of(name))


class Recording:
    """Carries out effects by what was recorded of the same ones. ``unrecorded`` are those of which nothing was."""

    def __init__(self, steps: Sequence[Step]) -> None:
        self._left = [(_same(step.decision), step.result) for step in steps]
        self.unrecorded: list[str] = []

    async def __call__(
        self,
        effect: Effect,
        steps: Sequence[Step],
        message: Incoming,
        principal: Principal,
        now: dt.datetime,
        parts: Parts,
    ) -> Result:
        """The next result that was recorded of such an effect; ``unavailable`` where none is left."""
        wanted = _same(effect)
        for place, (recorded, result) in enumerate(self._left):
            if recorded == wanted:
                del self._left[place]
                return result
        self.unrecorded.append(_line(effect.model_dump(mode="json")))
        return Result(capability=_name(effect), outcome="unavailable")


def _same(effect: Effect) -> str:
    """What makes an effect the same one, whatever task it serves and whyever: what the bank, or the desk, would see."""
    seen = effect.model_dump(mode="json", exclude={"task", "why"})
    return json.dumps(seen, sort_keys=True, ensure_ascii=False)


def _name(effect: Effect) -> str:
    match effect:
        case Act():
            return effect.call.name
        case StepUp():
            return effect.capability
        case Handoff():
            return "human_agent"


class _Heard:
    """*understand*, and the last that it gave."""

    def __init__(self, understand: Understand) -> None:
        self._understand = understand
        self.last: Understanding | None = None

    def __call__(self, text: str, context: Context, /) -> Understanding:
        self.last = self._understand(text, context)
        return self.last


class _Profile:
    """The bank, of which only the customer's recorded profile is left."""

    def __init__(self, facts: Sequence[Mapping[str, Any]] | None) -> None:
        self._facts = facts

    async def run(self, call: ActionCall, caller: Caller) -> Result:
        if call.name != "customer_profile" or self._facts is None:
            raise BackendError(f"{call.name}: nothing is recorded")
        facts = tuple(Fact.model_validate(fact) for fact in self._facts)
        return Result(capability=call.name, outcome="found", facts=facts)


class _Unasked:
    """What stands where a turn has its codes, writes and tickets: every effect is answered before it gets there."""

    def __getattr__(self, name: str) -> NoReturn:
        raise AssertionError(f"a replay came to {name}")


async def _from_templates(results: Sequence[Result], audience: Audience, /, *, now: dt.datetime) -> Reply:
    return await compose(results, audience, now=now, rules=standing_facts(now))


def _cannot_replay(record: Mapping[str, Any]) -> Skip | None:
    if "failed" in record:
        return "failed then"
    return None if "given" in record else "recorded without what it found"


def _names(record: Mapping[str, Any]) -> tuple[str, ...]:
    """What the customer is called in replies, in every language."""
    called = (fact for fact in record["given"].get("profile") or () if fact["name"] == "honorific")
    return tuple(words for fact in called for words in (fact["value"], fact["english"]) if words)


def _kept_silent(turn: Recorded) -> bool:
    """Whether a human took the conversation while the turn ran, so that its reply was never said."""
    return "overtaken_by" in turn.record


def _seen(
    understanding: Mapping[str, Any] | None,
    steps: Sequence[Mapping[str, Any]],
    decisions: Sequence[Mapping[str, Any]],
    reply: str | None,
) -> Seen:
    lines = [_line(step["decision"], step["result"]["outcome"]) for step in steps]
    if understanding is None:
        return Seen(reply=reply)
    return Seen(
        intents=tuple(understanding["intents"]),
        act=understanding["act"],
        slots=tuple(understanding["slots"]),
        decisions=(*lines, *(_line(decision) for decision in decisions)),
        reply=reply,
    )


def _line(decision: Mapping[str, Any], outcome: str | None = None) -> str:
    """A decision in one line, without the facts it carries: those are in the reply."""
    match decision["kind"]:
        case "act":
            call = decision["call"]
            given = ", ".join(f"{name}={_value(value)}" for name, value in sorted(call["input"].items()))
            what = f"{call['name']}.{call['step']}({given})"
        case "step_up":
            what = f"{decision['capability']} {'check' if decision['check'] else 'send'}"
        case "handoff":
            what = "withdraw" if decision["withdraw"] else decision["reason"]
        case _:
            what = f"{decision['say']['capability']}.{decision['say']['outcome']}"
    return f"{decision['kind']} {what}" + (f" → {outcome}" if outcome else "")


def _value(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)
