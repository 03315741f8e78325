"""Estimated memory of a contestant, from the network's table."""

from __future__ import annotations

import math
from collections.abc import Iterable

from bench.cost.workload import activation_bytes, cast_bytes, network_of, stored_bytes
from impls.frameworks import is_card
from results.schema.record import Workload

# Memory of a process without a network, and, by phase, multiples of the weights' and of all activations' bytes.
# Conservative: compilers' plans, convolution workspaces and copies made while loading are included in the factors,
# which were set from the peaks of real campaigns.
PROCESS_BYTES = {"cpu": 400 * 2**20, "cuda": 2**30}
"""By device. On a card: CUDA's context with its loaded kernels, and the workspaces of cuDNN and cuBLAS."""
HOST_BYTES = 3 * 2**30
"""Of the host's memory, for a process that computes on a card and compiles in itself: the framework and CUDA's
libraries with what they load (about 2 GiB), and weights and gradients of the largest networks while they are copied
(0.5 GiB each). An assumption; no card has confirmed it."""
COPIES = {"infer": (1.3, 1.5), "forward": (1.3, 2.0), "gradient": (2.6, 3.0), "train": (3.6, 3.0)}


def estimate(workload: Workload) -> int:
    """Bytes that one contestant of the workload needs in each memory that it computes in, including the framework."""
    return PROCESS_BYTES[workload.device] * _sharing(workload) + of_network(workload)


def estimate_together(workloads: Iterable[Workload]) -> int:
    """Bytes of one contestant that runs these workloads, phases of a network on one device, in turns.

    They share weights, and a phase's outputs and activations are freed before the next one runs.
    """
    return max(map(estimate, workloads))


def of_network(workload: Workload) -> int:
    """The network's share of `estimate` in bytes: weights, their gradients and momentum, and activations.

    Each device has all weights, and the activations of its part of the batch. Devices of the CPU share its memory.
    """
    return max(map(_of_network, workload.batches))


def _of_network(workload: Workload) -> int:
    network, cast = network_of(workload), cast_bytes(workload)
    weights, activations = COPIES[workload.phase]
    if workload.phase in ("gradient", "train"):
        cast *= 2  # and their gradients
    images = math.ceil(workload.batch * _sharing(workload) / workload.devices)
    weight_bytes = weights * network.parameter_bytes(stored_bytes(workload)) + network.parameter_bytes(cast)
    all_activations = images * network.activation_bytes(activation_bytes(workload))
    return int(_sharing(workload) * weight_bytes + activations * all_activations)


def _sharing(workload: Workload) -> int:
    """How many of the workload's devices share a memory: all of the CPU's, while each card has its own."""
    return 1 if is_card(workload.device) else workload.devices


def estimate_evidence(workload: Workload) -> int:
    """Bytes that one contestant needs for the gate: a step of the evidence's phase, and its gradients if it has any.

    Gradients are in the canonical layout.
    """
    gradients = network_of(workload).parameter_bytes() if workload.phase != "infer" else 0
    return estimate(workload) + gradients
