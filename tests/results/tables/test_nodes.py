"""Campaigns of several machines: cases over nodes, and on each node."""

from __future__ import annotations

import math
import random
from dataclasses import replace

import pandas as pd
import pytest

from results.advice import warnings_for
from results.compare.pairwise import compare
from results.compare.ratios import pairs
from results.quality import MeasuredCase, flags
from results.schema.record import Case, Contestant
from results.schema.system import system_of
from results.stats.launches import Launches
from results.stats.stopping import widest
from results.stats.verdicts import TimingVerdict
from results.store.campaigns import StoredCampaign
from results.tables import cases, controls, launches, load_table, ranking, split
from results.tables.nodes import differing, nodes, scope_of, summaries_of
from tests.support.fleet import node_campaigns
from tests.support.made_up import measured, workload

ESTIMATES = ["seconds", "seconds_low", "seconds_high", "ratio", "ratio_low", "ratio_high", "pairs"]
TABLES = ("cases", "controls", "ranking", "split", "time", "layers", "switches", "streams")


@pytest.fixture(scope="module")
def off() -> StoredCampaign:
    """Four nodes; gamma takes a tenth longer on the third."""
    return node_campaigns.campaign(4, planted={("n3", node_campaigns.GAMMA): 1.1})


def renamed(campaign: StoredCampaign, node: str) -> StoredCampaign:
    """The same with all records on one node of that name."""
    records, copies = (tuple(replace(one, node=node) for one in own) for own in (campaign.records, campaign.copies))
    return replace(campaign, records=records, copies=copies)


@pytest.mark.parametrize("name", TABLES)
def test_one_node_is_as_a_campaign_of_one_machine(name: str) -> None:
    campaign = node_campaigns.campaign(1)
    found, plain = (load_table(name).make([renamed(campaign, node)]) for node in ("n1", ""))
    pd.testing.assert_frame_equal(found, plain, check_exact=True)


def test_each_node_is_judged_as_a_campaign_of_its_own(off: StoredCampaign) -> None:
    table = nodes([off])
    for node in ("n1", "n3"):
        records, copies = (tuple(one for one in own if one.node == node) for own in (off.records, off.copies))
        alone = cases.cases([replace(off, records=records, copies=copies)])
        own = table[table.node == node].reset_index()
        compared = alone.contestant != alone.reference
        pd.testing.assert_frame_equal(own[ESTIMATES][compared], alone[ESTIMATES][compared], check_dtype=False)
        assert own.verdict.tolist() == alone.verdict.tolist()


def test_the_order_of_records_does_not_matter(off: StoredCampaign) -> None:
    rng = random.Random(1)
    shuffled = replace(
        off,
        records=tuple(rng.sample(off.records, len(off.records))),
        copies=tuple(rng.sample(off.copies, len(off.copies))),
    )
    one, other = (cases.cases([found]).set_index("case")[ESTIMATES].astype(float) for found in (off, shuffled))
    pd.testing.assert_frame_equal(one, other.loc[one.index], rtol=1e-9)
    assert set(differing(off).case) == set(differing(shuffled).case)


def test_the_ratio_is_the_mean_of_nodes_with_an_interval_over_nodes(off: StoredCampaign) -> None:
    table = nodes([off]).groupby("case")
    for row in cases.cases([off]).to_dict("records"):
        if row["contestant"] == row["reference"]:
            continue
        own = table.get_group(row["case"])
        assert row["ratio"] == pytest.approx(math.prod(own.ratio) ** (1 / 4))
        assert row["pairs"] == own.pairs.sum() == 20
        assert math.log(row["ratio_high"] / row["ratio_low"]) > 0
    gamma = cases.cases([off]).query("contestant == 'gamma:graph'")
    assert (gamma.ratio_high / gamma.ratio_low > 1.1).all(), "wide, as one node in four is off"


def test_the_ratios_of_all_pairs_are_those_of_the_cases(off: StoredCampaign) -> None:
    found = pairs(off)
    for row in cases.cases([off]).to_dict("records"):
        if row["contestant"] != row["reference"]:
            one = found[row["group"]][row["contestant"], row["reference"]]
            assert (one.value, one.low, one.high) == (row["ratio"], row["ratio_low"], row["ratio_high"])
            inverse = found[row["group"]][row["reference"], row["contestant"]]
            assert inverse.low == pytest.approx(1 / row["ratio_high"])


