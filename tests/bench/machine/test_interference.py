"""What is read beside a round, from counters of a system that is made up."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from bench.machine import interference
from bench.machine.interference import Watch, between, read

STAT = """cpu  900 0 900 9000 0 0 0 0 0 0
cpu0 {user} 2 30 1000 9 4 5 {steal} 0 0
cpu1 700 0 0 1000 0 0 0 90 0 0
intr 12345 0 0
"""
BEFORE = {
    "/proc/stat": STAT.format(user=100, steal=6),
    "/proc/pressure/cpu": "some avg10=0.00 avg60=0.00 avg300=0.00 total=2000000\nfull avg10=0.00 total=0\n",
    "/proc/loadavg": "0.50 0.40 0.30 1/96 8813\n",
    "/inner/cpu.stat": "nr_periods 10\nnr_throttled 4\nthrottled_time 250000000\n",
    "/outer/cpu.stat": "usage_usec 7\nnr_periods 10\nnr_throttled 1\nthrottled_usec 500000\n",
}
AFTER = {
    "/proc/stat": STAT.format(user=150, steal=8),
    "/proc/pressure/cpu": "some avg10=0.00 avg60=0.00 avg300=0.00 total=2125000\nfull avg10=0.00 total=0\n",
    "/proc/loadavg": "0.50 0.40 0.30 3/96 8813\n",
    "/inner/cpu.stat": "nr_periods 12\nnr_throttled 6\nthrottled_time 500000000\n",
    "/outer/cpu.stat": "usage_usec 9\nnr_periods 12\nnr_throttled 2\nthrottled_usec 1000000\n",
}
SEEN = {
    "wall": 1.0,
    "own_cpu": 0.375,
    "foreign_cpu": 0.125,  # 50 ticks of the core that is watched, less what is our own
    "steal": 0.02,
    "pressure": 0.125,
    "minor_faults": 6,
    "major_faults": 3,
    "runnable": 3,
    "throttled": 0.75,
    "throttled_periods": 3,
}


@pytest.fixture
def system(monkeypatch):
    """Sets what the system says: the contents of files, the clock, our own time on processors, and page faults."""

    def says(files: dict[str, str], wall: float, own_cpu: float, faults: int) -> None:
        monkeypatch.setattr(interference, "_read", lambda path: files.get(path, ""))
        monkeypatch.setattr(interference.time, "monotonic", lambda: wall)
        monkeypatch.setattr(interference.time, "process_time", lambda: own_cpu)
        used = SimpleNamespace(ru_minflt=2 * faults, ru_majflt=faults)
        monkeypatch.setattr(interference.resource, "getrusage", lambda _: used)

    return says


def watched(system, before=BEFORE, after=AFTER, quotas=("/inner/cpu.stat", "/outer/cpu.stat")) -> Watch:
    """One round, from `before` to `after`, on the first of two cores."""
    watch = Watch(frozenset({"cpu0"}), quotas)
    system(before, 10.0, 2.0, 5)
    watch.begin()
    system(after, 11.0, 2.375, 8)
    watch.round()
    return watch


def test_what_happened_beside_a_round_is_the_difference_of_the_systems_counters(system):
    assert watched(system).seen == {name: [value] for name, value in SEEN.items()}


def test_a_watch_has_an_entry_a_round(system):
    watch = watched(system)
    watch.round()
    assert {len(values) for values in watch.seen.values()} == {2}
    assert watch.seen["throttled"] == [0.75, 0.0], "a round begins where the one before ended"


OTHER = "/proc/77/stat"
LINE = "77 (a (b) c) S 1 77 77 0 -1 4194560 {minor} 0 {major} 0 {user} {system} 0 0 25 5 7 0 100 1000 200\n"


def test_what_other_processes_compute_for_a_launch_is_its_own(system):
    """20 ticks of the core and 7 faults were those of a process with brackets and spaces in its name."""
    watch = Watch(frozenset({"cpu0"}), (), processes=(77, 78))
    system({**BEFORE, OTHER: LINE.format(minor=100, major=3, user=50, system=10)}, 10.0, 2.0, 5)
    watch.begin()
    system({**AFTER, OTHER: LINE.format(minor=105, major=5, user=65, system=15)}, 11.0, 2.25, 8)
    watch.round()
    assert watch.seen["own_cpu"] == [0.25 + 0.2]
    assert watch.seen["foreign_cpu"] == [pytest.approx(0.5 - 0.45)]
    assert (watch.seen["minor_faults"], watch.seen["major_faults"]) == ([6 + 5], [3 + 2])


@pytest.mark.parametrize("line", ["", "77 (python) S 1 2\n"])
def test_a_process_of_which_nothing_is_told_has_used_nothing(monkeypatch, line):
    monkeypatch.setattr(interference, "_read", lambda path: line)
    assert interference.used_by(77) == interference.Used()


@pytest.mark.parametrize("file", BEFORE)
@pytest.mark.parametrize("content", ["", "nonsense\n"])
def test_what_one_file_does_not_tell_is_left_out_alone(system, file, content):
    names = {
        "/proc/stat": {"foreign_cpu", "steal"},
        "/proc/pressure/cpu": {"pressure"},
        "/proc/loadavg": {"runnable"},
        "/inner/cpu.stat": {"throttled", "throttled_periods"},
        "/outer/cpu.stat": {"throttled", "throttled_periods"},
    }[file]
    seen = watched(system, {**BEFORE, file: content}, {**AFTER, file: content}).seen
    assert seen.keys() == SEEN.keys() - names


def test_without_a_quota_nothing_is_said_of_throttling(system):
    assert watched(system, quotas=()).seen.keys() == SEEN.keys() - {"throttled", "throttled_periods"}


@pytest.mark.skipif(not Path("/proc/stat").exists(), reason="only Linux tells")
def test_this_system_is_understood():
    watch = Watch()
    watch.begin()
    watch.round()
    assert SEEN.keys() - watch.seen.keys() <= {"pressure", "throttled", "throttled_periods"}


def test_what_the_system_does_not_tell_is_left_out(monkeypatch):
    monkeypatch.setattr("bench.machine.interference._read", lambda path: "")
    seen = between(read(["cpu0"]), read(["cpu0"]))
    assert set(seen) == {"wall", "own_cpu", "minor_faults", "major_faults"}
