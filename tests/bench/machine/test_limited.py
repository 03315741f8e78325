"""Under a CPU quota: threads, the cores they are on, and what the campaign says of it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from bench.plan import settings
from impls.host import cgroups
from impls.host.process import CORES, on_cores
from repro.runner.trials import Runner
from results import machine
from results.compare.pairwise import REPORTED_DIFFERENCES, system_differences
from results.schema.system import system_of
from results.store.campaigns import StoredCampaign
from tests.support.started import ROOT

QUOTAS = pytest.mark.parametrize(("quota", "threads"), [(None, 4), (4.0, 4), (2.5, 2), (1.5, 1), (0.5, 1)])


@QUOTAS
def test_contestants_have_as_many_threads_as_a_quota_pays_for(limited, quota, threads):
    limited(quota, 4)
    assert settings.cores() == threads
    asked = settings.environment()
    assert {asked[name] for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "TF_NUM_INTRAOP_THREADS")} == {str(threads)}
    assert asked.get(CORES) == (",".join(map(str, range(threads))) if threads < 4 else None)
    assert settings.environment("as-shipped") == {}


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="only Linux keeps a process to cores")
def test_a_zygote_keeps_to_the_cores_that_it_is_given_before_it_imports():
    cores = sorted(os.sched_getaffinity(0))[-1:]
    script = (
        "import os, socket, sys; from bench.worker import zygote; here, there = socket.socketpair(); "
        "sys.argv[1:] = [str(there.detach()), 'outside.framework']; zygote.serve = lambda control: None; "
        "zygote.main(); "
        "from bench.machine.interference import Watch; print(sorted(os.sched_getaffinity(0)), sorted(Watch().cores))"
    )
    paths = os.pathsep.join([str(ROOT), str(ROOT / "tests/outside")])
    environment = {**os.environ, **on_cores(cores), "PYTHONPATH": paths}
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True)
    assert done.stdout.strip() == f"{cores} {[f'cpu{core}' for core in cores]}", done.stderr


@QUOTAS
def test_trials_side_by_side_are_as_many_as_a_quota_pays_for(limited, quota, threads):
    limited(quota, 4)

    def places(side_by_side: int | None, device: str) -> list[int | None]:
        return Runner._cores(SimpleNamespace(_side_by_side=side_by_side), [device])

    assert places(None, "cpu") == list(range(threads))
    assert places(3, "cpu") == [0, 1, 2], "as many as were asked for"
    assert places(None, "cuda") == [None] * threads


@pytest.mark.parametrize(("quota", "said"), [(None, 0), (2.0, 0), (1.99, 1), (0.5, 1)])
def test_a_quota_below_the_cores_is_recorded_and_a_warning(limited, monkeypatch, quota, said):
    limited(quota, 2)
    monkeypatch.setattr(cgroups, "memory_limit", lambda: 2**31)
    monkeypatch.setattr(machine, "_load", lambda: 0.0)
    described = machine.describe()
    assert (described["cpu_quota"], described["allowed_cores"]) == (quota, 2)
    assert described["memory_limit_bytes"] == 2**31
    warnings = machine.warnings(described)
    assert len(warnings) == said
    assert all("CPU quota" in one["what"] and "--cpuset-cpus" in one["remedy"] for one in warnings)


def test_campaigns_under_other_limits_say_so_and_older_ones_are_taken_to_have_none():
    def campaign(**limits: object) -> StoredCampaign:
        return StoredCampaign(Path("made-up"), system_of({"machine": limits}), ())

    old, free = campaign(), campaign(cpu_quota=None, memory_limit_bytes=None)
    bound = campaign(cpu_quota=1.5, memory_limit_bytes=2**31)
    assert system_differences(old, free, REPORTED_DIFFERENCES) == ()
    assert system_differences(free, bound, REPORTED_DIFFERENCES) == (
        "cpu_quota None and 1.5",
        "memory_limit_bytes None and 2147483648",
    )
