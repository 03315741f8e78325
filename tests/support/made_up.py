"""Records made up for tests: every possible outcome of a measurement, and hostile texts."""

from __future__ import annotations

import math
import random
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from results.schema.record import Case, Contestant, Parity, Record, Status, Usage, Workload

HOSTILE = "<script>alert(1)</script>"
LONG = "x" * 10_000
SHARE = {"infer": 0.3, "forward": 0.35, "gradient": 0.98, "train": 1.0}

SYSTEM: dict[str, Any] = {
    "campaign": "lively",
    "started": "2026-11-22T15:00:00Z",
    "finished": "2026-11-22T15:12:00Z",
    "measuring_seconds": 701.5,
    "stop": "budget",
    "command": "tox -e bench",
    "reference": "alpha:eager",
    "suite": {"name": "quick", "title": "Small sizes", "launches": 5, "rounds": 20},
    "machine": {
        "cpu": "Some CPU @ 2.4 GHz",
        "cores": 2,
        "memory_bytes": 16 * 2**30,
        "os": "Debian 13",
        "kernel": "6.12",
        "python": "3.11.9",
        "gpus": [],
    },
    "contestants": {
        "alpha:eager": {"title": "Alpha", "note": "", "versions": {"alpha": "2.13.0"}, "environment": {"THREADS": "2"}},
        "beta:jit": {"title": "Beta", "note": "compiled", "versions": {"beta": "0.9"}, "environment": {}},
    },
    "settings": {"band": 0.02, "allocator": {"mmap_threshold": 1073741824}},
    "parity_tolerances": {"float32": {"scores": 1e-5, "loss": 1e-5, "gradients": 1e-4}},
    "warnings": [{"what": "the clock is not steady", "remedy": "set the governor to performance"}],
    "deadheat": "0.1.0",
}


def workload(architecture: str = "alexnet", phase: str = "infer", height: int = 64, batch: int = 8) -> Workload:
    return Workload(architecture, height, height, 3, 10, batch, "float32", "cpu", phase)


WORKLOADS = {
    name: {"macs": macs, "traffic_bytes": 10**7, "memory_bytes": memory, "ceiling": None}
    for name, macs, memory in (
        ("alexnet-3x64x64-k10-b8-float32-cpu", 10**8, 3 * 10**8),
        ("vgg-a-3x64x64-k10-b1-float32-cpu", 10**10, 6 * 10**8),
    )
}
PROBES = {"probe-matmul": (512, "macs", 10**10, 10**6), "probe-gemv": (1, "bytes", 10**7, 10**8)}
"""Architecture of a probe: batch, what it finds, multiply-accumulates and bytes of a step."""


def probe(name: str, phase: str = "infer") -> Workload:
    return replace(workload(name, phase), batch=PROBES[name][0])


SYSTEM["workloads"] = {
    **{f"{name}-{phase}": facts for name, facts in WORKLOADS.items() for phase in SHARE},
    **{
        probe(name).id: {"macs": macs, "traffic_bytes": traffic, "memory_bytes": 10**8, "ceiling": of}
        for name, (_, of, macs, traffic) in PROBES.items()
    },
}


SYSTEM["networks"] = {
    "alexnet-3x64x64-k10-b8-float32-cpu": [
        {"layer": "conv1", "macs": 8 * 10**7, "weight_bytes": 139_392},
        {"layer": "fc6", "macs": 2 * 10**7, "weight_bytes": 10**8},
    ]
}


def use(case: Case, launch: int) -> Usage:
    """Usage of a made-up launch; no GPU is known, and one contestant has no memory value."""
    missing = {"gpu_watts": f"it runs on the CPU {HOSTILE}"}
    if case.contestant.framework == "gamma":
        return Usage(
            {"sustained_cpus_used": 1.5, "cpu_utilisation": 0.75}, {**missing, "peak_rss_step_bytes": "not counted"}
        )
    taken = 4.5e8 + 1e6 * launch
    return Usage(
        {"peak_rss_step_bytes": taken, "peak_rss_launch_bytes": 1.5 * taken, "package_joules_per_image": 0.25}, missing
    )


def measured(case: Case, launch: int, seconds: Iterable[float], parity: Parity | None = None) -> Record:
    good = parity or Parity(3.1e-7, 2e-8, 4.4e-6, "conv1.weight", 3)
    return Record(
        case, launch, Status.MEASURED, seconds=tuple(seconds), steps=3, first_call_seconds=0.5 + launch / 10,
        build_seconds=0.2, start_seconds=0.01, parity=good, usage=use(case, launch), effective_precision="float32",
    )  # fmt: skip


def launches(case: Case, base: float, count: int, noise: float, seed: str) -> list[Record]:
    """`count` launches around `base` times the phase's share, the same for the same seed."""
    rng = random.Random(f"{seed}/{case.id}")
    middle = base * SHARE[case.workload.phase]
    spread = [middle * math.exp(rng.gauss(0, noise)) for _ in range(count)]
    return [measured(case, n, (s * rng.uniform(0.999, 1.001) for _ in range(5))) for n, s in enumerate(spread)]


def lively_records() -> list[Record]:
    """Two networks, four phases: a winner, a loser, a dead heat, noise, one launch, and every way to fail."""
    records: list[Record] = []
    speeds = {
        "beta:jit": (0.7, 0.002),
        "gamma:graph": (1.0, 0.0005),
        "delta:xla": (1.6, 0.01),
        "noisy:eager": (1.03, 0.2),
    }
    for architecture, base, batch in (("alexnet", 0.012, 8), ("vgg-a", 0.41, 1)):
        for phase in ("infer", "forward", "gradient", "train"):
            load = workload(architecture, phase, batch=batch)
            records += launches(Case(load, Contestant("alpha", "eager")), base, 5, 0.0005, "reference")
            for name, (factor, noise) in speeds.items():
                records += launches(Case(load, Contestant(*name.split(":"))), base * factor, 5, noise, name)
            records += launches(Case(load, Contestant("single", "eager")), base, 1, 0.01, "single")
            records += _failures(load, architecture)
    for name in PROBES:
        records += launches(Case(probe(name), Contestant("alpha", "eager")), 0.1, 5, 0.001, name)
    return records


def _failures(load: Workload, architecture: str) -> list[Record]:
    def lost(contestant: Contestant, status: Status, reason: str, parity: Parity | None = None) -> Record:
        return Record(Case(load, contestant), 0, status, reason, parity=parity)

    failures = [
        lost(
            Contestant("wrong", "eager"),
            Status.MISMATCH,
            "scores differ",
            Parity(math.nan, math.inf, 0.3, "fc6.bias", 3),
        ),
        lost(Contestant("absent", "eager"), Status.SKIPPED, "absent isn't installed; pip install absent"),
        lost(Contestant("hostile", HOSTILE), Status.FAILED, f"line one\u2028{HOSTILE} \" ' & \x85 end"),
        lost(Contestant("long", LONG), Status.TIMED_OUT, f"after 60 s: {LONG} the very end"),
    ]
    flaky = Case(load, Contestant("flaky", "eager"))
    failures += launches(flaky, 0.02, 3, 0.01, "flaky")
    failures.append(Record(flaky, 3, Status.CRASHED, "signal 11 in launch 3"))
    if architecture == "vgg-a":
        failures.append(lost(Contestant("big", "eager"), Status.OUT_OF_MEMORY, "needs 31 GiB, 16 GiB are there"))
    return failures
