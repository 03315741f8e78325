"""Figures of the summary for programs."""

from __future__ import annotations

import math
import statistics
from pathlib import Path

import pytest

from bench.terminal.summary_json import as_json
from results.schema.record import Case, Contestant, Record
from results.schema.system import system_of
from results.store.campaigns import StoredCampaign, read_campaign
from results.tables import cases
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
        "faster": 1, "slower": 2, "dead heat": 1, "within": {"4": 2, "19": 1}, "unclear": 2,
    }  # fmt: skip
    assert list(found["verdicts"]["within"]) == ["4", "19"], "in the order of numbers"


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
