"""The judge: joins what was sent, acknowledged, stored, replied and executed, offline, and names every broken promise.

It trusts nothing the bot says about itself that another party can be asked: what was acknowledged the clients recorded,
what was executed stands in the bank's own books (orders and balances), not in the bot's ledger of intentions.
"""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal[
    "lost", "doubled", "disordered", "misnumbered", "effect_doubled", "effect_lost", "effect_untold", "unknown"
]
"""``lost``: acknowledged and not stored, or stored and never answered. ``doubled``: stored or answered twice.
``disordered``: numbered or answered out of the order of sending. ``misnumbered``: a gap or a repeat in the events.
``effect_doubled``: confirmed once, executed more often. ``effect_lost``: said to be done, and not in the books.
``effect_untold``: in the books, and the bot does not know. ``unknown``: unsettled for longer than promised."""

UNKNOWN_LIMIT = 60.0
"""Seconds within which every intended effect must have come to a known end."""


@dataclass(slots=True)
class Sent:
    """One message of a client. ``number`` is its place among the client's messages of that conversation, each sent after
    the one before was acknowledged; times are Unix seconds; ``seq`` is what the acknowledgement said."""

    message_id: str
    conversation: str
    number: int
    sent_at: float
    acknowledged_at: float | None = None
    seq: int | None = None
    deliveries: int = 0
    waited: bool = False
    """Whether the client asked for the reply in the same request: the acknowledgement then came with it."""


@dataclass(frozen=True, slots=True)
class Stored:
    """A row of the inbox."""

    conversation: str
    seq: int
    message_id: str
    status: str
    starts: int


@dataclass(frozen=True, slots=True)
class Said:
    """An event of a conversation. ``answers`` is the message it replies to, for the bot's messages only."""

    conversation: str
    seq: int
    actor: str
    type: str
    at: float
    answers: int | None


@dataclass(frozen=True, slots=True)
class Intention:
    """A row of the bot's ledger of writes. ``updated_at`` is when its end was recorded, if it has one."""

    key: str
    quote_id: str
    capability: str
    status: str
    created_at: float
    updated_at: float

    @property
    def is_open(self) -> bool:
        """Whether its end is not known."""
        return self.status in ("intended", "unknown")


@dataclass(frozen=True, slots=True)
class Effect:
    """A key that the bank has answered; ``completed`` where something was done under it."""

    key: str
    quote_id: str | None
    completed: bool


@dataclass(slots=True)
class Confirmed:
    """What a customer confirmed, once: ``what`` is theirs alone (customer and amount, or card). ``heard`` is the bot's
    last word on it."""

    what: str
    heard: Literal["done", "pending", "refused", "nothing"] = "nothing"


@dataclass(slots=True)
class Evidence:
    """Everything that was recorded of one run. ``booked`` counts, by what was confirmed, the effects in the bank's books;
    ``unbalanced`` names accounts whose balance is not what their orders come to. ``read_at`` is Unix seconds."""

    sent: list[Sent] = field(default_factory=list)
    stored: list[Stored] = field(default_factory=list)
    said: list[Said] = field(default_factory=list)
    confirmed: list[Confirmed] = field(default_factory=list)
    intentions: list[Intention] = field(default_factory=list)
    effects: list[Effect] = field(default_factory=list)
    booked: Counter[str] = field(default_factory=Counter)
    unbalanced: list[str] = field(default_factory=list)
    read_at: float = 0.0


@dataclass(frozen=True, slots=True)
class Violation:
    """A promise that was broken, and where."""

    kind: Kind
    where: str
    why: str


def judge(evidence: Evidence) -> list[Violation]:
    """Every violation in *evidence*, which was read after the queue had drained."""
    return [
        *_messages(evidence),
        *_conversations(evidence),
        *_effects(evidence),
        *_intentions(evidence),
    ]


def _messages(evidence: Evidence) -> Iterator[Violation]:
    stored: dict[tuple[str, str], list[Stored]] = defaultdict(list)
    for row in evidence.stored:
        stored[row.conversation, row.message_id].append(row)
    for (conversation, message), rows in stored.items():
        if len(rows) > 1:
            yield Violation("doubled", conversation, f"message {message} is stored {len(rows)} times")
    for sent in evidence.sent:
        rows = stored.get((sent.conversation, sent.message_id), [])
        if sent.acknowledged_at is not None and not rows:
            yield Violation("lost", sent.conversation, f"message {sent.message_id} was acknowledged and is not stored")
        if sent.seq is not None and rows and all(row.seq != sent.seq for row in rows):
            why = f"message {sent.message_id} was acknowledged as {sent.seq} and is stored as {rows[0].seq}"
            yield Violation("misnumbered", sent.conversation, why)
    known = {(sent.conversation, sent.message_id) for sent in evidence.sent}
    for conversation, message in stored.keys() - known:
        yield Violation("doubled", conversation, f"message {message} was stored and never sent")
    yield from _order_of_sending(evidence)


