"""How long a message takes: our model beside models of other sizes, interleaved in one run on one thread."""

from __future__ import annotations

import os
import platform
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import torch

from intents.capability import catalog
from intents.labels import Labels
from intents.scorer import RELEASE, Scorer
from intents.tokenizer import load_tokenizer
from intents.training.export import export_fp32, quantise
from intents.training.model import JointModel, new_encoder

SIZES = {"DIET-sized (2 × 256)": (2, 256), "MiniLM-sized (6 × 384)": (6, 384), "BERT-base-sized (12 × 768)": (12, 768)}
"""Layers and width, with random weights and int8 like ours: time does not depend on what the weights are."""

_WARM = 20


def latency(release: Path = RELEASE, messages: int = 400) -> dict[str, Any]:
    """Milliseconds a message, text to scores, on one thread: p50, p99 and the ratio of the medians to ours.

    Messages are examples of the catalogue; the models take turns, so that what else the machine does hits all alike.
    """
    texts = [example.text for capability in catalog().values() for example in list(capability.parsed_examples())[:8]][
        :messages
    ]
    with tempfile.TemporaryDirectory() as folder:
        readers: dict[str, Callable[[str], object]] = {"ours": Scorer(release).logits}
        for number, (name, (layers, width)) in enumerate(SIZES.items()):
            readers[name] = _other(release, Path(folder) / f"{number}.onnx", layers, width)
        seconds = _take_turns(readers, texts)
    ours = statistics.median(seconds["ours"])
    return {
        "messages": len(texts),
        "cores": os.cpu_count(),
        "processor": platform.machine(),
        "models": {
            name: {
                "p50_ms": round(1000 * statistics.median(taken), 3),
                "p99_ms": round(1000 * float(np.quantile(taken, 0.99)), 3),
                "times_ours": round(statistics.median(taken) / ours, 2),
            }
            for name, taken in seconds.items()
        },
    }


def _other(release: Path, path: Path, layers: int, width: int) -> Callable[[str], object]:
    tokenizer = load_tokenizer(release / "tokenizer.json")
    torch.manual_seed(0)
    encoder = new_encoder(tokenizer.get_vocab_size(), layers=layers, width=width)
    export_fp32(JointModel(encoder, Labels.load(release / "labels.json")), path)
    quantise(path, path)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(path.read_bytes(), options, providers=["CPUExecutionProvider"])

    def read(text: str) -> object:
        return session.run(None, {"input_ids": np.array([tokenizer.encode(text).ids], dtype=np.int64)})

    return read


def _take_turns(readers: dict[str, Callable[[str], object]], texts: Sequence[str]) -> dict[str, list[float]]:
    seconds: dict[str, list[float]] = {name: [] for name in readers}
    for at, text in enumerate([*texts[:_WARM], *texts]):
        for name, read in readers.items():
            began = time.perf_counter()
            read(text)
            if at >= _WARM:
                seconds[name].append(time.perf_counter() - began)
    return seconds
