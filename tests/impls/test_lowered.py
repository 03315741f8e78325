"""What JAX, native and in Keras, hands to XLA for a card: lowered without one. XLA does not compile it here."""

from __future__ import annotations

import pytest
from oracle.lowered import PRODUCTS, Lowered

from deadheat.contract.fixtures import missing
from deadheat.contract.processes import Children, answer
from impls.frameworks import load_framework

POLICIES = {
    "float32": ("HIGHEST", "f32"),
    "tf32": ("HIGH", "f32"),
    "bfloat16": ("HIGHEST", "bf16"),
    "float64": ("HIGHEST", "f64"),
}
"""Precision and operands' format of products and convolutions. XLA may use TF32 for float32 operands unless HIGHEST."""
CASES = [
    (contestant, precision, phase)
    for contestant in ("jax:jit", "keras:jax")
    for precision in load_framework(contestant.partition(":")[0]).execution(contestant.partition(":")[2]).precisions
    for phase in ("infer", "train")
]


@pytest.fixture(params=CASES, ids="/".join)
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
    for name, precisions, operands in found.products:
        assert (precisions, operands) == ((wanted,) * 2, (operand,) * 2), name
    # Weights, momentum, loss and scores keep the stored format.
    assert found.formats == {"float64" if precision == "float64" else "float32"}
    assert "stablehlo.custom_call" not in found.operations
    assert found.donated == (found.state if phase == "train" else 0)
    assert found.given > found.donated, "the batch is not overwritten"
