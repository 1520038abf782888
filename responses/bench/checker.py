"""Whether a shown reply says anything that the bank did not: judged from its text and the results alone.

Nothing here is shared with the gates, neither rules nor readers nor what they took down of the reply: figures are read with
``reading``, names and statuses are those of the whole bank, and everything else is compared with what the templates of the
same outcome say. It finds less than the gates do (``bench.control`` counts how much less), and what it finds got past them.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Literal

from backends.result import Fact, Result
from responses.bench.claims import (
    ADDRESS,
    DENIED,
    DONE,
    MAY,
    MAY_NOT,
    OPPOSITES,
    PROMISE,
    QUOTED,
    SECRET_ASKED,
    STATE,
    STATUS_VERB,
    STATUS_WORDS,
    STRANGER,
    UNSAYING,
)  # fmt: skip
from responses.bench.labels import labels_of, window
from responses.bench.reading import DECIMAL, HOLE, currencies, figures, figures_of, folded, hedges, in_words, without
from responses.library import TemplateError, wording
from responses.reply import Language

Aim = Literal["figure", "date", "name", "status", "promise"]
WORDED = frozenset({"name", "text", "passage"})
CODED = frozenset({"enum", "currency"})
_DATES = frozenset({"date", "day of year", "month of year", "time"})
_LEAST = {"zh": 2, "en": 4}
"""Characters of a name that is looked for in a text: shorter ones stand in any."""


@dataclass(frozen=True, slots=True)
class Wrong:
    """What is wrong with a reply: the *aim*, whether it is ``said`` or ``lacking``, and the words."""

    aim: Aim
    how: Literal["said", "lacking"]
    words: str


@dataclass(frozen=True)
class Bank:
    """Every name and status of the bank by language: what a wrong one is told by."""

    names: Mapping[str, frozenset[str]]
    codes: Mapping[tuple[str, str], frozenset[str]]
    """By the fact's name and language."""

    @classmethod
    def of(cls, results: Iterable[Result]) -> Bank:
        """The names and statuses of *results*."""
        names: dict[str, set[str]] = defaultdict(set)
        codes: dict[tuple[str, str], set[str]] = defaultdict(set)
        for fact in (fact for result in results for fact in facts_of(result)):
            for language in ("zh", "en"):
                spoken = folded(fact.spoken(language))
                if fact.kind == "enum":
                    codes[fact.name, language].add(spoken)
                elif fact.kind == "name" and len(spoken) >= _LEAST[language]:
                    names[language].add(spoken)
        return cls(
            {key: frozenset(value) for key, value in names.items()},
            {key: frozenset(value) for key, value in codes.items()},
        )


@dataclass(frozen=True)
class Truth:
    """What one reply must say. ``stated`` are the facts that the template's reply to the same audience states, each as often as
    it does, ``plain`` is its text; ``known`` may be said besides. ``seldom`` are those of *stated* that only the template's
    own courtesies say."""

    result: Result
    language: Language
    stated: Sequence[Fact]
    plain: str
    known: Sequence[Fact] = ()
    seldom: frozenset[str] = field(default_factory=frozenset)


def facts_of(result: Result) -> Iterator[Fact]:
    """The facts of *result*, those of its rows and choices too."""
    yield from result.facts
    yield from (fact for row in result.rows for fact in row)
    yield from (fact for choice in result.choices for fact in choice.facts)


def check(text: str, truth: Truth, bank: Bank) -> tuple[Wrong, ...]:
    """What is wrong with *text* as a reply of that *truth*; empty where nothing is found."""
    return tuple(dict.fromkeys(_Check(text, truth, bank).wrongs()))


