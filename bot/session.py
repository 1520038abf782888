"""What a conversation remembers between messages: the tasks in hand, the last topic, what was offered. Kept in SQL."""

from __future__ import annotations

import datetime as dt

from pydantic import BaseModel, ConfigDict

from backends.result import Result
from intents.understanding import Act, Context, Language

IDLE_LIMIT = dt.timedelta(minutes=20)
"""An unfinished task is forgotten after this long: a yes said the next morning must not move money."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Task(_Frozen):
    """One thing the customer wants, from the first word to the answer.

    ``slots`` hold canonical text (several values where the capability takes several). ``awaiting`` is what the next
    message may answer: a slot's name, ``confirm``, ``code``, ``offer`` or ``clarify``. ``quoted`` is the prepared
    result that was read back; ``confirmed`` says that its figures were agreed to. ``options`` are what was offered to
    choose from, in its order. ``resumed`` counts how often it was brought up again after something else.
    """

    id: int
    capability: str
    act: Act
    slots: dict[str, tuple[str, ...]] = {}
    awaiting: str | None = None
    quoted: Result | None = None
    confirmed: bool = False
    challenge_id: str | None = None
    options: tuple[str, ...] = ()
    resumed: int = 0
    touched_at: dt.datetime

    def with_slots(self, found: dict[str, tuple[str, ...]]) -> Task:
        """The task with those slots; what was quoted for other figures no longer holds."""
        changed = {**self.slots, **found}
        if changed == self.slots:
            return self
        return self.model_copy(update={"slots": changed, "quoted": None, "confirmed": False, "challenge_id": None})


class Topic(_Frozen):
    """What the last answer was about, for "那欧元呢？"."""

    capability: str
    act: Act
    slots: dict[str, tuple[str, ...]] = {}
    at: dt.datetime


class Session(_Frozen):
    """The tracker. ``tasks`` are unfinished, the one in hand last; ``agenda`` is what this turn is about."""

    language: Language = "zh"
    tasks: tuple[Task, ...] = ()
    agenda: tuple[Task, ...] = ()
    last: Topic | None = None
    misses: int = 0
    next_task: int = 1
    turns: int = 0
    signal: str | None = None
    queue_noticed_at: dt.datetime | None = None

    @property
    def in_hand(self) -> Task | None:
        """The unfinished task that the next message most likely answers."""
        return self.tasks[-1] if self.tasks else None

    def context(self, today: dt.date) -> Context:
        """What understanding may know about this conversation."""
        task = self.in_hand
        return Context(
            today=today,
            language=self.language if self.turns else None,
            awaiting=task.awaiting if task else None,
            capability=task.capability if task else (self.last.capability if self.last else None),
        )
