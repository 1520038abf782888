"""Training a release: the catalogue's examples in, a folder that serves out."""

from __future__ import annotations

import json
import random
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tokenizers import Tokenizer
from torch import Tensor, nn

from intents.calibrate import calibrate, held_out_figures
from intents.capability import CATALOG
from intents.data import Row, Variety, catalog_rows, data_hash, split
from intents.export import export_fp32, quantise
from intents.labels import Labels
from intents.model import JointModel, Targets, has_bf16, load_encoder, new_encoder
from intents.ngrams import NgramModel
from intents.noise import dice_of
from intents.scorer import RELEASE, Scorer
from intents.tagging import token_tags
from intents.tokenizer import load_tokenizer, train_tokenizer

BASE = Path(__file__).parent / "base"
"""Our own pre-trained encoder, where the repository carries one."""

SCRATCH = Path("scratch")
"""Given as a base: start from random weights."""

_IGNORED = -100
_ALLOWED_LOSS = 0.005
"""Share of held-out rows that may change for the worse before int8 is given up for fp32."""


@dataclass(frozen=True)
class Settings:
    """How to fine-tune. ``rate`` is the peak learning rate; ``pairs`` the share of two-intent messages beside the rows."""

    epochs: int = 16
    seed: int = 0
    batch: int = 48
    rate: float = 6e-4
    smoothing: float = 0.05
    pairs: float = 0.25
    dropout: float = 0.1
    threads: int = 2
    layers: int = 4
    width: int = 256


def train(
    out: Path = RELEASE,
    base: Path | None = None,
    epochs: int = Settings.epochs,
    seed: int = Settings.seed,
    *,
    catalog_folder: Path = CATALOG,
    settings: Settings | None = None,
) -> dict[str, Any]:
    """Train on the catalogue, export, calibrate, and write the release into *out*; returns its ``release.json``.

    *base* is any Hugging Face encoder directory with a ``tokenizer.json``; without one, ``intents/base`` where it
    exists, else (or for ``SCRATCH``) an encoder of our own with random weights. The card beside the weights is written
    by whoever trained.
    """
    settings = settings or Settings(epochs=epochs, seed=seed)
    began = time.monotonic()
    torch.set_num_threads(settings.threads)
    torch.manual_seed(settings.seed)
    rows = catalog_rows(catalog_folder)
    kept, held = split(rows)
    labels = Labels.of_catalog(catalog_folder)
    base = None if base == SCRATCH else base or (BASE if BASE.exists() else None)
    tokenizer, encoder = _start(base, rows, settings)
    model = JointModel(encoder, labels)
    variety = Variety(kept, catalog_folder)
    fit(model, tokenizer, labels, kept, held, variety, settings)

    out.mkdir(parents=True, exist_ok=True)
    labels.save(out / "labels.json")
    tokenizer.save(str(out / "tokenizer.json"))
    _fit_ngrams(kept, variety, labels, settings).save(out / "ngrams.npz")
    precision = _export(model, out, held)
    scorer = Scorer(out)
    calibration = calibrate(scorer, trials(held, Variety(held, catalog_folder)))
    calibration.save(out / "thresholds.json")
    hashed = data_hash(rows)
    release = {
        "name": f"teller-nlu-{hashed}-s{settings.seed}",
        "data_hash": hashed,
        "examples": len(rows),
        "base": "scratch" if base is None else base.name,
        "precision": precision,
        "seed": settings.seed,
        "epochs": settings.epochs,
        "parameters": sum(value.numel() for value in model.parameters()),
        "seconds": round(time.monotonic() - began),
        "held_out": held_out_figures(scorer, calibration, held),
    }
    (out / "release.json").write_text(json.dumps(release, ensure_ascii=False, indent=1) + "\n", "utf-8")
    return release


