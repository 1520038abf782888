"""``teller verify``: a text checked against a bank's answer, told to people and as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from backends.result import Result
from responses.audience import Audience
from responses.check import SAMPLE_TIME
from responses.draft import PLACEHOLDER, Drafter, MissingFact, draft_result, merged
from responses.gates.refusal import Refusal
from responses.library import TemplateError, wording
from responses.reply import Language
from responses.verify import check_rep_text, rules_version, verify

_RESULTS = TypeAdapter(list[Result])
MOST_VARIATIONS = 12
"""Wordings of an outcome that a draft with placeholders is measured against; it passes where it passes beside one of them."""


class UnreadableResult(ValueError):
    """The file is no result, or no outcome that this bank's templates can say."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was checked, how, and why it must not be shown; ``refusals`` is empty where it may."""

    text: str
    way: str
    refusals: tuple[Refusal, ...]

    def to_json(self) -> str:
        """The verdict as one JSON object; offsets are code points of ``text``, of gate 2 those of the filled text."""
        found = [{"rule": each.rule, "start": each.start, "end": each.end, "span": each.span} for each in self.refusals]
        said = {"passes": not found, "way": self.way, "refusals": found, "rules": rules_version(), "text": self.text}
        return json.dumps(said, ensure_ascii=False, indent=2)

    def lines(self) -> list[str]:
        """The verdict for people: a line for each refusal, with its words marked in the text."""
        if not self.refusals:
            return [f"passes as a {self.way}"]
        width = max(len(each.rule) for each in self.refusals)
        return [f"refused as a {self.way}:"] + [
            f"  {each.rule:<{width}}  {each.start}-{each.end}  {self._marked(each)}" for each in self.refusals
        ]

    def _marked(self, refusal: Refusal) -> str:
        if self.text[refusal.start : refusal.end] != refusal.span or not refusal.span:
            return refusal.span or "(missing)"
        before, after = self.text[max(0, refusal.start - 8) : refusal.start], self.text[refusal.end : refusal.end + 8]
        return f"{before}[{refusal.span}]{after}".replace("\n", " ")


def read_results(path: Path) -> list[Result]:
    """The result, or the list of results, of a JSON file; ``UnreadableResult`` where it holds none."""
    try:
        raw = json.loads(path.read_text("utf-8"))
        return _RESULTS.validate_python(raw if isinstance(raw, list) else [raw])
    except (ValueError, ValidationError) as error:
        raise UnreadableResult(f"{path} is no result: {error}") from None


def judge(text: str, results: Sequence[Result], language: Language) -> Verdict:
    """*text* against *results*: as a model's draft where it has ``⟦placeholders⟧``, else as a finished text.

    Raises ``UnreadableResult`` where a draft's result has no template, or lacks a fact of it.
    """
    if not PLACEHOLDER.search(text):
        return Verdict(text, "finished text", tuple(check_rep_text(text, (), language, results=results)))
    found: tuple[Refusal, ...] | None = None
    for variation in range(MOST_VARIATIONS):
        audience = Audience(language=language, now=SAMPLE_TIME, variation=variation)
        drafter = Drafter(language)
        try:
            drafts = [
                draft_result(drafter, wording(result.capability, result.outcome), result, {}, audience)
                for result in results
            ]
        except (MissingFact, TemplateError) as error:
            raise UnreadableResult(f"the templates cannot say this result: {error}") from None
        refusals = verify(text, merged(drafts, "\n"), results, language)
        if found is None or len(refusals) < len(found):
            found = refusals
        if not found:
            break
    return Verdict(text, "draft", found or ())
