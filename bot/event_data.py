"""What the ``data`` of each event holds, for those who read events: clients, the console, the AsyncAPI document."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from backends.result import Card
from bot.deltas import DELTA
from responses.reply import Evidence, QuickReply, Reply


class _Data(BaseModel):
    """Fields beside these may come with a later release: whoever reads events passes over what they do not know."""

    model_config = ConfigDict(extra="allow")


class Said(_Data):
    """What the customer wrote, without what must never be kept: card numbers, passwords, codes."""

    text: str
    message_id: str


class Understood(_Data):
    """What a message was understood as."""

    intents: list[dict[str, Any]]
    act: Literal["ask", "do", "status"]
    slots: list[dict[str, Any]]
    in_scope: bool


class Decided(_Data):
    """One thing that was decided, and why, in one line."""

    kind: str
    capability: str | None
    outcome: str | None
    why: str


class Answered(Reply):
    """The bot's message, whole. *in_reply_to* is the ``seq`` of what it answers; ``null`` where it was not asked for."""

    model_config = ConfigDict(extra="allow")
    seq: int
    understood: Understood | None = None
    decisions: list[Decided]
    in_reply_to: int | None


class Spoke(_Data):
    """What a human of the bank wrote, and the name they go by."""

    seq: int
    text: str
    language: Literal["zh", "en"] | None = None
    name: str
    name_en: str | None = None
    message_id: str
    evidence: list[Evidence] = []
    cards: list[Card] = []
    quick_replies: list[QuickReply] = []


class Heard(_Data):
    """The next part of a reply that is being made: *text* stands at *start* (code points) of the whole."""

    in_reply_to: int
    start: int
    text: str
    evidence: list[Evidence]


class Queued(_Data):
    """The customer waits for a human: where in the queue, how many come before them, and for about how long."""

    ticket_id: str | None = None
    position: str | None = None
    ahead: str | None = None
    wait_minutes: str | None = None


class Joined(_Data):
    """A human answers from now on."""

    name: str
    name_en: str | None = None


class Left(_Data):
    """The bot answers again: a human handed the conversation back, or the customer waits no more."""


class RatingRequested(_Data):
    """The customer was served by a human, who has ended it: how was it?"""


class Typing(_Data):
    """A human is writing."""

    name: str
    name_en: str | None = None


class SignedIn(_Data):
    """The conversation is a customer's from here on: the secrets given out before it open nothing any more."""


class Requested(_Data):
    """A human of the bank asks the bot to begin a write with the customer; only the customer can confirm it."""

    capability: str
    topic: str
    topic_en: str | None = None
    name: str
    name_en: str | None = None


class Settled(_Data):
    """A write whose outcome was unknown for a while ended."""

    capability: str
    outcome: str
    reference: str | None = Field(description="the bank's own number for what was done")


EVENTS: dict[str, dict[str, type[BaseModel]]] = {
    "message.completed": {"customer": Said, "bot": Answered, "rep": Spoke},
    DELTA: {"bot": Heard},
    "handover.queued": {"bot": Queued, "rep": Queued, "system": Queued},
    "handover.joined": {"rep": Joined, "system": Joined},
    "handover.left": {"bot": Left, "rep": Left, "system": Left},
    "rating.requested": {"rep": RatingRequested},
    "typing": {"rep": Typing},
    "conversation.signed_in": {"customer": SignedIn},
    "write.requested": {"rep": Requested},
    "write.settled": {"system": Settled},
}
"""By the event's ``type`` and ``actor``."""
