"""Pseudo-labels: unlabelled messages that two views of a first model agree on, to train a second one with."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from intents.data import Row
from intents.noise import dice_of
from intents.scorer import Calibration, Scorer, intent_probabilities
from intents.serve import language_of

AGREED = 0.7
"""Mixed probability from which an intent that encoder and n-grams both put first is believed."""

PER_INTENT = 120
"""Messages taken for one intent at most, so that what real customers ask most does not drown the rest."""


def mine(scorer: Scorer, calibration: Calibration, texts: Iterable[str], seed: int = 0) -> list[Row]:
    """Rows of those *texts* whose intent is beyond doubt, at most ``PER_INTENT`` of each, drawn by chance.

    Only the intent is believed, so the rows are marked ``mined``: their act and slots are not trained on.
    """
    found: dict[str, list[Row]] = defaultdict(list)
    for text in sorted(set(texts)):
        logits = scorer.logits(text)
        probabilities = intent_probabilities(logits.intent, logits.ngram, calibration)
        best = int(probabilities.argmax())
        if probabilities[best] >= AGREED and best == int(logits.intent.argmax()) == int(logits.ngram.argmax()):
            name = scorer.labels.intents[best]
            act = scorer.labels.acts[int(logits.act.argmax())]
            found[name].append(Row(text, language_of(text, None), name, act, mined=True))
    dice = dice_of(seed)
    return [row for name in sorted(found) for row in dice.sample(found[name], min(PER_INTENT, len(found[name])))]
