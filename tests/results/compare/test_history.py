"""Campaigns in the order of time: a history a machine, what changed between, what is left out and why."""

from __future__ import annotations

import math
import random
from dataclasses import replace
from pathlib import Path

import pytest

from results.compare.history import ENOUGH, MACHINE, histories
from results.compare.pairwise import compare
from results.schema.record import Case, Contestant, Record, Status
from results.schema.system import system_of
from results.store.campaigns import StoredCampaign
from results.store.journal import ResultsError
from tests.support.made_up import SYSTEM, measured, workload

ALPHA, BETA = Contestant("alpha", "eager"), Contestant("beta", "jit")
CASES = [Case(workload(phase=phase), contestant) for phase in ("infer", "train") for contestant in (ALPHA, BETA)]
INFER, OTHER = CASES[0], CASES[1]


def campaign(
    day: int, factor: float = 1.0, cases=CASES, versions: dict | None = None, **machine: object
) -> StoredCampaign:
    """A campaign of that day in which the first case takes `factor` of its usual time."""
    rng = random.Random(day)
    records = [
        measured(case, launch, [0.01 * math.exp(rng.gauss(0, 0.004)) * (factor if case == INFER else 1.0)])
        for case in cases
        for launch in range(3)
    ]
    contestants = {
        contestant: {**said, "versions": {**said["versions"], **(versions or {}).get(contestant, {})}}
        for contestant, said in SYSTEM["contestants"].items()
    }
    system = {
        **SYSTEM,
        "started": f"2026-10-{day:02d}T03:00:00Z",
        "machine": {**SYSTEM["machine"], **machine},
        "contestants": contestants,
    }
    return StoredCampaign(Path(f"day-{day:02d}"), system_of(system), tuple(records))


def dozen(step: int = 7, factor: float = 1.1) -> list[StoredCampaign]:
    """Twelve days; from day `step` on the first case takes `factor`."""
    return [campaign(day, factor if day >= step else 1.0) for day in range(1, 13)]


def test_a_case_that_steps_is_found_where_it_does_and_no_other():
    (history,) = histories(dozen()).histories
    stepped = {series.case: series.steps for series in history.series if series.steps}
    assert list(stepped) == [INFER]
    (step,) = stepped[INFER]
    assert [history.campaigns[number].name for number in (step.after, step.campaign)] == ["day-06", "day-07"]
    assert step.ratio.low < 1.1 < step.ratio.high
    assert step.seconds == pytest.approx(0.011, rel=0.01)


def test_campaigns_are_put_in_order_whatever_order_they_are_given_in():
    shuffled = random.Random(3).sample(dozen(), 12)
    assert histories(shuffled) == histories(dozen())


def test_whether_something_is_slower_is_asked_of_the_last_step_and_from_a_campaign_on():
    found = histories(dozen())
    assert found.slower() == [INFER.id]
    assert found.slower("day-07") == [INFER.id]
    assert found.slower("day-08") == []
    with pytest.raises(ResultsError, match="no campaign 'day-13' in this history; there are: day-08"):
        found.slower("day-13")
    assert histories(dozen(factor=0.9)).slower() == []
    repaired = [campaign(day, 1.2 if 5 <= day < 9 else 1.0) for day in range(1, 13)]
    found = histories(repaired)
    assert len(found.histories[0].series[0].steps) == 2
    assert found.slower() == []


def test_machines_have_histories_of_their_own():
    """Together they would step; the machine that the second half ran on is another."""
    moved = [campaign(day, 1.5 if day > 5 else 1.0, cpu="New" if day > 5 else "Old") for day in range(1, 13)]
    found = histories(moved)
    assert [(one.machine["cpu"], len(one.campaigns)) for one in found.histories] == [("New", 7), ("Old", 5)]
    assert not any(series.steps for one in found.histories for series in one.series)
    assert found.histories[1].remarks == (f"4 of 4 cases have fewer than {ENOUGH} campaigns, too few to detect a step",)


@pytest.mark.parametrize("fact", ["uuid", "pci", "mig_profile"])
def test_cards_of_one_machine_have_histories_of_their_own(fact):
    """Two cards of a machine are of one model and may differ as two machines do."""
    moved = [campaign(day, cards=[{fact: "one" if day > 5 else "other"}]) for day in range(1, 13)]
    assert [one.machine["cards"] for one in histories(moved).histories] == [["one"], ["other"]]


