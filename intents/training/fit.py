"""Fine-tuning a joint model on labelled messages: the loss, the loop, and the weights it ends with."""

from __future__ import annotations

import random
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from tokenizers import Tokenizer
from torch import Tensor, nn

from intents.labels import Labels
from intents.tagging import token_tags
from intents.training.model import JointModel, has_bf16, padded
from intents.training.noise import dice_of
from intents.training.rows import Row

IGNORED = -100
"""The target of what nobody labelled."""


Epoch = Callable[[random.Random], Sequence[Row]]
"""Gives the rows of the next epoch; the dice are for whatever it varies."""


@dataclass(frozen=True)
class Settings:
    """How to fine-tune.

    ``rate`` is the peak learning rate of the encoder, ``head_rate`` that of the new heads; ``smoothing`` label smoothing
    (Szegedy et al. 2016); ``contrast`` the weight of the supervised contrastive loss (Khosla et al. 2020); ``average``
    the decay of the moving average of the weights, which is what is kept; ``balance`` the power by which rare intents
    weigh more; ``pairs`` the share of two-intent messages beside the rows; ``lora`` the rank of low-rank adapters (Hu et
    al. 2021), 0 for full fine-tuning; ``shrink`` whether a base of large matrices begins smaller (``model.shrink``).
    """

    epochs: int = 16
    seed: int = 0
    batch: int = 48
    rate: float = 6e-4
    head_rate: float = 1e-3
    smoothing: float = 0.05
    contrast: float = 0.1
    average: float = 0.998
    balance: float = 0.25
    pairs: float = 0.25
    dropout: float = 0.1
    lora: int = 0
    threads: int = 2
    layers: int = 4
    width: int = 256
    shrink: bool = True


@dataclass(frozen=True, slots=True)
class Batch:
    """``ids``, ``mask``, ``slots`` ``[B, T]``; ``intent``, ``second``, ``act``, ``weight`` ``[B]``."""

    ids: Tensor
    mask: Tensor
    intent: Tensor
    second: Tensor
    act: Tensor
    slots: Tensor
    weight: Tensor


def fit(
    model: JointModel,
    tokenizer: Tokenizer,
    labels: Labels,
    epoch: Epoch,
    held: Sequence[Row],
    settings: Settings,
) -> dict[str, float]:
    """Fine-tune *model* in place on what *epoch* gives each time; keeps the epoch that *held* likes best.

    Returns that epoch's figures: ``epoch`` and ``held_out`` (share of intents right).
    """
    dice = dice_of(settings.seed)
    rows = epoch(dice)
    steps = settings.epochs * (len(rows) // settings.batch + 2)
    share = _balance(rows, labels, settings.balance)
    optimiser = _optimiser(model, settings)
    peaks = [group["lr"] for group in optimiser.param_groups]
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, peaks, total_steps=steps + 1, pct_start=0.08)
    average = _Average(model, settings.average)
    best = {"epoch": 0.0, "held_out": -1.0}
    best_state = average.state()
    for number in range(settings.epochs):
        model.train()
        losses = []
        for batch in batches(rows, tokenizer, labels, settings.batch, dice):
            with torch.autocast("cpu", torch.bfloat16, enabled=has_bf16()):
                loss = _loss(model, batch, share, settings)
            optimiser.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimiser.step()
            if schedule.last_epoch < steps:
                schedule.step()
            average.update(model)
            losses.append(float(loss.detach()))
        with average.in_place_of(model):
            score = held_accuracy(model, tokenizer, labels, held)
        sys.stderr.write(
            f"epoch {number + 1}/{settings.epochs} loss {np.mean(losses):.3f} held-out intents {score:.4f}\n"
        )
        if score >= best["held_out"]:
            best, best_state = {"epoch": number + 1.0, "held_out": score}, average.state()
        if number + 1 < settings.epochs:
            rows = epoch(dice)
    model.load_state_dict(best_state)
    model.eval()
    return best


