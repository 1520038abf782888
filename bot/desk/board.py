"""A supervisor's figures: how long customers wait and for whom, what the bot keeps from reps, and where it fails."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Sequence
from statistics import median
from typing import Any

from sqlalchemy import func, literal_column, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from bot.desk.holding import QUEUE
from bot.desk.tables import RepRow, SuggestionRow
from bot.message import Frozen
from bot.records import ConversationRow, EventRow, InboxRow, RatingRow, TicketRow
from bot.store import reading

UNANSWERED_READ = 500
"""Messages without an answer among which the most frequent are looked for."""
UNANSWERED_SHOWN = 10
HOURS = 12
SATISFIED = 4
"""The score, of 5, from which a customer counts as satisfied: the usual measure (top two boxes)."""
_FALLBACKS = ("clarify", "out_of_scope")


class Rate(Frozen):
    """*part* of *whole*; there is no share of nothing."""

    part: int
    whole: int

    @property
    def share(self) -> float | None:
        """0 to 1."""
        return self.part / self.whole if self.whole else None


class RepFigures(Frozen):
    """A rep's day. Times are medians in seconds."""

    rep_id: str
    name: str
    holds: int
    capacity: int
    taking: bool
    handled: int
    first_reply: float | None


class Board(Frozen):
    """The figures since ``since``. Times are in seconds."""

    since: dt.datetime
    at: dt.datetime
    waiting: int
    longest_wait: float
    held: int
    asked: int
    handled: int
    wait: float | None
    wait_in_time: Rate
    first_response: float | None
    handle_time: float | None
    contained: Rate
    score: float | None
    satisfied: Rate
    accepted: Rate
    edited: Rate
    rejected: Rate
    distance: float | None
    refused: Rate
    fallback: Rate
    unanswered: tuple[tuple[str, int], ...]
    hours: tuple[tuple[str, int, int], ...]
    reps: tuple[RepFigures, ...]
    reasons: tuple[tuple[str, int], ...]
    dispositions: tuple[tuple[str, int], ...]


class Boards:
    """Counting."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def figures(self, since: dt.datetime, now: dt.datetime, wait_limit: int) -> Board:
        """The board of the time from *since* to *now*; *wait_limit* is how many seconds a customer should wait at most."""
        async with reading(self._engine) as connection:
            tickets = (await connection.execute(_tickets_since(since))).all()
            waiting = (await connection.execute(_WAITING)).all()
            held = await connection.scalar(_HELD)
            talked = await connection.scalar(_talked_since(since))
            scores = list(await connection.scalars(_scores_since(since)))
            suggested = (await connection.execute(_suggested_since(since))).all()
            verdicts = dict((await connection.execute(_verdicts_since(since))).all())
            answers, misses = await _misses(connection, since)
            unanswered = await _unanswered(connection, since)
            reps = (await connection.execute(_REPS)).all()
        waits = [_seconds(row.created_at, row.first_taken_at) for row in tickets if row.first_taken_at]
        handed_over = {row.conversation_id for row in tickets}
        outcomes = Counter(row.outcome for row in suggested)
        settled = sum(count for outcome, count in outcomes.items() if outcome not in ("open", "none"))
        edits = [row.distance for row in suggested if row.outcome == "edited" and row.distance is not None]
        drafted = sum(verdicts.get(verdict, 0) for verdict in ("passed", "pruned", "refused"))
        return Board(
            since=since,
            at=now,
            waiting=len(waiting),
            longest_wait=max((_seconds(row.created_at, now) for row in waiting), default=0.0),
            held=held or 0,
            asked=len(tickets),
            handled=sum(row.status == "closed" and row.first_taken_at is not None for row in tickets),
            wait=_median(waits),
            wait_in_time=Rate(part=sum(wait <= wait_limit for wait in waits), whole=len(waits)),
            first_response=_median(
                [_seconds(row.created_at, row.first_reply_at) for row in tickets if row.first_reply_at]
            ),
            handle_time=_median(
                [_seconds(row.first_taken_at, row.closed_at) for row in tickets if row.first_taken_at and row.closed_at]
            ),
            contained=Rate(part=max(0, (talked or 0) - len(handed_over)), whole=talked or 0),
            score=sum(scores) / len(scores) if scores else None,
            satisfied=Rate(part=sum(score >= SATISFIED for score in scores), whole=len(scores)),
            accepted=Rate(part=outcomes["sent"] + outcomes["edited"], whole=settled),
            edited=Rate(part=outcomes["edited"], whole=settled),
            rejected=Rate(part=outcomes["rejected"], whole=settled),
            distance=sum(edits) / len(edits) if edits else None,
            refused=Rate(part=verdicts.get("refused", 0), whole=drafted),
            fallback=Rate(part=misses, whole=answers),
            unanswered=unanswered,
            hours=_hours(tickets, now),
            reps=tuple(_rep(row, tickets) for row in reps),
            reasons=_counted(name for row in tickets for name in (row.reasons or {}).get("why", ()) or [row.reason]),
            dispositions=_counted(row.disposition for row in tickets if row.disposition),
        )


_WAITING = (
    select(TicketRow.created_at)
    .join(ConversationRow, ConversationRow.id == TicketRow.conversation_id)
    .where(TicketRow.status == "open", ConversationRow.owner == QUEUE)
)
_HELD = (
    select(func.count())
    .select_from(ConversationRow)
    .where(ConversationRow.owner != literal_column("'bot'"), ConversationRow.owner != QUEUE)
)
_REPS = (
    select(
        RepRow.id,
        RepRow.display_name,
        RepRow.capacity,
        RepRow.taking,
        select(func.count())
        .select_from(ConversationRow)
        .where(ConversationRow.owner == RepRow.id, ConversationRow.owner != literal_column("'bot'"))
        .correlate(RepRow)
        .scalar_subquery()
        .label("holds"),
    )
    .where(RepRow.active, RepRow.role != "admin")
    .order_by(RepRow.name)
)


def _tickets_since(since: dt.datetime) -> Any:
    names = (
        "conversation_id", "created_at", "first_taken_at", "first_reply_at", "closed_at", "status", "taken_by",
        "reason", "reasons", "disposition",
    )  # fmt: skip
    return select(*(getattr(TicketRow, name) for name in names)).where(TicketRow.created_at >= since)


def _talked_since(since: dt.datetime) -> Any:
    return select(func.count(InboxRow.conversation_id.distinct())).where(InboxRow.received_at >= since)


def _scores_since(since: dt.datetime) -> Any:
    return select(RatingRow.score).where(RatingRow.rated_at >= since, RatingRow.seq == 0)


def _suggested_since(since: dt.datetime) -> Any:
    return select(SuggestionRow.outcome, SuggestionRow.distance).where(SuggestionRow.created_at >= since)


def _answers_since(since: dt.datetime) -> tuple[Any, ...]:
    return (EventRow.at >= since, EventRow.type == "message.completed", EventRow.actor == "bot")


def _verdicts_since(since: dt.datetime) -> Any:
    verdict = EventRow.data["how"]["verdict"].as_string()
    return select(verdict, func.count()).where(*_answers_since(since)).group_by(verdict)


def _is_miss() -> Any:
    """The answer asks what was meant, or says that this is not the bank's business."""
    first = EventRow.data["decisions"][0]
    return first["kind"].as_string().in_(_FALLBACKS) | first["capability"].as_string().in_(_FALLBACKS)


