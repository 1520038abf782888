"""What a turn works with: the collaborators that ``create_app`` builds once and hands in."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from bot.profiles import Profiles

if TYPE_CHECKING:
    from backends.action import ActionRunner
    from backends.result import Result
    from bot.desk.tickets import Tickets
    from bot.otp import Challenges
    from bot.writes import Writes
    from intents.understanding import Context, Understanding
    from responses.audience import Audience
    from responses.reply import Reply

Clock = Callable[[], dt.datetime]
"""The time now, aware and in UTC. Tests stop it; nothing else in the product reads the wall clock for logic."""


def utc_now() -> dt.datetime:
    """The clock of a serving process."""
    return dt.datetime.now(dt.UTC)


class Understand(Protocol):
    """``intents.serve.Understander.understand``: pure computation of a few milliseconds, no I/O."""

    def __call__(self, text: str, context: Context, /) -> Understanding: ...


class Compose(Protocol):
    """``responses.compose.compose`` with its gateway already bound."""

    async def __call__(self, results: Sequence[Result], audience: Audience, /, *, now: dt.datetime) -> Reply: ...


@dataclass(frozen=True, slots=True)
class Parts:
    """The collaborators of ``handle_turn``. ``versions`` names what a replay needs: model release, prompts, templates.

    ``bank_patience`` is how many seconds a bank system has to answer.
    """

    understand: Understand
    actions: ActionRunner
    compose: Compose
    challenges: Challenges
    writes: Writes
    tickets: Tickets
    clock: Clock = utc_now
    versions: Mapping[str, str] = field(default_factory=dict)
    profiles: Profiles = field(default_factory=Profiles)
    bank_patience: float = 10.0
