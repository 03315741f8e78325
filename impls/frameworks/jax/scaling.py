"""The loss scaling of a policy in JAX: its state, on the device, and one step of its rule (impls.precision)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import jax.numpy as jnp
from jax import Array

from impls.precision import LossScaling


class Scaling(NamedTuple):
    """The scale, and how many steps in a row had finite gradients since it last changed."""

    scale: Array
    finite_steps: Array

    def after(self, finite: Array, rule: LossScaling) -> Scaling:
        """The state after a step of training whose gradients are all `finite`, or not."""
        steps = jnp.where(finite, self.finite_steps + 1, 0)
        grows = steps == rule.interval
        kept = jnp.where(grows, self.scale * rule.factor, self.scale)
        return Scaling(jnp.where(finite, kept, self.scale / rule.factor), jnp.where(grows, 0, steps))


def begin(rule: LossScaling) -> Scaling:
    return Scaling(jnp.asarray(rule.initial, jnp.float32), jnp.asarray(0, jnp.int32))


def all_finite(arrays: Iterable[Array]) -> Array:
    return jnp.array([jnp.isfinite(array).all() for array in arrays]).all()
