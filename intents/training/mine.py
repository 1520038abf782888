"""Reading what nobody labelled: what a release is sure of becomes examples, what it is unsure of goes to people."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from intents.complete import complete
from intents.scorer import RELEASE, Calibration, Scorer, softmax
from intents.tagging import best_tags, spans_of
from intents.training.rows import Row, catalog_rows
from intents.understanding import Language


@dataclass(frozen=True)
class Settings:
    """``sure`` and ``agreed`` are what the encoder and the n-grams must each give their common first choice; ``each`` how
    many messages an intent may bring; ``weight`` what a mined row counts; ``doubts`` how many unsure ones are listed."""

    sure: float = 0.9
    agreed: float = 0.5
    each: int = 120
    weight: float = 0.3
    doubts: int = 500


def mine(
    texts: Iterable[str], out: Path, doubts: Path, release: Path = RELEASE, settings: Settings | None = None
) -> dict[str, Any]:
    """Write to *out* the messages both views agree on, as rows, and to *doubts* those to be read by people, least sure first.

    What a message needs to be mined: the encoder's and the n-grams' best intent are the same, each sure enough. Returns how
    many were ``read``, ``mined`` and by intent.
    """
    settings = settings or Settings()
    scorer = Scorer(release)
    calibration = Calibration.load(release / "thresholds.json")
    names = scorer.labels.intents
    known = {row.text for row in catalog_rows()}
    found: list[Row] = []
    unsure: list[tuple[float, str, list[str]]] = []
    taken: Counter[str] = Counter()
    read = 0
    for text in dict.fromkeys(text.strip() for text in texts):
        if not text or text in known:
            continue
        read += 1
        logits = scorer.logits(text)
        own = softmax(logits.intent, calibration.temperature)
        words = softmax(logits.ngram, calibration.ngram_temperature)
        top = int(own.argmax())
        if top == int(words.argmax()) and own[top] >= settings.sure and words[top] >= settings.agreed:
            if taken[names[top]] < settings.each:
                taken[names[top]] += 1
                tags = best_tags(logits.slots[1:-1])
                spans = tuple(complete(text, spans_of(logits.offsets[1:-1], tags, scorer.labels.slots)))
                act = scorer.labels.acts[int(logits.act.argmax())]
                found.append(Row(text, _language(text), names[top], act, spans, weight=settings.weight))
        else:
            order = np.argsort(-(own + words))[:3]
            unsure.append((float((own[top] + words[top]) / 2), text, [names[at] for at in order]))
    out.write_text("".join(json.dumps(_line(row), ensure_ascii=False) + "\n" for row in found), "utf-8")
    unsure.sort()
    doubts.write_text(
        "".join(
            json.dumps({"text": text, "likely": likely}, ensure_ascii=False) + "\n"
            for _, text, likely in unsure[: settings.doubts]
        ),
        "utf-8",
    )
    return {"read": read, "mined": len(found), "unsure": len(unsure), "by_intent": dict(taken.most_common())}


def _line(row: Row) -> dict[str, Any]:
    slots = [
        {"start": start, "end": end, "slot": slot, "value": row.text[start:end]} for start, end, slot in row.spans or ()
    ]
    return {
        "text": row.text,
        "lang": row.language,
        "intent": row.intent,
        "act": row.act,
        "slots": slots,
        "weight": row.weight,
    }


def _language(text: str) -> Language:
    return "zh" if any("\u4e00" <= char <= "\u9fff" for char in text) else "en"
