"""Understanding a message: the released model, then what needs no model. Imports neither torch nor transformers."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np

from intents.answers import read_in_context
from intents.capability import catalog
from intents.complete import complete
from intents.normalise import normalise
from intents.outside import outside_score, signals
from intents.pairs import two_intents
from intents.scorer import (
    OUT_OF_SCOPE,
    RELEASE,
    Calibration,
    Floats,
    Logits,
    Scorer,
    intent_probabilities,
)
from intents.tagging import Span, best_tags, spans_of
from intents.understanding import Act, Context, IntentScore, Language, SlotValue, Understanding

RANKED = 10

CERTAIN = 0.99
"""The confidence of what the conversation leaves no doubt about."""

SURE = 0.6
"""The confidence from which a message is about another business, though a name was asked for."""

_HAN = re.compile(r"[\u3400-\u9fff\uf900-\ufaff]")
_LATIN = re.compile(r"[A-Za-z]{2,}")
_WORDS = re.compile(r"\w")


class Understander:
    """The serving side of a release: loads in under a second, answers on one thread.

    ``release`` is the name of what is served, for the turn's record.
    """

    def __init__(self, release: Path = RELEASE) -> None:
        self._scorer = Scorer(release)
        self._calibration = Calibration.load(release / "thresholds.json")
        self._names = self._scorer.labels.intents
        self._capabilities = catalog()
        self.release: str = json.loads((release / "release.json").read_text("utf-8"))["name"]

    def understand(self, text: str, context: Context) -> Understanding:
        """What *text* means in *context*. Never raises on any text; what says nothing is out of scope."""
        language = language_of(text, context.language)
        if not _WORDS.search(text):
            return _nothing(text, language)
        logits = self._scorer.logits(text)
        tags = best_tags(logits.slots[1:-1])
        spans = complete(text, spans_of(logits.offsets[1:-1], tags, self._scorer.labels.slots))
        about = self._capabilities.get(context.capability or "")
        reading = read_in_context(text, spans, context, about, elsewhere=self._is_elsewhere(logits, context))
        ranking = self._ranking(logits, reading.intent)
        intents = self._intents(text, ranking, logits)
        in_scope = intents[0].name != OUT_OF_SCOPE
        about_nothing = not in_scope and context.capability is None
        return Understanding(
            text=text,
            language=language,
            in_scope=in_scope,
            act=self._act(logits),
            intents=intents,
            slots=() if about_nothing else tuple(_slot(text, span, context) for span in reading.spans),
            ranking=ranking,
        )

    def embed(self, text: str) -> Floats:
        """The meaning of *text* as a vector of unit length, the same width for every text."""
        return self._scorer.logits(text).embedding

    def _is_elsewhere(self, logits: Logits, context: Context) -> bool:
        """Whether the words alone are surely about something that has no use for what is awaited (转人工, 我的账单)."""
        best = self._ranking(logits, None)[0]
        return best.confidence >= SURE and context.awaiting not in self._capabilities[best.name].slots

    def _act(self, logits: Logits) -> Act:
        return self._scorer.labels.acts[int((logits.act + np.array(self._calibration.act_bias)).argmax())]

    def _ranking(self, logits: Logits, certain: str | None) -> tuple[IntentScore, ...]:
        """The likeliest intents, best first; *certain* is what the words alone or the conversation leave no doubt about."""
        probabilities = intent_probabilities(logits.intent, logits.ngram, self._calibration)
        if certain in self._names:
            probabilities *= 1 - CERTAIN
            probabilities[self._names.index(certain)] += CERTAIN
        order = np.argsort(-probabilities, kind="stable")[:RANKED]
        return tuple(IntentScore(name=self._names[at], confidence=round(float(probabilities[at]), 4)) for at in order)

    def _is_outside(self, logits: Logits) -> bool:
        """Whether the words alone are too far from every intent in scope."""
        probabilities = intent_probabilities(logits.intent, logits.ngram, self._calibration)
        found = signals(logits, probabilities, self._names.index(OUT_OF_SCOPE), self._calibration)
        return outside_score(found, self._calibration.outside) >= self._calibration.reject

    def _intents(self, text: str, ranking: tuple[IntentScore, ...], logits: Logits) -> tuple[IntentScore, ...]:
        """One or two intents in the order of the message, or exactly out of scope."""
        inside = [score for score in ranking if score.name != OUT_OF_SCOPE]
        if ranking[0].name == OUT_OF_SCOPE or (ranking[0].confidence < CERTAIN and self._is_outside(logits)):
            return (IntentScore(name=OUT_OF_SCOPE, confidence=round(1 - inside[0].confidence, 4)),)
        if ranking[0].confidence < CERTAIN:
            pair = two_intents(self._scorer, text, logits, self._calibration)
            if pair is not None and pair[2] >= self._calibration.second:
                return tuple(IntentScore(name=name, confidence=round(pair[2], 4)) for name in pair[:2])
        return (inside[0],)


def _slot(text: str, span: Span, context: Context) -> SlotValue:
    start, end, slot = span
    words = text[start:end]
    return SlotValue(slot=slot, start=start, end=end, value=words, normalized=normalise(slot, words, context.today))


def _nothing(text: str, language: Language) -> Understanding:
    outside = (IntentScore(name=OUT_OF_SCOPE, confidence=1.0),)
    return Understanding(text=text, language=language, in_scope=False, act="ask", intents=outside, ranking=outside)


def language_of(text: str, before: Language | None) -> Language:
    """``zh`` where there is any Chinese, ``en`` where there are only Latin words, else as *before*, else ``zh``."""
    if _HAN.search(text):
        return "zh"
    return "en" if _LATIN.search(text) and not (before == "zh" and len(text.strip()) <= 3) else before or "zh"


def to_json(understanding: Understanding) -> dict[str, Any]:
    """What ``teller understand`` prints: everything but the ranking."""
    return understanding.model_dump(mode="json", exclude={"ranking"})
