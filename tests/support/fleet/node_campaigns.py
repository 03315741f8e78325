"""Campaigns of several machines, made up: nodes with times of their own, and one that differs."""

from __future__ import annotations

import copy
import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from results.schema.record import Case, Contestant, Record, Status
from results.schema.system import system_of
from results.store.campaigns import StoredCampaign
from tests.support.made_up import SHARE, SYSTEM, measured, workload

ALPHA, BETA, GAMMA = (Contestant(*name.split(":")) for name in ("alpha:eager", "beta:jit", "gamma:graph"))
COPY = replace(BETA, copy=1)
FACTORS = {ALPHA: 1.0, BETA: 0.7, GAMMA: 1.2, COPY: 0.7}
NETWORKS = ("lenet5", "alexnet", "vgg-a")
TYPE = "Some CPU @ 2.4 GHz, 2 cores"


def campaign(
    nodes: int = 4,
    launches: int = 5,
    noise: float = 0.01,
    planted: Mapping[tuple[str, Contestant], float] | None = None,
    seed: int = 0,
    networks: Sequence[str] = NETWORKS,
    phases: Sequence[str] = ("infer", "train"),
) -> StoredCampaign:
    """A campaign of nodes n1, n2, …, whose launches deviate by `noise`; launch numbers are of the whole campaign.

    `planted`: factors of the times of a contestant on a node, in all networks.
    """
    rng, records = random.Random(seed), []
    for node in range(nodes):
        name = f"n{node + 1}"
        for launch in range(node * launches, (node + 1) * launches):
            for network in networks:
                for phase in phases:
                    records += _block(rng, network, phase, launch, name, noise, planted or {})
    system = system_of(facts(nodes))
    copies = [record for record in records if record.case.contestant.copy]
    originals = [record for record in records if not record.case.contestant.copy]
    return StoredCampaign(Path("2026-11-29-fleet"), system, tuple(originals), copies=tuple(copies))


def _block(
    rng: random.Random,
    network: str,
    phase: str,
    launch: int,
    node: str,
    noise: float,
    planted: Mapping[tuple[str, Contestant], float],
) -> list[Record]:
    common = rng.gauss(0, 3 * noise)
    found = []
    for contestant, factor in FACTORS.items():
        middle = 0.01 * SHARE[phase] * factor * planted.get((node, contestant.original), 1.0)
        seconds = middle * math.exp(common + rng.gauss(0, noise))
        record = measured(Case(workload(network, phase), contestant), launch, [seconds] * 3)
        found.append(replace(record, node=node))
    return found


def facts(nodes: int) -> dict[str, Any]:
    """system.json of a fleet's campaign: one attempt was lost, one came late, and a node has a check."""
    system = copy.deepcopy(SYSTEM)
    system["nodes"] = {
        f"n{number}": {"type": TYPE, "machine": system["machine"], "environment": "0a1b2c3d4e5f6789", "checks": []}
        for number in range(1, nodes + 1)
    }
    system["nodes"]["n1"]["checks"] = [{"what": "the clock is not steady", "remedy": "set the governor"}]
    system["attempts"] = [
        *(
            {"unit": f"u{number}", "node": f"n{number}", "outcome": "accepted", "seconds": 61.5}
            for number in range(1, nodes + 1)
        ),
        {"unit": "u2", "attempt": 1, "node": "n1", "outcome": "lost", "reason": "node n1 did not answer for 60 s"},
        {"unit": "u2", "node": "n1", "outcome": "late", "reason": "attempt 1 was accepted before", "seconds": 90.0},
    ]
    return system


def without(given: StoredCampaign, node: str, contestant: Contestant) -> StoredCampaign:
    """The campaign in which a contestant crashed on a node."""
    records = [
        Record(one.case, one.launch, Status.CRASHED, "signal 11", node=node)
        if (one.node, one.case.contestant) == (node, contestant)
        else one
        for one in given.records
    ]
    return replace(given, records=tuple(records))
