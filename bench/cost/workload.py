"""The network that a workload runs, and the bytes of its values."""

from __future__ import annotations

from collections.abc import Iterable

from impls.architectures import load_architecture
from impls.network import Network
from impls.precision import BYTES, POLICIES
from results.schema.record import Case, Workload


def network_of(workload: Workload) -> Network:
    """The network that a workload runs."""
    size = workload.height, workload.width
    return load_architecture(workload.architecture).at(size, workload.channels, workload.classes)


def activation_bytes(workload: Workload) -> int:
    """Bytes of a value that one layer gives to the next."""
    return BYTES[POLICIES[workload.precision].activations]


def stored_bytes(workload: Workload) -> int:
    """Bytes of a weight between steps."""
    return BYTES[POLICIES[workload.precision].stored]


def outside_bytes(workload: Workload) -> int:
    """Bytes of a value of an image, of a score and of a weight's gradient."""
    return BYTES[POLICIES[workload.precision].outside]


def cast_bytes(workload: Workload) -> int:
    """Bytes of the copy of a weight that a step makes for its layers; 0 if they take weights as they are stored."""
    return activation_bytes(workload) if POLICIES[workload.precision].casts else 0


def most_devices(cases: Iterable[Case]) -> int:
    """The largest number of devices that a case computes on."""
    return max((case.workload.devices for case in cases), default=1)


SEVERAL = "several-sizes"
"""In the place of a stream's name: any stream of several sizes."""


def has_several_sizes(workload: Workload) -> bool:
    """Whether a model of the workload gets images of several sizes."""
    return workload.stream == SEVERAL or len({(part.height, part.width) for part in workload.batches}) > 1
