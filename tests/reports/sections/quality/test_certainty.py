"""Measurement quality: flags, repeated blocks, strips, and the A/A check."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from reports.figures import strips
from reports.format import networks
from reports.pages import campaign as page
from reports.sections.quality import certainty
from reports.sections.section import CampaignView, with_superseded
from results.compare import ratios
from results.schema.record import Case, Conditions, Contestant, Record
from results.store.campaigns import StoredCampaign
from results.tables import cases
from results.tables.launches import launches as launches_of
from tests.support.made_up import launches, measured, workload

ALPHA, BETA = Contestant("alpha", "eager"), Contestant("beta", "eager")


def disturbed(contestant: Contestant, launch: int, attempt: int, foreign: float, seconds: float = 0.01) -> Record:
    record = measured(Case(workload(), contestant), launch, [seconds] * 4)
    wall = (seconds,) * 4
    conditions = Conditions(2, wall, wall, tuple(foreign * one for one in wall), (0.0,) * 4)
    return replace(record, attempt=attempt, conditions=conditions)


@pytest.fixture
def again(write_campaign: Callable[..., StoredCampaign]) -> StoredCampaign:
    """Two contestants in six blocks, the third of which was run again."""
    made = [
        disturbed(contestant, launch, attempt, 0.7 if launch == 2 and attempt == 0 else 0.01)
        for launch in range(6)
        for attempt in range(2 if launch == 2 else 1)
        for contestant in (ALPHA, BETA)
    ]
    return write_campaign(made)


def test_a_block_that_was_run_again_is_told_with_what_disturbed_it(again: StoredCampaign) -> None:
    frame = with_superseded(launches_of([again]))
    (found,) = certainty.repeated_blocks(frame)
    assert found == certainty.Redone(workload().id, [2], 1, "0.70", "0.0")
    assert certainty.repeated_blocks(frame[frame["launch"] != 2]) == []
    assert "excluded from all results: 1, of 1 workload<" in page.render([again])


def test_superseded_launches_are_marked_and_keep_their_place(again: StoredCampaign) -> None:
    frame = with_superseded(launches_of([again]))
    assert frame.loc[frame["superseded"], ["launch", "attempt"]].to_numpy().tolist() == [[2, 0], [2, 0]]
    order = certainty.order(frame, cases.cases([again]))
    assert order[:, 1].tolist().index(1) == 4
    assert order[:, 0].tolist() == pytest.approx([1.0] * 14)


def test_a_repetition_supersedes_no_launch_of_another_node(write_campaign: Callable[..., StoredCampaign]) -> None:
    attempts = [("n1", 0), ("n1", 1), ("n2", 0)]
    made = [replace(disturbed(ALPHA, 0, attempt, 0.01), node=node) for node, attempt in attempts]
    assert with_superseded(launches_of([write_campaign(made)]))["superseded"].tolist() == [True, False, False]


def test_strips_need_a_second_launch(again: StoredCampaign, write_campaign: Callable[..., StoredCampaign]) -> None:
    def drawn(campaign: StoredCampaign) -> str:
        frame = with_superseded(networks.with_network(launches_of([campaign])))
        (network,) = networks.networks(cases.cases([campaign]))
        return strips.strips(network, frame, list(network.contestants), "k")

    once = write_campaign([measured(Case(workload(), ALPHA), 0, [0.01])], name="once")
    assert drawn(once) == ""
    assert "launch's time / mean" in drawn(again)
    assert strips.run_order(np.ones((5, 2)), "k") == ""


def test_a_case_with_one_launch_never_looks_steady(write_campaign: Callable[..., StoredCampaign]) -> None:
    twice = [measured(Case(workload(), ALPHA), launch, [0.01 * (launch + 1)]) for launch in range(2)]
    campaign = write_campaign([*twice, measured(Case(workload(), BETA), 0, [0.01])])
    frame = with_superseded(networks.with_network(launches_of([campaign])))
    assert len(certainty.order(frame, cases.cases([campaign]))) == 2
    (network,) = networks.networks(cases.cases([campaign]))
    drawn = strips.strips(network, frame, list(network.contestants), "k")
    assert ALPHA.id in drawn
    assert BETA.id not in drawn


def test_flags_name_their_cases_and_what_they_mean(lively: StoredCampaign) -> None:
    frame = cases.cases([lively])
    found = certainty.flags(frame)
    assert found
    for flag in found:
        name = flag.name.replace(" ", "_")
        assert flag.cases == [
            case for case, said in zip(frame["case"], frame["quality_flags"]) if name in said.split(", ")
        ]
        assert flag.meaning
    assert [len(flag.cases) for flag in found] == sorted((len(flag.cases) for flag in found), reverse=True)


def test_the_same_is_found_by_its_versions_and_compared(write_campaign: Callable[..., StoredCampaign]) -> None:
    one, other, newer = (Contestant("alpha", "eager", label) for label in ("one", "other", "newer"))
    names = {
        contestant.id: {"versions": {"alpha": "2" if contestant is newer else "1"}}
        for contestant in (one, other, newer)
    }
    made = [
        record
        for phase in ("infer", "train")
        for contestant in (one, other, newer)
        for record in launches(Case(workload(phase=phase), contestant), 0.01, 5, 0.01, f"{contestant.id}{phase}")
    ]
    campaign = write_campaign(made, system={"contestants": names})
    everyone = [contestant.id for contestant in (one, other, newer)]
    (pair,) = certainty.aa_pairs(campaign.system, everyone, ratios.pairs(campaign))
    assert (pair.one, pair.other, pair.workloads) == (one.id, other.id, 2)
    assert pair.ratio is not None
    assert pair.ratio.value == pytest.approx(1, abs=0.03)
    assert "alpha:eager@other over alpha:eager@one" in page.render([campaign])


def test_without_the_same_twice_the_page_says_how_to_see_it(again: StoredCampaign) -> None:
    assert "This campaign has no pair of identical contestants" in page.render([again])


def strip(write_campaign: Callable[..., StoredCampaign], launches: int) -> str:
    made = [disturbed(ALPHA, launch, 0, 0.01, 0.01 + 1e-5 * (launch % 97)) for launch in range(launches)]
    (part,) = CampaignView(write_campaign(made, name=f"of-{launches}"), "c1").parts
    return strips.strips(part.network, part.launches(*strips.NEEDED), [ALPHA.id], "k")


def test_a_figure_of_launches_does_not_grow_with_their_number(write_campaign: Callable[..., StoredCampaign]) -> None:
    few, many, most = (len(strip(write_campaign, launches)) for launches in (30, 300, 900))
    assert few < many
    assert most == pytest.approx(many, rel=0.02)


def test_of_many_repeated_launches_some_are_named(again: StoredCampaign, monkeypatch: pytest.MonkeyPatch) -> None:
    redone = certainty.Redone("group", list(range(23)), 23, "0.70", "0.0")
    monkeypatch.setattr(certainty, "repeated_blocks", lambda launches: [redone])
    assert "<td>" + ", ".join(map(str, range(20))) + " and 3 more</td>" in page.render([again])
