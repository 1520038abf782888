"""A conversation as the desk shows it: every message, and with it what was understood, decided, known and verified."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Any, Literal

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from backends.result import Fact
from bot import audit
from bot.desk.tables import NoteRow
from bot.message import Frozen
from bot.outbox import state_of
from bot.records import DeliveryRow, EventRow, TurnRow
from bot.store import reading

SHOWN = 400
"""Events of one page of a transcript; older ones are asked for."""
_STATES = frozenset(
    {"handover.queued", "handover.joined", "handover.left", "conversation.signed_in", "write.requested"}
)


class Mark(Frozen):
    """A piece of a text; ``kind`` is slot or fact, and ``title`` says which, or the piece is plain."""

    text: str
    kind: Literal["plain", "slot", "fact"] = "plain"
    title: str = ""


class Line(Frozen):
    """One line of the transcript. ``who`` is customer, bot, rep or system; ``insight`` is what the turn's record says of it.

    ``delivery`` is how far a pushed message came: pending, sending, sent, dead, or uncertain.
    """

    seq: int
    at: dt.datetime
    who: str
    kind: str
    text: tuple[Mark, ...] = ()
    name: str = ""
    data: dict[str, Any] = {}
    insight: Insight | None = None
    delivery: str | None = None


class Insight(Frozen):
    """A turn's record as it is shown: nothing of it is computed anew."""

    intents: tuple[tuple[str, float], ...] = ()
    act: str = ""
    in_scope: bool = True
    slots: tuple[tuple[str, str, str], ...] = ()
    decisions: tuple[tuple[str, str, str], ...] = ()
    facts: tuple[tuple[str, str, str, dt.datetime], ...] = ()
    how: dict[str, Any] = {}
    versions: dict[str, str] = {}
    milliseconds: dict[str, float] = {}
    failed: str = ""
    overtaken_by: str = ""


class Note(Frozen):
    """What a rep wrote for the next."""

    rep_id: str
    text: str
    at: dt.datetime


class Transcripts:
    """Reading conversations for the desk."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def read(self, conversation_id: str, language: str, after: int = 0) -> list[Line]:
        """The lines above *after*, the newest ``SHOWN`` of them, oldest first; facts are spoken in *language*."""
        is_its = EventRow.conversation_id == conversation_id
        query = (
            select(EventRow.seq, EventRow.type, EventRow.at, EventRow.actor, EventRow.in_reply_to, EventRow.data)
            .where(is_its, EventRow.seq > after, EventRow.type.in_(("message.completed", *_STATES)))
            .order_by(EventRow.seq.desc())
            .limit(SHOWN)
        )
        async with reading(self._engine) as connection:
            events = list(reversed((await connection.execute(query)).all()))
            numbers = {number for event in events for number in (event.seq, event.in_reply_to) if number is not None}
            turns = select(TurnRow.seq, TurnRow.record).where(
                TurnRow.conversation_id == conversation_id, TurnRow.seq.in_(sorted(numbers))
            )
            records = {row.seq: row.record for row in await connection.execute(turns)}
            sent = select(DeliveryRow.event_seq, DeliveryRow.status, DeliveryRow.last_error).where(
                DeliveryRow.conversation_id == conversation_id, DeliveryRow.event_seq > after
            )
            deliveries = {row.event_seq: state_of(*row[1:]) for row in await connection.execute(sent)}
        return [_line(event, records, deliveries, language) for event in events]

    async def write_note(self, conversation_id: str, rep_id: str, text: str, now: dt.datetime) -> None:
        """Keep what a rep writes for the next."""
        row = {"conversation_id": conversation_id, "rep_id": rep_id, "text": text, "at": now}
        async with self._engine.begin() as connection:
            await connection.execute(insert(NoteRow).values(**row))
            await audit.note(connection, "note.written", actor=rep_id, at=now, conversation_id=conversation_id)

    async def notes(self, conversation_id: str) -> list[Note]:
        """What reps wrote about the conversation, oldest first."""
        query = (
            select(NoteRow.rep_id, NoteRow.text, NoteRow.at)
            .where(NoteRow.conversation_id == conversation_id)
            .order_by(NoteRow.at)
        )
        async with reading(self._engine) as connection:
            return [Note(**row._mapping) for row in await connection.execute(query)]


async def latest_records(connection: AsyncConnection, conversation_id: str, count: int) -> list[dict[str, Any]]:
    """The records of the conversation's latest *count* turns, the newest first."""
    query = (
        select(TurnRow.record)
        .where(TurnRow.conversation_id == conversation_id)
        .order_by(TurnRow.seq.desc())
        .limit(count)
    )
    return list(await connection.scalars(query))


