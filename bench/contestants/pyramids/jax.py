"""Alternative implementations of the pyramid in JAX, besides that of impls.frameworks.jax."""

from __future__ import annotations

from impls.frameworks import Execution, Framework

JAX_PYRAMIDS = Framework(
    name="jax-spp",
    title="JAX, other pyramids",
    model="bench.contestants.pyramids.jax_models:Pyramid",
    executions=(
        Execution("slices", "a slice and its maximum for each bin, as in the tutorial"),
        Execution("passes", "slices and maxima of columns, then of rows"),
        Execution("windows", "lax.reduce_window where bins are a sliding window, else passes"),
    ),
    requires=("jax", "optax"),
    extra="jax",
    preload=("jax", "optax", "bench.contestants.pyramids.jax_models"),
)
