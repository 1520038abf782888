"""Whether a message is written in anger or in haste: plain words, kept as data and measured against the catalogue."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import yaml

WORDS = Path(__file__).with_name("moods.yml")
SHOUTING = re.compile(r"[!！]{3,}|[?？]{4,}|😡|🤬|👿")
"""Marks that nobody sets by accident."""


def is_pressed(text: str) -> bool:
    """Whether *text* says that its writer is upset, or in real haste."""
    return bool(SHOUTING.search(text) or _pattern().search(text))


@cache
def _pattern() -> re.Pattern[str]:
    moods: dict[str, dict[str, list[str]]] = yaml.safe_load(WORDS.read_text("utf-8"))
    words = [word for mood in moods.values() for listed in mood.values() for word in listed]
    parts = [rf"(?<![a-z]){re.escape(word)}(?![a-z])" if word.isascii() else re.escape(word) for word in words]
    return re.compile("|".join(parts), re.IGNORECASE)
