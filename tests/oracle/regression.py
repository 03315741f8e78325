"""A framework in NumPy for networks of one full connection: enough to train, and to see every path of a trial."""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping
from typing import Any

import numpy as np

from impls.frameworks import Execution, Framework, Model, Plan
from impls.layers import Dropout

KILL = "DEADHEAT_TEST_KILLS_AT"
"""Set to a number of steps: the process that takes so many kills itself."""

REGRESSION = Framework(
    name="oracle.regression",
    title="softmax regression in NumPy",
    model="oracle.regression:Regression",
    executions=(Execution("numpy", "one full connection"),),
    supports_checkpointing=True,
)


class Regression(Model):
    def __init__(self, plan: Plan):
        self._network, self._sgd = plan.network, plan.sgd
        self._rate = next((one.rate for one in plan.network.layers if isinstance(one, Dropout)), 0.0)
        self._dice = np.random.default_rng(plan.seed)
        self._weights: dict[str, np.ndarray] = {}
        self._momentum: dict[str, np.ndarray] = {}
        self._steps = 0

    def load(self, weights: Mapping[str, np.ndarray], statistics: Mapping[str, np.ndarray]) -> None:
        self._weights = {name: np.array(array, np.float32) for name, array in weights.items()}
        self._momentum = {name: np.zeros_like(array) for name, array in self._weights.items()}

    def weights(self) -> dict[str, np.ndarray]:
        return {name: array.copy() for name, array in self._weights.items()}

    def statistics(self) -> dict[str, np.ndarray]:
        return {}

    def momentum(self) -> dict[str, np.ndarray]:
        return {name: array.copy() for name, array in self._momentum.items()}

    def set_momentum(self, momentum: Mapping[str, np.ndarray]) -> None:
        self._momentum = {name: np.array(array, np.float32) for name, array in momentum.items()}

    def reseed(self, seed: int) -> None:
        self._dice = np.random.default_rng(seed)

    def put(self, images: np.ndarray, labels: np.ndarray) -> Any:
        return np.asarray(images, np.float32).reshape(len(images), -1), labels

    def infer(self, batch: Any) -> np.ndarray:
        weight, bias = self._weights.values()
        with np.errstate(all="ignore"):  # a loss that runs away is what some tests are about
            return batch[0] @ weight.T + bias

    def forward(self, batch: Any) -> float:
        return self.gradient(batch)[0]

    def gradient(self, batch: Any) -> tuple[float, dict[str, np.ndarray]]:
        images, labels = batch
        kept = self._dice.random(images.shape) >= self._rate if self._rate else 1.0
        images = images * kept / (1 - self._rate)
        scores = self.infer((images, labels))
        shares = np.exp(scores - scores.max(1, keepdims=True))
        shares /= shares.sum(1, keepdims=True)
        rows = np.arange(len(labels))
        loss = float(-np.log(np.maximum(shares[rows, labels], 1e-30)).mean())
        shares[rows, labels] -= 1
        weight, bias = self._weights
        return loss, {weight: shares.T @ images / len(labels), bias: shares.mean(0)}

    def train(self, batch: Any) -> float:
        self._steps += 1
        if self._steps == int(os.environ.get(KILL, 0)):
            os.kill(os.getpid(), signal.SIGKILL)
        loss, gradients = self.gradient(batch)
        for name, gradient in gradients.items():
            decayed = gradient + self._sgd.weight_decay * self._weights[name]
            self._momentum[name] = self._sgd.momentum * self._momentum[name] + decayed
            self._weights[name] = self._weights[name] - np.float32(self._sgd.learning_rate) * self._momentum[name]
        return loss

    def synchronize(self, outputs: Any) -> None:
        return

    def to_numpy(self, outputs: Any) -> np.ndarray:
        return np.asarray(outputs)

    def gradients(self, outputs: Any) -> dict[str, np.ndarray]:
        return outputs[1]
