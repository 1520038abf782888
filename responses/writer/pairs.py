"""The pairs a writer learns from: a plan (what happened, to whom, in which mood) and a reply with its facts in braces."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from responses.reply import Language

PAIRS = Path(__file__).with_name("written")


class Pair(BaseModel):
    """One reply by one author. ``given`` are the facts of the plan, each of which the reply states exactly once as ``{name}``
    (``{rows}`` stands for a list); ``customer`` is what was said before, personal data and figures masked as ``⟦KIND_1⟧``."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    capability: str
    outcome: str
    lang: Language
    mood: Literal["calm", "anxious", "angry", "hurried", "cheerful", "puzzled"]
    tone: Literal["warm", "brief", "formal", "elder"]
    channel: Literal["web", "wechat"]
    customer: str
    given: tuple[str, ...]
    reply: str


@cache
def pairs(folder: Path = PAIRS) -> tuple[Pair, ...]:
    """Every pair, file by file; ``ValueError`` names the file and the line that cannot be read."""
    found = []
    for path in sorted(folder.glob("*.jsonl")):
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
            try:
                found.append(Pair.model_validate(json.loads(line)))
            except ValueError as error:
                raise ValueError(f"{path.name}, line {number}: {error}") from None
    return tuple(found)
