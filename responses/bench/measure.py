"""Providers × scenes: each scene told by every provider through a gateway of its own, as the server asks it, and judged."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from backends.result import Fact, Result
from responses.bench.checker import Bank, Truth, Wrong, check, facts_of
from responses.bench.observed import Observed
from responses.bench.scenes import Scene
from responses.bench.variety import distinct_2, self_bleu, unfilled, words
from responses.compose import TEMPLATE, compose
from responses.draft import MissingFact
from responses.freedom import DEFAULT, Freedom
from responses.gateway import DEADLINE, Gateway, Upstream
from responses.gateway.usage import NANO, Totals
from responses.library import TemplateError
from responses.reply import Reply, Verdict

GIVE_UP = 20
"""Replies in a row without a text after which a provider is asked no more: a dead one would take the deadline each time."""
FELL_BACK: tuple[Verdict, ...] = ("refused", "unavailable")
"""Verdicts of replies that a model was asked for and the template gave."""
SHOWN = 20
"""Wrong replies that are kept as they are."""


@dataclass
class Contender:
    """One who puts drafts into words. Without an *upstream* it is the template.

    No breaker stands before it: what it says is measured, and not when it is asked.
    """

    name: str
    upstream: Upstream | None = None
    deadline: float = DEADLINE
    silent: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        self.gateway = Gateway(self.upstream, deadline=self.deadline) if self.upstream is not None else None

    @property
    def gave_up(self) -> bool:
        """Whether it is asked no more."""
        return self.silent >= GIVE_UP

    def reasons(self) -> Counter[str]:
        """Why its calls since the last look gave no text."""
        provider = self.upstream.provider if self.upstream is not None else None
        return provider.taken() if isinstance(provider, Observed) else Counter()

    def totals(self) -> Totals:
        """What it took so far."""
        meter = self.upstream.meter if self.upstream is not None else None
        return sum(meter.counted().values(), Totals()) if meter is not None else Totals()


@dataclass(frozen=True, slots=True)
class Told:
    """What a customer would have got. *refused* are the rules that drafts broke, *failed* why there was no draft."""

    scene: Scene
    text: str
    verdict: Verdict
    attempts: int
    refused: tuple[str, ...]
    failed: tuple[str, ...]
    wrong: tuple[Wrong, ...]
    seconds: float

    @property
    def passed(self) -> bool:
        """Whether it is the provider's wording; a template has nothing to pass."""
        return self.verdict in ("passed", "pruned", "template")

    @property
    def first(self) -> bool:
        """Whether the first draft was good, all of it."""
        return self.passed and self.attempts <= 1 and not self.refused

    @property
    def trimmed(self) -> bool:
        """Whether the first draft is shown without what was refused of it."""
        return self.passed and self.attempts <= 1 and bool(self.refused)


