"""Many windows of one map: the same as a pyramid of each window cut out, in every framework that has it."""

from __future__ import annotations

import numpy as np
import pytest
from oracle import forward
from oracle.jobs import BATCH, WINDOWS, Windows, windowed_network

from bench.networks import windows as networks
from deadheat.contract.fixtures import differentiates, missing
from deadheat.contract.processes import Children, answer
from impls.arrays import make_batch, make_weights
from impls.errors import InvalidInput
from impls.layers import SpatialPyramid, WindowAverage, WindowPyramid
from tests.support.slow import slow_but

CONTESTANTS = {
    "pytorch:eager": "float64",
    "tensorflow:graph": "float64",
    "tensorflow:graph-any-size": "float64",
    "jax:jit": "float64",
    "onnx:onnxruntime": "float32",
    "onnx:openvino": "float32",
}
"""With the finest arithmetic that each has."""
ERRORS = {"float64": 1e-9, "float32": 1e-5}
STEP = 1e-6
SHORT = ((0, 6, 0, 6),)
"""Its bins lie side by side, as those of a whole map may, and end so long before the map that it has room for more."""


@pytest.mark.parametrize("windows", [WINDOWS, SHORT], ids=["five", "short"])
@pytest.mark.parametrize("contestant", slow_but(["pytorch:eager", "tensorflow:graph"], CONTESTANTS))
def test_windows_are_pooled_as_if_they_were_cut_out(contestant: str, windows: Windows, children: Children) -> None:
    precision = CONTESTANTS[contestant]
    if reason := missing(contestant, precision):
        pytest.skip(reason)
    child = children.of(contestant, precision)
    scores, loss, gradients = answer(child.submit("oracle.jobs:windowed", contestant, precision, windows))
    network = windowed_network(windows)
    weights, batch = make_weights(network), make_batch(network, BATCH)
    allowed = ERRORS[precision]
    assert scores == pytest.approx(forward.scores(network, weights, {}, batch.images), rel=allowed, abs=allowed)
    right = forward.loss(network, weights, {}, batch.images, batch.labels)
    assert loss == pytest.approx(right, rel=allowed)
    assert bool(gradients) == differentiates(contestant)
    for array in gradients:  # along a gradient, the loss moves by its squared length
        moved = {key: value.astype(np.float64) for key, value in weights.items()}
        moved[array] = moved[array] + STEP * gradients[array]
        further = forward.loss(network, moved, {}, batch.images, batch.labels)
        assert (further - right) / STEP == pytest.approx(np.vdot(gradients[array], gradients[array]), rel=1e-3), array


def test_a_lookup_finds_the_bins_of_every_window() -> None:
    layer = WindowPyramid("spp", (3, 1), windows=WINDOWS)
    for level in layer.levels:
        rows, columns, places = layer.lookup(level)
        found = [(*rows[place // len(columns)], *columns[place % len(columns)]) for place in places]
        assert tuple(found) == layer.cells(level)
        assert len(found) == len(WINDOWS) * level * level


def test_a_window_of_the_whole_map_is_the_pyramid_itself() -> None:
    whole = WindowPyramid("spp", (6, 3, 2, 1), windows=((0, 13, 0, 13),)).at((256, 13, 13))
    assert whole.output == (1, *SpatialPyramid("spp", (6, 3, 2, 1)).at((256, 13, 13)).output)


def test_windows_that_reach_beyond_the_map_are_refused() -> None:
    with pytest.raises(InvalidInput, match="windows reach to 7x9 on a map of 6x9"):
        WindowPyramid("spp", (1,), windows=WINDOWS).at((4, 6, 9))
    with pytest.raises(InvalidInput, match="takes vectors of windows"):
        WindowAverage("average").at((5,))


@pytest.mark.parametrize(("name", "count"), [("VIEWS10", 10), ("VIEWS96", 96), ("WINDOWS2000", 2000)])
def test_the_suites_networks_have_as_many_windows_as_they_say(name: str, count: int) -> None:
    network = getattr(networks, name).at()
    row = next(row for row in network.rows if isinstance(row.layer, WindowPyramid))
    assert row.input[1:] == (networks.MAP, networks.MAP)
    assert row.facts.output == (count, 12_800)
    single = networks.VIEWS10.at()
    assert network.parameters == single.parameters
    assert network.macs - single.macs == (count - 10) * (12_800 * 4096 + 4096 * 4096 + 4096 * 1000)
