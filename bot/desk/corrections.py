"""Corrections: what a turn should have been understood as, or answered. Quarantined until another person has looked.

A correction is an example for training, so it must teach something (it is not nearly an example that is there already)
and give nobody away (it holds no personal data). What a reviewer approves is exported; nothing is learnt before.
"""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Mapping, Sequence
from typing import Any, Literal, get_args

from sqlalchemy import Row, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from bot import audit
from bot.desk.correctable import Meaning, Turn, as_it_was, recorded_turn
from bot.desk.correction_checks import NAME, Near, Problem, braced, near_examples, problems_of_reply, problems_of_text
from bot.desk.correction_tables import CorrectionRow, CorrectionStepRow
from bot.hiding import hide
from bot.message import Frozen
from bot.store import reading
from intents.capability import catalog, slot_types
from intents.nearness import NEAR, likeness
from intents.understanding import Language

Status = Literal["quarantined", "approved", "rejected", "withdrawn"]
STATUSES: tuple[Status, ...] = get_args(Status)
OUT_OF_SCOPE = "out_of_scope"
LONGEST = 2_000
"""Code points of a text, a reply or a reason: as many as a message may have."""


class BadCorrection(ValueError):
    """It cannot be corrected so; the sentence says why, and ``reason`` names it for pages in other languages."""

    def __init__(self, reason: str, sentence: str) -> None:
        super().__init__(sentence)
        self.reason = reason


class NoSuchCorrection(LookupError):
    """There is no correction of that id."""


class AlreadyQuarantined(Exception):
    """The turn has a correction, ``correction_id``, that waits for its reviewer: that one can be changed. Empty where it
    was settled a moment ago."""

    def __init__(self, correction_id: str) -> None:
        super().__init__(correction_id)
        self.correction_id = correction_id


class Stale(Exception):
    """It is not what was looked at any more: it was changed, or settled, since."""


class NotTheirs(Exception):
    """Whoever wrote or changed a correction does not review it, and only its author takes it back."""


class NotClean(Exception):
    """It cannot be approved as it is: ``problems`` say what must be taken out first."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__(", ".join(problem.kind for problem in problems))
        self.problems = tuple(problems)


class NothingNew(Exception):
    """``near`` say nearly the same already; who approves it all the same says why."""

    def __init__(self, near: Sequence[Near]) -> None:
        super().__init__(len(near))
        self.near = tuple(near)


class Correction(Frozen):
    """A correction as it stands. ``was`` is what was understood and said, ``problems`` what keeps it from approval.

    ``reply`` is what should have been said, facts as ``{name}``. Times are UTC.
    """

    id: str
    conversation_id: str
    seq: int
    language: Language
    text: str
    meaning: Meaning | None
    reply: str | None
    was: dict[str, Any]
    problems: tuple[Problem, ...]
    status: Status
    revision: int
    author: str
    reviewer: str | None
    created_at: dt.datetime
    updated_at: dt.datetime


class StepTaken(Frozen):
    """A line of a correction's history."""

    at: dt.datetime
    actor: str
    action: str
    why: str
    data: dict[str, Any]


