"""The network that a workload runs, and the bytes of one of its values."""

from __future__ import annotations

from impls.architectures import load_architecture
from impls.network import Network
from results.schema.record import Workload

ITEM_BYTES = {"float32": 4, "tf32": 4, "bfloat16": 2, "float64": 8}


def network_of(workload: Workload) -> Network:
    """The network that a workload runs."""
    size = workload.height, workload.width
    return load_architecture(workload.architecture).at(size, workload.channels, workload.classes)


def storage_bytes(item: int) -> int:
    """Bytes in which a weight is stored, at least float32's, for values of `item` bytes."""
    return max(item, ITEM_BYTES["float32"])


SEVERAL = "several-sizes"
"""In the place of a stream's name: any stream of several sizes."""


def has_several_sizes(workload: Workload) -> bool:
    """Whether a model of the workload gets images of several sizes."""
    return workload.stream == SEVERAL or len({(part.height, part.width) for part in workload.batches}) > 1
