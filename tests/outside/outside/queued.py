"""A framework with a device: steps are put into a queue, and a thread runs them. Named by this module, not registered.

Its clocks are known. A step takes STEP_SECONDS of the device. The host's clock stands still while steps are enqueued,
and a wait for the device takes until the device is done, and WAIT_SECONDS more. So a harness that does not wait
measures nothing, and one that waits for each step measures WAIT_SECONDS too much.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numpy as np

from impls.frameworks import Execution, Framework, Plan
from outside.model import Batch, NumPyModel

STEP_SECONDS, WAIT_SECONDS = 0.004, 0.001

QUEUED = Framework(
    name="outside.queued",
    title="NumPy in a queue",
    model="outside.queued:QueuedModel",
    executions=(Execution("queue", "steps run in a thread"),),
    requires=("numpy",),
    preload=("outside.queued",),
)


class QueuedModel(NumPyModel):
    def __init__(self, plan: Plan):
        super().__init__(plan)
        self._queue = ThreadPoolExecutor(max_workers=1)
        self._device_seconds = self._host_seconds = 0.0
        self.clock = lambda: round(1e9 * self._host_seconds)
        self.stopwatch = Events(self)

    def enqueue(self, seconds: float, function: Callable[..., Any], *arguments: Any) -> Future[Any]:
        """What the function will have returned once it has taken so many of the device's seconds, from now at best."""
        return self._queue.submit(self._run, self._host_seconds, seconds, function, *arguments)

    def _run(self, earliest: float, seconds: float, function: Callable[..., Any], *arguments: Any) -> Any:
        outputs = function(*arguments)
        self._device_seconds = max(self._device_seconds, earliest) + seconds
        return outputs

    def record(self) -> Future[float]:
        """The device's time when it comes to this place in the queue."""
        self.enqueue(0, int)
        return self.enqueue(0, lambda: self._device_seconds)

    def infer(self, batch: Batch) -> Future[np.ndarray]:
        return self.enqueue(STEP_SECONDS, super().infer, batch)

    def train(self, batch: Batch) -> Future[np.ndarray]:
        return self.enqueue(STEP_SECONDS, super().train, batch)

    def synchronize(self, outputs: object) -> None:
        self.enqueue(0, int).result()
        self._host_seconds = self._device_seconds + WAIT_SECONDS

    def to_numpy(self, outputs: Any) -> np.ndarray:
        return super().to_numpy(outputs.result() if isinstance(outputs, Future) else outputs)


class Events:
    """Two places in a model's queue."""

    def __init__(self, model: QueuedModel):
        self._model = model
        self._places: dict[str, Future[float]] = {}

    def start(self) -> None:
        self._places["start"] = self._model.record()

    def stop(self) -> None:
        self._places["stop"] = self._model.record()

    def seconds(self) -> float:
        """Between the places; the device has been waited for."""
        assert all(place.done() for place in self._places.values()), "read before synchronisation"
        return self._places["stop"].result() - self._places["start"].result()
