"""The joint model: one encoder; heads for the intent, a second intent, the act and the slots. Only training imports this."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from tokenizers import Encoding, Tokenizer
from torch import Tensor, nn
from transformers import AutoConfig, AutoModel, AutoTokenizer, ModernBertConfig, PretrainedConfig

from intents.labels import Labels
from intents.tokenizer import CLS, MAX_TOKENS, PAD, SEP, SPECIAL, load_tokenizer


def base_config(vocabulary: int, *, layers: int = 4, width: int = 256) -> ModernBertConfig:
    """Our own small encoder: pre-norm, rotary positions, full attention in every layer, no dropout."""
    return ModernBertConfig(
        vocab_size=vocabulary,
        hidden_size=width,
        intermediate_size=2 * width,
        num_hidden_layers=layers,
        num_attention_heads=width // 64,
        max_position_embeddings=2 * MAX_TOKENS,
        layer_types=["full_attention"] * layers,
        attn_implementation="eager",
        pad_token_id=SPECIAL.index(PAD),
        cls_token_id=SPECIAL.index(CLS),
        bos_token_id=SPECIAL.index(CLS),
        sep_token_id=SPECIAL.index(SEP),
        eos_token_id=SPECIAL.index(SEP),
    )


HEADS = 8
"""Attention heads of each intent's focus; the encoder's width must divide by it."""


class JointModel(nn.Module):  # type: ignore[misc]  # torch is untyped here
    """Encoder and heads.

    ``forward(input_ids [B, T], attention_mask [B, T])`` gives the logits ``(intent [B, I], second [B, I + 1],
    act [B, 3], slots [B, T, 2 S + 1])``; the last class of ``second`` is "none".
    """

    def __init__(self, encoder: nn.Module, labels: Labels) -> None:
        super().__init__()
        self.encoder = encoder
        width: int = encoder.config.hidden_size
        self.focus = nn.Linear(width, 2 * HEADS)
        self.intent = nn.Linear(width, len(labels.intents))
        self.none = nn.Linear(2 * width, 1)
        self.act = nn.Linear(2 * width, len(labels.acts))
        self.slots = nn.Linear(width, len(labels.tags))

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        return self.read(input_ids, attention_mask)[0]

    def read(
        self, input_ids: Tensor, attention_mask: Tensor
    ) -> tuple[tuple[Tensor, Tensor, Tensor, Tensor], Tensor, Tensor]:
        """What ``forward`` gives, what the first intent was read from, and the mean of the states, both ``[B, width]``."""
        hidden = self.encoder(input_ids=input_ids, attention_mask=attention_mask)[0]
        mask = attention_mask.unsqueeze(-1).to(hidden.dtype)
        focused = self._focused(hidden, mask)
        first, second = focused[:, 0], focused[:, 1]
        intents = self.intent(focused)
        average = (hidden * mask).sum(1) / mask.sum(1)
        none = self.none(torch.cat([second, average], dim=-1))
        act = self.act(torch.cat([first, average], dim=-1))
        return (intents[:, 0], torch.cat([intents[:, 1], none], dim=-1), act, self.slots(hidden)), first, average

    def _focused(self, hidden: Tensor, mask: Tensor) -> Tensor:
        """What each of two intents looks at: ``[B, 2, width]``, by learned attention over the tokens.

        Both are named by the same classifier, so a second intent needs to learn only where to look.
        """
        weights = (self.focus(hidden) + (mask - 1) * 1e4).softmax(1)
        slices = hidden.unflatten(-1, (HEADS, -1))
        pair = weights.unflatten(-1, (2, HEADS)).unsqueeze(-1)
        return (slices.unsqueeze(2) * pair).sum(1).flatten(2)


def padded(encodings: Sequence[Encoding]) -> tuple[Tensor, Tensor]:
    """The ids of *encodings* filled up to the longest, and the mask of what is not filling, both ``[B, T]``."""
    longest = max(len(encoding.ids) for encoding in encodings)
    ids = torch.zeros(len(encodings), longest, dtype=torch.long)
    mask = torch.zeros_like(ids)
    for at, encoding in enumerate(encodings):
        ids[at, : len(encoding.ids)] = torch.tensor(encoding.ids)
        mask[at, : len(encoding.ids)] = 1
    return ids, mask


def mean_state(encoder: nn.Module, encodings: Sequence[Encoding]) -> Tensor:
    """The mean of *encoder*'s states over each of *encodings*, ``[B, width]``, of unit length."""
    ids, mask = padded(encodings)
    states = encoder(input_ids=ids, attention_mask=mask)[0]
    mean = (states * mask.unsqueeze(-1)).sum(1) / mask.sum(1, keepdim=True)
    return nn.functional.normalize(mean.float(), dim=-1)


