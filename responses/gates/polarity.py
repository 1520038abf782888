"""Gate 1 on meaning: a refusal stays a refusal, nothing turns into its opposite, and no claim is added."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from backends.result import Result
from responses.draft import Draft
from responses.gates.bare import MARK, Bare, bare
from responses.gates.lexicon import Hit, Lexicon
from responses.gates.negation import CLAUSE_END, is_negated
from responses.gates.refusal import Refusal
from responses.gates.wording import HARMLESS, fact_of
from responses.reply import Language

HERE = Path(__file__).parent
_NEXT = re.compile(rf"[^。！？；，,!?;\n{MARK}]*({MARK})")
_CONDITION = re.compile(
    r"(?:如果|若(?!干)|要是|假如|如有|如发现|如遇|一旦|万一|有任何|\b(?:if|should you|should anything|in case|whenever|unless)\b)"
    r"[^。！？；，,.!?;\n]*$"
)
"""Behind these, within a clause, a state is supposed and not told: 如发现异常交易, if anything looks suspicious."""
_SUPPOSED = re.compile(
    r"(?:如果|若(?!干)|要是|假如|只要|一旦|直到|(?:^|[。！？；，,.!?;\n])(?:再|先)?等到?(?!级)|\b(?:if|once|when|as soon as|until|after|unless)\b)"
    r"[^。！？；，,.!?;\n]*$"
)


PROMISES = frozenset(
    {"fee_free", "waiver", "gift", "speed", "certainty", "forever", "approval", "increase", "safety", "secret"}
)
"""Groups of ``soft.yml`` that bind the bank or endanger the customer, whoever says them."""


@cache
def _polarity() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((HERE / "polarity.yml").read_text("utf-8"))
    return loaded


@cache
def _says_no(language: Language) -> Lexicon:
    return Lexicon({"no": _polarity()["says_no"][language], HARMLESS: _polarity()["says_nothing"]})


@cache
def _says_no_to(outcome: str) -> Lexicon:
    return Lexicon({"no": _polarity()["refusing"][outcome]})


@dataclass(frozen=True, slots=True)
class _Opposite:
    when: Lexicon
    never: Lexicon
    unless: Lexicon


@cache
def _opposites() -> tuple[_Opposite, ...]:
    loaded = _polarity()
    return tuple(
        _Opposite(
            when=Lexicon({"when": pair["when"]}),
            never=Lexicon({"never": pair["never"], HARMLESS: loaded["idioms"]}),
            unless=Lexicon({"unless": pair.get("unless", [])}),
        )
        for pair in loaded["opposites"]
    )


@cache
def _claims() -> Lexicon:
    return Lexicon(yaml.safe_load((HERE / "soft.yml").read_text("utf-8")))


@cache
def _subjects() -> Lexicon:
    return Lexicon(yaml.safe_load((HERE / "subjects.yml").read_text("utf-8")))


def check_polarity(draft: Bare, source: Draft, results: Sequence[Result], language: Language) -> list[Refusal]:
    """Where *draft* means something else than its *source*."""
    template = bare(source.text).text
    return [
        *_refusals(draft, results, language),
        *_turned(draft, source, language),
        *_added(draft, template, language),
    ]


def check_promises(draft: Bare, language: Language) -> list[Refusal]:
    """What nobody promises or asks for on the bank's behalf unless a fact says so: a waiver, a gift, a password."""
    return [refusal for refusal in _added(draft, "", language) if refusal.rule.removeprefix("added_") in PROMISES]


def _refusals(draft: Bare, results: Sequence[Result], language: Language) -> Iterator[Refusal]:
    refused = {result.outcome for result in results} & _polarity()["refusing"].keys()
    denied = any(hit.label == "no" for hit in _says_no(language).hits(draft.text)) or (
        language == "en" and "n't" in draft.text
    )
    if refused and not denied and not any(any(_says_no_to(outcome).hits(draft.text)) for outcome in refused):
        yield Refusal("polarity", 0, len(draft.raw), draft.raw[:20])


def _turned(draft: Bare, source: Draft, language: Language) -> Iterator[Refusal]:
    template = bare(source.text).text
    for pair in _opposites():
        if not any(pair.when.hits(template)) or any(
            _means(hit, template, pair, language) for hit in pair.never.hits(template)
        ):
            continue
        for hit in pair.never.hits(draft.text):
            if _means(hit, draft.text, pair, language) and not _labels_a_zero(draft, hit.end, source):
                yield draft.refusal("polarity", hit.start, hit.end)


def _means(hit: Hit, text: str, pair: _Opposite, language: Language) -> bool:
    """Whether the words are meant as they stand: neither denied, nor supposed, nor about something else."""
    if hit.label == HARMLESS or is_negated(text, hit.start, language) or _SUPPOSED.search(text, 0, hit.start):
        return False
    opened = max((mark.end() for mark in CLAUSE_END.finditer(text, 0, hit.start)), default=0)
    closed = CLAUSE_END.search(text, hit.end)
    return not any(pair.unless.hits(text[opened : closed.start() if closed else len(text)]))


def _labels_a_zero(draft: Bare, end: int, source: Draft) -> bool:
    """Whether the next figure of the clause is money and none: 待还⟦remaining_due⟧ of a settled bill is 待还0.00元."""
    found = _NEXT.match(draft.text, end)
    fact = fact_of(draft.tokens[found.start(1)], source) if found else None
    return fact is not None and fact.kind == "money" and Decimal(fact.value) == 0


def check_new_subjects(draft: Bare, template: str, language: Language) -> list[Refusal]:
    """Weak signs: subjects of ``subjects.yml`` that *draft* brings up and the folded *template* does not."""
    return list(_new(draft, template, language, _subjects()))


def _added(draft: Bare, template: str, language: Language) -> Iterator[Refusal]:
    return _new(draft, template, language, _claims())


def _new(draft: Bare, template: str, language: Language, groups: Lexicon) -> Iterator[Refusal]:
    known = {HARMLESS, *(hit.label for hit in groups.hits(template))}
    for hit in groups.hits(draft.text):
        supposed = hit.label.startswith("state_") and _CONDITION.search(draft.text, 0, hit.start)
        if hit.label not in known and not supposed and not is_negated(draft.text, hit.start, language):
            yield draft.refusal(f"added_{hit.label}", hit.start, hit.end)
