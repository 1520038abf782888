"""A recorded turn as whoever corrects it sees it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.desk.correction_checks import braced
from bot.message import Frozen
from bot.records import EventRow, TurnRow, is_reply_to
from intents.tagging import Spans
from intents.understanding import Act, Language


class NoSuchTurn(LookupError):
    """No turn is recorded there that could be corrected."""


class Meaning(Frozen):
    """What a message meant: one or two intents in the order of the message, the act, and the slots of *text* as
    ``(start, end, slot)`` in code points."""

    text: str
    intents: tuple[str, ...]
    act: Act
    slots: Spans = ()


class Turn(Frozen):
    """A recorded turn as whoever corrects it sees it. ``awaiting`` is what the message may have answered: such a message
    means what it means only there. ``ranking`` are the likeliest intents, best first."""

    conversation_id: str
    seq: int
    language: Language
    meaning: Meaning
    confidences: tuple[float, ...]
    ranking: tuple[str, ...]
    awaiting: str | None
    release: str
    channel: str
    said: tuple[str, ...]
    reply: str | None
    evidence: tuple[tuple[str, str], ...] = ()


async def recorded_turn(connection: AsyncConnection, conversation_id: str, seq: int) -> Turn:
    """The turn of that message. Raises ``NoSuchTurn``, also for one that failed: it was never understood."""
    query = (
        select(TurnRow.record, EventRow.data)
        .outerjoin(EventRow, is_reply_to(TurnRow))
        .where(TurnRow.conversation_id == conversation_id, TurnRow.seq == seq)
    )
    row = (await connection.execute(query)).first()
    if row is None or "understanding" not in row.record:
        raise NoSuchTurn(conversation_id, seq)
    record, reply = row.record, row.data or {}
    understood = record["understanding"]
    text: str = reply.get("text", "")
    evidence = tuple((text[span["start"] : span["end"]], span["name"]) for span in reply.get("evidence", ()))
    return Turn(
        conversation_id=conversation_id,
        seq=seq,
        language=understood["language"],
        meaning=Meaning(
            text=understood["text"],
            intents=tuple(intent["name"] for intent in understood["intents"]),
            act=understood["act"],
            slots=tuple((slot["start"], slot["end"], slot["slot"]) for slot in understood["slots"]),
        ),
        confidences=tuple(intent["confidence"] for intent in understood["intents"]),
        ranking=tuple(score["name"] for score in understood["ranking"]),
        awaiting=_awaited(record),
        release=record["versions"].get("model", ""),
        channel=record["message"]["channel"],
        said=tuple(
            f"{decision['say']['capability']}.{decision['say']['outcome']}"
            for decision in record["decisions"]
            if "say" in decision
        ),
        reply=text or None,
        evidence=evidence,
    )


def _awaited(record: Mapping[str, Any]) -> str | None:
    tasks = record.get("given", {}).get("session", {}).get("tasks") or [{}]
    awaited: str | None = tasks[-1].get("awaiting")
    return awaited


def as_it_was(turn: Turn) -> dict[str, Any]:
    """What was understood and said, without a word of it that could be somebody's."""
    return {
        "intents": list(turn.meaning.intents),
        "confidences": list(turn.confidences),
        "act": turn.meaning.act,
        "slots": [list(span) for span in turn.meaning.slots],
        "awaiting": turn.awaiting,
        "release": turn.release,
        "channel": turn.channel,
        "said": list(turn.said),
        "given": sorted({name for _, name in turn.evidence}),
        "reply": None if turn.reply is None else braced(turn.reply, turn.evidence),
    }