def with_adapters(model: JointModel, rank: int) -> None:
    """Freeze the encoder of *model* and give its matrices low-rank adapters (LoRA, Hu et al. 2021) to train instead."""
    from peft import LoraConfig, get_peft_model

    wanted = LoraConfig(r=rank, lora_alpha=2 * rank, target_modules="all-linear", lora_dropout=0.05)
    with warnings.catch_warnings():  # peft still asks transformers by a name that it has given up
        warnings.simplefilter("ignore", FutureWarning)
        model.encoder = get_peft_model(model.encoder, wanted)


def without_adapters(model: JointModel) -> None:
    """Work the adapters of *model* into its encoder, which then has the shape it had before."""
    model.encoder = model.encoder.merge_and_unload()


def has_bf16() -> bool:
    """Whether this processor multiplies bfloat16 itself; where it does not, that format is slower, not faster."""
    return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())


_DROPOUTS = (
    "hidden_dropout_prob",
    "attention_probs_dropout_prob",
    "embedding_dropout",
    "mlp_dropout",
    "attention_dropout",
)
"""What the encoders' configurations call their dropouts."""


def new_encoder(vocabulary: int, *, layers: int = 4, width: int = 256, dropout: float = 0.0) -> nn.Module:
    """Our own encoder with random weights."""
    config = _with_dropout(base_config(vocabulary, layers=layers, width=width), dropout)
    return AutoModel.from_config(config, attn_implementation="eager")


_USUAL, _LARGE = 0.02, 4.0
"""The root mean square that matrices begin with, and how many times it they must be to be shrunk."""


def load_encoder(folder: Path, dropout: float = 0.0) -> nn.Module:
    """Any Hugging Face encoder directory with a ``config.json`` and weights; attention in plain matrix products."""
    config = _with_dropout(AutoConfig.from_pretrained(folder), dropout)
    options: dict[str, Any] = {"attn_implementation": "eager", "dtype": torch.float32}
    return AutoModel.from_pretrained(folder, config=config, **options)


def shrink(encoder: nn.Module) -> None:
    """Bring matrices that pre-training has made large back to the size that a fresh one begins with.

    What matters in a network with norms is how far a step turns a matrix, and a step turns a large one little: our base's are
    eight times as large as fresh ones, and learnt half as fast (``docs/decisions/0022``). Only the directions are kept, as in
    the shrinking of Ash & Adams, On Warm-Starting Neural Network Training, 2020. Bases of the usual size are left as they are.
    """
    usual = float(getattr(encoder.config, "initializer_range", _USUAL))
    with torch.no_grad():
        for value in encoder.parameters():
            size = float(value.detach().square().mean().sqrt())
            if value.ndim == 2 and size > _LARGE * usual:
                value.mul_(usual / size)


def tokenizer_of(base: Path) -> Tokenizer:
    """The tokenizer of an encoder directory (``tokenizer.json``, or whatever transformers can turn into one)."""
    if (base / "tokenizer.json").exists():
        return load_tokenizer(base / "tokenizer.json")
    tokenizer: Tokenizer = AutoTokenizer.from_pretrained(base, use_fast=True).backend_tokenizer
    tokenizer.no_padding()
    tokenizer.enable_truncation(MAX_TOKENS)
    return tokenizer


def _with_dropout(config: PretrainedConfig, dropout: float) -> PretrainedConfig:
    for name in _DROPOUTS:
        if hasattr(config, name):
            setattr(config, name, dropout)
    return config
