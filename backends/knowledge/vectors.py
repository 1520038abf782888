"""How alike a question and a known wording are in their meaning: the ports of an embedding and of the search over it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float32]


Embedder = Callable[[str], Vector]
"""Turns a text into a vector; texts that mean the same lie in the same direction. Pure computation, no I/O."""


class VectorIndex(Protocol):
    """Wordings by their vectors. Keys are the caller's; *among* limits a search to some of them."""

    async def put(self, vectors: Mapping[str, Vector]) -> None:
        """Keep *vectors*, in place of what was kept under the same keys."""
        ...

    async def likeness(self, vector: Vector, among: Sequence[str]) -> dict[str, float]:
        """The cosine of *vector* with each of *among* that is kept."""
        ...


def unit(vector: Vector) -> Vector:
    """*vector* with the length 1; zeros stay zeros."""
    length = float(np.linalg.norm(vector))
    return np.asarray(vector / length if length else vector, dtype=np.float32)


class ExactVectors:
    """The vectors in this process, compared one by one: exact, and quick enough for tens of thousands."""

    def __init__(self) -> None:
        self._kept: dict[str, Vector] = {}

    async def put(self, vectors: Mapping[str, Vector]) -> None:
        """See ``VectorIndex``."""
        self._kept |= {key: unit(vector) for key, vector in vectors.items()}

    async def likeness(self, vector: Vector, among: Sequence[str]) -> dict[str, float]:
        """See ``VectorIndex``."""
        keys = [key for key in among if key in self._kept]
        if not keys:
            return {}
        cosines = np.stack([self._kept[key] for key in keys]) @ unit(vector)
        return dict(zip(keys, cosines.tolist(), strict=True))
