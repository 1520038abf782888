"""From a trained writer to the files that serve: one ONNX graph that reads behind a memory, its tokens, its usual words."""

from __future__ import annotations

import json
import tempfile
import warnings
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import QuantType, quantize_dynamic

from responses.writer.pairs import PAIRS
from responses.writer.tokens import Vocabulary
from responses.writer.training.graph import graph_of
from responses.writer.training.model import Decoder
from responses.writer.training.text import templates, written


def export_fp32(model: Decoder, path: Path) -> None:
    """Write *model* as the graph of :func:`graph_of`."""
    onnx.save(graph_of(model), str(path))


def quantise(source: Path, target: Path) -> None:
    """Write *source* with int8 weights, a scale for each output channel, activations scaled for each call.

    Weights keep to seven bits (``reduce_range``), so that processors without VNNI do not saturate and every machine
    writes the same.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        quantize_dynamic(
            source, target, weight_type=QuantType.QInt8, per_channel=True, reduce_range=True,
            op_types_to_quantize=["MatMul"],
        )  # fmt: skip
    _shrink_embedding(target)


def _shrink_embedding(path: Path) -> None:
    """Keep the table that tokens are read from in int8 too, a scale for each token."""
    model = onnx.load(str(path))
    graph = model.graph
    table = next(each for each in graph.initializer if each.name == "embedding")
    values = numpy_helper.to_array(table)
    scales = np.maximum(np.abs(values).max(axis=1, keepdims=True), 1e-8).astype(np.float32) / 127
    graph.initializer.remove(table)
    graph.initializer.extend(
        numpy_helper.from_array(value, name)
        for name, value in (
            ("embedding_int8", np.rint(values / scales).astype(np.int8)),
            ("embedding_scale", scales),
        )
    )
    place, read = next((at, node) for at, node in enumerate(graph.node) if "embedding" in node.input)
    graph.node.remove(read)
    for node in (
        helper.make_node("Mul", ["embedded_wide", "embedded_scale"], list(read.output)),
        helper.make_node("Gather", ["embedding_scale", "ids"], ["embedded_scale"], axis=0),
        helper.make_node("Cast", ["embedded_int8"], ["embedded_wide"], to=TensorProto.FLOAT),
        helper.make_node("Gather", ["embedding_int8", "ids"], ["embedded_int8"], axis=0),
    ):
        graph.node.insert(place, node)
    onnx.save(model, str(path))


def write_release(model: Decoder, vocabulary: Vocabulary, out: Path, folder: Path = PAIRS) -> None:
    """Write ``model.onnx``, ``tokenizer.json`` and ``words.json`` (the ids that the replies of *folder* use) into *out*."""
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        plain = Path(scratch) / "fp32.onnx"
        export_fp32(model, plain)
        quantise(plain, out / "model.onnx")
    vocabulary.save(out / "tokenizer.json")
    (out / "words.json").write_text(json.dumps(usual_words(vocabulary, folder)) + "\n", "utf-8")


def usual_words(vocabulary: Vocabulary, folder: Path = PAIRS) -> dict[str, list[int]]:
    """By language, the ids of the tokens that the replies and templates are made of: the others stay unsaid."""
    found: dict[str, set[int]] = {"zh": set(), "en": set()}
    for plan, reply in (*written(folder, held_out=False), *templates(folder)):
        found[plan.lang].update(vocabulary.encode_reply(reply))
    return {language: sorted(ids) for language, ids in found.items()}