def _order_of_sending(evidence: Evidence) -> Iterator[Violation]:
    by_conversation: dict[str, list[Sent]] = defaultdict(list)
    for sent in evidence.sent:
        if sent.seq is not None:
            by_conversation[sent.conversation].append(sent)
    for conversation, messages in by_conversation.items():
        messages.sort(key=lambda sent: sent.number)
        for before, after in itertools.pairwise(messages):
            # Those of a burst share a number: they were on their way together, and have no order among them.
            if before.number < after.number and (before.seq or 0) >= (after.seq or 0):
                why = f"message {after.number} got {after.seq}, after message {before.number} had {before.seq}"
                yield Violation("disordered", conversation, why)


def _conversations(evidence: Evidence) -> Iterator[Violation]:
    events: dict[str, list[Said]] = defaultdict(list)
    for event in evidence.said:
        events[event.conversation].append(event)
    stored: dict[str, list[Stored]] = defaultdict(list)
    for row in evidence.stored:
        stored[row.conversation].append(row)
    for conversation in events.keys() | stored.keys():
        told = sorted(events[conversation], key=lambda event: event.seq)
        if [event.seq for event in told] != list(range(1, len(told) + 1)):
            yield Violation("misnumbered", conversation, f"{len(told)} events do not have the numbers 1 to {len(told)}")
        replies = [
            event.answers
            for event in told
            if event.actor == "bot" and event.type == "message.completed" and event.answers is not None
        ]
        yield from _replies(conversation, replies, stored[conversation])


def _replies(conversation: str, replies: list[int], stored: Iterable[Stored]) -> Iterator[Violation]:
    for message, times in Counter(replies).items():
        if times > 1:
            yield Violation("doubled", conversation, f"message {message} was answered {times} times")
    for before, after in itertools.pairwise(replies):
        if before > after:
            yield Violation("disordered", conversation, f"message {after} was answered after message {before}")
    answered = set(replies)
    for row in stored:
        if row.status == "pending":
            yield Violation("lost", conversation, f"message {row.seq} was begun {row.starts} times and still waits")
        elif row.seq not in answered:
            yield Violation("lost", conversation, f"message {row.seq} is {row.status} and has no reply")


def _effects(evidence: Evidence) -> Iterator[Violation]:
    heard = {confirmed.what: confirmed.heard for confirmed in evidence.confirmed}
    for what, times in evidence.booked.items():
        if times > 1:
            yield Violation("effect_doubled", what, f"it is in the bank's books {times} times")
        if what not in heard:
            yield Violation("effect_doubled", what, "it is in the bank's books, and nobody confirmed it")
        elif heard[what] == "refused":
            yield Violation(
                "effect_untold", what, "it is in the bank's books, and the customer heard that it was refused"
            )
    for what, word in heard.items():
        if word == "done" and not evidence.booked[what]:
            yield Violation("effect_lost", what, "the customer heard that it was done, and the books do not have it")
    for account in evidence.unbalanced:
        yield Violation("effect_doubled", account, "its balance is not what its orders come to")


def _intentions(evidence: Evidence) -> Iterator[Violation]:
    done = {effect.key for effect in evidence.effects if effect.completed}
    by_quote = Counter(effect.quote_id for effect in evidence.effects if effect.completed and effect.quote_id)
    for quote, times in by_quote.items():
        if times > 1:
            yield Violation("effect_doubled", quote, f"the quote was carried out {times} times")
    intentions = {intention.key: intention for intention in evidence.intentions}
    for key in done - intentions.keys():
        yield Violation("effect_untold", key, "the bank did it, and no intention was on record")
    for key, intention in intentions.items():
        if intention.status == "done" and key not in done:
            yield Violation("effect_lost", key, "it is recorded as done, and the bank did nothing under its key")
        if intention.status in ("refused", "failed") and key in done:
            yield Violation("effect_untold", key, f"the bank did it, and it is recorded as {intention.status}")
        ended = evidence.read_at if intention.is_open else intention.updated_at
        if ended - intention.created_at > UNKNOWN_LIMIT:
            seconds = ended - intention.created_at
            state = "is still" if intention.is_open else "was"
            yield Violation("unknown", key, f"its end {state} not known after {seconds:.0f} s")
