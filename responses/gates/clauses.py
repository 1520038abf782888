"""Gate 1 on clauses: what a clause of the template affirms, the same clause of a draft must not deny, turn into its opposite, or
say to be done already."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import yaml

from responses.draft import Draft
from responses.gates.bare import MARK, Bare, bare
from responses.gates.refusal import Refusal
from responses.reply import Language

FILE = Path(__file__).with_name("clauses.yml")
_END = re.compile(r"[，。！？；：,!?;:\n()~]|\.(?=\s|$)|--")
_NOT_ZH = re.compile(
    r"还?没有|还未|并未|尚未|不|没|未(?!来)|无(?!论)|非(?!常)|勿|别(?!的|家|处|人|国|行)|难以|充足|足够"
)
_LACKING = re.compile(r"不足|不够|无法")
_NOT_EN = re.compile(r"\bcannot\b|n't\b|\b(?:not|no|never|none|without|neither|nor|nothing|unable|hardly|need not)\b")
_WORD = re.compile(r"[a-z']+")
_FILLERS_EN = frozenset(["do", "does", "did", "a", "an", "the", "any", "of", "to", "yet", "so", "just", "please"])
_FILLERS_ZH = re.compile(r"可以|[的了吗呢呀哦啊吧着有]|还(?![款清])|已经?|请|您|我")
_NUMBERED = re.compile(r"_\d+$")
SAME = 0.6
"""Share of features that a clause of the draft and one of the template have in common to be about the same."""
FEWEST = 3
"""Features that a clause must have to be compared at all."""


@dataclass(frozen=True, slots=True)
class _Clause:
    start: int
    end: int
    features: frozenset[str]
    negations: int
    states: bool


@dataclass(frozen=True, slots=True)
class _Opposites:
    one: re.Pattern[str]
    other: re.Pattern[str]


def check_clauses(draft: Bare, source: Draft, language: Language) -> list[Refusal]:
    """Where a clause of *draft* denies what the template affirms, affirms what it denies, or says the opposite word."""
    template = bare(source.text)
    return [
        *_denied(draft, template, language),
        *_opposite(draft, template, language),
        *_pretended(draft, template, language),
        *_dates_turned(draft, template, language),
    ]


def _denied(draft: Bare, template: Bare, language: Language) -> Iterator[Refusal]:
    theirs = _clauses(template, language)
    known = {(clause.features, clause.negations % 2) for clause in theirs}
    for clause in _clauses(draft, language):
        if (clause.features, clause.negations % 2) in known:
            continue
        if clause.features and (clause.features, 1 - clause.negations % 2) in known:
            yield draft.refusal("denied", clause.start, clause.end)
            continue
        if len(clause.features) < FEWEST and not clause.states:
            continue
        alike = [(_alike(clause, other), other) for other in theirs]
        most = max((share for share, _ in alike), default=0.0)
        nearest = [other for share, other in alike if share == most]
        if most >= SAME and all((other.negations - clause.negations) % 2 for other in nearest):
            yield draft.refusal("denied", clause.start, clause.end)


def _alike(one: _Clause, other: _Clause, apart: frozenset[str] = frozenset()) -> float:
    """The share of their features, but those *apart*, that both have."""
    common = len((one.features & other.features) - apart)
    return common / max(1, len((one.features | other.features) - apart))


@lru_cache(maxsize=64)
def _clauses(text: Bare, language: Language) -> tuple[_Clause, ...]:
    found = []
    start = 0
    for end in (*_END.finditer(text.text), None):
        finish = end.start() if end else len(text.text)
        words = text.text[start:finish]
        if words.strip():
            found.append(
                _Clause(
                    start,
                    finish,
                    frozenset(_features(text, start, finish, language)),
                    _negations(words, language),
                    MARK in words,
                )
            )
        start = end.end() if end else finish
    return tuple(found)


def _negations(words: str, language: Language) -> int:
    if language == "en":
        return len(_NOT_EN.findall(words))
    return len(_NOT_ZH.findall(_LACKING.sub("不", words).replace("充足", "").replace("足够", "")))


def _features(text: Bare, start: int, finish: int, language: Language) -> Iterator[str]:
    words = text.text[start:finish]
    yield from (_NUMBERED.sub("", token) for place, token in text.tokens.items() if start <= place < finish)
    if language == "en":
        left = [
            word
            for word in _WORD.findall(_NOT_EN.sub(" ", words.replace("cannot", "can not")))
            if word not in _FILLERS_EN
        ]
        yield from left
        return
    left_zh = _FILLERS_ZH.sub(
        "", _NOT_ZH.sub("", _LACKING.sub("足", words).replace("足够", "足").replace("充足", "足"))
    )
    runs = left_zh.replace(MARK, " ").split()
    for run in runs:
        yield from (one + other for one, other in itertools.pairwise(run))
        if len(run) == 1:
            yield run


@cache
def _pairs(language: Language) -> tuple[_Opposites, ...]:
    loaded: dict[str, Any] = yaml.safe_load(FILE.read_text("utf-8"))
    return tuple(
        _Opposites(_any_of(one, language), _any_of(other, language))
        for pair in loaded["opposites"][language]
        for one, other in (pair, pair[::-1])
    )


def _any_of(words: Sequence[str], language: Language) -> re.Pattern[str]:
    joined = "|".join(sorted(map(re.escape, words), key=len, reverse=True))
    return re.compile(rf"\b(?:{joined})\b" if language == "en" else joined)


def _opposite(draft: Bare, template: Bare, language: Language) -> Iterator[Refusal]:
    """A word whose opposite the template has and which it has not itself, or which has taken the place of its opposite."""
    for pair in _pairs(language):
        said = list(pair.other.finditer(draft.text))
        if not said:
            continue
        ones, others = (len(side.findall(template.text)) for side in (pair.one, pair.other))
        if not ones:
            continue
        left = len(pair.one.findall(draft.text))
        if others and not (left < ones and len(said) > others):
            continue
        for match in said:
            if (not others and not left) or _stands_for(draft, match, pair, template):
                yield draft.refusal("opposite", match.start(), match.end())


def _stands_for(draft: Bare, match: re.Match[str], pair: _Opposites, template: Bare) -> bool:
    """Whether the word stands where the template has its opposite: beside the same neighbours."""
    before, after = draft.text[max(0, match.start() - 2) : match.start()], draft.text[match.end() : match.end() + 2]
    return any(
        template.text[max(0, found.start() - 2) : found.start()] == before
        and template.text[found.end() : found.end() + 2] == after
        for found in pair.one.finditer(template.text)
    )


_DONE_ZH, _DONE_EN = re.compile(r"已经?(?!经)"), re.compile(r"\b(?:has|have|had) been\b|'ve been\b")
_OPEN_ZH = re.compile(r"可以|请|正在|要(?!是)|将(?!近)|能")
_OPEN_EN = re.compile(r"\b(?:can|could|will|would|to|may|must|should) be\b")
_MODALS = frozenset(
    ["can", "could", "will", "would", "to", "may", "must", "should", "be", "been", "has", "have", "had"]
)


def _pretended(draft: Bare, template: Bare, language: Language) -> Iterator[Refusal]:
    """What the template says can or will be, or asks for, said as done: 已经核对 for 请核对, has been taken for can be taken."""
    done, still_open = (_DONE_ZH, _OPEN_ZH) if language == "zh" else (_DONE_EN, _OPEN_EN)
    if not done.search(draft.text):
        return
    theirs = [(clause, template.text[clause.start : clause.end]) for clause in _clauses(template, language)]
    for clause in _clauses(draft, language):
        if not done.search(draft.text, clause.start, clause.end) or not clause.features - _MODALS:
            continue
        alike = [(_alike(clause, other, _MODALS), words) for other, words in theirs]
        most = max((share for share, _ in alike), default=0.0)
        nearest = [words for share, words in alike if share == most]
        if most >= SAME and all(still_open.search(words) and not done.search(words) for words in nearest):
            yield draft.refusal("completion", clause.start, clause.end)


_BEFORE_ZH = re.compile(r" ?(?:之?前|以前|为止|止)")
_AFTER_ZH = re.compile(r" ?(?:之后|以后|后(?!续|台)|起|开始)")
_UNTIL_ZH = re.compile(r"(?:最晚|最迟|截至|截止到?|不晚于|赶在|至|到) ?$")
_FROM_ZH = re.compile(r"(?:最早|自|从|不早于) ?$")
_UNTIL_EN = re.compile(r"\b(?:by|before|until|till|no later than|through|ends?(?: on)?|latest) (?:the )?$")
_FROM_EN = re.compile(r"\b(?:from|after|since|starting|starts?(?: on)?|earliest) (?:the )?$")
_DATES = re.compile(r"(?:_on|_by|_date|_at|_until|_from|_to|_due)$|^(?:date|period)")


def _dates_turned(draft: Bare, template: Bare, language: Language) -> Iterator[Refusal]:
    """A date until which something holds, said as one from which it does, or the other way round."""
    known: dict[str, set[str]] = {}
    for place, token in template.tokens.items():
        known.setdefault(token, set()).update(_relation(template.text, place, language))
    for place, token in draft.tokens.items():
        said = _relation(draft.text, place, language)
        if _DATES.search(_NUMBERED.sub("", token)) and said and known.get(token) and not said & known[token]:
            yield draft.refusal("date_turned", place, place + 1)


def _relation(text: str, place: int, language: Language) -> set[str]:
    before = text[max(0, place - 16) : place]
    until, since = (_UNTIL_EN, _FROM_EN) if language == "en" else (_UNTIL_ZH, _FROM_ZH)
    found = set()
    if until.search(before) or (language == "zh" and _BEFORE_ZH.match(text, place + 1)):
        found.add("until")
    if since.search(before) or (language == "zh" and _AFTER_ZH.match(text, place + 1)):
        found.add("from")
    return found
