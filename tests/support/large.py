"""Campaigns made up from a seed, of as many launches as are asked for: for tests, and to see how the report grows."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from results.schema.record import Case, Conditions, Contestant, Parity, Record, Status, Usage, Workload
from results.store.campaigns import CampaignWriter, StoredCampaign, read_campaign
from tests.support.made_up import SYSTEM

CONTESTANTS = {"alpha:eager": 1.0, "beta:graph": 0.72, "gamma:jit": 1.004, "delta:xla": 1.35, "eager:compile": 0.9}
"""Each with its time over the first one's."""
PHASES = {"infer": 0.3, "forward": 0.35, "gradient": 0.98, "train": 1.0}
NETWORKS = list(itertools.product((64, 128, 224), map("net-{}".format, "abcdefg"), (1, 2, 4, 8, 16)))
"""(size, architecture, batch)."""
DISTURBED, CRASHED = 0.03, 0.001
"""Shares of the launches."""


def records(networks: int, launches: int, seed: int = 0) -> Iterator[Record]:
    """20 cases for each network, so many launches of each, one network after another."""
    rng = random.Random(seed)
    for load, base in loads(networks):
        for launch in range(launches):
            yield from blocks(rng, load, base, launch)


def passes(networks: int, launches: int, seed: int = 0) -> Iterator[Record]:
    """The same pass by pass as a campaign writes them: one launch of each case, then the next of each."""
    rng = random.Random(seed)
    for launch in range(launches):
        for load, base in loads(networks):
            yield from blocks(rng, load, base, launch)


def loads(networks: int) -> Iterator[tuple[Workload, float]]:
    """The workloads, each with the seconds of a step."""
    for size, architecture, batch in NETWORKS[:networks]:
        for phase, share in PHASES.items():
            load = Workload(architecture, size, size, 3, 10, batch, "float32", "cpu", phase)
            yield load, 1e-3 * share * batch * (size / 64) ** 2


def blocks(rng: random.Random, load: Workload, base: float, launch: int) -> Iterator[Record]:
    """The records of a block, and of its disturbed attempt if it has one."""
    attempts = 2 if rng.random() < DISTURBED else 1
    for attempt in range(attempts):
        yield from _block(rng, load, base, launch, attempt, attempt < attempts - 1)


def _block(
    rng: random.Random, load: Workload, base: float, launch: int, attempt: int, disturbed: bool
) -> Iterator[Record]:
    names = list(CONTESTANTS)
    for name in rng.sample(names, len(names)):
        case = Case(load, Contestant(*name.split(":")))
        if rng.random() < CRASHED:
            yield Record(case, launch, Status.CRASHED, "signal 11", attempt=attempt)
            continue
        middle = base * CONTESTANTS[name] * math.exp(rng.gauss(0, 0.01))
        seconds = tuple(middle * rng.uniform(0.99, 1.02) for _ in range(5))
        foreign = tuple((0.5 if disturbed else 0.01) * one for one in seconds)
        minutes, left = divmod(launch, 60)
        yield Record(
            case, launch, Status.MEASURED, attempt=attempt, seconds=seconds, steps=3, warmup_converged=True,
            conditions=Conditions(2, seconds, tuple(1.9 * one for one in seconds), foreign, (0.0,) * 5),
            first_call_seconds=20 * middle, build_seconds=0.2, start_seconds=0.01,
            turns=tuple(rng.sample(range(10), 2)), started=f"2026-11-22T{15 + minutes:02}:{left:02}:00+00:00",
            parity=Parity(3e-7, 2e-8, 4e-6, "conv1.weight", 5), effective_precision="float32",
            usage=Usage(
                {"peak_rss_step_bytes": 3e8 * base, "peak_rss_launch_bytes": 4e8 * base},
                {"package_watts": "no counter"},
            ),
        )  # fmt: skip


def write(data: Path, networks: int, launches: int, seed: int = 0) -> StoredCampaign:
    """The campaign on disk, read back. `data` is the folder of campaigns."""
    writer = CampaignWriter.create(data, f"made-up-{networks}x20x{launches}", system(networks))
    writer.append(records(networks, launches, seed))
    writer.close()
    return read_campaign(writer.folder)


def system(networks: int) -> Mapping[str, Any]:
    """That of the other made-up campaigns, with what each network's table says it needs."""
    workloads = {}
    for size, architecture, batch in NETWORKS[:networks]:
        for phase in PHASES:
            load = Workload(architecture, size, size, 3, 10, batch, "float32", "cpu", phase)
            macs = 10**6 * batch * size
            workloads[load.id] = {"macs": macs, "traffic_bytes": 10**7, "memory_bytes": macs, "parameters": 10**6}
    return {**SYSTEM, "workloads": workloads, "networks": {}, "contestants": {name: {} for name in CONTESTANTS}}
