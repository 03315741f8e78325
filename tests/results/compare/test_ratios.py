"""Ratios of every contestant to every other that ran beside it."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from results.compare.ratios import judged_ratios, pairs
from results.schema.record import Case, Contestant
from results.stats.campaign_ratios import cells_of, references_of
from results.stats.moderation import judged_cells
from results.store.campaigns import CampaignWriter, read_campaign
from tests.support.made_up import SYSTEM, launches, measured, workload

ALPHA, BETA, GAMMA = Contestant("alpha", "eager"), Contestant("beta", "jit"), Contestant("gamma", "graph")
LOAD = workload()
REFERENCE = Path(__file__).parents[3] / "results" / "data" / "reference-quick"


@pytest.fixture
def ratios(tmp_path):
    def ratios(*records):
        writer = CampaignWriter.create(tmp_path, "made-up", SYSTEM)
        writer.append(records)
        writer.close()
        return pairs(read_campaign(writer.folder))

    return ratios


def test_pairs_has_each_ratio_and_its_inverse(ratios):
    records = launches(Case(LOAD, ALPHA), 0.02, 4, 0.01, "a") + launches(Case(LOAD, BETA), 0.01, 4, 0.01, "b")
    (found,) = ratios(*records).values()
    assert found.keys() == {("alpha:eager", "beta:jit"), ("beta:jit", "alpha:eager")}
    there, back = found["alpha:eager", "beta:jit"], found["beta:jit", "alpha:eager"]
    assert there.value * back.value == pytest.approx(1)
    assert there.low * back.high == pytest.approx(1)
    assert there.low < there.value < there.high
    assert there.value == pytest.approx(2, rel=0.1)


def test_pairs_leaves_out_contestants_that_never_ran_together(ratios):
    records = [measured(Case(LOAD, ALPHA), 0, [0.02]), measured(Case(LOAD, BETA), 0, [0.01])]
    records += [measured(Case(LOAD, GAMMA), 1, [0.01])]
    (found,) = ratios(*records).values()
    assert found.keys() == {("alpha:eager", "beta:jit"), ("beta:jit", "alpha:eager")}
    assert math.isnan(found["alpha:eager", "beta:jit"].low), "one launch has no interval"


def test_pairs_keeps_workloads_apart(ratios):
    other = workload(phase="train")
    records = [measured(Case(load, one), 0, [0.01]) for load in (LOAD, other) for one in (ALPHA, BETA)]
    assert ratios(*records).keys() == {LOAD.id, other.id}


def test_a_committed_campaign_of_one_machine_has_the_very_ratios_of_its_launches():
    campaign = read_campaign(REFERENCE)
    records = (*campaign.records, *campaign.copies)
    references = references_of((record.case for record in records), campaign.system.reference)
    judged = judged_cells(cells_of(records, references))
    (found,) = judged_ratios(campaign, references)
    assert found.ratios == judged.ratios
    assert found.control == judged.control
