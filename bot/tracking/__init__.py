"""Hearing: folds one understood message into the session. Pure; what to do about it is the router's business.

``hear`` decides what a message is about: an answer to what was asked, a correction of the task in hand, a follow-up
on the last topic, or something new. ``settle`` records what was said, so that the next message can be heard.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

from bot import moods, phrases
from bot.session import IDLE_LIMIT, Session, Task
from bot.tracking.answering import answer
from bot.tracking.beginning import UNSURE, new_topics
from bot.tracking.following import again, follow_up
from bot.tracking.heard import Heard, relevant_slots
from bot.tracking.moves import begin, drop, put
from bot.tracking.requested import is_its_answer, requested, task_of_rep
from bot.tracking.settling import settle
from intents.capability import Capability
from intents.understanding import Understanding

__all__ = ["UNSURE", "hear", "is_its_answer", "relevant_slots", "requested", "settle", "task_of_rep"]


def hear(
    session: Session,
    understanding: Understanding,
    *,
    code: bool,
    now: dt.datetime,
    capabilities: Mapping[str, Capability],
) -> Session:
    """The session with this turn's ``agenda`` and ``signal``; *code* says that the message was a one-time code."""
    before, lapsed = session.language, _stale(session, now)
    session = _forget(session, lapsed).model_copy(update={"agenda": (), "signal": None})
    if _language_is_plain(understanding):
        session = session.model_copy(update={"language": understanding.language})
    if session.human_offer == "none" and moods.is_pressed(understanding.text):
        session = session.model_copy(update={"human_offer": "due"})
    heard = Heard(session, understanding, code, now, capabilities)
    task = session.in_hand
    if task is None and lapsed and (code or heard.top in ("affirm", "deny", "cancel")):
        return drop(session, lapsed[-1], "lapsed")
    wanted = phrases.language_wanted(heard.text)
    if wanted is not None:
        return _in_language(heard.of(session.model_copy(update={"language": wanted})))
    if task is not None and code and task.awaiting == "code":
        return put(session, task, "code", now)
    if "human_agent" in heard.names:
        return begin(session.model_copy(update={"queue": ()}), [("human_agent", "do", {})], now)
    while (task := heard.session.in_hand) is not None:
        answered = answer(heard, task)
        if isinstance(answered, Session):
            return answered
        if answered is heard:
            break
        heard = answered
    if task is not None and session.turns and session.language != before and not heard.brings_business:
        # The question stands, in the language that the customer has gone over to.
        return put(heard.session, task, None, now)
    return _without_answer(heard)


def _in_language(heard: Heard) -> Session:
    """The open question, or the last answer, once more in the language that was asked for."""
    if heard.session.in_hand is not None or heard.is_fresh:
        return again(heard)
    return begin(heard.session, [("affirm", "ask", {})], heard.now)


def _without_answer(heard: Heard) -> Session:
    """What the message is about where it answers nothing."""
    session = heard.session
    if heard.top == "cancel":
        return session.model_copy(update={"signal": "nothing_to_cancel"})
    if heard.top == "repeat" and (session.in_hand is not None or session.last is not None):
        return again(heard)
    following = follow_up(heard)
    return new_topics(heard) if following is None else following


def _stale(session: Session, now: dt.datetime) -> tuple[Task, ...]:
    return tuple(task for task in session.tasks if now - task.touched_at > IDLE_LIMIT)


def _forget(session: Session, lapsed: tuple[Task, ...]) -> Session:
    if not lapsed:
        return session
    kept = tuple(task for task in session.tasks if task not in lapsed)
    return session.model_copy(update={"tasks": kept, "queue": session.queue if kept else ()})


def _language_is_plain(understanding: Understanding) -> bool:
    return sum(character.isalpha() for character in understanding.text) >= 2
