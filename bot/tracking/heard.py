"""What was heard: one message as it was understood, in the conversation that it came to."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, replace

from bot import phrases
from bot.session import FOLLOW_UP_LIMIT, Session
from intents.capability import Capability
from intents.understanding import Understanding

SURE = 0.6
"""Confidence from which an intent is taken at its word against the task in hand."""
WORDS_ENOUGH = 10
"""Characters from which a first complaint already says what happened; a question is one at any length."""
ANSWERING = frozenset({"affirm", "deny", "cancel", "repeat", "out_of_scope", "chitchat"})
"""What is only said to something: a yes, a no, and what no capability takes."""
COURTESIES = frozenset({"greet", "thanks", "goodbye", "affirm", "deny", "chitchat"})
"""What asks for nothing."""

THINGS = frozenset({"card_tail", "card_kind", "card_product", "product_name", "currency"})
"""Slots that say what a message is about, rather than how much of it or when."""

Slots = dict[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Heard:
    """One message: the *session* before it, its *understanding*, whether it was a one-time *code*, and when."""

    session: Session
    understanding: Understanding
    code: bool
    now: dt.datetime
    capabilities: Mapping[str, Capability]

    @property
    def text(self) -> str:
        """The message as it was written."""
        return self.understanding.text

    @property
    def names(self) -> tuple[str, ...]:
        """The intents, in the order of the message."""
        return tuple(score.name for score in self.understanding.intents)

    @property
    def top(self) -> str:
        """The first intent."""
        return self.understanding.top

    @property
    def is_sure(self) -> bool:
        """Whether the first intent is taken at its word."""
        return self.understanding.intents[0].confidence >= SURE

    @property
    def brings_business(self) -> bool:
        """Whether any intent of the message is more than a turn of the conversation itself."""
        return any(self.capabilities[name].kind != "dialogue" for name in self.names)

    def is_elsewhere(self, name: str) -> bool:
        """Whether the message is surely about another business than capability *name*."""
        return self.is_sure and self.top not in (ANSWERING | COURTESIES) and self.top != name

    @property
    def only_values(self) -> bool:
        """Whether the message is little more than its slot values ("八百", "尾号8888的那张")."""
        return len(self.beside_values) <= 2

    @property
    def beside_values(self) -> str:
        """What the message says beside its slot values, without the words that only link them."""
        rest = list(self.text)
        for slot in self.understanding.slots:
            rest[slot.start : slot.end] = " " * (slot.end - slot.start)
        return phrases.FILLER.sub("", "".join(rest))

    def of(self, session: Session) -> Heard:
        """The same message in another state of the conversation."""
        return replace(self, session=session)

    def slots_for(self, name: str) -> Slots:
        """What the message says of the slots and cues of capability *name*; of two clauses each has its own figures."""
        place = phrases.second_clause(self.text, at_stops=len(self.names) > 1)
        if place is None or name not in self.names:
            return relevant_slots(self.understanding, self.capabilities[name])
        second, alone = self.names.index(name) == 1, len(self.names) == 1
        said = {slot.slot for slot in self.understanding.slots if (slot.start >= place) is second}
        many = {slot for slot, use in self.capabilities[name].slots.items() if use.many and alone}
        # A thing that is named once is meant in both ("尾号9016的账单，还有额度"), a figure only where nothing else is.
        kept = tuple(
            slot
            for slot in self.understanding.slots
            if (slot.start >= place) is second
            or slot.slot in many
            or (slot.slot not in said and (alone or slot.slot in THINGS))
        )
        return relevant_slots(self.understanding.model_copy(update={"slots": kept}), self.capabilities[name])

    def meant_by(self, name: str, said: Slots) -> Slots:
        """*said* of capability *name*, and what the message refers back to: "那张卡", "跟刚才一样", "这款" of the page.

        A value that a page shows stands in for a slot that is required, or that the message points at.
        """
        capability = self.capabilities[name]
        known = self.session.mentioned if self.is_fresh else {}
        shown = self.session.page.hints() if self.session.page else {}
        same = bool(phrases.SAME.search(self.text))
        task = self.session.in_hand
        asked = task.awaiting if task is not None and task.capability == name else None
        described = any(said.get(slot) for slot in ("card_kind", "card_product"))
        found: Slots = {}
        for slot, use in capability.slots.items():
            if said.get(slot) or (slot == "card_tail" and described):
                continue
            points = slot in phrases.REFERENCES and bool(phrases.REFERENCES[slot].search(self.text))
            if (points or (same and (use.required or slot == asked))) and slot in known:
                found[slot] = known[slot]
            elif (points or use.required) and slot in shown:
                found[slot] = shown[slot]
        return {**said, **found}

    @property
    def is_fresh(self) -> bool:
        """Whether what was said last is recent enough to be referred to."""
        last = self.session.last
        return last is not None and self.now - last.at <= FOLLOW_UP_LIMIT

    def words_for(self, name: str) -> Slots:
        """The whole message as what *name* takes in the customer's own words, where it does and they say enough."""
        capability = self.capabilities[name]
        if capability.words is None or (capability.kind != "knowledge" and len(self.text.strip()) < WORDS_ENOUGH):
            return {}
        return {capability.words: (self.text.strip(),)}


def relevant_slots(understanding: Understanding, capability: Capability) -> Slots:
    """The understood slots that *capability* uses, canonical, in the order they were said, and its cues; empty where the
    message takes back what was said before it."""
    found: dict[str, list[str]] = {}
    for slot in understanding.slots:
        use = capability.slots.get(slot.slot)
        if use is None or slot.normalized is None:
            continue
        values = found.setdefault(slot.slot, [])
        if slot.normalized not in values:
            values.append(slot.normalized)
    said = {name: tuple(values if capability.slots[name].many else values[-1:]) for name, values in found.items()}
    cues = capability.read_cues(understanding.text)
    for name, cue in capability.cues.items():
        if name in cues:
            said[name] = (cues[name],)
            if cue.instead_of is not None:
                said[cue.instead_of] = ()
        elif cue.instead_of in said:
            said[name] = ()
    return said
