"""The table of rankings: what is ranked, and that it agrees with the verdicts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

import results
from results.schema.record import Case, Contestant, Workload
from results.store.campaigns import CampaignWriter, StoredCampaign, read_campaign
from results.tables import cases, ranking
from tests.support.made_up import SYSTEM, launches, lively_records, measured, probe, workload

REFERENCE = Path(__file__).parents[3] / "results" / "data" / "reference-cpu-2cores"
ALPHA, BETA = Contestant("alpha", "eager"), Contestant("beta", "jit")


@pytest.fixture
def written(tmp_path):
    def written(*records, **changes) -> StoredCampaign:
        writer = CampaignWriter.create(tmp_path, "made-up", {**SYSTEM, **changes})
        writer.append(records)
        writer.close()
        return read_campaign(writer.folder)

    return written


def both(load: Workload, alpha: float = 0.02, beta: float = 0.01) -> list:
    return [
        *launches(Case(load, ALPHA), alpha, 4, 0.001, "a"),
        *launches(Case(load, BETA), beta, 4, 0.001, "b"),
    ]


def test_whole_networks_are_ranked_by_phase(written):
    frame = ranking.ranking([written(*both(workload()), *both(workload(phase="train"), 0.01, 0.02))])
    found = frame.set_index(["phase", "contestant"])
    assert found.unbeaten.to_dict() == {
        ("infer", "alpha:eager"): 0, ("infer", "beta:jit"): 1, ("train", "alpha:eager"): 1, ("train", "beta:jit"): 0,
    }  # fmt: skip
    assert found.ratio["infer", "beta:jit"] == pytest.approx(0.5, rel=0.01)
    assert found.ratio["infer", "alpha:eager"] == 1
    assert (found.common == 1).all()


def test_probes_layers_streams_and_other_phases_are_not_ranked(written):
    load = workload()
    others = [
        probe("probe-matmul"),
        replace(load, architecture="alexnet/conv1"),
        replace(load, stream="photos"),
        workload(phase="gradient"),
        workload(phase="forward"),
    ]
    assert ranking.rankings(written(*(record for one in others for record in both(one)))) == []


def test_nothing_is_ranked_where_controls_allow_no_verdict(written):
    copy = replace(BETA, copy=1)
    records = [
        measured(Case(load, one), launch, [seconds])
        for load in (workload(), workload("vgg-a"), workload(height=32), workload(height=96))
        for launch in range(3)
        for one, seconds in ((ALPHA, 2.0), (BETA, 1.0), (copy, 1.5))
    ]
    assert ranking.rankings(written(*records)) == []


def test_one_launch_ranks_no_contestant(written):
    (found,) = ranking.rankings(written(*(measured(Case(workload(), one), 0, [1.0]) for one in (ALPHA, BETA))))
    assert found.known == 0


def test_failures_and_hostile_names_are_no_contestants_of_a_ranking(written):
    for found in ranking.rankings(written(*lively_records())):
        assert set(found.contestants) == {
            "alpha:eager", "beta:jit", "gamma:graph", "delta:xla", "noisy:eager", "flaky:eager", "single:eager",
        }  # fmt: skip
        assert found.common == 2
        assert "single:eager" not in found.overall, "one launch has no interval"


def test_an_unbeaten_contestant_is_never_slower_in_the_table_of_cases():
    campaign = read_campaign(REFERENCE)
    frame = cases.cases([campaign])
    for found in ranking.rankings(campaign):
        for one in found.workloads:
            rows = frame[(frame.group == one.workload) & (frame.verdict == "slower")]
            assert not set(rows.contestant) & set(one.unbeaten)


def test_the_table_is_loaded_by_name():
    frame = results.load(REFERENCE, rows="ranking")
    assert list(frame.phase.unique()) == ["infer", "train"]
