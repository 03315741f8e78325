"""The section of nodes: machines, what became of their units, and the cells that differ."""

from __future__ import annotations

import json

import pytest

from reports.pages import campaign as page
from reports.sections.machine import nodes
from reports.sections.section import CampaignView
from results.schema.system import system_of
from results.store.campaigns import StoredCampaign
from tests.support.fleet import node_campaigns
from tests.support.made_up import HOSTILE


@pytest.fixture(scope="module")
def off() -> StoredCampaign:
    """Gamma takes a tenth longer on the third of four nodes, and beta crashed on the second."""
    return node_campaigns.without(
        node_campaigns.campaign(4, planted={("n3", node_campaigns.GAMMA): 1.1}), "n2", node_campaigns.BETA
    )


def built(campaign: StoredCampaign) -> nodes.Nodes:
    found = nodes.build(CampaignView(campaign, "c1"))
    assert found is not None
    return found


def test_every_node_says_what_it_measured_and_what_became_of_its_units(off: StoredCampaign) -> None:
    first, second, third, _ = built(off).nodes
    assert (first.name, first.measured, first.attempts) == ("n1", "18 of 18 (100 %)", "1 accepted, 1 lost, 1 late")
    assert first.checks == [("the clock is not steady", "set the governor")]
    assert (second.measured, second.differing) == ("12 of 18 (67 %)", "0 of 6")
    assert third.differing == "6 of 12"
    assert third.machine.startswith("Some CPU @ 2.4 GHz")


def test_the_cells_that_differ_are_a_finding(off: StoredCampaign) -> None:
    found = built(off)
    assert {(cell.node, cell.case.rpartition("-")[2]) for cell in found.cells} == {("n3", "gamma:graph")}
    assert found.tested == 3 * 12 + 6
    assert "n3" in found.figure
    html = page.render([off])
    assert "6 of 42 ratios on a node differ significantly" in html
    assert "verdicts are of 3 to 4 machines of this type" in html


def test_attempts_that_do_not_count_are_listed(off: StoredCampaign) -> None:
    lost, late = built(off).attempts
    assert (lost.outcome, lost.number, lost.time) == ("lost", 1, "–")
    assert (late.outcome, late.reason, late.time) == ("late", "attempt 1 was accepted before", "1 min 30 s")


@pytest.mark.slow
def test_nodes_without_a_difference_say_so() -> None:
    found = built(node_campaigns.campaign(3))
    assert (found.cells, found.figure) == ([], "")
    assert "none differs significantly" in page.render([node_campaigns.campaign(3)])
    assert "Not tested" in page.render([node_campaigns.campaign(1)])


def test_a_node_that_measured_nothing_is_listed(off: StoredCampaign) -> None:
    system = json.loads(off.system.model_dump_json())
    system["nodes"]["n9"] = {"type": HOSTILE, "checks": [HOSTILE], "environment": HOSTILE}
    system["attempts"].append({"unit": HOSTILE, "node": "n9", "outcome": "refused", "reason": HOSTILE})
    campaign = StoredCampaign(off.folder, system_of(system), off.records, copies=off.copies)
    last = built(campaign).nodes[-1]
    assert (last.name, last.measured, last.machine, last.attempts) == ("n9", "none", "", "1 refused")
    assert HOSTILE not in page.render([campaign])


def test_a_campaign_of_one_machine_has_no_such_section(lively: StoredCampaign, lively_page: str) -> None:
    assert nodes.build(CampaignView(lively, "c1")) is None
    assert 'id="c1-nodes"' not in lively_page
    assert "Machines:" not in lively_page
