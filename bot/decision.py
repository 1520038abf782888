"""What the router can decide. ``Act``, ``StepUp`` and ``Handoff`` go out and come back; the rest is said."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from backends.action import ActionCall
from backends.result import Quote, Result


class _Decision(BaseModel):
    """``task`` is the id of the session's task it serves; ``why`` explains it in one line."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    task: int
    why: str


class Act(_Decision):
    """Ask a bank system."""

    kind: Literal["act"] = "act"
    call: ActionCall


class StepUp(_Decision):
    """Send a one-time code bound to the quote, or check the one that came back."""

    kind: Literal["step_up"] = "step_up"
    capability: str
    quote: Quote
    check: bool = False


class Handoff(_Decision):
    """Put the conversation into the queue for a human, or (``withdraw``) take it out again.

    ``about`` is the capability that the customer was at, where there is one.
    """

    kind: Literal["handoff"] = "handoff"
    reason: str
    priority: int = 0
    about: str | None = None
    withdraw: bool = False


class Ask(_Decision):
    """Ask the customer for a slot, or to choose one of their own objects."""

    kind: Literal["ask"] = "ask"
    slot: str
    say: Result


class Confirm(_Decision):
    """Read the backend's figures back and wait for a yes."""

    kind: Literal["confirm"] = "confirm"
    say: Result


class Clarify(_Decision):
    """Ask which of the close readings was meant."""

    kind: Literal["clarify"] = "clarify"
    options: tuple[str, ...]
    say: Result


class Answer(_Decision):
    """Say a result. ``closes`` ends the task; ``awaiting`` is what the next message may answer."""

    kind: Literal["answer"] = "answer"
    say: Result
    closes: bool = True
    awaiting: str | None = None


Effect = Act | StepUp | Handoff
Saying = Ask | Confirm | Clarify | Answer
Decision = Annotated[Act | StepUp | Handoff | Ask | Confirm | Clarify | Answer, Field(discriminator="kind")]


class Step(BaseModel):
    """An effect that was carried out in this turn, and what came back."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    decision: Effect
    result: Result
    at: dt.datetime
