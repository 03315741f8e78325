from impls.frameworks import Execution, Framework, jax

TRANSLATED = jax.JAX.execution("jit")

JAX_BY_HAND = Framework(
    name="jax-handwritten",
    title="JAX by hand",
    model="bench.contestants.handwritten.jax.model:ByHand",
    executions=(
        Execution(
            "jit",
            "jax.lax, written out",
            environment=TRANSLATED.environment,
            large_block_environment=TRANSLATED.large_block_environment,
        ),
    ),
    requires=("jax",),
    extra="jax",
    preload=("jax", "bench.contestants.handwritten.jax.model"),
)
