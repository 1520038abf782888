"""Hearing: folds one understood message into the session. Pure; what to do about it is the router's business.

``hear`` decides what a message is about: an answer to what was asked, a correction of the task in hand, a follow-up
on the last topic, or something new. ``settle`` records what was said, so that the next message can be heard.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

from bot.session import IDLE_LIMIT, Session
from bot.tracking.answering import answer
from bot.tracking.beginning import UNSURE, new_topics
from bot.tracking.following import again, follow_up
from bot.tracking.heard import Heard, relevant_slots
from bot.tracking.moves import begin, put
from bot.tracking.settling import settle
from intents.capability import Capability
from intents.understanding import Understanding

__all__ = ["UNSURE", "hear", "relevant_slots", "settle"]


def hear(
    session: Session,
    understanding: Understanding,
    *,
    code: bool,
    now: dt.datetime,
    capabilities: Mapping[str, Capability],
) -> Session:
    """The session with this turn's ``agenda`` and ``signal``; *code* says that the message was a one-time code."""
    session = _forget_stale(session, now).model_copy(update={"agenda": (), "signal": None})
    if _language_is_plain(understanding):
        session = session.model_copy(update={"language": understanding.language})
    heard = Heard(session, understanding, code, now, capabilities)
    task = session.in_hand
    if task is not None and code and task.awaiting == "code":
        return put(session, task, "code", now)
    if "human_agent" in heard.names:
        return begin(session, [("human_agent", "do", {})], now)
    while (task := heard.session.in_hand) is not None:
        answered = answer(heard, task)
        if isinstance(answered, Session):
            return answered
        if answered is heard:
            break
        heard = answered
    return _without_answer(heard)


def _without_answer(heard: Heard) -> Session:
    """What the message is about where it answers nothing."""
    session = heard.session
    if heard.top == "cancel":
        return session.model_copy(update={"signal": "nothing_to_cancel"})
    if heard.top == "repeat" and (session.in_hand is not None or session.last is not None):
        return again(heard)
    following = follow_up(heard)
    return new_topics(heard) if following is None else following


def _forget_stale(session: Session, now: dt.datetime) -> Session:
    kept = tuple(task for task in session.tasks if now - task.touched_at <= IDLE_LIMIT)
    return session if len(kept) == len(session.tasks) else session.model_copy(update={"tasks": kept})


def _language_is_plain(understanding: Understanding) -> bool:
    return sum(character.isalpha() for character in understanding.text) >= 2
