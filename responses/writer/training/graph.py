"""The decoder as an ONNX graph, node by node: an exporter takes half a minute to say the same."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from responses.writer.training.model import HEAD, Decoder

OPSET = 18
_IR = 9


class _Nodes:
    """Nodes and constants of a graph in the making; each method gives the name of what it made."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: dict[str, onnx.TensorProto] = {}

    def add(self, op: str, *inputs: str, outputs: int = 1, **attributes: Any) -> Any:
        names = [f"{op.lower()}_{len(self.nodes)}_{number}" for number in range(outputs)]
        self.nodes.append(helper.make_node(op, list(inputs), names, name=names[0], **attributes))
        return names[0] if outputs == 1 else names

    def keep(self, name: str, value: NDArray[Any]) -> str:
        self.constants.setdefault(name, numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def ints(self, *values: int) -> str:
        return self.keep("ints_" + "_".join(map(str, values)), np.array(values, dtype=np.int64))

    def norm(self, states: str, weight: str) -> str:
        square = self.add("Mul", states, states)
        mean = self.add("ReduceMean", square, self.ints(-1), keepdims=1)
        root = self.add("Sqrt", self.add("Add", mean, self.keep("epsilon", np.array([1e-6], dtype=np.float32))))
        return str(self.add("Mul", self.add("Div", states, root), weight))

    def slice(self, whole: str, start: str, end: str, axis: int) -> str:
        return str(self.add("Slice", whole, start, end, self.ints(axis)))


def graph_of(model: Decoder) -> onnx.ModelProto:
    """*model* in fp32: ``ids [1, T]``, ``past [L, 2, 1, H, P, 64]`` (keys and values of P tokens read before) → ``logits
    [1, V]`` of what comes next, ``new [L, 2, 1, H, T, 64]`` to put behind the past."""
    shape = model.shape
    heads = shape.width // HEAD
    weights = {name: value.detach().float().numpy() for name, value in model.state_dict().items()}
    make = _Nodes()
    embedding = make.keep("embedding", weights["embedding.weight"])
    states = make.add("Gather", embedding, "ids", axis=0)
    known = make.add("Gather", make.add("Shape", "past"), make.ints(4), axis=0)
    length = make.add("Add", known, make.add("Gather", make.add("Shape", "ids"), make.ints(1), axis=0))
    turn = [
        make.slice(make.keep(name, table.numpy()), known, length, 0)
        for name, table in (("cosine", model.cosine), ("sine", model.sine))
    ]
    barred = _barred(make, known, length)
    kept = []
    for number in range(shape.layers):
        at = f"blocks.{number}."
        named = {name.removeprefix(at): value for name, value in weights.items() if name.startswith(at)}
        states, new = _block(make, states, number, named, heads, turn, barred)
        kept.append(new)
    last = make.add("Gather", make.norm(states, make.keep("last", weights["last.weight"])), make.ints(-1), axis=1)
    last = make.add("Squeeze", last, make.ints(1))
    make.nodes.append(
        helper.make_node("MatMul", [last, make.keep("told", weights["embedding.weight"].T)], ["logits"], name="logits")
    )
    make.nodes.append(helper.make_node("Concat", kept, ["new"], name="new", axis=0))
    memory = [shape.layers, 2, 1, heads, "known", HEAD]
    graph = helper.make_graph(
        make.nodes,
        "writer",
        [
            helper.make_tensor_value_info("ids", TensorProto.INT64, [1, "tokens"]),
            helper.make_tensor_value_info("past", TensorProto.FLOAT, memory),
        ],
        [
            helper.make_tensor_value_info("logits", TensorProto.FLOAT, [1, shape.vocabulary]),
            helper.make_tensor_value_info("new", TensorProto.FLOAT, [*memory[:4], "tokens", HEAD]),
        ],
        list(make.constants.values()),
    )
    built = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=_IR)
    onnx.checker.check_model(built)
    return built


def _barred(make: _Nodes, known: str, length: str) -> str:
    """``[T, P + T]``: what no position may read, far below zero."""
    zero, one = (make.keep(name, np.array(value, dtype=np.int64)) for name, value in (("zero", 0), ("one", 1)))
    first, end = (make.add("Squeeze", each, make.ints(0)) for each in (known, length))
    rows = make.add("Unsqueeze", make.add("Range", first, end, one), make.ints(1))
    columns = make.add("Unsqueeze", make.add("Range", zero, end, one), make.ints(0))
    far, near = make.keep("far", np.array(-1e9, dtype=np.float32)), make.keep("near", np.array(0, dtype=np.float32))
    return str(make.add("Where", make.add("Greater", columns, rows), far, near))


def _block(
    make: _Nodes,
    states: str,
    number: int,
    weights: dict[str, NDArray[np.float32]],
    heads: int,
    turn: Sequence[str],
    barred: str,
) -> tuple[str, str]:
    """One layer: the new states, and the keys and values of these tokens, ``[1, 2, 1, H, T, 64]``."""

    def kept(name: str, *, turned: bool = False) -> str:
        return make.keep(f"{number}.{name}", weights[name].T if turned else weights[name])

    mixed = make.add(
        "MatMul", make.norm(states, kept("before_attention.weight")), kept("query_key_value.weight", turned=True)
    )
    split = make.add("Reshape", mixed, make.ints(1, -1, 3, heads, HEAD))
    parts = make.add("Split", make.add("Transpose", split, perm=[2, 0, 3, 1, 4]), outputs=3, axis=0, num_outputs=3)
    query, key, value = (make.add("Squeeze", part, make.ints(0)) for part in parts)
    query, key = (_turned(make, each, turn) for each in (query, key))
    past = make.add("Gather", "past", make.ints(number), axis=0)
    keys, values = (
        make.add(
            "Concat",
            make.add("Squeeze", make.add("Gather", past, make.ints(which), axis=1), make.ints(0, 1)),
            new,
            axis=2,
        )
        for which, new in enumerate((key, value))
    )
    scaled = make.add("Mul", query, make.keep("scale", np.array([HEAD**-0.5], dtype=np.float32)))
    scores = make.add("Add", make.add("MatMul", scaled, make.add("Transpose", keys, perm=[0, 1, 3, 2])), barred)
    heard = make.add("MatMul", make.add("Softmax", scores, axis=-1), values)
    joined = make.add("Reshape", make.add("Transpose", heard, perm=[0, 2, 1, 3]), make.ints(1, -1, heads * HEAD))
    states = make.add("Add", states, make.add("MatMul", joined, kept("out.weight", turned=True)))
    fed = make.add("MatMul", make.norm(states, kept("before_feed.weight")), kept("gate_up.weight", turned=True))
    gate, up = make.add("Split", fed, outputs=2, axis=-1, num_outputs=2)
    inner = make.add("Mul", make.add("Mul", gate, make.add("Sigmoid", gate)), up)
    states = make.add("Add", states, make.add("MatMul", inner, kept("down.weight", turned=True)))
    memory = make.add("Concat", *(make.add("Unsqueeze", each, make.ints(0, 1)) for each in (key, value)), axis=1)
    return states, memory


def _turned(make: _Nodes, states: str, turn: Sequence[str]) -> str:
    """*states* ``[1, H, T, 64]`` rotated by their positions."""
    first, second = make.add("Split", states, outputs=2, axis=-1, num_outputs=2)
    across = make.add("Concat", make.add("Neg", second), first, axis=-1)
    return str(make.add("Add", make.add("Mul", states, turn[0]), make.add("Mul", across, turn[1])))
