"""A reply for the rep to send, edit or reject: the same turn as the bot's own, run without leaving anything behind."""

from __future__ import annotations

import datetime as dt
import itertools
import logging
from collections.abc import Sequence
from typing import Any

from sqlalchemy import func, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine

from backends.registry import BY_NAME
from backends.result import Fact, Result
from bot.decision import Act, Effect, Step
from bot.desk.tables import SuggestionRow
from bot.desk.transcript import facts_of, latest_records
from bot.effects import perform
from bot.message import Frozen, Incoming
from bot.parts import Parts
from bot.principal import Principal
from bot.records import ConversationRow, EventRow, InboxRow, TurnRow
from bot.session import Session
from bot.store import reading
from bot.turn import handle_turn

READS = frozenset({"run", "explain", "status"})
"""Steps that change nothing, unless the action says that its ``run`` does."""
LOOKED_AT = 6
"""Messages among which one is looked for that has no answer."""
_MESSAGE = ("conversation_id", "message_id", "seq", "text", "received_at", "channel")
RECENT_TURNS = 12
"""Turns whose facts are at hand for a rep's own words."""
_LOG = logging.getLogger(__name__)


class Suggestion(Frozen):
    """What could be answered to the message ``seq``; ``evidence`` is that of ``bot.message``'s replies."""

    id: int
    seq: int
    text: str
    language: str
    evidence: tuple[dict[str, Any], ...] = ()
    outcome: str = "open"


class Suggesting:
    """Making suggestions and keeping what becomes of them. *parts* are those of the bot's own turns."""

    def __init__(self, engine: AsyncEngine, parts: Parts) -> None:
        self._engine = engine
        self._parts = parts

    async def suggest(self, conversation_id: str, rep_id: str, now: dt.datetime) -> Suggestion | None:
        """The reply to the customer's latest message that nobody has answered; made once. ``None`` where there is none, or
        nothing to say to it.

        It is made with the rights of whoever wrote the message, and with what the conversation remembers, which stays as it is.
        """
        for message, session, principal in await self._unanswered(conversation_id):
            suggestion = await self._suggest(message, session, principal, rep_id, now)
            if suggestion is not None:
                return suggestion
        return None

    async def _suggest(
        self, message: Incoming, session: Session, principal: Principal, rep_id: str, now: dt.datetime
    ) -> Suggestion | None:
        conversation_id = message.conversation_id
        known = await self._known(conversation_id, message.seq)
        if known is not None:
            return known if known.text else None
        try:
            turn = await handle_turn(message, session, principal, now, self._parts, perform=_only_look)
        except Exception as error:
            # A part that fails costs the rep a suggestion, and nothing else; its words may quote the customer.
            _LOG.warning("no suggestion for %s: %s", conversation_id, type(error).__name__)
            return None
        said = turn.reply is not None and _is_an_answer(turn.record)
        row = {
            "conversation_id": conversation_id,
            "seq": message.seq,
            "rep_id": rep_id,
            "text": turn.reply.text if turn.reply and said else "",
            "language": turn.reply.language if turn.reply else session.language,
            "record": {
                **turn.record,
                "evidence": [one.model_dump(mode="json") for one in turn.reply.evidence] if turn.reply else [],
            },
            "outcome": "open" if said else "none",
            "created_at": now,
        }
        try:
            async with self._engine.begin() as connection:
                await connection.execute(insert(SuggestionRow).values(**row))
        except IntegrityError:
            _LOG.info("a suggestion for %s was made twice at once", conversation_id)
        known = await self._known(conversation_id, message.seq)
        return known if known is not None and known.text else None

    async def get(self, suggestion_id: int, conversation_id: str) -> Suggestion | None:
        """One of the conversation's suggestions."""
        return await self._one(SuggestionRow.id == suggestion_id, SuggestionRow.conversation_id == conversation_id)

    async def reject(self, suggestion_id: int, conversation_id: str, now: dt.datetime) -> None:
        """The rep would not send this."""
        async with self._engine.begin() as connection:
            await connection.execute(
                update(SuggestionRow)
                .where(
                    SuggestionRow.id == suggestion_id,
                    SuggestionRow.conversation_id == conversation_id,
                    SuggestionRow.outcome == "open",
                )
                .values(outcome="rejected", settled_at=now)
            )

    async def facts_at_hand(self, conversation_id: str) -> tuple[list[Fact], list[Result]]:
        """What a rep's own words may rest on: the facts of the latest turns and suggestions, who the customer is, and
        what was done."""
        made = (
            select(SuggestionRow.record)
            .where(SuggestionRow.conversation_id == conversation_id)
            .order_by(SuggestionRow.seq.desc())
            .limit(RECENT_TURNS)
        )
        async with reading(self._engine) as connection:
            turns = await latest_records(connection, conversation_id, RECENT_TURNS)
            records = [*turns, *await connection.scalars(made)]
        facts = [fact for record in records for fact in (*facts_of(record), *_profile_of(record))]
        results = [
            Result.model_validate(step["result"])
            for record in records
            for step in record.get("steps", ())
            if step["result"].get("completed")
        ]
        return facts, results

    async def _unanswered(self, conversation_id: str) -> list[tuple[Incoming, Session, Principal]]:
        """The customer's messages, the latest first, since the bot or a rep last answered one."""
        is_reps = (
            EventRow.conversation_id == conversation_id,
            EventRow.actor == "rep",
            EventRow.type == "message.completed",
        )
        query = (
            select(InboxRow, ConversationRow.session, TurnRow.record)
            .join(ConversationRow, ConversationRow.id == InboxRow.conversation_id)
            .outerjoin(TurnRow, (TurnRow.conversation_id == InboxRow.conversation_id) & (TurnRow.seq == InboxRow.seq))
            .where(
                InboxRow.conversation_id == conversation_id,
                InboxRow.seq > func.coalesce(select(func.max(EventRow.seq)).where(*is_reps).scalar_subquery(), 0),
            )
            .order_by(InboxRow.seq.desc())
            .limit(LOOKED_AT)
        )
        async with reading(self._engine) as connection:
            rows = (await connection.execute(query)).all()
        is_open = itertools.takewhile(lambda row: not _was_answered(row.record), rows)
        return [
            (
                Incoming(**{name: getattr(row, name) for name in _MESSAGE}),
                _without_tasks(Session.model_validate(row.session)),
                Principal.model_validate(row.principal),
            )
            for row in is_open
            if row.request is None
        ]

    async def _known(self, conversation_id: str, seq: int) -> Suggestion | None:
        return await self._one(SuggestionRow.conversation_id == conversation_id, SuggestionRow.seq == seq)

    async def _one(self, *conditions: Any) -> Suggestion | None:
        columns = [getattr(SuggestionRow, name) for name in ("id", "seq", "text", "language", "outcome", "record")]
        async with reading(self._engine) as connection:
            row = (await connection.execute(select(*columns).where(*conditions))).one_or_none()
        if row is None:
            return None
        return Suggestion(
            id=row.id,
            seq=row.seq,
            text=row.text,
            language=row.language,
            outcome=row.outcome,
            evidence=tuple(row.record.get("evidence", ())),
        )


