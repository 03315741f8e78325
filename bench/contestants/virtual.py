"""A framework with known durations: nothing is computed, and the time of every step is known exactly.

The durations in records.jsonl, pytest-benchmark's file, the tables and the report can thus be verified
(`python -m bench selftest`, the tests).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from impls.frameworks import Execution, Framework, Model, Phase, Plan
from impls.network import Network

NANOSECONDS = {"slow": 1_234_567, "fast": 987_654, "level": 1_234_567}
PER_LAUNCH = {"slow": 1_009, "fast": 807, "level": 0}
"""Nanoseconds by which a step is longer than in the launch before."""
PHASES: Mapping[Phase, int] = {"infer": 1, "forward": 2, "gradient": 3, "train": 4}

VIRTUAL = Framework(
    name="fake-clock",
    title="known durations",
    model="bench.contestants.virtual:VirtualModel",
    executions=(
        *(Execution(name, f"{NANOSECONDS[name]} ns or more per step") for name in NANOSECONDS),
        Execution("nothing", "empty steps on the real clock, which measure the harness's overhead"),
    ),
    preload=("bench.contestants.virtual",),
)


def nanoseconds(execution: str, phase: Phase, launch: int) -> int:
    """Nanoseconds of a step."""
    return PHASES[phase] * (NANOSECONDS[execution] + launch * PER_LAUNCH[execution])


def _nothing(batch: Any) -> float:
    return 0.0


class VirtualModel(Model):
    """Every phase only advances the model's clock; the execution "nothing" uses the real clock and does nothing."""

    def __init__(self, plan: Plan):
        self._plan = plan
        self._now = 0
        self._weights: dict[str, np.ndarray] = {}
        if plan.execution in NANOSECONDS:
            self.clock = lambda: self._now

    @property
    def _network(self) -> Network:
        return self._plan.network

    def phase(self, name: Phase) -> Callable[[Any], Any]:
        return _nothing if self._plan.execution == "nothing" else super().phase(name)

    def _take(self, phase: Phase) -> None:
        if self._plan.execution in NANOSECONDS:
            self._now += nanoseconds(self._plan.execution, phase, self._plan.seed)

    def load(self, weights: Mapping[str, np.ndarray], statistics: Mapping[str, np.ndarray]) -> None:
        self._weights = dict(weights)

    def weights(self) -> dict[str, np.ndarray]:
        return self._weights

    def statistics(self) -> dict[str, np.ndarray]:
        return {}

    def put(self, images: np.ndarray, labels: np.ndarray) -> int:
        return len(images)

    def infer(self, batch: int) -> np.ndarray:
        self._take("infer")
        return np.zeros((batch, self._network.classes))

    def forward(self, batch: int) -> np.ndarray:
        self._take("forward")
        return np.zeros(())

    def gradient(self, batch: int) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        self._take("gradient")
        return np.zeros(()), {name: np.zeros(shape) for name, shape in self._network.arrays.items()}

    def train(self, batch: int) -> np.ndarray:
        self._take("train")
        return np.zeros(())

    def synchronize(self, outputs: Any) -> None:
        pass

    def to_numpy(self, outputs: Any) -> np.ndarray:
        return np.asarray(outputs)

    def gradients(self, outputs: tuple[np.ndarray, dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
        return outputs[1]

    def devices(self, outputs: Any) -> frozenset[str]:
        """The plan's: the model is simulated, and so is its device."""
        return frozenset({self._plan.device})
