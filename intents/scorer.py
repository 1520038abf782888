"""A release's model as numbers: text in, calibrated probabilities and slot scores out. ONNX Runtime and numpy only."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from intents.labels import Labels
from intents.ngrams import NgramModel
from intents.tagging import Offsets
from intents.tokenizer import load_tokenizer

RELEASE = Path(__file__).parent / "release"
"""The release that is served."""

OUT_OF_SCOPE = "out_of_scope"

LONGEST = 1000
"""Characters that are read; the tokenizer cuts again, at ``MAX_TOKENS``."""

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Calibration:
    """Fitted on held-out rows with the exported model; see ``calibrate``.

    ``temperature`` and ``ngram_temperature`` divide logits; ``ngram_share`` is the weight of the n-grams' opinion; ``act_bias``
    is added to the acts' logits, so that what is asked for seldom is heard as often as it is meant.
    A message is out of scope where its score, by the weights ``outside`` (see ``intents.outside``), reaches ``reject``; two
    intents are told from a sureness of ``second`` on.
    """

    temperature: float = 1.0
    ngram_temperature: float = 1.0
    ngram_share: float = 0.3
    act_bias: tuple[float, ...] = (0.0, 0.0, 0.0)
    outside: tuple[float, ...] = (1.0, 0.0, 0.0, 0.0)
    reject: float = 0.5
    second: float = 0.5

    def save(self, path: Path) -> None:
        """Write to *path* as JSON."""
        rounded = {name: round(value, 5) if isinstance(value, float) else value for name, value in asdict(self).items()}
        path.write_text(json.dumps(rounded, indent=1) + "\n", "utf-8")

    @classmethod
    def load(cls, path: Path) -> Calibration:
        """What ``save`` wrote."""
        raw: dict[str, Any] = json.loads(path.read_text("utf-8"))
        read: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in raw.items()}
        return cls(**read)


@dataclass(frozen=True)
class Logits:
    """What the two models say of one text, before calibration.

    ``slots`` is ``[T, 2 S + 1]``; ``embedding`` the text's meaning as a vector of unit length.
    """

    intent: Floats
    ngram: Floats
    second: Floats
    act: Floats
    slots: Floats
    embedding: Floats
    offsets: Offsets


def softmax(logits: Floats, temperature: float = 1.0) -> Floats:
    """Probabilities over the last axis."""
    scaled = (logits - logits.max(-1, keepdims=True)) / temperature
    grown = np.exp(scaled)
    return np.asarray(grown / grown.sum(-1, keepdims=True), dtype=np.float32)


def intent_probabilities(intent: Floats, ngram: Floats, calibration: Calibration) -> Floats:
    """The two opinions of the intent, mixed as probabilities."""
    share = calibration.ngram_share
    own = softmax(intent, calibration.temperature)
    return np.asarray((1 - share) * own + share * softmax(ngram, calibration.ngram_temperature), dtype=np.float32)


class Scorer:
    """One session of the exported model on one thread, its tokenizer and its n-grams."""

    def __init__(self, release: Path) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        self.labels = Labels.load(release / "labels.json")
        self._tokenizer = load_tokenizer(release / "tokenizer.json")
        self._ngrams = NgramModel.load(release / "ngrams.npz")
        model = (release / "model.onnx").read_bytes()
        self._session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])

    def logits(self, text: str) -> Logits:
        """Run both models on one *text*; of a long one, on its first ``LONGEST`` characters."""
        text = text[:LONGEST]
        encoding = self._tokenizer.encode(text)
        ids = np.array([encoding.ids], dtype=np.int64)
        intent, second, act, slots, meaning = self._session.run(None, {"input_ids": ids})
        return Logits(
            intent[0],
            self._ngrams.logits(text),
            second[0],
            act[0],
            slots[0],
            meaning[0],
            encoding.offsets,
        )
