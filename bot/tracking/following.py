"""A message that lives off the last topic: "那欧元呢？", "那额度呢", or the same once more."""

from __future__ import annotations

from bot import phrases
from bot.session import Session, Topic
from bot.tracking.heard import ANSWERING, Heard
from bot.tracking.moves import begin, put
from intents.understanding import Act

LONGEST_SAME = 30
"""Characters up to which "跟刚才一样" is the whole of a message."""
SURELY_ELSE = 0.8
"""Confidence from which it is yet about something else: "buy again, same as before" may mean anything that is bought."""
DETAILS = {"product_name": "wealth_product"}
"""What tells more about an object that was listed, where the topic that listed it does not."""


def again(heard: Heard) -> Session:
    """Say it once more: the open question, or the last answer with figures asked for anew."""
    session = heard.session
    if session.in_hand is not None:
        return put(session, session.in_hand, None, heard.now)
    assert session.last is not None
    act: Act = "status" if session.last.act == "do" else session.last.act
    return begin(session, [(session.last.capability, act, session.last.slots)], heard.now)


def follow_up(heard: Heard) -> Session | None:
    """ "那欧元呢？" as the last topic with another slot; "那额度呢" as a new topic about the same object."""
    last, text, now = heard.session.last, heard.text, heard.now
    if last is None or not heard.is_fresh or last.capability not in heard.capabilities:
        return None
    listed = _one_of_those_listed(heard, last)
    if listed is not None:
        return listed
    if (
        phrases.SAME.search(text)
        and len(text.strip()) <= LONGEST_SAME
        and (heard.top in ANSWERING or heard.understanding.intents[0].confidence < SURELY_ELSE)
    ):
        return begin(heard.session, [(last.capability, last.act, last.slots)], now)
    refers_back = bool(phrases.ELLIPSIS.match(text) or phrases.CORRECTION.match(text))
    if not (refers_back or heard.only_values):
        return None
    capability = heard.capabilities[last.capability]
    slots = heard.slots_for(last.capability)
    same = heard.top in (last.capability, *ANSWERING) or not heard.is_sure
    if slots and (same or (not heard.beside_values and phrases.ELLIPSIS.match(text))):
        if "currency" in slots and last.slots.get("currency_from") and last.slots.get("currency") == ("CNY",):
            slots = {**slots, "currency_from": slots["currency"]}
            del slots["currency"]
        if capability.kind == "knowledge" and capability.words in last.slots:
            # 那借记卡呢 is asked of the question before it.
            slots = {**slots, capability.words: (f"{last.slots[capability.words][0]} {text.strip()}",)}
        return begin(heard.session, [(last.capability, last.act, {**last.slots, **slots})], now)
    other = heard.capabilities[heard.top]
    if refers_back and heard.top not in ANSWERING and other.kind in ("query", "write"):
        shared = {
            name: values
            for name, values in last.slots.items()
            if name in other.slots and name in ("card_tail", "card_kind", "product_name")
        }
        meant = heard.meant_by(heard.top, {**shared, **heard.slots_for(heard.top)})
        return begin(heard.session, [(heard.top, heard.understanding.act, meant)], now)
    return None


def _one_of_those_listed(heard: Heard, last: Topic) -> Session | None:
    """ "第二个怎么样" as a question about the second of what the last answer listed."""
    place = phrases.listed(heard.text)
    if place is None or place >= len(last.listed):
        return None
    for slot, value in last.listed[place].items():
        name = last.capability if slot in heard.capabilities[last.capability].slots else DETAILS.get(slot)
        if name is not None:
            kept = last.slots if name == last.capability else {}
            return begin(heard.session, [(name, "ask", {**kept, slot: (value,)})], heard.now)
    return None
