"""The pairs a writer learns from: a plan (what happened, to whom, in which mood) and a reply with its facts in braces.

``written/*.jsonl`` holds one a line, with what the customer had said. ``written/recited/*.txt`` holds replies that fit every customer:

    # card_bill.no_card zh
    calm warm | 您名下还没有我行的信用卡，所以没有账单可查。
    angry brief | …

A line is mood, tone and reply, ``\\n`` in it a new line; its facts are those that it states.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from responses.reply import Language

FACT = re.compile(r"\{([a-z][a-z0-9_]*)\}")
_HEADING = re.compile(r"# (?P<capability>\w+)\.(?P<outcome>\w+) (?P<lang>zh|en)")
_SAID = re.compile(r"(?P<mood>\w+) (?P<tone>\w+) \| (?P<reply>.+)")
PAIRS = Path(__file__).with_name("written")


class Pair(BaseModel):
    """One reply by one author. ``given`` are the facts of the plan, each of which the reply states exactly once as ``{name}``
    (``{rows}`` stands for a list); ``customer`` is what was said before, personal data and figures masked as ``⟦KIND_1⟧``.
    One that is ``recited`` is said to customers as it is, chosen by an editor over the template; the others teach and vouch."""

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
    recited: bool = False


@cache
def pairs(folder: Path = PAIRS) -> tuple[Pair, ...]:
    """Every pair, file by file, those that fit every customer last; ``ValueError`` names the file and the line that cannot be read."""
    found: list[Pair] = []
    for path in sorted(folder.glob("*.jsonl")):
        found += _read(path, _with_customers)
    for path in sorted(folder.glob("recited/*.txt")):
        found += _read(path, _for_everybody)
    return tuple(found)


def _read(path: Path, how: Callable[[Iterator[str]], Iterator[Pair]]) -> Iterator[Pair]:
    number = 0

    def lines() -> Iterator[str]:
        nonlocal number
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):  # noqa: B007 - told of an error
            yield line

    try:
        yield from how(lines())
    except ValueError as error:
        raise ValueError(f"{path.name}, line {number}: {error}") from None


def _with_customers(lines: Iterator[str]) -> Iterator[Pair]:
    for line in lines:
        yield Pair.model_validate(json.loads(line))


def _for_everybody(lines: Iterator[str]) -> Iterator[Pair]:
    plan: dict[str, str] = {}
    for line in lines:
        if heading := _HEADING.fullmatch(line):
            plan = heading.groupdict()
        elif said := _SAID.fullmatch(line):
            reply = said["reply"].replace("\\n", "\n")
            told = {"channel": "web", "customer": "", "given": FACT.findall(reply), "reply": reply, "recited": True}
            yield Pair.model_validate({**plan, "mood": said["mood"], "tone": said["tone"], **told})
        elif line.strip():
            raise ValueError(f"neither a heading nor a reply: {line[:40]!r}")
