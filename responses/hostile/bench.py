"""How many hostile drafts get past the gates, how many honest ones do not, and what a check costs."""

from __future__ import annotations

import os
import random
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args

from backends.result import Result
from responses.draft import PLACEHOLDER, fill
from responses.freedom import DEFAULT, Freedom
from responses.gates.refusal import Refusal
from responses.hostile.cases import Case, Honest, by_capability, cases_of, from_results, from_templates, written_pairs
from responses.hostile.judge import wrong_in
from responses.hostile.lies import Group, LieKind, kinds
from responses.pruning import prune
from responses.verify import rules_version, verify

GROUPS: tuple[Group, ...] = get_args(Group)
TRIES = 40
"""How often another case is tried before a kind is said to have nothing to lie about."""
SAMPLES = 5
UNWRITTEN = "unwritten"
"""The honest drafts that are judged as if nobody had written them."""
WRITTEN_SHARE = 0.25
"""Share of the hostile drafts that are made of replies people wrote, not of templates and real results."""


@dataclass
class Tally:
    """Drafts told, refused, and those that were shown with the wrong thing in them."""

    told: int = 0
    refused: int = 0
    left_out: int = 0
    escaped: int = 0
    samples: list[dict[str, str]] = field(default_factory=list)

    def report(self, *, samples: bool) -> dict[str, Any]:
        """The figures, with the escapes themselves unless they must stay unseen."""
        said: dict[str, Any] = {
            "told": self.told, "refused": self.refused, "left_out": self.left_out, "escaped": self.escaped
        }  # fmt: skip
        return said | ({"samples": self.samples} if samples and self.samples else {})


def shown(
    case: Case, text: str, freedom: Freedom = DEFAULT, *, but: str = ""
) -> tuple[str | None, tuple[Refusal, ...]]:
    """What of *text* would be shown in the place of the case's source, if anything, and what it was refused or shortened for; as if
    nobody had ever written the reply *but*."""
    pruned = prune(text, case.source, [case.result], case.language, freedom=freedom, but=but)
    left, refused = pruned.checked(lambda said: verify(said, case.source, [case.result], case.language))
    if not refused and pruned.cut and left == case.source.text.strip():
        refused = pruned.cut
    return (None, tuple(refused)) if refused else (left, pruned.cut)


def pool(results: Iterable[Result], rng: random.Random, *, written: bool = True) -> dict[str, dict[str, list[Case]]]:
    """Honest drafts by origin and capability; of what people wrote only what the gates let pass, so that each lie is new."""
    cases: dict[str, list[Case]] = {
        "template": list(from_templates(rng)),
        "real": list(from_results(results, rng)),
    }
    if written:
        cases["written"] = [
            case for honest in written_pairs() if (case := next(iter(cases_of(honest, rng)), None)) is not None
        ]
    return {origin: by_capability(found) for origin, found in cases.items() if found}


