"""Which contestant the ratios of a workload are to."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from results.schema.record import Case, Contestant
from results.stats.campaign_ratios import cells_of, judged_ratios, references_of
from results.stats.moderation import judged_cells
from results.store.campaigns import read_campaign
from tests.support.made_up import workload

REFERENCE = Path(__file__).parents[3] / "results" / "data" / "reference-quick"
ALPHA, BETA = Contestant("alpha", "eager"), Contestant("beta", "jit")
COPY = replace(BETA, copy=1)
INFER, TRAIN = workload(phase="infer"), workload(phase="train")


def test_the_reference_is_the_named_contestant_wherever_it_takes_part_and_else_the_first():
    cases = [Case(INFER, ALPHA), Case(INFER, BETA), Case(TRAIN, ALPHA)]
    assert references_of(cases, BETA.id) == {INFER: BETA, TRAIN: ALPHA}
    assert references_of(cases, None) == {INFER: ALPHA, TRAIN: ALPHA}


def test_a_copy_is_no_reference():
    assert references_of([Case(INFER, COPY), Case(INFER, BETA)], COPY.id) == {INFER: BETA}


def test_a_committed_campaign_of_one_machine_has_the_very_ratios_of_its_launches():
    campaign = read_campaign(REFERENCE)
    records = (*campaign.records, *campaign.copies)
    references = references_of((record.case for record in records), campaign.system.reference)
    judged = judged_cells(cells_of(records, references))
    found = judged_ratios(records, references)
    assert found.ratios == judged.ratios
    assert found.control == judged.control
