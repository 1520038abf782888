"""Pre-training of the encoder: masked language modelling on plain text, resumable, on processors or GPUs.

Matrices are optimised by Muon (Jordan et al. 2024), the rest by AdamW. ``accelerate launch`` runs it on several devices:
each takes its share of the batches.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from tokenizers import Tokenizer
from torch import Tensor, nn
from transformers import ModernBertForMaskedLM

from intents.tokenizer import MASK, SPECIAL, load_tokenizer, train_tokenizer
from intents.training.corpus import Corpus, Place, Source
from intents.training.model import base_config, has_bf16, load_encoder

__all__ = ["Settings", "Source", "mask_spans", "pretrain"]

_SAY_EVERY = 50
"""Steps between two lines of progress."""


@dataclass(frozen=True)
class Settings:
    """How to pre-train: until ``tokens`` are read or ``minutes`` have passed, whichever is first.

    The defaults are the recipe measured best on two cores; on a GPU take a ``batch_tokens`` of 64k or more.
    """

    tokens: int = 80_000_000
    minutes: float = float("inf")
    batch_tokens: int = 6144
    rate: float = 3e-3
    warmup: int = 100
    masked: float = 0.2
    seed: int = 0
    threads: int = 2
    layers: int = 4
    width: int = 256
    compiled: bool = False
    """``torch.compile``: needs a C++ compiler, takes a minute to start, then half as fast again."""
    checkpoint_seconds: float = 300.0


@dataclass
class Progress:
    """How far a run has come; kept in its checkpoints."""

    step: int = 0
    tokens: int = 0
    seconds: float = 0.0
    place: Place = field(default_factory=Place)

    def share(self, settings: Settings) -> float:
        """The part of the budget that is spent, 0 to 1."""
        return min(1.0, max(self.tokens / settings.tokens, self.seconds / 60 / settings.minutes))


def pretrain(
    out: Path,
    sources: list[Source],
    settings: Settings,
    tokenizer: Tokenizer | None = None,
    base: Path | None = None,
) -> dict[str, Any]:
    """Train an encoder into *out* (``config.json``, ``model.safetensors``, ``tokenizer.json``, ``pretrain.json``).

    *base* is an encoder of ours to go on from, with its tokenizer. A run that was cut off goes on from
    ``out/checkpoint.pt``: weights, optimisers and the place in the text. Returns what ``pretrain.json`` says.
    """
    torch.set_num_threads(settings.threads)
    torch.manual_seed(settings.seed)
    accelerator = Accelerator()
    out.mkdir(parents=True, exist_ok=True)
    tokenizer = _tokenizer(out / "tokenizer.json", tokenizer, base, sources)
    corpus = Corpus.encode(sources, tokenizer, out / "encoded")
    model = _model(tokenizer, settings, base)
    optimisers = _optimisers(model, settings.rate)
    trained, *prepared = accelerator.prepare(model, *optimisers)
    progress = _resume(out / "checkpoint.pt", model, optimisers)
    if settings.compiled:
        model.model.forward = torch.compile(model.model.forward, dynamic=True)
    losses: list[float] = []
    began, saved, resumed = time.monotonic(), time.monotonic(), progress.seconds
    for place, rows in corpus.batches(settings.batch_tokens, settings.seed, progress.place):
        if progress.share(settings) >= 1:
            break
        progress.step += 1
        progress.tokens += rows.size
        progress.place = place
        progress.seconds = resumed + time.monotonic() - began
        if progress.step % accelerator.num_processes != accelerator.process_index:
            continue
        _set_rate(optimisers, settings.rate * _schedule(progress, settings))
        ids = torch.from_numpy(rows).to(accelerator.device)
        losses.append(_step(accelerator, trained, prepared, ids, settings, progress.step))
        if progress.step % _SAY_EVERY == 0:
            _say(progress, settings, losses)
        if accelerator.is_main_process and time.monotonic() - saved > settings.checkpoint_seconds:
            _save(out / "checkpoint.pt", model, optimisers, progress)
            saved = time.monotonic()
    if accelerator.is_main_process:
        model.model.save_pretrained(out)
    recent = losses[-200:]
    facts = {
        "tokens": progress.tokens,
        "minutes": round(progress.seconds / 60, 1),
        "loss": round(sum(recent) / max(1, len(recent)), 4),
        "from": None if base is None else base.name,
        "settings": {name: value for name, value in asdict(settings).items() if value != float("inf")},
    }
    (out / "pretrain.json").write_text(json.dumps(facts, indent=1) + "\n", "utf-8")
    (out / "checkpoint.pt").unlink(missing_ok=True)
    return facts


def mask_spans(ids: Tensor, share: float, vocabulary: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """*ids* ``[B, T]`` with spans of one to three tokens masked, and where; special tokens are left alone.

    One masked token in ten keeps a random word instead of the mask, so that the encoder does not trust what it sees.
    """
    starts = torch.rand(ids.shape, generator=generator) < share / 2
    lengths = torch.randint(1, 4, ids.shape, generator=generator)
    hidden = starts.clone()
    for reach in (1, 2):
        hidden[:, reach:] |= starts[:, :-reach] & (lengths[:, :-reach] > reach)
    hidden = hidden.to(ids.device) & (ids >= len(SPECIAL))
    shown = torch.full(ids.shape, SPECIAL.index(MASK), dtype=ids.dtype)
    random = torch.rand(ids.shape, generator=generator) < 0.1
    shown[random] = torch.randint(len(SPECIAL), vocabulary, (int(random.sum()),), generator=generator)
    return torch.where(hidden, shown.to(ids.device), ids), hidden


def _tokenizer(path: Path, given: Tokenizer | None, base: Path | None, sources: list[Source]) -> Tokenizer:
    """The tokenizer of this run: the one it began with, else *given*, else the base's, else learnt from the text."""
    if path.exists():
        return load_tokenizer(path)
    if given is None:
        given = train_tokenizer(_lines(sources)) if base is None else load_tokenizer(base / "tokenizer.json")
    given.save(str(path))
    return given


