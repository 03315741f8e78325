"""The execution behind a contestant."""

from __future__ import annotations

from bench.cost.workload import network_of
from impls.frameworks import Execution, load_framework
from impls.precision import POLICIES
from results.schema.record import Case, Contestant


def execution_of(contestant: Contestant) -> Execution:
    """The contestant's execution. UnknownName or InvalidInput for a contestant that does not exist."""
    return load_framework(contestant.framework).execution(contestant.execution)


def lacks(case: Case) -> str | None:
    """Why the case's contestant does not run its phase, not in its precision or not on so many devices; else None.

    Nor does one that lacks a trick run a phase of a network in which the trick changes nothing.
    """
    execution, workload = execution_of(case.contestant), case.workload
    network = network_of(workload)
    return (
        execution.lacks(workload.phase)
        or POLICIES[workload.precision].lacks(workload.phase)
        or execution.lacks_devices(workload.devices, network)
        or execution.lacks_difference(network, workload.phase)
    )
