"""Under a CPU quota: threads, the cores they are on, and what the campaign says of it."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from bench.plan import settings
from impls.host import cgroups, nvidia
from impls.host.process import CORES, on_cores
from repro.runner.trials import Runner
from results import machine
from results.compare.pairwise import REPORTED_DIFFERENCES, system_differences
from results.schema.record import Case, Contestant
from results.schema.system import system_of
from results.store.campaigns import StoredCampaign
from tests.support.made_up import workload
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


@pytest.mark.parametrize(
    ("near", "quota", "cores"),
    [((), None, (0, 1, 2, 3)), ((2, 3, 9), None, (2, 3)), ((9,), None, (0, 1, 2, 3)), ((1, 2, 3), 2.5, (1, 2))],
    ids=["not told", "a half", "others' cores", "a half under a quota"],
)
def test_for_a_card_contestants_have_the_cores_near_it_and_no_thread_is_bound_to_one(
    limited, monkeypatch, near, quota, cores
):
    limited(quota, 4)
    monkeypatch.setattr(nvidia, "cores", lambda: near)
    on_card, on_cpu = settings.environment(device="cuda"), settings.environment()
    assert settings.cores_of("cuda") == cores
    assert {on_card[name] for name in ("OMP_NUM_THREADS", "TORCHINDUCTOR_COMPILE_THREADS")} == {str(len(cores))}
    assert on_card.get(CORES) == (",".join(map(str, cores)) if len(cores) < 4 else None)
    assert on_cpu["OMP_PROC_BIND"] == "true"
    assert "OMP_PROC_BIND" not in on_card
    steady, shipped = (Contestant("jax", "jit", setting=name) for name in settings.SETTINGS)
    bound = [(one, device) for one in (steady, shipped) for device in ("cpu", "cuda") if settings.binds(one, device)]
    assert bound == [(steady, "cpu")]


def test_one_arena_is_for_large_steps_of_the_cpu(monkeypatch):
    monkeypatch.setattr(nvidia, "cores", lambda: ())
    vgg = replace(workload("vgg-d"), batch=64)
    of = {
        device: settings.environment_for_case(Case(replace(vgg, device=device), Contestant("jax", "jit")), {})
        for device in ("cpu", "cuda")
    }
    assert of["cpu"]["MALLOC_ARENA_MAX"] == "1"
    assert "MALLOC_ARENA_MAX" not in of["cuda"]


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
    assert places(None, "cuda") == [None], "one card, whose memory a trial may need"
    assert places(3, "cuda") == [None] * 3


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
