"""A message that begins something: one or two topics, a choice between close readings, or a miss."""

from __future__ import annotations

from bot import phrases
from bot.router import FRAUD
from bot.session import Session
from bot.tracking.heard import ANSWERING, COURTESIES, Heard, Slots
from bot.tracking.moves import begin, put
from intents.understanding import Act, Understanding

UNSURE = 0.5
FAINT = 0.25
"""Confidence under which a reading alone is not worth acting on."""
CLOSE = 0.15
"""Two readings nearer than this, the first of them unsure, are put to the customer."""
MAX_OPTIONS = 3


def new_topics(heard: Heard) -> Session:
    """The message as one or two new topics, a choice between close readings, or a miss."""
    session, understanding, now = heard.session, heard.understanding, heard.now
    business = [name for name in heard.names if name not in COURTESIES and name != "out_of_scope"]
    faint = understanding.intents[0].confidence < FAINT
    options = _close_readings(understanding)
    if (not business and not understanding.in_scope) or (faint and not options):
        return session.model_copy(update={"signal": "miss", "misses": session.misses + 1})
    if options and session.in_hand is None:
        said: Slots = {slot.slot: (slot.normalized,) for slot in understanding.slots if slot.normalized is not None}
        for option in options:
            said |= heard.words_for(option)
        chosen = begin(session, [("out_of_scope", understanding.act, said)], now)
        asked = chosen.agenda[0].model_copy(update={"awaiting": "clarify", "options": options})
        return chosen.model_copy(update={"agenda": (asked,)})
    wanted = business or [heard.top]
    topics: list[tuple[str, Act, Slots]] = []
    for name in wanted:
        slots = heard.meant_by(name, heard.slots_for(name)) | heard.words_for(name)
        urgent = heard.capabilities[name].protective and not phrases.QUESTION.search(heard.text)
        topics.append((name, "do" if urgent and understanding.act == "ask" else understanding.act, slots))
    if FRAUD in wanted and understanding.act != "ask":
        # Who reports a fraud is not asked to go on with a payment that was under way.
        return begin(session.model_copy(update={"tasks": (), "queue": ()}), topics, now)
    task = session.in_hand
    if task is not None and len(topics) == 1 and wanted[0] == task.capability and understanding.act == "do":
        return put(session, task.with_slots(topics[0][2]), None, now)
    return _one_form_at_a_time(begin(session, topics, now), heard)


def _one_form_at_a_time(session: Session, heard: Heard) -> Session:
    """Of two things to be done one is begun, the more urgent first: a yes must never be for two."""
    forms = [
        task for task in session.agenda if task.act == "do" and heard.capabilities[task.capability].kind == "write"
    ]
    later = sorted(forms, key=lambda task: not heard.capabilities[task.capability].protective)[1:]
    agenda = tuple(task for task in session.agenda if task not in later)
    return session.model_copy(update={"agenda": agenda, "queue": (*session.queue, *later)})


def _close_readings(understanding: Understanding) -> tuple[str, ...]:
    """The capabilities between which the message stands, or none where one reading is clear enough."""
    ranking = [score for score in understanding.ranking if score.name not in ANSWERING]
    if len(ranking) < 2 or understanding.intents[0].confidence >= UNSURE:
        return ()
    best = ranking[0].confidence
    options = tuple(score.name for score in ranking if best - score.confidence < CLOSE)[:MAX_OPTIONS]
    return options if len(options) > 1 and best > CLOSE else ()
