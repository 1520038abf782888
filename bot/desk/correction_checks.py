"""What a reviewer must know of a correction: what in it could be somebody's, and what says nearly the same already."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Literal

from backends.values import find_figures
from bot.hiding import personal
from bot.message import Frozen
from intents.capability import catalog
from intents.nearness import Nearness
from intents.tagging import Spans
from responses.mask import HIDDEN

NUMERIC = frozenset({"amount", "term", "date", "period"})
"""Slots whose words are numbers of many digits without being anybody's: 换1000000日元."""
NAME = re.compile(r"\{[a-z_0-9]+\}")
"""A fact in a reply, by its name."""


class Problem(Frozen):
    """What must be taken out of the text, or of the reply (*where*), at ``start:end`` (code points): personal data of that
    *kind* (``PHONE``, ``CARD`` …), a secret that was hidden (``HIDDEN``), in a reply a ``FIGURE`` that no fact says."""

    where: Literal["text", "reply"] = "text"
    start: int
    end: int
    kind: str


class Near(Frozen):
    """What says nearly the same: its intent, how like it is (0 to 1), and whether it *agrees* on what that means.

    ``correction_id`` is that of a correction; the catalogue's own examples have none.
    """

    text: str
    intent: str
    likeness: float
    agrees: bool
    correction_id: str | None = None


def problems_of_text(text: str, spans: Spans, original: str) -> list[Problem]:
    """What of *text* may not become an example.

    Personal data is a problem where it stands in *original*, which the customer wrote. An invented number in its place
    (13800001234) is none: a slot must be shown with some words.
    """
    found = [Problem(start=at, end=at + len(HIDDEN), kind="HIDDEN") for at in _places(text, HIDDEN)]
    numbers = [(start, end) for start, end, slot in spans if slot in NUMERIC]
    for each in personal(text):
        in_a_slot = each.kind == "NUMBER" and any(start <= each.start and each.end <= end for start, end in numbers)
        if not in_a_slot and _bare(text[each.start : each.end]) in _bare(original):
            found.append(Problem(start=each.start, end=each.end, kind=each.kind))
    return sorted(found, key=lambda problem: problem.start)


def problems_of_reply(told: str) -> list[Problem]:
    """What of a reply, its facts in braces, may not be learnt: figures that are no fact of the turn, and personal data."""
    bare = NAME.sub(lambda match: "□" * len(match[0]), told)
    figures = [Problem(where="reply", start=each.start, end=each.end, kind="FIGURE") for each in find_figures(bare)]
    somebodys = [
        Problem(where="reply", start=each.start, end=each.end, kind=each.kind)
        for each in personal(bare)
        if not any(each.start < figure.end and figure.start < each.end for figure in figures)
    ]
    return sorted([*figures, *somebodys], key=lambda problem: problem.start)


def braced(text: str, evidence: Sequence[tuple[str, str]]) -> str:
    """*text* with the words of facts as ``{name}``; *evidence* are a reply's words and the name of the fact they say.

    Words that several facts say stand for them in their order, and further ones for the last. What is in braces already
    stays.
    """
    names: dict[str, list[str]] = defaultdict(list)
    for words, name in evidence:
        names[words].append(name)
    known = [re.escape(words) for words in sorted(names, key=len, reverse=True) if words]
    pattern = re.compile("|".join([NAME.pattern, *known]))

    def name_of(match: re.Match[str]) -> str:
        left = names.get(match[0])
        if left is None:
            return match[0]
        return f"{{{left.pop(0) if len(left) > 1 else left[0]}}}"

    return pattern.sub(name_of, text)


def near_examples(text: str, intent: str) -> list[Near]:
    """The catalogue's examples that are nearly *text*."""
    return [
        Near(text=example, intent=name, likeness=round(close, 4), agrees=name == intent)
        for (name, example), close in _examples().near(text)
    ]


@cache
def _examples() -> Nearness[tuple[str, str]]:
    return Nearness(
        (example.text, (name, example.text))
        for name, capability in catalog().items()
        for example in capability.parsed_examples()
    )


def _places(text: str, part: str) -> Iterator[int]:
    at = text.find(part)
    while at >= 0:
        yield at
        at = text.find(part, at + len(part))


def _bare(text: str) -> str:
    """Letters and digits only: a number is the same one with other spaces between its digits."""
    return "".join(filter(str.isalnum, text)).casefold()
