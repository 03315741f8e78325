"""Campaigns of one page that measured the same: whether they agree, and which one was disturbed more."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from reports.pages import campaign as page
from reports.rows.overlap import overlaps
from results.schema.record import Case, Conditions, Contestant, Record
from results.store.campaigns import StoredCampaign
from tests.support.made_up import SYSTEM, launches, workload

ALPHA = Case(workload(), Contestant("alpha", "eager"))
BETA = Case(workload(phase="train"), Contestant("alpha", "eager"))


def taken(record: Record, cores: float) -> Record:
    """The record of a launch beside other processes that used so many of two cores."""
    wall = (0.1,) * len(record.seconds)
    conditions = Conditions(2, wall, wall, tuple(cores * one for one in wall), tuple(0.0 for _ in wall))
    return replace(record, conditions=conditions)


def campaign(write: Callable[..., StoredCampaign], name: str, factor: float, cores: float = 0.0) -> StoredCampaign:
    made = [one for case, base in ((ALPHA, 0.1), (BETA, 0.1)) for one in launches(case, base, 6, 0.001, "s")]
    records = [taken(one, cores) for one in made]
    slow = [
        replace(one, seconds=tuple(factor * seconds for seconds in one.seconds)) if one.case == BETA else one
        for one in records
    ]
    return write(slow, name)


def test_campaigns_that_disagree_say_so_and_which_was_disturbed(write_campaign: Callable[..., StoredCampaign]) -> None:
    one, other = campaign(write_campaign, "one", 1.0, 0.02), campaign(write_campaign, "other", 1.3, 0.4)
    first, second = overlaps([one, other])
    assert first == ""
    assert second == (
        "Of 2 cases shared with one, slower here: 1; faster: 0; by up to 30 %. Do not compare times of the two. "
        "Other processes and guests took 1.0 % in one and 20.0 % in other of the cores' time, so other was disturbed "
        "more. Case by case: python -m bench compare one other."
    )
    html = page.render([one, other])
    assert html.index("<h1>") < html.index('<article id="c2"') < html.index("so other was disturbed more")
    assert "disturbed more" not in page.render([one])


def test_campaigns_that_agree_say_so(write_campaign: Callable[..., StoredCampaign]) -> None:
    pair = [campaign(write_campaign, name, 1.0) for name in ("one", "other")]
    assert overlaps(pair)[1].startswith("Of 2 cases shared with one, none is shown to differ in time. Other processes")


def test_campaigns_of_other_machines_are_not_compared(write_campaign: Callable[..., StoredCampaign]) -> None:
    made = launches(ALPHA, 0.1, 3, 0.001, "s")
    moved = {**SYSTEM, "machine": {**SYSTEM["machine"], "cpu": "Another"}}
    pair = [write_campaign(made, "one"), write_campaign(made, "other", moved)]
    assert overlaps(pair)[1] == (
        "It shares 1 case with one, which is of another system: cpu Some CPU @ 2.4 GHz and Another."
    )


@pytest.mark.parametrize("unknown", ["machine", "conditions"])
def test_what_is_unknown_is_said(write_campaign: Callable[..., StoredCampaign], unknown: str) -> None:
    made = launches(ALPHA, 0.1, 3, 0.001, "s")
    system = {} if unknown == "machine" else SYSTEM
    pair = [write_campaign(made, name, system) for name in ("one", "other")]
    expected = {"machine": "are not compared: one is of an unknown machine", "conditions": "was not recorded"}
    assert expected[unknown] in overlaps(pair)[1]


def test_campaigns_without_a_common_case_say_nothing(write_campaign: Callable[..., StoredCampaign]) -> None:
    pair = [write_campaign(launches(case, 0.1, 3, 0.001, "s"), name) for case, name in ((ALPHA, "one"), (BETA, "two"))]
    assert overlaps(pair) == ["", ""]
