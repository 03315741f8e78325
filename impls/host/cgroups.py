"""Limits that control groups (cgroups, versions 1 and 2) set on this process: processor time and memory.

A process is in one group of every mounted hierarchy, and the limits of all groups above it hold as well: the strictest
counts. A container sees its own group as the topmost one; limits of groups above that are seen only where the kernel
reports them further down. Every function takes the folder that stands for "/".
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

ROOT = Path("/")
UNIFIED = "cgroup2"
"""Key of version 2's single hierarchy, which has all controllers; in version 1 a hierarchy lists its own."""
NO_LIMIT = 2**60
"""Bytes from which a limit means none: version 1 reports the largest multiple of a page, version 2 "max"."""


@dataclass(frozen=True)
class Throttling:
    """CPU quota throttling: number of throttled periods, and seconds of throttling."""

    periods: int
    seconds: float


def cpu_quota(root: Path = ROOT) -> float | None:
    """The strictest quota in cores, such as 1.5; None without a quota."""
    return min(filter(None, map(_quota, groups("cpu", root))), default=None)


def memory_limit(root: Path = ROOT) -> int | None:
    """The strictest limit in bytes, regardless of use; None without a limit."""
    return min((limit for group in groups("memory", root) for limit in _memory_limits(group)), default=None)


def memory_left(root: Path = ROOT) -> int | None:
    """Bytes that can be allocated before a group reaches its limit; None without a limit.

    Inactive cached files do not count as used: the kernel drops them first.
    """
    left = (max(limit - _used(group), 0) for group in groups("memory", root) for limit in _memory_limits(group))
    return min(left, default=None)


def throttling_files(root: Path = ROOT) -> tuple[Path, ...]:
    """The files that `throttling` reads, one for each group with a CPU quota."""
    return tuple(group / "cpu.stat" for group in groups("cpu", root) if _quota(group))


def throttling(texts: Iterable[str]) -> Throttling | None:
    """The sum over the contents of `throttling_files`; None if there are none, or one cannot be parsed."""
    statistics = [_fields(text) for text in texts]
    try:
        periods = sum(fields["nr_throttled"] for fields in statistics)
        seconds = sum(_throttled_seconds(fields) for fields in statistics)
    except KeyError:
        return None
    return Throttling(periods, seconds) if statistics else None


def groups(controller: str, root: Path = ROOT) -> tuple[Path, ...]:
    """Folders of the groups that this process is in, own group first, in the hierarchies that may hold `controller`.

    Both versions can be mounted side by side (hybrid); a controller's files are in one of them.
    """
    own_groups, mounts = dict(_own_groups(root)), list(_mounts(root))
    folders: list[Path] = []
    for hierarchy in (controller, UNIFIED):
        if hierarchy in own_groups:
            paths = (_upwards(mount, own_groups[hierarchy]) for mount in mounts if hierarchy in mount.controllers)
            longest: list[Path] = max(paths, key=len, default=[])
            folders += longest
    return tuple(folders)


@dataclass(frozen=True)
class _Mount:
    """A mounted hierarchy: `point` is the folder of its group `group`."""

    group: PurePosixPath
    point: Path
    controllers: frozenset[str]


def _own_groups(root: Path) -> Iterator[tuple[str, PurePosixPath]]:
    """(controller, group) of /proc/self/cgroup: "4:cpu,cpuacct:/a/b" in version 1, "0::/a/b" in version 2."""
    for line in _text(root / "proc/self/cgroup").splitlines():
        _, _, rest = line.partition(":")
        controllers, colon, group = rest.partition(":")
        if colon:
            for controller in controllers.split(",") if controllers else [UNIFIED]:
                yield controller, PurePosixPath(_unescaped(group))


def _mounts(root: Path) -> Iterator[_Mount]:
    """Of /proc/self/mountinfo: "32 31 0:29 GROUP POINT OPTIONS... - cgroup SOURCE rw,cpu,cpuacct"."""
    for line in _text(root / "proc/self/mountinfo").splitlines():
        left, _, right = line.partition(" - ")
        place, kind = left.split(), right.split()
        if len(place) > 4 and len(kind) > 2 and kind[0] in ("cgroup", "cgroup2"):
            controllers = kind[2].split(",") if kind[0] == "cgroup" else [UNIFIED]
            point = root / _unescaped(place[4]).lstrip("/")
            yield _Mount(PurePosixPath(_unescaped(place[3])), point, frozenset(controllers))


def _upwards(mount: _Mount, group: PurePosixPath) -> list[Path]:
    """Folders from the group's up to the mount point; only the mount point if the group is not below it.

    The latter occurs if the hierarchy was mounted outside of a container, where groups have another root.
    """
    below = group.relative_to(mount.group).parts if group.is_relative_to(mount.group) else ()
    below = () if ".." in below else below
    return [mount.point.joinpath(*below[:depth]) for depth in range(len(below), -1, -1)]


def _quota(group: Path) -> float | None:
    """Cores; "QUOTA PERIOD" in microseconds in version 2, a file each in version 1."""
    texts = _text(group / "cpu.max").split() or [_text(group / f"cpu.cfs_{name}_us") for name in ("quota", "period")]
    numbers = [_number(text) for text in texts]
    return numbers[0] / numbers[1] if len(numbers) == 2 and numbers[0] and numbers[1] else None


def _memory_limits(group: Path) -> list[int]:
    """Limits of the group in bytes; above "high" the kernel slows a process down until it has released memory."""
    files = ("memory.max", "memory.high", "memory.limit_in_bytes")
    limits = [_number(_text(group / file)) for file in files]
    limits.append(_fields(_text(group / "memory.stat")).get("hierarchical_memory_limit"))  # of groups above, too
    return [limit for limit in limits if limit is not None and limit < NO_LIMIT]


def _used(group: Path) -> int:
    """Bytes used by the group and those below it; 0 if unknown, so that its whole limit is available."""
    readings = (_number(_text(group / file)) for file in ("memory.current", "memory.usage_in_bytes"))
    stat = _fields(_text(group / "memory.stat"))
    cached = stat.get("total_inactive_file", stat.get("inactive_file", 0))  # version 1: total_ includes subgroups
    return max(next((used for used in readings if used is not None), 0) - cached, 0)


def _throttled_seconds(fields: dict[str, int]) -> float:
    """Microseconds in version 2, nanoseconds in version 1."""
    return fields["throttled_usec"] / 1e6 if "throttled_usec" in fields else fields["throttled_time"] / 1e9


def _fields(text: str) -> dict[str, int]:
    """Values by name, of lines "NAME NUMBER"; other lines are ignored."""
    pairs = (line.split() for line in text.splitlines())
    values = {pair[0]: _number(pair[1]) for pair in pairs if len(pair) == 2}
    return {name: number for name, number in values.items() if number is not None}


def _number(text: str) -> int | None:
    """The number in a text; None for "max" and -1 (no limit) and for other texts."""
    with suppress(ValueError):
        return number if (number := int(text)) >= 0 else None
    return None


def _unescaped(text: str) -> str:
    """Replace escapes of three octal digits, which mountinfo uses for spaces."""
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), text)


def _text(file: Path) -> str:
    """The content of a file, or "" if it cannot be read."""
    try:
        return os.fsdecode(file.read_bytes())
    except OSError:
        return ""
