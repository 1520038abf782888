"""``teller check``: has every capability that is served all of its parts, and does every template pass the gates?"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from backends.action import COMMON_OUTCOMES, BankWrite
from backends.registry import BY_NAME
from intents.capability import Capability, catalog
from responses.check import check_templates

STORIES = Path(__file__).parent.parent / "tests" / "conversations"
INTERNAL = frozenset({"customer_profile", "knowledge"})
"""Actions that turns use themselves and no customer asks for."""
SAID_BY_THE_BOT: Mapping[str, Collection[str]] = {
    "_shared": (
        "planned", "sign_in", "channel", "unavailable", "pending", "cancelled", "resume", "offer",
        "code_sent", "code_wrong", "code_expired", "code_locked", "code_too_many", "ask_change", "ask_code",
    ),
    "human_agent": ("queued", "after_hours", "waiting", "withdrawn"),
    "clarify": ("clarify",),
    "out_of_scope": ("miss", "miss_again"),
    "cancel": ("nothing_to_cancel",),
    "fraud_security": ("first_steps", "advice", "progress"),
}  # fmt: skip
"""Outcomes that no backend answers with: the turn makes them."""
_NOT_SAID = frozenset({"unknown_key"})
"""Between the turn and the backend only: a key is asked after, and its answer is what is said."""


@dataclass(frozen=True, slots=True)
class Report:
    """What was looked at, and a sentence for everything that is missing or wrong."""

    served: int
    planned: int
    outcomes: int
    stories: int
    problems: tuple[str, ...]

    def summary(self) -> str:
        """One line of counts, and the verdict."""
        verdict = f"{len(self.problems)} missing or wrong" if self.problems else "all parts there"
        return (
            f"{self.served} capabilities served, {self.planned} planned, {self.outcomes} outcomes with templates, "
            f"{self.stories} with conversation tests: {verdict}"
        )


def inspect(stories: Path = STORIES) -> Report:
    """Look at every capability; conversation tests only where the checkout has their folder *stories*."""
    capabilities = catalog()
    served = {name: found for name, found in capabilities.items() if found.status == "served"}
    outcomes = {name: _outcomes(found) for name, found in served.items()} | {
        name: frozenset(said) for name, said in SAID_BY_THE_BOT.items()
    }
    told = {name for name in served if (stories / f"{name}.yml").is_file()}
    problems = [
        *_backends(served),
        *(_stories(served, told) if stories.is_dir() else ()),
        *check_templates(outcomes),
    ]
    return Report(
        served=len(served),
        planned=len(capabilities) - len(served),
        outcomes=sum(len(names) for names in outcomes.values()),
        stories=len(told),
        problems=tuple(problems),
    )


def _outcomes(capability: Capability) -> frozenset[str]:
    """What a served capability is answered with: questions for its slots, its action's outcomes, a dialogue's own."""
    asked = frozenset(f"ask_{slot}" for slot, use in capability.slots.items() if use.required)
    action = BY_NAME.get(capability.name)
    if action is not None:
        return asked | action.outcomes | (COMMON_OUTCOMES - _NOT_SAID)
    return asked | {"plain"} if capability.kind == "dialogue" else asked


def _backends(served: Mapping[str, Capability]) -> Iterator[str]:
    for name, capability in served.items():
        if capability.backend is None:
            continue
        action = BY_NAME.get(name)
        if action is None:
            yield f"{name}: no action in backends/registry.py"
        elif capability.backend.rpartition(".")[2] != type(action).__name__:
            yield f"{name}: the catalogue names {capability.backend}, the registry {type(action).__name__}"
        elif capability.access != action.access:
            yield f"{name}: {capability.access} in the catalogue, {action.access} in the backend"
        elif capability.protective != (isinstance(action, BankWrite) and action.protective):
            yield f"{name}: catalogue and backend differ on whether it is protective"
    for name in BY_NAME.keys() - served.keys() - INTERNAL:
        yield f"{name}: an action that no served capability of the catalogue leads to"


def _stories(served: Mapping[str, Capability], told: Collection[str]) -> Iterator[str]:
    for name in served.keys() - told:
        yield f"{name}: no conversation test, tests/conversations/{name}.yml"
