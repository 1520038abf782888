"""How far a message is from everything the bank's assistant knows, by several signals at once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from intents.scorer import Calibration, Floats, Logits, softmax

SIGNALS = ("left over", "energy", "margin")
"""What is looked at: the probability that no intent in scope takes, as log odds; the energy of the intents in scope (Liu et
al. 2020); and how little the n-grams prefer their best intent to the next."""


def signals(logits: Logits, probabilities: Floats, out: int, calibration: Calibration) -> NDArray[np.float64]:
    """The signals of one message, each greater the further out it is; *out* is the number of the outside class."""
    inside = np.delete(probabilities, out).max()
    left = float(np.clip(1 - inside, 1e-6, 1 - 1e-6))
    scaled = np.delete(logits.intent, out) / calibration.temperature
    top = scaled.max()
    energy = -(top + np.log(np.exp(scaled - top).sum()))
    words = np.sort(np.delete(softmax(logits.ngram, calibration.ngram_temperature), out))
    return np.array([np.log(left / (1 - left)), float(energy), float(words[-2] - words[-1])])


def outside_score(found: Sequence[float] | NDArray[np.float64], weights: Sequence[float]) -> float:
    """The probability, by *weights* (one a signal, then the bias), that a message with the signals *found* is outside."""
    *slopes, bias = weights
    return float(1 / (1 + np.exp(-np.clip(np.dot(slopes, found) + bias, -30, 30))))