def _model(tokenizer: Tokenizer, settings: Settings, base: Path | None) -> ModernBertForMaskedLM:
    config = base_config(tokenizer.get_vocab_size(), layers=settings.layers, width=settings.width)
    model = ModernBertForMaskedLM(config)
    if base is not None:
        model.model.load_state_dict(load_encoder(base).state_dict())
    return model


def _step(
    accelerator: Accelerator, model: nn.Module, optimisers: list[Any], ids: Tensor, settings: Settings, step: int
) -> float:
    inner = accelerator.unwrap_model(model)
    generator = torch.Generator().manual_seed(settings.seed * 1_000_003 + step)
    shown, hidden = mask_spans(ids, settings.masked, inner.config.vocab_size, generator)
    with torch.autocast(ids.device.type, torch.bfloat16, enabled=ids.device.type != "cpu" or has_bf16()):
        states = inner.model(input_ids=shown, attention_mask=torch.ones_like(shown))[0]
        logits = inner.decoder(inner.head(states[hidden]))
        loss = nn.functional.cross_entropy(logits.float(), ids[hidden])
    accelerator.backward(loss)
    accelerator.clip_grad_norm_(model.parameters(), 1.0)
    for optimiser in optimisers:
        optimiser.step()
        optimiser.zero_grad()
    return float(loss.detach())


def _optimisers(model: nn.Module, rate: float) -> list[torch.optim.Optimizer]:
    """Muon on the layers' matrices, AdamW on embeddings, norms and the output."""
    matrices = [value for name, value in model.named_parameters() if value.ndim == 2 and ".layers." in name]
    chosen = {id(value) for value in matrices}
    rest = [value for value in model.parameters() if id(value) not in chosen]
    return [
        torch.optim.Muon(matrices, lr=rate, weight_decay=0.01, adjust_lr_fn="match_rms_adamw"),
        torch.optim.AdamW(rest, lr=rate, betas=(0.9, 0.98), weight_decay=0.01),
    ]


def _schedule(progress: Progress, settings: Settings) -> float:
    """Rises over the warm-up, stays, and falls to nothing over the last three tenths of the budget."""
    return min(1.0, progress.step / settings.warmup, (1 - progress.share(settings)) / 0.3)


def _set_rate(optimisers: list[torch.optim.Optimizer], rate: float) -> None:
    for optimiser in optimisers:
        for group in optimiser.param_groups:
            group["lr"] = rate


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
    kept = state["progress"]
    return Progress(**{**kept, "place": Place(**kept["place"])})


def _say(progress: Progress, settings: Settings, losses: list[float]) -> None:
    recent = losses[-_SAY_EVERY:]
    sys.stderr.write(
        f"{progress.share(settings):6.1%} step {progress.step} tokens {progress.tokens / 1e6:.1f}M "
        f"loss {sum(recent) / len(recent):.3f} {progress.tokens / max(1e-9, progress.seconds):.0f} tokens/s\n"
    )


def _lines(sources: list[Source]) -> Iterator[str]:
    for source in sources:
        with source.path.open(encoding="utf-8") as file:
            yield from file
