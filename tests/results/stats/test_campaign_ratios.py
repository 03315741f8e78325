"""Which contestant the ratios of a workload are to."""

from __future__ import annotations

from dataclasses import replace

import pytest

from results.schema.record import Case, Contestant
from results.stats import campaign_ratios
from results.stats.campaign_ratios import cells_between, references_of
from results.stats.cells import Timed
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


def test_each_pair_of_contestants_is_computed_once_whichever_is_the_reference(monkeypatch):
    blocks = {one: Timed({1: [first, 1.0], 2: [2.0, first]}, 1) for one, first in ((ALPHA, 1.0), (BETA, 1.5))}
    cases = {Case(INFER, one): timed for one, timed in blocks.items()}
    alone = cells_between(cases, {INFER: BETA})
    known = {}
    cells_between(cases, {INFER: ALPHA}, known)
    monkeypatch.setattr(campaign_ratios, "cell_between", None)
    (found,) = cells_between(cases, {INFER: BETA}, known).values()
    assert found.ratios == pytest.approx(alone[Case(INFER, ALPHA)].ratios)


def test_launches_with_other_numbers_of_rounds_in_a_turn_are_not_turned_round():
    """The variance of turns is by the turns of the contestant, not of its reference."""
    cases = {
        Case(INFER, one): Timed({1: [1.0, 1.1, 1.3, factor], 2: [1.2, 1.0, factor, 1.1]}, rounds)
        for one, factor, rounds in ((ALPHA, 1.5, 1), (BETA, 1.0, 2))
    }
    known = {}
    for reference in (ALPHA, BETA):
        assert cells_between(cases, {INFER: reference}, known) == cells_between(cases, {INFER: reference})
