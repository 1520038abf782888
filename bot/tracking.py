"""Hearing: folds one understood message into the session. Pure; what to do about it is the router's business.

``hear`` decides what a message is about: an answer to what was asked, a correction of the task in hand, a follow-up
on the last topic, or something new. ``settle`` records what was said, so that the next message can be heard.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping, Sequence

from bot import phrases
from bot.decision import Answer, Ask, Clarify, Confirm, Saying, Step
from bot.router import FRAUD
from bot.session import IDLE_LIMIT, Session, Task, Topic
from intents.capability import Capability
from intents.understanding import Act, Understanding

FOLLOW_UP_LIMIT = dt.timedelta(minutes=10)
WORDS_ENOUGH = 10
"""Characters from which a first complaint already says what happened; a question is one at any length."""
SURE = 0.6
"""Confidence from which an intent is taken at its word against the task in hand."""
UNSURE = 0.5
FAINT = 0.25
"""Confidence under which a reading alone is not worth acting on."""
CLOSE = 0.15
"""Two readings nearer than this, the first of them unsure, are put to the customer."""
MAX_OPTIONS = 3

_ANSWERING = frozenset({"affirm", "deny", "cancel", "repeat", "out_of_scope", "chitchat"})
_COURTESIES = frozenset({"greet", "thanks", "goodbye", "affirm", "deny", "chitchat"})


def hear(
    session: Session,
    understanding: Understanding,
    text: str,
    *,
    code: bool,
    now: dt.datetime,
    capabilities: Mapping[str, Capability],
) -> Session:
    """The session with this turn's ``agenda`` and ``signal``; *code* says that the message was a one-time code."""
    session = _forget_stale(session, now).model_copy(update={"agenda": (), "signal": None})
    if _language_is_plain(understanding):
        session = session.model_copy(update={"language": understanding.language})
    task = session.in_hand
    names = tuple(score.name for score in understanding.intents)
    if task is not None and code and task.awaiting == "code":
        return _put(session, task, "code", now)
    if "human_agent" in names:
        return _begin(session, [("human_agent", "do", {})], now)
    if task is not None:
        answered = _as_answer(session, task, understanding, names, text, now, capabilities)
        if answered is not None:
            return answered
    if names[0] == "cancel":
        return session.model_copy(update={"signal": "nothing_to_cancel"})
    if names[0] == "repeat" and (task is not None or session.last is not None):
        return _again(session, now)
    follow_up = _as_follow_up(session, understanding, names, text, now, capabilities)
    if follow_up is not None:
        return follow_up
    return _as_new(session, understanding, names, text, now, capabilities)


def _forget_stale(session: Session, now: dt.datetime) -> Session:
    kept = tuple(task for task in session.tasks if now - task.touched_at <= IDLE_LIMIT)
    return session if len(kept) == len(session.tasks) else session.model_copy(update={"tasks": kept})


def _language_is_plain(understanding: Understanding) -> bool:
    return sum(character.isalpha() for character in understanding.text) >= 2


def relevant_slots(understanding: Understanding, capability: Capability) -> dict[str, tuple[str, ...]]:
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


def _own_words(capability: Capability, text: str) -> dict[str, tuple[str, ...]]:
    """The whole message as what *capability* takes in the customer's own words, where it does and they say enough."""
    if capability.words is None or (capability.kind != "knowledge" and len(text.strip()) < WORDS_ENOUGH):
        return {}
    return {capability.words: (text.strip(),)}


def _put(session: Session, task: Task, signal: str | None, now: dt.datetime) -> Session:
    """The session with *task* (in its new state) as what this turn is about."""
    task = task.model_copy(update={"touched_at": now})
    others = tuple(other for other in session.tasks if other.id != task.id)
    return session.model_copy(update={"tasks": (*others, task), "agenda": (task,), "signal": signal, "misses": 0})


def _without(session: Session, task: Task) -> Session:
    """The session as if *task* had never been begun."""
    return session.model_copy(update={"tasks": tuple(other for other in session.tasks if other.id != task.id)})


def _drop(session: Session, task: Task, signal: str) -> Session:
    """The session without *task*; the agenda still names it, so that the reply can say what was dropped."""
    return _without(session, task).model_copy(update={"agenda": (task,), "signal": signal, "misses": 0})


