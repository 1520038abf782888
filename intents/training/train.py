"""Training a release: labelled messages in, a folder that serves out."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tokenizers import Tokenizer
from torch import nn

from intents.capability import CATALOG
from intents.labels import Labels
from intents.ngrams import NgramModel
from intents.scorer import RELEASE, Scorer
from intents.tokenizer import train_tokenizer
from intents.training.calibrate import calibrate, held_out_figures
from intents.training.export import export_fp32, quantise
from intents.training.fit import Epoch, Settings, fit
from intents.training.model import (
    JointModel,
    load_encoder,
    new_encoder,
    shrink,
    tokenizer_of,
    with_adapters,
    without_adapters,
)
from intents.training.noise import dice_of
from intents.training.rows import Row, catalog_rows, data_hash, read_rows, split
from intents.training.variety import Variety

BASE = Path(__file__).parent.parent / "base"
"""Our own pre-trained encoder, where the repository carries one."""

SCRATCH = Path("scratch")
"""Given as a base: start from random weights."""

_ALLOWED_LOSS = 0.003
"""Share of held-out rows that may change for the worse before int8 is given up for fp32."""


def train(
    out: Path = RELEASE,
    base: Path | None = None,
    *,
    data: Sequence[Path] = (),
    catalog_folder: Path = CATALOG,
    settings: Settings | None = None,
) -> dict[str, Any]:
    """Train on the catalogue and on the rows of *data*, export, calibrate, and write the release into *out*.

    Returns its ``release.json``. *base* is any Hugging Face encoder, a directory or a name, with a ``tokenizer.json``;
    without one, ``intents/base`` where it exists, else (or for ``SCRATCH``) an encoder of our own with random weights.
    The card beside the weights is written by whoever trained. Raises ``BadRows`` for a file that cannot be read.
    """
    settings = settings or Settings()
    began = time.monotonic()
    torch.set_num_threads(settings.threads)
    torch.manual_seed(settings.seed)
    given = [row for path in data for row in read_rows(path)]
    rows = [*catalog_rows(catalog_folder), *given]
    labels = Labels.of_catalog(catalog_folder)
    kept, held = split(rows)
    base = None if base == SCRATCH else base or (BASE if BASE.exists() else None)
    tokenizer, encoder = start(base, rows, settings)
    model = JointModel(encoder, labels)
    variety = Variety(kept, catalog_folder)
    best = train_model(
        model, tokenizer, labels, lambda dice: list(variety.epoch(kept, dice, settings.pairs)), held, settings
    )

    out.mkdir(parents=True, exist_ok=True)
    labels.save(out / "labels.json")
    tokenizer.save(str(out / "tokenizer.json"))
    _fit_ngrams(kept, variety, labels, settings).save(out / "ngrams.npz")
    precision, lost = export(model, out, held)
    scorer = Scorer(out)
    calibration, rejection = calibrate(scorer, trials(held, Variety(held, catalog_folder)))
    calibration.save(out / "thresholds.json")
    hashed = data_hash(rows)
    release = {
        "name": f"teller-nlu-{hashed}-s{settings.seed}",
        "data_hash": hashed,
        "examples": len(rows),
        "examples_given": len(given),
        "base": "scratch" if base is None else base.name,
        "precision": precision,
        "lost_by_int8": lost,
        "seed": settings.seed,
        "best_epoch": int(best["epoch"]),
        "parameters": sum(value.numel() for value in model.parameters()),
        "settings": asdict(settings),
        "seconds": round(time.monotonic() - began),
        "out_of_scope": rejection,
        "held_out": held_out_figures(scorer, calibration, held),
    }
    (out / "release.json").write_text(json.dumps(release, ensure_ascii=False, indent=1) + "\n", "utf-8")
    return release


def train_model(
    model: JointModel,
    tokenizer: Tokenizer,
    labels: Labels,
    epoch: Epoch,
    held: Sequence[Row],
    settings: Settings,
) -> dict[str, float]:
    """``fit``, with adapters where *settings* asks for them; the model has its own shape again afterwards."""
    if settings.lora:
        with_adapters(model, settings.lora)
    best = fit(model, tokenizer, labels, epoch, held, settings)
    if settings.lora:
        without_adapters(model)
    return best


def trials(held: Sequence[Row], variety: Variety) -> list[Row]:
    """The held-out rows of one intent, half as many messages that join two of them, and a quarter that ramble about one thing."""
    alone = [row for row in held if row.second is None]
    pairs = [variety.slip(variety.pair(dice_of(at)), dice_of(at)) for at in range(len(alone) // 2)]
    doubles = [variety.slip(variety.double(dice_of(at)), dice_of(at)) for at in range(len(alone) // 4)]
    return [*alone, *pairs, *doubles]


def start(base: Path | None, rows: Sequence[Row], settings: Settings) -> tuple[Tokenizer, nn.Module]:
    """The tokenizer and the encoder to begin with: those of *base*, or new ones."""
    if base is not None:
        encoder = load_encoder(base, settings.dropout)
        if settings.shrink:
            shrink(encoder)
        return tokenizer_of(base), encoder
    tokenizer = train_tokenizer(row.text for row in rows)
    return tokenizer, new_encoder(
        tokenizer.get_vocab_size(), layers=settings.layers, width=settings.width, dropout=settings.dropout
    )


def _fit_ngrams(rows: Sequence[Row], variety: Variety, labels: Labels, settings: Settings) -> NgramModel:
    """The n-grams' opinion, learnt from the rows as they are and once varied."""
    dice = dice_of(settings.seed)
    seen = [*rows, *(variety.vary(row, dice) for row in rows)]
    return ngrams_of(seen, labels)


def ngrams_of(rows: Sequence[Row], labels: Labels) -> NgramModel:
    """The n-grams' opinion, learnt from *rows* as they are."""
    number = {name: index for index, name in enumerate(labels.intents)}
    classes = np.array([number[row.intent] for row in rows])
    return NgramModel.fit([row.text for row in rows], classes, len(number))


def export(model: JointModel, out: Path, held: Sequence[Row]) -> tuple[str, float]:
    """Write ``model.onnx`` into *out*; ``int8`` where it answers *held* as well as ``fp32`` does.

    Returns which, and the share of *held* that int8 lost.
    """
    target = out / "model.onnx"
    export_fp32(model, target)
    plain = _right(Scorer(out), held)
    full = target.read_bytes()
    quantise(target, target)
    lost = (plain - _right(Scorer(out), held)) / max(1, len(held))
    if lost <= _ALLOWED_LOSS:
        return "int8", round(lost, 4)
    target.write_bytes(full)
    return "fp32", round(lost, 4)


def _right(scorer: Scorer, held: Sequence[Row]) -> int:
    names = scorer.labels.intents
    return sum(names[int(scorer.logits(row.text).intent.argmax())] == row.intent for row in held)