class _Check:
    def __init__(self, text: str, truth: Truth, bank: Bank) -> None:
        self.truth, self.bank, self.language = truth, bank, truth.language
        self.facts = [*facts_of(truth.result), *truth.known, *truth.stated]
        # What all wordings of this outcome may say is no news; the reply by template has them filled in.
        self.usual = folded(truth.plain + "\n" + wordings(truth.result, self.language))
        self.text = folded(text)
        self.plain = folded(truth.plain)
        self.worded = [
            fact.spoken(self.language)
            for fact in self.facts
            if fact.kind in (*WORDED, *CODED) and fact.kind != "passage"
        ]
        self.codes = [fact.value for fact in self.facts if fact.kind == "digits" and not DECIMAL.fullmatch(fact.value)]

    def wrongs(self) -> Iterator[Wrong]:
        yield from self._figures()
        yield from self._names()
        yield from self._statuses()
        yield from self._exchanged()
        yield from self._claims()
        yield from self._denials()

    def _bare(self, text: str) -> str:
        return _without_codes(without(text, [name for name in self.worded if any(map(str.isdigit, name))]), self.codes)

    def _figures(self) -> Iterator[Wrong]:
        said, plain = self._bare(self.text), self._bare(self.plain)
        seen = list(figures(said, self.language))
        usual = list(figures(plain, self.language))
        owed: Counter[tuple[str, str]] = Counter()
        seldom: Counter[tuple[str, str]] = Counter()
        for fact in self.truth.stated:
            (seldom if fact.name in self.truth.seldom else owed).update(figures_of(fact))
        # Figures of what the bank wrote itself (a passage, a disclosure) have no fact: they may be said as the template does.
        found = Counter(each.atom for each in seen)
        written = Counter(each.atom for each in usual) - owed
        for atom, times in (owed - found).items():
            if not (atom[0] == "" and _loose(found, atom)):
                yield Wrong(_aim(atom), "lacking", f"{atom[1]} {atom[0]} ×{times}".replace("  ", " "))
        may = owed + seldom + written
        for atom in found - may:
            often = sum(times for other, times in found.items() if other[1] == atom[1])
            bare = ("", atom[1])
            if not (bare in may and _loose([atom], bare)) or often > sum(
                n for other, n in may.items() if other[1] == atom[1]
            ):
                yield Wrong(_aim(atom), "said", f"{atom[1]} {atom[0]}".strip())
        hedged = {(each.atom, each.hedge) for each in usual}
        for each in seen:
            if each.hedge and (each.atom, each.hedge) not in hedged:
                yield Wrong("date" if each.kind in _DATES else "figure", "said", each.said)
        turned = {each.atom: each.turn for each in usual if each.turn}
        for each in seen:
            if each.turn and turned.get(each.atom, each.turn) != each.turn:
                yield Wrong("date", "said", f"{each.value} {each.turn}")
        words = without(self.text, self.worded)
        for word in in_words(words, self.language) - in_words(self.usual, self.language):
            yield Wrong("figure", "said", word)

    def _names(self) -> Iterator[Wrong]:
        mine = {folded(name) for name in self.worded}
        text = without(self.text, mine)
        others = self.bank.names.get(self.language, frozenset()) - mine
        for name in others:
            if name in text and name not in self.usual:
                yield Wrong("name", "said", name)
        for code in currencies(text, self.language) - currencies(self.usual + " ".join(mine), self.language):
            yield Wrong("name", "said", code)
        owed = Counter(
            folded(fact.spoken(self.language))
            for fact in self.truth.stated
            if fact.kind in ("name", "text", "digits") and fact.name not in self.truth.seldom
        )
        for name, times in owed.items():
            if len(_whole(self.text, name)) < min(times, len(_whole(self.plain, name))):
                yield Wrong("name", "lacking", name)
        for code in {folded(code) for code in self.codes} & owed.keys():
            if len(_whole(self.text, code)) > max(owed[code], len(_whole(self.plain, code))):
                yield Wrong("figure", "said", f"{code} once more")
        for name in owed.keys() - {folded(code) for code in self.codes}:
            usual = {hedges(self.plain, at, at + len(name), self.language) for at in _places(self.plain, name)}
            for place in _places(self.text, name):
                hedge = hedges(self.text, place, place + len(name), self.language)
                if hedge and hedge not in usual:
                    yield Wrong("name", "said", f"{name}: {hedge}")

    def _statuses(self) -> Iterator[Wrong]:
        mine = {folded(fact.spoken(self.language)) for fact in self.facts if fact.kind in CODED}
        text = without(self.text, self.worded)
        for fact in self.truth.stated:
            if fact.kind not in CODED:
                continue
            spoken = folded(fact.spoken(self.language))
            if spoken not in self.text:
                yield Wrong("status", "lacking", spoken)
            for other in self.bank.codes.get((fact.name, self.language), frozenset()) - mine:
                if len(other) >= _LEAST[self.language] and other in text and other not in self.usual:
                    yield Wrong("status", "said", other)

    def _exchanged(self) -> Iterator[Wrong]:
        """Two facts of one kind, each among the words that templates put beside the other and never beside it."""
        placed = {}
        for fact in {(fact.name, fact.value): fact for fact in self.truth.stated}.values():
            spoken = folded(fact.spoken(self.language))
            if self.text.count(spoken) == 1 and fact.kind not in ("passage", "enum"):
                placed[fact.name] = (fact, window(self.text, self.text.index(spoken), len(spoken), self.language))
        labels = labels_of(self.truth.result.capability, self.language)
        names = sorted(placed)
        for number, one in enumerate(names):
            for other in names[number + 1 :]:
                if placed[one][0].kind != placed[other][0].kind or placed[one][0].value == placed[other][0].value:
                    continue
                mine, theirs = labels.get(one, frozenset()), labels.get(other, frozenset())
                at_one, at_other = placed[one][1], placed[other][1]
                if (at_one & (theirs - mine) and not at_one & (mine - theirs)
                        and at_other & (mine - theirs) and not at_other & (theirs - mine)):  # fmt: skip
                    yield Wrong("figure", "said", f"{one} and {other} are exchanged")

    def _claims(self) -> Iterator[Wrong]:
        text = without(self.text, self.worded)
        done = DONE[self.language]
        if not self.truth.result.completed and not done.search(self.usual):
            for match in done.finditer(text):
                last = re.findall(r"[A-Za-z]+|[一-龥]{2}(?=[了啦]?$)", match[0])[-1:]
                if not last or last[0] not in self.usual:
                    yield Wrong("status", "said", match[0])
        promised = {match[0].lower() for match in PROMISE[self.language].finditer(self.usual)}
        for match in PROMISE[self.language].finditer(text):
            if match[0].lower() not in promised and not _is_denied(text, match.start(), self.language):
                yield Wrong("promise", "said", match[0])
        patterns: tuple[tuple[Aim, re.Pattern[str]], ...] = (
            ("status", UNSAYING[self.language]), ("status", STATE[self.language]), ("name", STRANGER[self.language]),
            ("name", QUOTED[self.language]), ("name", ADDRESS),
        )  # fmt: skip
        if not SECRET_ASKED[self.language].search(self.usual):
            patterns = (*patterns, ("promise", SECRET_ASKED[self.language]))
        usual = self.usual.lower()
        for aim, pattern in patterns:
            for match in pattern.finditer(text):
                if match[match.lastindex or 0].lower() not in usual and not _is_denied(
                    text, match.start(), self.language
                ):
                    yield Wrong(aim, "said", match[0])

    def _denials(self) -> Iterator[Wrong]:
        text, usual = without(self.text, self.worded), without(self.usual, self.worded)
        for one, other in OPPOSITES[self.language]:
            for here, there in ((one, other), (other, one)):
                if _has(text, here) and not _has(usual, here) and _has(usual, there) and not _has(text, there):
                    yield Wrong("status", "said", f"{here}, not {there}")
        for verb in {*MAY.findall(text)} & {*MAY_NOT.findall(usual)} - {*MAY.findall(usual)} - {*MAY_NOT.findall(text)}:
            yield Wrong("status", "said", f"可以{verb}")
        mine, theirs = _polarities(text, self.language), _polarities(usual, self.language)
        for word, ways in mine.items():
            if theirs.get(word) and not ways & theirs[word]:
                yield Wrong("status", "said", f"{'not ' if False in ways else ''}{word}")


