"""A message as an answer to the task in hand, or a correction of it."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from bot import phrases
from bot.session import Session, Task
from bot.tracking.beginning import new_topics
from bot.tracking.following import follow_up
from bot.tracking.heard import ANSWERING, Heard
from bot.tracking.moves import begin, drop, put, without


def answer(heard: Heard, task: Task) -> Session | Heard:
    """The session after an answer to, or a correction of, *task*; else the message as it is to be heard further: without
    *task* where that was only a choice that it left behind."""
    session, understanding, text, now = heard.session, heard.understanding, heard.text, heard.now
    if task.awaiting == "clarify":
        return _choice(heard, task)
    capability = heard.capabilities[task.capability]
    slots = heard.slots_for(task.capability)
    picked = _picked(task, text)
    if picked is not None and task.awaiting is not None:
        return put(session, task.with_slots({task.awaiting: (picked,)}), None, now)
    if capability.kind == "knowledge":
        # None of the questions that were offered: what is said now stands for itself.
        return heard.of(without(session, task))
    referred = heard.meant_by(task.capability, slots)
    if task.awaiting in referred and task.awaiting not in slots and not heard.is_elsewhere(task.capability):
        return put(session, task.with_slots({task.awaiting: referred[task.awaiting]}), None, now)
    sure = heard.is_sure
    elsewhere = heard.is_elsewhere(task.capability)
    if task.awaiting == capability.words and capability.words is not None and heard.top not in ("cancel", "deny"):
        return put(session, task.with_slots({capability.words: (text.strip(),)}), None, now)
    awaited = capability.cues.get(task.awaiting or "")
    plain = awaited is not None and awaited.is_all_of(text)
    belongs = plain or not _wants_another(heard, elsewhere)
    cues = capability.read_cues(text) if belongs else {}
    only_cues = not any(values for name, values in slots.items() if name not in capability.cues)
    calls_off = only_cues and task.awaiting in ("confirm", "code") and phrases.ABANDON.match(text)
    if slots and not calls_off and _speaks_of(heard, task, slots, cues):
        told = task.with_slots(slots).model_copy(update={"act": "do"})
        if task.options and told.slots != task.slots and not told.slots.get(task.awaiting or ""):
            # One of those offered was described rather than picked: whether that is enough is the bank's to say.
            told = told.model_copy(update={"awaiting": None})
        return put(session, told, None, now)
    if phrases.ABANDON.match(text):
        if elsewhere:
            return new_topics(heard.of(without(session, task)))
        return _given_up(session, task, text)
    if task.awaiting == "confirm" and heard.top != "cancel" and phrases.CORRECTION.match(text) and not elsewhere:
        return put(session, task, "change", now)
    if sure and heard.top in ("deny", "cancel"):
        return _given_up(session, task, text)
    if task.awaiting == "code" and phrases.RESEND.search(text):
        return put(session, task, "resend", now)
    if heard.top == "affirm" or (heard.top == task.capability and understanding.act == "do"):
        if task.awaiting == "confirm" and heard.top == "affirm" and sure:
            return put(session, task.model_copy(update={"confirmed": True}), None, now)
        if task.awaiting == "offer":
            return put(session, task.model_copy(update={"act": "do", "awaiting": None}), None, now)
        return put(session, task, None, now)
    if heard.top == "repeat":
        return put(session, task, None, now)
    following = follow_up(heard)
    if following is not None:
        return following
    unclear = heard.top == "out_of_scope" or (not sure and heard.top in ANSWERING)
    if unclear and task.awaiting != "offer":
        return put(session, task, None, now)
    # Calling a human was offered once: a yes to something later is not a yes to that.
    return heard.of(without(session, task)) if task.capability == "human_agent" else heard


def _given_up(session: Session, task: Task, text: str) -> Session:
    """The session without *task*, and without all that waits where all of it is given up."""
    if phrases.ALL_OF_IT.search(text):
        session = session.model_copy(update={"tasks": (task,), "queue": ()})
    return drop(session, task, "denied" if task.awaiting == "offer" else "cancelled")


def _wants_another(heard: Heard, elsewhere: bool) -> bool:
    """Whether the message surely wants something else done, so that a cue in it belongs to that."""
    return elsewhere and heard.understanding.act == "do" and heard.capabilities[heard.top].kind == "write"


def _speaks_of(heard: Heard, task: Task, slots: Mapping[str, tuple[str, ...]], cues: Collection[str]) -> bool:
    """Whether slots in the message belong to the task in hand rather than to a new question."""
    if task.awaiting in cues and not phrases.QUESTION.search(heard.text):
        return True
    if heard.top == task.capability:
        return heard.understanding.act == "do" or task.awaiting in slots or bool(phrases.CORRECTION.match(heard.text))
    if heard.top in ANSWERING or phrases.CORRECTION.match(heard.text):
        return True
    if not heard.is_sure and task.awaiting in slots:
        return True
    if _wants_another(heard, heard.is_elsewhere(task.capability)):
        return False
    return heard.only_values and not phrases.ELLIPSIS.match(heard.text)


def _picked(task: Task, text: str) -> str | None:
    """The one of the offered options that "第二个" names, or that was said as it was offered."""
    if text.strip() in task.options:
        return text.strip()
    place = phrases.ordinal(text)
    return task.options[place] if place is not None and place < len(task.options) else None


def _choice(heard: Heard, task: Task) -> Session | Heard:
    """The reading that was picked out of those offered, by its number, its label or by saying it again."""
    session, text, now = heard.session, heard.text, heard.now
    cleared = without(session, task)
    picked = _picked(task, text)
    for option in task.options:
        if text.strip().lower() in {label.lower() for label in heard.capabilities[option].label.values()}:
            picked = option
    if picked is None and heard.top in task.options:
        picked = heard.top
    if picked is None:
        if heard.top in ("deny", "cancel"):
            return drop(session, task, "denied")
        return heard.of(cleared)
    uses = {*heard.capabilities[picked].slots, heard.capabilities[picked].words}
    kept = {name: values for name, values in task.slots.items() if name in uses}
    found = {**kept, **heard.slots_for(picked)}
    return begin(cleared, [(picked, task.act, found)], now)
