"""TensorFlow on several devices: MirroredStrategy, one traced call for all replicas."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import numpy as np
import tensorflow as tf

from impls.errors import Unavailable
from impls.frameworks import Allocated, Plan, shares
from impls.frameworks.tensorflow.model import Batch, Built, TensorFlowModel, devices_of


class MirroredModel(TensorFlowModel):
    """A network whose variables are on every device, with the batch divided among them and gradients averaged."""

    def __init__(self, plan: Plan):
        self._devices = _devices(plan)
        self._strategy = tf.distribute.MirroredStrategy(self._devices)
        with self._strategy.scope():  # dropout's generator, too: each replica has its own draws
            super().__init__(plan)

    def build(self, plan: Plan) -> Built:
        with self._strategy.scope():
            return super().build(plan)

    def _execute(self, function: Callable[..., Any], execution: str) -> Callable[..., Any]:
        def on_all(*arrays: Any) -> Any:
            return self._strategy.run(function, args=arrays)

        self._whole.append(tf.function(on_all, autograph=False))
        return self._whole[-1]

    def _begin_momentum(self) -> None:
        if self._momenta:
            return
        with self._strategy.scope():
            zeros = (np.zeros(value.shape, value.dtype.as_numpy_dtype) for value in self._values)
            self._momenta = [tf.Variable(array, trainable=False) for array in zeros]

    def put(self, images: np.ndarray, labels: np.ndarray) -> Batch:
        parts = []
        for device, (own_images, own_labels) in zip(self._devices, shares(images, labels, len(self._devices))):
            with tf.device(device):
                channels_last = tf.transpose(tf.constant(own_images, self._dtype), (0, 2, 3, 1))
                parts.append(Batch(channels_last, tf.constant(own_labels, tf.int64)))
        return Batch(*(self._divided(values) for values in zip(*parts)))

    def _divided(self, values: Sequence[tf.Tensor]) -> Any:
        """The values, one a device, as one that `run` divides."""
        return self._strategy.experimental_distribute_values_from_function(
            lambda context: values[context.replica_id_in_sync_group]
        )

    def _loss_and_gradients(self, images: tf.Tensor, labels: tf.Tensor) -> tuple[tf.Tensor, list[tf.Tensor]]:
        """In each replica: its loss, and the gradients of the mean over all replicas' images."""
        loss, gradients = super()._loss_and_gradients(images, labels)
        return loss, tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.MEAN, gradients)

    def to_numpy(self, outputs: Any) -> np.ndarray:
        """The scores of all devices' images in order, or the mean of their losses."""
        found = [value.numpy() for value in self._strategy.experimental_local_results(outputs)]
        return np.concatenate(found) if found[0].ndim else np.mean(found, dtype=found[0].dtype)

    def gradients(self, outputs: tuple[Any, Sequence[Any]]) -> dict[str, np.ndarray]:
        """Those of the first device, where all have the same."""
        first = [self._strategy.experimental_local_results(value)[0] for value in outputs[1]]
        return super().gradients((outputs[0], first))

    def devices(self, outputs: Any) -> frozenset[str]:
        return devices_of([self._strategy.experimental_local_results(value) for value in tf.nest.flatten(outputs)])

    def forget_allocated(self) -> None:
        for device in self._cards():
            tf.config.experimental.reset_memory_stats(device)

    def allocated(self) -> Allocated | str:
        """The sum over devices."""
        if not (cards := self._cards()):
            return super().allocated()
        peaks = [tf.config.experimental.get_memory_info(card)["peak"] for card in cards]
        return Allocated(sum(peaks), "tf.config.experimental.get_memory_info: peak, of the step; the sum over devices")

    def _cards(self) -> list[str]:
        return [] if self._device == "/CPU:0" else self._devices


def _devices(plan: Plan) -> list[str]:
    """TensorFlow's names of as many devices as the plan wants; Unavailable if there are fewer.

    A processor is divided into as many logical devices, which share its threads.
    """
    kind = "CPU" if plan.device == "cpu" else "GPU"
    with suppress(RuntimeError):  # TensorFlow has started: it keeps the devices that it has
        if kind == "CPU":
            tf.config.set_visible_devices([], "GPU")
            parts = [tf.config.LogicalDeviceConfiguration() for _ in range(plan.devices)]
            tf.config.set_logical_device_configuration(tf.config.list_physical_devices("CPU")[0], parts)
    found = tf.config.list_logical_devices(kind)
    if len(found) < plan.devices:
        raise Unavailable(f"TensorFlow has {len(found)} devices of kind {kind}, {plan.devices} are needed")
    return [f"/{kind}:{number}" for number in range(plan.devices)]
