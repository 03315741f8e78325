"""Ceilings from a campaign's probes, and how far its cases are from them."""

from __future__ import annotations

import math

import pytest

from results.compare.limits import Limits, limits_of, roof
from results.schema.record import Case, Contestant
from results.store.campaigns import CampaignWriter, read_campaign
from tests.support.made_up import SYSTEM, measured, probe, workload

ALPHA, BETA = Contestant("alpha", "eager"), Contestant("beta", "jit")
LOAD = workload()
KIND = ("float32", "cpu")
MATMUL, GEMV = probe("probe-matmul"), probe("probe-gemv")
"""1e10 multiply-accumulates and 1e6 bytes; 1e7 and 1e8."""


@pytest.fixture
def limits(tmp_path):
    def limits(*records, system=SYSTEM):
        writer = CampaignWriter.create(tmp_path, "made-up", system)
        writer.append(records)
        writer.close()
        return limits_of(read_campaign(writer.folder))

    return limits


def test_a_ceiling_is_the_fastest_contestant_s(limits):
    found = limits(
        measured(Case(MATMUL, ALPHA), 0, [0.2]),
        measured(Case(MATMUL, BETA), 0, [0.1]),
        measured(Case(GEMV, ALPHA), 0, [0.05]),
    )
    assert {key: (one.rate, one.contestant) for key, one in found.ceilings.items()} == {
        ("macs", KIND): (pytest.approx(1e11), BETA.id),
        ("bytes", KIND): (pytest.approx(2e9), ALPHA.id),
    }
    assert (found.probe(MATMUL), found.probe(GEMV), found.probe(LOAD)) == ("macs", "bytes", "")


def test_columns_are_shares_of_the_ceiling(limits):
    found = limits(measured(Case(MATMUL, ALPHA), 0, [0.1]))
    assert found.columns(LOAD, 0.01) == {
        "macs_per_second": pytest.approx(1e10),
        "macs_per_byte": 10,
        "min_memory_bytes": 3e8,
        "fraction_of_peak": pytest.approx(0.1),
    }


def test_columns_without_a_probe_have_no_share(limits):
    assert "fraction_of_peak" not in limits(measured(Case(LOAD, ALPHA), 0, [0.1])).columns(LOAD, 0.01)


@pytest.mark.parametrize("said", [None, "nothing", {LOAD.id: "nothing"}, {LOAD.id: {"macs": 1}}])
def test_a_campaign_whose_system_lacks_the_tables_has_no_limits(limits, said):
    found = limits(measured(Case(LOAD, ALPHA), 0, [0.1]), system={**SYSTEM, "workloads": said})
    assert found.columns(LOAD, 0.01) == {}
    assert not found.ceilings


def test_the_roof_is_the_lower_of_arithmetic_and_memory(limits):
    found = limits(measured(Case(MATMUL, ALPHA), 0, [0.1]), measured(Case(GEMV, ALPHA), 0, [0.05]))
    assert roof(found, KIND, 1.0) == pytest.approx(2e9)
    assert roof(found, KIND, 1e6) == pytest.approx(1e11)
    assert math.isnan(roof(found, ("bfloat16", "cpu"), 1.0))
    assert math.isnan(roof(Limits(), KIND, 1.0))
