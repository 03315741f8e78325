"""Figures of the summary for programs."""

from __future__ import annotations

import json
import math
import statistics
from dataclasses import replace
from pathlib import Path

import pytest

from bench.terminal.markdown import as_markdown
from bench.terminal.summary import print_summary
from bench.terminal.summary_json import as_json
from results.advice import warnings_for
from results.schema.record import Case, Contestant, Record
from results.schema.system import system_of
from results.store.campaigns import StoredCampaign, read_campaign
from results.tables import cases
from tests.support.fleet import node_campaigns
from tests.support.made_up import SYSTEM, measured, probe, workload

REFERENCE = Path(__file__).parents[3] / "results" / "data" / "reference-cpu-2cores"
ONES = (1.0, 1.0, 1.0)
EMPTY = {"faster": 0, "slower": 0, "dead heat": 0, "within": {}, "unclear": 0}


def said(**times: tuple[float, ...]) -> dict:
    """Of a campaign with these seconds a launch by contestant, the first the reference."""
    return of([one for who, own in times.items() for one in launches(Case(workload(), Contestant(who, "x")), *own)])


def launches(case: Case, *seconds: float) -> list[Record]:
    return [measured(case, number, [one]) for number, one in enumerate(seconds)]


def of(records: list[Record]) -> dict:
    return as_json(StoredCampaign(Path("made-up"), system_of(SYSTEM), tuple(records)), [])


def test_verdicts_are_counted_and_the_reference_has_none() -> None:
    found = said(
        reference=ONES, fast=(0.5, 0.5, 0.5), slow=(2.0, 2.0, 2.0), slower=(2.0, 2.1, 2.0), equal=ONES,
        near=(1.0, 1.02, 1.01), also=(1.0, 1.01, 1.02), far=(1.0, 1.1, 1.05), wide=(0.5, 1.0, 2.0), single=(1.0,),
    )  # fmt: skip
    assert found["ratios"] == 9
    assert found["verdicts"] == {
        "faster": 1, "slower": 2, "dead heat": 1, "within": {"5": 2, "25": 1}, "unclear": 2,
    }  # fmt: skip
    assert list(found["verdicts"]["within"]) == ["5", "25"], "in the order of numbers"


def test_the_half_width_is_on_logarithms_and_its_median_over_known_intervals() -> None:
    found = said(reference=ONES, a=(1.0, 1.02, 1.01), b=(1.0, 1.1, 1.05), c=(0.5, 1.0, 2.0), single=(1.0,))
    halves = [math.log(one["ratio_high"] / one["ratio_low"]) / 2 for one in found["cases"][1:-1]]
    assert found["half_width_median"] == pytest.approx(statistics.median(halves))
    assert halves[0] < found["half_width_median"] < halves[2]


@pytest.mark.parametrize("times", [{}, {"reference": ONES}, {"reference": (1.0,), "other": (2.0,)}])
def test_without_an_interval_there_is_no_half_width(times: dict[str, tuple[float, ...]]) -> None:
    found = said(**times)
    assert found["half_width_median"] is None
    assert found["ratios"] == max(len(times) - 1, 0)
    assert found["verdicts"] == {**EMPTY, "unclear": found["ratios"]}


def test_ratios_of_the_machines_peaks_count_as_in_the_warning() -> None:
    pair = [Contestant(who, "x") for who in ("reference", "other")]
    records = [
        one for who in pair for load in (workload(), probe("probe-gemv")) for one in launches(Case(load, who), *ONES)
    ]
    assert of(records)["ratios"] == 2


def test_a_campaign_from_before_has_the_verdicts_of_today() -> None:
    campaign = read_campaign(REFERENCE)
    found = as_json(campaign, [])
    verdicts = found["verdicts"]
    counts = [*(verdicts[name] for name in verdicts if name != "within"), *verdicts["within"].values()]
    assert sum(counts) == found["ratios"] == len(cases.judgements(cases.cases([campaign])))
    assert verdicts["within"]


PHASES = ("infer", "forward", "gradient", "train")


