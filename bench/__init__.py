"""How it is measured: suites, launches, campaigns; the pytest plug-in and the command line."""

from impls import registry

NETWORKS = ("bench.networks.probes", "bench.networks.solo", "bench.networks.pyramids", "bench.networks.windows")
"""Modules with networks that only benchmarks need: found by name, not listed with the papers'."""
CONTESTANTS = (
    "bench.contestants.handwritten.*",
    "bench.contestants.slowed",
    "bench.contestants.pyramids.jax",
    "bench.contestants.pyramids.keras",
    "bench.contestants.pyramids.pytorch",
    "bench.contestants.pyramids.tensorflow",
    "bench.contestants.virtual",
)
"""The same for frameworks."""

# Here, as every process that measures imports `bench`: controller, zygotes, workers, other interpreters.
registry.add_unlisted("deadheat.architectures", NETWORKS)
registry.add_unlisted("deadheat.frameworks", CONTESTANTS)