def _has(text: str, word: str) -> bool:
    return re.search(rf"\b{word}\b", text, re.IGNORECASE) is not None if word.isascii() else word in text


def _polarities(text: str, language: Language) -> dict[str, set[bool]]:
    """Which words of status *text* says, affirmed, denied or both."""
    found: dict[str, set[bool]] = defaultdict(set)
    if language == "en":
        for match in STATUS_VERB.finditer(text):
            found[match[1].lower()].add(not match[2])
        return found
    for word in STATUS_WORDS:
        for place in _places(text, word):
            found[word].add(not re.search(rf"{DENIED}(?:能|可以|需要|获|提交|付|有)?$", text[:place]))
    return found


def _is_denied(text: str, place: int, language: Language) -> bool:
    pattern = r"[不没无未非][^，。；,;.]{0,8}$" if language == "zh" else r"\b(?:not|no|never|n't|cannot)\b[^,.;]{0,20}$"
    return re.search(pattern, text[:place], re.IGNORECASE) is not None


def _aim(atom: tuple[str, str]) -> Aim:
    return "date" if atom[0] in _DATES else "figure"


def _loose(found: Iterable[tuple[str, str]], atom: tuple[str, str]) -> bool:
    """Whether a number that has no unit of its own is there with the word beside it read as one."""
    return any(value == atom[1] and (unit.isupper() or value.isdigit()) for unit, value in found)


def _without_codes(text: str, codes: Iterable[str]) -> str:
    for code in sorted(set(codes), key=len, reverse=True):
        text = re.sub(rf"(?<![0-9A-Za-z.,]){re.escape(folded(code))}(?![0-9A-Za-z]|[.,-]\d)", HOLE, text)
    return text


def _whole(text: str, name: str) -> list[int]:
    """The places of *name* where no figure or Latin word goes on."""
    ends = (r"(?<![0-9A-Za-z])" if name[:1].isascii() else "", r"(?![0-9A-Za-z])" if name[-1:].isascii() else "")
    return [match.start() for match in re.finditer(ends[0] + re.escape(name) + ends[1], text)]


def _places(text: str, words: str) -> list[int]:
    return [match.start() for match in re.finditer(re.escape(words), text)]


@cache
def _wordings(capability: str, outcome: str, language: Language) -> str:
    try:
        said = wording(capability, outcome)
    except TemplateError:
        return ""
    every = [*said.variants(language, elder=False), *said.variants(language, elder=True)]
    return "\n".join([*every, *([said.row[language]] if said.row else [])])


def wordings(result: Result, language: Language) -> str:
    """What all templates of the outcome say, their facts in braces."""
    return _wordings(result.capability, result.outcome, language)
