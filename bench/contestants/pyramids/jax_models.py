"""Models with alternative pyramids in JAX."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from impls.frameworks import Plan
from impls.frameworks.jax.layers import Apply, Function, Run, flatten, function, translate
from impls.frameworks.jax.model import JaxModel
from impls.layers import SpatialPyramid
from impls.network import Network, Row


def slices(layer: SpatialPyramid, level: int, x: Array) -> Array:
    rows, columns = (layer.bins(side, level) for side in x.shape[1:3])
    return jnp.stack([x[:, a:b, c:d].max((1, 2)) for a, b in rows for c, d in columns], 1)


def passes(layer: SpatialPyramid, level: int, x: Array) -> Array:
    rows, columns = (layer.bins(side, level) for side in x.shape[1:3])
    x = jnp.stack([x[:, :, start:end].max(2) for start, end in columns], 2)
    return jnp.stack([x[:, start:end].max(1) for start, end in rows], 1)


def windows(layer: SpatialPyramid, level: int, x: Array) -> Array:
    kernel, stride = [], []
    for side in x.shape[1:3]:
        bins = layer.bins(side, level)
        kernel.append(bins[0][1])
        stride.append(bins[1][0] if level > 1 else side)
        if not stride[-1] or bins != tuple((i * stride[-1], i * stride[-1] + kernel[-1]) for i in range(level)):
            return passes(layer, level, x)
    return lax.reduce_window(x, np.array(-np.inf, x.dtype), lax.max, (1, *kernel, 1), (1, *stride, 1), "VALID")


LEVELS: Mapping[str, Callable[[SpatialPyramid, int, Array], Array]] = {
    "slices": slices,
    "passes": passes,
    "windows": windows,
}


class Pyramid(JaxModel):
    """The network with the pyramid implementation of the execution."""

    def __init__(self, plan: Plan):
        self._level = LEVELS[plan.execution]
        super().__init__(plan)

    def translate(self, network: Network) -> Apply:
        return translate(network, self._of_row)

    def _of_row(self, row: Row) -> Function:
        layer = row.layer
        if not isinstance(layer, SpatialPyramid):
            return function(row)

        def apply(x: Array, run: Run) -> Array:
            return jnp.concatenate([flatten(self._level(layer, level, x), run) for level in layer.levels], 1)

        return apply
