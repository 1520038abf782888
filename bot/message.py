"""A customer's message as a turn receives it, and what a turn gives back."""

from __future__ import annotations

import datetime as dt
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from bot.session import Page, Session
from responses.reply import Reply


class Frozen(BaseModel):
    """A value object of the conversation: immutable, and strict about unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class WriteRequest(Frozen):
    """A write that the rep ``rep_id`` asks the bot to begin with the customer. The customer alone can confirm it."""

    capability: str
    rep_id: str


class Incoming(Frozen):
    """One accepted message. ``text`` is already masked; a one-time code is only its keyed ``code_digest``.

    ``owner`` is who holds the conversation when the turn starts: ``bot``, ``queue`` or a rep's id. ``page`` is what the page
    that it was written on shows, where that was told anew. ``request`` is what a rep asks for, with ``text`` as its details:
    such a message is not the customer's. ``last_speaker`` is who spoke to the customer before it, told where a rep holds
    the conversation.
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
    page: Page | None = None
    request: WriteRequest | None = None
    last_speaker: Literal["bot", "rep"] | None = None


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

    def wire(self) -> dict[str, Any] | None:
        """The reply as every channel and event carries it, without its ``seq``; ``None`` where nothing was said."""
        if self.reply is None:
            return None
        understood = self.record["understanding"]
        return {
            **self.reply.model_dump(mode="json"),
            "understood": {key: understood[key] for key in ("intents", "act", "slots", "in_scope")},
            "decisions": [_brief(decision) for decision in self.record["decisions"]],
        }


def _brief(decision: dict[str, Any]) -> dict[str, Any]:
    """A decision without the facts it carries: those are in the evidence."""
    say, call = decision.get("say") or {}, decision.get("call") or {}
    return {
        "kind": decision["kind"],
        "capability": say.get("capability") or call.get("name") or decision.get("capability"),
        "outcome": say.get("outcome"),
        "why": decision["why"],
    }
