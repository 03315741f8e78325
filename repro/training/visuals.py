"""Visualisations of a trained network: `filters`, `mistakes` and `maps`, as an arm selects."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from impls.layers import Conv, Flatten, GlobalAverage
from impls.network import Network
from repro.data import Dataset
from repro.recipe.views import Whole
from repro.training.checkpoint import State
from repro.training.evaluation import Evaluator
from results.store.pictures import Pictures

MISTAKES = 80
"""Number of images in LeNet-5's figure 8."""


def draw(names: tuple[str, ...], network: Network, state: State, data: Dataset, evaluator: Evaluator) -> Pictures:
    """The selected pictures, without those that the network lacks (maps without a global average)."""
    parts: dict[str, Any] = {}
    for name in names:
        parts |= DRAWN[name](network, state, data, evaluator)
    return replace(Pictures(classes=data.classes), **parts)


def _filters(network: Network, state: State, data: Dataset, evaluator: Evaluator) -> Mapping[str, object]:
    """The weights of the first convolution."""
    first = next((layer.name for layer in network.layers if isinstance(layer, Conv)), None)
    return {} if first is None else {"filters": state.weights[f"{first}.weight"]}


def _mistakes(network: Network, state: State, data: Dataset, evaluator: Evaluator) -> Mapping[str, object]:
    """The first misclassified test images (LeCun 1998, figure 8)."""
    places = np.arange(len(data.test.labels))
    predicted = evaluator.likelihoods(state, data.test, places, Whole()).argmax(1)
    wrong = np.flatnonzero(predicted != data.test.labels)
    shown = wrong[:MISTAKES]
    return {
        "mistakes": data.test.images[shown],
        "truth": data.test.labels[shown],
        "taken": predicted[shown].astype(np.int32),
        "wrong": len(wrong),
    }


def _maps(network: Network, state: State, data: Dataset, evaluator: Evaluator) -> Mapping[str, object]:
    """The class maps of the first test image of each class (NIN, figure 4)."""
    if not isinstance(network.layers[-1], GlobalAverage):
        return {}
    labels = data.test.labels
    places = np.array([int(np.flatnonzero(labels == label)[0]) for label in np.unique(labels)])
    before = replace(network, layers=(*network.layers[:-1], Flatten("maps")))
    flat = evaluator.scores(state, data.test, places, before)
    return {
        "maps": flat.reshape(len(places), *network.rows[-1].input),
        "shown": data.test.images[places],
        "shown_truth": labels[places],
    }


DRAWN: Mapping[str, Callable[[Network, State, Dataset, Evaluator], Mapping[str, object]]] = {
    "filters": _filters,
    "mistakes": _mistakes,
    "maps": _maps,
}
