"""Figures of merit, computed from what was said and what was right."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence


def expected_calibration_error(confidences: Sequence[float], right: Sequence[bool], bins: int = 15) -> float:
    """The mean gap between confidence and accuracy over *bins* of equal width, weighted by how many fall in each."""
    gaps = 0.0
    for at in range(bins):
        inside = [
            (c, r)
            for c, r in zip(confidences, right, strict=True)
            if at / bins < c <= (at + 1) / bins or (at == 0 and c == 0)
        ]
        if inside:
            gaps += abs(sum(c for c, _ in inside) - sum(r for _, r in inside))
    return gaps / max(1, len(confidences))


def calibration_noise(confidences: Sequence[float], trials: int = 200, bins: int = 15) -> tuple[float, float]:
    """The mean and the 95th percentile of the error above that a perfectly calibrated model would show on so few messages.

    The measure is biased upwards (Nixon et al.: Measuring Calibration in Deep Learning, 2019): on some hundred messages even
    confidences that are exactly right miss by points. Outcomes are drawn by the *confidences* themselves, always the same.
    """
    dice = random.Random(0)  # noqa: S311
    errors = sorted(
        expected_calibration_error(confidences, [dice.random() < sure for sure in confidences], bins)
        for _ in range(trials)
    )
    return sum(errors) / trials, errors[int(0.95 * (trials - 1))]


def micro_f1(
    pairs: Iterable[tuple[set[tuple[int, int, str]], set[tuple[int, int, str]]]],
) -> tuple[float, float, float]:
    """Precision, recall and F1 of ``(said, right)`` sets of exact spans, counted over all messages together."""
    said = right = both = 0
    for found, gold in pairs:
        said, right, both = said + len(found), right + len(gold), both + len(found & gold)
    precision, recall = both / max(1, said), both / max(1, right)
    return precision, recall, 2 * precision * recall / (precision + recall) if both else 0.0
