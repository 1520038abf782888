"""What customers think of a conversation, or of one reply in it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.records import EventRow, RatingRow

WHOLE = 0
"""The ``seq`` under which the whole conversation is rated."""
WORST, BEST = 1, 5


class NotAReply(LookupError):
    """There is no reply of that number in the conversation."""


class Ratings:
    """The ratings, one a conversation and one a reply; a later one replaces the one before.

    *mask* removes what must never rest from a comment.
    """

    def __init__(self, engine: AsyncEngine, mask: Callable[[str], str]) -> None:
        self._engine = engine
        self._mask = mask

    async def give(self, conversation_id: str, score: int, comment: str | None, seq: int, now: dt.datetime) -> None:
        """Store *score* (1 to 5) and *comment*, masked, for the reply *seq*, or for the whole conversation.

        Raises ``NotAReply``.
        """
        comment = None if comment is None else self._mask(comment)
        row = {"conversation_id": conversation_id, "seq": seq, "score": score, "comment": comment, "rated_at": now}
        async with self._engine.begin() as connection:
            if seq != WHOLE:
                reply = select(EventRow.seq).where(
                    EventRow.conversation_id == conversation_id,
                    EventRow.seq == seq,
                    EventRow.type == "message.completed",
                    EventRow.actor != "customer",
                )
                if await connection.scalar(reply) is None:
                    raise NotAReply(seq)
            dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
            statement = dialect.insert(RatingRow).values(**row)
            changed = {name: row[name] for name in ("score", "comment", "rated_at")}
            await connection.execute(
                statement.on_conflict_do_update(index_elements=["conversation_id", "seq"], set_=changed)
            )
