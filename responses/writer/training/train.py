"""Training the writer on a processor: plain text, templates and pairs at once, then pairs alone; resumable.

Matrices are optimised by Muon (Jordan et al. 2024), the rest by AdamW.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from responses.writer.pairs import PAIRS
from responses.writer.plan import Plan
from responses.writer.tokens import MASKED, Vocabulary
from responses.writer.training.export import write_release
from responses.writer.training.model import Decoder, Shape, load, save
from responses.writer.training.text import (
    LONGEST,
    Batch,
    Example,
    Replies,
    Source,
    Texts,
    encoded,
    packed,
    templates,
    vocabulary_from,
    written,
)

__all__ = ["Settings", "Source", "fit", "loss_on", "pretrain", "released"]

_SAY_EVERY = 25
"""Steps between two lines of progress."""
_AHEAD = 1.25
"""Examples are drawn for so much more than a batch holds, so that few places in it stay empty."""


@dataclass(frozen=True)
class Settings:
    """How to train. ``text`` and ``template`` are shares of the tokens of a batch at the beginning and at the end of
    pre-training, ``fit_template`` that of templates afterwards; the rest are pairs. The defaults are the recipe for one core."""

    vocabulary: int = 6144
    layers: int = 7
    width: int = 320
    inner: int = 832
    rows: int = 12
    rate: float = 3e-3
    warmup: int = 60
    minutes: float = 45.0
    steps: int = 10**9
    text: tuple[float, float] = (0.65, 0.25)
    template: tuple[float, float] = (0.15, 0.15)
    epochs: float = 6.0
    fit_rate: float = 1.5e-3
    fit_template: float = 0.12
    hidden: float = 0.1
    """Share of the tokens of replies that are hidden from what comes behind them, so that the plan is heeded."""
    seed: int = 0
    threads: int = 1
    compiled: bool = False
    checkpoint_seconds: float = 240.0


@dataclass
class Progress:
    """How far a run has come; kept in its checkpoints. ``drawn`` are the examples taken from each stream, ``read`` the tokens."""

    step: int = 0
    tokens: int = 0
    seconds: float = 0.0
    drawn: dict[str, int] = field(default_factory=dict)
    read: dict[str, float] = field(default_factory=dict)


class Mixture:
    """Batches in which each stream has its share of the tokens."""

    def __init__(self, streams: Mapping[str, Texts | Replies], settings: Settings) -> None:
        self._streams = {name: stream for name, stream in streams.items() if stream}
        self._settings = settings

    def batch(self, progress: Progress, shares: Mapping[str, float]) -> Batch:
        """The next batch; *progress* remembers what was drawn."""
        room = self._settings.rows * LONGEST
        examples: list[Example] = []
        size = 0
        wanted = {name: shares[name] for name in self._streams if shares.get(name, 0) > 0}
        mine = dict.fromkeys(wanted, 0)
        while size < room * _AHEAD:
            name = min(wanted, key=lambda each: mine[each] / wanted[each])
            number = progress.drawn.get(name, 0)
            progress.drawn[name] = number + 1
            example = self._streams[name].draw(self._settings.seed, number)
            if example is None:
                continue
            examples.append(example)
            mine[name] += len(example.ids)
            size += len(example.ids)
        return packed(examples, self._settings.rows)


def pretrain(out: Path, sources: list[Source], settings: Settings, *, folder: Path = PAIRS) -> dict[str, Any]:
    """Train a decoder into *out* (``tokenizer.json``, ``pretrained.pt``) on text, templates and the pairs of *folder*.

    A run that was cut off goes on from ``out/pretrain.pt``, one that was done is not done again. Returns how it went.
    """
    out.mkdir(parents=True, exist_ok=True)
    vocabulary = _vocabulary(out / "tokenizer.json", sources, folder, settings)
    streams = {
        "text": Texts(sources, vocabulary) if sources else Replies((), vocabulary),
        "template": Replies(templates(folder), vocabulary),
        "pairs": Replies(written(folder, held_out=False), vocabulary),
    }
    shape = Shape(vocabulary.size, settings.layers, settings.width, settings.inner)

    def done(progress: Progress) -> float:
        return min(1.0, max(progress.seconds / 60 / settings.minutes, progress.step / settings.steps))

    def shares(progress: Progress) -> dict[str, float]:
        share = done(progress)
        text, template = (_between(ends, share) for ends in (settings.text, settings.template))
        return {"text": text, "template": template, "pairs": 1 - text - template}

    return _run(
        out / "pretrain.pt", out / "pretrained.pt", lambda: Decoder(shape), streams, vocabulary, settings,
        done, shares, settings.rate, written(folder, held_out=True), falls=0.0,
    )  # fmt: skip


def fit(out: Path, settings: Settings, *, folder: Path = PAIRS) -> dict[str, Any]:
    """Train the pre-trained decoder of *out* on the pairs, and a few templates, into ``out/writer.pt``; resumable as :func:`pretrain` is."""
    vocabulary = Vocabulary.load(out / "tokenizer.json")
    learnt = Replies(written(folder, held_out=False), vocabulary)
    streams = {"pairs": learnt, "template": Replies(templates(folder), vocabulary)}
    shares = {"pairs": 1 - settings.fit_template, "template": settings.fit_template}
    wanted = settings.epochs * len(learnt)

    def done(progress: Progress) -> float:
        return min(1.0, progress.drawn.get("pairs", 0) / wanted)

    return _run(
        out / "fit.pt", out / "writer.pt", lambda: load(out / "pretrained.pt"), streams, vocabulary, settings,
        done, lambda _: shares, settings.fit_rate, written(folder, held_out=True), falls=1.0,
    )  # fmt: skip


def released(out: Path, release: Path, *, folder: Path = PAIRS) -> None:
    """Write what serves of the run at *out*, trained on the pairs of *folder*, into *release*."""
    write_release(load(out / "writer.pt"), Vocabulary.load(out / "tokenizer.json"), release, folder)


def _run(
    checkpoint: Path,
    out: Path,
    begin: Callable[[], Decoder],
    streams: Mapping[str, Texts | Replies],
    vocabulary: Vocabulary,
    settings: Settings,
    done: Callable[[Progress], float],
    shares: Callable[[Progress], Mapping[str, float]],
    rate: float,
    kept_back: list[tuple[Plan, str]],
    *,
    falls: float,
) -> dict[str, Any]:
    report = out.with_suffix(".json")
    if report.exists() and not checkpoint.exists():
        done_before: dict[str, Any] = json.loads(report.read_text("utf-8"))
        return done_before
    torch.set_num_threads(settings.threads)
    torch.manual_seed(settings.seed)
    model = begin()
    optimisers = _optimisers(model, rate)
    progress = _resume(checkpoint, model, optimisers)
    mixture = Mixture(streams, settings)
    run = torch.compile(model.forward, dynamic=False) if settings.compiled else model.forward
    losses: list[float] = []
    began = saved = time.monotonic()
    resumed = progress.seconds
    while (share := done(progress)) < 1:
        progress.step += 1
        batch = mixture.batch(progress, shares(progress))
        scale = min(1.0, progress.step / settings.warmup)
        if falls:
            scale = min(scale, (1 - share) / falls)
        for optimiser in optimisers:
            for group in optimiser.param_groups:
                group["lr"] = rate * scale
        hidden = _hiding(batch, settings, vocabulary.marks[MASKED], progress.step)
        losses.append(_step(model, run, optimisers, batch, hidden))
        progress.tokens += int((batch.document > 0).sum())
        progress.seconds = resumed + time.monotonic() - began
        if progress.step % _SAY_EVERY == 0:
            _say(f"{share:6.1%}", progress, losses[-_SAY_EVERY:])
        if time.monotonic() - saved > settings.checkpoint_seconds:
            _save(checkpoint, model, optimisers, progress)
            _note(f"       held out {loss_on(model, vocabulary, kept_back[::4]):.3f}\n")
            saved = time.monotonic()
    save(model, out)
    facts = {
        "steps": progress.step,
        "tokens": progress.tokens,
        "minutes": round(progress.seconds / 60, 1),
        "loss": round(sum(losses[-50:]) / max(1, len(losses[-50:])), 4),
        "held_out": round(loss_on(model, vocabulary, kept_back), 4),
        "pairs": len(streams["pairs"]) if isinstance(streams["pairs"], Replies) else 0,
        "settings": asdict(settings),
    }
    report.write_text(json.dumps(facts, indent=1) + "\n", "utf-8")
    checkpoint.unlink(missing_ok=True)
    return facts


def loss_on(model: Decoder, vocabulary: Vocabulary, replies: Sequence[tuple[Plan, str]]) -> float:
    """The mean loss, in nats a token, of *replies* (plan and reply) given their plans; nan for none."""
    examples = [example for plan, reply in replies if (example := encoded(plan, reply, vocabulary)) is not None]
    total, tokens = 0.0, 0
    with torch.no_grad():
        for at in range(0, len(examples), 16):
            batch = packed(examples[at : at + 16], 16)
            loss, size = _loss(model, model.forward, batch)
            total, tokens = total + float(loss) * size, tokens + size
    return total / tokens if tokens else float("nan")


def _hiding(batch: Batch, settings: Settings, mark: int, step: int) -> NDArray[np.int64]:
    """The ids of *batch* with a share of the replies' tokens hidden (Bowman et al. 2016: word dropout)."""
    chance = np.random.default_rng((settings.seed, step))
    inside = batch.counts & np.roll(batch.counts, 1, axis=1)
    return np.where(inside & (chance.random(batch.ids.shape) < settings.hidden), mark, batch.ids)


