"""What the checker is worth: how many lies it finds when they are put past the gates on purpose, and at how many honest
replies of other hands it cries wolf. Without this a zero of wrong replies would say nothing."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from backends.result import Result
from responses.bench.checker import Bank, Truth, check
from responses.draft import fill
from responses.hostile.cases import Case, by_capability, cases_of, from_results, from_templates, written_pairs
from responses.hostile.lie import Lie
from responses.hostile.lies import LieKind, kinds
from responses.verify import verify

TRIES = 40
"""How often another case is tried before a kind is said to have nothing to lie about."""


def control(
    results: Sequence[Result], bank: Bank, *, each: int, honest: int, seed: int, only: Sequence[str] = ()
) -> dict[str, Any]:
    """*each* lies of every kind that the gates know, shown unseen by them: how many the checker finds, by what they are wrong
    about; and *honest* replies that people wrote and the gates let pass: how many it finds something in. *only* names kinds."""
    rng = random.Random(seed)  # noqa: S311 - a sample, not a secret
    cases = by_capability([*from_templates(rng), *from_results(results, rng)])
    told: Counter[str] = Counter()
    found: Counter[str] = Counter()
    by_kind: dict[str, str] = {}
    for kind in (kind for kind in kinds() if not only or kind.name in only):
        hits = [bool(check(shown, truth, bank)) for truth, shown in _lies(kind, cases, each, rng)]
        told[kind.aim] += len(hits)
        found[kind.aim] += sum(hits)
        by_kind[kind.name] = f"{sum(hits)}/{len(hits)}"
    alarms = [bool(check(text, truth, bank)) for truth, text in _honest(honest, rng)]
    return {
        "lies": {aim: {"told": told[aim], "found": found[aim]} for aim in sorted(told)},
        "by_kind": by_kind,
        "honest": {"replies": len(alarms), "alarms": sum(alarms)},
    }


def truth_of(case: Case) -> Truth:
    """What a rewriting of *case* must say."""
    plain = fill(case.source)
    return Truth(case.result, case.language, [span.fact for span in plain.spans], plain.text)


def _lies(
    kind: LieKind, cases: Mapping[str, Sequence[Case]], number: int, rng: random.Random
) -> list[tuple[Truth, str]]:
    capabilities = sorted(cases)
    lies = []
    for _ in range(number):
        for _ in range(TRIES):
            case = rng.choice(cases[rng.choice(capabilities)])
            shown = _shown(case, kind.tell(case, rng))
            if shown is not None:
                lies.append((truth_of(case), shown))
                break
    return lies


def _shown(case: Case, lie: Lie | None) -> str | None:
    """The lie as a customer would read it; ``None`` where it cannot even be filled in."""
    try:
        return fill(case.source, lie.text).text if lie is not None else None
    except KeyError:
        return None


def _honest(number: int, rng: random.Random) -> list[tuple[Truth, str]]:
    pairs = written_pairs()
    rng.shuffle(pairs)
    found: list[tuple[Truth, str]] = []
    for pair in pairs:
        if len(found) >= number:
            break
        case = next((case for case in cases_of(pair, rng) if _passes(case)), None)
        if case is not None:
            found.append((truth_of(case), fill(case.source, case.text).text))
    return found


def _passes(case: Case) -> bool:
    return not verify(case.text, case.source, [case.result], case.language)
