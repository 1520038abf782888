"""Gate 1 on the prompt: a reply must not repeat the instructions it was made with."""

from __future__ import annotations

import re

from responses.draft import Draft
from responses.gates.bare import Bare, bare
from responses.gates.refusal import Refusal

_NOISE = re.compile(r"[\W_]+")
CHINESE_RUN, LATIN_RUN = 10, 32
"""Letters in a row that are the instructions' own: shorter runs are common phrases."""


def check_leak(draft: Bare, source: Draft, instructions: str) -> list[Refusal]:
    """The first run of *draft* that is the instructions' and not the template's."""
    asked, known = _letters(instructions), _letters(bare(source.text).text)
    said = _letters(draft.text)
    for start in range(len(said)):
        length = CHINESE_RUN if not said[start].isascii() else LATIN_RUN
        run = said[start : start + length]
        if len(run) == length and run in asked and run not in known:
            return [Refusal("leak", 0, len(draft.raw), run)]
    return []


def _letters(text: str) -> str:
    return _NOISE.sub("", text.lower())
