"""What a conversation remembers between messages: the tasks in hand, the last topic, what was offered. Kept in SQL."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from backends.result import Result
from intents.understanding import Act, Context, Language
from responses.audience import Mood

IDLE_LIMIT = dt.timedelta(minutes=20)
"""An unfinished task is forgotten after this long: a yes said the next morning must not move money."""
FOLLOW_UP_LIMIT = dt.timedelta(minutes=10)
"""How long a message may live off what was said before it."""


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
    """What the last answer was about, for "那欧元呢？"; ``listed`` are the objects it named in their order, for "第二个"."""

    capability: str
    act: Act
    slots: dict[str, tuple[str, ...]] = {}
    listed: tuple[dict[str, str], ...] = ()
    at: dt.datetime


class Page(_Frozen):
    """What the page that the chat was opened on shows. A hint and never a fact: it stands in for what was not said, and a
    bank system decides what it is worth. ``product`` is a name or code, ``card_tail`` the last four digits of a card."""

    page: Annotated[str | None, Field(max_length=64, pattern=r"^[a-z0-9_\-/]+$")] = None
    product: Annotated[str | None, Field(min_length=1, max_length=48, pattern=r"^[\w\u00b7 +\-()（）.]+$")] = None
    card_tail: Annotated[str | None, Field(pattern=r"^[0-9]{4}$")] = None

    def hints(self) -> dict[str, tuple[str, ...]]:
        """What it shows, by the slot that it may stand in for."""
        shown = {"product_name": self.product, "card_tail": self.card_tail}
        return {slot: (value,) for slot, value in shown.items() if value is not None}


class Session(_Frozen):
    """The tracker. ``tasks`` are unfinished, the one in hand last; ``agenda`` is what this turn is about.

    ``queue`` are tasks that were asked for together with another and wait for its end. ``mentioned`` is the latest value
    of each slot in what was answered. ``human_offer`` says whether a human was offered to a customer who is upset or in
    a hurry: not yet, in this turn, or before. ``page`` is where the chat was opened. ``mood`` is the customer's, heard for
    ``mood_age`` messages now; ``said`` are the phrases that replies have used, the latest last. ``requested`` is the id of the
    task that a rep began: the only one that the bot goes on with while a human holds the conversation.
    """

    language: Language = "zh"
    tasks: tuple[Task, ...] = ()
    queue: tuple[Task, ...] = ()
    agenda: tuple[Task, ...] = ()
    last: Topic | None = None
    mentioned: dict[str, tuple[str, ...]] = {}
    human_offer: Literal["none", "due", "made"] = "none"
    page: Page | None = None
    misses: int = 0
    next_task: int = 1
    turns: int = 0
    signal: str | None = None
    queue_noticed_at: dt.datetime | None = None
    mood: Mood = "calm"
    mood_age: int = 0
    said: tuple[str, ...] = ()
    requested: int | None = None

    @property
    def in_hand(self) -> Task | None:
        """The unfinished task that the next message most likely answers."""
        return self.tasks[-1] if self.tasks else None

    def gone_to(self, page: Page) -> Session:
        """The conversation where the customer went on to *page*: what it shows goes before what was mentioned until then."""
        if page == self.page:
            return self
        mentioned = {slot: values for slot, values in self.mentioned.items() if slot not in page.hints()}
        return self.model_copy(update={"page": page, "mentioned": mentioned})

    def context(self, today: dt.date) -> Context:
        """What understanding may know about this conversation."""
        task = self.in_hand
        return Context(
            today=today,
            language=self.language if self.turns else None,
            awaiting=task.awaiting if task else None,
            capability=task.capability if task else (self.last.capability if self.last else None),
        )
