"""A framework that seems to compile, and a network for images of any size. Named by this module, not registered."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from impls.frameworks import Execution, Framework, Plan
from impls.layers import Dense, GlobalAverage, Layer
from impls.network import Architecture
from outside.model import Batch, NumPyModel

COMPILING_SECONDS = 0.05


def averages(classes: int) -> tuple[Layer, ...]:
    return GlobalAverage("average"), Dense("output", classes)


AVERAGE = Architecture(
    name="outside.compiling.AVERAGE",
    title="a perceptron of averages",
    source="Rosenblatt 1958, even more simplified",
    input_shape=(3, 8, 8),
    classes=3,
    table=averages,
)

COMPILING = Framework(
    name="outside.compiling",
    title="NumPy that seems to compile",
    model="outside.compiling:CompilingModel",
    executions=(
        Execution("each-size", "compiles for each size", any_size=True),
        Execution("gives-up", "compiles for one size and then no more", any_size=True),
        Execution("one-size", "takes the size that it was built for"),
    ),
    requires=("numpy",),
    preload=("outside.compiling",),
)


class CompilingModel(NumPyModel):
    def __init__(self, plan: Plan):
        super().__init__(plan)
        self._gives_up = plan.execution == "gives-up"
        self._seen: set[tuple[int, ...]] = set()
        self._fallback = ""

    @property
    def compilations(self) -> int:
        return len(self._seen)

    @property
    def fallback(self) -> str:
        return self._fallback

    def infer(self, batch: Batch) -> np.ndarray:
        self._compile(batch)
        return super().infer(batch)

    def train(self, batch: Batch) -> Any:
        self._compile(batch)
        return super().train(batch)

    def _compile(self, batch: Batch) -> None:
        shape = batch.images.shape
        if shape in self._seen or self._fallback:
            return
        if self._gives_up and self._seen:
            self._fallback = "gives up after 1"
            return
        time.sleep(COMPILING_SECONDS)
        self._seen.add(shape)
