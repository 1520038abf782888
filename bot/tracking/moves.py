"""The moves on a session: a task put in hand, dropped, left out, or begun."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from bot.session import Session, Task
from bot.tracking.heard import Slots
from intents.understanding import Act


def put(session: Session, task: Task, signal: str | None, now: dt.datetime) -> Session:
    """The session with *task* (in its new state) as what this turn is about."""
    task = task.model_copy(update={"touched_at": now})
    others = tuple(other for other in session.tasks if other.id != task.id)
    return session.model_copy(update={"tasks": (*others, task), "agenda": (task,), "signal": signal, "misses": 0})


def without(session: Session, task: Task) -> Session:
    """The session as if *task* had never been begun."""
    return session.model_copy(update={"tasks": tuple(other for other in session.tasks if other.id != task.id)})


def drop(session: Session, task: Task, signal: str) -> Session:
    """The session without *task*; the agenda still names it, so that the reply can say what was dropped."""
    return without(session, task).model_copy(update={"agenda": (task,), "signal": signal, "misses": 0})


def begin(session: Session, topics: Sequence[tuple[str, Act, Slots]], now: dt.datetime) -> Session:
    """The session with new tasks on the agenda; they join ``tasks`` only when they stay unfinished."""
    first = session.next_task
    agenda = tuple(
        Task(id=first + index, capability=name, act=act, slots=slots, touched_at=now)
        for index, (name, act, slots) in enumerate(topics)
    )
    return session.model_copy(update={"agenda": agenda, "next_task": first + len(agenda), "misses": 0})