def _line(event: Any, records: Mapping[int, dict[str, Any]], deliveries: Mapping[int, str], language: str) -> Line:
    data = event.data
    common = {"seq": event.seq, "at": event.at, "who": event.actor, "kind": event.type}
    if event.type in _STATES:
        return Line(**common, data={name: value for name, value in data.items() if isinstance(value, str)})
    text = str(data.get("text", ""))
    if event.actor == "customer":
        record = records.get(event.seq)
        spans = _slots(record, text) if record else []
        return Line(**common, text=marked(text, spans, "slot"), insight=_heard(record) if record else None)
    spans = [
        (one["start"], one["end"], f"{one['name']} · {one['source']} · {one['as_of']}")
        for one in data.get("evidence", ())
    ]
    record = records.get(event.in_reply_to) if event.actor == "bot" and event.in_reply_to is not None else None
    name = data.get("name_en" if language == "en" else "name", "") if event.actor == "rep" else ""
    return Line(
        **common,
        text=marked(text, spans, "fact"),
        name=name,
        insight=_said(record, data, language) if record else None,
        delivery=deliveries.get(event.seq),
    )


def marked(text: str, spans: Iterable[tuple[int, int, str]], kind: Literal["slot", "fact"]) -> tuple[Mark, ...]:
    """*text* in pieces: those of *spans* (code points, with a title) are marked, overlapping and foreign ones left out."""
    pieces, last = [], 0
    for start, end, title in sorted(spans):
        if not last <= start < end <= len(text):
            continue
        if start > last:
            pieces.append(Mark(text=text[last:start]))
        pieces.append(Mark(text=text[start:end], kind=kind, title=title))
        last = end
    if last < len(text):
        pieces.append(Mark(text=text[last:]))
    return tuple(pieces)


def _slots(record: Mapping[str, Any], text: str) -> list[tuple[int, int, str]]:
    found = record.get("understanding", {}).get("slots", ())
    return [
        (slot["start"], slot["end"], f"{slot['slot']} = {slot['normalized'] or slot['value']}")
        for slot in found
        if text[slot["start"] : slot["end"]] == slot["value"]
    ]


def _heard(record: Mapping[str, Any]) -> Insight:
    """What was understood of a customer's message."""
    if "failed" in record:
        return Insight(failed=str(record["failed"]))
    understood = record["understanding"]
    return Insight(
        intents=tuple((intent["name"], intent["confidence"]) for intent in understood["intents"]),
        act=understood["act"],
        in_scope=understood["in_scope"],
        slots=tuple((slot["slot"], slot["value"], slot["normalized"] or "") for slot in understood["slots"]),
        versions=record.get("versions", {}),
        overtaken_by=record.get("overtaken_by", ""),
    )


def _said(record: Mapping[str, Any], data: Mapping[str, Any], language: str) -> Insight:
    """What the bot's answer rests on."""
    if "failed" in record:
        return Insight(failed=str(record["failed"]), how=data.get("how", {}))
    steps = [(step["decision"], step["result"]["outcome"]) for step in record["steps"]]
    decided = [*steps, *((decision, None) for decision in record["decisions"])]
    return Insight(
        decisions=tuple((each["kind"], _what(each, outcome), each["why"]) for each, outcome in decided),
        facts=tuple((fact.name, fact.spoken(language), fact.source, fact.as_of) for fact in facts_of(record)),
        how=data.get("how", {}),
        versions=record.get("versions", {}),
        milliseconds=record.get("milliseconds", {}),
    )


def _what(decision: Mapping[str, Any], outcome: str | None) -> str:
    call, say = decision.get("call"), decision.get("say")
    if call:
        return f"{call['name']}.{call['step']} → {outcome}"
    return f"{say['capability']}.{say['outcome']}" if say else f"→ {outcome}"


def facts_of(record: Mapping[str, Any]) -> list[Fact]:
    """The facts of a turn's results, those of rows and choices too, each once."""
    results = [
        *(step["result"] for step in record.get("steps", ())),
        *(decision["say"] for decision in record.get("decisions", ()) if decision.get("say")),
    ]
    raw = [
        fact
        for result in results
        for fact in (
            *result.get("facts", ()),
            *(one for row in result.get("rows", ()) for one in row),
            *(one for choice in result.get("choices", ()) for one in choice.get("facts", ())),
        )
    ]
    found: dict[str, Fact] = {}
    for one in raw:
        fact = Fact.model_validate(one)
        found.setdefault(fact.model_dump_json(), fact)
    return list(found.values())


Line.model_rebuild()
