"""The SQL tables of a conversation: what was taken in, what happened, what is owed, what was promised."""

from __future__ import annotations

import datetime as dt
from typing import Any, ClassVar

from sqlalchemy import (
    JSON,
    BigInteger,
    ColumnElement,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from backends.tables import UtcDateTime

Json = dict[str, Any]


class Base(DeclarativeBase):
    """The tables of ``bot``; the bank's are the backends' own."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        dt.datetime: UtcDateTime,
        Json: JSON(none_as_null=True),
        str: String(64),
    }


class ConversationRow(Base):
    """One conversation. ``seq`` numbers its events; ``fence`` grows with every lease, so a late holder is known as late."""

    __tablename__ = "conversations"
    __table_args__ = (
        UniqueConstraint("channel", "customer_id", "label"),
        # SQL holds two NULLs for different: a label that nobody signed in needs a uniqueness of its own.
        Index(
            "ix_conversations_anonymous_label",
            "channel",
            "label",
            unique=True,
            sqlite_where=text("customer_id IS NULL"),
            postgresql_where=text("customer_id IS NULL"),
        ),
        # Of many conversations few are held by, or wait for, a human: the desk looks for them all the time.
        Index(
            "ix_conversations_owner",
            "owner",
            sqlite_where=text("owner != 'bot'"),
            postgresql_where=text("owner != 'bot'"),
        ),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    secret_hash: Mapped[str]
    channel: Mapped[str]
    label: Mapped[str | None] = mapped_column(String(256))
    customer_id: Mapped[str | None]
    assurance: Mapped[str]
    language: Mapped[str | None]
    session: Mapped[Json] = mapped_column(default=dict)
    seq: Mapped[int] = mapped_column(default=0)
    owner: Mapped[str] = mapped_column(default="bot")
    version: Mapped[int] = mapped_column(default=0)
    fence: Mapped[int] = mapped_column(default=0)
    lease_until: Mapped[dt.datetime | None]
    lease_holder: Mapped[str | None]
    awaiting_challenge: Mapped[str | None]
    created_at: Mapped[dt.datetime]
    updated_at: Mapped[dt.datetime]


class InboxRow(Base):
    """One accepted message. ``text`` is masked; ``status`` is pending, done or failed; ``starts`` counts its claims.

    ``page`` is what the page that it was written on shows, where it was told. ``request`` is what a rep asks the bot to begin:
    such a row is not the customer's message, and no event of theirs stands at its number.
    """

    __tablename__ = "inbox"
    __table_args__ = (
        UniqueConstraint("conversation_id", "message_id"),
        Index(
            "ix_inbox_pending",
            "conversation_id",
            "seq",
            sqlite_where=text("status = 'pending'"),
            postgresql_where=text("status = 'pending'"),
        ),
    )

    conversation_id: Mapped[str] = mapped_column(ForeignKey("conversations.id"), primary_key=True)
    seq: Mapped[int] = mapped_column(primary_key=True)
    message_id: Mapped[str] = mapped_column(String(128))
    body_hash: Mapped[str]
    text: Mapped[str] = mapped_column(Text)
    code_digest: Mapped[str | None]
    challenge_id: Mapped[str | None]
    principal: Mapped[Json]
    page: Mapped[Json | None]
    request: Mapped[Json | None]
    channel: Mapped[str]
    status: Mapped[str] = mapped_column(default="pending")
    starts: Mapped[int] = mapped_column(default=0)
    received_at: Mapped[dt.datetime]


class EventRow(Base):
    """One thing that happened in a conversation, in the order in which everybody sees it."""

    __tablename__ = "events"
    __table_args__ = (Index(None, "conversation_id", "in_reply_to"),)

    conversation_id: Mapped[str] = mapped_column(ForeignKey("conversations.id"), primary_key=True)
    seq: Mapped[int] = mapped_column(primary_key=True)
    type: Mapped[str]
    at: Mapped[dt.datetime]
    actor: Mapped[str]
    in_reply_to: Mapped[int | None]
    data: Mapped[Json]


class DeliveryRow(Base):
    """The outbox: an event that a channel must be sent, not merely shown when it asks.

    ``status`` is pending, sending (from before the channel is called until its answer is stored), sent or dead.
    ``lease_until`` is held by whoever sends; ``attempts`` counts the calls, ``next_at`` is when the next is due.
    """

    __tablename__ = "deliveries"
    __table_args__ = (UniqueConstraint("conversation_id", "event_seq", "channel"), Index(None, "status", "next_at"))

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    conversation_id: Mapped[str] = mapped_column(ForeignKey("conversations.id"))
    event_seq: Mapped[int]
    channel: Mapped[str]
    status: Mapped[str] = mapped_column(default="pending")
    attempts: Mapped[int] = mapped_column(default=0)
    next_at: Mapped[dt.datetime]
    lease_until: Mapped[dt.datetime | None]
    last_error: Mapped[str | None] = mapped_column(Text)


class TurnRow(Base):
    """What a message led to, whole: enough to explain it and to run it again."""

    __tablename__ = "turns"

    conversation_id: Mapped[str] = mapped_column(ForeignKey("conversations.id"), primary_key=True)
    seq: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[dt.datetime]
    record: Mapped[Json]


class ChallengeRow(Base):
    """A one-time code that was sent; the code itself is only a keyed hash. ``status`` is open, passed or replaced."""

    __tablename__ = "challenges"
    __table_args__ = (Index(None, "conversation_id", "status"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    conversation_id: Mapped[str] = mapped_column(ForeignKey("conversations.id"))
    customer_id: Mapped[str]
    quote_id: Mapped[str] = mapped_column(String(128))
    digest: Mapped[str] = mapped_column(String(128))
    code_digest: Mapped[str]
    status: Mapped[str] = mapped_column(default="open")
    tries: Mapped[int] = mapped_column(default=0)
    last_message_id: Mapped[str | None] = mapped_column(String(128))
    created_at: Mapped[dt.datetime]
    expires_at: Mapped[dt.datetime]


class AllowanceRow(Base):
    """How much of an hourly allowance is used: ``count`` since ``since``, one row a *scope* and *subject*."""

    __tablename__ = "allowances"

    scope: Mapped[str] = mapped_column(primary_key=True)
    subject: Mapped[str] = mapped_column(primary_key=True)
    count: Mapped[int]
    since: Mapped[dt.datetime]


class WriteRow(Base):
    """An effect that was intended: it exists before a backend is called and says afterwards what became of it.

    ``customer_id`` and ``channel`` are whose it is, for whoever must ask later; ``lease_until`` is held by whoever asks.
    """

    __tablename__ = "writes"
    __table_args__ = (Index(None, "status", "updated_at"),)

    key: Mapped[str] = mapped_column(primary_key=True)
    conversation_id: Mapped[str] = mapped_column(ForeignKey("conversations.id"))
    customer_id: Mapped[str | None]
    channel: Mapped[str]
    capability: Mapped[str]
    quote_id: Mapped[str] = mapped_column(String(128))
    digest: Mapped[str] = mapped_column(String(128))
    status: Mapped[str] = mapped_column(default="intended")
    result: Mapped[Json | None]
    lease_until: Mapped[dt.datetime | None]
    created_at: Mapped[dt.datetime]
    updated_at: Mapped[dt.datetime]


class TicketRow(Base):
    """A customer waiting for, or with, a human. ``status`` is open while they wait, taken while a rep has them, or closed;
    at most one is open a conversation. ``created_at`` is their place in the queue, which they keep if a rep loses them.

    ``reasons`` are what raised the priority, ``capability`` what it is about and ``skill`` who should take it. The times of
    the first rep and their first reply stay when another takes over. ``disposition`` and ``tags`` (words with spaces
    between) are how the rep ended it, ``summary`` is what they leave to the next.
    """

    __tablename__ = "tickets"
    __table_args__ = (
        Index(
            "ix_tickets_open",
            "conversation_id",
            unique=True,
            sqlite_where=text("status = 'open'"),
            postgresql_where=text("status = 'open'"),
        ),
        Index("ix_tickets_queue", "status", "priority", "created_at"),
        Index("ix_tickets_conversation_id", "conversation_id", "created_at"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    conversation_id: Mapped[str] = mapped_column(ForeignKey("conversations.id"))
    customer_id: Mapped[str | None]
    reason: Mapped[str] = mapped_column(Text)
    priority: Mapped[int] = mapped_column(default=0)
    status: Mapped[str] = mapped_column(default="open")
    reasons: Mapped[Json | None]
    capability: Mapped[str | None]
    skill: Mapped[str | None]
    taken_by: Mapped[str | None]
    taken_at: Mapped[dt.datetime | None]
    first_taken_at: Mapped[dt.datetime | None]
    first_reply_at: Mapped[dt.datetime | None]
    disposition: Mapped[str | None]
    tags: Mapped[str | None] = mapped_column(String(256))
    summary: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[dt.datetime]
    closed_at: Mapped[dt.datetime | None]


class RatingRow(Base):
    """What a customer thinks of the reply ``seq``, or of the whole conversation (0): ``score`` 1 to 5, the last one given."""

    __tablename__ = "ratings"
    __table_args__ = (Index(None, "rated_at"),)

    conversation_id: Mapped[str] = mapped_column(ForeignKey("conversations.id"), primary_key=True)
    seq: Mapped[int] = mapped_column(primary_key=True)
    score: Mapped[int]
    comment: Mapped[str | None] = mapped_column(Text)
    rated_at: Mapped[dt.datetime]


class BindingRow(Base):
    """A platform's user (an OpenID of *channel*) who is the bank's customer, as the customer said when signed in."""

    __tablename__ = "bindings"
    __table_args__ = (Index(None, "customer_id"),)

    channel: Mapped[str] = mapped_column(primary_key=True)
    user_id: Mapped[str] = mapped_column(String(128), primary_key=True)
    customer_id: Mapped[str] = mapped_column(String(128))
    bound_at: Mapped[dt.datetime]


class BindingLinkRow(Base):
    """A link that binds whoever shows it to ``customer_id``; gone once it was used. The link itself is only a hash."""

    __tablename__ = "binding_links"
    __table_args__ = (Index(None, "customer_id"),)

    digest: Mapped[str] = mapped_column(primary_key=True)
    customer_id: Mapped[str] = mapped_column(String(128))
    expires_at: Mapped[dt.datetime]


class CursorRow(Base):
    """How far the messages that a platform keeps for one *account* of *channel* were taken in."""

    __tablename__ = "channel_cursors"

    channel: Mapped[str] = mapped_column(primary_key=True)
    account: Mapped[str] = mapped_column(String(128), primary_key=True)
    cursor: Mapped[str] = mapped_column(Text)


class UsageRow(Base):
    """What language models took and cost, a row for each day (in Beijing), capability and model. ``cost`` is in nanos of
    ``currency``, ``failures`` gave no usable text, of ``estimated`` calls the service did not say how many tokens."""

    __tablename__ = "model_usage"

    day: Mapped[dt.date] = mapped_column(primary_key=True)
    capability: Mapped[str] = mapped_column(primary_key=True)
    provider: Mapped[str] = mapped_column(primary_key=True)
    model: Mapped[str] = mapped_column(String(128), primary_key=True)
    currency: Mapped[str] = mapped_column(String(3), primary_key=True)
    calls: Mapped[int] = mapped_column(BigInteger)
    failures: Mapped[int] = mapped_column(BigInteger)
    estimated: Mapped[int] = mapped_column(BigInteger)
    tokens_in: Mapped[int] = mapped_column(BigInteger)
    tokens_out: Mapped[int] = mapped_column(BigInteger)
    cost: Mapped[int] = mapped_column(BigInteger)
    milliseconds: Mapped[int] = mapped_column(BigInteger)


class AuditRow(Base):
    """Who did what that somebody may ask about later. Never changed, never deleted before its retention ends."""

    __tablename__ = "audit"
    __table_args__ = (Index(None, "conversation_id", "at"),)

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    at: Mapped[dt.datetime]
    actor: Mapped[str]
    action: Mapped[str]
    conversation_id: Mapped[str | None]
    data: Mapped[Json]


def is_reply_to(row: type[InboxRow | TurnRow]) -> ColumnElement[bool]:
    """Joins events to a message, or to its turn: the bot's whole reply to it, of which there is one at most."""
    return (
        (EventRow.conversation_id == row.conversation_id)
        & (EventRow.in_reply_to == row.seq)
        & (EventRow.type == "message.completed")
        & (EventRow.actor == "bot")
    )
