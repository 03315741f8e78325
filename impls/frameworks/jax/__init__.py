"""JAX: pure functions of jax.lax, one compiled call per phase, optax for the update."""

from __future__ import annotations

from impls.frameworks import CACHE, Execution, Framework, Trick, _rows
from impls.host.process import ONE_ARENA
from impls.layers import Conv, Dense, Pool, Subsample
from impls.network import Row

ENVIRONMENT = {
    # Otherwise JAX reserves three quarters of a GPU's memory, and no other contestant fits.
    "XLA_PYTHON_CLIENT_PREALLOCATE": "false",
    # Without a reservation these three quarters are still the most that it allocates; other frameworks have no limit.
    "XLA_PYTHON_CLIENT_MEM_FRACTION": ".95",
    "JAX_COMPILATION_CACHE_DIR": f"{CACHE}/jax",
    "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
    "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
    "JAX_TRACEBACK_FILTERING": "off",  # otherwise the frames of an error are missing
}
PRECISIONS = ("float32", "tf32", "bfloat16", "float64", "float16", "bfloat16-weights")
DIVIDED = ("float32", "tf32", "bfloat16", "float64")
"""The precisions of several devices: those without loss scaling, as all devices would have to agree on a scale."""


def _pointwise(row: Row) -> bool:
    return isinstance(row.layer, Conv) and row.layer.is_pointwise(row.input)


def _full_connection(row: Row) -> bool:
    return isinstance(row.layer, Dense)


def _pool(row: Row) -> bool:
    return isinstance(row.layer, Pool | Subsample)


JAX = Framework(
    name="jax",
    title="JAX",
    model="impls.frameworks.jax.build:build",
    executions=(
        Execution(
            "jit",
            "one compiled call a phase, channels last, state donated",
            environment=ENVIRONMENT,
            # XLA allocates a call's results in a separate thread, in every call.
            large_block_environment=ONE_ARENA,
            precisions=PRECISIONS,
            any_size=True,
        ),
        Execution(
            "idiomatic",
            "one compiled call a phase, jax.lax as its documentation has it, channels last",
            environment=ENVIRONMENT,
            large_block_environment=ONE_ARENA,
            precisions=PRECISIONS,
            any_size=True,
            idiomatic_of="jit",
        ),
        Execution(
            "sharded",
            "as jit, with the batch sharded over a mesh of devices",
            environment=ENVIRONMENT,
            large_block_environment=ONE_ARENA,
            precisions=DIVIDED,
            parallel=True,
        ),
    ),
    requires=("jax", "optax"),
    extra="jax",
    preload=("jax", "optax", "impls.frameworks.jax.build"),
    supports_checkpointing=True,
    tricks=(
        Trick("groups", "a convolution for each group, in place of feature_group_count", about=_rows.in_groups),
        Trick("pointwise", "1x1 convolutions as matrix products, in place of a convolution", about=_pointwise),
        Trick(
            "product",
            "a gradient rule for full connections that transposes no weight, in place of JAX's own",
            about=_full_connection,
            phases=("gradient", "train"),
        ),
        Trick(
            "pools",
            "pools as the maximum or sum of shifted slices, in place of lax.reduce_window and its gradient",
            about=_pool,
        ),
        Trick(
            "powers",
            "the power -3/4 of local response normalisation by square roots, in place of **",
            about=_rows.local_response_norm,
        ),
        Trick(
            "pyramid",
            "pyramids by windows, or one axis after the other, in place of a slice for each bin",
            about=_rows.pyramid,
        ),
    ),
)
