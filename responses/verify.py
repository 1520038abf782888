"""The gates in order: the draft's words and placeholders, the figures of the finished text, what a bank may say."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from backends.result import Result
from responses.draft import Draft, fill
from responses.gates.bare import bare
from responses.gates.claims import check_claims
from responses.gates.compliance import check_compliance
from responses.gates.figures import check_figures
from responses.gates.leaks import check_leak
from responses.gates.placeholders import check_placeholders
from responses.gates.polarity import check_polarity
from responses.gates.refusal import Refusal
from responses.gates.wording import check_wording
from responses.reply import Language

GATES = Path(__file__).parent / "gates"


def verify(
    text: str, source: Draft, results: Sequence[Result], language: Language, *, instructions: str = ""
) -> tuple[Refusal, ...]:
    """Why *text*, a rewriting of *source*, must not be shown; empty where it may.

    *results* are those the source was made from, *instructions* the prompt whose words must not come back.
    Offsets of gate 1 and 3 are those of *text*, of gate 2 those of the filled text.
    """
    draft = bare(text)
    refused = [
        *check_wording(draft, source, language),
        *check_placeholders(draft, source),
        *check_claims(draft, results, language),
        *check_polarity(draft, source, results, language),
        *check_leak(draft, source, instructions),
        *check_compliance(draft, results, language),
    ]
    if any(refusal.rule in ("empty", "placeholder_unknown") for refusal in refused):
        return tuple(dict.fromkeys(refused))
    return tuple(dict.fromkeys([*refused, *check_figures(fill(source, text))]))


@cache
def rules_version() -> str:
    """The content hash of every rule and lexicon of the gates: with it a verdict can be replayed."""
    digest = hashlib.sha256()
    for path in sorted([*GATES.glob("*.yml"), *GATES.glob("*.py")]):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:12]
