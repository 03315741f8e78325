"""Keras on JAX: the native steps differentiate a model's stateless call."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import keras
from jax import Array

from impls.frameworks.jax.layers import Apply, Arrays
from impls.frameworks.jax.model import JaxModel
from impls.frameworks.keras.layers import Style, translate, variables
from impls.frameworks.keras.plain import of_row
from impls.frameworks.keras.whole import Whole
from impls.network import Network


class KerasModel(Whole, JaxModel):
    def translate(self, network: Network) -> Apply:
        # Variables without values: the state has the values, and these would double the memory.
        with keras.StatelessScope(initialize_variables=False):
            model = translate(network, Style(self._policy.name), of_row(self._plain))
        names = {
            id(variable): name for name, variable in variables(model, [*network.arrays, *network.statistics]).items()
        }
        trainable = [names[id(variable)] for variable in model.trainable_variables]
        others = [names.get(id(variable)) for variable in model.non_trainable_variables]  # None: dropout's seed

        def apply(params: Arrays, statistics: Arrays, images: Array, training: bool, key: Any) -> tuple[Array, Arrays]:
            seeds = iter(seed_states(key, others.count(None)))
            state = [next(seeds) if name is None else statistics[name] for name in others]
            scores, state = model.stateless_call([params[name] for name in trainable], state, images, training=training)
            return scores, {name: value for name, value in zip(others, state) if name is not None}

        return apply


def seed_states(key: Any, count: int) -> Array:
    """States of Keras's seed generators, derived from the step's key, so that no further state is needed."""
    return jnp.zeros((count, 2), "uint32") if key is None else jax.random.bits(key, (count, 2), "uint32")
