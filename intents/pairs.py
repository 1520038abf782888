"""Two questions in one message: the second-intent head says whether there are two, the clauses say which."""

from __future__ import annotations

import re
from collections.abc import Iterator

from intents.scorer import OUT_OF_SCOPE, Calibration, Logits, Scorer, intent_probabilities, softmax

WORTH_SPLITTING = 0.5
"""Probability of a second intent from which the clauses are read at all; each costs an inference."""

MOST_CUTS = 3

_JOINT = re.compile(
    r"[，,。．.？?！!；;\s]*(?=顺便|另外|还有|对了|然后|同时|并且|再帮|再看|再查|也帮)|[,.;?!\s]+(?=and |plus |then |by the way)|(?<!and)[,.;?!\s]+(?=also )",
    re.IGNORECASE,
)
_STOP = re.compile(r"[，,。？?！!；;]+|(?<=[\u4e00-\u9fff])\s+")


def cuts(text: str) -> Iterator[tuple[str, str]]:
    """*text* in two clauses, at most ``MOST_CUTS`` ways: at words that join, or where there are none, at its stops."""
    places = {match.end(): match.start() for match in reversed(list(_JOINT.finditer(text)))}
    places = places or {match.end(): match.start() for match in reversed(list(_STOP.finditer(text)))}
    found = [(text[:start].strip(), text[end:].strip()) for end, start in sorted(places.items())]
    yield from [pair for pair in found if min(map(len, pair)) > 1][:MOST_CUTS]


def two_intents(scorer: Scorer, text: str, logits: Logits, calibration: Calibration) -> tuple[str, str, float] | None:
    """The two intents of *text* in its order, and how sure that is; ``None`` where it has but one.

    The sureness is the least of three: that there are two, and each clause's own probability.
    """
    joined = 1 - float(softmax(logits.second)[-1])
    if joined < WORTH_SPLITTING:
        return None
    best: tuple[str, str, float] | None = None
    for first, second in cuts(text):
        name, sure = _read(scorer, first, calibration)
        other, other_sure = _read(scorer, second, calibration)
        sure = min(joined, sure, other_sure)
        if name != other and OUT_OF_SCOPE not in (name, other) and (best is None or sure > best[2]):
            best = (name, other, sure)
    return best


def _read(scorer: Scorer, clause: str, calibration: Calibration) -> tuple[str, float]:
    logits = scorer.logits(clause)
    probabilities = intent_probabilities(logits.intent, logits.ngram, calibration)
    at = int(probabilities.argmax())
    return scorer.labels.intents[at], float(probabilities[at])
