"""Gate 1 on meaning: a refusal stays a refusal, nothing turns into its opposite, and no claim is added."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from backends.result import Result
from responses.draft import Draft
from responses.gates.bare import Bare, bare
from responses.gates.lexicon import Lexicon
from responses.gates.negation import is_negated
from responses.gates.refusal import Refusal
from responses.reply import Language

HERE = Path(__file__).parent


@cache
def _polarity() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((HERE / "polarity.yml").read_text("utf-8"))
    return loaded


@cache
def _says_no(language: Language) -> Lexicon:
    return Lexicon({"no": _polarity()["says_no"][language]})


@cache
def _opposites() -> tuple[tuple[Lexicon, Lexicon], ...]:
    return tuple(
        (Lexicon({"when": pair["when"]}), Lexicon({"never": pair["never"]})) for pair in _polarity()["opposites"]
    )


@cache
def _claims() -> Lexicon:
    return Lexicon(yaml.safe_load((HERE / "soft.yml").read_text("utf-8")))


def check_polarity(draft: Bare, source: Draft, results: Sequence[Result], language: Language) -> list[Refusal]:
    """Where *draft* means something else than its *source*."""
    template = bare(source.text).text
    return [
        *_refusals(draft, results, language),
        *_turned(draft, template, language),
        *_added(draft, template, language),
    ]


def _refusals(draft: Bare, results: Sequence[Result], language: Language) -> Iterator[Refusal]:
    refuses = any(result.outcome in _polarity()["refusing"] for result in results)
    denied = any(_says_no(language).hits(draft.text)) or (language == "en" and "n't" in draft.text)
    if refuses and not denied:
        yield Refusal("polarity", 0, len(draft.raw), draft.raw[:20])


def _turned(draft: Bare, template: str, language: Language) -> Iterator[Refusal]:
    for when, never in _opposites():
        if not any(when.hits(template)) or any(
            not is_negated(template, hit.start, language) for hit in never.hits(template)
        ):
            continue
        for hit in never.hits(draft.text):
            if not is_negated(draft.text, hit.start, language):
                yield draft.refusal("polarity", hit.start, hit.end)


def _added(draft: Bare, template: str, language: Language) -> Iterator[Refusal]:
    known = {hit.label for hit in _claims().hits(template)}
    for hit in _claims().hits(draft.text):
        if hit.label not in known and not is_negated(draft.text, hit.start, language):
            yield draft.refusal(f"added_{hit.label}", hit.start, hit.end)
