"""The model of each execution of TensorFlow."""

from __future__ import annotations

from impls.frameworks import Model, Plan
from impls.frameworks.tensorflow.mirrored import MirroredModel
from impls.frameworks.tensorflow.model import TensorFlowModel


def build(plan: Plan) -> Model:
    return MirroredModel(plan) if plan.execution == "mirrored" else TensorFlowModel(plan)
