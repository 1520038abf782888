"""The SQL tables of the desk: who works at it, their sessions, and what was suggested to them. Tickets are in ``bot.records``."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import ForeignKey, Index, Integer, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from bot.records import Base, Json


class RepRow(Base):
    """A person who works at the desk. ``failures`` counts wrong passwords in a row; ``skills`` are words with spaces between.

    ``absent_since`` is set while they hold conversations and nothing is heard of them. ``issuer`` and ``subject`` say whom
    the bank's identity provider knows them as; whoever has these has no password.
    """

    __tablename__ = "desk_reps"
    __table_args__ = (UniqueConstraint("name"), Index(None, "issuer", "subject", unique=True))

    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    display_name: Mapped[str]
    display_name_en: Mapped[str]
    role: Mapped[str]
    skills: Mapped[str] = mapped_column(String(256), default="")
    capacity: Mapped[int] = mapped_column(default=5)
    language: Mapped[str] = mapped_column(default="zh")
    password_hash: Mapped[str] = mapped_column(String(256))
    issuer: Mapped[str | None] = mapped_column(String(256))
    subject: Mapped[str | None] = mapped_column(String(256))
    active: Mapped[bool] = mapped_column(default=True)
    taking: Mapped[bool] = mapped_column(default=True)
    failures: Mapped[int] = mapped_column(default=0)
    locked_until: Mapped[dt.datetime | None]
    absent_since: Mapped[dt.datetime | None]
    created_at: Mapped[dt.datetime]
    updated_at: Mapped[dt.datetime]


class DeskSessionRow(Base):
    """A rep who is signed in somewhere. The cookie is only a hash; ``csrf`` must come back with every act."""

    __tablename__ = "desk_sessions"
    __table_args__ = (Index(None, "rep_id"),)

    digest: Mapped[str] = mapped_column(primary_key=True)
    rep_id: Mapped[str] = mapped_column(ForeignKey("desk_reps.id"))
    csrf: Mapped[str]
    address: Mapped[str | None]
    created_at: Mapped[dt.datetime]
    seen_at: Mapped[dt.datetime]


class NoteRow(Base):
    """What one rep writes for the next; the customer never sees it."""

    __tablename__ = "desk_notes"
    __table_args__ = (Index(None, "conversation_id", "at"),)

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    conversation_id: Mapped[str] = mapped_column(ForeignKey("conversations.id"))
    rep_id: Mapped[str] = mapped_column(ForeignKey("desk_reps.id"))
    text: Mapped[str] = mapped_column(Text)
    at: Mapped[dt.datetime]


class SuggestionRow(Base):
    """A reply that the pipeline suggested to the message ``seq``, and what the rep made of it.

    ``outcome`` is open, sent, edited, rejected or passed over; ``distance`` is the edit distance to what was sent, in
    characters.
    """

    __tablename__ = "desk_suggestions"
    __table_args__ = (UniqueConstraint("conversation_id", "seq"), Index(None, "created_at"))

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    conversation_id: Mapped[str] = mapped_column(ForeignKey("conversations.id"))
    seq: Mapped[int]
    rep_id: Mapped[str] = mapped_column(ForeignKey("desk_reps.id"))
    text: Mapped[str] = mapped_column(Text)
    language: Mapped[str]
    record: Mapped[Json]
    outcome: Mapped[str] = mapped_column(default="open")
    distance: Mapped[int | None]
    created_at: Mapped[dt.datetime]
    settled_at: Mapped[dt.datetime | None]
