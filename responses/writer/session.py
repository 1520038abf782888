"""A released writer in ONNX Runtime: what ``decode`` asks for its logits. No torch."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from responses.writer.decode import Logits, Sampler
from responses.writer.tokens import Vocabulary

LONGEST = 256
"""Tokens of a plan and its reply together."""
RELEASE = Path(__file__).with_name("release")


class Session:
    """One reply's reading of an ONNX graph, with its memory of keys and values; a graph may serve many."""

    def __init__(self, graph: onnxruntime.InferenceSession) -> None:
        self._graph = graph
        layers, pair, one, heads, _, head = graph.get_inputs()[1].shape
        self._memory: NDArray[np.float32] = np.zeros((layers, pair, one, heads, LONGEST, head), dtype=np.float32)

    def read(self, ids: Sequence[int], kept: int) -> Logits:
        """As ``decode.Model``; *kept* and *ids* together are at most ``LONGEST``."""
        end = kept + len(ids)
        if end > LONGEST:
            raise ValueError(f"{end} tokens are more than the {LONGEST} that a writer reads")
        past = np.ascontiguousarray(self._memory[:, :, :, :, :kept])
        logits, new = self._graph.run(None, {"ids": np.array([ids], dtype=np.int64), "past": past})
        self._memory[:, :, :, :, kept:end] = new
        return np.asarray(logits[0], dtype=np.float32)


def graph_of(path: Path, threads: int) -> onnxruntime.InferenceSession:
    """The ONNX graph at *path*, run by *threads* threads."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(path.read_bytes(), options, providers=["CPUExecutionProvider"])


class Release:
    """The files of a release, read once."""

    def __init__(self, folder: Path = RELEASE, *, threads: int = 2) -> None:
        self.vocabulary = Vocabulary.load(folder / "tokenizer.json")
        self._usual: dict[str, list[int]] = json.loads((folder / "words.json").read_text("utf-8"))
        self._graph = graph_of(folder / "model.onnx", threads)

    def sampler(self) -> Sampler:
        """A sampler with a memory of its own: one for each reply that is made at a time."""
        return Sampler(Session(self._graph), self.vocabulary, self._usual)
