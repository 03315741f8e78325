"""LeNet-5 and VGG-A by hand in Keras, in the steps written by hand for TensorFlow."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import layers, ops

from bench.contestants.handwritten import network_by_hand
from bench.contestants.handwritten.tensorflow import model as by_hand
from impls.architectures.lenet import C3_LINKS, digit_codes
from impls.frameworks import Plan


def squash(x: Any) -> Any:
    return 1.7159 * ops.tanh(2 / 3 * x)


class Subsample(layers.Layer):
    def build(self, shape: Any) -> None:
        self.coefficient = self.add_weight(name="coefficient", shape=(shape[-1],))
        self.bias = self.add_weight(name="bias", shape=(shape[-1],))

    def call(self, x: Any) -> Any:
        return squash(ops.average_pool(x, 2, 2) * (4 * self.coefficient) + self.bias)


class C3(layers.Conv2D):
    def build(self, shape: Any) -> None:
        super().build(shape)
        self.mask = np.zeros((1, 1, 6, 16), np.float32)
        for output, inputs in enumerate(C3_LINKS):
            self.mask[0, 0, list(inputs), output] = 1

    def call(self, x: Any, training: bool = False) -> Any:
        kernel = self.kernel * self.mask if training else self.kernel
        return squash(ops.conv(x, kernel, 1, "valid") + self.bias)


class Codes(layers.Layer):
    def call(self, x: Any) -> Any:
        codes = ops.convert_to_tensor(digit_codes(10), "float32")
        return -ops.sum(ops.square(x[:, None] - codes), 2)


def lenet5(dropout: float) -> keras.Sequential:
    return keras.Sequential(
        [
            keras.Input((32, 32, 1)),
            layers.Conv2D(6, 5, activation=squash, name="c1"),
            Subsample(name="s2"),
            C3(16, 5, name="c3"),
            Subsample(name="s4"),
            layers.Conv2D(120, 5, activation=squash, name="c5"),
            layers.Flatten(),
            layers.Dense(84, activation=squash, name="f6"),
            Codes(),
        ]
    )


def vgg_a(dropout: float) -> keras.Sequential:
    model = keras.Sequential([keras.Input((224, 224, 3))])
    widths = {"1_1": 64, "2_1": 128, "3_1": 256, "3_2": 256, "4_1": 512, "4_2": 512, "5_1": 512, "5_2": 512}
    for number, width in widths.items():
        model.add(layers.Conv2D(width, 3, padding="same", activation="relu", name=f"conv{number}"))
        if number in ("1_1", "2_1", "3_2", "4_2", "5_2"):
            model.add(layers.MaxPooling2D())
    model.add(layers.Flatten())
    for name in ("fc6", "fc7"):
        model.add(layers.Dense(4096, activation="relu", name=name))
        model.add(layers.Dropout(dropout))
    model.add(layers.Dense(1000, name="fc8"))
    return model


class ByHand(by_hand.ByHand):
    """The TensorFlow steps around a Keras model."""

    def __init__(self, plan: Plan):
        build, dropout = network_by_hand(plan, {"lenet5": lenet5, "vgg-a": vgg_a})
        super().__init__(plan)
        self.model = build(dropout)
        self.network = lambda variables, images, training, dropout: self.model(images, training=training)

    def load(self, weights: Mapping[str, np.ndarray], statistics: Mapping[str, np.ndarray]) -> None:
        for name in self.shapes:
            layer, kind = name.split(".")
            variable = getattr(self.model.get_layer(layer), "kernel" if kind == "weight" else kind)
            variable.assign(self.turned(name, weights[name]))
            self.variables[name] = variable.value
        self.velocities = [tf.Variable(tf.zeros_like(value)) for value in self.variables.values()]
        self.functions = {}
