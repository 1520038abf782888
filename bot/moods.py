"""In which mood a message is written: plain words, kept as data; anger and haste are measured against the catalogue."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import yaml

from responses.audience import Mood

WORDS = Path(__file__).with_name("moods.yml")
SHOUTING = re.compile(r"[!！]{3,}|[?？]{4,}|😡|🤬|👿")
"""Marks that nobody sets by accident."""
LASTS = 2
"""Messages for which an anger or a fear outlives the one that told of it."""
_LASTING = ("angry", "anxious")
_BY_WORDS: tuple[tuple[str, Mood], ...] = (
    ("anger", "angry"), ("worry", "anxious"), ("urgency", "hurried"), ("puzzle", "puzzled"), ("pleasure", "cheerful"),
)  # fmt: skip
"""The first that is heard counts."""


def is_pressed(text: str) -> bool:
    """Whether *text* says that its writer is upset, or in real haste."""
    return bool(SHOUTING.search(text) or _pattern("anger").search(text) or _pattern("urgency").search(text))


def heard_in(text: str) -> Mood | None:
    """The mood that *text* tells of; ``None`` where it tells of none."""
    for words, mood in _BY_WORDS:
        if _pattern(words).search(text):
            return mood
    return "angry" if SHOUTING.search(text) else None


def felt(text: str, before: Mood, age: int) -> tuple[Mood, int]:
    """The mood after *text* where the conversation was in *before* for *age* messages, and for how many it has been now.

    A strong feeling is not over because the next message does not name it, and not new because it does.
    """
    mood = heard_in(text)
    if mood is None:
        lasts = before in _LASTING and age <= LASTS
        return (before, age + 1) if lasts else ("calm", 0)
    return (mood, age + 1) if mood == before and age else (mood, 1)


@cache
def _pattern(kind: str) -> re.Pattern[str]:
    moods: dict[str, dict[str, list[str]]] = yaml.safe_load(WORDS.read_text("utf-8"))
    words = [word for listed in moods[kind].values() for word in listed]
    parts = [rf"(?<![a-z]){re.escape(word)}(?![a-z])" if word.isascii() else re.escape(word) for word in words]
    return re.compile("|".join(parts), re.IGNORECASE)
