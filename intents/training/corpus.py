"""Text to pre-train on: encoded once to disk, read from there in batches of exactly one length."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

SHORTEST, LONGEST = 6, 128
"""Tokens a line: shorter ones say nothing about their words, longer ones are cut."""

_CHUNK = 20_000


@dataclass(frozen=True, slots=True)
class Source:
    """A text file, a document a line, and how often it is read in each round (a fraction reads a part, another each time)."""

    path: Path
    weight: float = 1.0

    @classmethod
    def parse(cls, spec: str) -> Source:
        """``path`` or ``path:weight``."""
        path, _, weight = spec.rpartition(":")
        return cls(Path(path), float(weight)) if path else cls(Path(spec))


@dataclass(frozen=True, slots=True)
class Place:
    """How far reading has come: the round, and the batch in it that comes next."""

    round: int = 0
    batch: int = 0


class Corpus:
    """Encoded lines on disk: the memory taken is a few bytes a line, whatever the text weighs.

    ``tokens`` is one run of token ids (``uint16``); line *n* of a source is ``tokens[starts[n] : starts[n] + lengths[n]]``.
    """

    def __init__(self, folder: Path, weights: list[float]) -> None:
        self._tokens: NDArray[np.uint16] = np.load(folder / "tokens.npy", mmap_mode="r")
        with np.load(folder / "lines.npz") as lines:
            self._starts: NDArray[np.int64] = lines["starts"]
            self._lengths: NDArray[np.uint8] = lines["lengths"]
            self._sources: NDArray[np.uint8] = lines["sources"]
        self._weights = weights

    @classmethod
    def encode(cls, sources: list[Source], tokenizer: Tokenizer, folder: Path) -> Corpus:
        """Encode *sources* into *folder*, unless that has been done with the same texts and tokenizer."""
        mark = _fingerprint(sources, tokenizer)
        done = folder / "done"
        if not (done.exists() and done.read_text("utf-8") == mark):
            folder.mkdir(parents=True, exist_ok=True)
            done.unlink(missing_ok=True)
            _encode(sources, tokenizer, folder)
            done.write_text(mark, "utf-8")
        return cls(folder, [source.weight for source in sources])

    def batches(self, size: int, seed: int, start: Place) -> Iterator[tuple[Place, NDArray[np.int64]]]:
        """Batches ``[lines, length]`` of about *size* tokens without end, from *start* on; each with the place after it.

        A round draws every source by its weight anew. The order depends on *seed* and the round alone.
        """
        place = start
        while True:
            random = np.random.default_rng((seed, place.round))
            plan = self._round(size, random)
            for number in range(place.batch, len(plan)):
                yield Place(place.round, number + 1), self._rows(plan[number])
            place = Place(place.round + 1)

    def _round(self, size: int, random: np.random.Generator) -> list[NDArray[np.int64]]:
        weights = np.array(self._weights)[self._sources]
        copies = weights.astype(np.int64) + (random.random(len(weights)) < weights % 1)
        lines = np.repeat(np.arange(len(weights)), copies)
        random.shuffle(lines)
        lines = lines[np.argsort(self._lengths[lines], kind="stable")]
        lengths = self._lengths[lines]
        plan = []
        for length in np.unique(lengths):
            same = lines[np.searchsorted(lengths, length) : np.searchsorted(lengths, length, side="right")]
            rows = max(1, size // int(length))
            plan += [same[at : at + rows] for at in range(0, len(same), rows)]
        order = random.permutation(len(plan))
        return [plan[at] for at in order]

    def _rows(self, lines: NDArray[np.int64]) -> NDArray[np.int64]:
        reach = np.arange(int(self._lengths[lines[0]]))
        return np.asarray(self._tokens[self._starts[lines][:, None] + reach], dtype=np.int64)


def _fingerprint(sources: list[Source], tokenizer: Tokenizer) -> str:
    parts = [tokenizer.to_str(), *(f"{source.path.name} {source.path.stat().st_size}" for source in sources)]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _encode(sources: list[Source], tokenizer: Tokenizer, folder: Path) -> None:
    tokenizer.enable_truncation(LONGEST)
    raw = folder / "tokens.raw"
    lengths: list[NDArray[np.uint8]] = []
    origins: list[NDArray[np.uint8]] = []
    with raw.open("wb") as out:
        for number, source in enumerate(sources):
            with source.path.open(encoding="utf-8") as file:
                while chunk := list(islice(file, _CHUNK)):
                    encoded = [line.ids for line in tokenizer.encode_batch_fast([line.strip() for line in chunk])]
                    kept = [np.array(ids, dtype=np.uint16) for ids in encoded if len(ids) >= SHORTEST]
                    if kept:
                        np.concatenate(kept).tofile(out)
                        lengths.append(np.array([len(ids) for ids in kept], dtype=np.uint8))
                        origins.append(np.full(len(kept), number, dtype=np.uint8))
    if not lengths:
        raise ValueError(f"no line of the text has {SHORTEST} tokens or more")
    every = np.concatenate(lengths)
    starts = np.concatenate([[0], np.cumsum(every, dtype=np.int64)[:-1]])
    np.save(folder / "tokens.npy", np.fromfile(raw, dtype=np.uint16))
    raw.unlink()
    np.savez(folder / "lines.npz", starts=starts, lengths=every, sources=np.concatenate(origins))
