"""Inference of a network's ONNX graph, for any runtime."""

from __future__ import annotations

import importlib
from abc import abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from impls.errors import Unsupported
from impls.frameworks import Model, Plan
from impls.frameworks._inference import InferenceOnly
from impls.frameworks.onnx.layers import translate

RUNTIMES = {
    "onnxruntime": "impls.frameworks.onnx.on_onnxruntime",
    "openvino": "impls.frameworks.onnx.on_openvino",
}
"""Module of each runtime's `RuntimeModel`; imported when needed, as it imports the runtime."""


def build(plan: Plan) -> Model:
    """The model in the runtime of the plan's execution."""
    model: Model = importlib.import_module(RUNTIMES[plan.execution]).RuntimeModel(plan)
    return model


class Batch(NamedTuple):
    """Images in the runtime's tensor, and their shape."""

    images: Any
    shape: tuple[int, ...]


class OnnxModel(InferenceOnly, Model):
    """A network's graph in a runtime, compiled for each shape of a batch, or once for every one."""

    def __init__(self, plan: Plan):
        if plan.device != "cpu":
            raise Unsupported(f"onnx:{plan.execution} is run on the CPU only, not on {plan.device}")
        self._plan = plan
        self._weights: Mapping[str, np.ndarray] = {}
        self._statistics: Mapping[str, np.ndarray] = {}
        self._compiled: dict[tuple[int, ...], Callable[[Any], Any]] = {}
        self._compilations = 0

    @abstractmethod
    def compile(self, graph: bytes) -> Callable[[Any], Any]:
        """A function from images, as `place` returns them, to scores."""

    def place(self, images: np.ndarray) -> Any:
        """Images (contiguous float32) as the runtime takes them."""
        return images

    def load(self, weights: Mapping[str, np.ndarray], statistics: Mapping[str, np.ndarray]) -> None:
        self._weights, self._statistics = (
            {name: array.copy() for name, array in arrays.items()} for arrays in (weights, statistics)
        )
        self._compiled = {}

    def weights(self) -> dict[str, np.ndarray]:
        return {name: np.array(array) for name, array in self._weights.items()}

    def statistics(self) -> dict[str, np.ndarray]:
        return {name: np.array(array) for name, array in self._statistics.items()}

    def put(self, images: np.ndarray, labels: np.ndarray) -> Batch:
        self._runner(images.shape)
        return Batch(self.place(np.ascontiguousarray(images, np.float32)), images.shape)

    def infer(self, batch: Batch) -> Any:
        return self._runner(batch.shape)(batch.images)

    def synchronize(self, outputs: Any) -> None:
        """Nothing to do: inference returns when it is done."""

    def to_numpy(self, outputs: Any) -> np.ndarray:
        return np.array(outputs)  # a copy: a runtime may write the next scores into the same memory

    @property
    def compilations(self) -> int:
        return self._compilations

    def devices(self, outputs: Any) -> frozenset[str]:
        return frozenset({"cpu"})  # NumPy's memory

    def _runner(self, shape: tuple[int, ...]) -> Callable[[Any], Any]:
        key = () if self._plan.open_sizes else shape
        if key not in self._compiled:
            network, open_sizes = self._plan.network, self._plan.open_sizes
            graph = translate(network, self._weights, self._statistics, shape, open_sizes)
            self._compiled[key] = self.compile(graph.SerializeToString())
            self._compilations += 1
        return self._compiled[key]
