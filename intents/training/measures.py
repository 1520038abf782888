"""Figures of merit of any reader of messages: intents, out of scope, slots, calibration."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata  # type: ignore[import-untyped]

from intents.figures import expected_calibration_error, micro_f1
from intents.tagging import Spans
from intents.training.rows import Row

OUTSIDE = frozenset({"out_of_scope", "oos"})
"""What data sets call a message that no intent of theirs fits."""

KEPT = 0.95
"""Share of in-scope messages let through where the recall of out-of-scope ones is told."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What a reader says of one message: the intents it tells, how sure of the first, how far out of scope, the spans."""

    intents: tuple[str, ...]
    confidence: float
    outside: float
    spans: Spans | None = None


def measure(readings: Sequence[Reading], rows: Sequence[Row]) -> dict[str, Any]:
    """The figures of *readings* against *rows*, shares from 0 to 1; only those that the data can tell.

    ``accuracy`` wants the intents exactly, in scope where there is an outside; ``micro_f1`` and ``macro_f1`` count labels;
    ``slot_f1`` exact spans; ``sentence`` everything of a message at once; ``oos_auroc`` the area under the curve of the
    out-of-scope score, ``oos_recall`` what it finds while it lets ``KEPT`` of the others through; ``confusions`` the
    commonest mistakes as ``[right, said, count]``.
    """
    gold = [_intents(row) for row in rows]
    right = [set(reading.intents) == set(intents) for reading, intents in zip(readings, gold, strict=True)]
    outside = np.array([intents[0] in OUTSIDE for intents in gold])
    inside = [at for at in range(len(rows)) if not outside[at]]
    figures: dict[str, Any] = {
        "rows": len(rows),
        "accuracy": _share([right[at] for at in inside]),
        "micro_f1": _micro(readings, gold),
        "macro_f1": _macro(readings, gold),
        "ece": round(expected_calibration_error([reading.confidence for reading in readings], right), 4),
        "confusions": _confusions(readings, gold),
    }
    if outside.any() and not outside.all():
        scores = np.array([reading.outside for reading in readings])
        figures["oos_auroc"] = round(auroc(scores, outside), 4)
        limit = np.quantile(scores[~outside], KEPT)
        figures["oos_recall"] = round(float((scores[outside] > limit).mean()), 4)
    if any(row.spans for row in rows) and all(reading.spans is not None for reading in readings):
        pairs = [(set(reading.spans or ()), set(row.spans or ())) for reading, row in zip(readings, rows, strict=True)]
        figures["slot_f1"] = round(micro_f1(pairs)[2], 4)
        figures["sentence"] = _share([ok and said == meant for ok, (said, meant) in zip(right, pairs, strict=True)])
    return figures


def auroc(scores: NDArray[np.floating[Any]], positive: NDArray[np.bool_]) -> float:
    """The chance that a positive scores above a negative, ties counting half."""
    ranks = rankdata(scores)
    ups, downs = int(positive.sum()), int((~positive).sum())
    return float((ranks[positive].sum() - ups * (ups + 1) / 2) / (ups * downs))


def _intents(row: Row) -> tuple[str, ...]:
    return (row.intent,) if row.second is None else (row.intent, row.second)


def _share(right: Sequence[bool]) -> float:
    return round(sum(right) / max(1, len(right)), 4)


def _counts(
    readings: Sequence[Reading], gold: Sequence[tuple[str, ...]]
) -> tuple[Counter[str], Counter[str], Counter[str]]:
    said = Counter(name for reading in readings for name in reading.intents)
    meant = Counter(name for intents in gold for name in intents)
    both = Counter(
        name for reading, intents in zip(readings, gold, strict=True) for name in set(reading.intents) & set(intents)
    )
    return said, meant, both


def _micro(readings: Sequence[Reading], gold: Sequence[tuple[str, ...]]) -> float:
    said, meant, both = (count.total() for count in _counts(readings, gold))
    return round(2 * both / max(1, said + meant), 4)


def _macro(readings: Sequence[Reading], gold: Sequence[tuple[str, ...]]) -> float:
    """The mean over the intents that occur, each worth the same."""
    said, meant, both = _counts(readings, gold)
    return round(float(np.mean([2 * both[name] / (said[name] + meant[name]) for name in meant])), 4)


def _confusions(readings: Sequence[Reading], gold: Sequence[tuple[str, ...]]) -> list[list[Any]]:
    pairs = Counter(
        (intents[0], reading.intents[0])
        for reading, intents in zip(readings, gold, strict=True)
        if reading.intents[0] != intents[0]
    )
    return [[*pair, count] for pair, count in pairs.most_common()]
