"""Networks that others have written: the same as ours, and without our tricks."""

from __future__ import annotations

import numpy as np
import pytest

from deadheat.contract.fixtures import missing
from deadheat.contract.processes import Children, answer
from impls.frameworks import frameworks, load_framework


@pytest.mark.slow
def test_a_published_network_gives_our_scores(children: Children) -> None:
    """torchvision's are compared by the parity gate of suite vendors alone: many a torchvision breaks its PyTorch."""
    both = ("keras-applications:tensorflow", "keras:tensorflow-idiomatic")
    if reason := missing(both[0]):
        pytest.skip(reason)
    theirs, expected = (
        answer(children.of(one, "float32").submit("oracle.jobs:scores_at", one, "vgg-d", 32)) for one in both
    )
    assert theirs.shape == expected.shape
    np.testing.assert_allclose(theirs, expected, rtol=0, atol=1e-5 * np.abs(expected).max())


@pytest.mark.parametrize("name", ["keras-applications", "torchvision"])
def test_a_published_network_has_no_trick_of_variables(name: str) -> None:
    tricks = [trick for framework in frameworks().values() for trick in framework.tricks]
    set_by_tricks = {variable for trick in tricks for variable in trick.environment}
    assert set_by_tricks
    for execution in load_framework(name).executions:
        assert execution.published
        assert not execution.environment.keys() & set_by_tricks
