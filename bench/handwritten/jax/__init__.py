from impls.frameworks import Execution, Framework

JAX_BY_HAND = Framework(
    name="bench.handwritten.jax",
    title="JAX by hand",
    model="bench.handwritten.jax.model:ByHand",
    executions=(Execution("jit", "jax.lax, written out"),),
    requires=("jax",),
    extra="jax",
    preload=("jax", "bench.handwritten.jax.model"),
)
