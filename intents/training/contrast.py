"""Contrastive training on questions that people have told to mean the same, or not.

A question is drawn to its twin and pushed from every other of the batch (InfoNCE, van den Oord et al. 2018), the questions
that look alike and mean something else among them; pairs that mean the same score above pairs that do not (CoSENT, Su 2022).
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tokenizers import Tokenizer
from torch import Tensor, nn

from intents.training.baselines import embed
from intents.training.measures import auroc
from intents.training.model import has_bf16, load_encoder, mean_state, tokenizer_of
from intents.training.noise import dice_of

HELD_OUT = 2000
"""Labelled pairs kept out, to tell whether it helped; at most a fifth of all."""


@dataclass(frozen=True)
class Settings:
    """``positives`` and ``negatives`` are pairs a step; ``minutes`` and ``rounds`` bound the training, whichever is first."""

    positives: int = 192
    negatives: int = 96
    rate: float = 4e-4
    temperature: float = 0.05
    ranked: float = 0.3
    rounds: int = 3
    minutes: float = 8.0
    dropout: float = 0.1
    seed: int = 0
    threads: int = 2


@dataclass(frozen=True, slots=True)
class Pair:
    """Two questions, and whether they mean the same."""

    a: str
    b: str
    same: bool


def read_pairs(paths: Sequence[Path]) -> list[Pair]:
    """The pairs of JSON-lines files: ``{"a", "b", "label": 0 | 1}``; without a label a line is passed over."""
    rows = [json.loads(line) for path in paths for line in path.read_text("utf-8").splitlines() if line.strip()]
    return [Pair(row["a"], row["b"], bool(row["label"])) for row in rows if row.get("label") is not None]


def contrast(base: Path, paths: Sequence[Path], **settings: Any) -> dict[str, Any]:
    """Train the encoder in *base* on the pairs of *paths*, in place; returns the ``auc`` on pairs kept out, before and after."""
    chosen = Settings(**settings)
    torch.set_num_threads(chosen.threads)
    torch.manual_seed(chosen.seed)
    pairs = read_pairs(paths)
    dice = dice_of(chosen.seed)
    dice.shuffle(pairs)
    kept = min(HELD_OUT, len(pairs) // 5)
    held, pairs = pairs[:kept], pairs[kept:]
    tokenizer, encoder = tokenizer_of(base), load_encoder(base, chosen.dropout)
    before = _auc(encoder, tokenizer, held)
    clusters = _clusters(pairs)
    same, different = [pair for pair in pairs if pair.same], [pair for pair in pairs if not pair.same]
    steps = chosen.rounds * (len(same) // chosen.positives)
    optimiser = torch.optim.AdamW(encoder.parameters(), lr=chosen.rate, weight_decay=0.01)
    began = time.monotonic()
    done = 0
    while done < steps:
        share = max(done / steps, (time.monotonic() - began) / 60 / chosen.minutes)
        if share >= 1:
            break
        for group in optimiser.param_groups:
            group["lr"] = chosen.rate * min(1.0, (done + 1) / 50, (1 - share) / 0.5)
        batch = [
            *dice.sample(same, min(len(same), chosen.positives)),
            *dice.sample(different, min(len(different), chosen.negatives)),
        ]
        encoder.train()
        with torch.autocast("cpu", torch.bfloat16, enabled=has_bf16()):
            loss = _loss(encoder, tokenizer, batch, clusters, chosen)
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(encoder.parameters(), 1.0)
        optimiser.step()
        done += 1
        if done % 50 == 0:
            sys.stderr.write(f"pairs: step {done}/{steps} loss {float(loss.detach()):.3f}\n")
    after = _auc(encoder, tokenizer, held)
    encoder.save_pretrained(base)
    return {"steps": done, "pairs": len(pairs), "auc_before": before, "auc": after}


def _loss(
    encoder: nn.Module, tokenizer: Tokenizer, batch: Sequence[Pair], clusters: dict[str, int], settings: Settings
) -> Tensor:
    left = mean_state(encoder, tokenizer.encode_batch([pair.a for pair in batch]))
    right = mean_state(encoder, tokenizer.encode_batch([pair.b for pair in batch]))
    groups = [
        torch.tensor([clusters.get(text, -1 - at) for at, text in enumerate(side)])
        for side in ([pair.a for pair in batch], [pair.b for pair in batch])
    ]
    positives = sum(pair.same for pair in batch)
    likeness = left[:positives] @ right.T / settings.temperature
    twins = groups[0][:positives].unsqueeze(1) == groups[1].unsqueeze(0)
    own = torch.eye(positives, len(batch), dtype=torch.bool)
    likeness = likeness.masked_fill(twins & ~own, -torch.inf)
    drawn = nn.functional.cross_entropy(likeness, torch.arange(positives))
    scores = (left * right).sum(-1) / settings.temperature
    margins = scores[positives:].unsqueeze(0) - scores[:positives].unsqueeze(1)
    ranked = torch.logsumexp(torch.cat([torch.zeros(1), margins.flatten()]), dim=0)
    return drawn + settings.ranked * ranked


def _clusters(pairs: Sequence[Pair]) -> dict[str, int]:
    """A number for each question, the same for all that are linked by pairs that mean the same."""
    parent: dict[str, str] = {}

    def root(text: str) -> str:
        while parent.setdefault(text, text) != text:
            parent[text] = parent[parent[text]]
            text = parent[text]
        return text

    for pair in pairs:
        if pair.same:
            parent[root(pair.a)] = root(pair.b)
    numbers: dict[str, int] = {}
    return {text: numbers.setdefault(root(text), len(numbers)) for text in list(parent)}


def _auc(encoder: nn.Module, tokenizer: Tokenizer, pairs: Sequence[Pair]) -> float:
    left = embed(encoder, tokenizer, [pair.a for pair in pairs])
    right = embed(encoder, tokenizer, [pair.b for pair in pairs])
    return round(auroc((left * right).sum(-1), np.array([pair.same for pair in pairs])), 4)
