"""Precision policies: the same formats in every framework and on every device, and one rule of loss scaling."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracle.formats import SCORES
from oracle.jobs import Result
from oracle.networks import MIXED

from deadheat.contract.fixtures import differentiates, missing
from deadheat.contract.processes import Children, answer
from impls.errors import Unsupported
from impls.frameworks import PHASES, PRECISIONS, Execution, Framework, Plan
from impls.host import hardware
from impls.network import Network
from impls.precision import BYTES, POLICIES, LossScaling
from tests.impls.frameworks.test_parity import TOLERANCES
from tests.support.slow import slow_but

LOW = tuple(name for name, policy in POLICIES.items() if BYTES[policy.activations] == 2)
"""The policies whose activations have two bytes."""
NATIVE = {"pytorch:eager": "pytorch", "tensorflow:graph": "tensorflow", "jax:jit": "jax"}
SCALED = (*NATIVE, "pytorch:idiomatic")

# --- Policies -------------------------------------------------------------------------------------------------------


def test_precisions_are_the_policies():
    assert tuple(POLICIES) == PRECISIONS
    assert LOW == ("bfloat16", "float16", "bfloat16-weights")


def test_weights_are_read_as_stored_in_the_precision_without_casts():
    assert {name: policy.uncast for name, policy in POLICIES.items()} == {
        "float32": "float32",
        "tf32": "tf32",
        "bfloat16": "float32",
        "float64": "float64",
        "float16": "float32",
        "bfloat16-weights": "bfloat16-weights",
    }


@pytest.mark.parametrize("name", POLICIES)
def test_weights_are_trained_only_where_their_format_holds_an_update(name):
    lacking = [phase for phase in PHASES if POLICIES[name].lacks(phase)]
    assert lacking == ([] if BYTES[POLICIES[name].stored] >= 4 else ["forward", "gradient", "train"])


class Anything:
    """Stands for a model."""

    def __init__(self, plan: Plan):
        self.plan = plan

    def infer(self, batch: Any) -> str:
        return "scores"


FRAMEWORK = Framework(
    name="made-up",
    title="Made up",
    model="tests.impls.frameworks.test_precision:Anything",
    executions=(Execution("any", "any", precisions=PRECISIONS),),
)


def test_a_model_refuses_the_phases_that_its_precision_lacks(monkeypatch):
    monkeypatch.setattr(hardware, "_instructions", lambda: frozenset(hardware.INSTRUCTIONS["bfloat16"]))
    built = FRAMEWORK.build(Plan(Network("none", (1, 1, 1), 2, ()), "any", precision="bfloat16-weights"))
    assert built.infer(None) == "scores"
    for phase in ("forward", "gradient", "train"):
        with pytest.raises(Unsupported, match="bfloat16-weights runs inference only: updates are too small"):
            getattr(built, phase)(None)


CASES = {
    "float32": ("", None),
    "bfloat16": ("avx512_bf16", None),
    "bfloat16-weights": ("amx_bf16", None),
    "float16": ("avx512_fp16", None),
    "float16 on Arm": ("asimdhp", None),
    "float16 converted": ("f16c", "/proc/cpuinfo names no instructions for float16 (avx512_fp16, "),
    "bfloat16-weights without": ("avx512_fp16", "no instructions for bfloat16 (avx512_bf16, "),
    "tf32": ("avx512_bf16", "use it with --device cuda"),
}


@pytest.mark.parametrize("case", CASES)
def test_a_processor_has_the_precisions_of_its_instructions(monkeypatch, case):
    flag, reason = CASES[case]
    monkeypatch.setattr(hardware, "_instructions", lambda: frozenset(("avx2", flag)))
    found = hardware.unsupported_reason(case.partition(" ")[0], "cpu")
    assert (found is None) == (reason is None)
    assert (reason or "") in (found or "")


# --- Formats of layers ----------------------------------------------------------------------------------------------


def right(policy: str) -> dict[str, dict[str, str]]:
    """The one table: by network and layer the format of what a layer gives."""
    formats = POLICIES[policy]
    return {
        name: {**{row.layer.name: formats.activations for row in network.rows}, SCORES: formats.outside}
        for name, network in MIXED.items()
    }


@pytest.mark.parametrize("policy", [*LOW, "float32", "float64"])
@pytest.mark.parametrize(("device", "training"), [("cuda", False), ("cpu", False), ("cpu", True)])
def test_layers_of_pytorch_give_the_policys_format(policy, device, training, children: Children):
    found = _formats(children, "pytorch:eager", "of_pytorch", policy, device, training)
    assert found == right(policy)


def test_the_walk_over_pytorchs_layers_sees_what_mixed_precision_on_a_card_changes(children: Children):
    """Autocast's list for CUDA has pow and sum in float32, which the CPU's has not."""
    found = _formats(children, "pytorch:eager", "of_pytorch", "bfloat16", "cuda", False, True)
    kinds = {
        type(row.layer).__name__
        for name, network in MIXED.items()
        for row in network.rows
        if found[name][row.layer.name] != "bfloat16"
    }
    assert "RadialBasis" in kinds


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("policy", [*LOW, "float32"])
@pytest.mark.parametrize("contestant", ["jax:jit", "tensorflow:graph"])
def test_layers_of_jax_and_tensorflow_give_the_policys_format(policy, contestant, training, children: Children):
    found = _formats(children, contestant, f"of_{NATIVE[contestant]}", policy, training)
    assert found == right(policy)


def _formats(children: Children, contestant: str, job: str, *arguments: object) -> Any:
    if reason := missing(contestant):
        pytest.skip(reason)
    return answer(children.of(contestant, "float32").submit(f"oracle.formats:{job}", *arguments))


# --- Numbers, emulated where the processor lacks the arithmetic -----------------------------------------------------


@pytest.mark.parametrize("architecture", slow_but(["mixed-pyramid"], MIXED))
@pytest.mark.parametrize("policy", LOW)
@pytest.mark.parametrize("contestant", [*NATIVE, "keras:tensorflow"])
def test_low_precisions_agree_with_the_oracle(contestant, policy, architecture, requests):
    if "keras" in contestant and policy == "bfloat16-weights":
        pytest.skip("keras does not store weights in bfloat16")
    if reason := missing(contestant) or missing("pytorch:eager"):
        pytest.skip(reason)
    reference, folder = requests.reference(architecture), requests._gradients(architecture, 0)
    child = requests.children.of(contestant, "float32")
    given: Result = answer(child.submit("oracle.formats:compare", architecture, contestant, policy, folder, reference))
    truth, allowed = requests.truth(architecture).result(), TOLERANCES[policy]
    assert given.scores.dtype == np.float32
    assert np.abs(given.scores - truth.scores).max() <= allowed.scores * np.abs(truth.scores).max()
    loss = truth.loss if differentiates(contestant, policy) else truth.scores_loss
    assert abs(given.loss - loss) <= allowed.loss * abs(loss)
    assert all(error <= allowed.gradients for error in given.gradient_errors.values()), given.gradient_errors
    assert bool(given.gradient_errors) == differentiates(contestant, policy)


@pytest.mark.parametrize("policy", LOW)
@pytest.mark.parametrize("contestant", NATIVE)
def test_the_fingerprint_sees_the_operands(contestant, policy, children: Children):
    assert _formats(children, contestant, "arithmetic", contestant, policy) == POLICIES[policy].operands


@pytest.mark.parametrize("contestant", NATIVE)
def test_weights_stored_in_bfloat16_are_for_inference(contestant, children: Children):
    said = _formats(children, contestant, "refusals", contestant, "bfloat16-weights")
    assert said["infer"] == ""
    assert all("runs inference only" in said[phase] for phase in ("forward", "gradient", "train"))


@pytest.mark.slow
@pytest.mark.parametrize("policy", LOW)
def test_pytorch_compiles_a_step_with_its_casts_as_one_graph(policy, children: Children):
    error, graphs, fallback = _formats(children, "pytorch:eager", "compiled", policy)
    assert (error, fallback) == (0, "")
    assert graphs == (1 if POLICIES[policy].infers_only else 2)


def test_sums_of_products_are_not_rounded_to_the_format_of_operands(children: Children):
    assert _formats(children, "pytorch:eager", "reduced_sums", "bfloat16") == (False, False)


# --- Loss scaling ---------------------------------------------------------------------------------------------------

STEPS = (False, True, True, False, True, True, True, True, True, False)
"""Whether a step's gradients are finite."""
RULE = LossScaling(initial=64.0, factor=4.0, interval=3)


