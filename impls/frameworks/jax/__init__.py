"""JAX: pure functions of jax.lax, one compiled call per phase, optax for the update."""

from __future__ import annotations

from impls.frameworks import CACHE, Execution, Framework
from impls.host.process import ONE_ARENA

JAX = Framework(
    name="jax",
    title="JAX",
    model="impls.frameworks.jax.model:JaxModel",
    executions=(
        Execution(
            "jit",
            "one compiled call a phase, channels last, state donated",
            # Otherwise JAX reserves three quarters of a GPU's memory, and no other contestant fits.
            environment={
                "XLA_PYTHON_CLIENT_PREALLOCATE": "false",
                "JAX_COMPILATION_CACHE_DIR": f"{CACHE}/jax",
                "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
                "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
                "JAX_TRACEBACK_FILTERING": "off",  # otherwise the frames of an error are missing
            },
            # XLA allocates a call's results in a separate thread, in every call.
            large_block_environment=ONE_ARENA,
            precisions=("float32", "tf32", "bfloat16", "float64"),
            any_size=True,
        ),
    ),
    requires=("jax", "optax"),
    extra="jax",
    preload=("jax", "optax", "impls.frameworks.jax.model"),
    supports_checkpointing=True,
)
