"""A customer's message as a turn receives it, and what a turn gives back."""

from __future__ import annotations

import datetime as dt
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from bot.session import Session
from responses.reply import Reply


class Frozen(BaseModel):
    """A value object of the conversation: immutable, and strict about unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Incoming(Frozen):
    """One accepted message. ``text`` is already masked; a one-time code is only its keyed ``code_digest``.

    ``owner`` is who holds the conversation when the turn starts: ``bot``, ``queue`` or a rep's id.
    """

    conversation_id: str
    message_id: str
    seq: int
    text: str
    received_at: dt.datetime
    channel: str
    owner: str = "bot"
    code_digest: str | None = None
    challenge_id: str | None = None


class NewEvent(Frozen):
    """An event the turn adds to the conversation beside its reply."""

    type: str
    actor: Literal["customer", "bot", "rep", "system"]
    data: dict[str, Any]


class Turn(Frozen):
    """What one message led to; written in one transaction with its events and deliveries.

    ``reply`` is ``None`` while a human owns the conversation. ``awaiting_challenge`` names the one-time code that the
    next message may answer. ``record`` holds all that replaying and explaining the turn needs.
    """

    reply: Reply | None
    session: Session
    owner: str
    awaiting_challenge: str | None
    record: dict[str, Any]
    events: tuple[NewEvent, ...] = ()
