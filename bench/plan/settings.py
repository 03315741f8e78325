"""Environment variables of contestants' processes: allocator, threads, and what the execution needs.

steady       the allocator returns no memory to the system; every framework has one thread per core, each bound to its
             core if the CPU computes; for a card, the cores are those nearest to it, and no thread is bound to one;
             under a CPU quota, as many threads and cores as the quota allows; of the shell's variables only those in
             impls.host.environment and those kept by name are passed on
as-shipped   nothing is set; the shell's variables are passed on unchanged
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from bench.cost import memory
from bench.plan.executions import execution_of
from impls.frameworks import CACHE, is_card
from impls.host import cgroups, nvidia, usable
from impls.host.environment import clean
from impls.host.process import ARENA_BYTES, STEADY_ALLOCATOR, on_cores, threads
from results.schema.record import STEADY, Case, Contestant


def _steady(device: str) -> Mapping[str, str]:
    return {
        **STEADY_ALLOCATOR,
        **threads(cores(device)),
        # The size of some thread pools cannot be set: they follow the cores that the process may use.
        **(on_cores(cores_of(device)) if cores(device) < len(usable.allowed_cores()) else {}),
        # LeNet-5 in PyTorch: launches differ by 3 % with it, by 10 % without. It binds the thread that loads OpenMP,
        # and so all later ones, to the first core; for a card that core would start all its work.
        **({} if is_card(device) else {"OMP_PROC_BIND": "true"}),
        "PYTHONHASHSEED": "0",
    }


@dataclass(frozen=True)
class Setting:
    """The variables set for every framework, and whether launches run under controlled conditions.

    `environment` takes the device. `controlled`: the shell's variables are filtered (impls.host.environment), and on
    the CPU threads are bound (bench.machine.affinity) and the execution's `large_block_environment` applies.
    """

    environment: Callable[[str], Mapping[str, str]]
    controlled: bool


SETTINGS: Mapping[str, Setting] = {
    STEADY: Setting(_steady, controlled=True),
    "as-shipped": Setting(lambda device: {}, controlled=False),
}


CARD_CACHES = {"TRITON_CACHE_DIR": f"{CACHE}/triton", "CUDA_CACHE_PATH": f"{CACHE}/cuda"}
"""Variables with the folders in which Triton and CUDA's driver keep compiled kernels, by default the user's own."""
OWN = "DEADHEAT_"
"""Prefix of variables with folders of results, which all processes of a campaign share."""


def cores_of(device: str) -> tuple[int, ...]:
    """The cores that contestants use: of those that can be used, the ones nearest to a card, if its driver tells."""
    near = nvidia.cores() if is_card(device) else ()
    close = [core for core in usable.allowed_cores() if core in near]
    return usable.within(close, cgroups.cpu_quota()) if close else usable.usable_cores()


def cores(device: str = "cpu") -> int:
    """Number of cores that contestants use, which is also their number of threads."""
    return len(cores_of(device))


def environment(name: str = STEADY, device: str = "cpu") -> Mapping[str, str]:
    """The variables that a setting sets for every framework."""
    return SETTINGS[name].environment(device)


def binds(contestant: Contestant, device: str) -> bool:
    """Whether each computing thread of a contestant is bound to a core."""
    return SETTINGS[contestant.setting].controlled and not is_card(device)


def inherited(name: str, shell: Mapping[str, str]) -> dict[str, str]:
    """The shell's variables that the processes of a setting inherit; all variables set explicitly override them."""
    return clean(shell) if SETTINGS[name].controlled else dict(shell)


def environment_of(contestant: Contestant, suite_environment: Mapping[str, str], device: str = "cpu") -> dict[str, str]:
    """The variables set before the contestant's framework is imported, whatever the workload.

    suite_environment: the suite's `environment`, which overrides the setting's; the execution's overrides both.
    """
    return {**environment(contestant.setting, device), **suite_environment, **execution_of(contestant).environment}


def large_block_environment_of(contestant: Contestant, device: str = "cpu") -> dict[str, str]:
    """The additional variables where a step may allocate blocks over ARENA_BYTES; none if they are on a card."""
    large = execution_of(contestant).large_block_environment
    return dict(large) if SETTINGS[contestant.setting].controlled and not is_card(device) else {}


def environment_for_case(case: Case, suite_environment: Mapping[str, str]) -> dict[str, str]:
    """The variables set before the framework is imported for one workload; suite_environment: as above."""
    large, device = memory.of_network(case.workload) > ARENA_BYTES, case.workload.device
    return {
        **(large_block_environment_of(case.contestant, device) if large else {}),
        **(CARD_CACHES if is_card(device) else {}),
        **environment_of(case.contestant, suite_environment, device),
    }


def apart(case: Case, name: str, environment: Mapping[str, str]) -> dict[str, str]:
    """The variables of `environment` with folders of compiled code, with folders below one of that name instead.

    Only on a card: on the CPU, compilers that are told to find nothing keep nothing either (Plan.cold). A folder that
    the user has named stays.
    """
    folders = {**CARD_CACHES, **_folders(case.contestant)} if is_card(case.workload.device) else {}
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