def test_two_campaigns_are_compared_over_their_nodes(off: StoredCampaign) -> None:
    """Launches of a node are no replicates of each other: a node that is off is no change."""
    before, after = (
        node_campaigns.campaign(4, noise=0.001, seed=1),
        node_campaigns.campaign(4, planted={("n3", node_campaigns.GAMMA): 1.2}, noise=0.001, seed=2),
    )
    found = {change.case: change for change in compare(before, after).changes}
    (gamma,) = (one for case, one in found.items() if case.startswith("lenet5") and case.endswith("infer-gamma:graph"))
    assert (gamma.ratio.launches, gamma.ratio.freedom) == (20, 3)
    assert gamma.ratio.low < 1 < gamma.ratio.high


def test_a_campaign_of_nodes_is_precise_if_its_interval_over_nodes_is() -> None:
    far, near = (
        node_campaigns.campaign(
            3, noise=1e-4, planted={("n3", node_campaigns.GAMMA): factor}, networks=("lenet5",), phases=("infer",)
        )
        for factor in (1.2, 1.0)
    )
    assert widest(near.records, node_campaigns.ALPHA.id) < 0.01 < 0.2 < widest(far.records, node_campaigns.ALPHA.id)


def test_the_remedy_for_undecided_verdicts_is_more_nodes() -> None:
    planted = {(f"n{node}", node_campaigns.GAMMA): factor for node, factor in ((1, 0.9), (2, 0.75), (3, 0.85))}
    remedies = [note["remedy"] for note in warnings_for(node_campaigns.campaign(3, planted=planted))]
    assert any(remedy.startswith("measure on more nodes of this type: about ") for remedy in remedies)


def test_the_overall_ratio_of_a_ranking_is_over_nodes_too(off: StoredCampaign) -> None:
    """A node's deviation is the same in all workloads, so that more of them do not average it out."""
    found = ranking.ranking([off]).query("contestant == 'gamma:graph'")
    single = cases.cases([off]).query("contestant == 'gamma:graph'")
    widths = (single.ratio_high / single.ratio_low).median()
    assert (found.ratio_high / found.ratio_low).min() > 1 + 0.7 * (widths - 1)


def test_workloads_of_different_nodes_have_no_narrower_overall_ratio() -> None:
    campaign = node_campaigns.campaign(6, noise=0.02)
    first = {"n1", "n2", "n3"}
    kept = tuple(one for one in campaign.records if (one.node in first) == (one.case.workload.architecture == "lenet5"))
    apart = replace(campaign, records=kept, copies=())
    found = ranking.ranking([apart]).query("contestant == 'beta:jit' and phase == 'infer'").iloc[0]
    single = cases.cases([apart]).query("contestant == 'beta:jit' and phase == 'infer'")
    assert found.common == 3
    assert math.log(found.ratio_high / found.ratio_low) == pytest.approx(
        (single.ratio_high / single.ratio_low).map(math.log).mean()
    )


def test_a_node_without_a_case_is_left_out_of_it_and_its_row_says_why(off: StoredCampaign) -> None:
    campaign = node_campaigns.without(off, "n2", node_campaigns.BETA)
    table = nodes([campaign]).query("contestant == 'beta:jit'")
    lost = table[table.node == "n2"]
    assert set(lost.status) == {"crashed"}
    assert set(lost.reason) == {"signal 11"}
    assert lost[["seconds", "ratio"]].isna().to_numpy().all()
    assert not lost.pairs.any()
    assert set(cases.cases([campaign]).query("contestant == 'beta:jit'").pairs) == {15}
    assert scope_of(campaign).ratios == {3: 6, 4: 6}


def test_a_node_without_the_reference_has_no_ratio(off: StoredCampaign) -> None:
    campaign = node_campaigns.without(off, "n4", node_campaigns.ALPHA)
    table = nodes([campaign]).query("node == 'n4' and contestant != 'alpha:eager'")
    assert table.ratio.isna().all()
    assert not (table.verdict != "").any()
    assert set(table.reference) == {"alpha:eager"}


def test_the_cells_that_differ_are_found_on_their_node(off: StoredCampaign) -> None:
    found = differing(off)
    assert set(found.node) == {"n3"}
    assert set(found.contestant) == {"gamma:graph"}
    assert len(found) == 6
    assert found.relative_ratio.tolist() == sorted(found.relative_ratio, reverse=True)
    assert found.between_nodes.between(0.03, 0.08).all()