class Corrections:
    """The corrections of this desk. Who may call what is the routes' business; that two people are needed is ours."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def turn(self, conversation_id: str, seq: int) -> Turn:
        """The turn of that message. Raises ``NoSuchTurn``."""
        async with reading(self._engine) as connection:
            return await recorded_turn(connection, conversation_id, seq)

    async def propose(
        self,
        conversation_id: str,
        seq: int,
        *,
        author: str,
        now: dt.datetime,
        meaning: Meaning | None = None,
        reply: str | None = None,
        why: str = "",
    ) -> Correction:
        """Quarantine what the turn should have been. Raises ``NoSuchTurn``, ``BadCorrection``, ``AlreadyQuarantined``."""
        turn = await self.turn(conversation_id, seq)
        values = _values(turn, meaning, reply, why)
        row = {
            "id": secrets.token_hex(8),
            "conversation_id": conversation_id,
            "seq": seq,
            "language": turn.language,
            "was": as_it_was(turn),
            "author": author,
            "created_at": now,
            "updated_at": now,
            **values,
        }
        try:
            async with self._engine.begin() as connection:
                await connection.execute(insert(CorrectionRow).values(**row))
                await _step(connection, row["id"], "proposed", author, now, why, conversation_id, **_snapshot(values))
                return await _held(connection, row["id"])
        except IntegrityError:
            waiting = await self.of_turn(conversation_id, seq)
            raise AlreadyQuarantined(waiting.id if waiting else "") from None

    async def revise(
        self,
        correction_id: str,
        revision: int,
        *,
        actor: str,
        now: dt.datetime,
        meaning: Meaning | None = None,
        reply: str | None = None,
        why: str = "",
    ) -> Correction:
        """Change what is quarantined; whoever does is one of its authors from then on. Raises ``BadCorrection``,
        ``Stale`` and ``NoSuchTurn``, where the turn itself is gone."""
        async with self._engine.begin() as connection:
            seen = await _seen(connection, correction_id, revision)
            turn = await recorded_turn(connection, seen.conversation_id, seen.seq)
            values = _values(turn, meaning, reply, why)
            changes = {**values, "revision": revision + 1, "updated_at": now}
            await connection.execute(update(CorrectionRow).where(CorrectionRow.id == correction_id).values(changes))
            await _step(
                connection, correction_id, "revised", actor, now, why, seen.conversation_id, **_snapshot(values)
            )
            return await _held(connection, correction_id)

    async def withdraw(self, correction_id: str, *, actor: str, now: dt.datetime, why: str = "") -> Correction:
        """Take it back. Raises ``NotTheirs`` and ``Stale``."""
        async with self._engine.begin() as connection:
            seen = await _held(connection, correction_id)
            if seen.author != actor:
                raise NotTheirs
            return await _settle(connection, seen, "withdrawn", actor, now, why)

    async def approve(
        self, correction_id: str, revision: int, *, reviewer: str, now: dt.datetime, why: str = "", anyway: bool = False
    ) -> Correction:
        """Let it out of quarantine, as it was at *revision*; *anyway*, with a reason, although it says nothing new.

        Raises ``NotTheirs``, ``Stale``, ``NotClean`` and ``NothingNew``.
        """
        async with self._engine.begin() as connection:
            seen = await _seen(connection, correction_id, revision)
            await _demand_another(connection, correction_id, reviewer)
            if seen.problems:
                raise NotClean(seen.problems)
            near = await _near(connection, seen)
            if near and not (anyway and why.strip()):
                raise NothingNew(near)
            return await _settle(connection, seen, "approved", reviewer, now, why, near=len(near))

    async def reject(
        self, correction_id: str, revision: int, *, reviewer: str, now: dt.datetime, why: str
    ) -> Correction:
        """Let it go no further, and say why. Raises ``NotTheirs``, ``Stale`` and ``BadCorrection`` without a reason."""
        if not why.strip():
            raise BadCorrection("why_rejected", "Say why it is rejected: its author learns from that.")
        async with self._engine.begin() as connection:
            seen = await _seen(connection, correction_id, revision)
            await _demand_another(connection, correction_id, reviewer)
            return await _settle(connection, seen, "rejected", reviewer, now, why)

    async def get(self, correction_id: str) -> Correction:
        """The correction of that id. Raises ``NoSuchCorrection``."""
        async with reading(self._engine) as connection:
            return await _held(connection, correction_id, lock=False)

    async def of_turn(self, conversation_id: str, seq: int) -> Correction | None:
        """The one that waits for its reviewer, of that turn."""
        async with reading(self._engine) as connection:
            waiting = await _quarantined(connection, conversation_id, seq)
            return None if waiting is None else await _held(connection, waiting, lock=False)

    async def all(
        self, status: Status | None = None, *, author: str | None = None, since: dt.datetime | None = None
    ) -> list[Correction]:
        """The corrections in that *status*, by *author*, changed *since* then: the oldest change first."""
        query = select(*_COLUMNS).order_by(CorrectionRow.updated_at, CorrectionRow.id)
        if status is not None:
            query = query.where(CorrectionRow.status == status)
        if author is not None:
            query = query.where(CorrectionRow.author == author)
        if since is not None:
            query = query.where(CorrectionRow.updated_at >= since)
        async with reading(self._engine) as connection:
            return [_correction(row) for row in await connection.execute(query)]

    async def near(self, correction: Correction) -> list[Near]:
        """What says nearly the same: examples of the catalogue, and other corrections that are quarantined or approved."""
        async with reading(self._engine) as connection:
            return await _near(connection, correction)

    async def history(self, correction_id: str) -> list[StepTaken]:
        """All that was done to it, the first step first."""
        columns = [getattr(CorrectionStepRow, name) for name in StepTaken.model_fields]
        query = select(*columns).where(CorrectionStepRow.correction_id == correction_id).order_by(CorrectionStepRow.id)
        async with reading(self._engine) as connection:
            return [StepTaken(**row._mapping) for row in await connection.execute(query)]

    async def exported(self, form: str, count: int, *, actor: str, now: dt.datetime) -> None:
        """Keep that *actor* took *count* of them out."""
        async with self._engine.begin() as connection:
            await audit.note(connection, "corrections.exported", actor=actor, at=now, form=form, count=count)


_COLUMNS = tuple(getattr(CorrectionRow, name) for name in Correction.model_fields)


def _values(turn: Turn, meaning: Meaning | None, reply: str | None, why: str) -> dict[str, Any]:
    """The columns that an author fills. Raises ``BadCorrection``."""
    if meaning is not None:
        _demand_sound(meaning)
    if reply is not None:
        reply = _demand_sound_reply(reply.strip(), turn)
    if len(why) > LONGEST:
        raise BadCorrection("why_long", f"A reason has {LONGEST} characters at most.")
    told = None if reply is None else braced(reply, turn.evidence)
    if turn.reply is not None and told == braced(turn.reply, turn.evidence):
        told = None
    if told is None and (meaning is None or meaning == turn.meaning):
        raise BadCorrection("nothing", "Nothing is corrected: it is what was understood and said.")
    # Beside a reply alone the customer's words are only a hint.
    text = meaning.text if meaning is not None else hide(turn.meaning.text)
    problems: list[Problem] = []
    if meaning is not None:
        problems += problems_of_text(meaning.text, meaning.slots, turn.meaning.text)
    if told is not None:
        problems += problems_of_reply(told)
    return {
        "text": text,
        "meaning": None if meaning is None else meaning.model_dump(mode="json", exclude={"text"}),
        "reply": told,
        "problems": {"found": [problem.model_dump(mode="json") for problem in problems]},
    }


def _demand_sound(meaning: Meaning) -> None:
    known, slots = catalog(), slot_types()
    names = meaning.intents
    if not 1 <= len(names) <= 2 or len(set(names)) != len(names) or not set(names) <= known.keys():
        raise BadCorrection("intents", "A message has one or two intents of the catalogue, each once.")
    if OUT_OF_SCOPE in names and len(names) > 1:
        raise BadCorrection("out_of_scope", "What is out of scope has no other intent beside it.")
    if not meaning.text.strip() or len(meaning.text) > LONGEST:
        raise BadCorrection("text", f"A text has 1 to {LONGEST} characters.")
    last = 0
    for start, end, slot in meaning.slots:
        if slot not in slots:
            raise BadCorrection("slot", f"There is no slot {slot!r} in the catalogue.")
        if not last <= start < end <= len(meaning.text) or meaning.text[start:end] != meaning.text[start:end].strip():
            raise BadCorrection("spans", "Slots stand in order, do not overlap, and begin and end with their words.")
        last = end


def _demand_sound_reply(reply: str, turn: Turn) -> str:
    names = {f"{{{name}}}" for _, name in turn.evidence}
    rest = NAME.sub(lambda match: "" if match[0] in names else match[0], reply)
    if not reply or len(reply) > LONGEST or set(rest) & set("{}⟦⟧"):
        raise BadCorrection(
            "reply", f"A reply has 1 to {LONGEST} characters, and braces only around the names of the turn's facts."
        )
    return reply


async def _held(connection: AsyncConnection, correction_id: str, *, lock: bool = True) -> Correction:
    """The correction, and in a transaction nobody else's until its end."""
    query = select(*_COLUMNS).where(CorrectionRow.id == correction_id)
    row = (await connection.execute(query.with_for_update() if lock else query)).one_or_none()
    if row is None:
        raise NoSuchCorrection(correction_id)
    return _correction(row)


