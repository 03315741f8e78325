"""What is read beside a round, on the machine that runs the tests."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from bench.conditions import Watch, allowed_cores, between, read

linux = pytest.mark.skipif(not Path("/proc/stat").exists(), reason="only Linux tells")
CORES = [f"cpu{core}" for core in allowed_cores()]


def spin(seconds: float) -> None:
    until = time.process_time() + seconds
    while time.process_time() < until:
        pass


@linux
def test_own_work_is_own_and_anothers_is_foreign():
    before = read(CORES)
    spin(0.3)
    own = between(before, read(CORES))
    assert own["own_cpu"] == pytest.approx(0.3, abs=0.05)
    command = "import time; until = time.process_time() + 0.5\nwhile time.process_time() < until: pass"
    before = read(CORES)
    subprocess.run([sys.executable, "-c", command], check=True)
    others = between(before, read(CORES))
    assert others["foreign_cpu"] > 0.4
    assert others["own_cpu"] < 0.2
    assert others["runnable"] >= 1


def test_a_watch_has_an_entry_a_round():
    watch = Watch()
    watch.begin()
    for _ in range(3):
        spin(0.01)
        watch.round()
    assert {len(values) for values in watch.seen.values()} == {3}
    assert min(watch.seen["wall"]) > 0
    assert min(watch.seen["own_cpu"]) > 0


def test_what_the_system_does_not_tell_is_left_out(monkeypatch):
    monkeypatch.setattr("bench.conditions._read", lambda path: "")
    seen = between(read(CORES), read(CORES))
    assert set(seen) == {"wall", "own_cpu", "major_faults"}
