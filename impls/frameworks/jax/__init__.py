"""JAX: pure functions of jax.lax, one compiled call a phase, optax for the update."""

from __future__ import annotations

from impls.frameworks import CACHE, Execution, Framework
from impls.process import ONE_ARENA

JAX = Framework(
    name="jax",
    title="JAX",
    model="impls.frameworks.jax.model:JaxModel",
    executions=(
        Execution(
            "jit",
            "one compiled call a phase, channels last, state donated",
            # Otherwise JAX takes three quarters of a GPU at once, and no other contestant could live beside it.
            environment={
                "XLA_PYTHON_CLIENT_PREALLOCATE": "false",
                "JAX_COMPILATION_CACHE_DIR": f"{CACHE}/jax",
                "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
                "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
                "JAX_TRACEBACK_FILTERING": "off",  # or an error's own frames are missing, and its reason says nothing
            },
            # XLA allocates what a call returns in a thread of its own, once for every call.
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