class Bench:
    """Tells scenes and judges them. *rules* are the bank's own facts by name, *bank* its names and statuses."""

    def __init__(
        self,
        rules: Mapping[str, Fact],
        bank: Bank,
        clock: Callable[[], float] = time.perf_counter,
        freedom: Freedom = DEFAULT,
    ) -> None:
        self._rules, self._bank, self._clock, self._freedom = rules, bank, clock, freedom

    async def told(self, contenders: Sequence[Contender], scenes: Iterable[Scene]) -> dict[str, list[Told]]:
        """What each of *contenders* says in each of *scenes*, one behind the other; of one who was given up on, what it said.

        A scene for which the template lacks a fact is left out.
        """
        said: dict[str, list[Told]] = {each.name: [] for each in contenders}
        for scene in scenes:
            try:
                plain = await self.reply(scene, None)
            except (MissingFact, TemplateError):
                continue
            truth = self.truth(scene, plain)
            for each in contenders:
                if not each.gave_up:
                    said[each.name].append(await self._told(each, scene, truth))
        return said

    async def _told(self, contender: Contender, scene: Scene, truth: Truth) -> Told:
        began = self._clock()
        reply = await self.reply(scene, contender.gateway)
        seconds = self._clock() - began
        failed = contender.reasons()
        contender.silent = contender.silent + 1 if reply.how.verdict == "unavailable" else 0
        return Told(
            scene=scene, text=reply.text, verdict=reply.how.verdict, attempts=reply.how.attempts,
            refused=tuple(each.rule for each in reply.how.refused), failed=tuple(failed.elements()),
            wrong=check(reply.text, truth, self._bank), seconds=seconds,
        )  # fmt: skip

    async def reply(self, scene: Scene, gateway: Gateway | None) -> Reply:
        """The reply of *scene*, as the server composes it."""
        now = scene.audience.now
        return await compose(
            [scene.result], scene.audience, now=now, rules=self._rules, gateway=gateway, freedom=self._freedom
        )

    def truth(self, scene: Scene, plain: Reply) -> Truth:
        """What a reply to *scene* must say, of which *plain* is the template's."""
        honorific = [scene.audience.honorific] if scene.audience.honorific is not None else []
        known = [*self._rules.values(), *honorific]
        by_value = {(fact.name, fact.value): fact for fact in (*known, *facts_of(scene.result))}
        # An older customer is offered the hotline by the template's courtesies, which a model's reply has none of.
        seldom = frozenset(self._rules) if scene.audience.tone == "elder" else frozenset[str]()
        stated = [by_value[each.name, each.value] for each in plain.evidence]
        return Truth(scene.result, scene.audience.language, stated, plain.text, known, seldom)

    async def variety(
        self, contenders: Sequence[Contender], scenes: Sequence[Scene], times: int
    ) -> dict[str, dict[str, float]]:
        """``distinct_2`` and ``self_bleu`` of *times* replies to each of *scenes*, their means over the scenes."""
        found: dict[str, dict[str, float]] = {}
        for each in contenders:
            if each.gave_up or not scenes:
                continue
            told = []
            for scene in scenes:
                varied = [
                    Scene(scene.result, scene.audience.model_copy(update={"variation": turn})) for turn in range(times)
                ]
                told.append([unfilled(await self.reply(one, each.gateway)) for one in varied])
            each.reasons()
            found[each.name] = {
                "distinct_2": round(sum(map(distinct_2, told)) / len(told), 4),
                "self_bleu": round(sum(map(self_bleu, told)) / len(told), 4),
            }
        return found


def figures(told: Sequence[Told], took: Totals, currency: str) -> dict[str, Any]:
    """What *told*, all by one provider, comes to; *took* is what its calls took."""
    whole = rates(told)
    wrong = [each for each in told if each.wrong]
    cost = Decimal(took.cost) / NANO
    return {
        **whole,
        "rules": dict(Counter(rule for each in told for rule in set(each.refused)).most_common()),
        "fallbacks_by_rule": dict(
            Counter(reason for each in told if not each.passed for reason in set(each.refused or map(_kind, each.failed))).most_common()
        ),
        "failures": dict(Counter(_kind(reason) for each in told for reason in each.failed).most_common()),
        "wrong": {
            "replies": len(wrong),
            "escaped": sum(each.verdict in ("passed", "pruned", "mended") for each in wrong),
            "by_aim": dict(Counter(aim for each in wrong for aim in {found.aim for found in each.wrong})),
            "samples": [
                {"of": _where(each.scene), "shown": each.text, "wrong": [f"{found.aim} {found.how}: {found.words}" for found in each.wrong]}
                for each in wrong[:SHOWN]
            ],
        },
        "characters_zh": _mean([len(each.text) for each in told if each.scene.audience.language == "zh"]),
        "words_en": _mean([len(words(each.text)) for each in told if each.scene.audience.language == "en"]),
        "ms": spread([each.seconds * 1000 for each in told]),
        "calls": took.calls,
        "tokens_in": took.tokens_in,
        "tokens_out": took.tokens_out,
        "estimated_calls": took.estimated,
        "cost": f"{cost:f}",
        "cost_of_1000_replies": f"{cost * 1000 / max(1, len(told)):.4f}",
        "currency": currency,
        "by_language": grouped(told, lambda each: each.scene.audience.language),
        "by_capability": grouped(told, lambda each: each.scene.result.capability),
        "by_mood": grouped(told, lambda each: each.scene.audience.mood),
        "by_tone": grouped(told, lambda each: each.scene.audience.tone),
    }  # fmt: skip


