"""JAX on several devices: the batch is sharded over a mesh, and jit divides each step accordingly."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from impls.errors import Unavailable
from impls.frameworks import Allocated, Phase, Plan, images_per_device
from impls.frameworks.jax.model import Batch, JaxModel

IMAGES = "images"
"""The mesh's one axis."""


class ShardedModel(JaxModel):
    """A network whose state is on every device, and whose batches are divided among them."""

    def __init__(self, plan: Plan):
        self._mesh = Mesh(np.array(_devices(plan)), (IMAGES,))
        super().__init__(plan)

    def home(self, plan: Plan) -> NamedSharding:
        return NamedSharding(self._mesh, PartitionSpec())

    def jit(self, function: Any, donate: tuple[int, ...] = ()) -> Any:
        """Results are on every device, as the next step takes its state from there."""
        return jax.jit(function, donate_argnums=donate, out_shardings=self._home)

    def put(self, images: np.ndarray, labels: np.ndarray) -> Batch:
        images_per_device(len(images), self._mesh.size)
        divided = NamedSharding(self._mesh, PartitionSpec(IMAGES))
        channels_last = np.ascontiguousarray(images.transpose(0, 2, 3, 1))
        return Batch(self._put(channels_last, self._dtype, divided), self._put(labels, np.dtype(np.int32), divided))

    def allocated(self) -> Allocated | str:
        """The sum over devices."""
        found = [device.memory_stats() or {} for device in self._mesh.devices.flat]
        if not all("peak_bytes_in_use" in one for one in found):
            return super().allocated()
        source = "jax.Device.memory_stats: peak_bytes_in_use, since the launch began; the sum over devices"
        return Allocated(sum(one["peak_bytes_in_use"] for one in found), source)

    def step_bytes(self, phase: Phase, batch: Batch) -> int | None:
        """The sum over devices, of which the compiler tells one's."""
        of_one = super().step_bytes(phase, batch)
        return None if of_one is None else of_one * self._mesh.size


def _devices(plan: Plan) -> list[Any]:
    """As many devices as the plan wants; Unavailable if there are fewer. On the CPU JAX makes them when it starts."""
    if plan.device == "cpu":
        with suppress(RuntimeError):  # JAX has started: it keeps the devices that it has
            jax.config.update("jax_num_cpu_devices", plan.devices)
    found = jax.devices(plan.device)
    if len(found) < plan.devices:
        raise Unavailable(f"JAX has {len(found)} devices of kind {plan.device}, {plan.devices} are needed")
    return found[: plan.devices]
