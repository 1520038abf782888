"""What is said around a reply: the greeting, a word for the customer's mood before it, an offer behind it.

Nothing is said that the reply says itself, and nothing that the conversation has heard: when a list is used up there is
silence, which is always good manners.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from backends.result import Fact, Result
from responses.audience import Audience
from responses.draft import Draft, Drafter, MissingFact, merged
from responses.gates.refusal import Refusal
from responses.parts import EXACT_CAPABILITIES, Part
from responses.persona import Already, persona
from responses.phrases import choose, key, keys_of, lead
from responses.sentences import first as first_sentence
from responses.sentences import split

GREETS_ITSELF = frozenset({"greet", "goodbye"})
"""Capabilities whose own words greet or part: a greeting by name in front would be one too many."""
COURTESIES = frozenset({"greet", "goodbye", "thanks", "chitchat", "affirm", "deny"})
"""Capabilities that are manners themselves: nothing is put around them."""
SELDOM = 3
"""A calm customer is offered more in every third reply."""
_OPENING_SAYS: dict[str, tuple[Already, ...]] = {
    "angry": ("apology",), "anxious": ("calming", "apology"), "cheerful": ("apology",), "puzzled": (),
}  # fmt: skip
_MANNERS_OFF = ("code_", "foreign", "pending")
"""Outcomes around which nothing is said: what must be read there is all there is."""


def greeting(parts: Sequence[Part], audience: Audience, drafter: Drafter) -> Draft | None:
    """The greeting that a conversation has once, by name where there is one; ``None`` where it has been given."""
    first = parts[0]
    if audience.greeted or first.result.capability in GREETS_ITSELF:
        return None
    by_hour = persona().strangers if audience.honorific is None else persona().greetings
    facts = {} if audience.honorific is None else {"honorific": audience.honorific}
    return _chosen(by_hour[audience.language][audience.part_of_day], facts, audience, drafter)


def opening(parts: Sequence[Part], audience: Audience, drafter: Drafter) -> Draft | None:
    """A word for the customer's mood, before the matter; ``None`` where there is nothing to say."""
    first = parts[0]
    if _says_nothing_around(first) or (audience.tone == "brief" and audience.mood != "angry"):
        return None
    if audience.mood == "angry" and audience.mood_answered:
        return None
    if first.exact and audience.mood != "angry":
        return None
    found = persona().openings.get(audience.mood, {}).get(first.kind, {}).get(audience.language, ())
    if not found:
        return None
    body = first.draft.text
    if any(persona().says(what, first_sentence(body)) for what in _OPENING_SAYS.get(audience.mood, ())):
        return None
    if audience.mood == "cheerful" and lead(body):
        return None
    return _unheard(found, {}, audience, drafter)


def closing(parts: Sequence[Part], audience: Audience, rules: Mapping[str, Fact], drafter: Drafter) -> Draft | None:
    """An offer or a good wish behind the matter; never behind a question, nor where the channel has no room for it."""
    last = parts[-1]
    if last.result.capability == "goodbye" and _may_close(parts, audience):
        return _parting(last, audience, drafter)
    if not _may_offer(parts, audience) or last.draft.text.rstrip().endswith(("？", "?")):
        return None
    said = [_wish(last, audience, drafter), _telephone(last, audience, rules, drafter)]
    told = [draft for draft in said if draft is not None]
    return merged(told, "" if audience.language == "zh" else " ") if told else None


def telephone(parts: Sequence[Part], audience: Audience, rules: Mapping[str, Fact], drafter: Drafter) -> Draft | None:
    """The hotline behind what a model or a person put into words, which has everything else of a closing in it."""
    return _telephone(parts[-1], audience, rules, drafter) if _may_offer(parts, audience) else None


def _may_close(parts: Sequence[Part], audience: Audience) -> bool:
    return persona().channels[audience.room].spare and not any(part.asks for part in parts)


def _may_offer(parts: Sequence[Part], audience: Audience) -> bool:
    last = parts[-1]
    return (
        _may_close(parts, audience)
        and not any(map(_says_nothing_around, parts))
        and not last.exact
        and audience.tone != "brief"
        and last.kind != "ask"
    )


def _wish(last: Part, audience: Audience, drafter: Drafter) -> Draft | None:
    """What suits the mood at the end of a reply."""
    if audience.mood == "calm" and (audience.tone == "elder" or audience.variation % SELDOM):
        return None
    end = (split(last.draft.text) or [""])[-1]
    if persona().says("offer", end) and (audience.mood != "anxious" or last.kind == "setback"):
        return None
    if persona().says("cheer", end) and audience.mood == "cheerful":
        return None
    found = persona().closings.get(audience.mood, {}).get(last.kind, {}).get(audience.language, ())
    return _unheard(found, {}, audience, drafter)


def _telephone(last: Part, audience: Audience, rules: Mapping[str, Fact], drafter: Drafter) -> Draft | None:
    """The hotline, offered to an older customer once in a conversation."""
    offered = persona().elder[audience.language]
    if audience.tone != "elder" or "hotline" not in rules or "hotline" in last.draft.text:
        return None
    if any(key(phrase) in audience.said for phrase in offered):
        return None
    return _unheard(offered, {"hotline": rules["hotline"]}, audience, drafter)


def check_manner(text: str, results: Sequence[Result], audience: Audience, *, greeted: bool) -> list[Refusal]:
    """What in a model's *text* this persona would not say here: a second greeting, the opening of the reply before, a habit
    it does not have, more than the channel shows. *greeted*: the conversation has had its greeting."""
    found = []
    start = text[: len(text) - len(text.lstrip()) + 12]
    if greeted and results[0].capability not in COURTESIES and persona().says("greeting", start):
        found.append(Refusal("greeting", 0, len(start), start))
    first = "".join(lead(text))
    if first and audience.said and audience.said[-1] == key(first):
        found.append(Refusal("repeated", 0, len(first), first))
    for phrase in persona().habits(text, audience.language):
        place = text.lower().find(phrase.lower())
        found.append(Refusal("habit", place, place + len(phrase), text[place : place + len(phrase)]))
    longest = persona().channels[audience.room].longest
    if len(text) > longest:
        found.append(Refusal("too_long", longest, len(text), text[longest : longest + 20]))
    return found


def _parting(last: Part, audience: Audience, drafter: Drafter) -> Draft | None:
    if persona().says("cheer", last.draft.text):
        return None
    return _unheard(persona().partings[audience.language][audience.part_of_day], {}, audience, drafter)


def _says_nothing_around(part: Part) -> bool:
    result = part.result
    return (
        result.capability in EXACT_CAPABILITIES
        or result.capability in COURTESIES
        or result.outcome.startswith(_MANNERS_OFF)
    )


def _unheard(found: Sequence[str], facts: Mapping[str, Fact], audience: Audience, drafter: Drafter) -> Draft | None:
    """One of *found* that the conversation has not heard and the tone allows."""
    plain = audience.tone != "formal"
    left = [
        phrase
        for phrase in found
        if (plain or not persona().is_informal(phrase, audience.language))
        and not any(each in audience.said for each in keys_of(phrase))
    ]
    return _chosen(left, facts, audience, drafter) if left else None


def _chosen(found: Sequence[str], facts: Mapping[str, Fact], audience: Audience, drafter: Drafter) -> Draft | None:
    try:
        return drafter.draft(choose(found, audience, keys_of), facts)
    except MissingFact:
        return None
