"""The least that a step needs, from the table alone: multiply-accumulates, bytes to move, bytes to hold.

Fusing, caches and reuse of buffers are allowed for, so bytes are smaller than what a framework takes, often by much.
Multiply-accumulates are those of the table: an algorithm that needs fewer (Winograd's) can do better than they say.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from bench.cost.workload import ITEM_BYTES, network_of, stored
from impls.network import Network, Row
from results.schema.record import Workload


@dataclass(frozen=True)
class Floor:
    """Of one step: `macs` of its convolutions and full connections, `traffic_bytes` that cross the memory bus at least
    once when nothing is left in caches from the step before, and `memory_bytes` that are alive at one moment."""

    macs: int
    traffic_bytes: int
    memory_bytes: int


def floor_of(workload: Workload) -> Floor:
    """The floor of a step of the workload; of a stream, of all its parts one after another."""
    floors = [_floor(batch) for batch in workload.batches]
    return Floor(
        macs=sum(floor.macs for floor in floors),
        traffic_bytes=sum(floor.traffic_bytes for floor in floors),
        memory_bytes=max(floor.memory_bytes for floor in floors),
    )


def _floor(workload: Workload) -> Floor:
    network, item = network_of(workload), ITEM_BYTES[workload.precision]
    rows = [row for row in network.rows if row.facts.arrays]
    return Floor(
        macs=workload.batch * _macs(network, workload.phase),
        traffic_bytes=_traffic(network, workload, item),
        memory_bytes=_memory(network, rows, workload, item),
    )


def layers_of(workload: Workload) -> list[dict[str, Any]]:
    """What each layer with weights needs in a forward pass of the batch: multiply-accumulates, and bytes of weights."""
    network, item = network_of(workload), ITEM_BYTES[workload.precision]
    return [
        {
            "layer": row.layer.name,
            "macs": workload.batch * row.facts.macs,
            "weight_bytes": stored(item) * sum(map(math.prod, row.facts.arrays.values())),
        }
        for row in network.rows
        if row.facts.macs
    ]


def _macs(network: Network, phase: str) -> int:
    """Backward, a layer with weights does as much again for its weights, and as much for its input, unless it is the
    images, which only a layer alone is asked the gradient of."""
    if phase in ("infer", "forward"):
        return network.macs
    if network.differentiates_input:
        return 3 * network.macs
    first = next((row.facts.macs for row in network.rows if row.facts.macs), 0)
    return 3 * network.macs - first


PASSES = {"infer": 1, "forward": 1, "gradient": 2, "train": 4}
"""How often every weight crosses the bus, or its gradient or momentum: read; read and written as a gradient; read and
written with its momentum, the gradient consumed where it is made."""


def _traffic(network: Network, workload: Workload, item: int) -> int:
    images, scores = math.prod(network.input_shape), network.classes
    return PASSES[workload.phase] * network.parameter_bytes(stored(item)) + item * workload.batch * (images + scores)


def _memory(network: Network, rows: list[Row], workload: Workload, item: int) -> int:
    """Weights (and momentum), and beside them the fullest moment of the step.

    Backward, a layer needs the input that it had; those of the layers below it are still to be used, and the gradients
    of those above it are there already. Training may consume a gradient as soon as it is made.
    """
    weights = network.parameter_bytes(stored(item))
    batch_bytes = item * workload.batch
    if workload.phase in ("infer", "forward"):
        return weights + batch_bytes * (math.prod(network.input_shape) + network.classes)
    inputs = [batch_bytes * math.prod(row.input) for row in rows]
    gradients = [stored(item) * sum(map(math.prod, row.facts.arrays.values())) for row in rows]
    kept = workload.phase == "gradient"
    moments = (
        sum(inputs[: index + 1]) + (sum(gradients[index:]) if kept else gradients[index]) for index in range(len(rows))
    )
    return weights * (1 if kept else 2) + max(moments, default=0)
