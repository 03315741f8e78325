"""The model of each execution of JAX."""

from __future__ import annotations

from impls.frameworks import Model, Plan
from impls.frameworks.jax.model import JaxModel
from impls.frameworks.jax.sharded import ShardedModel


def build(plan: Plan) -> Model:
    return ShardedModel(plan) if plan.execution == "sharded" else JaxModel(plan)
