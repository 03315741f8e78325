"""A network as an ONNX graph: input "images" (batch, channels, height, width), output "scores" (batch, classes).

Operators are those of opset 18 and are what https://onnx.ai/onnx/operators defines. Weights are initialisers, so that
a runtime may fold them; the graph is in evaluation mode, where dropout is the identity.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

OPSET = 18
IR_VERSION = 8
"""The format's version that came with opset 18: runtimes refuse versions newer than they are."""
IMAGES, SCORES = "images", "scores"


class Graph:
    """Nodes and initialisers under construction; every method returns the name of a tensor."""

    def __init__(self) -> None:
        self._nodes: list[onnx.NodeProto] = []
        self._initialisers: dict[str, onnx.TensorProto] = {}

    def node(self, operator: str, *inputs: str, **attributes: Any) -> str:
        """The output of a new node."""
        output = f"{operator}-{len(self._nodes)}"
        self._nodes.append(helper.make_node(operator, inputs, [output], **attributes))
        return output

    def array(self, name: str, values: np.ndarray) -> str:
        """A weight, as an initialiser of that name."""
        self._initialisers[name] = numpy_helper.from_array(np.ascontiguousarray(values), name)
        return name

    def integers(self, *values: int) -> str:
        """A vector of int64, one initialiser for all uses of the same values."""
        return self.array("integers " + " ".join(map(str, values)), np.array(values, np.int64))

    def number(self, value: float) -> str:
        """A float32 scalar, one initialiser for all uses of the same value."""
        return self.array(f"number {value!r}", np.array(value, np.float32))

    def slice(self, x: str, start: str, end: str, axis: int) -> str:
        """Cells [start, end) of an axis; both are vectors of one int64."""
        return self.node("Slice", x, start, end, self.integers(axis))

    def reduced(self, operator: str, x: str, *axes: int, keep: bool = False) -> str:
        """ReduceMax, ReduceMean, ReduceSum over axes."""
        return self.node(operator, x, self.integers(*axes), keepdims=int(keep))

    def joined(self, parts: Sequence[str], axis: int) -> str:
        return parts[0] if len(parts) == 1 else self.node("Concat", *parts, axis=axis)

    def model(self, scores: str, images: Sequence[int | str], classes: int) -> onnx.ModelProto:
        """The finished graph, checked by ONNX's own checker. images: the input's shape; a name is an open axis."""
        self._nodes.append(helper.make_node("Identity", [scores], [SCORES]))
        value = partial(helper.make_tensor_value_info, elem_type=onnx.TensorProto.FLOAT)
        graph = helper.make_graph(
            self._nodes,
            "network",
            [value(IMAGES, shape=list(images))],
            [value(SCORES, shape=[images[0], classes])],
            list(self._initialisers.values()),
        )
        opset = helper.make_opsetid("", OPSET)
        model = helper.make_model(graph, opset_imports=[opset], ir_version=IR_VERSION, producer_name="deadheat")
        onnx.checker.check_model(model)
        return model


Arrays = Mapping[str, np.ndarray]