def test_a_change_names_its_contestant_and_the_value_before():
    campaigns = dozen()
    new = {"alpha:eager": {"alpha": "2.14.0"}}
    campaigns[5:] = [campaign(day, versions=new, kernel="6.13" if day > 8 else "6.12") for day in range(6, 13)]
    campaigns[5] = replace(campaigns[5], system=campaigns[5].system.model_copy(update={"contestants": {}}))
    (history,) = histories(campaigns).histories
    changed = {entry.name: dict(entry.changed) for entry in history.campaigns if entry.changed}
    assert changed == {
        "day-07": {"alpha:eager": ("alpha 2.13.0 → 2.14.0",)},
        "day-09": {MACHINE: ("kernel 6.12 → 6.13",)},
    }
    entries = {entry.name: entry for entry in history.campaigns}
    assert entries["day-09"].changed_for("beta:jit") == ("kernel 6.12 → 6.13",)
    assert entries["day-07"].changed_for("beta:jit") == ()


def test_where_most_cases_step_at_once_the_machine_is_named():
    slow = [campaign(day) for day in range(1, 13)]
    slow[6:] = [
        replace(one, records=tuple(replace(record, seconds=(1.2 * record.seconds[0],)) for record in one.records))
        for one in slow[6:]
    ]
    (history,) = histories(slow).histories
    assert history.remarks == (
        "4 of 4 cases step at day-07: check the machine first, or what these cases have in common",
    )
    assert histories(dozen()).histories[0].remarks == ()


def test_a_case_that_some_campaigns_lack_is_judged_by_those_that_have_it():
    campaigns = dozen()
    failed = Record(INFER, 0, Status.CRASHED, "signal 11")
    campaigns[2] = replace(campaigns[2], records=(failed, *campaigns[2].records[3:]))
    campaigns[9] = replace(campaigns[9], records=campaigns[9].records[3:])
    (history,) = histories(campaigns).histories
    series = history.series[0]
    assert [point.campaign for point in series.points] == [0, 1, 3, 4, 5, 6, 7, 8, 10, 11]
    assert series.lost == {2: "crashed in day-03: signal 11"}
    assert [(step.after, step.campaign) for step in series.steps] == [(5, 6)]


def test_of_redone_launches_only_the_last_attempt_is_a_time():
    campaigns = dozen(factor=1.0)
    again = [
        replace(
            one,
            records=tuple(
                record
                for first in one.records
                for record in (replace(first, seconds=(9.0,)), replace(first, attempt=1))
            ),
        )
        for one in campaigns
    ]
    assert histories(again).histories[0].series == histories(campaigns).histories[0].series


@pytest.mark.parametrize(
    "system",
    [{}, {"machine": None}, {"machine": "a box", "started": "2026-10-01"}, {"machine": {"cpu": None, "cores": None}}],
)
def test_a_campaign_of_an_unknown_machine_is_left_out_and_named(system):
    stray = replace(campaign(1), folder=Path("stray"), system=system_of(system))
    found = histories([*dozen(), stray])
    assert len(found.histories) == 1
    assert found.left_out == ("stray is of an unknown machine (system.json names no machine)",)
    with pytest.raises(ResultsError, match="no campaign can be placed in a history: stray is of an unknown machine"):
        histories([stray])


def test_a_campaign_that_does_not_say_when_is_dated_by_its_records_or_left_out():
    days = dozen()
    silent = replace(days[4], system=days[4].system.model_copy(update={"started": None}))
    assert histories([silent, days[0]]).left_out == (
        "day-05 has no start time, neither in its metadata nor in a record",
    )
    dated = replace(silent, records=tuple(replace(one, started="2026-10-05T03:00:10+00:00") for one in silent.records))
    (history,) = histories([dated, days[0], days[8]]).histories
    assert [entry.name for entry in history.campaigns] == ["day-01", "day-05", "day-09"]


def test_a_single_campaign_has_a_history():
    (history,) = histories([campaign(1)]).histories
    assert [len(series.levels) for series in history.series] == [1] * len(CASES)


def test_campaigns_whose_systems_say_odd_things_are_compared_all_the_same():
    odd = {"machine": {"cpu": "Odd", "gpus": "none", "memory_bytes": "much"}, "suite": [], "settings": 3}
    one, other = (
        replace(campaign(day), system=system_of({**odd, "contestants": {"alpha:eager": "?"}})) for day in (1, 2)
    )
    assert compare(one, other).differences == ()