def _without_tasks(session: Session) -> Session:
    """The memory without what the bot had begun: a rep who asks "shall I go on?" would not get the answer to work."""
    return session.model_copy(update={"tasks": (), "queue": (), "agenda": (), "human_offer": "made"})


async def _only_look(
    effect: Effect, steps: Sequence[Step], message: Incoming, principal: Principal, now: dt.datetime, parts: Parts
) -> Result:
    """``perform`` for what reads; of what would change anything, how it works."""
    if not isinstance(effect, Act):
        return Result(capability="human_agent", outcome="hotline")
    call = effect.call
    action = BY_NAME.get(call.name)
    changes = call.step not in READS or (call.step == "run" and action is not None and action.effectful)
    if not changes:
        return await perform(effect, steps, message, principal, now, parts)
    if call.step == "prepare":
        explain = effect.model_copy(update={"call": call.model_copy(update={"step": "explain"})})
        return await perform(explain, steps, message, principal, now, parts)
    return Result(capability=call.name, outcome="unavailable")


def _is_an_answer(record: dict[str, Any]) -> bool:
    """Whether it says something: what only asks back rests on buttons that a rep's message has not."""
    asks = any(
        decision["kind"] == "clarify" or (decision.get("say") or {}).get("outcome") == "close"
        for decision in record["decisions"]
    )
    return not asks and not _is_about_the_queue(record)


def _profile_of(record: dict[str, Any]) -> list[Fact]:
    """What the bank said of the customer when the turn was run: how they are called, for one."""
    return [Fact.model_validate(fact) for fact in (record.get("given") or {}).get("profile") or ()]


def _was_answered(record: dict[str, Any] | None) -> bool:
    """Whether the bot said more to the message than where the customer waits."""
    return bool(record and record.get("decisions")) and not _is_about_the_queue(record or {})


def _is_about_the_queue(record: dict[str, Any]) -> bool:
    """Whether all that could be said is where the customer waits: they wait no more."""
    said = [decision.get("say") for decision in record["decisions"] if decision.get("say")]
    return not said or all(say["capability"] == "human_agent" for say in said)
