"""The four phases in TensorFlow, for any function of a batch whose variables have the canonical names."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from impls.errors import Unavailable
from impls.frameworks import Allocated, Model, Plan
from impls.frameworks.tensorflow.layers import Function, translate
from impls.frameworks.tensorflow.plain import of_row
from impls.frameworks.tensorflow.scaling import Scaling, all_finite
from impls.layouts import ChannelsLast
from impls.network import INPUT, Network


class Batch(NamedTuple):
    images: tf.Tensor
    labels: tf.Tensor


class Built(NamedTuple):
    """A network in TensorFlow: the function of its scores, and the variables of its arrays and statistics."""

    scores: Function
    arrays: Mapping[str, tf.Variable]
    statistics: Mapping[str, tf.Variable]


class TensorFlowModel(Model):
    """A translated network: traced into a graph, compiled by XLA, or eager."""

    def __init__(self, plan: Plan):
        tf.random.set_seed(plan.seed)
        tf.config.experimental.enable_tensor_float_32_execution(plan.precision == "tf32")
        self._device = device(plan)
        self._dtype, self._stored, self._kind = (
            tf.as_dtype(name) for name in (plan.policy.outside, plan.policy.stored, plan.policy.activations)
        )
        self._layout = ChannelsLast(plan.network)
        self._rubbish = plan.network.rejection_score
        self._differentiates_input = plan.network.differentiates_input
        self._sgd = plan.sgd
        self._plain = plan.plain
        with tf.device(self._device):
            self._dice = tf.random.Generator.from_seed(plan.seed, alg="philox")
            tf.random.set_global_generator(self._dice)  # used by dropout
            self._scores, self._arrays, self._statistics = self.build(plan)
            self._values = list(self._arrays.values())
            self._momenta: list[tf.Variable] = []
            self._scaling = Scaling(plan.policy.loss_scaling) if plan.policy.loss_scaling else None
        self._traced: list[Traced] = []
        self._whole: list[Any] = []  # tf.functions that are called as they are
        self._infer, self._forward, self._gradient, self._train = (
            self._execute(function, plan.execution)
            for function in (self._evaluation_scores, self._training_loss, self._loss_and_gradients, self._step)
        )

    def build(self, plan: Plan) -> Built:
        """The network with its variables, in the layout that `ChannelsLast` converts to."""
        network = plan.network
        arrays = {name: self._variable(name, shape, self._stored) for name, shape in network.arrays.items()}
        statistics = {
            name: self._variable(name, shape, self._dtype, trainable=False)
            for name, shape in network.statistics.items()
        }
        compiled = plan.execution == "xla"
        if self._kind == self._dtype:
            return Built(self.translate(network, {**arrays, **statistics}, compiled), arrays, statistics)

        def scores(images: tf.Tensor, training: bool) -> tf.Tensor:
            """Translated again when it is traced: casts are part of the step, and gradients pass through them."""
            cast = {name: tf.cast(value, self._kind) for name, value in arrays.items()}
            return self.translate(network, {**cast, **statistics}, compiled)(tf.cast(images, self._kind), training)

        return Built(scores, arrays, statistics)

    def translate(self, network: Network, variables: Mapping[str, tf.Tensor], compiled: bool) -> Function:
        """The function (images, training) -> scores."""
        return translate(network, variables, compiled, of_row(self._plain))

    def _variable(self, name: str, shape: tuple[int, ...], dtype: tf.DType, trainable: bool = True) -> tf.Variable:
        return tf.Variable(tf.zeros(self._layout.native_shape(name, shape), dtype), trainable=trainable, name=name)

    def _execute(self, function: Callable[..., Any], execution: str) -> Callable[..., Any]:
        def placed(*arrays: tf.Tensor) -> Any:
            with tf.device(self._device):
                return function(*arrays)

        if execution == "eager":
            return placed
        if "calls" in self._plain:
            self._whole.append(tf.function(placed, autograph=False))
            return self._whole[-1]
        traced = Traced(placed, jit_compile=execution == "xla", any_size=execution == "graph-any-size")
        self._traced.append(traced)
        return traced

    def load(self, weights: Mapping[str, np.ndarray], statistics: Mapping[str, np.ndarray]) -> None:
        for name, variable in self._arrays.items():
            native = self._layout.to_native(name, weights[name])
            variable.assign(native.astype(variable.dtype.as_numpy_dtype, copy=False))
        for name, variable in self._statistics.items():
            variable.assign(statistics[name])
        for momentum in self._momenta:
            momentum.assign(tf.zeros_like(momentum))
        if self._scaling:
            self._scaling.begin()

    def momentum(self) -> dict[str, np.ndarray]:
        self._begin_momentum()
        return self._canonical(self._momenta)

    def set_momentum(self, momentum: Mapping[str, np.ndarray]) -> None:
        self._begin_momentum()
        for name, variable in zip(self._arrays, self._momenta):
            variable.assign(self._layout.to_native(name, momentum[name]))

    def reseed(self, seed: int) -> None:
        self._dice.reset_from_seed(seed)

    def _begin_momentum(self) -> None:
        """The velocities, as large as the weights and so only made for training."""
        if self._momenta:
            return
        with tf.device(self._device):
            self._momenta = [tf.Variable(tf.zeros_like(value), trainable=False) for value in self._values]

    def weights(self) -> dict[str, np.ndarray]:
        return self._canonical(self._values)

    def statistics(self) -> dict[str, np.ndarray]:
        return {name: variable.numpy() for name, variable in self._statistics.items()}

    def put(self, images: np.ndarray, labels: np.ndarray) -> Batch:
        with tf.device(self._device):
            channels_last = tf.transpose(tf.constant(images, self._dtype), (0, 2, 3, 1))
            return Batch(channels_last, tf.constant(labels, tf.int64))  # int32 would stay on the host

    def put_copies(self, image: np.ndarray, label: np.ndarray, copies: int) -> Batch:
        one = self.put(image, label)
        with tf.device(self._device):
            return Batch(tf.tile(one.images, (copies, 1, 1, 1)), tf.tile(one.labels, (copies,)))

    def infer(self, batch: Batch) -> tf.Tensor:
        return self._infer(batch.images)

    def forward(self, batch: Batch) -> tf.Tensor:
        return self._forward(batch.images, batch.labels)

    def gradient(self, batch: Batch) -> tuple[tf.Tensor, Sequence[tf.Tensor]]:
        return self._gradient(batch.images, batch.labels)

    def train(self, batch: Batch) -> tf.Tensor:
        self._begin_momentum()
        return self._train(batch.images, batch.labels)

    def synchronize(self, outputs: object) -> None:
        tf.test.experimental.sync_devices()

    def forget_allocated(self) -> None:
        if self._device != "/CPU:0":
            tf.config.experimental.reset_memory_stats(self._device)

    @property
    def compilations(self) -> int:
        whole = sum(function.experimental_get_tracing_count() for function in self._whole)
        return whole + sum(map(len, self._traced))

    def allocated(self) -> Allocated | str:
        if self._device == "/CPU:0":  # TensorFlow reports 0
            return super().allocated()
        peak = tf.config.experimental.get_memory_info(self._device)["peak"]
        return Allocated(peak, "tf.config.experimental.get_memory_info: peak, of the step")

    def to_numpy(self, outputs: tf.Tensor) -> np.ndarray:
        return outputs.numpy()

    def gradients(self, outputs: tuple[tf.Tensor, Sequence[tf.Tensor]]) -> dict[str, np.ndarray]:
        gradients_by_name = self._canonical(outputs[1])
        if self._differentiates_input:
            gradients_by_name[INPUT] = outputs[1][-1].numpy().transpose(0, 3, 1, 2)
        return gradients_by_name

    def devices(self, outputs: Any) -> frozenset[str]:
        return devices_of(outputs)

    def _canonical(self, values: Sequence[tf.Tensor | tf.Variable]) -> dict[str, np.ndarray]:
        return self._layout.all_to_canonical({name: _view(value) for name, value in zip(self._arrays, values)})

    def _evaluation_scores(self, images: tf.Tensor) -> tf.Tensor:
        return tf.cast(self._scores(images, False), self._dtype)

    def _training_loss(self, images: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
        scores = tf.cast(self._scores(images, True), self._dtype)
        if self._rubbish is not None:
            scores = tf.pad(scores, ((0, 0), (0, 1)), constant_values=tf.constant(-self._rubbish, scores.dtype))
        return tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels, scores))

    def _loss_and_gradients(self, images: tf.Tensor, labels: tf.Tensor) -> tuple[tf.Tensor, list[tf.Tensor]]:
        by = [*self._values, images] if self._differentiates_input else self._values
        with tf.GradientTape() as tape:
            if self._differentiates_input:
                tape.watch(images)
            loss = self._training_loss(images, labels)
            scaled = loss * self._scaling.scale if self._scaling else loss
        gradients = tape.gradient(scaled, by)
        return loss, [gradient / self._scaling.scale for gradient in gradients] if self._scaling else gradients

    def _step(self, images: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
        loss, gradients = self._loss_and_gradients(images, labels)
        if self._scaling is None:
            self._update(gradients)
            return loss
        finite = all_finite(gradients)
        tf.cond(finite, lambda: self._update(gradients), lambda: None)
        self._scaling.move(finite)
        return loss

    def _update(self, gradients: Sequence[tf.Tensor]) -> None:
        if "update" in self._plain:
            self._assign(gradients)
            return
        for value, momentum, gradient in zip(self._values, self._momenta, gradients):
            # The kernel applies the update rule in place, in 0.75 times the time of assignments.
            tf.raw_ops.ResourceApplyMomentum(
                var=value.handle,
                accum=momentum.handle,
                lr=tf.constant(self._sgd.learning_rate, self._dtype),
                grad=gradient + self._sgd.weight_decay * value,
                momentum=tf.constant(self._sgd.momentum, self._dtype),
            )

    def _assign(self, gradients: Sequence[tf.Tensor]) -> None:
        """The update by assignments."""
        for value, momentum, gradient in zip(self._values, self._momenta, gradients):
            momentum.assign(self._sgd.momentum * momentum + gradient + self._sgd.weight_decay * value)
            value.assign_sub(self._sgd.learning_rate * momentum)


class Traced:
    """A function traced once per shape of batch, then called with as little Python as possible.

    With `any_size` one trace accepts batches of any number of images of any size.
    """

    def __init__(self, function: Callable[..., Any], jit_compile: bool, any_size: bool = False):
        self._function = tf.function(function, autograph=False, jit_compile=jit_compile)
        self._any_size = any_size
        self._concrete: dict[tf.TensorShape | None, Callable[..., Any]] = {}

    def __len__(self) -> int:
        """Number of traces."""
        return len(self._concrete)

    def __call__(self, images: tf.Tensor, *others: tf.Tensor) -> Any:
        key = None if self._any_size else images.shape
        if key not in self._concrete:
            self._concrete[key] = self._function.get_concrete_function(*map(self._spec, (images, *others)))
        return self._concrete[key](images, *others)  # half the time of calling the tf.function

    def _spec(self, array: tf.Tensor) -> tf.Tensor | tf.TensorSpec:
        if not self._any_size:
            return array
        return tf.TensorSpec([*(None for _ in array.shape[:3]), *array.shape[3:]], array.dtype)


def device(plan: Plan) -> str:
    """TensorFlow's name of the plan's device; Unavailable without a GPU, for which TensorFlow would use the CPU."""
    if plan.device == "cpu":
        with suppress(RuntimeError):  # this process already uses a GPU: selecting the CPU must suffice
            tf.config.set_visible_devices([], "GPU")
        return "/CPU:0"
    if not tf.config.list_physical_devices("GPU"):
        raise Unavailable("tensorflow finds no GPU; pip install 'tensorflow[and-cuda]', or use the device cpu")
    return "/GPU:0"


TYPES = {"CPU": "cpu", "GPU": "cuda"}
"""Devices by TensorFlow's name of the type."""


def devices_of(outputs: Any) -> frozenset[str]:
    """The devices whose memory holds tensors, also nested ones."""
    names = {tensor.backing_device for tensor in tf.nest.flatten(outputs)}
    found = {tf.DeviceSpec.from_string(name).device_type for name in names}
    return frozenset(TYPES.get(kind, kind.lower()) for kind in found)


def _view(value: tf.Tensor | tf.Variable) -> np.ndarray:
    """As NumPy, on the CPU in TensorFlow's memory; formats of two bytes, of which NumPy lacks one, as float32."""
    view = np.asarray(tf.convert_to_tensor(value))
    return view if view.itemsize >= 4 else view.astype(np.float32)