def _loss(
    model: Decoder, run: Callable[[Tensor, Tensor], Tensor], batch: Batch, shown: NDArray[np.int64] | None = None
) -> tuple[Tensor, int]:
    ids, document, counts = (torch.from_numpy(each) for each in (batch.ids, batch.document, batch.counts))
    with torch.autocast("cpu", torch.bfloat16, enabled=has_bf16()):
        states = run(ids if shown is None else torch.from_numpy(shown), _barred(document))
        told = model.logits(states[:, :-1][counts[:, :-1]])
    targets = ids[:, 1:][counts[:, :-1]]
    return nn.functional.cross_entropy(told.float(), targets), len(targets)


def _barred(document: Tensor) -> Tensor:
    """``[R, 1, T, T]``: an example reads itself only, and nothing behind."""
    length = document.shape[1]
    same = (document[:, :, None] == document[:, None, :]) & torch.ones(length, length, dtype=torch.bool).tril()
    return torch.where(same, 0.0, -1e9).to(torch.bfloat16 if has_bf16() else torch.float32)[:, None]


def _step(
    model: Decoder,
    run: Callable[[Tensor, Tensor], Tensor],
    optimisers: list[torch.optim.Optimizer],
    batch: Batch,
    shown: NDArray[np.int64],
) -> float:
    loss, _ = _loss(model, run, batch, shown)
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    for optimiser in optimisers:
        optimiser.step()
        optimiser.zero_grad()
    return float(loss.detach())