async def _seen(connection: AsyncConnection, correction_id: str, revision: int) -> Correction:
    found = await _held(connection, correction_id)
    if found.status != "quarantined" or found.revision != revision:
        raise Stale
    return found


async def _demand_another(connection: AsyncConnection, correction_id: str, reviewer: str) -> None:
    wrote = select(CorrectionStepRow.actor).where(
        CorrectionStepRow.correction_id == correction_id, CorrectionStepRow.action.in_(("proposed", "revised"))
    )
    if reviewer in set(await connection.scalars(wrote)):
        raise NotTheirs


async def _settle(
    connection: AsyncConnection, seen: Correction, status: Status, actor: str, now: dt.datetime, why: str, **data: Any
) -> Correction:
    """Its end. What is not approved keeps no personal data: nobody will take it out any more."""
    if seen.status != "quarantined":
        raise Stale
    if len(why) > LONGEST:
        raise BadCorrection("why_long", f"A reason has {LONGEST} characters at most.")
    changes: dict[str, Any] = {"status": status, "updated_at": now}
    if status != "withdrawn":
        changes["reviewer"] = actor
    if status != "approved":
        changes["text"] = hide(seen.text)
        changes["reply"] = None if seen.reply is None else hide(seen.reply)
    await connection.execute(update(CorrectionRow).where(CorrectionRow.id == seen.id).values(changes))
    await _step(connection, seen.id, status, actor, now, why, seen.conversation_id, revision=seen.revision, **data)
    return await _held(connection, seen.id)