def test_nothing_differs_between_equal_nodes_and_their_verdict_is_a_dead_heat() -> None:
    records = [
        replace(measured(Case(workload(), Contestant(name, "x")), launch, [0.01]), node=f"n{launch % 3}")
        for launch in range(6)
        for name in ("one", "other")
    ]
    campaign = StoredCampaign(node_campaigns.campaign(1).folder, system_of({}), tuple(records))
    table = nodes([campaign])
    assert not table.differs.eq(True).any()
    assert set(table.between_nodes.dropna()) == {0.0}
    assert cases.cases([campaign]).verdict.tolist() == ["", TimingVerdict.DEAD_HEAT]


def test_a_campaign_of_one_machine_has_no_rows_and_no_scope() -> None:
    campaign = renamed(node_campaigns.campaign(1), "")
    assert nodes([campaign]).empty
    assert scope_of(campaign) is None
    assert summaries_of(campaign) == []
    assert set(launches.launches([campaign]).node) == {""}


def test_launches_say_their_node(off: StoredCampaign) -> None:
    assert launches.launches([off]).groupby("node").launch.nunique().to_dict() == {f"n{n}": 5 for n in range(1, 5)}


def test_the_table_is_exported(off: StoredCampaign, tmp_path) -> None:
    nodes([off]).to_parquet(tmp_path / "nodes.parquet")
    assert len(pd.read_parquet(tmp_path / "nodes.parquet")) == len(nodes([off]))


def test_controls_of_all_nodes_count(off: StoredCampaign) -> None:
    found = controls.control_of(off)
    assert found.pairs == 4 * 6
    assert found.largest > found.median
    assert set(controls.controls([off]).pairs) == {20}


def test_parts_of_a_step_are_over_nodes() -> None:
    """Their intervals hold what nodes deviate by, as those of the phases do."""
    campaign = node_campaigns.campaign(
        3, planted={("n3", node_campaigns.GAMMA): 1.5}, phases=("forward", "gradient"), noise=0.001
    )
    found = split.split([campaign]).query("component == 'backward'").set_index("contestant")
    relative = (found.seconds_high - found.seconds_low) / found.seconds
    assert (relative["gamma:graph"] > 0.5).all()
    assert (relative["alpha:eager"] < 0.05).all()


def test_flags_are_of_launches_on_one_node() -> None:
    """Nodes that differ are no modes of launches."""
    case = Case(workload(), node_campaigns.GAMMA)
    records = [
        replace(measured(case, launch, [0.01 * (1 + launch / 1e4) * (1.5 if launch > 5 else 1)]), node=f"n{launch > 5}")
        for launch in range(12)
    ]
    of_two, of_one = (
        MeasuredCase({"case": case.id}, Launches.of(one))
        for one in (records, [replace(record, node="") for record in records])
    )
    for name in ("bimodal", "drift"):
        assert list(flags()[name].detect([of_two])) == []
        assert list(flags()[name].detect([of_one])) == [case.id]


def said(campaign: StoredCampaign) -> str:
    return "\n".join(note["what"] for note in warnings_for(campaign))


def test_two_nodes_are_warned_of() -> None:
    assert "12 of 12 ratios are from two nodes" in said(node_campaigns.campaign(2))
    assert "two nodes" not in said(node_campaigns.campaign(3))
    assert "two nodes" not in said(node_campaigns.campaign(1))


def test_different_software_is_warned_of(off: StoredCampaign) -> None:
    system = off.system.model_dump(mode="json")
    system["nodes"]["n2"]["environment"] = "ffff00001111"
    assert "2 different digests of their software (n1, n3, n4: 0a1b2c3d4e5f; n2: ffff00001111)" in said(
        replace(off, system=system_of(system))
    )
    assert "software" not in said(off)


def test_a_node_that_differs_in_most_ratios_or_is_slower_is_suspected(off: StoredCampaign) -> None:
    assert "suspect" not in str(warnings_for(off))
    both = {("n3", node_campaigns.GAMMA): 1.2, ("n3", node_campaigns.BETA): 0.8}
    assert "node n3 differs from the other nodes in 12 of 12 ratios" in said(node_campaigns.campaign(4, planted=both))
    slow = {("n2", contestant): 1.5 for contestant in (node_campaigns.ALPHA, node_campaigns.BETA, node_campaigns.GAMMA)}
    found = said(node_campaigns.campaign(4, planted=slow))
    assert "node n2 takes 1.5" in found
    assert "differs from the other nodes" not in found