def with_controls(*off: float) -> dict:
    """Of a campaign in which a copy takes 1 + off times as long as its original, an entry a workload."""
    original = Contestant("beta", "jit")
    records, copies = [], []
    for phase, more in zip(PHASES, off):
        for case, seconds, into in (
            (Case(workload(phase=phase), Contestant("alpha", "eager")), (1.0, 1.01, 1.02), records),
            (Case(workload(phase=phase), original), (0.5, 0.51, 0.5), records),
            (Case(workload(phase=phase), replace(original, copy=1)), (0.5, 0.51, 0.5), copies),
        ):
            factors = (1 + more, 1.01 + more, 0.99 + more) if case.contestant.copy else (1, 1, 1)
            into += launches(case, *(factor * one for factor, one in zip(factors, seconds)))
    stored = StoredCampaign(Path("made-up"), system_of(SYSTEM), tuple(records), copies=tuple(copies))
    return as_json(stored, warnings_for(stored))


def test_controls_say_how_far_the_same_code_is_from_itself() -> None:
    control = with_controls(0.001, 0.003, 0.031)["control"]
    assert (control["pairs"], control["believable"], control["inflation"]) == (3, True, 1.0)
    assert control["largest"] == pytest.approx(0.031, rel=0.02)
    assert control["median"] == pytest.approx(0.003, rel=0.05)
    assert said(reference=ONES)["control"] is None


def test_controls_that_differ_too_much_veto_every_verdict() -> None:
    found = with_controls(0.3, 0.4, 0.5, 0.6)
    assert not found["control"]["believable"]
    assert found["verdicts"] == {**EMPTY, "unclear": 4}
    (note,) = [one for one in found["notes"] if "too noisy" in one["what"]]
    assert "by up to 60.0%, 45.0% in the middle of 4 controls" in note["what"]
    assert with_controls(0.0, 0.001, 0.002, 0.001)["verdicts"]["faster"] == 4


def test_time_is_by_part_and_missing_for_older_campaigns() -> None:
    record = replace(measured(Case(workload(), Contestant("a", "x")), 0, [1.0]), block_seconds={"rounds": 4.0})
    system = system_of({**SYSTEM, "measuring_seconds": 20.0, "preparation_seconds": {"import": 5.0, "gate": 7.0}})
    time = as_json(StoredCampaign(Path("made-up"), system, (record,)), [])["time"]
    assert {part: seconds for part, seconds in time.items() if seconds} == {
        "import": 5.0, "gate": 7.0, "rounds": 4.0, "other": 4.0,
    }  # fmt: skip
    assert said(reference=ONES)["time"] is None


def test_nodes_say_which_machines_verdicts_are_of_and_what_differs() -> None:
    campaign = node_campaigns.campaign(4, planted={("n3", node_campaigns.GAMMA): 1.1})
    found = as_json(campaign, [])["nodes"]
    assert (found["type"], list(found["nodes"]), found["ratios"]) == (
        node_campaigns.TYPE,
        ["n1", "n2", "n3", "n4"],
        {4: 12},
    )
    assert found["scope"].endswith("verdicts are of 4 machines of this type")
    assert {row["node"] for row in found["differing"]} == {"n3"}
    json.dumps(found, allow_nan=False)
    assert said(reference=ONES)["nodes"] is None


def test_the_terminal_says_so_too(capsys: pytest.CaptureFixture[str]) -> None:
    print_summary(node_campaigns.campaign(4, planted={("n3", node_campaigns.GAMMA): 1.1}), [])
    shown = " ".join(capsys.readouterr().out.split())
    assert "verdicts are of 4 machines of this type" in shown
    assert "node n3 differs from the others in 6 ratios; most in" in shown
    assert "95 % interval over nodes" in shown
    assert "verdicts are of these two machines" in as_markdown(node_campaigns.campaign(2))
    print_summary(node_campaigns.campaign(2), [], brief=True)
    shown = " ".join(capsys.readouterr().out.split())
    assert "verdicts are of these two machines" in shown
    assert "differs from" not in shown
