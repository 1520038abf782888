"""Understanding a message: the released model, then what needs no model. Imports neither torch nor transformers."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np

from intents.answers import is_follow_up, slots_in_context, yes_or_no
from intents.capability import catalog
from intents.complete import complete
from intents.noise import Span
from intents.normalise import normalise
from intents.scorer import (
    OUT_OF_SCOPE,
    RELEASE,
    Calibration,
    Logits,
    Scorer,
    intent_probabilities,
    second_probability,
    softmax,
)
from intents.tagging import best_tags, spans_of
from intents.understanding import Act, Context, IntentScore, Language, SlotValue, Understanding

RANKED = 10

_CERTAIN = 0.99
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
        self.release: str = json.loads((release / "release.json").read_text("utf-8"))["name"]

    def understand(self, text: str, context: Context) -> Understanding:
        """What *text* means in *context*. Never raises on any text; what says nothing is out of scope."""
        language = language_of(text, context.language)
        if not _WORDS.search(text):
            return _nothing(text, language)
        logits = self._scorer.logits(text)
        spans = self._spans(text, logits, context)
        ranking = self._ranking(text, logits, context, spans)
        intents = self._intents(ranking, logits)
        in_scope = intents[0].name != OUT_OF_SCOPE
        slots = tuple(
            SlotValue(slot=slot, start=start, end=end, value=text[start:end], normalized=normalise(slot, text[start:end], context.today))
            for start, end, slot in spans
        )  # fmt: skip
        acts = softmax(logits.act, self._calibration.act_temperature)
        act: Act = self._scorer.labels.acts[int(acts.argmax())]  # type: ignore[assignment]
        return Understanding(
            text=text,
            language=language,
            in_scope=in_scope,
            act=act,
            intents=intents,
            slots=slots,
            ranking=ranking[:RANKED],
        )

    def _spans(self, text: str, logits: Logits, context: Context) -> list[Span]:
        """The slots that the model saw, that are plainly written, and that the conversation asked for."""
        tags = best_tags(logits.slots[1:-1])
        spans = complete(text, spans_of(logits.offsets[1:-1], tags, self._scorer.labels.slots))
        capability = catalog().get(context.capability or "")
        known = dict.fromkeys(slot for _, _, slot in spans)
        for start, end, slot in slots_in_context(text, context.awaiting, capability, known, context.today):
            spans = [span for span in spans if span[1] <= start or span[0] >= end]
            spans.append((start, end, slot))
        return sorted(spans)

    def _ranking(self, text: str, logits: Logits, context: Context, spans: list[Span]) -> tuple[IntentScore, ...]:
        """Every intent, likeliest first, after what the words alone or the conversation make certain."""
        probabilities = intent_probabilities(logits.intent, logits.ngram, self._calibration)
        plain = yes_or_no(text)
        capability = catalog().get(context.capability or "")
        if (
            plain is None
            and capability is not None
            and is_follow_up(text)
            and any(slot in capability.slots for _, _, slot in spans)
        ):
            plain = capability.name
        if plain in self._names:
            certain = np.zeros_like(probabilities)
            certain[self._names.index(plain)] = 1.0
            probabilities = _CERTAIN * certain + (1 - _CERTAIN) * probabilities
        order = np.argsort(-probabilities, kind="stable")
        return tuple(IntentScore(name=self._names[at], confidence=round(float(probabilities[at]), 4)) for at in order)

    def _intents(self, ranking: tuple[IntentScore, ...], logits: Logits) -> tuple[IntentScore, ...]:
        """One or two intents in the order of the message, or exactly out of scope."""
        inside = [score for score in ranking if score.name != OUT_OF_SCOPE]
        if 1 - inside[0].confidence >= self._calibration.reject or ranking[0].name == OUT_OF_SCOPE:
            outside = max(1 - inside[0].confidence, 0.0)
            return (IntentScore(name=OUT_OF_SCOPE, confidence=round(outside, 4)),)
        at, probability = second_probability(logits.second)
        name = self._names[at]
        if probability < self._calibration.second or name == OUT_OF_SCOPE or ranking[0].confidence >= _CERTAIN:
            return (inside[0],)
        first = next(score for score in inside if score.name != name)
        return (first, IntentScore(name=name, confidence=round(probability, 4)))


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