def batches(
    rows: Sequence[Row], tokenizer: Tokenizer, labels: Labels, size: int, dice: random.Random
) -> Iterator[Batch]:
    """*rows* in batches of similar length, padded, in random order."""
    encodings = tokenizer.encode_batch([row.text for row in rows])
    intents = {name: index for index, name in enumerate(labels.intents)}
    acts: dict[str | None, int] = {name: index for index, name in enumerate(labels.acts)}
    order = sorted(range(len(rows)), key=lambda at: (len(encodings[at].ids) // 4, dice.random()))
    chunks = [order[at : at + size] for at in range(0, len(order), size)]
    dice.shuffle(chunks)
    for chunk in chunks:
        ids, mask = padded([encodings[at] for at in chunk])
        tags = torch.full_like(ids, IGNORED)
        for place, at in enumerate(chunk):
            encoding, row = encodings[at], rows[at]
            if row.spans is not None:
                tags[place, : len(encoding.ids)] = torch.tensor(token_tags(encoding.offsets, row.spans, labels.slots))
        yield Batch(
            ids=ids,
            mask=mask,
            intent=torch.tensor([intents[rows[at].intent] for at in chunk]),
            second=torch.tensor([intents.get(rows[at].second or "", len(intents)) for at in chunk]),
            act=torch.tensor([acts.get(rows[at].act, IGNORED) for at in chunk]),
            slots=tags,
            weight=torch.tensor([rows[at].weight for at in chunk]),
        )


def held_accuracy(model: JointModel, tokenizer: Tokenizer, labels: Labels, held: Sequence[Row]) -> float:
    """The share of *held* whose first intent *model* gets right."""
    model.eval()
    right = 0
    with torch.no_grad():
        for batch in batches(held, tokenizer, labels, 64, dice_of(0)):
            right += int((model(batch.ids, batch.mask)[0].argmax(-1) == batch.intent).sum())
    return right / max(1, len(held))


def _loss(model: JointModel, batch: Batch, share: Tensor, settings: Settings) -> Tensor:
    parts, focus, _ = model.read(batch.ids, batch.mask)
    intent, second, act, slots = (part.float() for part in parts)
    loss = _intent_loss(intent, batch, share, settings)
    loss = loss + 0.5 * _mean_loss(second, batch.second)
    loss = loss + 0.3 * _mean_loss(act, batch.act, settings.smoothing)
    if slots.shape[-1] > 1:
        loss = loss + 2.0 * _mean_loss(slots.flatten(0, 1), batch.slots.flatten())
    if settings.contrast:
        loss = loss + settings.contrast * contrastive_loss(focus.float(), batch.intent)
    return loss


def _intent_loss(logits: Tensor, batch: Batch, share: Tensor, settings: Settings) -> Tensor:
    """Cross entropy with the label, smoothed, each row by its weight and its intent's."""
    classes = logits.shape[-1]
    hard = nn.functional.one_hot(batch.intent, classes).float()
    target = hard * (1 - settings.smoothing) + settings.smoothing / classes
    weight = batch.weight * share[batch.intent]
    return -(weight * (target * logits.log_softmax(-1)).sum(-1)).sum() / weight.sum().clamp(min=1e-6)


def _mean_loss(logits: Tensor, targets: Tensor, smoothing: float = 0.0) -> Tensor:
    """Cross entropy over the targets that are known; nothing where none is."""
    total = nn.functional.cross_entropy(
        logits, targets, reduction="sum", ignore_index=IGNORED, label_smoothing=smoothing
    )
    return total / (targets != IGNORED).sum().clamp(min=1)


def contrastive_loss(states: Tensor, classes: Tensor, temperature: float = 0.1) -> Tensor:
    """Draws messages of one intent together and apart from the others (Khosla et al. 2020, the sum outside the log).

    *states* ``[B, W]``, *classes* ``[B]``; nothing where no two messages of the batch share an intent.
    """
    unit = nn.functional.normalize(states, dim=-1)
    others = ~torch.eye(len(classes), dtype=torch.bool)
    likeness = (unit @ unit.T / temperature).masked_fill(~others, -torch.inf)
    same = (classes.unsqueeze(0) == classes.unsqueeze(1)) & others
    paired = same.any(-1)
    if not bool(paired.any()):
        return states.sum() * 0.0
    chances = likeness.log_softmax(-1).masked_fill(~same, 0.0)
    return -(chances.sum(-1)[paired] / same.sum(-1)[paired]).mean()


def _balance(rows: Sequence[Row], labels: Labels, power: float) -> Tensor:
    """How much each intent weighs: its rarity to *power*, one on average over the rows."""
    seen = Counter(row.intent for row in rows)
    raw = torch.tensor([max(1, seen[name]) ** -power for name in labels.intents])
    counts = torch.tensor([float(seen[name]) for name in labels.intents])
    return raw * counts.sum() / (raw * counts).sum().clamp(min=1e-9)


def _optimiser(model: JointModel, settings: Settings) -> torch.optim.Optimizer:
    encoder = [value for value in model.encoder.parameters() if value.requires_grad]
    known = {id(value) for value in model.encoder.parameters()}
    heads = [value for value in model.parameters() if id(value) not in known]
    groups = [{"params": heads, "lr": settings.head_rate}]
    if encoder:
        groups.append({"params": encoder, "lr": settings.rate})
    return torch.optim.AdamW(groups, betas=(0.9, 0.98), weight_decay=0.01)


class _Average:
    """The moving average of a model's weights, which generalises better than the last of them (Polyak & Juditsky 1992).

    Early on it follows closely, so that a short training is not averaged with its random beginning.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        self._decay = decay
        self._steps = 0
        self._kept = {name: value.detach().clone() for name, value in model.state_dict().items()}

    def update(self, model: nn.Module) -> None:
        self._steps += 1
        decay = min(self._decay, (1 + self._steps) / (10 + self._steps))
        with torch.no_grad():
            for name, value in model.state_dict().items():
                if value.dtype.is_floating_point:
                    self._kept[name].lerp_(value, 1 - decay)
                else:
                    self._kept[name].copy_(value)

    def state(self) -> dict[str, Tensor]:
        return {name: value.clone() for name, value in self._kept.items()}

    def in_place_of(self, model: nn.Module) -> _Swapped:
        """A context in which *model* has the average's weights."""
        return _Swapped(model, self._kept)


class _Swapped:
    def __init__(self, model: nn.Module, state: dict[str, Tensor]) -> None:
        self._model, self._state = model, state
        self._own = {name: value.clone() for name, value in model.state_dict().items()}

    def __enter__(self) -> None:
        self._model.load_state_dict(self._state)

    def __exit__(self, *_: object) -> None:
        self._model.load_state_dict(self._own)