def has_bf16() -> bool:
    """Whether the processor multiplies in bfloat16."""
    return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())


def _optimisers(model: nn.Module, rate: float) -> list[torch.optim.Optimizer]:
    """Muon on the layers' matrices, AdamW on embeddings and norms."""
    matrices = [value for name, value in model.named_parameters() if value.ndim == 2 and "blocks." in name]
    chosen = {id(value) for value in matrices}
    rest = [value for value in model.parameters() if id(value) not in chosen]
    return [
        torch.optim.Muon(matrices, lr=rate, weight_decay=0.05, adjust_lr_fn="match_rms_adamw"),
        torch.optim.AdamW(rest, lr=rate, betas=(0.9, 0.98), weight_decay=0.01),
    ]


def _vocabulary(path: Path, sources: list[Source], folder: Path, settings: Settings) -> Vocabulary:
    if not path.exists():
        vocabulary_from(sources, folder, size=settings.vocabulary).save(path)
    return Vocabulary.load(path)


def _between(ends: tuple[float, float], share: float) -> float:
    return ends[0] + (ends[1] - ends[0]) * share


def _save(path: Path, model: nn.Module, optimisers: list[torch.optim.Optimizer], progress: Progress) -> None:
    """Write a checkpoint whole or not at all."""
    states = [optimiser.state_dict() for optimiser in optimisers]
    draft = path.with_suffix(".part")
    torch.save({"model": model.state_dict(), "optimisers": states, "progress": asdict(progress)}, draft)
    draft.replace(path)


def _resume(path: Path, model: nn.Module, optimisers: list[torch.optim.Optimizer]) -> Progress:
    if not path.exists():
        return Progress()
    state = torch.load(path, weights_only=True)
    model.load_state_dict(state["model"])
    for optimiser, kept in zip(optimisers, state["optimisers"], strict=True):
        optimiser.load_state_dict(kept)
    return Progress(**state["progress"])


def _say(share: str, progress: Progress, losses: list[float]) -> None:
    _note(
        f"{share} step {progress.step} tokens {progress.tokens / 1e6:.2f}M loss {sum(losses) / len(losses):.3f} "
        f"{progress.tokens / max(1e-9, progress.seconds):.0f} tokens/s\n"
    )


def _note(line: str) -> None:
    sys.stderr.write(line)
    sys.stderr.flush()
