"""The model of each execution of PyTorch."""

from __future__ import annotations

from collections.abc import Callable

from impls.frameworks import Model, Plan
from impls.frameworks.pytorch.deployed import AheadOfTimeModel, FrozenModel
from impls.frameworks.pytorch.model import PyTorchModel
from impls.frameworks.pytorch.replicated import ReplicatedModel

MODELS: dict[str, Callable[[Plan], Model]] = {
    "compile-frozen": FrozenModel,
    "aot": AheadOfTimeModel,
    "ddp": ReplicatedModel,
}
"""Of the executions that are not a PyTorchModel."""


def build(plan: Plan) -> Model:
    return MODELS.get(plan.execution, PyTorchModel)(plan)
