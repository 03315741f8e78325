"""Class probabilities over the views of an image: what is averaged, and when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import pytest

from impls.frameworks import Model
from impls.layers import Dense, Flatten
from impls.network import Network
from repro.data import Split
from repro.recipe.views import Ensemble, View, Whole
from repro.training.checkpoint import State
from repro.training.evaluation import Evaluator, softmax

NETWORK = Network("flat", (1, 2, 2), 3, (Flatten("flatten"), Dense("output", 3)))
SCORES = np.array([[9.0, 0.0, 0.0], [0.0, 4.0, 0.0], [0.0, 4.0, 0.0]])
"""Of three windows: averaged before the softmax the first class wins, averaged after it the second."""


@dataclass(frozen=True)
class Versions(View):
    """So many equal versions of an image."""

    count: int

    def images(self, images: np.ndarray) -> Sequence[np.ndarray]:
        return [images] * self.count


class Scoring:
    """Gives every image these scores: (classes,), or (windows, classes)."""

    def __init__(self, scores: np.ndarray):
        self._scores = scores

    def load(self, weights: Any, statistics: Any) -> None: ...

    def put(self, images: np.ndarray, labels: np.ndarray) -> int:
        return len(images)

    def infer(self, count: int) -> np.ndarray:
        return np.stack([self._scores] * count)

    def to_numpy(self, array: np.ndarray) -> np.ndarray:
        return array


def likelihoods(view: View, *scores: np.ndarray) -> np.ndarray:
    """Of two images; each model that is built gives the next of the scores."""
    remaining = iter(scores)
    images = Split(np.zeros((2, 1, 2, 2), np.uint8), np.zeros(2, np.int32))
    evaluator = Evaluator(NETWORK, lambda raw: raw.astype(np.float32), lambda _: cast(Model, Scoring(next(remaining))))
    return evaluator.likelihoods(State({}, {}, {}), images, np.arange(2), view)


def test_windows_are_averaged_after_the_softmax() -> None:
    """He et al. 2015, section 3.1.5."""
    assert SCORES.mean(0).argmax() == 0
    found = likelihoods(Whole(), SCORES)
    assert list(found.argmax(1)) == [1, 1]
    assert found == pytest.approx(np.stack([softmax(SCORES).mean(0)] * 2))
    assert found.sum(1) == pytest.approx(1)


@pytest.mark.parametrize("count", [1, 2, 5])
def test_versions_and_windows_count_alike(count: int) -> None:
    assert likelihoods(Versions(count), SCORES)[0] == pytest.approx(softmax(SCORES).mean(0))
    assert likelihoods(Versions(count), SCORES[0])[0] == pytest.approx(softmax(SCORES[0]))


def test_the_parts_of_an_ensemble_count_alike() -> None:
    found = likelihoods(Ensemble(Whole(), Versions(4)), SCORES[0])
    assert found[0] == pytest.approx(softmax(SCORES[0]))