def rates(told: Sequence[Told]) -> dict[str, Any]:
    """Shares of *told*: good at the first draft, shown without what was refused of it, good at all (a retry included), and
    left to the template."""
    size = max(1, len(told))
    passed = sum(each.passed for each in told)
    return {
        "replies": len(told),
        "first_pass": round(sum(each.first for each in told) / size, 4),
        "trimmed": round(sum(each.trimmed for each in told) / size, 4),
        "after_retry": round(passed / size, 4),
        "fallback": round((len(told) - passed) / size, 4),
        "wrong_replies": sum(bool(each.wrong) for each in told),
    }


def grouped(told: Sequence[Told], by: Callable[[Told], str]) -> dict[str, dict[str, Any]]:
    """``rates`` of each group."""
    found: dict[str, list[Told]] = defaultdict(list)
    for each in told:
        found[by(each)].append(each)
    return {name: rates(group) for name, group in sorted(found.items())}


def spread(milliseconds: Sequence[float]) -> dict[str, float]:
    """The median and the 99th of a hundred."""
    ordered = sorted(milliseconds) or [0.0]
    return {
        "p50": round(ordered[len(ordered) // 2], 2),
        "p99": round(ordered[min(len(ordered) - 1, len(ordered) * 99 // 100)], 2),
    }


def against(figures: dict[str, Any], template: dict[str, Any]) -> dict[str, float | None]:
    """What *figures* are as multiples of the template's of the same run; ``None`` of nothing."""

    def ratio(one: float, other: float) -> float | None:
        return round(one / other, 2) if other else None

    return {
        "ms_p50": ratio(figures["ms"]["p50"], template["ms"]["p50"]),
        "ms_p99": ratio(figures["ms"]["p99"], template["ms"]["p99"]),
        "characters_zh": ratio(figures["characters_zh"], template["characters_zh"]),
        "words_en": ratio(figures["words_en"], template["words_en"]),
        "distinct_2": ratio(figures.get("distinct_2", 0.0), template.get("distinct_2", 0.0)),
        "self_bleu": ratio(figures.get("self_bleu", 0.0), template.get("self_bleu", 0.0)),
    }


def side_by_side(said: Mapping[str, Sequence[Told]], most: int) -> list[dict[str, Any]]:
    """Up to *most* scenes that everybody spoke in, spread over all, with what each said."""
    everybody = [{id(each.scene): each for each in told} for told in said.values()]
    shared = [each.scene for each in said[TEMPLATE] if all(id(each.scene) in known for known in everybody)]
    chosen = shared[:: max(1, len(shared) // most)][:most] if most else []
    return [
        {
            "of": _where(scene),
            "customer": scene.audience.customer,
            "said": {
                name: {"text": known[id(scene)].text, "verdict": known[id(scene)].verdict, "refused": list(known[id(scene)].refused)}
                for name, known in zip(said, everybody, strict=True)
            },
        }
        for scene in chosen
    ]  # fmt: skip


def _where(scene: Scene) -> str:
    result, audience = scene.result, scene.audience
    return f"{result.capability}.{result.outcome} · {audience.language} · {audience.mood} · {audience.tone} · {audience.channel}"


def _kind(reason: str) -> str:
    """A failure without the names in it: why the writer cannot write a plan names the plan."""
    if reason.startswith("no written reply fits"):
        return "no written reply fits"
    return "cannot be written" if " cannot be written: " in reason else reason


def _mean(numbers: Sequence[int]) -> float:
    return round(sum(numbers) / len(numbers), 1) if numbers else 0.0


def capabilities(results: Iterable[Result]) -> int:
    """How many capabilities *results* are of."""
    return len({result.capability for result in results})
