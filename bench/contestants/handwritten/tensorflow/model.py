"""LeNet-5 and VGG-A by hand in TensorFlow."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import tensorflow as tf

from bench.contestants.handwritten import network_by_hand
from impls.architectures.lenet import C3_LINKS, digit_codes
from impls.frameworks import Model, Plan
from impls.frameworks.tensorflow.model import devices_of

Batch = tuple[tf.Tensor, tf.Tensor]
Variables = Mapping[str, tf.Variable]


def squash(x: tf.Tensor) -> tf.Tensor:
    return 1.7159 * tf.tanh(2 / 3 * x)


def conv(x: tf.Tensor, weight: tf.Tensor, bias: tf.Tensor, padding: str) -> tf.Tensor:
    return tf.nn.bias_add(tf.nn.conv2d(x, weight, 1, padding), bias)


def lenet5(v: Variables, x: tf.Tensor, training: bool, dropout: float) -> tf.Tensor:
    mask = np.zeros((1, 1, 6, 16), np.float32)
    for output, inputs in enumerate(C3_LINKS):
        mask[0, 0, list(inputs), output] = 1
    x = squash(conv(x, v["c1.weight"], v["c1.bias"], "VALID"))
    x = squash(tf.nn.avg_pool2d(x, 2, 2, "VALID") * (4 * v["s2.coefficient"]) + v["s2.bias"])
    x = squash(conv(x, v["c3.weight"] * mask if training else v["c3.weight"], v["c3.bias"], "VALID"))
    x = squash(tf.nn.avg_pool2d(x, 2, 2, "VALID") * (4 * v["s4.coefficient"]) + v["s4.bias"])
    x = squash(conv(x, v["c5.weight"], v["c5.bias"], "VALID"))
    x = squash(tf.reshape(x, (x.shape[0], 120)) @ v["f6.weight"] + v["f6.bias"])
    codes = tf.constant(digit_codes(10), tf.float32)
    return -tf.reduce_sum(tf.square(x[:, None] - codes), 2)


def vgg_a(v: Variables, x: tf.Tensor, training: bool, dropout: float) -> tf.Tensor:
    for name in ("conv1_1", "pool", "conv2_1", "pool", "conv3_1", "conv3_2", "pool", *VGG_END):
        if name == "pool":
            x = tf.nn.max_pool2d(x, 2, 2, "VALID")
        else:
            x = tf.nn.relu(conv(x, v[f"{name}.weight"], v[f"{name}.bias"], "SAME"))
    x = tf.reshape(x, (x.shape[0], 512 * 7 * 7))
    for name in ("fc6", "fc7"):
        x = tf.nn.relu(tf.nn.bias_add(x @ v[f"{name}.weight"], v[f"{name}.bias"]))
        if training and dropout:
            x = tf.nn.dropout(x, dropout)
    return tf.nn.bias_add(x @ v["fc8.weight"], v["fc8.bias"])


VGG_END = ("conv4_1", "conv4_2", "pool", "conv5_1", "conv5_2", "pool")


class ByHand(Model):
    def __init__(self, plan: Plan):
        self.network, self.dropout = network_by_hand(plan, {"lenet5": lenet5, "vgg-a": vgg_a})
        self.rejection_score, self.sgd = plan.network.rejection_score, plan.sgd
        self.maps = {"fc6.weight": (512, 7, 7)}
        self.variables: dict[str, tf.Variable] = {}
        self.shapes = plan.network.arrays

    def load(self, weights: Mapping[str, np.ndarray], statistics: Mapping[str, np.ndarray]) -> None:
        self.variables = {name: tf.Variable(self.turned(name, weights[name])) for name in self.shapes}
        self.velocities = [tf.Variable(tf.zeros_like(value)) for value in self.variables.values()]
        self.functions: dict[str, Callable[..., tf.Tensor]] = {}

    def turned(self, name: str, array: np.ndarray) -> np.ndarray:
        if array.ndim == 4:
            return np.transpose(array, (2, 3, 1, 0))
        if name in self.maps and array.ndim == 2 and array.shape[1] == 512 * 7 * 7:
            return array.reshape(-1, 512, 7, 7).transpose(2, 3, 1, 0).reshape(512 * 7 * 7, -1)
        return array.T if array.ndim == 2 else array

    def turned_back(self, name: str, array: np.ndarray) -> np.ndarray:
        if array.ndim == 4:
            return np.transpose(array, (3, 2, 0, 1))
        if name in self.maps and array.shape[0] == 512 * 7 * 7:
            return array.reshape(7, 7, 512, -1).transpose(3, 2, 0, 1).reshape(-1, 512 * 7 * 7)
        return array.T if array.ndim == 2 else array

    def weights(self) -> dict[str, np.ndarray]:
        return {name: self.turned_back(name, value.numpy()) for name, value in self.variables.items()}

    def statistics(self) -> dict[str, np.ndarray]:
        return {}

    def put(self, images: np.ndarray, labels: np.ndarray) -> Batch:
        return tf.constant(images.transpose(0, 2, 3, 1)), tf.constant(labels, tf.int64)

    def compiled(self, function: Callable[..., tf.Tensor], *arguments: tf.Tensor) -> tf.Tensor:
        name = function.__name__
        if name not in self.functions:
            self.functions[name] = tf.function(function).get_concrete_function(*arguments)
        return self.functions[name](*arguments)

    def infer(self, batch: Batch) -> tf.Tensor:
        return self.compiled(self.scores, batch[0])

    def forward(self, batch: Batch) -> tf.Tensor:
        return self.compiled(self.loss, *batch)

    def gradient(self, batch: Batch) -> tuple[tf.Tensor, Sequence[tf.Tensor]]:
        return self.compiled(self.loss_and_gradients, *batch)

    def train(self, batch: Batch) -> tf.Tensor:
        return self.compiled(self.step, *batch)

    def scores(self, images: tf.Tensor) -> tf.Tensor:
        return self.network(self.variables, images, False, self.dropout)

    def loss(self, images: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
        scores = self.network(self.variables, images, True, self.dropout)
        if self.rejection_score is not None:
            scores = tf.pad(scores, ((0, 0), (0, 1)), constant_values=-self.rejection_score)
        return tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels, scores))

    def loss_and_gradients(self, images: tf.Tensor, labels: tf.Tensor) -> tuple[tf.Tensor, list[tf.Tensor]]:
        with tf.GradientTape() as tape:
            loss = self.loss(images, labels)
        return loss, tape.gradient(loss, list(self.variables.values()))

    def step(self, images: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
        loss, gradients = self.loss_and_gradients(images, labels)
        for value, velocity, gradient in zip(self.variables.values(), self.velocities, gradients, strict=True):
            tf.raw_ops.ResourceApplyMomentum(
                var=value.handle,
                accum=velocity.handle,
                lr=self.sgd.learning_rate,
                grad=gradient + self.sgd.weight_decay * value,
                momentum=self.sgd.momentum,
            )
        return loss

    def synchronize(self, outputs: object) -> None:
        tf.test.experimental.sync_devices()

    def to_numpy(self, outputs: tf.Tensor) -> np.ndarray:
        return outputs.numpy()

    def gradients(self, outputs: tuple[tf.Tensor, Sequence[tf.Tensor]]) -> dict[str, np.ndarray]:
        named = zip(self.variables, outputs[1], strict=True)
        return {name: self.turned_back(name, gradient.numpy()) for name, gradient in named}

    def devices(self, outputs: object) -> frozenset[str]:
        return devices_of(outputs)
