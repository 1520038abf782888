"""The gates in order: the draft's words and placeholders, the figures of the finished text, what a bank may say."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path

import yaml

from backends.result import Fact, Result
from responses.draft import Draft, fill
from responses.gates.bare import bare
from responses.gates.claims import check_claims, check_seeming
from responses.gates.clauses import check_clauses
from responses.gates.compliance import check_compliance
from responses.gates.contexts import check_contexts
from responses.gates.figures import check_figures
from responses.gates.grounding import ground
from responses.gates.leaks import check_leak
from responses.gates.novelty import Doubts
from responses.gates.placeholders import check_placeholders, check_stated, families
from responses.gates.polarity import check_new_subjects, check_polarity, check_promises
from responses.gates.refusal import Refusal
from responses.gates.wording import check_human_words, check_wording
from responses.reply import Language

GATES = Path(__file__).parent / "gates"
REP = "rep"
"""Capability and outcome of what a human says: none of the bot's own."""


def verify(
    text: str, source: Draft, results: Sequence[Result], language: Language, *, instructions: str = ""
) -> tuple[Refusal, ...]:
    """Why *text*, a rewriting of *source*, must not be shown; empty where it may.

    *results* are those the source was made from, *instructions* the prompt whose words must not come back.
    Offsets of gate 1 and 3 are those of *text*, of gate 2 those of the filled text.
    """
    draft = bare(text)
    doubts = Doubts(draft, source, language)
    template = bare(source.text).text
    refused = [
        *check_wording(draft, source, language),
        *check_placeholders(draft, source),
        *check_contexts(draft, source, results, language),
        *check_clauses(draft, source, language),
        *check_claims(draft, results, language),
        *check_polarity(draft, source, results, language),
        *check_leak(draft, source, instructions),
        *check_compliance(draft, results, language),
        *doubts.refused(),
        *filter(
            doubts.doubtful,
            [*check_seeming(draft, results, template, language), *check_new_subjects(draft, template, language)],
        ),
    ]
    if any(refusal.rule in ("empty", "placeholder_unknown") for refusal in refused):
        return tuple(dict.fromkeys(refused))
    return tuple(dict.fromkeys([*refused, *check_figures(fill(source, text))]))


def check_rep_text(
    text: str, facts: Sequence[Fact], language: Language, *, results: Sequence[Result] = ()
) -> list[Refusal]:
    """What to warn of in *text*, which a human wrote: each warning names its rule and ``text[start:end]``.

    *facts* are those at hand (of the conversation's results, the customer's profile, the bank's rules): a figure, date or
    status that none of them says, a promise, a forbidden phrase is told. *results* say what was done: without a completed
    one of its kind every claim of completion is told. Nothing is refused; whoever wrote it may know better.
    """
    grounded = ground(text, [*facts, *(fact for result in results for fact in all_facts(result))], families())
    draft = grounded.draft
    said = Result(capability=REP, outcome=REP, facts=tuple(facts))
    found = [
        *grounded.ungrounded,
        *check_stated(draft, grounded.source),
        *check_human_words(draft),
        *check_claims(draft, results, language),
        *check_promises(draft, language),
        *check_compliance(draft, [*results, said], language),
    ]
    return sorted(_widest(dict.fromkeys(found)), key=lambda refusal: (refusal.start, refusal.end))


def _widest(found: Iterable[Refusal]) -> Iterator[Refusal]:
    """Of two warnings by one rule, or of a figure and a word of it, the wider: 大约 and not its 约, 5 December and not its month."""
    every = list(found)
    for each in every:
        if not any(
            other.rule in (each.rule, "figure_ungrounded")
            and other != each
            and other.start <= each.start
            and each.end <= other.end
            for other in every
        ):
            yield each


def all_facts(result: Result) -> list[Fact]:
    """The facts of *result*, those of its rows and choices too."""
    return [
        *result.facts,
        *(fact for row in result.rows for fact in row),
        *(fact for choice in result.choices for fact in choice.facts),
    ]


STRUCTURAL = (
    "placeholder_missing", "placeholder_doubled", "placeholder_unknown", "placeholder_order", "approximation", "label",
    "exchanged", "denied", "opposite", "date_turned", "unlike", "seems_done", "completion", "polarity", "empty", "too_long",
    "markup", "link", "cut", "control", "language", "figure_ungrounded", "figure_changed", "figure_missing",
)  # fmt: skip
"""Rules that no list names."""


@cache
def rule_ids() -> frozenset[str]:
    """Every rule that a refusal may name, those of the lists of words included."""
    lists = {path.stem: yaml.safe_load(path.read_text("utf-8")) for path in GATES.glob("*.yml")}
    return frozenset(
        (
            *STRUCTURAL,
            *(label for label in lists["words"] if label != "home_currency"),
            *(f"added_{group}" for name in ("soft", "subjects") for group in lists[name] if group != "harmless"),
            *(entry["rule"] for entry in lists["compliance"]),
        )
    )


@cache
def rules_version() -> str:
    """The content hash of every rule and lexicon of the gates: with it a verdict can be replayed."""
    digest = hashlib.sha256()
    for path in sorted([*GATES.glob("*.yml"), *GATES.glob("*.py"), *GATES.glob("*.npz")]):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:12]
