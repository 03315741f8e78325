"""Limits of control groups, read from made-up trees of /proc and of mounted hierarchies."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from impls.host import cgroups
from impls.host.cgroups import Throttling, cpu_quota, groups, memory_left, memory_limit, throttling, throttling_files
from impls.host.usable import within

GIB = 2**30
HUGE = 2**63 - 4096
"""What version 1 says where no limit is set: the largest multiple of a page."""

V1_MOUNTS = {
    "cpu,cpuacct": "32 31 0:29 {group} /sys/fs/cgroup/cpu,cpuacct rw,nosuid - cgroup cgroup rw,cpu,cpuacct",
    "memory": "35 31 0:32 {group} /sys/fs/cgroup/memory rw,nosuid shared:9 - cgroup cgroup rw,memory",
}
V2_MOUNT = "32 31 0:29 {group} {point} rw,nosuid - cgroup2 cgroup2 rw,nsdelegate"
OTHER_MOUNTS = """22 1 0:21 / / rw - ext4 /dev/vda rw
31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
"""


def tree(root: Path, own: str, mounts: str, files: Mapping[str, object]) -> Path:
    """`root` with those files (below /sys/fs/cgroup), and /proc saying which group this is and what is mounted."""
    (root / "proc/self").mkdir(parents=True)
    (root / "proc/self/cgroup").write_text(own)
    (root / "proc/self/mountinfo").write_text(OTHER_MOUNTS + mounts)
    for name, content in files.items():
        file = root / "sys/fs/cgroup" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{content}\n")
    return root


def v1(root: Path, files: Mapping[str, object], group: str = "/", mounted: str = "/") -> Path:
    """A system with version 1 alone; names of files begin with their hierarchy."""
    own = f"12:pids:/elsewhere\n4:memory:{group}\n3:cpu,cpuacct:{group}\n1:name=systemd:/elsewhere\n"
    return tree(root, own, "\n".join(V1_MOUNTS.values()).format(group=mounted), files)


def v2(root: Path, files: Mapping[str, object], group: str = "/", mounted: str = "/", point="/sys/fs/cgroup") -> Path:
    """A system with version 2 alone."""
    return tree(root, f"0::{group}\n", V2_MOUNT.format(group=mounted, point=point), files)


def test_a_quota_of_version_1_is_in_two_files(tmp_path):
    files = {"cpu,cpuacct/cpu.cfs_quota_us": 150000, "cpu,cpuacct/cpu.cfs_period_us": 100000}
    assert cpu_quota(v1(tmp_path, files)) == 1.5


def test_a_quota_of_version_2_is_in_one(tmp_path):
    assert cpu_quota(v2(tmp_path, {"cpu.max": "25000 50000"})) == 0.5


@pytest.mark.parametrize(
    "files",
    [
        {"cpu.max": "max 100000", "memory.max": "max", "memory.high": "max"},
        {"cpu.max": "", "memory.max": ""},
        {"cpu.max": "much more", "memory.max": "rubbish", "memory.high": "-3"},
        {"cpu.max": "100000", "memory.max": "1.5"},
        {"cpu.max": "0 100000"},
        {"cpu.max": "100000 0"},
        {"cpu.max": "1 2 3"},
        {},
    ],
)
def test_without_a_limit_of_version_2_there_is_none(tmp_path, files):
    root = v2(tmp_path, files)
    assert (cpu_quota(root), memory_limit(root), memory_left(root), throttling_files(root)) == (None, None, None, ())


@pytest.mark.parametrize(
    ("quota", "period", "limit"), [(-1, 100000, HUGE), ("", "", ""), ("x", "y", "z"), (100000, 0, 2**63 - 65536)]
)
def test_without_a_limit_of_version_1_there_is_none(tmp_path, quota, period, limit):
    cpu, memory = "cpu,cpuacct/cpu.cfs", "memory/memory"
    files = {f"{cpu}_quota_us": quota, f"{cpu}_period_us": period, f"{memory}.limit_in_bytes": limit}
    root = v1(tmp_path, {**files, f"{memory}.stat": f"cache 1\nhierarchical_memory_limit {HUGE}"})
    assert (cpu_quota(root), memory_limit(root), memory_left(root), throttling_files(root)) == (None, None, None, ())


@pytest.mark.parametrize(
    ("inner", "middle", "outer", "strictest"),
    [
        ("max 100000", "100000 100000", "400000 100000", 1.0),
        ("200000 100000", "max 100000", "150000 100000", 1.5),
        ("100000 200000", "max 100000", "150000 100000", 0.5),
    ],
)
def test_of_nested_groups_the_strictest_counts(tmp_path, inner, middle, outer, strictest):
    files = {"cpu.max": "max 100000", "a/cpu.max": outer, "a/b/cpu.max": middle, "a/b/c d/cpu.max": inner}
    assert cpu_quota(v2(tmp_path, files, "/a/b/c d")) == strictest


def test_nested_groups_of_version_1_are_walked_in_each_hierarchy(tmp_path):
    files = {
        "cpu,cpuacct/a/b/cpu.cfs_quota_us": 300000,
        "cpu,cpuacct/a/b/cpu.cfs_period_us": 100000,
        "cpu,cpuacct/a/cpu.cfs_quota_us": 200000,
        "cpu,cpuacct/a/cpu.cfs_period_us": 100000,
        "memory/a/b/memory.limit_in_bytes": 8 * GIB,
        "memory/a/memory.limit_in_bytes": 4 * GIB,
        "memory/memory.limit_in_bytes": HUGE,
    }
    root = v1(tmp_path, files, "/a/b")
    assert (cpu_quota(root), memory_limit(root)) == (2.0, 4 * GIB)


def test_version_1_tells_a_limit_of_groups_that_a_container_does_not_see(tmp_path):
    files = {"memory/memory.limit_in_bytes": HUGE, "memory/memory.stat": f"hierarchical_memory_limit {2 * GIB}"}
    assert memory_limit(v1(tmp_path, files)) == 2 * GIB


CONTAINERS = {
    "own namespace": ("/", "/"),
    "the host's names, its own group mounted": ("/docker/abc", "/docker/abc"),
    "the host's names, a group below its own": ("/docker/abc/inner", "/docker/abc"),
    "mounted from outside of its namespace": ("/", "/../.."),
    "joined from outside of its namespace": ("/../../session", "/"),
    "names that have nothing in common": ("/system.slice/x", "/docker/abc"),
}


@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("version", [1, 2])
def test_a_container_sees_its_group_at_the_mount_point(tmp_path, container, version):
    group, mounted = CONTAINERS[container]
    if version == 2:
        root = v2(tmp_path, {"cpu.max": "100000 100000", "memory.max": GIB}, group, mounted)
    else:
        cpu = {"cpu,cpuacct/cpu.cfs_quota_us": 100000, "cpu,cpuacct/cpu.cfs_period_us": 100000}
        root = v1(tmp_path, {**cpu, "memory/memory.limit_in_bytes": GIB}, group, mounted)
    assert (cpu_quota(root), memory_limit(root)) == (1.0, GIB)


def test_a_host_that_is_mounted_into_a_container_is_walked_from_the_containers_group(tmp_path):
    files = {"cpu.max": "max 100000", "docker/cpu.max": "300000 100000", "docker/abc/cpu.max": "max 100000"}
    root = v2(tmp_path, {**files, "docker/xyz/cpu.max": "100000 100000"}, "/docker/abc")
    assert cpu_quota(root) == 3.0


def test_of_several_mounts_the_one_that_shows_most_is_walked(tmp_path):
    mounts = "\n".join(V2_MOUNT.format(group=group, point=f"/{point}") for group, point in [("/a", "x"), ("/", "y")])
    root = tree(tmp_path, "0::/a/b\n", mounts, {})
    assert groups("cpu", root) == (root / "y/a/b", root / "y/a", root / "y")


@pytest.mark.parametrize("cpu_in", [1, 2])
def test_in_a_hybrid_hierarchy_limits_are_where_the_controller_is(tmp_path, cpu_in):
    own = "3:cpu,cpuacct:/old\n0::/new\n" if cpu_in == 1 else "4:memory:/old\n0::/new\n"
    mounts = V1_MOUNTS["cpu,cpuacct" if cpu_in == 1 else "memory"].format(group="/")
    files = (
        {"cpu,cpuacct/old/cpu.cfs_quota_us": 50000, "cpu,cpuacct/old/cpu.cfs_period_us": 100000}
        if cpu_in == 1
        else {"unified/new/cpu.max": "50000 100000", "memory/old/memory.limit_in_bytes": GIB}
    )
    root = tree(tmp_path, own, f"{mounts}\n{V2_MOUNT.format(group='/', point='/sys/fs/cgroup/unified')}", files)
    assert cpu_quota(root) == 0.5
    assert memory_limit(root) == (None if cpu_in == 1 else GIB)


def test_the_lower_of_two_limits_of_a_group_counts(tmp_path):
    assert memory_limit(v2(tmp_path, {"memory.max": 4 * GIB, "memory.high": 3 * GIB})) == 3 * GIB


def test_what_is_left_is_the_least_of_all_groups_and_cached_files_can_be_dropped(tmp_path):
    files = {
        "a/memory.max": 8 * GIB,
        "a/memory.current": 7 * GIB,
        "a/memory.stat": f"anon 1\ninactive_file {2 * GIB}\nactive_file 5",
        "a/b/memory.max": 4 * GIB,
        "a/b/memory.current": GIB // 2,
    }
    root = v2(tmp_path, files, "/a/b")
    assert (memory_limit(root), memory_left(root)) == (4 * GIB, 3 * GIB)


def test_what_is_left_in_version_1_counts_cached_files_of_groups_below(tmp_path):
    files = {
        "memory/memory.limit_in_bytes": 4 * GIB,
        "memory/memory.usage_in_bytes": 3 * GIB,
        "memory/memory.stat": f"inactive_file 7\ntotal_inactive_file {GIB}\nhierarchical_memory_limit {4 * GIB}",
    }
    assert memory_left(v1(tmp_path, files)) == 2 * GIB


def test_a_group_over_its_limit_has_nothing_left_and_one_that_does_not_say_has_all(tmp_path):
    assert memory_left(v2(tmp_path / "over", {"memory.max": GIB, "memory.current": 2 * GIB})) == 0
    assert memory_left(v2(tmp_path / "silent", {"memory.max": GIB})) == GIB


def test_paths_with_spaces_are_written_in_octal(tmp_path):
    root = tree(tmp_path, "0::/\n", V2_MOUNT.format(group="/", point="/my\\040groups"), {})
    assert groups("cpu", root) == (root / "my groups",)


@pytest.mark.parametrize("garbage", ["", "\n\n", "0", "0:", "::::", "\0\xff", "1 2 3 - 4", "a b c d e f - cgroup2"])
def test_what_proc_does_not_tell_limits_nothing(tmp_path, garbage):
    root = tree(tmp_path, garbage, garbage, {"cpu.max": "100000 100000"})
    assert (cpu_quota(root), memory_limit(root), memory_left(root)) == (None, None, None)


def test_a_system_without_proc_and_files_that_are_folders_limit_nothing(tmp_path):
    assert cpu_quota(tmp_path) is None
    root = v2(tmp_path, {})
    (root / "sys/fs/cgroup/cpu.max").mkdir(parents=True)  # reading it is an OSError for every user
    assert cpu_quota(root) is None


def test_throttling_is_read_of_every_group_with_a_quota(tmp_path):
    files = {
        "a/cpu.max": "100000 100000",
        "a/cpu.stat": "usage_usec 9\nnr_periods 20\nnr_throttled 5\nthrottled_usec 1500000",
        "a/b/cpu.max": "max 100000",
        "a/b/cpu.stat": "usage_usec 9\nnr_periods 20\nnr_throttled 7\nthrottled_usec 9000000",
    }
    root = v2(tmp_path, files, "/a/b")
    assert throttling_files(root) == (root / "sys/fs/cgroup/a/cpu.stat",)
    assert throttling(file.read_text() for file in throttling_files(root)) == Throttling(5, 1.5)


def test_throttling_adds_up_in_seconds_and_is_unknown_where_a_part_is():
    version_1, version_2 = "nr_throttled 2\nthrottled_time 250000000\n", "nr_throttled 3\nthrottled_usec 500000\n"
    assert throttling([version_1, version_2]) == Throttling(5, 0.75)
    for unknown in ("", "rubbish", "nr_throttled 3\n", "throttled_usec 3\n", "nr_throttled x\nthrottled_usec 1\n"):
        assert throttling([version_1, unknown]) is None
    assert throttling([]) is None


def test_this_system_can_be_asked():
    assert cgroups.cpu_quota() is None or cgroups.cpu_quota() > 0
    assert (cgroups.memory_limit() is None) == (cgroups.memory_left() is None)


@pytest.mark.parametrize(
    ("quota", "cores"),
    [(None, (0, 2, 5)), (8.0, (0, 2, 5)), (3.0, (0, 2, 5)), (2.9, (0, 2)), (1.5, (0,)), (1.0, (0,)), (0.25, (0,))],
)
def test_a_quota_pays_for_whole_cores_and_for_one_at_least(quota, cores):
    assert within((0, 2, 5), quota) == cores
