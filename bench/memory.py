"""Which contestants can be alive together: an estimate from the table, and subsets that share the reference."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from impls.architectures import load_architecture
from impls.network import Network
from impls.usable import available_memory
from results.record import Contestant, Workload

# What a process takes whatever the network, and what each phase keeps, in copies of the weights and of all
# activations. Rough and on the safe side: compilers' plans, convolution workspaces and copies made while loading
# are in the factors, which were set from the peaks seen in real campaigns.
PROCESS_BYTES = 400 * 2**20
ZYGOTE_BYTES = 500 * 2**20
COPIES = {"infer": (1.3, 1.5), "forward": (1.3, 2.0), "gradient": (2.6, 3.0), "train": (3.6, 3.0)}
ITEM_BYTES = {"float32": 4, "tf32": 4, "bfloat16": 2, "float64": 8}


def network_of(workload: Workload) -> Network:
    """The network that a workload runs."""
    size = workload.height, workload.width
    return load_architecture(workload.architecture).at(size, workload.channels, workload.classes)


def stored(item: int) -> int:
    """Bytes in which a weight is kept: at least float32's, whatever is computed in."""
    return max(item, ITEM_BYTES["float32"])


def estimate(workload: Workload) -> int:
    """Bytes that one contestant of the workload needs, framework included."""
    return PROCESS_BYTES + of_network(workload)


def of_network(workload: Workload) -> int:
    """The bytes of them that are the network's: weights, what follows from them, and activations."""
    return max(map(_of_network, workload.batches))


def _of_network(workload: Workload) -> int:
    network, item = network_of(workload), ITEM_BYTES[workload.precision]
    weights, activations = COPIES[workload.phase]
    kept = workload.batch * network.activation_bytes(item)
    return int(weights * network.parameter_bytes(stored(item)) + activations * kept)


def estimate_evidence(workload: Workload) -> int:
    """Bytes that one contestant needs for the gate: a gradient step, its gradients, and the largest one's signs."""
    network = network_of(workload)
    largest = max(map(math.prod, network.arrays.values()), default=0)
    if network.differentiates_input:
        largest = max(largest, workload.batch * math.prod(network.input_shape))
    return estimate(replace(workload, phase="gradient")) + network.parameter_bytes() + 4 * largest


def together(limit: int) -> int:
    """Bytes that contestants alive together may need: the suite's limit, or what may be taken here if less."""
    return min(limit, available_memory())


def parts(contestants: Sequence[Contestant], each: int, limit: int, zygotes: int) -> list[tuple[Contestant, ...]]:
    """The contestants in parts that fit, everyone once."""
    together = room(each, limit, zygotes)
    return [tuple(contestants[start : start + together]) for start in range(0, len(contestants), together)]


def room(each: int, limit: int, zygotes: int) -> int:
    """How many can be alive together beside the zygotes they are forked from; at least one."""
    return max((limit - ZYGOTE_BYTES * zygotes) // each, 1)


def subsets(contestants: Sequence[Contestant], each: int, limit: int, zygotes: int) -> list[tuple[Contestant, ...]]:
    """The contestants in parts that fit, every part with the first contestant in it.

    Where not even two fit, everyone is measured alone.
    """
    together = room(each, limit, zygotes)
    if len(contestants) <= together:
        return [tuple(contestants)]
    if together == 1:
        return [(contestant,) for contestant in contestants]
    reference, others = contestants[0], contestants[1:]
    return [(reference, *others[start : start + together - 1]) for start in range(0, len(others), together - 1)]
