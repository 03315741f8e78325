"""Threads that compute stay on a core each; what others bound, and what is idle, is left alone."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from impls.host.usable import allowed_cores

ROOT = Path(__file__).parents[3]
CORES = sorted(allowed_cores())
pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="only Linux binds threads one by one"),
    pytest.mark.skipif(len(CORES) < 2, reason="one core binds everything as it is"),
]

SCENE = """
import json, os, threading
from bench.machine import affinity

ended = threading.Event()

def begin(name, core=None):
    ready = threading.Event()
    def wait():
        if core is not None:
            os.sched_setaffinity(threading.get_native_id(), {core})
        ready.set()
        ended.wait()
    threads[name] = threading.Thread(target=wait, daemon=True)
    threads[name].start()
    ready.wait()

threads = {}
for name in ("first", "idle", "stayed", "second", "third"):
    begin(name, max(os.sched_getaffinity(0)) if name == "stayed" else None)

def at(**seconds):
    ids = {name: thread.native_id for name, thread in threads.items()} | {"caller": threading.get_native_id()}
    return {ids[name]: int(1e9 * time) for name, time in seconds.items()}

before = at(caller=5, first=1, idle=9, stayed=0, second=0, third=0)
affinity.running_times = lambda: at(caller=6, first=2, idle=9.04, stayed=0.5, second=0.06, third=1)
bound = affinity.bind_computing(before)
where = {name: sorted(os.sched_getaffinity(thread.native_id)) for name, thread in threads.items()}
where["caller"] = sorted(os.sched_getaffinity(0))
ended.set()
print(json.dumps([bound, where]))
"""
"""Threads that wait. What each is said to have computed is on both sides of the least that counts."""


def test_those_that_compute_have_a_core_each_by_turns_and_the_caller_the_first():
    done = subprocess.run([sys.executable, "-c", SCENE], cwd=ROOT, capture_output=True, text=True, check=True)
    bound, where = json.loads(done.stdout)
    assert where["caller"] == [CORES[0]]
    assert where["idle"] == CORES, "it has computed less than a twentieth of the busiest since, whatever before"
    assert where["stayed"] == [CORES[-1]], "already bound"
    order = [where[name] for name in ("first", "second", "third")]
    assert all(len(cores) == 1 for cores in order)
    assert order[0] == [CORES[0]]
    assert len({cores[0] for cores in order}) >= 2
    assert bound == 5


def test_a_thread_that_computes_is_seen_to():
    from bench.machine import affinity

    own, before = threading.get_native_id(), affinity.running_times()
    until = time.thread_time_ns() + 10**6
    while time.thread_time_ns() < until:
        pass
    assert affinity.running_times()[own] > before[own]


def test_nothing_is_bound_where_nothing_can_be_known(tmp_path, monkeypatch):
    from bench.machine import affinity

    monkeypatch.setattr(affinity, "TASKS", tmp_path / "no such folder")
    assert affinity.running_times() == {}
    assert affinity.bind_computing({}) == 0
