"""What a message means, as the rest of the product sees it."""

from __future__ import annotations

import datetime as dt
from typing import Literal

from pydantic import BaseModel, ConfigDict

Act = Literal["ask", "do", "status"]
Language = Literal["zh", "en"]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class IntentScore(_Frozen):
    """An intent of the catalogue and the calibrated probability that it was meant, 0 to 1."""

    name: str
    confidence: float


class SlotValue(_Frozen):
    """A slot found in the text: ``text[start:end] == value``, offsets in code points of the raw text.

    ``normalized`` is canonical text: ``"500"`` or ``"500 USD"`` (amount), ``"USD"``, ``"2026-11-20"``,
    ``"2026-10-01/2026-10-31"`` (period), ``"P12M"`` or ``"12"`` instalments as ``"P12I"`` (term), ``"8888"``,
    an enum's value, or the text itself. ``None`` where the words could not be read.
    """

    slot: str
    start: int
    end: int
    value: str
    normalized: str | None = None


class Understanding(_Frozen):
    """One to two intents in the order of the message, the act, the slots. Out of scope is exactly ``[out_of_scope]``."""

    text: str
    language: Language
    in_scope: bool
    act: Act
    intents: tuple[IntentScore, ...]
    slots: tuple[SlotValue, ...] = ()
    ranking: tuple[IntentScore, ...] = ()
    """The best ten readings, best first, whatever the threshold said; what ``Clarify`` chooses from."""

    @property
    def top(self) -> str:
        """The name of the first intent."""
        return self.intents[0].name


class Context(_Frozen):
    """What understanding may know about the conversation: the day, and the slot or answer just asked for."""

    today: dt.date
    language: Language | None = None
    awaiting: str | None = None
    capability: str | None = None
