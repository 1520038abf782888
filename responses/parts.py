"""A result on its way into a reply: its wording, the draft that the template made of it, and who may touch the words."""

from __future__ import annotations

from dataclasses import dataclass

from backends.result import Result
from responses.draft import Draft
from responses.library import Wording
from responses.persona import Kind

EXACT = frozenset(
    {
        "ready", "changed", "expired", "sign_in", "channel", "pending", "not_done", "ask_code", "ask_change", "foreign",
        "answered",
    }
)  # fmt: skip
"""Outcomes whose words are binding or another's: what is confirmed, why nothing was done, how the customer is
identified, a foreign action's text, and an answer that the bank has written. With every one-time code outcome and fraud advice they are said as written."""

EXACT_CAPABILITIES = frozenset({"fraud_security"})
QUESTIONS = frozenset({"resume", "offer", "ready", "choose", "clarify"})
"""Outcomes that ask for an answer, as does every ``ask_…``: what must be said beside a reply goes before them."""
SETBACKS = frozenset(
    {
        "planned", "unavailable", "lapsed", "refused", "insufficient_funds", "frozen", "locked", "unconfirmed", "arrears", "overdue",
        "unknown", "miss", "miss_again", "returned", "declined", "capped", "term_unoffered", "date_unavailable", "wrong_step", "too_much",
        "too_long", "too_soon", "after_hours", "channel", "not_done", "expired",
    }
)  # fmt: skip
SETBACK_BEGINNINGS = ("no_", "not_", "none", "nothing", "invalid_", "unsupported", "over_", "below_", "assessment_")


@dataclass(frozen=True, slots=True)
class Part:
    """A result, its wording and the draft that the template made of it."""

    result: Result
    wording: Wording
    draft: Draft

    @property
    def exact(self) -> bool:
        """Whether no model may touch it."""
        result = self.result
        return (
            result.outcome in EXACT
            or result.outcome.startswith("code_")
            or result.capability in EXACT_CAPABILITIES
            or any(fact.sensitivity == "secret" for fact in result.facts)
        )

    @property
    def asks(self) -> bool:
        """Whether it leads up to a question, or is one."""
        return self.result.outcome in QUESTIONS or self.result.outcome.startswith("ask_")

    @property
    def kind(self) -> Kind:
        """How things went."""
        outcome = self.result.outcome
        if self.result.completed:
            return "done"
        if self.asks or outcome.startswith(("choose", "how_", "ready")):
            return "ask"
        if outcome in SETBACKS or outcome.startswith(SETBACK_BEGINNINGS):
            return "setback"
        return "answer"
