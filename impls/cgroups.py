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
"""Stands for the hierarchy of version 2, in which all controllers are; in version 1 each names its own."""
NO_LIMIT = 2**60
"""Bytes from which on a limit is none: version 1 says the largest multiple of a page, where version 2 says "max"."""


@dataclass(frozen=True)
class Throttling:
    """How often a CPU quota was used up, in periods, and for how long processors were then withheld, in seconds."""

    periods: int
    seconds: float


def cpu_quota(root: Path = ROOT) -> float | None:
    """Cores whose whole time the strictest quota amounts to, such as 1.5; None without a quota."""
    return min(filter(None, map(_quota, groups("cpu", root))), default=None)


def memory_limit(root: Path = ROOT) -> int | None:
    """Bytes that the strictest group allows, whatever is in use; None without a limit."""
    return min((limit for group in groups("memory", root) for limit in _memory_limits(group)), default=None)


def memory_left(root: Path = ROOT) -> int | None:
    """Bytes that may still be taken before a group is at its limit; None without a limit.

    Cached files that were not used lately do not count as used: the kernel drops them first.
    """
    left = (max(limit - _used(group), 0) for group in groups("memory", root) for limit in _memory_limits(group))
    return min(left, default=None)


def throttling_files(root: Path = ROOT) -> tuple[Path, ...]:
    """The files that `throttling` reads, one for each group with a CPU quota."""
    return tuple(group / "cpu.stat" for group in groups("cpu", root) if _quota(group))


def throttling(texts: Iterable[str]) -> Throttling | None:
    """The sum over the contents of `throttling_files`; None where there are none, or one cannot be understood."""
    found = [_fields(text) for text in texts]
    try:
        periods = sum(fields["nr_throttled"] for fields in found)
        seconds = sum(_throttled_seconds(fields) for fields in found)
    except KeyError:
        return None
    return Throttling(periods, seconds) if found else None


def groups(controller: str, root: Path = ROOT) -> tuple[Path, ...]:
    """Folders of the groups that this process is in, own group first, in the hierarchies that may hold `controller`.

    Both versions can be mounted side by side (hybrid); a controller's files are in one of them.
    """
    own, mounts = dict(_own_groups(root)), list(_mounts(root))
    found: list[Path] = []
    for hierarchy in (controller, UNIFIED):
        if hierarchy in own:
            seen = (_upwards(mount, own[hierarchy]) for mount in mounts if hierarchy in mount.controllers)
            longest: list[Path] = max(seen, key=len, default=[])
            found += longest
    return tuple(found)


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
    """Folders from the group's up to the mount point, which is all there is if the group is not below it.

    That is so where the hierarchy was mounted from outside of a container: one side names groups by another root.
    """
    below = group.relative_to(mount.group).parts if group.is_relative_to(mount.group) else ()
    below = () if ".." in below else below
    return [mount.point.joinpath(*below[:depth]) for depth in range(len(below), -1, -1)]


def _quota(group: Path) -> float | None:
    """Cores; "QUOTA PERIOD" in microseconds in version 2, a file each in version 1."""
    said = _text(group / "cpu.max").split() or [_text(group / f"cpu.cfs_{name}_us") for name in ("quota", "period")]
    numbers = [_number(text) for text in said]
    return numbers[0] / numbers[1] if len(numbers) == 2 and numbers[0] and numbers[1] else None


def _memory_limits(group: Path) -> list[int]:
    """Those of the group itself, in bytes; above "high" the kernel slows a process down until it has given back."""
    files = ("memory.max", "memory.high", "memory.limit_in_bytes")
    said = [_number(_text(group / file)) for file in files]
    said.append(_fields(_text(group / "memory.stat")).get("hierarchical_memory_limit"))  # of groups above, too
    return [limit for limit in said if limit is not None and limit < NO_LIMIT]


def _used(group: Path) -> int:
    """Bytes that the group and those below it use; 0, so that its limit counts in full, where it does not say."""
    said = (_number(_text(group / file)) for file in ("memory.current", "memory.usage_in_bytes"))
    stat = _fields(_text(group / "memory.stat"))
    cached = stat.get("total_inactive_file", stat.get("inactive_file", 0))  # in version 1 the second is without those
    return max(next((used for used in said if used is not None), 0) - cached, 0)


def _throttled_seconds(fields: dict[str, int]) -> float:
    """Microseconds in version 2, nanoseconds in version 1."""
    return fields["throttled_usec"] / 1e6 if "throttled_usec" in fields else fields["throttled_time"] / 1e9


def _fields(text: str) -> dict[str, int]:
    """Lines of "NAME NUMBER"; others are left out."""
    pairs = (line.split() for line in text.splitlines())
    found = {pair[0]: _number(pair[1]) for pair in pairs if len(pair) == 2}
    return {name: number for name, number in found.items() if number is not None}


def _number(text: str) -> int | None:
    """None for "max", -1 (both: no limit) and what is no number."""
    with suppress(ValueError):
        return number if (number := int(text)) >= 0 else None
    return None


def _unescaped(text: str) -> str:
    """Spaces and the like are written as three octal digits."""
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), text)


def _text(file: Path) -> str:
    """What is in a file, or "" if it cannot be read."""
    try:
        return os.fsdecode(file.read_bytes())
    except OSError:
        return ""
