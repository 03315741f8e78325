"""Campaigns of the suites for cards with simulated launches: what is expected to fit is measured."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bench.cost import colocation
from bench.gate.pool import Pool
from bench.launch.fake import EVIDENCE, Behaviour, FakeLauncher, VirtualClock
from bench.launch.weights import Weights
from bench.plan import suite as suites
from bench.runner.campaign import CampaignRunner
from docs.cards import planned
from impls.frameworks import Framework
from results.schema.record import Case, Status

COMPILING = {"compile": 60.0, "compile-graphs": 60.0, "xla": 20.0, "jit": 20.0, "jax": 20.0}
"""Seconds of a first call by execution, where it compiles a large network."""
SMALL = ("lenet5", "probe-")


def on_a_card(case: Case, launch: int) -> Behaviour:
    """Five seconds a process, and a first call that is compiled in the gate and in the first launch."""
    share = 0.25 if case.workload.architecture.startswith(SMALL) else 1.0
    compiling = share * COMPILING.get(case.contestant.execution, 3.0)
    first = compiling if launch == 0 else 0.3 * compiling
    there = replace(EVIDENCE, devices=(case.workload.device,))
    return Behaviour(
        0.01, build_seconds=5.0, evidence_seconds=5.0 + compiling, first_call_seconds=first, evidence=there
    )


@pytest.fixture(autouse=True)
def machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Every framework is installed, and all fits into memory; weights are not written."""
    monkeypatch.setattr(Framework, "missing", lambda *_: None)
    monkeypatch.setattr(colocation, "memory_limit", lambda limit, *_: limit)
    monkeypatch.setattr(Pool, "_fit", lambda *_: True)
    monkeypatch.setattr(Weights, "folder_of", lambda *_: tmp_path)


@pytest.mark.parametrize("name", ["gpu-first", "gpu"])
def test_every_case_of_a_suite_for_cards_is_measured_within_its_budget(name: str) -> None:
    """The fewest launches of each are, before any network has more."""
    fewest = suites.load_suite(name).launches[0]
    suite, clock = suites.load_suite(name, launches=fewest), VirtualClock()
    ledger = planned(suite)
    launcher = FakeLauncher(clock, on_a_card, suite.time_limit)
    CampaignRunner(ledger, suite, launcher=launcher, clock=clock).run()
    measured = {record.case for record in ledger.records if record.status is Status.MEASURED}
    assert measured == set(ledger.cases)
    assert clock() <= suite.budget
