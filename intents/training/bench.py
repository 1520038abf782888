"""Training and scoring on any data set: our model beside what it has to beat, in one run."""

from __future__ import annotations

import platform
import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, get_args

import numpy as np
import torch

from intents.labels import Labels
from intents.scorer import Calibration, Scorer, intent_probabilities, softmax
from intents.tagging import best_tags, spans_of
from intents.training.baselines import Reader, frozen, tfidf
from intents.training.calibrate import mixture
from intents.training.fit import Settings
from intents.training.measures import OUTSIDE, Reading, measure
from intents.training.model import JointModel
from intents.training.rows import Row, data_hash, read_rows
from intents.training.train import BASE, SCRATCH, export, ngrams_of, start, train_model
from intents.understanding import Act

FEW = 20
"""Examples an intent below which the training runs for longer."""


def bench(
    train: Path, valid: Path, test: Path | None = None, base: Path | None = None, settings: Settings | None = None
) -> dict[str, Any]:
    """Train on *train*, stop and calibrate on *valid*, and score on *test* (or on *valid*, and say so).

    *base* is as in ``train``. Each model's figures are those of ``measure``, with ``p50_ms`` and ``p99_ms`` a message on
    one thread from text to result, ``megabytes`` of what serving loads, and ``train_seconds``.
    """
    settings = settings or Settings()
    torch.set_num_threads(settings.threads)
    torch.manual_seed(settings.seed)
    rows, held = read_rows(train), read_rows(valid)
    trials = read_rows(test) if test else held
    base = None if base == SCRATCH else base or (BASE if BASE.exists() else None)
    report: dict[str, Any] = {
        "train": train.name,
        "data_hash": data_hash(rows),
        "rows": len(rows),
        "scored_on": (test or valid).name,
        "base": "scratch" if base is None else base.name,
        "threads": settings.threads,
        "processor": platform.machine(),
        "settings": asdict(settings),
        "models": {},
    }
    models: dict[str, Any] = report["models"]
    began = time.monotonic()
    models["TF-IDF"] = _scored(tfidf(rows, held), trials, time.monotonic() - began)
    if base is not None:
        began = time.monotonic()
        tokenizer, encoder = start(base, rows, replace(settings, dropout=0.0))
        models["frozen encoder"] = _scored(frozen(rows, held, encoder, tokenizer), trials, time.monotonic() - began)
    with tempfile.TemporaryDirectory() as folder:
        began = time.monotonic()
        release = Path(folder)
        facts = fine_tune(release, rows, held, base, settings)
        spent = time.monotonic() - began
        torch.set_num_threads(1)
        ours = _scored(_reader(release), trials, spent)
        ours["megabytes"] = round(sum(file.stat().st_size for file in release.iterdir()) / 1e6, 1)
        models["fine-tuned"] = {**ours, **facts}
    return report


def fine_tune(
    out: Path, rows: Sequence[Row], held: Sequence[Row], base: Path | None, settings: Settings
) -> dict[str, Any]:
    """A release in *out* that knows the intents and slots of *rows*; returns ``precision`` and ``lost_by_int8``."""
    labels = labels_of(rows)
    if len(rows) < FEW * len(labels.intents):
        settings = replace(settings, epochs=3 * settings.epochs, batch=max(16, settings.batch // 2))
    tokenizer, encoder = start(base, rows, settings)
    model = JointModel(encoder, labels)

    def epoch(dice: Any) -> list[Row]:
        shuffled = list(rows)
        dice.shuffle(shuffled)
        return shuffled

    train_model(model, tokenizer, labels, epoch, held, settings)
    labels.save(out / "labels.json")
    tokenizer.save(str(out / "tokenizer.json"))
    number = {name: index for index, name in enumerate(labels.intents)}
    ngrams_of(rows, labels).save(out / "ngrams.npz")
    known = [row for row in held if row.intent in number]
    precision, lost = export(model, out, known)
    scorer = Scorer(out)
    mixture([scorer.logits(row.text) for row in known], [number[row.intent] for row in known]).save(
        out / "thresholds.json"
    )
    return {"precision": precision, "lost_by_int8": lost}


def labels_of(rows: Sequence[Row]) -> Labels:
    """The intents and slots that occur in *rows*."""
    intents = {row.intent for row in rows} | {row.second for row in rows if row.second}
    slots = {slot for row in rows for _, _, slot in row.spans or ()}
    return Labels(tuple(sorted(intents)), get_args(Act), tuple(sorted(slots)))


def _reader(release: Path) -> Reader:
    scorer = Scorer(release)
    calibration = Calibration.load(release / "thresholds.json")
    names = scorer.labels.intents
    inside = np.array([name not in OUTSIDE for name in names])

    def read(text: str) -> Reading:
        logits = scorer.logits(text)
        chances = intent_probabilities(logits.intent, logits.ngram, calibration)
        top = int(chances.argmax())
        said = [names[top]]
        second = softmax(logits.second)
        if int(second.argmax()) not in (len(names), top):
            said.append(names[int(second.argmax())])
        tags = best_tags(logits.slots[1:-1])
        spans = spans_of(logits.offsets[1:-1], tags, scorer.labels.slots)
        return Reading(tuple(said), float(chances[top]), 1 - float(chances[inside].max()), tuple(spans))

    return read


def _scored(read: Reader, rows: Sequence[Row], spent: float) -> dict[str, Any]:
    seconds = []
    readings = []
    for row in rows:
        began = time.perf_counter()
        readings.append(read(row.text))
        seconds.append(time.perf_counter() - began)
    ordered = sorted(seconds)
    return {
        **measure(readings, rows),
        "p50_ms": round(1000 * statistics.median(seconds), 3),
        "p99_ms": round(1000 * ordered[int(0.99 * (len(ordered) - 1))], 3),
        "train_seconds": round(spent),
    }