def _begin(
    session: Session, topics: Sequence[tuple[str, Act, dict[str, tuple[str, ...]]]], now: dt.datetime
) -> Session:
    """The session with new tasks on the agenda; they join ``tasks`` only when they stay unfinished."""
    first = session.next_task
    agenda = tuple(
        Task(id=first + index, capability=name, act=act, slots=slots, touched_at=now)
        for index, (name, act, slots) in enumerate(topics)
    )
    return session.model_copy(update={"agenda": agenda, "next_task": first + len(agenda), "misses": 0})


def _as_answer(
    session: Session,
    task: Task,
    understanding: Understanding,
    names: tuple[str, ...],
    text: str,
    now: dt.datetime,
    capabilities: Mapping[str, Capability],
) -> Session | None:
    """The message as an answer to, or a correction of, the task in hand; ``None`` where it is about something else."""
    if task.awaiting == "clarify":
        return _choice(session, task, understanding, names, text, now, capabilities)
    capability = capabilities[task.capability]
    slots = relevant_slots(understanding, capability)
    picked = _picked(task, text)
    if picked is not None and task.awaiting is not None:
        return _put(session, task.with_slots({task.awaiting: (picked,)}), None, now)
    if capability.kind == "knowledge":
        # None of the questions that were offered: what is said now stands for itself.
        return hear(_without(session, task), understanding, text, code=False, now=now, capabilities=capabilities)
    sure = understanding.intents[0].confidence >= SURE
    elsewhere = sure and names[0] not in (_ANSWERING | _COURTESIES) and names[0] != task.capability
    if task.awaiting == capability.words and capability.words is not None and names[0] not in ("cancel", "deny"):
        return _put(session, task.with_slots({capability.words: (text.strip(),)}), None, now)
    awaited = capability.cues.get(task.awaiting or "")
    plain = awaited is not None and awaited.is_all_of(text)
    belongs = plain or not _wants_another(understanding, capabilities, elsewhere)
    cues = capability.read_cues(text) if belongs else {}
    only_cues = not any(values for name, values in slots.items() if name not in capability.cues)
    calls_off = only_cues and task.awaiting in ("confirm", "code") and phrases.ABANDON.match(text)
    if slots and not calls_off and _speaks_of(task, slots, cues, understanding, names, text):
        told = task.with_slots(slots).model_copy(update={"act": "do"})
        if task.options and told.slots != task.slots and not told.slots.get(task.awaiting or ""):
            # One of those offered was described rather than picked: whether that is enough is the bank's to say.
            told = told.model_copy(update={"awaiting": None})
        return _put(session, told, None, now)
    if phrases.ABANDON.match(text):
        if elsewhere:
            return _as_new(_without(session, task), understanding, names, text, now, capabilities)
        return _drop(session, task, "denied" if task.awaiting == "offer" else "cancelled")
    if task.awaiting == "confirm" and names[0] != "cancel" and phrases.CORRECTION.match(text) and not elsewhere:
        return _put(session, task, "change", now)
    if sure and names[0] in ("deny", "cancel"):
        return _drop(session, task, "denied" if task.awaiting == "offer" else "cancelled")
    if task.awaiting == "code" and phrases.RESEND.search(text):
        return _put(session, task, "resend", now)
    if names[0] == "affirm" or (names[0] == task.capability and understanding.act == "do"):
        if task.awaiting == "confirm" and names[0] == "affirm" and sure:
            return _put(session, task.model_copy(update={"confirmed": True}), None, now)
        if task.awaiting == "offer":
            return _put(session, task.model_copy(update={"act": "do", "awaiting": None}), None, now)
        return _put(session, task, None, now)
    if names[0] == "repeat":
        return _put(session, task, None, now)
    follow_up = _as_follow_up(session, understanding, names, text, now, capabilities)
    if follow_up is not None:
        return follow_up
    unclear = names[0] == "out_of_scope" or (not sure and names[0] in _ANSWERING)
    if unclear and task.awaiting != "offer":
        return _put(session, task, None, now)
    return None


def _wants_another(understanding: Understanding, capabilities: Mapping[str, Capability], elsewhere: bool) -> bool:
    """Whether the message surely wants something else done, so that a cue in it belongs to that."""
    return elsewhere and understanding.act == "do" and capabilities[understanding.top].kind == "write"


