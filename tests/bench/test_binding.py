"""Threads that compute stay on a core each; what others bound, and what is idle, is left alone."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from bench.conditions import allowed_cores

ROOT = Path(__file__).parent.parent.parent
CORES = sorted(allowed_cores())
pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="only Linux binds threads one by one"),
    pytest.mark.skipif(len(CORES) < 2, reason="one core binds everything as it is"),
]

SCENE = """
import json, os, threading, time, zlib
from bench.binding import bind_computing, running_times

ended, calm, ids = threading.Event(), threading.Event(), {}

def compute():
    while not ended.is_set():
        zlib.crc32(bytes(10**6))  # without the interpreter's lock

def sit(): calm.wait()

def stay():
    os.sched_setaffinity(threading.get_native_id(), {max(os.sched_getaffinity(0))})
    compute()

threads = {name: threading.Thread(target=target) for name, target in
           (("first", compute), ("idle", sit), ("stayed", stay), ("second", compute), ("third", compute))}
for thread in threads.values():
    thread.start()
time.sleep(0.05)
before = running_times()
until = time.monotonic() + 0.5
while time.monotonic() < until:
    zlib.crc32(bytes(10**6))
bound = bind_computing(before)
where = {name: sorted(os.sched_getaffinity(thread.native_id)) for name, thread in threads.items()}
where["caller"] = sorted(os.sched_getaffinity(0))
ended.set(), calm.set()
print(json.dumps([bound, where]))
"""


def test_those_that_compute_have_a_core_each_by_turns_and_the_caller_the_first():
    done = subprocess.run([sys.executable, "-c", SCENE], cwd=ROOT, capture_output=True, text=True, check=True)
    bound, where = json.loads(done.stdout)
    assert where["caller"] == [CORES[0]]
    assert where["idle"] == CORES, "it has computed nothing"
    assert where["stayed"] == [CORES[-1]], "somebody has bound it already"
    order = [where[name] for name in ("first", "second", "third")]
    assert all(len(cores) == 1 for cores in order)
    assert order[0] == [CORES[0]]
    assert len({cores[0] for cores in order}) >= 2
    assert bound == 5


def test_nothing_is_bound_where_nothing_can_be_known(tmp_path, monkeypatch):
    from bench import binding

    monkeypatch.setattr(binding, "TASKS", tmp_path / "no such folder")
    assert binding.running_times() == {}
    assert binding.bind_computing({}) == 0
