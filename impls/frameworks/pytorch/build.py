"""The model of each execution of PyTorch."""

from __future__ import annotations

from impls.frameworks import Model, Plan
from impls.frameworks.pytorch.deployed import AheadOfTimeModel, FrozenModel
from impls.frameworks.pytorch.model import PyTorchModel

MODELS: dict[str, type[PyTorchModel]] = {"compile-frozen": FrozenModel, "aot": AheadOfTimeModel}
"""Of the executions that are not a PyTorchModel."""


def build(plan: Plan) -> Model:
    return MODELS.get(plan.execution, PyTorchModel)(plan)