def trials(held: Sequence[Row], variety: Variety) -> list[Row]:
    """The held-out rows, half as many messages that join two of them, and a quarter that ramble about one thing."""
    pairs = [variety.slip(variety.pair(dice_of(at)), dice_of(at)) for at in range(len(held) // 2)]
    doubles = [variety.slip(variety.double(dice_of(at)), dice_of(at)) for at in range(len(held) // 4)]
    return [*held, *pairs, *doubles]


def _start(base: Path | None, rows: Sequence[Row], settings: Settings) -> tuple[Tokenizer, nn.Module]:
    if base is not None:
        return load_tokenizer(base / "tokenizer.json"), load_encoder(base, settings.dropout)
    tokenizer = train_tokenizer(row.text for row in rows)
    return tokenizer, new_encoder(
        tokenizer.get_vocab_size(), layers=settings.layers, width=settings.width, dropout=settings.dropout
    )


def fit(
    model: JointModel,
    tokenizer: Tokenizer,
    labels: Labels,
    rows: Sequence[Row],
    held: Sequence[Row],
    variety: Variety,
    settings: Settings,
) -> None:
    """Fine-tune *model* in place on fresh variations of *rows* every epoch; keeps the epoch that held-out rows like best."""
    dice = dice_of(settings.seed)
    steps = settings.epochs * (int(len(rows) * (1 + 1.5 * settings.pairs)) // settings.batch + 2)
    optimiser = torch.optim.AdamW(model.parameters(), lr=settings.rate, betas=(0.9, 0.98), weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, settings.rate, total_steps=steps + 1, pct_start=0.08)
    best, best_state = -1.0, model.state_dict()
    for epoch in range(settings.epochs):
        model.train()
        varied = list(variety.epoch(rows, dice, settings.pairs))
        losses = []
        for ids, mask, targets in _batches(varied, tokenizer, labels, settings.batch, dice):
            with torch.autocast("cpu", torch.bfloat16, enabled=has_bf16()):
                loss = _loss(model(ids, mask), targets, settings.smoothing)
            optimiser.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimiser.step()
            schedule.step()
            losses.append(float(loss.detach()))
        score = _held_accuracy(model, tokenizer, labels, held)
        sys.stderr.write(
            f"epoch {epoch + 1}/{settings.epochs} loss {np.mean(losses):.3f} held-out intents {score:.3f}\n"
        )
        if score >= best:
            best, best_state = score, {name: value.clone() for name, value in model.state_dict().items()}
    model.load_state_dict(best_state)
    model.eval()


def _loss(logits: tuple[Tensor, Tensor, Tensor, Tensor], targets: Targets, smoothing: float) -> Tensor:
    intent, second, act, slots = (part.float() for part in logits)
    return (
        _mean_loss(intent, targets.intent, smoothing)
        + 0.5 * _mean_loss(second, targets.second)
        + 0.3 * _mean_loss(act, targets.act, smoothing)
        + 2.0 * _mean_loss(slots.flatten(0, 1), targets.slots.flatten())
    )


def _mean_loss(logits: Tensor, targets: Tensor, smoothing: float = 0.0) -> Tensor:
    """Cross entropy over the targets that are known; nothing where none is."""
    total = nn.functional.cross_entropy(
        logits, targets, reduction="sum", ignore_index=_IGNORED, label_smoothing=smoothing
    )
    return total / (targets != _IGNORED).sum().clamp(min=1)


def _batches(
    rows: Sequence[Row], tokenizer: Tokenizer, labels: Labels, size: int, dice: random.Random
) -> Iterator[tuple[Tensor, Tensor, Targets]]:
    """*rows* in batches of similar length, padded, in random order."""
    encodings = tokenizer.encode_batch([row.text for row in rows])
    intents = {name: index for index, name in enumerate(labels.intents)}
    acts = {name: index for index, name in enumerate(labels.acts)}
    order = sorted(range(len(rows)), key=lambda at: (len(encodings[at].ids), dice.random()))
    chunks = [order[at : at + size] for at in range(0, len(order), size)]
    dice.shuffle(chunks)
    for chunk in chunks:
        length = max(len(encodings[at].ids) for at in chunk)
        ids = torch.zeros(len(chunk), length, dtype=torch.long)
        mask = torch.zeros_like(ids)
        tags = torch.full_like(ids, _IGNORED)
        for place, at in enumerate(chunk):
            encoding = encodings[at]
            count = len(encoding.ids)
            ids[place, :count] = torch.tensor(encoding.ids)
            mask[place, :count] = 1
            tags[place, :count] = torch.tensor(token_tags(encoding.offsets, rows[at].spans, labels.slots))
        yield ids, mask, Targets(
            intent=torch.tensor([intents[rows[at].intent] for at in chunk]),
            second=torch.tensor([intents.get(rows[at].second or "", len(intents)) for at in chunk]),
            act=torch.tensor([acts[rows[at].act] for at in chunk]),
            slots=tags,
        )  # fmt: skip


def _held_accuracy(model: JointModel, tokenizer: Tokenizer, labels: Labels, held: Sequence[Row]) -> float:
    model.eval()
    right = 0
    with torch.no_grad():
        for ids, mask, targets in _batches(held, tokenizer, labels, 64, dice_of(0)):
            right += int((model(ids, mask)[0].argmax(-1) == targets.intent).sum())
    return right / max(1, len(held))


def _fit_ngrams(rows: Sequence[Row], variety: Variety, labels: Labels, settings: Settings) -> NgramModel:
    """The n-grams' opinion, learnt from the rows as they are and once varied."""
    dice = dice_of(settings.seed)
    seen = [*rows, *(variety.vary(row, dice) for row in rows)]
    number = {name: index for index, name in enumerate(labels.intents)}
    classes = np.array([number[row.intent] for row in seen])
    return NgramModel.fit([row.text for row in seen], classes, len(number))


def _export(model: JointModel, out: Path, held: Sequence[Row]) -> str:
    """Write ``model.onnx`` into *out*; ``int8`` where it answers held-out rows as well as ``fp32`` does."""
    target = out / "model.onnx"
    export_fp32(model, target)
    plain = _right(Scorer(out), held)
    full = target.read_bytes()
    quantise(target, target)
    if _right(Scorer(out), held) >= plain - _ALLOWED_LOSS * len(held):
        return "int8"
    target.write_bytes(full)
    return "fp32"


def _right(scorer: Scorer, held: Sequence[Row]) -> int:
    names = scorer.labels.intents
    return sum(names[int(scorer.logits(row.text).intent.argmax())] == row.intent for row in held)
