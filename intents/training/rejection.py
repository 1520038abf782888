"""Choosing how a message is told to be outside: which signals, with what weights, and from which score on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from intents.outside import SIGNALS, outside_score
from intents.training.measures import KEPT, auroc

KEPT_IN_SCOPE = 0.985
"""Share of held-out in-scope messages that the threshold must let through."""

_WORTH = 0.001
"""By how much all signals together must beat the first alone to be used."""


@dataclass(frozen=True, slots=True)
class Rejection:
    """``weights`` of the signals and the bias, the ``limit`` from which a message is outside, and the figures behind it."""

    weights: tuple[float, ...]
    limit: float
    figures: dict[str, Any]


def choose(found: NDArray[np.float64], outside: NDArray[np.bool_], right: NDArray[np.bool_]) -> Rejection:
    """Fit to held-out messages: *found* ``[N, signals]``, whether each is *outside*, whether its best intent is *right*.

    The sum of the signals is judged on fifths it was not fitted on.
    """
    if outside.all() or not outside.any():
        return Rejection((1.0, *(0.0 for _ in SIGNALS)), 1.0, {})
    alone = {name: auroc(found[:, at], outside) for at, name in enumerate(SIGNALS)}
    together = auroc(_crossed(found, outside), outside)
    summed = together > alone[SIGNALS[0]] + _WORTH
    weights = _fitted(found, outside) if summed else (1.0, *(0.0 for _ in SIGNALS))
    scores = np.array([outside_score(row, weights) for row in found])
    limit = _limit(scores, outside, right)
    kept = np.quantile(scores[~outside], KEPT)
    figures: dict[str, Any] = {
        "auroc": {name: round(value, 4) for name, value in {**alone, "sum": together}.items()},
        "chosen": "sum" if summed else SIGNALS[0],
        "recall_at_95_kept": round(float((scores[outside] > kept).mean()), 4),
        "false_accept": round(float((scores[outside] < limit).mean()), 4),
        "false_reject": round(float((scores[~outside] >= limit).mean()), 4),
    }
    return Rejection(weights, limit, figures)


def _limit(scores: NDArray[np.float64], outside: NDArray[np.bool_], right: NDArray[np.bool_]) -> float:
    """The threshold that gets most messages right while it lets ``KEPT_IN_SCOPE`` of those in scope through."""
    lowest = float(np.quantile(scores[~outside], KEPT_IN_SCOPE))
    candidates = np.unique(np.concatenate([[lowest, 1.0], scores[scores >= lowest]]))
    won = [np.mean(np.where(scores >= limit, outside, right)) for limit in candidates]
    return float(candidates[int(np.argmax(won))])


def _fitted(found: NDArray[np.float64], outside: NDArray[np.bool_]) -> tuple[float, ...]:
    from sklearn.linear_model import LogisticRegression

    middle, spread = found.mean(0), found.std(0) + 1e-9
    learner = LogisticRegression(C=1.0, max_iter=500).fit((found - middle) / spread, outside)
    slopes = learner.coef_[0] / spread
    bias = float(learner.intercept_[0]) - float(np.dot(slopes, middle))
    return (*(round(float(slope), 5) for slope in slopes), round(bias, 5))


def _crossed(found: NDArray[np.float64], outside: NDArray[np.bool_], folds: int = 5) -> NDArray[np.float64]:
    scores = np.zeros(len(found))
    for fold in range(folds):
        mine = np.arange(len(found)) % folds == fold
        if outside[~mine].all() or not outside[~mine].any():
            return found[:, 0]
        weights = _fitted(found[~mine], outside[~mine])
        scores[mine] = [outside_score(row, weights) for row in found[mine]]
    return scores
