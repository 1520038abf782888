"""What a released writer is worth: how many of its replies pass the gates, how varied they are, what they cost."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from responses.bench.variety import distinct_2, words
from responses.draft import Draft
from responses.writer.decode import How, Watch
from responses.writer.pairs import PAIRS, pairs
from responses.writer.plan import Plan
from responses.writer.recital import Recital
from responses.writer.rehearsal import refusals, staged, watching
from responses.writer.session import Release
from responses.writer.training.text import is_held_out, templates, written

WAYS = {
    "free": (How(constrained=False), False),
    "constrained": (How(), False),
    "watched": (How(), True),
}
"""Without any constraint; with placeholders and words constrained; and watched by the gates' rules besides, as it serves."""
_TURNS = 200


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """One reply on trial."""

    plan: Plan
    text: str
    refused: tuple[str, ...]
    forced: bool
    held: bool
    rewound: int
    seconds: float


def rehearse(
    release: Release, way: str, folder: Path = PAIRS, *, most: int | None = None, seed: int = 0
) -> list[Rehearsed]:
    """A reply to each plan kept for validation, checked as a rewriting of one wording of its outcome."""
    how, watched = WAYS[way]
    plans = [plan for plan, _ in written(folder, held_out=True)]
    random.Random(seed).shuffle(plans)  # noqa: S311
    return [_rehearsed(release, plan, how, watched=watched, seed=seed + at) for at, plan in enumerate(plans[:most])]


def rehearse_templates(
    release: Release, folder: Path = PAIRS, *, most: int | None = None, seed: int = 0
) -> list[Rehearsed]:
    """A reply to what each wording of every outcome states, as it is asked for when serving."""
    how, _ = WAYS["watched"]
    plans = list(dict.fromkeys(plan for plan, _ in templates(folder) if plan.capability != "shared"))
    random.Random(seed).shuffle(plans)  # noqa: S311
    return [
        _rehearsed(release, replace(plan, style="written"), how, watched=True, seed=seed + at)
        for at, plan in enumerate(plans[:most])
    ]


def _rehearsed(release: Release, plan: Plan, how: How, *, watched: bool, seed: int) -> Rehearsed:
    sources = staged(plan)[0]
    source = sources[seed % len(sources)]
    watch: Watch | None = watching(plan, source.text) if watched else None
    began = time.perf_counter()
    drawn = release.sampler().draw(plan, seed=seed, how=how, watch=watch)
    took = time.perf_counter() - began
    rules = tuple(refusal.rule for refusal in _refused(drawn.text, plan, source))
    return Rehearsed(plan, drawn.text, rules, drawn.forced > 0, drawn.held > 0, drawn.rewound, took)


def _refused(text: str, plan: Plan, source: Draft) -> Sequence[Any]:
    return refusals(text, plan, [source])


def recited(folder: Path = PAIRS, *, seed: int = 0) -> dict[str, Any]:
    """What the written pairs that are learnt from do for the plans kept for validation: for how many one fits, how many of
    the first that fit pass the gates as they are, and ``distinct_2`` of 200 replies to the plans that several fit."""
    recital = Recital([pair for pair in pairs(folder) if not is_held_out(Plan.of(pair))])
    plans = [plan for plan, _ in written(folder, held_out=True)]
    fitting = [(at, plan, recital.fitting(plan, seed + at)) for at, plan in enumerate(plans)]
    told = [(at, plan, found[0]) for at, plan, found in fitting if found]
    refused = [_refused(text, plan, staged(plan)[0][at % len(staged(plan)[0])]) for at, plan, text in told]
    varied = [plan for _, plan, found in fitting if plan.given and len(found) > 1][:40]
    mine = [distinct_2(recital.fitting(plan, turn)[0] for turn in range(_TURNS)) for plan in varied]
    other = [
        distinct_2(sources[turn % len(sources)].text for turn in range(_TURNS))
        for sources in (staged(plan)[0] for plan in varied)
    ]
    return {
        "plans": len(plans),
        "fit": round(len(told) / len(plans), 4),
        "passed": round(sum(not each for each in refused) / max(1, len(told)), 4),
        "distinct_2": {
            "recital": round(sum(mine) / max(1, len(mine)), 4),
            "template": round(sum(other) / max(1, len(other)), 4),
        },
    }


def summary(replies: Sequence[Rehearsed]) -> dict[str, Any]:
    """Shares and medians over *replies*; milliseconds are of replies of 40 to 80 characters."""
    size = len(replies)
    took = sorted(each.seconds for each in replies if 40 <= len(words(each.text)) <= 80)
    return {
        "replies": size,
        "passed": round(sum(not each.refused for each in replies) / size, 4),
        "forced": round(sum(each.forced for each in replies) / size, 4),
        "held": round(sum(each.held for each in replies) / size, 4),
        "rewound": round(sum(each.rewound for each in replies) / size, 3),
        "ms": round(1000 * took[len(took) // 2], 1) if took else None,
        "rules": dict(Counter(rule for each in replies for rule in set(each.refused)).most_common()),
    }


def variety(release: Release, plan: Plan, *, replies: int = 200) -> tuple[float, float]:
    """``distinct_2`` of so many replies to *plan* by the writer, and by the templates of its outcome."""
    how, _ = WAYS["watched"]
    sources = [source.text for source in staged(plan)[0]]
    watch = watching(plan, sources[0])
    mine = [release.sampler().draw(plan, seed=seed, how=how, watch=watch).text for seed in range(replies)]
    return distinct_2(mine), distinct_2(sources[seed % len(sources)] for seed in range(replies))


def measured(
    release_folder: Path, folder: Path = PAIRS, *, most: int | None = None, plans: int = 6, replies: int = 200
) -> dict[str, Any]:
    """Every figure of the release at *release_folder*, on the plans that the pairs of *folder* keep for validation."""
    release = Release(release_folder)
    told: dict[str, Any] = {way: summary(rehearse(release, way, folder, most=most)) for way in WAYS}
    told["recital"] = recited(folder)
    told["templates"] = summary(rehearse_templates(release, folder, most=most))
    held_out = [plan for plan, _ in written(folder, held_out=True) if plan.given]
    chosen = random.Random(1).sample(held_out, min(plans, len(held_out)))  # noqa: S311
    varied = [variety(release, plan, replies=replies) for plan in chosen]
    told["distinct_2"] = {
        "writer": round(sum(mine for mine, _ in varied) / len(varied), 4),
        "template": round(sum(other for _, other in varied) / len(varied), 4),
    }
    return told
