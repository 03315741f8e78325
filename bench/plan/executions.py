"""The execution behind a contestant."""

from __future__ import annotations

from impls.frameworks import Execution, load_framework
from results.schema.record import Case, Contestant


def execution_of(contestant: Contestant) -> Execution:
    """The contestant's execution. UnknownName or InvalidInput for a contestant that does not exist."""
    return load_framework(contestant.framework).execution(contestant.execution)


def lacks(case: Case) -> str | None:
    """Why the case's contestant does not run its phase; None if it does."""
    return execution_of(case.contestant).lacks(case.workload.phase)
