"""Shares of layers from campaigns whose numbers are known."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from results.schema.record import Case, Contestant, Record, Status
from results.store.campaigns import CampaignWriter, read_campaign
from results.tables.layers import layers
from tests.support.made_up import measured, workload

CONTESTANT, OTHER = Contestant("alpha", "eager"), Contestant("beta", "jit")
WHOLE = workload("alexnet", "gradient")
KNOWN = {"workloads": {WHOLE.id: {"layers": ["conv1", "relu1"]}}}


def times(layer: str, *seconds: float, contestant: Contestant = CONTESTANT) -> list[Record]:
    """A launch a pass of the layer alone; of the whole network for ""."""
    name = f"alexnet/{layer}" if layer else "alexnet"
    case = Case(replace(WHOLE, architecture=name), contestant)
    return [measured(case, launch, [second]) for launch, second in enumerate(seconds)]


@pytest.fixture
def table(tmp_path):
    def table(*records: list[Record], system: object = KNOWN):
        writer = CampaignWriter.create(tmp_path, "known", system)
        writer.append(record for part in records for record in part)
        writer.close()
        return layers([read_campaign(writer.folder)])

    return table


def test_shares_are_paired_by_pass_so_that_drift_between_passes_is_none(table):
    found = table(times("", 0.010, 0.020), times("conv1", 0.006, 0.012), times("relu1", 0.005, 0.010))
    assert list(found.layer) == ["conv1", "relu1"]
    assert list(found.share) == pytest.approx([0.6, 0.5])
    assert list(found.share_low) == pytest.approx([0.6, 0.5]), "twice as slow a machine is as slow for all"
    assert list(found.sum_share) == pytest.approx([1.1, 1.1]), "layers alone may well take more than together"
    assert list(found.passes) == [2, 2]
    assert list(found.whole_seconds) == pytest.approx([math.sqrt(2) / 100] * 2)


def test_passes_that_only_one_had_are_left_out(table):
    found = table(times("", 0.010), times("conv1", 0.006, 0.012), times("relu1", 0.005, 0.5, 0.5))
    assert list(found.share) == pytest.approx([0.6, 0.5])
    assert list(found.sum_share) == pytest.approx([1.1, 1.1])
    assert found.share_low.isna().all(), "one pass has no interval"


def test_launches_of_one_pass_in_several_subsets_count_once(table):
    twice = [replace(record, subset=1, seconds=(0.008,)) for record in times("conv1", 0.006)]
    found = table(times("", 0.010), times("conv1", 0.006), twice, times("relu1", 0.005))
    assert list(found.share) == pytest.approx([0.7, 0.5])


def test_there_is_no_sum_of_some_of_the_layers(table):
    found = table(times("", 0.010, 0.010), times("conv1", 0.006, 0.006))
    assert found.share.iloc[0] == pytest.approx(0.6)
    assert found.sum_share.isna().all()


def test_what_was_not_measured_has_its_reason_and_no_number(table):
    lost = Record(replace(times("relu1", 1.0)[0].case, contestant=OTHER), 0, Status.SKIPPED, "no relu")
    found = table(times("", 0.010, contestant=OTHER), times("conv1", 0.006, contestant=OTHER), [lost])
    assert list(found.status) == ["measured", "skipped"]
    assert found.reason.iloc[1] == "no relu"
    assert math.isnan(found.seconds.iloc[1])
    assert math.isnan(found.share.iloc[1])
    assert found.sum_share.isna().all()


def test_each_contestant_has_shares_of_its_own_step(table):
    found = table(
        *(
            times(one, 0.01, contestant=CONTESTANT) + times(one, 0.02, contestant=OTHER)
            for one in ("", "conv1", "relu1")
        )
    )
    assert set(found.contestant) == {CONTESTANT.id, OTHER.id}
    assert list(found.share) == pytest.approx([1.0] * 4)


@pytest.mark.parametrize("system", [{}, {"workloads": {}}])
def test_a_campaign_that_does_not_know_its_layers_has_no_sum(table, system):
    found = table(times("", 0.010), times("conv1", 0.006), system=system)
    assert found.share.iloc[0] == pytest.approx(0.6)
    assert found.sum_share.isna().all()


def test_a_campaign_without_layers_has_no_rows(table):
    assert table(times("", 0.010)).empty
