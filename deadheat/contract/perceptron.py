"""Networks of full connections and ReLU in float64, straight from their definitions: what models are held against."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from impls.layers import Activation, Dense, Flatten
from impls.network import Network

Arrays = Mapping[str, np.ndarray]


def scores(network: Network, weights: Arrays, images: np.ndarray) -> np.ndarray:
    """(batch, classes)."""
    return _steps(network, weights, images)[-1]


def loss(network: Network, weights: Arrays, images: np.ndarray, labels: np.ndarray) -> float:
    """The mean over the batch of minus the logarithm of the softmax of each image's own class."""
    return float(-np.log(_softmax(scores(network, weights, images))[np.arange(len(labels)), labels]).mean())


def gradients(network: Network, weights: Arrays, images: np.ndarray, labels: np.ndarray) -> dict[str, np.ndarray]:
    """Of that loss, by the names of `Network.arrays`."""
    steps = _steps(network, weights, images)
    signal = (_softmax(steps[-1]) - np.eye(network.classes)[labels]) / len(labels)
    found = {}
    for layer, before, after in zip(network.layers[::-1], steps[-2::-1], steps[:0:-1], strict=True):
        match layer:
            case Dense(name=name):
                found[f"{name}.weight"], found[f"{name}.bias"] = signal.T @ before, signal.sum(0)
                signal = signal @ weights[f"{name}.weight"]
            case Activation():
                signal = signal * (after > 0)
    return found


def _steps(network: Network, weights: Arrays, images: np.ndarray) -> list[np.ndarray]:
    """The images, and what each layer makes of them."""
    steps = [images.astype(np.float64)]
    for layer in network.layers:
        x = steps[-1]
        match layer:
            case Flatten():
                steps.append(x.reshape(len(x), -1))
            case Dense(name=name):
                steps.append(x @ weights[f"{name}.weight"].T.astype(np.float64) + weights[f"{name}.bias"])
            case Activation(kind="relu"):
                steps.append(np.maximum(x, 0))
            case _:
                raise NotImplementedError(f"no definition of {type(layer).__name__}")
    return steps


def _softmax(x: np.ndarray) -> np.ndarray:
    odds = np.exp(x - x.max(1, keepdims=True))
    shares: np.ndarray = odds / odds.sum(1, keepdims=True)
    return shares
