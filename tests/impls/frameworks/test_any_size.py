"""One set of weights at every size: what SPP-net is for (He et al. 2015, section 2.3)."""

from __future__ import annotations

from concurrent.futures import Future
from typing import Any

import numpy as np
import pytest
from oracle.jobs import Travelled

from deadheat.contract.fixtures import missing
from deadheat.contract.processes import Children, answer
from impls.architectures import architectures, load_architecture

pytestmark = pytest.mark.slow

REFERENCE = "pytorch:eager"
TRAINING = (REFERENCE, "tensorflow:graph", "tensorflow:graph-any-size", "jax:jit")
CONTESTANTS = (*TRAINING, "onnx:onnxruntime", "onnx:openvino")
SIZES = [
    (224, 224),
    (180, 180),
    (160, 160),
    (192, 192),
    (200, 200),
    (211, 211),
    (256, 256),
    (180, 240),
    (224, 160),
    (161, 299),
]
SCHEDULE = [224, 180] * 10
TRACES = {REFERENCE: 0, "tensorflow:graph": 12, "jax:jit": 12} | {
    "tensorflow:graph-any-size": 2,
    "onnx:onnxruntime": 1,
    "onnx:openvino": 1,
}
"""A trace for each of ten sizes and of two more of another phase; one of each phase where sizes are left open."""


@pytest.fixture(scope="module")
def travelled(children: Children) -> dict[str, Future[Any]]:
    asked = {}
    for contestant in CONTESTANTS:
        if not missing(contestant):
            child = children.of(contestant, "float32")
            asked[contestant] = child.submit("oracle.jobs:travels", contestant, SIZES, SCHEDULE)
    return asked


@pytest.fixture
def both(request: pytest.FixtureRequest, travelled: dict[str, Future[Any]]) -> tuple[Travelled, Travelled]:
    contestant = request.param
    for one in (REFERENCE, contestant):
        if reason := missing(one):
            pytest.skip(reason)
    return answer(travelled[contestant]), answer(travelled[REFERENCE])


@pytest.mark.parametrize("both", CONTESTANTS[1:], indirect=True)
def test_one_set_of_weights_gives_everyones_scores_at_ten_sizes(both: tuple[Travelled, Travelled]) -> None:
    given, right = both
    for size in SIZES:
        error = np.abs(given.scores[size] - right.scores[size]).max()
        assert error <= 1e-5 * np.abs(right.scores[size]).max(), size


@pytest.mark.parametrize("both", TRAINING[1:], indirect=True)
def test_losses_agree_over_twenty_steps_at_two_sizes_by_turns(both: tuple[Travelled, Travelled]) -> None:
    given, right = both
    assert given.losses == pytest.approx(right.losses, rel=1e-4)
    assert right.losses[-1] < right.losses[1], "it learns: so steps at one size are seen at the other"


@pytest.mark.parametrize("contestant", CONTESTANTS)
def test_what_was_compiled_is_counted(contestant: str, travelled: dict[str, Future[Any]]) -> None:
    if reason := missing(contestant):
        pytest.skip(reason)
    found = answer(travelled[contestant])
    assert (found.compilations, found.fallback) == (TRACES[contestant], "")


def test_where_pytorch_gives_up_compiling_is_counted_and_said(children: Children) -> None:
    if reason := missing("pytorch:compile"):
        pytest.skip(reason)
    sizes = [(4, 4), (4, 6), (7, 5), (8, 8)]
    child = children.of("pytorch:compile", "float32")
    errors, compilations, fallback = answer(child.submit("oracle.jobs:gives_up", sizes, 2))
    assert max(errors) <= 1e-6
    assert compilations == 2
    assert fallback == "PyTorch compiles a function 2 times and no more: eager from then on"
    assert answer(child.submit("oracle.jobs:gives_up", sizes, 8))[1:] == (len(sizes), "")


@pytest.mark.parametrize("name", [name for name in architectures() if "-spp" in name])
def test_the_networks_of_224_and_180_share_every_parameter(name: str) -> None:
    architecture = load_architecture(name)
    at_224, at_180 = (architecture.at(side).arrays for side in (224, 180))
    assert at_224 == at_180
    fixed = architectures().get(name.partition("-spp")[0])
    assert fixed is None or fixed.at(224).arrays != fixed.at(180).arrays
