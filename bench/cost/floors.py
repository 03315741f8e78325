"""Lower bounds for a step, computed from the table: multiply-accumulates, bytes to move, bytes to hold.

Fusion, caches and reuse of buffers are assumed, so bytes are below what a framework uses, often far below: casts of
weights and images, too, may be fused into what reads them.
Multiply-accumulates are those of the table; an algorithm that needs fewer (Winograd's) can beat the bound.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

from bench.cost.workload import activation_bytes, network_of, outside_bytes, stored_bytes
from impls.network import Network, Row
from results.schema.record import Workload


@dataclass(frozen=True)
class Floor:
    """Lower bounds of one step: `macs` of its convolutions and dense layers, `traffic_bytes` over the memory bus with
    caches that hold nothing of the step before, and `memory_bytes` that are live at the same time."""

    macs: int
    traffic_bytes: int
    memory_bytes: int


def floor_of(workload: Workload) -> Floor:
    """The floor of a step of the workload; for a stream, of all its batches in turn."""
    floors = [_floor(batch) for batch in workload.batches]
    if workload.devices > 1:  # each has all weights, and its part of the batch
        (one,) = floors
        return Floor(*(workload.devices * bound for bound in (one.macs, one.traffic_bytes, one.memory_bytes)))
    return Floor(
        macs=sum(floor.macs for floor in floors),
        traffic_bytes=sum(floor.traffic_bytes for floor in floors),
        memory_bytes=max(floor.memory_bytes for floor in floors),
    )


def _floor(workload: Workload) -> Floor:
    """Of one device."""
    workload = replace(workload, batch=workload.batch // workload.devices)
    network = network_of(workload)
    rows = [row for row in network.rows if row.facts.arrays]
    return Floor(
        macs=workload.batch * _macs(network, workload.phase),
        traffic_bytes=_traffic(network, workload),
        memory_bytes=_memory(network, rows, workload),
    )


def layers_of(workload: Workload) -> list[dict[str, Any]]:
    """Multiply-accumulates and bytes of weights of each layer with weights, in a forward pass of the batch."""
    network = network_of(workload)
    return [
        {
            "layer": row.layer.name,
            "macs": workload.batch * row.facts.macs,
            "weight_bytes": stored_bytes(workload) * sum(map(math.prod, row.facts.arrays.values())),
        }
        for row in network.rows
        if row.facts.macs
    ]


def _macs(network: Network, phase: str) -> int:
    """The backward pass needs as many for the weights' gradient, and as many for the input's, which the first layer
    skips unless it is a single-layer network."""
    if phase in ("infer", "forward"):
        return network.macs
    if network.differentiates_input:
        return 3 * network.macs
    first = next((row.facts.macs for row in network.rows if row.facts.macs), 0)
    return 3 * network.macs - first


PASSES = {"infer": 1, "forward": 1, "gradient": 2, "train": 4}
"""Transfers per weight over the memory bus, by phase: read; read, and gradient written; read and written with its
momentum, the gradient consumed where it is computed."""


def _traffic(network: Network, workload: Workload) -> int:
    weights = PASSES[workload.phase] * network.parameter_bytes(stored_bytes(workload))
    return weights + _images_and_scores(network, workload)


def _images_and_scores(network: Network, workload: Workload) -> int:
    """Their bytes, in the format in which a step gets and gives them."""
    return outside_bytes(workload) * workload.batch * (math.prod(network.input_shape) + network.classes)


def _memory(network: Network, rows: list[Row], workload: Workload) -> int:
    """Weights (and momentum), plus the largest live memory during the step.

    In the backward pass a layer needs its input; the inputs of layers below are needed later, and the gradients of
    layers above exist already. Training may consume a gradient as soon as it is computed.
    """
    weights = network.parameter_bytes(stored_bytes(workload))
    batch_bytes = activation_bytes(workload) * workload.batch
    if workload.phase in ("infer", "forward"):
        return weights + _images_and_scores(network, workload)
    inputs = [batch_bytes * math.prod(row.input) for row in rows]
    gradients = [stored_bytes(workload) * sum(map(math.prod, row.facts.arrays.values())) for row in rows]
    keeps_gradients = workload.phase == "gradient"
    moments = (
        sum(inputs[: index + 1]) + (sum(gradients[index:]) if keeps_gradients else gradients[index])
        for index in range(len(rows))
    )
    return weights * (1 if keeps_gradients else 2) + max(moments, default=0)
