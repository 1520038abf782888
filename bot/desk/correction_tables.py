"""The SQL tables of corrections: what a turn should have been understood as, or answered, and all that became of it."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import ForeignKey, Index, Integer, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from bot.records import Base, Json


class CorrectionRow(Base):
    """One correction of a turn. ``status`` is quarantined, approved, rejected or withdrawn; one a turn is quarantined.

    ``meaning`` is what the message meant and ``reply`` what should have been said, facts in braces; either may be absent.
    ``was`` is what was understood and said. ``revision`` counts what was changed in it, so that a reviewer approves what
    they have seen.
    """

    __tablename__ = "desk_corrections"
    __table_args__ = (
        Index(
            "ix_desk_corrections_quarantined",
            "conversation_id",
            "seq",
            unique=True,
            sqlite_where=text("status = 'quarantined'"),
            postgresql_where=text("status = 'quarantined'"),
        ),
        Index(None, "status", "updated_at"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    conversation_id: Mapped[str] = mapped_column(ForeignKey("conversations.id"))
    seq: Mapped[int]
    language: Mapped[str]
    text: Mapped[str] = mapped_column(Text)
    meaning: Mapped[Json | None]
    reply: Mapped[str | None] = mapped_column(Text)
    was: Mapped[Json]
    problems: Mapped[Json]
    status: Mapped[str] = mapped_column(default="quarantined")
    revision: Mapped[int] = mapped_column(default=1)
    author: Mapped[str]
    reviewer: Mapped[str | None]
    created_at: Mapped[dt.datetime]
    updated_at: Mapped[dt.datetime]


class CorrectionStepRow(Base):
    """One step in a correction's history: who did what to it, when and why. Never changed."""

    __tablename__ = "desk_correction_history"
    __table_args__ = (Index(None, "correction_id", "id"),)

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    correction_id: Mapped[str] = mapped_column(ForeignKey("desk_corrections.id"))
    at: Mapped[dt.datetime]
    actor: Mapped[str]
    action: Mapped[str]
    why: Mapped[str] = mapped_column(Text)
    data: Mapped[Json]
