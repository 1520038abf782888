"""The decoder: pre-norm, rotary positions, gated feed-forward, tied embeddings. Only training imports this."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

HEAD = 64
"""Width of one attention head; the model's width must divide by it."""


@dataclass(frozen=True)
class Shape:
    """How large a decoder is."""

    vocabulary: int
    layers: int = 7
    width: int = 320
    inner: int = 832
    longest: int = 256


class Block(nn.Module):  # type: ignore[misc]  # torch is untyped here
    """One layer (RMSNorm: Zhang & Sennrich 2019; SwiGLU: Shazeer 2020; rotary positions: Su et al. 2021)."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.heads = shape.width // HEAD
        self.before_attention = nn.RMSNorm(shape.width, eps=1e-6)
        self.query_key_value = nn.Linear(shape.width, 3 * shape.width, bias=False)
        self.out = nn.Linear(shape.width, shape.width, bias=False)
        self.before_feed = nn.RMSNorm(shape.width, eps=1e-6)
        self.gate_up = nn.Linear(shape.width, 2 * shape.inner, bias=False)
        self.down = nn.Linear(shape.inner, shape.width, bias=False)

    def forward(self, states: Tensor, turn: tuple[Tensor, Tensor], barred: Tensor) -> Tensor:
        """The new states of *states* ``[B, T, W]``; *turn* are cosine and sine ``[T, 64]``, *barred* ``[B or 1, 1, T, T]`` is
        added to the scores."""
        batch, length, width = states.shape
        mixed = self.query_key_value(self.before_attention(states))
        query, key, value = mixed.view(batch, length, 3, self.heads, HEAD).permute(2, 0, 3, 1, 4)
        query, key = turned(query, turn), turned(key, turn)
        weights = (query @ key.transpose(-1, -2) * HEAD**-0.5 + barred).softmax(-1)
        states = states + self.out((weights @ value).transpose(1, 2).reshape(batch, length, width))
        gate, up = self.gate_up(self.before_feed(states)).chunk(2, -1)
        return states + self.down(functional.silu(gate) * up)


class Decoder(nn.Module):  # type: ignore[misc]
    """Ids ``[B, T]`` to logits ``[B, T, V]``."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.embedding = nn.Embedding(shape.vocabulary, shape.width)
        self.blocks = nn.ModuleList(Block(shape) for _ in range(shape.layers))
        self.last = nn.RMSNorm(shape.width, eps=1e-6)
        cosine, sine = rotation(shape.longest)
        self.register_buffer("cosine", cosine, persistent=False)
        self.register_buffer("sine", sine, persistent=False)
        for name, value in self.named_parameters():
            if value.ndim == 2:
                depth = (2 * shape.layers) ** -0.5 if name.endswith(("out.weight", "down.weight")) else 1.0
                nn.init.normal_(value, std=0.02 * depth)

    def forward(self, ids: Tensor, barred: Tensor) -> Tensor:
        """States ``[B, T, W]`` ready for :meth:`logits`; *barred* is :func:`causal` or a mask of that shape."""
        states = self.embedding(ids)
        turn = (self.cosine[: ids.shape[1]].to(states.dtype), self.sine[: ids.shape[1]].to(states.dtype))
        for block in self.blocks:
            states = block(states, turn, barred)
        return self.last(states)

    def logits(self, states: Tensor) -> Tensor:
        """The logits of *states*, from the embeddings themselves."""
        return functional.linear(states, self.embedding.weight)


def turned(states: Tensor, turn: tuple[Tensor, Tensor]) -> Tensor:
    """*states* ``[B, H, T, 64]`` rotated by their positions."""
    first, second = states.chunk(2, -1)
    return states * turn[0] + torch.cat([-second, first], dim=-1) * turn[1]


def rotation(length: int) -> tuple[Tensor, Tensor]:
    """Cosines and sines ``[length, 64]`` of the rotary positions, base 10,000."""
    rates = 10_000.0 ** (-torch.arange(0, HEAD, 2) / HEAD)
    angles = torch.outer(torch.arange(length), rates).repeat(1, 2)
    return angles.cos(), angles.sin()


def causal(length: int) -> Tensor:
    """``[1, 1, length, length]``: nothing reads what comes behind it."""
    return torch.full((length, length), -1e9).triu(1)[None, None]


def save(model: Decoder, path: Path) -> None:
    """Write shape and weights."""
    torch.save({"shape": asdict(model.shape), "weights": model.state_dict()}, path)


def load(path: Path) -> Decoder:
    """The decoder saved at *path*."""
    kept: dict[str, Any] = torch.load(path, weights_only=True)
    model = Decoder(Shape(**kept["shape"]))
    model.load_state_dict(kept["weights"])
    return model
