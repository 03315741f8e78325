"""LeNet-5 and VGG-A by hand in JAX."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from bench.contestants.handwritten import network_by_hand
from impls.architectures.lenet import C3_LINKS, digit_codes
from impls.frameworks import Model, Plan

Batch = tuple[Array, Array]
Weights = dict[str, Array]


def squash(x: Array) -> Array:
    return 1.7159 * jnp.tanh(2 / 3 * x)


def conv(x: Array, weight: Array, bias: Array, padding: str) -> Array:
    return lax.conv_general_dilated(x, weight, (1, 1), padding, dimension_numbers=("NHWC", "HWIO", "NHWC")) + bias


def add_up(x: Array) -> Array:
    return lax.reduce_window(x, 0.0, lax.add, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")


def lenet5(w: Weights, x: Array, key: Array | None, dropout: float) -> Array:
    mask = np.zeros((1, 1, 6, 16), np.float32)
    for output, inputs in enumerate(C3_LINKS):
        mask[0, 0, list(inputs), output] = 1
    x = squash(conv(x, w["c1.weight"], w["c1.bias"], "VALID"))
    x = squash(add_up(x) * w["s2.coefficient"] + w["s2.bias"])
    x = squash(conv(x, w["c3.weight"] * mask, w["c3.bias"], "VALID"))
    x = squash(add_up(x) * w["s4.coefficient"] + w["s4.bias"])
    x = squash(conv(x, w["c5.weight"], w["c5.bias"], "VALID"))
    x = squash(x.reshape(len(x), 120) @ w["f6.weight"] + w["f6.bias"])
    return -((x[:, None] - jnp.array(digit_codes(10), jnp.float32)) ** 2).sum(2)


def vgg_a(w: Weights, x: Array, key: Array | None, dropout: float) -> Array:
    for name in ("conv1_1", "pool", "conv2_1", "pool", "conv3_1", "conv3_2", "pool", *VGG_END):
        if name == "pool":
            x = lax.reduce_window(x, -jnp.inf, lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")
        else:
            x = jax.nn.relu(conv(x, w[f"{name}.weight"], w[f"{name}.bias"], "SAME"))
    x = x.reshape(len(x), 512 * 7 * 7)
    for number, name in enumerate(("fc6", "fc7")):
        x = jax.nn.relu(x @ w[f"{name}.weight"] + w[f"{name}.bias"])
        if key is not None and dropout:
            kept = jax.random.bernoulli(jax.random.fold_in(key, number), 1 - dropout, x.shape)
            x = jnp.where(kept, x / (1 - dropout), 0)
    return x @ w["fc8.weight"] + w["fc8.bias"]


VGG_END = ("conv4_1", "conv4_2", "pool", "conv5_1", "conv5_2", "pool")


class ByHand(Model):
    def __init__(self, plan: Plan):
        network, dropout = network_by_hand(plan, {"lenet5": lenet5, "vgg-a": vgg_a})
        sgd, rejection_score = plan.sgd, plan.network.rejection_score

        def loss(weights: Weights, batch: Batch, key: Array) -> Array:
            scores = network(weights, batch[0], key, dropout)
            if rejection_score is not None:
                scores = jnp.pad(scores, ((0, 0), (0, 1)), constant_values=-rejection_score)
            own = jnp.take_along_axis(jax.nn.log_softmax(scores), batch[1][:, None], 1)
            return -own.mean()

        def step(state: tuple[Weights, Weights, Array], batch: Batch) -> tuple[Array, tuple[Weights, Weights, Array]]:
            weights, velocity, key = state
            key, now = jax.random.split(key)
            value, gradients = jax.value_and_grad(loss)(weights, batch, now)
            velocity = {k: sgd.momentum * velocity[k] + gradients[k] + sgd.weight_decay * weights[k] for k in weights}
            weights = {k: weights[k] - sgd.learning_rate * velocity[k] for k in weights}
            return value, (weights, velocity, key)

        def keyed(function: Any, weights: Weights, batch: Batch, key: Array) -> tuple[Any, Array]:
            key, now = jax.random.split(key)
            return function(weights, batch, now), key

        self.jit_infer = jax.jit(lambda weights, images: network(weights, images, None, 0.0))
        self.jit_forward = jax.jit(partial(keyed, loss), donate_argnums=2)
        self.jit_gradient = jax.jit(partial(keyed, jax.value_and_grad(loss)), donate_argnums=2)
        self.jit_train = jax.jit(step, donate_argnums=0)
        self.key = jax.random.key(plan.seed)

    def load(self, weights: Mapping[str, np.ndarray], statistics: Mapping[str, np.ndarray]) -> None:
        native = {name: jnp.array(turned(array)) for name, array in weights.items()}
        self.state = native, {name: jnp.zeros_like(array) for name, array in native.items()}, self.key

    def weights(self) -> dict[str, np.ndarray]:
        return {name: turned_back(np.array(array)) for name, array in self.state[0].items()}

    def statistics(self) -> dict[str, np.ndarray]:
        return {}

    def put(self, images: np.ndarray, labels: np.ndarray) -> Batch:
        return jnp.array(images.transpose(0, 2, 3, 1)), jnp.array(labels)

    def infer(self, batch: Batch) -> Array:
        return self.jit_infer(self.state[0], batch[0])

    def forward(self, batch: Batch) -> Array:
        value, key = self.jit_forward(self.state[0], batch, self.state[2])
        self.state = self.state[0], self.state[1], key
        return value

    def gradient(self, batch: Batch) -> tuple[Array, Weights]:
        value, key = self.jit_gradient(self.state[0], batch, self.state[2])
        self.state = self.state[0], self.state[1], key
        return value

    def train(self, batch: Batch) -> Array:
        value, self.state = self.jit_train(self.state, batch)
        return value

    def synchronize(self, outputs: Any) -> None:
        jax.block_until_ready((outputs, self.state))

    def to_numpy(self, outputs: Array) -> np.ndarray:
        return np.array(outputs)

    def gradients(self, outputs: tuple[Array, Weights]) -> dict[str, np.ndarray]:
        return {name: turned_back(np.array(array)) for name, array in outputs[1].items()}

    def devices(self, outputs: Any) -> frozenset[str]:
        return frozenset(device.platform for array in jax.tree.leaves(outputs) for device in array.devices())


def turned(array: np.ndarray) -> np.ndarray:
    """A canonical weight in this file's layout: (height, width, inputs, outputs), or (inputs, outputs)."""
    if array.ndim == 4:
        return array.transpose(2, 3, 1, 0)
    if array.ndim == 2 and array.shape[1] == 512 * 7 * 7:
        return array.reshape(-1, 512, 7, 7).transpose(2, 3, 1, 0).reshape(512 * 7 * 7, -1)
    return array.T


def turned_back(array: np.ndarray) -> np.ndarray:
    if array.ndim == 4:
        return array.transpose(3, 2, 0, 1)
    if array.ndim == 2 and array.shape[0] == 512 * 7 * 7:
        return array.reshape(7, 7, 512, -1).transpose(3, 2, 0, 1).reshape(-1, 512 * 7 * 7)
    return array.T
