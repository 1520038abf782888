"""Replies that people wrote, said again where one fits: the same outcome, exactly the facts at hand, a mood it was meant for.

No word of it is made up, so it is as fluent as its author. A reply that takes up what its own customer had said (the
landlord, the wedding) is said only to who said it too. What no pair fits is left to whoever is asked next.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from responses.persona import persona
from responses.phrases import keys_of
from responses.writer.pairs import Pair
from responses.writer.plan import Plan, base_name, placed

_NAME = re.compile(r"\{[a-z][a-z0-9_]*\}")
_SAME_TONE, _SAME_MOOD, _SAME_ROOM = 2.0, 2.0, 0.5
_MET = 2.5
"""What a reply to an angry or anxious customer that meets the mood counts for beside; and to a formal one in a formal tone."""
_TO_BE_MET = frozenset({"angry", "anxious"})
_ALIKE = 6.0
"""What the customer's words being the same would count for."""
_TO_ANYONE = frozenset({"calm", "hurried", "puzzled"})
"""Moods whose replies hurt nobody in another: no comfort, no apology, no congratulation."""
_IN_ITS_PLACE = {
    "warm": ("warm", "elder", "formal"),
    "formal": ("formal", "warm"),
    "brief": ("brief", "warm", "formal"),
    "elder": ("elder", "warm"),
}
"""The tones in which a reply may be said to who is spoken to in each."""
_COMMON = 0.004
"""Share of all replies from which a word is nobody's in particular."""
_UNIT = re.compile(r"[A-Za-z']{3,}|[^\W\da-zA-Z_](?=([^\W\da-zA-Z_]))")


@dataclass(frozen=True, slots=True)
class _Line:
    pair: Pair
    heard: frozenset[str]
    """What the customer had said."""
    taken_up: frozenset[str]
    """What of it the reply takes up."""


class Recital:
    """The written pairs by what they can be said for."""

    def __init__(self, pairs: Sequence[Pair]) -> None:
        self._lines: dict[tuple[object, ...], list[_Line]] = {}
        replies = [_words(_NAME.sub(" ", pair.reply)) for pair in pairs]
        often = Counter(word for words in replies for word in words)
        common = {word for word, count in often.items() if count > _COMMON * len(pairs)}
        for pair, words in zip(pairs, replies, strict=True):
            heard = _words(pair.customer)
            key = (pair.capability, pair.outcome, pair.lang, tuple(sorted(pair.given)))
            self._lines.setdefault(key, []).append(_Line(pair, heard, (words & heard) - common))

    def fitting(self, plan: Plan, seed: int, said: Collection[str] = ()) -> list[str]:
        """Replies to *plan* with ``⟦names⟧``, in the order in which to try them: drawn by *seed*, the likelier the more of
        mood, tone, channel and the customer's words they share; before those of which the conversation has heard phrases
        (*said*, as ``responses.phrases`` keeps them)."""
        key = (plan.capability, plan.outcome, plan.lang, tuple(sorted(map(base_name, plan.given))))
        words = _words(plan.customer)
        chance = random.Random(seed)  # noqa: S311 - a wording, not a secret
        drawn = [
            # Exponential keys order a weighted draw without repetition (Efraimidis & Spirakis 2006).
            (chance.random() ** (1 / 2.0 ** _score(line, plan, words)), line.pair.reply)
            for line in self._lines.get(key, ())
            if line.taken_up <= words and _may_be_said(line.pair, plan)
        ]
        replies = [placed(reply, plan.given) for _, reply in sorted(drawn, reverse=True)]
        return sorted(replies, key=lambda reply: sum(phrase in said for phrase in keys_of(reply)))


def _may_be_said(pair: Pair, plan: Plan) -> bool:
    if plan.tone == "formal" and persona().is_informal(pair.reply, plan.lang):
        return False
    return pair.tone in _IN_ITS_PLACE[plan.tone] and (pair.mood == plan.mood or pair.mood in _TO_ANYONE)


def _score(line: _Line, plan: Plan, words: frozenset[str]) -> float:
    pair = line.pair
    alike = len(words & line.heard) / len(words | line.heard) if words and line.heard else 0.0
    return (
        (_SAME_TONE + _MET * (plan.tone == "formal")) * (pair.tone == plan.tone)
        + (_SAME_MOOD + _MET * (plan.mood in _TO_BE_MET)) * (pair.mood == plan.mood)
        + _SAME_ROOM * (pair.channel == plan.channel)
        + _ALIKE * alike
    )


def _words(text: str) -> frozenset[str]:
    """The Latin words of *text* and its pairs of neighbouring Han characters."""
    return frozenset(match[0].lower() + (match[1] or "") for match in _UNIT.finditer(text))
