"""How it is measured: suites, launches, campaigns; the pytest plug-in and the command line."""

from typing import TYPE_CHECKING

from impls import registry
from impls.lazy import lazily

if TYPE_CHECKING:
    from bench.launch.fake import Behaviour, FakeLauncher, Fault, VirtualClock
    from bench.meters import Meter, Readings, SustainedStats, Watcher
    from bench.plan.cases import cases
    from bench.plan.suite import Suite, load_suite
    from bench.runner.campaign import CampaignRunner
    from bench.scheduling.ledger import Ledger, Writer
    from bench.worker.messages import (
        CheckOutputs,
        GiveEvidence,
        Load,
        MeasureMemory,
        ProbeArithmetic,
        RunTurn,
        SustainedRun,
        WarmUp,
    )

__all__ = [
    "Behaviour",
    "CampaignRunner",
    "CheckOutputs",
    "FakeLauncher",
    "Fault",
    "GiveEvidence",
    "Ledger",
    "Load",
    "MeasureMemory",
    "Meter",
    "ProbeArithmetic",
    "Readings",
    "RunTurn",
    "Suite",
    "SustainedRun",
    "SustainedStats",
    "VirtualClock",
    "WarmUp",
    "Watcher",
    "Writer",
    "cases",
    "load_suite",
]

# A measured process imports `bench`, too, and is timed.
__getattr__ = lazily(
    __name__,
    {
        "bench.launch.fake": ("Behaviour", "FakeLauncher", "Fault", "VirtualClock"),
        "bench.meters": ("Meter", "Readings", "SustainedStats", "Watcher"),
        "bench.plan.cases": ("cases",),
        "bench.plan.suite": ("Suite", "load_suite"),
        "bench.runner.campaign": ("CampaignRunner",),
        "bench.scheduling.ledger": ("Ledger", "Writer"),
        "bench.worker.messages": (
            "CheckOutputs",
            "GiveEvidence",
            "Load",
            "MeasureMemory",
            "ProbeArithmetic",
            "RunTurn",
            "SustainedRun",
            "WarmUp",
        ),
    },
)

NETWORKS = ("bench.networks.probes", "bench.networks.solo", "bench.networks.pyramids", "bench.networks.windows")
"""Modules with networks that only benchmarks need: found by name, not listed with the papers'."""
CONTESTANTS = (
    "bench.contestants.handwritten.*",
    "bench.contestants.slowed",
    "bench.contestants.pyramids.jax",
    "bench.contestants.pyramids.keras",
    "bench.contestants.pyramids.pytorch",
    "bench.contestants.pyramids.tensorflow",
    "bench.contestants.vendors.keras_applications",
    "bench.contestants.vendors.torchvision",
    "bench.contestants.virtual",
    "bench.contestants.without",
)
"""The same for frameworks."""

# Here, as every process that measures imports `bench`: controller, zygotes, workers, other interpreters.
registry.add_unlisted("deadheat.architectures", NETWORKS)
registry.add_unlisted("deadheat.frameworks", CONTESTANTS)