async def _misses(connection: AsyncConnection, since: dt.datetime) -> tuple[int, int]:
    answers = await connection.scalar(select(func.count()).select_from(EventRow).where(*_answers_since(since)))
    misses = await connection.scalar(
        select(func.count()).select_from(EventRow).where(*_answers_since(since), _is_miss())
    )
    return answers or 0, misses or 0


async def _unanswered(connection: AsyncConnection, since: dt.datetime) -> tuple[tuple[str, int], ...]:
    """The most frequent of the latest messages that had no answer, as customers wrote them (masked at the door)."""
    query = (
        select(InboxRow.text)
        .join(
            EventRow,
            (EventRow.conversation_id == InboxRow.conversation_id) & (EventRow.in_reply_to == InboxRow.seq),
        )
        .where(*_answers_since(since), _is_miss(), InboxRow.request.is_(None))
        .order_by(EventRow.at.desc())
        .limit(UNANSWERED_READ)
    )
    texts = [" ".join(text.lower().split()) for text in await connection.scalars(query)]
    return tuple(Counter(texts).most_common(UNANSWERED_SHOWN))


def _hours(tickets: Sequence[Any], now: dt.datetime) -> tuple[tuple[str, int, int], ...]:
    """For each of the last hours, the oldest first: its name in UTC, who asked for a human, and who was handed back."""
    this = now.replace(minute=0, second=0, microsecond=0)
    begins = [this - dt.timedelta(hours=ago) for ago in reversed(range(HOURS))]
    asked = Counter(row.created_at.replace(minute=0, second=0, microsecond=0) for row in tickets)
    closed = Counter(
        row.closed_at.replace(minute=0, second=0, microsecond=0)
        for row in tickets
        if row.closed_at is not None and row.first_taken_at is not None
    )
    return tuple((begin.isoformat(), asked[begin], closed[begin]) for begin in begins)


def _rep(row: Any, tickets: Sequence[Any]) -> RepFigures:
    own = [ticket for ticket in tickets if ticket.taken_by == row.id]
    replies = [
        _seconds(ticket.first_taken_at, ticket.first_reply_at)
        for ticket in own
        if ticket.first_taken_at and ticket.first_reply_at
    ]
    return RepFigures(
        rep_id=row.id,
        name=row.display_name,
        holds=row.holds,
        capacity=row.capacity,
        taking=row.taking,
        handled=sum(ticket.status == "closed" for ticket in own),
        first_reply=_median(replies),
    )


def _counted(names: Any) -> tuple[tuple[str, int], ...]:
    return tuple(Counter(names).most_common())


def _seconds(since: dt.datetime, until: dt.datetime) -> float:
    return (until - since).total_seconds()


def _median(seconds: Sequence[float]) -> float | None:
    return median(seconds) if seconds else None
