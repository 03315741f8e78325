"""Which contestant the ratios of a workload are to."""

from __future__ import annotations

from dataclasses import replace

from results.schema.record import Case, Contestant
from results.stats.campaign_ratios import references_of
from tests.support.made_up import workload

ALPHA, BETA = Contestant("alpha", "eager"), Contestant("beta", "jit")
COPY = replace(BETA, copy=1)
INFER, TRAIN = workload(phase="infer"), workload(phase="train")


def test_the_reference_is_the_named_contestant_wherever_it_takes_part_and_else_the_first():
    cases = [Case(INFER, ALPHA), Case(INFER, BETA), Case(TRAIN, ALPHA)]
    assert references_of(cases, BETA.id) == {INFER: BETA, TRAIN: ALPHA}
    assert references_of(cases, None) == {INFER: ALPHA, TRAIN: ALPHA}


def test_a_copy_is_no_reference():
    assert references_of([Case(INFER, COPY), Case(INFER, BETA)], COPY.id) == {INFER: BETA}
