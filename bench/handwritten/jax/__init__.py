from impls.frameworks import Execution, Framework
from impls.frameworks import jax as translator

JAX_BY_HAND = Framework(
    name="bench.handwritten.jax",
    title="JAX by hand",
    model="bench.handwritten.jax.model:ByHand",
    executions=(Execution("jit", "jax.lax, written out", environment=translator.JAX.execution("jit").environment),),
    requires=("jax",),
    extra="jax",
    preload=("jax", "bench.handwritten.jax.model"),
)
