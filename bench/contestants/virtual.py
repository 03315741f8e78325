"""A framework without a body: nothing is computed, and every step takes a time that is known to the last bit.

What comes out of records.jsonl, of pytest-benchmark's file, of the tables and of the report can so be compared with
what went in (`python -m bench selftest`, the tests).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from impls.frameworks import Execution, Framework, Model, Phase, Plan
from impls.network import Network

NANOSECONDS = {"slow": 1_234_567, "fast": 987_654, "level": 1_234_567}
PER_LAUNCH = {"slow": 1_009, "fast": 807, "level": 0}
"""By how much a step of each launch is longer than one of the launch before."""
PHASES: Mapping[Phase, int] = {"infer": 1, "forward": 2, "gradient": 3, "train": 4}

VIRTUAL = Framework(
    name="fake-clock",
    title="durations that are known",
    model="bench.contestants.virtual:VirtualModel",
    executions=(
        *(Execution(name, f"{NANOSECONDS[name]} ns and more a step") for name in NANOSECONDS),
        Execution("nothing", "steps that do nothing, on the real clock: what is measured is the harness itself"),
    ),
    preload=("bench.contestants.virtual",),
)


def nanoseconds(execution: str, phase: Phase, launch: int) -> int:
    """How long a step takes."""
    return PHASES[phase] * (NANOSECONDS[execution] + launch * PER_LAUNCH[execution])


def _nothing(batch: Any) -> float:
    return 0.0


class VirtualModel(Model):
    """Every phase moves its clock on, and does nothing else; with the execution "nothing", not even that."""

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
