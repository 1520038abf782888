"""Gate 1 on labels: a figure whose nearest label is another fact's: 最低还款额⟦remaining_due⟧, 卖出价⟦spot_buy⟧."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache

from responses.gates.bare import MARK, Bare
from responses.gates.lexicon import Lexicon
from responses.gates.refusal import Refusal
from responses.gates.wording import HARMLESS

_CLAUSE_END = re.compile(rf"[。！？；，、!?;,\n{MARK}]|\.(?=\s)")
_NUMBERED = re.compile(r"_\d+$")
_RANGE = re.compile(r"\s*(?:到|至|-|~|to|and)\s*")
"""Between two figures: what follows them is the label of both."""
_ANOTHER = re.compile(r"\b(?:of|from|against)\b")
"""What follows these behind a figure is the label of what it is a part of: ⟦available⟧ of your credit limit."""


@dataclass(frozen=True, slots=True)
class _Family:
    """Facts that are easily confused, the lexicon of their labels, and whose each label is."""

    facts: frozenset[str]
    lexicon: Lexicon
    owners: Mapping[str, frozenset[str]]


@cache
def _family(labels: tuple[tuple[str, tuple[str, ...]], ...]) -> _Family:
    words = {word for _, group in labels for word in group}
    return _Family(
        facts=frozenset(name for name, _ in labels),
        lexicon=Lexicon({word: [word] for word in words}),
        owners={
            word: frozenset(name for name, group in labels if word in group and name != HARMLESS) for word in words
        },
    )


def check_labels(draft: Bare, families: Mapping[str, Mapping[str, list[str]]]) -> list[Refusal]:
    """Every figure of *draft* that stands beside the label of another fact of its family, and of none of its own."""
    return [
        refusal
        for family in _of(draft, families)
        for place, token in draft.tokens.items()
        if _NUMBERED.sub("", token) in family.facts
        for refusal in _mislabelled(draft, place, family)
    ]


def own_labels(draft: Bare, families: Mapping[str, Mapping[str, list[str]]]) -> dict[int, set[str]]:
    """The places of figures whose nearest label is their own, each with the facts that its family could confuse it with."""
    found: dict[int, set[str]] = {}
    for family in _of(draft, families):
        for place, token in draft.tokens.items():
            name = _NUMBERED.sub("", token)
            if name in family.facts and _owned(draft, place, name, family):
                found.setdefault(place, set()).update(family.facts)
    return found


def _of(draft: Bare, families: Mapping[str, Mapping[str, list[str]]]) -> list[_Family]:
    """The families that the figures of *draft* belong to."""
    names = {_NUMBERED.sub("", token) for token in draft.tokens.values()}
    return [
        _family(tuple((name, tuple(words)) for name, words in labels.items()))
        for labels in families.values()
        if not names.isdisjoint(labels)
    ]


def _owned(draft: Bare, place: int, name: str, family: _Family) -> bool:
    for begin, stop in _stretches(draft.text, place):
        hits = [hit for hit in family.lexicon.hits(draft.text[begin:stop]) if family.owners[hit.label]]
        if hits:
            return all(name in family.owners[hit.label] for hit in hits)
    return False


def _mislabelled(draft: Bare, place: int, family: _Family) -> Iterator[Refusal]:
    """The nearest label is the last before the figure within its clause, else what follows it there."""
    name = _NUMBERED.sub("", draft.tokens[place])
    for begin, stop in _stretches(draft.text, place):
        behind = _NUMBERED.sub("", draft.tokens.get(begin - 1, ""))
        hits = [
            hit
            for hit in family.lexicon.hits(draft.text[begin:stop])
            if family.owners[hit.label] and (begin > place or behind not in family.owners[hit.label])
        ]
        if not hits:
            continue
        if not any(name in family.owners[hit.label] for hit in hits):
            yield draft.refusal("label", begin + hits[-1].start, begin + hits[-1].end)
        return


def _stretches(text: str, place: int) -> Iterator[tuple[int, int]]:
    start = max((match.end() for match in _CLAUSE_END.finditer(text, 0, place)), default=0)
    yield start, place
    finish = _CLAUSE_END.search(text, place + 1)
    second_of_range = text[start - 1 : start] == MARK and _RANGE.fullmatch(text, start, place)
    if second_of_range or (finish and finish[0] == MARK):
        return
    end = finish.start() if finish else len(text)
    another = _ANOTHER.search(text, place + 1, end)
    yield place + 1, another.start() if another else end
