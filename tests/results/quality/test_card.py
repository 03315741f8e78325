"""Flags of a launch's GPU, from made-up conditions after its turns."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from results import advice
from results.schema.record import CardConditions, Case, Contestant, Record, from_json, to_json
from results.schema.system import System
from results.stats.launches import values
from results.store.campaigns import StoredCampaign
from results.tables.cases import cases
from tests.support.made_up import measured, workload

CASE = Case(replace(workload(), device="cuda"), Contestant("alpha", "eager"))
STEADY = CardConditions((1.5e9, 1.51e9), ("", ""), (0, 0))


def launch(card: CardConditions | None, number: int = 0) -> Record:
    return replace(measured(CASE, number, [0.1] * 4), card=card, turns=(0, 3))


def campaign(*found: CardConditions | None) -> StoredCampaign:
    return StoredCampaign(Path("made-up"), System(), [launch(one, number) for number, one in enumerate(found)])


def flags(*found: CardConditions | None) -> str:
    (row,) = cases([campaign(*found)]).to_dict("records")
    return str(row["quality_flags"])


FLAGGED = {
    "another process": (replace(STEADY, foreign_processes=(0, 1)), "gpu_shared", "up to 1 other compute processes"),
    "its power limit": (
        replace(STEADY, slowed_by=("its power limit", "")),
        "gpu_throttled",
        "after up to 50% of a launch's turns: its power limit",
    ),
    "its clock": (
        replace(STEADY, clock_hz=(1.5e9, 1.6e9)),
        "gpu_clock",
        "differed by up to 6.7% between turns of a case (1500 to 1600 MHz; limit: 2%)",
    ),
}


@pytest.mark.parametrize("case", FLAGGED)
def test_what_a_card_did_between_turns_is_a_flag_with_figures_and_a_remedy(case):
    seen, flag, words = FLAGGED[case]
    assert flags(STEADY, seen) == flag
    (note,) = [note for note in advice.warnings_for(campaign(STEADY, seen)) if words in note["what"]]
    assert "nvidia-smi" in note["remedy"]


def test_a_steady_card_has_no_flag_and_neither_has_one_that_tells_nothing():
    assert flags(STEADY, STEADY) == ""
    assert flags(None, CardConditions(missing={"clock_hz": "not supported"})) == ""


def test_clocks_that_differ_between_launches_of_a_case_are_seen():
    assert flags(STEADY, replace(STEADY, clock_hz=(1.6e9, 1.6e9))) == "gpu_clock"


@given(st.lists(st.floats(1e8, 3e9), min_size=1, max_size=9))
def test_the_clock_is_flagged_when_and_only_when_any_two_turns_differ_by_more_than_the_limit(clocks):
    expected = "gpu_clock" if max(clocks) / min(clocks) - 1 > 0.02 else ""
    assert flags(replace(STEADY, clock_hz=tuple(clocks))) == expected


def test_what_the_driver_does_not_tell_between_turns_is_missing_with_its_reason():
    one = launch(CardConditions((1.5e9,), (), (), {"slowed_by": "not supported", "clock_hz": "once only"}))
    found = values(one)
    assert found["turn_clock_low_hz"] == found["turn_clock_high_hz"] == 1.5e9
    assert (found["turn_slowed"], found["turn_slowed_by"], found["turn_foreign_processes"]) == (None, None, None)
    assert '"turn_slowed": "not supported"' in found["usage_missing"]
    assert "once only" not in found["usage_missing"], "that value is known"


def test_a_record_keeps_them_and_an_older_one_has_none():
    one = launch(FLAGGED["its power limit"][0])
    assert from_json(to_json(one)) == one
    older = to_json(launch(None)).replace('"card":null,', "").replace('"schema":9', '"schema":8')
    assert '"card"' not in older
    assert from_json(older).card is None
