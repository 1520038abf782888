"""Lies in the words of people: sentences that somebody wrote for another outcome, another capability or another state of the facts.

Every word of such a lie is familiar, and nothing of it is a figure. Only who knows what a sentence was written for can tell.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import cache, lru_cache

from responses.draft import PLACEHOLDER, fill
from responses.gates.bare import as_draft
from responses.hostile.cases import Case
from responses.hostile.lie import Lie
from responses.library import wording
from responses.sentences import split
from responses.vouching import optional, read_written
from responses.writer.pairs import Pair

Key = tuple[str, str, str]
State = frozenset[str]
"""The facts that come and go which a reply states."""


def of_another_outcome(case: Case, rng: random.Random) -> Lie | None:
    """A sentence of the same capability, of another outcome."""
    result = case.result
    others = [
        key for key in _sentences()
        if key[0] == result.capability and key[1] != result.outcome and key[2] == case.language
    ]  # fmt: skip
    return _said(case, rng, [said for key in others for found in _sentences()[key].values() for said in found])


def of_another_capability(case: Case, rng: random.Random) -> Lie | None:
    """A sentence of another capability."""
    result = case.result
    others = [key for key in _sentences() if key[0] != result.capability and key[2] == case.language]
    return _said(case, rng, [said for found in _sentences()[rng.choice(others)].values() for said in found])


def of_another_state(case: Case, rng: random.Random) -> Lie | None:
    """A sentence of the same outcome, written when a fact was there that is missing now, or the other way about."""
    result = case.result
    told = _sentences().get((result.capability, result.outcome, case.language), {})
    now = optional(result.capability, result.outcome) & set(PLACEHOLDER.findall(case.source.text))
    return _said(case, rng, [said for state, found in told.items() if state != now for said in found], now)


def _said(case: Case, rng: random.Random, sentences: Sequence[str], state: State | None = None) -> Lie | None:
    """One of *sentences* put behind the draft; ``None`` where people said it of this outcome, in this *state*, too."""
    if not sentences:
        return None
    said = rng.choice(sentences)
    result = case.result
    own = _own(result.capability, result.outcome, case.language, state)
    if _plain(said).rstrip(".。!！?？") in own or said in fill(case.source, case.text).text:
        return None
    return Lie(case.text + ("" if case.language == "zh" else " ") + said, says=said)


@cache
def _sentences() -> Mapping[Key, Mapping[State, Sequence[str]]]:
    """The sentences without a fact that people wrote, by what they were written for."""
    found: dict[Key, dict[State, list[str]]] = defaultdict(lambda: defaultdict(list))
    for key, written in read_written().items():
        for pair in written:
            said = [each.strip() for each in split(as_draft(pair.reply)) if not PLACEHOLDER.search(each)]
            found[key][_state(pair)] += filter(None, said)
    return {key: dict(states) for key, states in found.items()}


@lru_cache(maxsize=512)
def _own(capability: str, outcome: str, language: str, state: State | None) -> str:
    """All that people and the templates say of the outcome, as ``_plain`` has it; of one *state*, or of all."""
    told = [
        pair.reply for pair in read_written().get((capability, outcome, language), ()) if state in (None, _state(pair))
    ]
    told += [template for of, template in wording(capability, outcome).templates() if of == language]
    return "|".join(_plain(as_draft(each)) for each in told)


def _state(pair: Pair) -> State:
    return optional(pair.capability, pair.outcome) & set(pair.given)


def _plain(text: str) -> str:
    return "".join(text.split()).casefold()
