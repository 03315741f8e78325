"""How it is measured: suites, launches, campaigns; the pytest plug-in and the command line."""

from impls import registry

NETWORKS = ("bench.ceilings", "bench.company", "bench.pyramids", "bench.windows")
"""Modules with networks that only benchmarks need: found by name, not listed with the papers'."""
CONTESTANTS = (
    "bench.handwritten.*",
    "bench.planted",
    "bench.pyramids.jax",
    "bench.pyramids.keras",
    "bench.pyramids.pytorch",
    "bench.pyramids.tensorflow",
    "bench.virtual",
)
"""The same for frameworks."""

# Here, as every process that measures imports `bench`: controller, zygotes, workers, other interpreters.
registry.add_unlisted("deadheat.architectures", NETWORKS)
registry.add_unlisted("deadheat.frameworks", CONTESTANTS)
