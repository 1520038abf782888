"""A second opinion on the intent: hashed n-grams weighed by logistic regression, in numpy alone."""

from __future__ import annotations

import re
import unicodedata
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

BUCKETS = 1 << 15
_UNITS = re.compile(r"[a-z]+|[0-9]|[^\sa-z0-9，。！？、,.!?~～]")


def features(text: str) -> NDArray[np.int64]:
    """The buckets of *text*'s n-grams, each once: one to three characters or Latin words, three to five letters."""
    units = ["0" if unit.isdigit() else unit for unit in _UNITS.findall(unicodedata.normalize("NFKC", text).lower())]
    units = [unit for at, unit in enumerate(units) if unit != "0" or at == 0 or units[at - 1] != "0"]
    grams = {"\x1f".join(units[at : at + size]) for size in (1, 2, 3) for at in range(len(units) - size + 1)}
    for unit in units:
        if len(unit) > 2 and unit.isascii():
            word = f"<{unit}>"
            grams.update(word[at : at + size] for size in (3, 4, 5) for at in range(len(word) - size + 1))
    return np.unique(np.array([zlib.crc32(gram.encode()) % BUCKETS for gram in grams], dtype=np.int64))


@dataclass(frozen=True)
class NgramModel:
    """``weights`` ``[BUCKETS, classes]`` (half precision), ``bias`` ``[classes]``, ``rarity`` ``[BUCKETS]`` (idf)."""

    weights: NDArray[np.float16]
    bias: NDArray[np.float32]
    rarity: NDArray[np.float32]

    def logits(self, text: str) -> NDArray[np.float32]:
        """Unnormalised log probabilities of the classes."""
        buckets = features(text)
        rarity = self.rarity[buckets]
        norm = float(np.sqrt((rarity * rarity).sum())) or 1.0
        return self.bias + (rarity / norm) @ self.weights[buckets].astype(np.float32)

    def save(self, path: Path) -> None:
        """Write as a compressed ``.npz``."""
        np.savez_compressed(path, weights=self.weights, bias=self.bias, rarity=self.rarity)

    @classmethod
    def load(cls, path: Path) -> NgramModel:
        """What ``save`` wrote."""
        with np.load(path) as kept:
            return cls(kept["weights"], kept["bias"], kept["rarity"])

    @classmethod
    def fit(cls, texts: Sequence[str], classes: NDArray[np.int64], count: int, strength: float = 30.0) -> NgramModel:
        """Learn from *texts* with class numbers below *count*; *strength* is the inverse of the penalty."""
        from scipy.sparse import csr_matrix  # type: ignore[import-untyped]
        from sklearn.linear_model import LogisticRegression

        buckets = [features(text) for text in texts]
        seen = np.zeros(BUCKETS, dtype=np.float32)
        for row in buckets:
            seen[row] += 1
        rarity = (np.log((1 + len(texts)) / (1 + seen)) + 1).astype(np.float32)
        values = [rarity[row] / (np.sqrt((rarity[row] ** 2).sum()) or 1.0) for row in buckets]
        ends = np.cumsum([0, *(len(row) for row in buckets)])
        matrix = csr_matrix((np.concatenate(values), np.concatenate(buckets), ends), shape=(len(texts), BUCKETS))
        learner = LogisticRegression(C=strength, max_iter=150, tol=1e-3).fit(matrix, classes)
        weights = np.zeros((BUCKETS, count), dtype=np.float16)
        bias = np.full(count, -20.0, dtype=np.float32)
        slopes, offsets = learner.coef_, learner.intercept_
        if len(learner.classes_) == 2:  # told as one class against the other
            slopes, offsets = np.vstack([-slopes, slopes]) / 2, np.concatenate([-offsets, offsets]) / 2
        weights[:, learner.classes_] = slopes.T
        bias[learner.classes_] = offsets
        return cls(weights, bias, rarity)
