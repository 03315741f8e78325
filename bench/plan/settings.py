"""How the processes of contestants are set up: what their executions ask for, and allocator and threads.

steady       the allocator keeps what it has; every framework has as many threads as there are cores, one bound to each;
             under a CPU quota, as many as that keeps busy, on as many cores; of the shell's variables processes have
             those in impls.environment, and those kept by name
as-shipped   nothing is set; what the shell's variables say holds
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from bench.cost import memory
from impls import usable
from impls.environment import clean
from impls.frameworks import load_framework
from impls.process import ARENA_BYTES, STEADY_ALLOCATOR, on_cores, threads
from results.schema.record import STEADY, Case, Contestant


def _steady() -> Mapping[str, str]:
    return {
        **STEADY_ALLOCATOR,
        **threads(cores()),
        # Not every pool of threads can be told its size: under a quota they go by the cores that they are allowed.
        **(on_cores(usable.usable_cores()) if cores() < len(usable.allowed_cores()) else {}),
        "OMP_PROC_BIND": "true",  # a thread that wanders: launches of LeNet-5 in PyTorch differ by 10 %, bound by 3 %
        "PYTHONHASHSEED": "0",
    }


@dataclass(frozen=True)
class Setting:
    """The variables set for every framework, and whether more is done to make launches alike.

    That is to leave out what the shell happens to say (impls.environment), to bind threads (bench.machine.affinity),
    and to keep large blocks as the execution's own file says.
    """

    environment: Callable[[], Mapping[str, str]]
    steadies: bool


SETTINGS: Mapping[str, Setting] = {
    STEADY: Setting(_steady, steadies=True),
    "as-shipped": Setting(dict, steadies=False),
}


def cores() -> int:
    """Cores that contestants compute on, and the threads that they have."""
    return len(usable.usable_cores())


def environment(name: str = STEADY) -> Mapping[str, str]:
    """The variables that a setting sets for every framework."""
    return SETTINGS[name].environment()


def inherited(name: str, shell: Mapping[str, str]) -> dict[str, str]:
    """What the processes of a setting have of the shell's variables, below all that is set."""
    return clean(shell) if SETTINGS[name].steadies else dict(shell)


def environment_of(contestant: Contestant, asked: Mapping[str, str]) -> dict[str, str]:
    """The variables set before the contestant's framework is imported, whatever the workload.

    asked: the suite's own `environment`, which goes before the setting's; what an execution needs goes before both.
    """
    execution = load_framework(contestant.framework).execution(contestant.execution)
    return {**environment(contestant.setting), **asked, **execution.environment}


def large_block_environment_of(contestant: Contestant) -> dict[str, str]:
    """The variables set besides where a step may take blocks over ARENA_BYTES."""
    execution = load_framework(contestant.framework).execution(contestant.execution)
    return dict(execution.large_block_environment) if SETTINGS[contestant.setting].steadies else {}


def environment_for_case(case: Case, asked: Mapping[str, str]) -> dict[str, str]:
    """The variables set before the framework is imported for one workload; asked: as above."""
    large = memory.of_network(case.workload) > ARENA_BYTES
    return {**(large_block_environment_of(case.contestant) if large else {}), **environment_of(case.contestant, asked)}
