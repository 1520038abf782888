"""What each part of the training brings: the same training with one of them left out, scored on rows kept out of all."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from intents.capability import CATALOG
from intents.labels import Labels
from intents.scorer import softmax
from intents.training.fit import Settings
from intents.training.model import JointModel
from intents.training.rows import Row, catalog_rows, read_rows, split
from intents.training.train import SCRATCH, ngrams_of, start, train_model
from intents.training.variety import Variety

NGRAM_SHARE = 0.35
"""Weight of the n-grams in the mixture, that of the release."""


@dataclass(frozen=True)
class Part:
    """A training with something left out: *settings* that differ, the base, and what it reads."""

    name: str
    settings: dict[str, Any] = field(default_factory=dict)
    scratch: bool = False
    given: bool = True
    varied: bool = True


PARTS = (
    Part("all parts"),
    Part("without pre-training (random weights)", scratch=True),
    Part("without shrinking the base", {"shrink": False}),
    Part("without the rows of --data", given=False),
    Part("without variety (slot values, slips, joined messages)", varied=False),
    Part("without supervised contrast", {"contrast": 0.0}),
    Part("without class balance", {"balance": 0.0}),
    Part("without averaged weights", {"average": 0.0}),
    Part("without label smoothing", {"smoothing": 0.0}),
)


def ablation(
    data: Sequence[Path], test: Path, base: Path, settings: Settings, parts: Sequence[Part] = PARTS
) -> Iterator[dict[str, Any]]:
    """The figures of each of *parts* as soon as it is trained: ``intent_accuracy`` on the rows of *test* and on those marked
    ``clear``, alone and mixed with the n-grams (``mixed``), and ``seconds``. Texts of *test* are left out of what is learnt."""
    marked = [json.loads(line) for line in test.read_text("utf-8").splitlines() if line.strip()]
    trials = read_rows(test)
    clear = np.array([bool(row.get("clear", True)) for row in marked])
    texts = {row.text for row in trials}
    written = [row for row in catalog_rows(CATALOG) if row.text not in texts]
    given = [row for path in data for row in read_rows(path) if row.text not in texts]
    labels = Labels.of_catalog(CATALOG)
    gold = np.array([labels.intents.index(row.intent) for row in trials])
    torch.set_num_threads(settings.threads)
    for part in parts:
        began = time.monotonic()
        kept, held = split([*written, *given] if part.given else written)
        own = _trained(part, kept, held, labels, base, replace(settings, **part.settings))([row.text for row in trials])
        ngrams = _ngrams(kept, labels, [row.text for row in trials])
        mixed = (1 - NGRAM_SHARE) * own + NGRAM_SHARE * ngrams
        yield {
            "part": part.name,
            "rows": len(kept),
            **_figures(own, gold, clear),
            "mixed": _figures(mixed, gold, clear),
            "ngrams": _figures(ngrams, gold, clear),
            "seconds": round(time.monotonic() - began),
        }


def _trained(
    part: Part, kept: list[Row], held: list[Row], labels: Labels, base: Path, settings: Settings
) -> Callable[[list[str]], NDArray[np.float32]]:
    torch.manual_seed(settings.seed)
    tokenizer, encoder = start(None if part.scratch or base == SCRATCH else base, kept, settings)
    model = JointModel(encoder, labels)
    variety = Variety(kept, CATALOG)

    def epoch(dice: random.Random) -> list[Row]:
        return list(variety.epoch(kept, dice, settings.pairs)) if part.varied else dice.sample(kept, len(kept))

    train_model(model, tokenizer, labels, epoch, held, settings)

    def read(texts: list[str]) -> NDArray[np.float32]:
        found = []
        with torch.no_grad():
            for text in texts:
                ids = torch.tensor([tokenizer.encode(text).ids])
                found.append(model(ids, torch.ones_like(ids))[0][0].softmax(-1).numpy())
        return np.stack(found)

    return read


def _ngrams(rows: Sequence[Row], labels: Labels, texts: Sequence[str]) -> NDArray[np.float32]:
    model = ngrams_of(rows, labels)
    return np.stack([softmax(model.logits(text)) for text in texts])


def _figures(chances: NDArray[np.float32], gold: NDArray[np.int64], clear: NDArray[np.bool_]) -> dict[str, float]:
    right = chances.argmax(-1) == gold
    return {
        "intent_accuracy": round(float(right.mean()), 4),
        "intent_accuracy_clear": round(float(right[clear].mean()), 4),
    }
