"""Environment variables of contestants' processes: allocator, threads, and what the execution needs.

steady       the allocator returns no memory to the system; every framework has one thread per core, each bound to its
             core; under a CPU quota, as many threads and cores as the quota allows; of the shell's variables only those
             in impls.host.environment and those kept by name are passed on
as-shipped   nothing is set; the shell's variables are passed on unchanged
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from bench.cost import memory
from bench.plan.executions import execution_of
from impls.frameworks import CACHE
from impls.host import usable
from impls.host.environment import clean
from impls.host.process import ARENA_BYTES, STEADY_ALLOCATOR, on_cores, threads
from results.schema.record import STEADY, Case, Contestant


def _steady() -> Mapping[str, str]:
    return {
        **STEADY_ALLOCATOR,
        **threads(cores()),
        # The size of some thread pools cannot be set: under a quota they follow the cores that the process may use.
        **(on_cores(usable.usable_cores()) if cores() < len(usable.allowed_cores()) else {}),
        "OMP_PROC_BIND": "true",  # LeNet-5 in PyTorch: launches differ by 3 % with it, by 10 % without
        "PYTHONHASHSEED": "0",
    }


@dataclass(frozen=True)
class Setting:
    """The variables set for every framework, and whether launches run under controlled conditions.

    `controlled`: the shell's variables are filtered (impls.host.environment), threads are bound
    (bench.machine.affinity), and the execution's `large_block_environment` applies.
    """

    environment: Callable[[], Mapping[str, str]]
    controlled: bool


SETTINGS: Mapping[str, Setting] = {
    STEADY: Setting(_steady, controlled=True),
    "as-shipped": Setting(dict, controlled=False),
}


CARD_CACHES = {"TRITON_CACHE_DIR": f"{CACHE}/triton", "CUDA_CACHE_PATH": f"{CACHE}/cuda"}
"""Variables with the folders in which Triton and CUDA's driver keep compiled kernels, by default the user's own."""
OWN = "DEADHEAT_"
"""Prefix of variables with folders of results, which all processes of a campaign share."""


def cores() -> int:
    """Number of cores that contestants compute on, which is also their number of threads."""
    return len(usable.usable_cores())


def environment(name: str = STEADY) -> Mapping[str, str]:
    """The variables that a setting sets for every framework."""
    return SETTINGS[name].environment()


def inherited(name: str, shell: Mapping[str, str]) -> dict[str, str]:
    """The shell's variables that the processes of a setting inherit; all variables set explicitly override them."""
    return clean(shell) if SETTINGS[name].controlled else dict(shell)


def environment_of(contestant: Contestant, suite_environment: Mapping[str, str]) -> dict[str, str]:
    """The variables set before the contestant's framework is imported, whatever the workload.

    suite_environment: the suite's `environment`, which overrides the setting's; the execution's overrides both.
    """
    return {**environment(contestant.setting), **suite_environment, **execution_of(contestant).environment}


def large_block_environment_of(contestant: Contestant) -> dict[str, str]:
    """The additional variables where a step may allocate blocks over ARENA_BYTES."""
    large = execution_of(contestant).large_block_environment
    return dict(large) if SETTINGS[contestant.setting].controlled else {}


def environment_for_case(case: Case, suite_environment: Mapping[str, str]) -> dict[str, str]:
    """The variables set before the framework is imported for one workload; suite_environment: as above."""
    large = memory.of_network(case.workload) > ARENA_BYTES
    return {
        **(large_block_environment_of(case.contestant) if large else {}),
        **(CARD_CACHES if case.workload.device == "cuda" else {}),
        **environment_of(case.contestant, suite_environment),
    }


def apart(case: Case, name: str, environment: Mapping[str, str]) -> dict[str, str]:
    """The variables of `environment` with folders of compiled code, with folders below one of that name instead.

    Only on a card: on the CPU, compilers that are told to find nothing keep nothing either (Plan.cold). A folder that
    the user has named stays.
    """
    folders = {**CARD_CACHES, **_folders(case.contestant)} if case.workload.device == "cuda" else {}
    found = {}
    for variable, template in folders.items():
        below, value = template.removeprefix(CACHE), environment.get(variable, "")
        if value.endswith(below):
            found[variable] = f"{value.removesuffix(below).removesuffix(f'/{name}')}/{name}{below}"
    return found


def keeps_compiled(contestant: Contestant) -> bool:
    """Whether the contestant's framework keeps code that it has compiled for other launches of the campaign."""
    return bool(_folders(contestant))


def _folders(contestant: Contestant) -> dict[str, str]:
    """Variables of the execution with folders of compiled code, below CACHE; not those of results (OWN)."""
    variables = execution_of(contestant).environment.items()
    return {name: value for name, value in variables if value.startswith(CACHE) and not name.startswith(OWN)}