def _speaks_of(
    task: Task,
    slots: Mapping[str, tuple[str, ...]],
    cues: Collection[str],
    understanding: Understanding,
    names: tuple[str, ...],
    text: str,
) -> bool:
    """Whether slots in the message belong to the task in hand rather than to a new question."""
    if task.awaiting in cues and not phrases.QUESTION.search(text):
        return True
    if names[0] == task.capability:
        return understanding.act == "do" or task.awaiting in slots or bool(phrases.CORRECTION.match(text))
    if names[0] in _ANSWERING or phrases.CORRECTION.match(text):
        return True
    if understanding.intents[0].confidence < SURE and task.awaiting in slots:
        return True
    return _covered(understanding, text) and not phrases.ELLIPSIS.match(text)


def _covered(understanding: Understanding, text: str) -> bool:
    """Whether the message is little more than its slot values ("八百", "尾号8888的那张")."""
    rest = list(text)
    for slot in understanding.slots:
        rest[slot.start : slot.end] = " " * (slot.end - slot.start)
    return len(phrases.FILLER.sub("", "".join(rest))) <= 2


def _picked(task: Task, text: str) -> str | None:
    """The one of the offered options that "第二个" names, or that was said as it was offered."""
    if text.strip() in task.options:
        return text.strip()
    place = phrases.ordinal(text)
    return task.options[place] if place is not None and place < len(task.options) else None


def _choice(
    session: Session,
    task: Task,
    understanding: Understanding,
    names: tuple[str, ...],
    text: str,
    now: dt.datetime,
    capabilities: Mapping[str, Capability],
) -> Session | None:
    """The reading that was picked out of those offered, by its number, its label or by saying it again."""
    cleared = _without(session, task)
    picked = _picked(task, text)
    for option in task.options:
        if text.strip().lower() in {label.lower() for label in capabilities[option].label.values()}:
            picked = option
    if picked is None and names[0] in task.options:
        picked = names[0]
    if picked is None:
        if names[0] in ("deny", "cancel"):
            return _drop(session, task, "denied")
        return hear(cleared, understanding, text, code=False, now=now, capabilities=capabilities)
    uses = {*capabilities[picked].slots, capabilities[picked].words}
    kept = {name: values for name, values in task.slots.items() if name in uses}
    found = {**kept, **relevant_slots(understanding, capabilities[picked])}
    return _begin(cleared, [(picked, task.act, found)], now)


def _again(session: Session, now: dt.datetime) -> Session:
    """Say it once more: the open question, or the last answer with figures asked for anew."""
    if session.in_hand is not None:
        return _put(session, session.in_hand, None, now)
    assert session.last is not None
    act: Act = "status" if session.last.act == "do" else session.last.act
    return _begin(session, [(session.last.capability, act, session.last.slots)], now)


def _as_follow_up(
    session: Session,
    understanding: Understanding,
    names: tuple[str, ...],
    text: str,
    now: dt.datetime,
    capabilities: Mapping[str, Capability],
) -> Session | None:
    """ "那欧元呢？" as the last topic with another slot; "那额度呢" as a new topic about the same object."""
    last = session.last
    if last is None or now - last.at > FOLLOW_UP_LIMIT or last.capability not in capabilities:
        return None
    if not (phrases.ELLIPSIS.match(text) or phrases.CORRECTION.match(text) or _covered(understanding, text)):
        return None
    capability = capabilities[last.capability]
    slots = relevant_slots(understanding, capability)
    only_slots = _covered(understanding, text)
    same = names[0] in (last.capability, *_ANSWERING) or understanding.intents[0].confidence < SURE
    if slots and (same or (only_slots and phrases.ELLIPSIS.match(text))):
        if "currency" in slots and last.slots.get("currency_from") and last.slots.get("currency") == ("CNY",):
            slots = {**slots, "currency_from": slots["currency"]}
            del slots["currency"]
        if capability.kind == "knowledge" and capability.words in last.slots:
            # 那借记卡呢 is asked of the question before it.
            slots = {**slots, capability.words: (f"{last.slots[capability.words][0]} {text.strip()}",)}
        return _begin(session, [(last.capability, last.act, {**last.slots, **slots})], now)
    other = capabilities[names[0]]
    if names[0] not in _ANSWERING and other.kind in ("query", "write"):
        shared = {
            name: values
            for name, values in last.slots.items()
            if name in other.slots and name in ("card_tail", "card_kind", "product_name")
        }
        return _begin(session, [(names[0], understanding.act, {**shared, **relevant_slots(understanding, other)})], now)
    return None


