"""Gate 1 beside a figure: words that touch it and change what it says, 约⟦x⟧, ⟦x⟧万, ⟦x⟧天, 第⟦x⟧."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from backends.result import Fact, Kind
from responses.draft import Draft
from responses.gates.bare import MARK, Bare, bare
from responses.gates.refusal import Refusal
from responses.gates.wording import fact_of

FIGURES: frozenset[Kind] = frozenset(
    ["money", "rate", "percent", "points", "count", "term", "period", "date", "datetime", "time"]
)
NAMES: frozenset[Kind] = frozenset(["name", "text"])
DAYS: frozenset[Kind] = frozenset(["date", "datetime"])
_CLAUSE = re.compile(rf"[。！？；，,!?;\n{MARK}]|\.(?=\s)")
# Between two figures that are compared nothing else may be named.
_LINK = re.compile(
    rf"{MARK}[，,、]? ?(?:(?:已经?|就|也|都|还|明显|略微?|稍微?|是|确实|which|that|and|is|'s|are|was|a bit|a little|slightly|well|just|already|still) ?)*$"
)
_THAN = re.compile(rf"{MARK}[，,]? ?比[^，。！？；,!?;\n{MARK}]{{0,12}}$")
_DENIED = re.compile(r"(?:[不别勿]|[不别][要能得可会]|没有?|\b(?:no|not|not be|not go|n't be|n't go)) ?$")
_DIFFERENCE = re.compile(r"[了出](?![0-9])|一些|一点|不少")


@dataclass(frozen=True, slots=True)
class _Touch:
    """The *word* ``text[start:end]`` touches the figure at *place* and breaks *rule*."""

    rule: str
    place: int
    start: int
    end: int
    word: str


def check_neighbours(draft: Bare, source: Draft, data: Mapping[str, Any]) -> list[Refusal]:
    """Every word that changes the figure it touches, unless the source has it there too or it compares two facts truly.

    *data* are the lists of ``placeholders.yml``.
    """
    found = list(_touching(draft, source, data))
    if not found:
        return []
    template = bare(source.text)
    allowed = {(touch.rule, template.tokens[touch.place], touch.word) for touch in _touching(template, source, data)}
    return [
        draft.refusal(touch.rule, touch.start, touch.end)
        for touch in found
        if (touch.rule, draft.tokens[touch.place], touch.word) not in allowed
        and not (touch.rule == "approximation" and _relates(draft, source, touch, data["comparable"]))
        and not (touch.rule == "name" and touch.start < touch.place and _speaks_of(touch.word, template.text, data))
    ]


def _speaks_of(word: str, template: str, data: Mapping[str, Any]) -> bool:
    """Whether the template has the word as one of its own: a new card is a new ⟦card_name⟧ too."""
    if word.isascii():
        return word in data["namesakes"]["kinds"] and re.search(rf"\b{word}\b", template) is not None
    ends = "".join(f"(?<!{end})" for end in data["compounds"].get(word, ()))
    return word in data["namesakes"]["kinds"] and re.search(ends + word, template) is not None


def _touching(text: Bare, source: Draft, data: Mapping[str, Any]) -> Iterator[_Touch]:
    for place, token in text.tokens.items():
        fact = fact_of(token, source)
        if fact is not None and fact.kind in NAMES:
            yield from _renaming(text, place, data)
        if fact is None or fact.kind not in FIGURES:
            continue
        vague = {*(data["vague"] if fact.name in data["estimates"] else ()), *_natural(fact.name, data)}
        before = text.text[:place].rstrip(" ")
        times = data["times_of_day"] if fact.kind in DAYS else ()
        for word in (*data["approximations"]["before"], *times):
            if word not in vague and before.endswith(word) and not _harmless_before(text, place, word, fact, data):
                yield _Touch("approximation", place, len(before) - len(word), len(before), word)
        after = text.text[place + 1 :].lstrip(" ")
        start = len(text.text) - len(after)
        if any(after.startswith(word) for word in data["measure_harmless"]):
            continue
        for rule, words in (("approximation", data["approximations"]["after"]), ("unit", data["measures"])):
            for word in words:
                if (
                    word not in vague
                    and after.startswith(word)
                    and not (word[-1].isascii() and after[len(word) : len(word) + 1].isalnum())
                ):
                    yield _Touch(rule, place, start, start + len(word), word)


def _natural(name: str, data: Mapping[str, Any]) -> Iterator[str]:
    for group in data["by_nature"]:
        if name in group["facts"]:
            yield from group["words"]


def _renaming(text: Bare, place: int, data: Mapping[str, Any]) -> Iterator[_Touch]:
    """新⟦card_name⟧, ⟦branch_name⟧二店, ⟦product_name⟧ Plus: what touches a name and makes it another."""
    words = data["namesakes"]
    before, after = text.text[:place].rstrip(" "), text.text[place + 1 :]
    for word in words["before"]:
        if not before.endswith(word):
            continue
        rest = before[: -len(word)]
        latin = word[0].isascii()
        if not (rest[-1:].isalnum() if latin else rest.endswith(tuple(data["compounds"].get(word, ())))):
            yield _Touch("name", place, len(before) - len(word), len(before), word)
    found = re.match(
        rf" ?[a-z0-9一二两三四五六七八九十]?(?P<word>{'|'.join(map(re.escape, words['after']))})(?![a-z])", after
    )
    if found is not None:
        yield _Touch("name", place, place + 1 + found.start("word"), place + 1 + found.end("word"), found["word"])


def _harmless_before(text: Bare, place: int, word: str, fact: Fact, data: Mapping[str, Any]) -> bool:
    """上 of 加上, 不到 of 查不到, 近 of 最近, a dash and no minus, over the past year, the 第 of a place in a queue."""
    before = text.text[:place].rstrip(" ")
    rest = before[: -len(word)]
    if word in "-~" and rest.rstrip(" ").endswith(MARK):
        return True  # a range: ⟦hours_from⟧-⟦hours_to⟧
    if word == "-":
        return _is_dash(text, place, before)
    if word == "不到":
        return rest.endswith(("查", "找", "搜", "看"))
    if word == "第":
        return fact.name in data["places"]
    if fact.kind == "period" and word in ("over", "about"):
        return True
    if word[0].isascii():
        return rest[-1:].isalnum() if word[0].isalnum() else rest.endswith(word[0])
    return rest.endswith(tuple(data["compounds"].get(word, ())))


def _is_dash(text: Bare, place: int, before: str) -> bool:
    """Whether what ends *before* joins two parts of a sentence, as in ``⟦due_date⟧ - ⟦days_left⟧``, and is no minus."""
    ahead = before[:-1].rstrip(" ")[-1:]
    joins = ahead.isalnum() or ahead in (MARK, ")", "-")
    spaced = len(before) < place
    return joins and (spaced or text.raw[text.starts[len(before) - 1]] in "—―")


def _relates(text: Bare, source: Draft, touch: _Touch, comparable: Mapping[str, list[str]]) -> bool:
    """Whether the word leaves the figure as it is: it says of a limit that it is one, or compares it truly."""
    fact = fact_of(text.tokens[touch.place], source)
    if fact is None:
        return False
    return _bounds(text, fact, touch, comparable) or _compares_truly(text, source, fact, touch, comparable)


def _bounds(text: Bare, fact: Fact, touch: _Touch, comparable: Mapping[str, list[str]]) -> bool:
    """不超过⟦purchase_left⟧, no less than ⟦min_amount⟧, 低于⟦purchase_left⟧的金额: of a sum to choose, not of what is had."""
    subject, rest = _clause(text.text, touch)
    least = fact.name in comparable["at_least"]
    most = fact.name in comparable["at_most"] and not _has(subject, comparable)
    chosen = most and any(noun in subject + rest for noun in comparable["nouns_of_choosing"])
    if touch.start > touch.place:
        return (least and touch.word in ("以上", "or more")) or (chosen and touch.word in ("以下", "or less"))
    if _DENIED.search(text.text, 0, touch.start):
        return (most and touch.word in comparable["more"]) or (least and touch.word in comparable["less"])
    return chosen and touch.word in comparable["less"]


def _compares_truly(text: Bare, source: Draft, fact: Fact, touch: _Touch, comparable: Mapping[str, list[str]]) -> bool:
    """Whether the word sets the figure against another fact of its kind and unit, and arithmetic agrees.

    ⟦amount_usd⟧，超出⟦purchase_left⟧ names both. 余额不足⟦cost⟧ and 这笔超出⟦purchase_left⟧ name one of them: what a
    customer has is less than what they need, or the other way round, by some fact of the source.
    """
    more = touch.word in comparable["more"]
    if fact.kind not in ("money", "count"):
        return False
    if touch.start > touch.place:
        linked = _THAN.search(text.text, 0, touch.place)
        if touch.word != "多" or linked is None or not _DIFFERENCE.match(text.text, touch.end):
            return False
        return _exceeds(fact_of(text.tokens[linked.start()], source), fact)
    if not more and touch.word not in comparable["less"]:
        return False
    linked = _LINK.search(text.text, 0, touch.start)
    if linked is not None:
        other = fact_of(text.tokens[linked.start()], source)
        return _exceeds(other, fact) if more else _exceeds(fact, other)
    subject, rest = _clause(text.text, touch)
    of_what_is_had = _has(subject if more else subject + rest, comparable)
    others = [each for token in source.fillers if (each := fact_of(token, source)) is not None]
    if more:
        needed = [each for each in others if each.name in comparable["need"]]
        return fact.name in comparable["have"] and not of_what_is_had and any(_exceeds(each, fact) for each in needed)
    had = [each for each in others if each.name in comparable["have"]]
    return fact.name in comparable["need"] and of_what_is_had and any(_exceeds(fact, each) for each in had)


def _exceeds(one: Fact | None, other: Fact | None) -> bool:
    if one is None or other is None or (one.kind, one.unit) != (other.kind, other.unit):
        return False
    return Decimal(one.value) > Decimal(other.value)


def _clause(text: str, touch: _Touch) -> tuple[str, str]:
    """The clause of the word: up to it, and behind the figure."""
    opened = max((mark.end() for mark in _CLAUSE.finditer(text, 0, touch.start)), default=0)
    closed = _CLAUSE.search(text, touch.place + 1)
    return text[opened : touch.start], text[touch.place + 1 : closed.start() if closed else len(text)]


def _has(subject: str, comparable: Mapping[str, list[str]]) -> bool:
    return any(noun in subject for noun in comparable["nouns_of_having"])
