"""What the writer is told: what happened, which facts to state, to whom, in which mood, and what the customer said."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from responses.reply import Language
from responses.writer.pairs import Pair

Mood = Literal["calm", "anxious", "angry", "hurried", "cheerful", "puzzled"]
Tone = Literal["warm", "brief", "formal", "elder"]
Style = Literal["written", "template"]

_NAME = re.compile(r"\{([a-z][a-z0-9_]*)\}")
_NUMBERED = re.compile(r"_\d+$")


def base_name(token: str) -> str:
    """The fact that a placeholder stands for: ``card_tail`` for ``card_tail_2``."""
    return _NUMBERED.sub("", token)


def placed(reply: str, given: Sequence[str]) -> str:
    """*reply* with its ``{names}`` as the ``⟦placeholders⟧`` that are *given*: those of one fact in their order."""
    waiting: dict[str, list[str]] = {}
    for token in given:
        waiting.setdefault(base_name(token), []).append(token)
    return _NAME.sub(lambda match: f"⟦{waiting[match[1]].pop(0) if waiting.get(match[1]) else match[1]}⟧", reply)


@dataclass(frozen=True, slots=True)
class Plan:
    """One reply to be. ``given`` names its placeholders, each as often as it must be said and in the order in which those
    of one fact must come (``card_tail`` before ``card_tail_2``). ``customer`` holds no personal data and no figures.
    ``style`` is whose wording the reply is like: that of people who wrote for their plan, or a template's."""

    capability: str
    outcome: str
    given: tuple[str, ...]
    lang: Language = "zh"
    mood: Mood = "calm"
    tone: Tone = "warm"
    channel: Literal["web", "wechat"] = "web"
    customer: str = ""
    style: Style = "written"

    @classmethod
    def of(cls, pair: Pair) -> Plan:
        """The plan that *pair* is a reply to."""
        return cls(
            pair.capability, pair.outcome, pair.given, pair.lang, pair.mood, pair.tone, pair.channel, pair.customer
        )

    @property
    def key(self) -> str:
        """What makes two plans one: everything but the customer's words and the order of the facts."""
        told = (self.capability, self.outcome, *sorted(self.given), self.lang, self.mood, self.tone, self.channel)
        return "|".join(told)
