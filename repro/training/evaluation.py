"""Evaluation: error and class probabilities of a network on images, with a view, at any size that its arrays allow."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from impls.frameworks import Model
from impls.network import Network
from repro.data import Split
from repro.recipe.preprocessing import Prepared
from repro.recipe.views import View
from repro.training.checkpoint import State

AT_ONCE = 250


class Evaluator:
    """Evaluates states with its own models, into which it loads their weights."""

    def __init__(self, network: Network, prepare: Prepared, build: Callable[[Network], Model]):
        self._network, self._prepare, self._build = network, prepare, build
        self._models: dict[Network, Model] = {}
        self._loaded: dict[Network, State] = {}

    def error(self, state: State, split: Split, places: np.ndarray, view: View) -> float:
        """The share of misclassified images among those at `places`."""
        return float((self.likelihoods(state, split, places, view).argmax(1) != split.labels[places]).mean())

    def likelihoods(self, state: State, split: Split, places: np.ndarray, view: View) -> np.ndarray:
        """Class probabilities (places, classes), averaged over the view's versions of each image."""
        parts = np.array_split(places, max(1, math.ceil(len(places) / AT_ONCE)))
        return np.concatenate([self._averaged(state, self._prepare(split.images[part]), view) for part in parts])

    def scores(self, state: State, split: Split, places: np.ndarray, network: Network) -> np.ndarray:
        """Scores of another network with the same arrays for the images at `places`."""
        images = self._prepare(split.images[places])
        model = self._model(network, state)
        return _scores(model, images)

    def _averaged(self, state: State, images: np.ndarray, view: View) -> np.ndarray:
        mean: np.ndarray = np.mean([self._seen(state, images, part) for part in view.parts], 0)
        return mean

    def _seen(self, state: State, images: np.ndarray, view: View) -> np.ndarray:
        """Class probabilities (images, classes): the mean over all versions, and over the windows of each."""
        likely = []
        for version in view.images(images):
            sized = replace(self._network, input_shape=version.shape[1:])
            model = self._model(view.network(sized), state)
            scores = _scores(model, np.ascontiguousarray(version))
            likely.append(softmax(scores.reshape(len(scores), -1, scores.shape[-1])))
        mean: np.ndarray = np.concatenate(likely, 1).mean(1)
        return mean

    def _model(self, network: Network, state: State) -> Model:
        if network not in self._models:
            self._models[network] = self._build(network)
        if self._loaded.get(network) is not state:
            self._models[network].load(state.weights, state.statistics)
            self._loaded[network] = state
        return self._models[network]


def softmax(scores: np.ndarray) -> np.ndarray:
    """Probabilities from scores (..., classes)."""
    powers = np.exp(scores - scores.max(-1, keepdims=True))
    shares: np.ndarray = powers / powers.sum(-1, keepdims=True)
    return shares


def _scores(model: Model, images: np.ndarray) -> np.ndarray:
    return model.to_numpy(model.infer(model.put(images, np.zeros(len(images), np.int32))))
