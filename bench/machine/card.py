"""The card between turns: its clock, what lowers it, and who else computes on it.

The harness asks the driver right after each turn, while launches wait: never while a round is timed. It holds the
driver's library from the begin of a campaign to its end, as without it a driver unloads between launches where its
persistence mode is off.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Set
from dataclasses import dataclass, field, fields
from typing import Any, Self

import psutil

from impls.frameworks import is_card
from impls.host import nvidia
from impls.host.nvml import memory_by_process, slowed_by
from results.schema.record import CardConditions

HIDDEN = "the driver lists no process on the card, although the launch computes there (usual in containers)"


def foreign_processes(pids: Collection[int], ours: Set[int]) -> int:
    """How many of the processes on a card are neither `ours` nor started by one of these.

    In a container the driver may report other ids: then as many as are ours are taken for these.
    """
    others = [pid for pid in pids if pid not in ours]
    if len(others) == len(pids):
        return max(len(pids) - len(ours), 0)
    return sum(_parent(pid) not in ours for pid in others)


def _parent(pid: int) -> int | None:
    try:
        return psutil.Process(pid).ppid()
    except psutil.Error:
        return None


def compute_pids(nvml: Any, handle: Any) -> dict[int, int | None]:
    """Bytes on the card by the id of each process that computes there. LookupError if the driver lists none."""
    if found := memory_by_process(nvml.nvmlDeviceGetComputeRunningProcesses(handle)):
        return found
    raise LookupError(HIDDEN)


QUERIES: Mapping[str, Callable[[Any, Any, Set[int]], Any]] = {
    "clock_hz": lambda nvml, handle, ours: nvml.nvmlDeviceGetClockInfo(handle, nvml.NVML_CLOCK_SM) * 1e6,
    "slowed_by": lambda nvml, handle, ours: slowed_by(nvml, handle),
    "foreign_processes": lambda nvml, handle, ours: foreign_processes(compute_pids(nvml, handle), ours),
}
"""How each of the CardConditions is asked for."""


@dataclass
class CardWatch:
    """Asks for the card of a device; a context manager. On the CPU, and outside `with`, it knows nothing."""

    device: str
    _handle: Any = None
    _missing: dict[str, str] = field(default_factory=dict)
    _is_open: bool = False

    def read(self, ours: Set[int]) -> CardConditions | None:
        """The conditions now, one entry of each; `ours`: process ids of the launches that are alive."""
        if not self._is_open:
            return None
        told = {name: self._ask(name, ours) for name in QUERIES}
        known = {name: (value,) for name, value in told.items() if value is not None}
        return CardConditions(**known, missing={name: self._missing[name] for name in told if name not in known})

    def _ask(self, name: str, ours: Set[int]) -> Any:
        if self._handle is None:
            return None
        try:
            return QUERIES[name](nvidia.library(), self._handle, ours)
        except LookupError as problem:
            self._missing[name] = str(problem)
        except Exception as problem:
            self._missing[name] = f"the driver does not tell: {nvidia.reason(problem)}"
        return None

    def __enter__(self) -> Self:
        if is_card(self.device):
            self._is_open = True
            self._handle, problem = nvidia.handle()
            self._missing = {} if self._handle is not None else dict.fromkeys(QUERIES, problem)
        return self

    def __exit__(self, *_: object) -> None:
        if self._handle is not None:
            nvidia.end()
        self._handle, self._is_open = None, False


def joined(turns: Collection[CardConditions]) -> CardConditions | None:
    """The conditions after all of these turns, in their order; None if there was none."""
    if not turns:
        return None
    entries = [one.name for one in fields(CardConditions) if one.name != "missing"]
    return CardConditions(
        **{name: sum((getattr(turn, name) for turn in turns), ()) for name in entries},
        missing={name: reason for turn in turns for name, reason in turn.missing.items()},
    )