async def _quarantined(connection: AsyncConnection, conversation_id: str, seq: int) -> str | None:
    query = select(CorrectionRow.id).where(
        CorrectionRow.conversation_id == conversation_id,
        CorrectionRow.seq == seq,
        CorrectionRow.status == "quarantined",
    )
    found: str | None = await connection.scalar(query)
    return found


async def _near(connection: AsyncConnection, correction: Correction) -> list[Near]:
    if correction.meaning is None:
        return []
    query = select(CorrectionRow.id, CorrectionRow.text, CorrectionRow.meaning).where(
        CorrectionRow.id != correction.id, CorrectionRow.status.in_(("quarantined", "approved"))
    )
    found = near_examples(correction.text, correction.meaning.intents[0])
    for row in await connection.execute(query):
        share = likeness(correction.text, row.text)
        if row.meaning is not None and share >= NEAR:
            intents = row.meaning["intents"]
            agrees = tuple(intents) == correction.meaning.intents
            found.append(
                Near(text=row.text, intent="+".join(intents), likeness=share, agrees=agrees, correction_id=row.id)
            )
    return sorted(found, key=lambda each: (each.agrees, -each.likeness))


async def _step(
    connection: AsyncConnection,
    correction_id: str,
    action: str,
    actor: str,
    now: dt.datetime,
    why: str,
    conversation_id: str,
    **data: Any,
) -> None:
    row = {"correction_id": correction_id, "at": now, "actor": actor, "action": action, "why": why, "data": data}
    await connection.execute(insert(CorrectionStepRow).values(**row))
    await audit.note(
        connection,
        f"correction.{action}",
        actor=actor,
        at=now,
        conversation_id=conversation_id,
        correction_id=correction_id,
    )


def _snapshot(values: Mapping[str, Any]) -> dict[str, Any]:
    """What an author made it, for the history: what is personal in it is not kept for ever."""
    reply = values["reply"]
    masked = {"text": hide(values["text"]), "reply": None if reply is None else hide(reply)}
    return {"meaning": values["meaning"], **masked}


def _correction(row: Row[Any]) -> Correction:
    found = dict(row._mapping)
    meaning = found["meaning"]
    found["problems"] = tuple(found["problems"]["found"])
    found["meaning"] = None if meaning is None else Meaning(text=found["text"], **meaning)
    return Correction.model_validate(found)
