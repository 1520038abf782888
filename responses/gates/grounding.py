"""A text without placeholders, read back to the facts that it states: what a human wrote, or a finished reply."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from backends.result import Fact
from backends.values import BEIJING, Amount, Figure, Money, Period, Value, find_figures, same_value
from responses.draft import Draft, Filled, Span
from responses.gates.bare import Bare, bare, marked
from responses.gates.labels import check_labels
from responses.gates.neighbours import FIGURES
from responses.gates.refusal import Refusal
from responses.gates.wording import harmless_spans

_BLANK = "\ufffc"
_SHORTEST = 2
"""Characters of the shortest text that is looked for: a single one is found everywhere."""
_PARTIAL = re.compile(r"--(?P<month>[0-9]{2})(?:-(?P<day>[0-9]{2}))?|---(?P<alone>[0-9]{2})")


@dataclass(frozen=True, slots=True)
class Grounded:
    """``draft`` is the text with a mark for each fact that it states, ``source`` says what the marks stand for.

    ``ungrounded`` are the figures that no fact vouches for.
    """

    draft: Bare
    source: Draft
    ungrounded: tuple[Refusal, ...]


@dataclass(frozen=True, slots=True)
class _Stated:
    """``text[start:end]`` states one of *facts*: which one, the words around it tell."""

    start: int
    end: int
    facts: tuple[Fact, ...]


def ground(text: str, facts: Sequence[Fact], families: Mapping[str, Mapping[str, list[str]]]) -> Grounded:
    """Where *text* states which of *facts*, in either language and in the words of people: 12月3日 for a date of this year.

    Where several facts have the value of a figure, it is the one whose label (*families* of ``placeholders.yml``) fits.
    """
    figures = find_figures(text)
    named = list(_named(text, facts, figures))
    rest = text
    for each in named:
        rest = rest[: each.start] + _BLANK * (each.end - each.start) + rest[each.end :]
    harmless = harmless_spans(bare(rest))
    stated, ungrounded = named, []
    for figure in find_figures(rest):
        vouching = tuple(fact for fact in facts if fact.kind in FIGURES and _vouches(figure.value, fact.typed()))
        if vouching:
            stated.append(_Stated(figure.start, figure.end, vouching))
        elif not any(start <= figure.start and figure.end <= end for start, end in harmless):
            ungrounded.append(Refusal("figure_ungrounded", figure.start, figure.end, figure.text))
    draft, source = _marked(text, _labelled(text, sorted(stated, key=lambda each: each.start), families))
    return Grounded(draft, source, tuple(ungrounded))


def _named(text: str, facts: Sequence[Fact], figures: Sequence[Figure]) -> Iterator[_Stated]:
    """Texts, names, codes and words of facts, the longest first; not where they are but a part of a longer figure."""
    said: dict[str, dict[Fact, None]] = {}
    for fact in facts:
        if fact.kind in FIGURES or fact.kind == "passage":
            continue
        for written in (fact.spoken("zh"), fact.spoken("en"), fact.value):
            if len(written) >= _SHORTEST:
                said.setdefault(written.lower(), {})[fact] = None
    lowered, taken = text.lower(), bytearray(len(text))
    if len(lowered) != len(text):
        lowered = text
    for written in sorted(said, key=len, reverse=True):
        start = lowered.find(written)
        while start >= 0:
            end = start + len(written)
            cut = any(
                figure.start < end and start < figure.end and (figure.start < start or end < figure.end)
                for figure in figures
            )
            if not cut and not any(taken[start:end]) and _whole(lowered, start, end):
                taken[start:end] = b"\1" * (end - start)
                yield _Stated(start, end, tuple(said[written]))
            start = lowered.find(written, end)


def _whole(text: str, start: int, end: int) -> bool:
    """Whether neither end cuts a word or a number of Latin letters and digits."""
    before, after = text[start - 1 : start], text[end : end + 1]
    return not (_latin(text[start]) and _latin(before)) and not (_latin(text[end - 1]) and _latin(after))


def _latin(char: str) -> bool:
    return char.isascii() and char.isalnum()


def _vouches(said: Value, known: Value) -> bool:
    """Whether somebody who says *said* states *known*: people leave out the year, the unit, the time of day."""
    if same_value(said, known):
        return True
    if isinstance(said, Amount) and said.currency is None:
        return isinstance(known, Money | Amount) and known.number == said.number
    days = _days(known)
    if isinstance(said, str):
        partial = _PARTIAL.fullmatch(said)
        return partial is not None and any(_falls_on(partial, day) for day in days)
    if isinstance(known, dt.datetime) and isinstance(said, dt.time):
        return known.astimezone(BEIJING).time().replace(second=0, microsecond=0) == said
    return isinstance(said, dt.date) and not isinstance(said, dt.datetime) and said in days


def _days(value: Value) -> tuple[dt.date, ...]:
    match value:
        case dt.datetime():
            return (value.astimezone(BEIJING).date(),)
        case dt.date():
            return (value,)
        case Period(start, end):
            return (start, end)
    return ()


def _falls_on(partial: re.Match[str], day: dt.date) -> bool:
    if partial["alone"]:
        return int(partial["alone"]) == day.day
    return int(partial["month"]) == day.month and partial["day"] in (None, f"{day.day:02}")


def _labelled(
    text: str, stated: list[_Stated], families: Mapping[str, Mapping[str, list[str]]]
) -> list[tuple[_Stated, Fact]]:
    """Each place with the fact it states: of several the first whose label is not another's."""
    chosen = [(each, each.facts[0]) for each in stated]
    for place, (each, _) in enumerate(chosen):
        names = dict.fromkeys(fact.name for fact in each.facts)
        if len(names) < 2:
            continue

        def wrong(fact: Fact, place: int = place, each: _Stated = each) -> int:
            draft, _ = _marked(text, [*chosen[:place], (each, fact), *chosen[place + 1 :]])
            return len(check_labels(draft, families))

        first = {name: next(fact for fact in each.facts if fact.name == name) for name in names}
        chosen[place] = (each, min(first.values(), key=wrong))
    return chosen


def _marked(text: str, chosen: Sequence[tuple[_Stated, Fact]]) -> tuple[Bare, Draft]:
    fillers: dict[str, Filled] = {}
    places = []
    for each, fact in chosen:
        written = text[each.start : each.end]
        token, number = fact.name, 1
        while fillers.get(token, filler := Filled(written, (Span(0, len(written), fact),))) != filler:
            number += 1
            token = f"{fact.name}_{number}"
        fillers[token] = filler
        places.append((each.start, each.end, token))
    return marked(text, places), Draft("", fillers)