def _as_new(
    session: Session,
    understanding: Understanding,
    names: tuple[str, ...],
    text: str,
    now: dt.datetime,
    capabilities: Mapping[str, Capability],
) -> Session:
    """The message as one or two new topics, a choice between close readings, or a miss."""
    business = [name for name in names if name not in _COURTESIES and name != "out_of_scope"]
    faint = understanding.intents[0].confidence < FAINT
    options = _close_readings(understanding)
    if (not business and not understanding.in_scope) or (faint and not options):
        return session.model_copy(update={"signal": "miss", "misses": session.misses + 1})
    if options and session.in_hand is None:
        said: dict[str, tuple[str, ...]] = {
            slot.slot: (slot.normalized,) for slot in understanding.slots if slot.normalized is not None
        }
        for option in options:
            said |= _own_words(capabilities[option], text)
        chosen = _begin(session, [("out_of_scope", understanding.act, said)], now)
        asked = chosen.agenda[0].model_copy(update={"awaiting": "clarify", "options": options})
        return chosen.model_copy(update={"agenda": (asked,)})
    wanted = business or [names[0]]
    topics: list[tuple[str, Act, dict[str, tuple[str, ...]]]] = []
    for name in wanted:
        slots = relevant_slots(understanding, capabilities[name]) | _own_words(capabilities[name], text)
        urgent = capabilities[name].protective and not phrases.QUESTION.search(text)
        topics.append((name, "do" if urgent and understanding.act == "ask" else understanding.act, slots))
    if FRAUD in wanted and understanding.act != "ask":
        # Who reports a fraud is not asked to go on with a payment that was under way.
        return _begin(session.model_copy(update={"tasks": ()}), topics, now)
    task = session.in_hand
    if task is not None and len(topics) == 1 and wanted[0] == task.capability and understanding.act == "do":
        return _put(session, task.with_slots(topics[0][2]), None, now)
    return _begin(session, topics, now)


def _close_readings(understanding: Understanding) -> tuple[str, ...]:
    """The capabilities between which the message stands, or none where one reading is clear enough."""
    ranking = [score for score in understanding.ranking if score.name not in _ANSWERING]
    if len(ranking) < 2 or understanding.intents[0].confidence >= UNSURE:
        return ()
    best = ranking[0].confidence
    options = tuple(score.name for score in ranking if best - score.confidence < CLOSE)[:MAX_OPTIONS]
    return options if len(options) > 1 and best > CLOSE else ()


def settle(session: Session, decisions: Sequence[Saying], steps: Sequence[Step], now: dt.datetime) -> Session:
    """The session after everything was said: what is unfinished, what the next message may answer, the last topic."""
    agenda = {task.id: task for task in session.agenda}
    open_tasks = {task.id: task for task in session.tasks}
    challenges = {
        step.decision.task: step.result.reference
        for step in steps
        if step.decision.kind == "step_up" and step.result.outcome == "code_sent"
    }
    last = session.last
    for decision in decisions:
        task = agenda.get(decision.task) or open_tasks.get(decision.task)
        if task is None:
            continue
        if isinstance(decision, Answer) and decision.closes:
            open_tasks.pop(task.id, None)
            last = (
                Topic(capability=task.capability, act=task.act, slots=task.slots, at=now)
                if task.slots or (task.capability not in _COURTESIES)
                else last
            )
            continue
        changes: dict[str, object] = {"touched_at": now}
        changes["options"] = ()
        if isinstance(decision, Ask):
            changes.update(awaiting=decision.slot, options=tuple(choice.value for choice in decision.say.choices))
        elif isinstance(decision, Clarify):
            changes.update(awaiting="clarify", options=decision.options)
        elif isinstance(decision, Confirm):
            changes.update(awaiting="confirm", quoted=decision.say, confirmed=False, challenge_id=None)
        else:
            changes["awaiting"] = decision.awaiting
        if isinstance(decision, Answer) and decision.say.outcome == "resume":
            changes["resumed"] = task.resumed + 1
        if task.id in challenges:
            changes["challenge_id"] = challenges[task.id]
        open_tasks.pop(task.id, None)
        open_tasks[task.id] = task.model_copy(update=changes)
    return session.model_copy(
        update={"tasks": tuple(open_tasks.values()), "agenda": (), "last": last, "turns": session.turns + 1}
    )
