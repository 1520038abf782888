"""Pre-training of the encoder: masked language modelling on plain text, resumable, on the processor.

    python -m intents.pretrain OUT --text questions.txt:3 --text finance.txt --tokens 24000000

Each ``--text`` is a file with a document a line and, after a colon, how many times it is read (a fraction reads a
part). Batches hold lines of exactly one length, so nothing is padded. Matrices are optimised by Muon, the rest by AdamW.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer
from torch import Tensor, nn
from transformers import ModernBertForMaskedLM

from intents.model import base_config, has_bf16
from intents.tokenizer import MASK, SPECIAL, load_tokenizer, train_tokenizer

SHORTEST, LONGEST = 6, 128
"""Tokens a line: shorter ones say nothing about their words, longer ones are cut."""


@dataclass(frozen=True, slots=True)
class Source:
    """A text file, a document a line, and how often it is read."""

    path: Path
    weight: float = 1.0

    @classmethod
    def parse(cls, spec: str) -> Source:
        """``path`` or ``path:weight``."""
        path, _, weight = spec.rpartition(":")
        return cls(Path(path), float(weight)) if path else cls(Path(spec))


@dataclass(frozen=True)
class Settings:
    """How to pre-train. ``tokens`` is the whole budget; the defaults are the recipe measured best on two cores."""

    tokens: int = 24_000_000
    batch_tokens: int = 6144
    rate: float = 3e-3
    warmup: int = 100
    masked: float = 0.2
    seed: int = 0
    threads: int = 2
    layers: int = 4
    width: int = 256
    checkpoint_seconds: float = 300.0


class Corpus:
    """Encoded lines grouped by length: ``rows[length]`` is ``[n, length]`` of token ids."""

    def __init__(self, rows: dict[int, NDArray[np.uint16]]) -> None:
        self.rows = rows

    @classmethod
    def read(cls, sources: list[Source], tokenizer: Tokenizer, seed: int) -> Corpus:
        """Every source's lines, repeated or thinned by weight."""
        random = np.random.default_rng(seed)
        tokenizer.enable_truncation(LONGEST)
        found: dict[int, list[NDArray[np.uint16]]] = {}
        for source in sources:
            lines = source.path.read_text("utf-8").split("\n")
            for start in range(0, len(lines), 20_000):
                chunk = [line for line in lines[start : start + 20_000] if line.strip()]
                copies = int(source.weight) + (random.random(len(chunk)) < source.weight % 1)
                wanted = [line for line, count in zip(chunk, copies, strict=True) if count]
                counts = copies[copies > 0]
                for encoding, count in zip(tokenizer.encode_batch_fast(wanted), counts, strict=True):
                    ids = np.array(encoding.ids, dtype=np.uint16)
                    if len(ids) >= SHORTEST:
                        found.setdefault(len(ids), []).extend([ids] * int(count))
        return cls({length: np.stack(rows) for length, rows in found.items()})

    def batches(self, settings: Settings) -> list[tuple[int, NDArray[np.int64]]]:
        """A shuffled plan of ``(length, row numbers)``, each of about ``batch_tokens``, until the budget is spent."""
        random = np.random.default_rng(settings.seed)
        plan: list[tuple[int, NDArray[np.int64]]] = []
        spent = 0
        while spent < settings.tokens:
            epoch: list[tuple[int, NDArray[np.int64]]] = []
            for length in sorted(self.rows):
                order = random.permutation(len(self.rows[length]))
                size = max(1, settings.batch_tokens // length)
                epoch += [(length, order[at : at + size]) for at in range(0, len(order), size)]
            random.shuffle(epoch)
            for length, order in epoch:
                plan.append((length, order))
                spent += length * len(order)
                if spent >= settings.tokens:
                    break
        return plan


def mask_spans(ids: Tensor, share: float, vocabulary: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """*ids* ``[B, T]`` with spans of one to three tokens masked, and where; special tokens are left alone.

    One masked token in ten keeps a random word instead of the mask, so that the encoder does not trust what it sees.
    """
    starts = torch.rand(ids.shape, generator=generator) < share / 2
    lengths = torch.randint(1, 4, ids.shape, generator=generator)
    hidden = starts.clone()
    for reach in (1, 2):
        hidden[:, reach:] |= starts[:, :-reach] & (lengths[:, :-reach] > reach)
    hidden &= ids >= len(SPECIAL)
    shown = torch.full_like(ids, SPECIAL.index(MASK))
    random = torch.rand(ids.shape, generator=generator) < 0.1
    shown[random] = torch.randint(len(SPECIAL), vocabulary, (int(random.sum()),), generator=generator)
    return torch.where(hidden, shown, ids), hidden


def pretrain(out: Path, sources: list[Source], settings: Settings, tokenizer: Tokenizer | None = None) -> None:
    """Train an encoder into *out* (``config.json``, ``model.safetensors``, ``tokenizer.json``, ``pretrain.json``).

    Goes on from ``out/checkpoint.pt`` where there is one; it holds the weights, the optimisers and the place in the plan.
    """
    torch.set_num_threads(settings.threads)
    torch.manual_seed(settings.seed)
    out.mkdir(parents=True, exist_ok=True)
    saved = out / "tokenizer.json"
    if tokenizer is None:
        tokenizer = load_tokenizer(saved) if saved.exists() else train_tokenizer(_lines(sources))
    if not saved.exists():
        tokenizer.save(str(saved))
    corpus = Corpus.read(sources, tokenizer, settings.seed)
    plan = corpus.batches(settings)
    model = ModernBertForMaskedLM(base_config(tokenizer.get_vocab_size(), layers=settings.layers, width=settings.width))
    optimisers = _optimisers(model, settings.rate)
    checkpoint = out / "checkpoint.pt"
    first = 0
    if checkpoint.exists():
        state = torch.load(checkpoint, weights_only=True)
        model.load_state_dict(state["model"])
        for optimiser, kept in zip(optimisers, state["optimisers"], strict=True):
            optimiser.load_state_dict(kept)
        first = state["step"]
    last_save, began, tokens, losses = time.monotonic(), time.monotonic(), 0, [9.0]
    for step in range(first, len(plan)):
        length, order = plan[step]
        ids = torch.from_numpy(corpus.rows[length][order].astype(np.int64))
        _set_rate(optimisers, settings.rate * _schedule(step, len(plan), settings.warmup))
        losses.append(_step(model, optimisers, ids, settings, step))
        tokens += ids.numel()
        if step % 50 == 0:
            speed = tokens / (time.monotonic() - began)
            _say(f"step {step}/{len(plan)} loss {sum(losses[-50:]) / len(losses[-50:]):.3f} {speed:.0f} tokens/s")
        if time.monotonic() - last_save > settings.checkpoint_seconds:
            states = [optimiser.state_dict() for optimiser in optimisers]
            torch.save({"model": model.state_dict(), "optimisers": states, "step": step + 1}, checkpoint)
            last_save = time.monotonic()
    model.model.save_pretrained(out)
    facts = {
        "tokens": sum(length * len(order) for length, order in plan),
        "loss": sum(losses[-200:]) / len(losses[-200:]),
    }
    (out / "pretrain.json").write_text(json.dumps(facts, indent=1) + "\n", "utf-8")
    checkpoint.unlink(missing_ok=True)


def _step(
    model: ModernBertForMaskedLM, optimisers: list[torch.optim.Optimizer], ids: Tensor, settings: Settings, step: int
) -> float:
    generator = torch.Generator().manual_seed(settings.seed * 1_000_003 + step)
    shown, hidden = mask_spans(ids, settings.masked, model.config.vocab_size, generator)
    with torch.autocast("cpu", torch.bfloat16, enabled=has_bf16()):
        states = model.model(input_ids=shown, attention_mask=torch.ones_like(shown))[0]
        logits = model.decoder(model.head(states[hidden]))
        loss = nn.functional.cross_entropy(logits.float(), ids[hidden])
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
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


def _schedule(step: int, steps: int, warmup: int) -> float:
    """Rises over *warmup* steps, stays, and falls to nothing over the last three tenths."""
    return min(1.0, (step + 1) / warmup, (steps - step) / (0.3 * steps))


def _set_rate(optimisers: list[torch.optim.Optimizer], rate: float) -> None:
    for optimiser in optimisers:
        for group in optimiser.param_groups:
            group["lr"] = rate


def _lines(sources: list[Source]) -> Iterator[str]:
    for source in sources:
        with source.path.open(encoding="utf-8") as file:
            yield from file


def _say(line: str) -> None:
    import sys

    sys.stderr.write(line + "\n")


def main() -> None:
    """The command line; see the top of this file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--text", action="append", required=True, type=Source.parse, metavar="FILE[:TIMES]")
    parser.add_argument("--tokens", type=int, default=Settings.tokens)
    parser.add_argument("--seed", type=int, default=Settings.seed)
    parser.add_argument("--threads", type=int, default=Settings.threads)
    asked = parser.parse_args()
    pretrain(asked.out, asked.text, Settings(tokens=asked.tokens, seed=asked.seed, threads=asked.threads))


if __name__ == "__main__":
    main()
