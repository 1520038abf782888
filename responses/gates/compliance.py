"""Gate 3: what a bank must not say, aware of negation. What it must say beside some results is appended by ``compose``."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict

from backends.result import Result
from responses.gates.bare import Bare, squeezed
from responses.gates.negation import is_negated
from responses.gates.refusal import Refusal
from responses.reply import Language

FILE = Path(__file__).with_name("compliance.yml")
_NUMBERED = re.compile(r"_\d+$")


class _Rule(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")
    rule: str
    source: str
    zh: re.Pattern[str]
    en: re.Pattern[str]
    not_for: frozenset[str] = frozenset()
    unless: re.Pattern[str] | None = None
    unless_placeholder: str | None = None


@cache
def _rules() -> tuple[_Rule, ...]:
    return tuple(_Rule.model_validate(entry) for entry in yaml.safe_load(FILE.read_text("utf-8")))


def check_compliance(draft: Bare, results: Sequence[Result], language: Language) -> list[Refusal]:
    """Every phrase of *draft* that breaks a rule of ``compliance.yml``; facts were set aside as placeholders."""
    return list(_banned(draft, results, language))


def _banned(draft: Bare, results: Sequence[Result], language: Language) -> Iterator[Refusal]:
    yield from _broken(draft, results, language)
    close = squeezed(draft)
    if close is not None:
        yield from _broken(close, results, language)


def _broken(draft: Bare, results: Sequence[Result], language: Language) -> Iterator[Refusal]:
    types = {fact.value for result in results for fact in result.facts if fact.name == "product_type"}
    tokens = {_NUMBERED.sub("", token) for token in draft.tokens.values()}
    for rule in _rules():
        if rule.not_for and types and types <= rule.not_for:
            continue
        if rule.unless_placeholder in tokens or (rule.unless is not None and rule.unless.search(draft.text)):
            continue
        for match in (rule.zh if language == "zh" else rule.en).finditer(draft.text):
            if not is_negated(draft.text, match.start(), language):
                yield draft.refusal(rule.rule, match.start(), match.end())
