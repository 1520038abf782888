"""Temperatures, the mixing weight and the thresholds of a release, fitted on rows it was not trained on."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from intents.figures import expected_calibration_error
from intents.outside import signals
from intents.pairs import two_intents
from intents.scorer import (
    OUT_OF_SCOPE,
    Calibration,
    Floats,
    Logits,
    Scorer,
    intent_probabilities,
    softmax,
)
from intents.training.rejection import choose
from intents.training.rows import Row

TOLD_AS_TWO = 0.005
"""Share of the messages with one intent that may be told as two: each costs an answer nobody asked for."""

SURE_OF_TWO = 0.5
"""Two intents are never told from less than this, however seldom one is mistaken for two."""

_TEMPERATURES = np.geomspace(0.3, 4.0, 40)
_SHIFTS = tuple(round(float(shift), 2) for shift in np.arange(0.0, 2.01, 0.2))


def calibrate(scorer: Scorer, rows: Sequence[Row]) -> tuple[Calibration, dict[str, Any]]:
    """Fit a ``Calibration`` to *rows*, some with two intents and some out of scope, as *scorer* reads them.

    Also the figures behind the rejection of what is out of scope; see ``rejection.choose``.
    """
    read = [scorer.logits(row.text) for row in rows]
    names = {name: index for index, name in enumerate(scorer.labels.intents)}
    acts: dict[str | None, int] = {name: index for index, name in enumerate(scorer.labels.acts)}
    said = np.array([row.act is not None for row in rows])
    single = np.array([row.second is None for row in rows])
    gold = np.array([names[row.intent] for row in rows])
    act_gold = np.array([acts.get(row.act, 0) for row in rows])
    act = np.stack([logits.act for logits in read])
    found = mixture([logits for logits, alone in zip(read, single, strict=True) if alone], gold[single].tolist())
    found = replace(found, act_bias=_even_handed(act[said], act_gold[said]))
    out = names[OUT_OF_SCOPE]
    alone = [logits for logits, one in zip(read, single, strict=True) if one]
    probabilities = [intent_probabilities(logits.intent, logits.ngram, found) for logits in alone]
    best = np.array([int(np.where(np.arange(len(names)) == out, -1.0, chances).argmax()) for chances in probabilities])
    rejection = choose(
        np.stack([signals(logits, chances, out, found) for logits, chances in zip(alone, probabilities, strict=True)]),
        gold[single] == out,
        best == gold[single],
    )
    found = replace(found, outside=rejection.weights, reject=rejection.limit)
    return replace(found, second=_second_threshold(scorer, read, rows, found)), rejection.figures


def mixture(read: Sequence[Logits], gold: Sequence[int]) -> Calibration:
    """The temperatures of the two opinions and the share of the n-grams under which the class numbers *gold* surprise least."""
    intent = np.stack([logits.intent for logits in read])
    ngram = np.stack([logits.ngram for logits in read])
    right = np.array(gold)
    found = Calibration(
        temperature=_coolest(lambda t: softmax(intent, t), right),
        ngram_temperature=_coolest(lambda t: softmax(ngram, t), right),
    )
    shares = np.linspace(0.0, 0.6, 13)
    losses = [
        _surprise(intent_probabilities(intent, ngram, replace(found, ngram_share=share)), right) for share in shares
    ]
    return replace(found, ngram_share=float(shares[int(np.argmin(losses))]))


def _surprise(probabilities: Floats, gold: NDArray[np.int64]) -> float:
    return float(-np.log(probabilities[np.arange(len(gold)), gold] + 1e-9).mean())


def _coolest(model: Callable[[float], Floats], gold: NDArray[np.int64]) -> float:
    """The temperature under which *gold* is least surprising."""
    losses = [_surprise(model(float(temperature)), gold) for temperature in _TEMPERATURES]
    return float(_TEMPERATURES[int(np.argmin(losses))])


def _even_handed(logits: Floats, gold: NDArray[np.int64]) -> tuple[float, ...]:
    """What to add to each act's logits so that the rare ones are heard too.

    Most messages ask; told by likelihood alone, a request in few words is taken for a question. The best sum of accuracy
    and the mean of the acts' recalls is looked for on a grid, the first act staying where it is.
    """
    present = np.unique(gold)
    best, chosen = -1.0, (0.0, *(0.0 for _ in range(logits.shape[1] - 1)))
    for shifts in itertools.product(_SHIFTS, repeat=logits.shape[1] - 1):
        told = (logits + np.array([0.0, *shifts])).argmax(-1)
        recalls = float(np.mean([(told[gold == act] == act).mean() for act in present]))
        score = float((told == gold).mean()) + recalls
        if score > best + 1e-6:
            best, chosen = score, (0.0, *shifts)
    return chosen


def _second_threshold(scorer: Scorer, read: Sequence[Logits], rows: Sequence[Row], calibration: Calibration) -> float:
    """The lowest sureness at which no more than ``TOLD_AS_TWO`` of the messages with one intent are told as two."""
    alone = [(row, logits) for row, logits in zip(rows, read, strict=True) if row.second is None]
    pairs = [two_intents(scorer, row.text, logits, calibration) for row, logits in alone]
    sure = np.array([0.0 if pair is None else pair[2] for pair in pairs])
    return max(SURE_OF_TWO, float(np.quantile(sure, 1 - TOLD_AS_TWO)))


def held_out_figures(scorer: Scorer, calibration: Calibration, rows: Sequence[Row]) -> dict[str, float]:
    """Accuracy and calibration of the intents, and of the act, on *rows* of one intent each."""
    read = [scorer.logits(row.text) for row in rows]
    probabilities = np.stack([intent_probabilities(logits.intent, logits.ngram, calibration) for logits in read])
    gold = np.array([scorer.labels.intents.index(row.intent) for row in rows])
    acts = np.array(
        [
            scorer.labels.acts[int((logits.act + np.array(calibration.act_bias)).argmax())] == row.act
            for row, logits in zip(rows, read, strict=True)
            if row.act is not None
        ]
    )
    top = probabilities.argmax(-1)
    return {
        "rows": len(rows),
        "intent": round(float((top == gold).mean()), 4),
        "act": round(float(acts.mean()), 4) if len(acts) else 0.0,
        "ece": round(expected_calibration_error(probabilities.max(-1).tolist(), (top == gold).tolist()), 4),
    }