def after(steps: tuple[bool, ...], rule: LossScaling) -> list[float]:
    """The rule, in plain Python: the scale after each step."""
    scale, finite_steps, found = rule.initial, 0, []
    for finite in steps:
        finite_steps = finite_steps + 1 if finite else 0
        if not finite:
            scale /= rule.factor
        elif finite_steps == rule.interval:
            scale, finite_steps = scale * rule.factor, 0
        found.append(scale)
    return found


@pytest.mark.parametrize("contestant", SCALED)
def test_the_scale_follows_one_rule_and_a_skipped_step_changes_nothing(contestant, children: Children):
    """The first step, too: PyTorch's fused kernel would leave the momentum of a skipped one uninitialised."""
    found, changed = _formats(children, contestant, "scales", contestant, STEPS, RULE)
    assert found == after(STEPS, RULE)
    assert changed == list(STEPS)


@pytest.mark.parametrize("contestant", SCALED)
def test_gradients_are_unscaled_before_they_are_read(contestant, children: Children):
    for rule in (None, LossScaling(initial=2.0**12)):
        errors = _formats(children, contestant, "unscaled", contestant, rule)
        assert errors
        assert all(error <= 1e-2 for error in errors.values())


@given(st.lists(st.booleans(), max_size=40), st.integers(1, 5))
def test_the_rules_scale_is_the_factor_to_the_power_of_growths_less_skips(steps, interval):
    rule = LossScaling(interval=interval)
    scales = [rule.initial, *after(tuple(steps), rule)]
    skips = [new < old for old, new in zip(scales, scales[1:], strict=False)]
    assert skips == [not finite for finite in steps]
    growths = sum(new > old for old, new in zip(scales, scales[1:], strict=False))
    assert scales[-1] == rule.initial * rule.factor ** (growths - sum(skips))
    assert growths <= sum(steps) // interval
