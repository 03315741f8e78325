"""The verdict matrix and the tables say what the tidy tables say, and why where they say nothing."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import pytest

from reports.format import networks
from reports.rows import cases as tables
from reports.rows import choices, matrix
from reports.sections.section import CampaignView
from reports.sections.times import first_call
from results.compare.ratios import pairs
from results.schema.record import Case, Contestant, Parity, Record, Status
from results.store.campaigns import StoredCampaign
from results.tables import cases as table
from results.tables.launches import launches as launches_of
from results.tables.split import split
from tests.support.made_up import launches, measured, workload

ALPHA, BETA = Contestant("alpha", "eager"), Contestant("beta", "jit")


def cells(campaign: StoredCampaign) -> dict[tuple[str, str, str], matrix.Cell]:
    cases = table.cases([campaign])
    everyone = networks.contestants(cases)
    blocks = matrix.matrix(networks.networks(cases), everyone)
    return {
        (block.network.architecture, line.phase, contestant): cell
        for block in blocks
        for line in block.lines
        for contestant, cell in zip(everyone, line.cells, strict=True)
    }


@pytest.mark.parametrize(
    ("contestant", "kind", "word"),
    [
        ("alpha:eager", "reference", "reference"),
        ("beta:jit", "faster", "▲ faster"),
        ("gamma:graph", "dead-heat", "= dead heat"),
        ("delta:xla", "slower", "▼ slower"),
        ("noisy:eager", "unclear", "? unclear"),
        ("single:eager", "unclear", "? unclear"),
        ("wrong:eager", "status", "mismatch"),
        ("absent:eager", "status", "skipped"),
        ("flaky:eager", "slower", "▼ slower"),
        ("big:eager", "absent", "no record"),
    ],
)
def test_every_outcome_has_its_word(lively: StoredCampaign, contestant: str, kind: str, word: str) -> None:
    cell = cells(lively)["alexnet", "train", contestant]
    assert (cell.kind, cell.word) == (kind, word)


def test_a_cell_holds_the_ratio_of_the_table(lively: StoredCampaign) -> None:
    frame = table.cases([lively]).set_index(["architecture", "phase", "contestant"])
    for key, cell in cells(lively).items():
        if cell.kind in ("faster", "slower", "dead-heat", "within", "unclear"):
            assert cell.value == frame.loc[key, "ratio"]
        elif cell.kind == "reference":
            assert cell.value == frame.loc[key, "seconds"]
        else:
            assert cell.value is None
            assert cell.why


def test_a_bounded_ratio_says_within_how_many_percent_in_cell_table_and_choices(
    write_campaign: Callable[..., StoredCampaign],
) -> None:
    records = [
        measured(Case(workload(), who), launch, [seconds])
        for who, times in ((ALPHA, [1.0, 1.0, 1.0]), (BETA, [1.0, 1.02, 1.01]))
        for launch, seconds in enumerate(times)
    ]
    found = write_campaign(records)
    cell = cells(found)["alexnet", "infer", "beta:jit"]
    assert (cell.kind, cell.word) == ("within", "≈ within 4 %")
    (network,) = networks.networks(table.cases([found]))
    row = tables.case_rows(network, launches_of([found]))[1]
    assert (row.kind, row.verdict) == ("within", "≈ within 4 %")
    everyone = ["alpha:eager", "beta:jit"]
    chosen = choices.choices(matrix.matrix([network], everyone), everyone, pairs(found))
    place = chosen["rows"][0][1][1][0][0]
    assert chosen["verdicts"][place] == ["within", "≈ within 4 %"]


def test_one_launch_says_that_it_has_no_interval(lively: StoredCampaign) -> None:
    cell = cells(lively)["alexnet", "infer", "single:eager"]
    assert cell.interval == "interval unknown"
    assert "one launch has no interval" in cell.why


def test_without_the_reference_the_time_stands_alone(write_campaign: Callable[..., StoredCampaign]) -> None:
    mine = launches(Case(workload(), BETA), 0.01, 3, 0.01, "b")
    lost = Record(Case(workload(), ALPHA), 0, Status.CRASHED, "signal 11")
    cell = cells(write_campaign([*mine, lost]))["alexnet", "infer", "beta:jit"]
    assert (cell.kind, cell.word) == ("alone", "no ratio")
    assert cell.text.endswith(" ms")
    assert "crashed: signal 11" in cell.why


def test_where_the_reference_takes_no_part_another_is_marked(write_campaign: Callable[..., StoredCampaign]) -> None:
    records = [
        measured(Case(workload(), BETA), 0, [0.01]),
        measured(Case(workload(), Contestant("gamma", "graph")), 0, [0.02]),
    ]
    found = cells(write_campaign(records))
    assert found["alexnet", "infer", "beta:jit"].kind == "reference"
    assert found["alexnet", "infer", "gamma:graph"].text == "2.00"


def test_launches_that_never_met_the_reference(write_campaign: Callable[..., StoredCampaign]) -> None:
    records = [measured(Case(workload(), ALPHA), 0, [0.01]), measured(Case(workload(), BETA), 1, [0.01])]
    cell = cells(write_campaign(records))["alexnet", "infer", "beta:jit"]
    assert cell.why == "no launch ran in the same block as a launch of the reference alpha:eager"


def test_phases_and_contestants_are_in_order(write_campaign: Callable[..., StoredCampaign]) -> None:
    phases = ("train", "infer", "odd", "forward")
    records = [
        measured(Case(workload(phase=phase), contestant), 0, [0.01]) for phase in phases for contestant in (BETA, ALPHA)
    ]
    (network,) = networks.networks(table.cases([write_campaign(records)]))
    assert network.phases == ["infer", "forward", "train", "odd"]
    assert network.contestants == ["alpha:eager", "beta:jit"], "as system.json lists them"
    assert network.conditions == "3 × 64 × 64 · batch 8 · float32 · cpu"


def parts(campaign: StoredCampaign) -> dict[str, tables.PartsRow]:
    (network,) = networks.networks(table.cases([campaign]))
    return {row.contestant: row for row in tables.part_rows(network, split([campaign]))}


def test_a_part_below_zero_is_shown_as_it_came_out(write_campaign: Callable[..., StoredCampaign]) -> None:
    times = {"infer": 0.001, "forward": 0.002, "gradient": 0.005, "train": 0.004}
    records = [
        measured(Case(workload(phase=phase), ALPHA), n, [seconds * (1 + n / 10_000)])
        for phase, seconds in times.items()
        for n in range(3)
    ]
    shown, remark = parts(write_campaign(records))["alpha:eager"].parts[-1]
    assert shown is not None
    assert shown.value == pytest.approx(-0.001, rel=0.01)
    assert shown.text.startswith("-")
    assert remark == "below 0"


def test_a_part_whose_interval_holds_zero_says_so(write_campaign: Callable[..., StoredCampaign]) -> None:
    records = [
        measured(Case(workload(phase=phase), ALPHA), n, [0.004 + n * step])
        for phase, step in (("gradient", 0.0001), ("train", 0.0002))
        for n in range(4)
    ]
    row = parts(write_campaign(records))["alpha:eager"]
    assert [remark for _, remark in row.parts] == [
        "not measured: no record of infer",
        "not measured: no record of forward",
        "not measured: no record of forward",
        "not significantly different from 0",
    ]


def test_a_missing_part_names_its_status(lively: StoredCampaign) -> None:
    network = networks.networks(table.cases([lively]))[0]
    rows = {row.contestant: row for row in tables.part_rows(network, split([lively]))}
    assert rows["wrong:eager"].parts == [(None, "not measured: mismatch")] * 4


def test_first_calls_have_their_extremes(lively: StoredCampaign) -> None:
    network = networks.networks(table.cases([lively]))[0]
    frame = networks.with_network(launches_of([lively]))
    rows = {row.contestant: row.seconds for row in tables.first_call_rows(network, frame, network.phases)}
    assert rows["alpha:eager"][0] == "0.700 (0.500–0.900)"
    assert rows["single:eager"][0] == "0.500"
    assert set(rows["absent:eager"]) == {"not measured: skipped"}


def test_first_calls_that_find_compiled_code_are_apart(write_campaign: Callable[..., StoredCampaign]) -> None:
    case = Case(workload(), ALPHA)
    cold, later = measured(case, 0, [0.01]), [measured(case, n, [0.01]) for n in (1, 2)]
    bare = [replace(one, first_call_seconds=None) for one in later]
    records = [cold, replace(bare[0], cached_first_call_seconds=0.125), bare[1]]
    network = networks.networks(table.cases([write_campaign(records)]))[0]
    frame = networks.with_network(launches_of([write_campaign(records, "again")]))
    (row,) = tables.first_call_rows(network, frame, network.phases, (tables.COLD, tables.CACHED))
    assert row.seconds[:2] == ["0.500", "0.125"]
    found = first_call.build(CampaignView(write_campaign(records, "third"), "c1"))
    assert found is not None
    assert found.has_cached
    ((phase, figure),) = found.figures
    assert phase == "infer"
    assert "diamond: cached" in figure
    assert "; cached: 0.335 s" in figure


def test_without_a_cached_first_call_the_figure_and_the_table_have_none(lively: StoredCampaign) -> None:
    found = first_call.build(CampaignView(lively, "c1"))
    assert found is not None
    assert not found.has_cached
    assert [phase for phase, _ in found.figures] == ["infer", "train"]
    assert all("diamond" not in figure for _, figure in found.figures)
    assert len(found.chapters[0].rows[0].seconds) == len(found.phases) + 2


def parity(campaign: StoredCampaign, tolerances: dict[str, float]) -> dict[str, tables.ParityRow]:
    network = networks.networks(table.cases([campaign]))[0]
    frame = networks.with_network(launches_of([campaign]))
    return {row.contestant: row for row in tables.parity_rows(network, frame, tolerances)}


def test_parity_against_its_tolerances(lively: StoredCampaign) -> None:
    rows = parity(lively, {"scores": 1e-5, "loss": 1e-5, "gradients": 1e-4})
    assert rows["alpha:eager"].outcome == "within tolerance"
    assert rows["alpha:eager"].errors == {"scores": "3.1e-7", "loss": "2.0e-8", "gradients": "4.4e-6"}
    assert rows["wrong:eager"].outcome == "mismatch"
    assert rows["wrong:eager"].outside == ["scores", "loss", "gradients"]
    assert rows["wrong:eager"].errors["scores"] == "not a number"
    assert rows["wrong:eager"].worst_gradient == "fc6.bias"
    assert rows["absent:eager"].outcome == "not checked"


@pytest.mark.parametrize(
    ("tolerances", "outcome"),
    [
        ({}, "no tolerance recorded"),
        ({"scores": 1e-5}, "no tolerance recorded"),
        ({"scores": 1e-9, "loss": 1, "gradients": 1}, "outside tolerance"),
        (
            {"scores": 1e-5, "loss": 1e-5, "gradients": 1e-9},
            "passed in float64 or on other images, without the pooling ties that may explain the error",
        ),
    ],
)
def test_parity_says_what_it_was_held_to(lively: StoredCampaign, tolerances: dict[str, float], outcome: str) -> None:
    assert parity(lively, tolerances)["alpha:eager"].outcome == outcome


def test_parity_says_in_what_a_contestant_passed_that_was_examined_again(write_campaign) -> None:
    cleared = Parity(1e-7, 1e-8, 1e-2, "conv1.weight", 3, cleared="float64")
    stored = write_campaign([measured(Case(workload(), Contestant("alpha", "eager")), 0, [1.0], cleared)])
    (row,) = parity(stored, {"scores": 1e-5, "loss": 1e-5, "gradients": 1e-4}).values()
    assert row.outcome == "passed in float64, without the pooling ties that may explain the error"


@pytest.mark.parametrize(
    ("device", "identity", "added"),
    [
        ("cpu", "", ""),
        ("cuda", "float64", "; equal in float64"),
        ("cuda", "", "; not shown to be equal in float64 or float32"),
    ],
    ids=["cpu", "proved", "not proved"],
)
def test_parity_on_a_card_says_in_what_the_network_was_shown_to_be_equal(
    write_campaign, device, identity, added
) -> None:
    shown = Parity(1e-7, 1e-8, 1e-6, "conv1.weight", 3, identity=identity)
    case = Case(replace(workload(), device=device), Contestant("alpha", "eager"))
    (row,) = parity(
        write_campaign([measured(case, 0, [1.0], shown)]), {"scores": 1, "loss": 1, "gradients": 1}
    ).values()
    assert row.outcome == f"within tolerance{added}"


def test_parity_of_a_contestant_without_gradients_is_of_scores_and_loss(write_campaign) -> None:
    inferring = Parity(1e-7, 1e-8, None, "", 3)
    stored = write_campaign([measured(Case(workload(), Contestant("alpha", "eager")), 0, [1.0], inferring)])
    (row,) = parity(stored, {"scores": 1e-5, "loss": 1e-5, "gradients": 1e-4}).values()
    assert row.outcome == "within tolerance"
    assert row.errors["gradients"] == "none"
    assert row.worst_gradient == ""


def test_every_lost_launch_is_counted_once(lively: StoredCampaign) -> None:
    frame = launches_of([lively])
    lost = tables.failure_rows(frame)
    assert sum(row.launches for row in lost) == (frame["status"] != Status.MEASURED).sum()
    flaky = next(row for row in lost if row.contestant == "flaky:eager")
    assert (flaky.status, flaky.reason, flaky.launches, len(flaky.cases)) == ("crashed", "signal 11 in launch 3", 8, 8)


def test_a_case_row_counts_what_it_lost(lively: StoredCampaign) -> None:
    network = networks.networks(table.cases([lively]))[0]
    rows = tables.case_rows(network, launches_of([lively]))
    flaky = next(row for row in rows if row.contestant == "flaky:eager")
    assert (flaky.launches, flaky.lost, flaky.status) == (3, 1, "measured")
    assert not any(row.time and math.isnan(row.time.value) for row in rows)