def hostile(
    cases: Mapping[str, Mapping[str, Sequence[Case]]],
    number: int,
    rng: random.Random,
    only: Sequence[LieKind] = (),
    freedom: Freedom = DEFAULT,
) -> dict[str, Tally]:
    """*number* hostile drafts, the kinds and the capabilities in turn; what became of them by kind."""
    told = list(only or kinds())
    tallies: dict[str, Tally] = defaultdict(Tally)
    capabilities = sorted({name for found in cases.values() for name in found})
    passing: dict[int, bool] = {}
    turn = 0
    silent: set[str] = set()
    while sum(tally.told for tally in tallies.values()) < number and len(silent) < len(told):
        kind = told[turn % len(told)]
        turn += 1
        if kind.name in silent:
            continue
        for attempt in range(TRIES):
            capability = capabilities[(turn // len(told) + attempt) % len(capabilities)]
            case = _case(cases, capability, rng)
            lie = kind.tell(case, rng) if case is not None else None
            if case is None or lie is None:
                continue
            if case.origin == "written" and not passing.setdefault(
                id(case), shown(case, case.text, freedom)[0] is not None
            ):
                continue
            _judge(tallies[kind.name], case, lie.text, kind, lie, freedom)
            break
        else:
            silent.add(kind.name)
    return dict(tallies)


def _case(cases: Mapping[str, Mapping[str, Sequence[Case]]], capability: str, rng: random.Random) -> Case | None:
    origins = [origin for origin, found in cases.items() if capability in found]
    if not origins:
        return None
    weights = [WRITTEN_SHARE if origin == "written" else 1.0 for origin in origins]
    return rng.choice(cases[rng.choices(origins, weights)[0]][capability])


def _judge(tally: Tally, case: Case, text: str, kind: LieKind, lie: Any, freedom: Freedom) -> None:
    tally.told += 1
    draft, _ = shown(case, text, freedom)
    if draft is None:
        tally.refused += 1
        return
    said = fill(case.source, draft).text
    if wrong_in(said, fill(case.source, case.text).text, lie):
        tally.escaped += 1
        if len(tally.samples) < SAMPLES:
            where = f"{case.result.capability}.{case.result.outcome} ({case.language}, {case.origin})"
            tally.samples.append({"of": where, "shown": said, "wrong": lie.says or f"lacks {lie.lacks}"})
    else:
        tally.left_out += 1


def honest_refused(
    drafts: Sequence[Honest], rng: random.Random, freedom: Freedom = DEFAULT, *, unwritten: bool = False
) -> tuple[list[tuple[Honest, tuple[Refusal, ...]]], list[tuple[Honest, tuple[Refusal, ...]]]]:
    """The honest drafts of which nothing is shown, as a rewriting of whichever of their outcome's wordings, and why not of the
    nearest; and those that are shown in part: shortened, or with words that others wrote in the place of some of theirs. *unwritten*: each
    is judged as if nobody had written it, though its words may stand among what people wrote."""
    refused, shortened = [], []
    for honest in drafts:
        nearest: tuple[Refusal, ...] | None = None
        least: tuple[Refusal, ...] | None = None
        for case in cases_of(honest, rng):
            draft, found = shown(case, case.text, freedom, but=honest.text if unwritten else "")
            if draft is None:
                nearest = found if nearest is None or len(found) < len(nearest) else nearest
            else:
                least = found if least is None or len(found) < len(least) else least
            if draft is not None and not found:
                break
        if least is None and nearest is not None:
            refused.append((honest, nearest))
        elif least:
            shortened.append((honest, least))
    return refused, shortened


def half(drafts: Iterable[Honest], which: int) -> list[Honest]:
    """Every other draft: the gates may be mended on half 0 and are measured on half 1."""
    return [honest for place, honest in enumerate(drafts) if place % 2 == which]


def timed(cases: Sequence[Case], rng: random.Random) -> dict[str, float]:
    """Milliseconds of processor time of one check: median and 99th of a hundred, and how many turns of an empty loop the
    median takes. Every capability's lists are read before."""
    for case in cases:
        shown(case, case.text)
    spent = []
    for case in cases:
        bare_words = PLACEHOLDER.sub(lambda match: match[0], case.text)
        text = (
            bare_words + ("还有需要，随时告诉我。" if case.language == "zh" else " Let me know.")[: rng.randint(1, 9)]
        )
        begun = time.thread_time_ns()
        shown(case, text)
        spent.append(time.thread_time_ns() - begun)
    spent.sort()
    begun = time.thread_time_ns()
    for _ in range(1_000_000):
        pass
    turn = (time.thread_time_ns() - begun) / 1_000_000
    median, high = spent[len(spent) // 2], spent[min(len(spent) - 1, len(spent) * 99 // 100)]
    return {
        "median_ms": round(median / 1e6, 3),
        "p99_ms": round(high / 1e6, 3),
        "median_in_empty_loop_turns": round(median / turn),
        "cores": len(os.sched_getaffinity(0)),
    }


def bench(
    results: Sequence[Result],
    *,
    drafts: int,
    seed: int,
    honest: Mapping[str, Sequence[Honest]],
    show: bool = True,
    freedom: Freedom = DEFAULT,
) -> dict[str, Any]:
    """The whole measurement as JSON; *honest* are honest drafts by name, *show* tells the escapes of the kinds not kept back."""
    rng = random.Random(seed)  # noqa: S311
    cases = pool(results, rng)
    tallies = hostile(cases, drafts, rng, freedom=freedom)
    by_name = {kind.name: kind for kind in kinds()}
    groups = {
        group: {name: tally for name, tally in tallies.items() if by_name[name].group == group} for group in GROUPS
    }
    said: dict[str, Any] = {"rules": rules_version(), "seed": seed, "freedom": freedom}
    for group, found in groups.items():
        said[group] = {
            "kinds": len(found),
            "told": sum(tally.told for tally in found.values()),
            "escaped": sum(tally.escaped for tally in found.values()),
            "escaped_by_aim": dict(Counter({by_name[name].aim: 0 for name in found}) + Counter(
                aim for name, tally in found.items() for aim in [by_name[name].aim] * tally.escaped)),
            "by_kind": {name: tally.report(samples=show and group != "kept_back") for name, tally in sorted(found.items())},
        }  # fmt: skip
    said["capabilities"] = len({name for found in cases.values() for name in found})
    said["honest"] = {}
    for name, texts in honest.items():
        refused, shortened = honest_refused(texts, rng, freedom, unwritten=name == UNWRITTEN)
        said["honest"][name] = {
            "drafts": len(texts),
            "refused": len(refused),
            "rate": round(len(refused) / max(1, len(texts)), 4),
            "shortened": round(len(shortened) / max(1, len(texts)), 4),
            "rules": dict(
                Counter(rule for _, found in refused for rule in {each.rule for each in found}).most_common()
            ),
        }
    every = [case for found in cases.values() for group in found.values() for case in group]
    said["time"] = timed(rng.sample(every, min(2000, len(every))), rng)
    return said


def summary(said: Mapping[str, Any]) -> str:
    """One line of what matters."""
    honest = ", ".join(
        f"{name} {found['rate']:.1%} of {found['drafts']} ({found['shortened']:.0%} shortened)"
        for name, found in said["honest"].items()
    )
    groups = ", ".join(
        f"{group} {said[group]['escaped']} of {said[group]['told']} ({said[group]['kinds']} kinds)" for group in GROUPS
    )
    return (
        f"escaped {groups}; over {said['capabilities']} capabilities; honest refused: {honest}; "
        f"{said['time']['median_ms']} ms a check (p99 {said['time']['p99_ms']} ms, {said['time']['cores']} cores)"
    )


def files(folder: Path) -> dict[str, list[Honest]]:
    """The honest drafts of a folder, by file."""
    from responses.hostile.cases import drafts_of

    return {path.stem: drafts_of(path) for path in sorted(folder.glob("honest_drafts*.jsonl"))}
