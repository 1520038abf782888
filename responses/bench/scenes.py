"""What is said to whom: results by capability in turn, audiences drawn evenly from all there are."""

from __future__ import annotations

import datetime as dt
import random
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import get_args

from backends.result import Fact, Result
from backends.values import Count
from responses.audience import Audience, Mood
from responses.check import sample
from responses.draft import Draft
from responses.library import SHARED, TemplateError, library, wording
from responses.parts import Part
from responses.reply import Language

CHANNELS = ("web", "wechat")
LANGUAGES: tuple[Language, ...] = ("zh", "en")
PEOPLE: tuple[tuple[str, int | None], ...] = (("standard", 34), ("private", 45), ("standard", 72), ("visitor", None))
"""Tier and age, so that every tone is heard; a visitor has neither, and no name."""
_MOST = 2**20


@dataclass(frozen=True, slots=True)
class Scene:
    """One reply to be: what it tells and to whom."""

    result: Result
    audience: Audience


def worded(results: Sequence[Result]) -> list[Result]:
    """Those of *results* that templates have words for and models may say in their own; for capabilities that are in none,
    a conversation's own, the outcomes of their templates with sample facts."""
    answered = {result.capability for result in results}
    spoken = [
        Result(capability=capability, outcome=outcome, completed=said.completed, reference="R1" if said.completed else None,
               facts=tuple(sample(name, kind) for name, kind in file.facts.items()))
        for capability, file in library().items() if capability not in answered and capability != SHARED
        for outcome, said in file.outcomes.items() if said.row is None
    ]  # fmt: skip
    return [result for result in (*results, *spoken) if _is_free(result)]


def _is_free(result: Result) -> bool:
    try:
        return not Part(result, wording(result.capability, result.outcome), Draft("", {})).exact
    except TemplateError:
        return False


def scenes(
    results: Sequence[Result],
    number: int,
    *,
    seed: int,
    now: dt.datetime,
    customers: Mapping[tuple[str, Language], Sequence[str]],
) -> list[Scene]:
    """*number* scenes at *now* (aware, UTC): capabilities in turn, and every audience once before any is met again.

    *customers* are sentences that customers of a capability write. The same *seed* gives the same scenes.
    """
    rng = random.Random(seed)  # noqa: S311 - a sample, not a secret
    by_capability: dict[str, list[Result]] = defaultdict(list)
    for result in results:
        by_capability[result.capability].append(result)
    for found in by_capability.values():
        rng.shuffle(found)
    capabilities = sorted(by_capability)
    rng.shuffle(capabilities)
    audiences = _audiences(rng, now)
    told = []
    for place in range(number):
        turn, at = divmod(place, len(capabilities))
        found = by_capability[capabilities[at]]
        result, audience = found[turn % len(found)], next(audiences)
        said = customers.get((result.capability, audience.language), ())
        told.append(Scene(result, audience.model_copy(update={"customer": rng.choice(said) if said else ""})))
    return told


def _audiences(rng: random.Random, now: dt.datetime) -> Iterator[Audience]:
    every = list(product(LANGUAGES, get_args(Mood), PEOPLE, CHANNELS, (True, False)))
    while True:
        rng.shuffle(every)
        for language, mood, (tier, age), channel, greeted in every:
            yield Audience.of(
                _profile(tier, age, now), language=language, channel=channel, greeted=greeted, now=now,
                variation=rng.randrange(_MOST), mood=mood,
            )  # fmt: skip


def _profile(tier: str, age: int | None, now: dt.datetime) -> tuple[Fact, ...]:
    if age is None:
        return ()
    made = {"source": "sample", "as_of": now}
    return (
        Fact(name="honorific", kind="name", value="陈女士", english="Ms Chen", sensitivity="personal", **made),
        Fact(name="tier", kind="enum", value=tier, **made),
        Fact.of("age", Count(age, "year"), source="sample", as_of=now),
    )
