"""Hearing while a human holds the conversation: only what answers the write that a rep began; the rest is for the rep."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Literal

from bot import phrases
from bot.message import WriteRequest
from bot.session import IDLE_LIMIT, Session, Task
from bot.tracking.heard import Heard
from bot.tracking.moves import begin
from intents.capability import Capability
from intents.understanding import Understanding

QUESTIONS_OF_A_WRITE = ("confirm", "code")
"""What is awaited once the bank has quoted."""
_FOR_THE_BOT = ("code", "resend")
"""Signals of a message that can be meant for nobody else."""


def requested(
    session: Session,
    request: WriteRequest,
    understanding: Understanding,
    *,
    now: dt.datetime,
    capabilities: Mapping[str, Capability],
) -> Session:
    """The session with what a rep asks for as its only task: a yes must never be for two.

    *understanding* is of the rep's details: they bring values, and are never an answer.
    """
    bare = session.model_copy(update={"tasks": (), "queue": (), "agenda": (), "signal": None})
    heard = Heard(bare, understanding, False, now, capabilities)
    slots = {**heard.slots_for(request.capability), **heard.words_for(request.capability)}
    begun = begin(bare, [(request.capability, "do", slots)], now)
    return begun.model_copy(update={"requested": begun.agenda[0].id})


def task_of_rep(session: Session, now: dt.datetime) -> Task | None:
    """The task that a rep began, while it is open and not forgotten."""
    tasks = (task for task in session.tasks if task.id == session.requested)
    return next((task for task in tasks if now - task.touched_at <= IDLE_LIMIT), None)


def is_its_answer(before: Task, after: Session, text: str, last_speaker: Literal["bot", "rep"] | None) -> bool:
    """Whether *text*, heard as *after*, is for the bot that waits for *before*, and not for the rep.

    A code and an asked-for value are for nobody else. A yes, a no and a correction are where the bot spoke last; after a
    rep's words "好的" is to the rep, and only the very word that was asked for still counts.
    """
    if [task.id for task in after.agenda] != [before.id]:
        return False
    if after.signal in _FOR_THE_BOT:
        return True
    [task] = after.agenda
    changed = task.model_copy(update={"touched_at": before.touched_at}) != before
    if not changed and after.signal is None:
        return False
    if before.awaiting not in QUESTIONS_OF_A_WRITE:
        return True
    return last_speaker == "bot" or bool(phrases.IN_SO_MANY_WORDS.match(text))
