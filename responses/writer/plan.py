"""What the writer is told: what happened, which facts to state, to whom, in which mood, and what the customer said."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from responses.reply import Language
from responses.writer.pairs import Pair
from responses.writer.tokens import FACTS, SAY, START, Vocabulary, base_name

Mood = Literal["calm", "anxious", "angry", "hurried", "cheerful", "puzzled"]
Tone = Literal["warm", "brief", "formal", "elder"]
Style = Literal["written", "template"]

LONGEST_SAID = 48
"""Tokens of the customer's words that are read."""


@dataclass(frozen=True, slots=True)
class Plan:
    """One reply to be. ``given`` names its placeholders, each as often as it must be said; ``card_tail_2`` is a second
    ``card_tail``. ``customer`` holds no personal data and no figures."""

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

    def encode(self, vocabulary: Vocabulary) -> list[int]:
        """Its ids, up to and with the mark behind which the reply begins; ``KeyError`` for a fact without a token."""
        return [*self._read(vocabulary)]

    def _read(self, vocabulary: Vocabulary) -> Iterator[int]:
        marks = vocabulary.marks
        yield marks[START]
        for mark in (self.style, self.lang, self.mood, self.tone, self.channel):
            yield marks[f"<{mark}>"]
        yield from words(vocabulary, (self.capability, self.outcome))
        yield marks[FACTS]
        for name in sorted(map(base_name, self.given)):
            yield vocabulary.facts[name]
            yield from words(vocabulary, (name,))
        yield marks[SAY]
        yield from vocabulary.encode_masked(self.customer)[:LONGEST_SAID]
        yield marks[SAY]


def words(vocabulary: Vocabulary, names: Sequence[str]) -> list[int]:
    """The ids of names as words: what is told of one capability or fact is told of those that share its words."""
    return vocabulary.encode("".join(f" {word}" for name in names for word in name.split("_")))
