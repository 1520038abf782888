"""What a rep is warned of before their own words leave: promises, wrong figures, what a bank may not say."""

from __future__ import annotations

from collections.abc import Sequence

from backends.result import Fact, Result
from bot.message import Frozen
from responses.reply import Language
from responses.verify import check_rep_text


class Warned(Frozen):
    """``text[start:end]`` (code points) breaks *rule*."""

    rule: str
    start: int
    end: int
    span: str


def check(text: str, facts: Sequence[Fact], results: Sequence[Result], language: Language) -> list[Warned]:
    """What to warn of in *text*, with the *facts* at hand and what was done (*results*); empty where nothing is."""
    return [
        Warned(rule=found.rule, start=found.start, end=found.end, span=found.span)
        for found in check_rep_text(text, facts, language, results=results)
    ]


def pieces(text: str, warned: Sequence[Warned]) -> tuple[tuple[str, str], ...]:
    """*text* in pieces, each with the rule that it breaks, or none."""
    made, last = [], 0
    for one in sorted(warned, key=lambda each: each.start):
        if not last <= one.start < one.end <= len(text):
            continue
        if one.start > last:
            made.append((text[last : one.start], ""))
        made.append((text[one.start : one.end], one.rule))
        last = one.end
    if last < len(text):
        made.append((text[last:], ""))
    return tuple(made)
