"""The four phases of a perceptron in NumPy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from impls import layers
from impls.errors import Unsupported
from impls.frameworks import Model, Plan
from impls.network import INPUT


class Batch(NamedTuple):
    images: np.ndarray
    labels: np.ndarray


class NumPyModel(Model):
    """Full connections, ReLU and softmax cross-entropy, with gradients by hand."""

    def __init__(self, plan: Plan):
        for layer in plan.network.layers:
            if not isinstance(layer, (layers.Flatten, layers.GlobalAverage, layers.Dense, layers.Activation)):
                raise Unsupported(f"outside: no function for {type(layer).__name__}; it knows full connections only")
        self._layers, self._sgd, self._dtype = plan.network.layers, plan.sgd, np.dtype(plan.precision)
        self._differentiates_input = plan.network.differentiates_input
        self._weights: dict[str, np.ndarray] = {}
        self._momentum: dict[str, np.ndarray] = {}

    def load(self, weights: Mapping[str, np.ndarray], statistics: Mapping[str, np.ndarray]) -> None:
        self._weights = {name: np.array(array, self._dtype) for name, array in weights.items()}
        self._momentum = {name: np.zeros_like(array) for name, array in self._weights.items()}

    def weights(self) -> dict[str, np.ndarray]:
        return {name: array.copy() for name, array in self._weights.items()}

    def statistics(self) -> dict[str, np.ndarray]:
        return {}

    def put(self, images: np.ndarray, labels: np.ndarray) -> Batch:
        return Batch(images.astype(self._dtype), labels)

    def infer(self, batch: Batch) -> np.ndarray:
        return self._activations(batch.images)[-1]

    def forward(self, batch: Batch) -> np.ndarray:
        return self._loss(self.infer(batch), batch.labels)[0]

    def gradient(self, batch: Batch) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        steps = self._activations(batch.images)
        loss, signal = self._loss(steps[-1], batch.labels)
        gradients = {}
        for layer, before, after in zip(self._layers[::-1], steps[-2::-1], steps[:0:-1], strict=True):
            match layer:
                case layers.Dense(name=name):
                    gradients[f"{name}.weight"], gradients[f"{name}.bias"] = signal.T @ before, signal.sum(0)
                    signal = signal @ self._weights[f"{name}.weight"]
                case layers.Activation():
                    signal = signal * (after > 0)
                case layers.GlobalAverage():
                    signal = np.broadcast_to(signal[:, :, None, None], before.shape) / np.prod(before.shape[2:])
                case layers.Flatten():
                    signal = signal.reshape(before.shape)
        ordered = {name: gradients[name] for name in self._weights}
        return loss, {**ordered, INPUT: signal} if self._differentiates_input else ordered

    def train(self, batch: Batch) -> np.ndarray:
        loss, gradients = self.gradient(batch)
        for name, weight in self._weights.items():
            momentum = self._momentum[name]
            momentum *= self._sgd.momentum
            momentum += gradients[name] + self._sgd.weight_decay * weight
            weight -= self._sgd.learning_rate * momentum
        return loss

    def synchronize(self, outputs: object) -> None:
        """NumPy is done when it returns."""

    def to_numpy(self, outputs: np.ndarray) -> np.ndarray:
        return np.asarray(outputs)

    def gradients(self, outputs: tuple[np.ndarray, dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
        return outputs[1]

    def _activations(self, images: np.ndarray) -> list[np.ndarray]:
        steps = [images]
        for layer in self._layers:
            x = steps[-1]
            match layer:
                case layers.Flatten():
                    steps.append(x.reshape(len(x), -1))
                case layers.GlobalAverage():
                    steps.append(x.mean((2, 3)))
                case layers.Dense(name=name):
                    steps.append(x @ self._weights[f"{name}.weight"].T + self._weights[f"{name}.bias"])
                case layers.Activation():
                    steps.append(np.maximum(x, 0))
        return steps

    def _loss(self, scores: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        odds = np.exp(scores - scores.max(1, keepdims=True))
        shares = odds / odds.sum(1, keepdims=True)
        own = shares[np.arange(len(labels)), labels]
        target = np.zeros_like(shares)
        target[np.arange(len(labels)), labels] = 1
        return -np.log(own).mean(), (shares - target) / len(labels)
