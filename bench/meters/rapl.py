"""RAPL meter: energy of the CPU packages, from Linux's powercap counters (Intel and AMD).

The counters cover all work of the packages, not only the launch's, so the machine should be otherwise idle.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from pathlib import Path

from bench.meters import Meter, Readings, SustainedStats, Watcher

ZONES = Path("/sys/class/powercap")
MICRO = 1e-6


class RaplMeter(Watcher):
    """Energy between two readings of every package's counter, which wraps around."""

    def __init__(self, pid: int, device: str, other_pids: Set[int], zones: Path = ZONES):
        self._zones = sorted(zone for zone in zones.glob("*-rapl:*") if zone.name.count(":") == 1)
        self._before = self._read()

    def _read(self) -> Mapping[Path, int] | str:
        if not self._zones:
            return "this system has no powercap counters (virtual machines seldom do)"
        try:
            return {zone: int((zone / "energy_uj").read_text()) for zone in self._zones}
        except PermissionError:
            return f"no permission to read {self._zones[0] / 'energy_uj'}; as root: chmod a+r {ZONES}/*/energy_uj"
        except (OSError, ValueError) as problem:
            return f"{self._zones[0]} cannot be read: {problem}"

    def sample(self) -> None:
        pass

    def end(self, sustained: SustainedStats) -> Readings:
        after = self._read()
        if isinstance(after, str) or isinstance(self._before, str):
            reason = str(after if isinstance(after, str) else self._before)
            return dict.fromkeys(RAPL.quantities, reason)
        joules = MICRO * sum(self._between(zone, self._before[zone], after[zone]) for zone in self._zones)
        return {"package_watts": joules / sustained.seconds, "package_joules_per_image": joules / sustained.images}

    def _between(self, zone: Path, before: int, after: int) -> int:
        if after >= before:
            return after - before
        return after - before + int((zone / "max_energy_range_uj").read_text())


RAPL = Meter("rapl", ("package_watts", "package_joules_per_image"), RaplMeter)
