"""What JAX, native and in Keras, hands to XLA for a card: lowered without one. XLA does not compile it here."""

from __future__ import annotations

import pytest
from oracle.lowered import PRODUCTS, Lowered

from deadheat.contract.fixtures import missing
from deadheat.contract.processes import Children, answer
from impls import precision as precisions
from impls.frameworks import load_framework
from tests.support.slow import slow_but

POLICIES = {
    "float32": ("HIGHEST", "f32"),
    "tf32": ("HIGH", "f32"),
    "bfloat16": ("HIGHEST", "bf16"),
    "float64": ("HIGHEST", "f64"),
    "float16": ("HIGHEST", "f16"),
    "bfloat16-weights": ("HIGHEST", "bf16"),
}
"""Precision and operands' format of products and convolutions. XLA may use TF32 for float32 operands unless HIGHEST."""
CASES = [
    (contestant, precision, phase)
    for contestant in ("jax:jit", "keras:jax")
    for precision in load_framework(contestant.partition(":")[0]).execution(contestant.partition(":")[2]).precisions
    for phase in ("infer", "train")
    if not precisions.POLICIES[precision].lacks(phase)
]


@pytest.fixture(params=slow_but([case for case in CASES if case[0] == "jax:jit"], CASES), ids="/".join)
def step(request: pytest.FixtureRequest, children: Children) -> tuple[str, str, Lowered]:
    """Precision and phase of a step, and how it was lowered."""
    contestant, precision, phase = request.param
    if reason := missing(contestant):
        pytest.skip(reason)
    found = children.of(contestant, precision).submit("oracle.lowered:lowered", contestant, precision, phase)
    return precision, phase, answer(found)


def test_every_product_of_a_step_for_a_card_has_the_policys_arithmetic(step: tuple[str, str, Lowered]) -> None:
    precision, phase, found = step
    wanted, operand = POLICIES[precision]
    assert found.platforms == ("cuda",)
    assert {name for name, _, _ in found.products} == set(PRODUCTS)
    for name, used, operands in found.products:
        assert (used, operands) == ((wanted,) * 2, (operand,) * 2), name
    # Weights are as stored; momentum, loss and scores have the format outside.
    policy = precisions.POLICIES[precision]
    assert found.formats == {policy.stored, policy.outside}
    assert "stablehlo.custom_call" not in found.operations
    assert found.donated == (found.state if phase == "train" else 0)
    assert found.given > found.donated, "the batch is not overwritten"
