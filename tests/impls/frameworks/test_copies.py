"""A batch that is one image many times is the same wherever its copies are made."""

from __future__ import annotations

import numpy as np
import pytest

from deadheat.contract.fixtures import missing
from deadheat.contract.processes import Children
from tests.support.slow import slow_but

CONTESTANTS = (
    "pytorch:eager",
    "pytorch:eager-nhwc",
    "tensorflow:graph",
    "jax:jit",
    "keras:tensorflow",
    "onnx:onnxruntime",
)
COPIES = 5


@pytest.mark.parametrize("contestant", slow_but(["pytorch:eager", "jax:jit"], CONTESTANTS))
def test_copies_made_on_the_device_are_the_image_as_often(contestant: str, children: Children) -> None:
    if reason := missing(contestant):
        pytest.skip(reason)
    child = children.of(contestant, "float32")
    put, made, loss, loss_made = child.submit("oracle.jobs:copied", contestant, COPIES).result()
    assert put.shape == made.shape == (COPIES, 10)
    np.testing.assert_array_equal(made, put)
    np.testing.assert_equal(loss_made, loss)
