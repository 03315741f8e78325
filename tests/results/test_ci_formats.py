"""Cases in the formats of github-action-benchmark and Bencher: what these services key on, and what they refuse."""

from __future__ import annotations

import json
import math

import pytest

from results import ci_formats, export
from results.schema.record import Case, Contestant
from results.store.campaigns import CampaignWriter, read_campaign
from results.store.journal import ResultsError
from results.tables import cases
from tests.support.made_up import SYSTEM, launches, lively_records, measured, workload

ALPHA, BETA = Contestant("alpha", "eager"), Contestant("beta", "jit")
SLOW, FAST = Case(workload(), ALPHA), Case(workload(), BETA)
BOTH = [*launches(SLOW, 0.02, 4, 0.001, "a"), *launches(FAST, 0.01, 4, 0.001, "b")]


@pytest.fixture
def frame(tmp_path):
    def frame(*records):
        writer = CampaignWriter.create(tmp_path, "made-up", SYSTEM)
        writer.append(records)
        writer.close()
        return cases.cases([read_campaign(writer.folder)])

    return frame


def test_ids_of_cases_are_what_services_key_on_and_stay_what_they_are():
    assert FAST.id == "alexnet-3x64x64-k10-b8-float32-cpu-infer-beta:jit"


def test_a_ratio_is_an_entry_of_custom_smaller_is_better(frame):
    (entry,) = ci_formats.github_action(frame(*BOTH))
    assert entry.keys() == {"name", "unit", "value", "range", "extra"}
    assert entry["name"] == FAST.id
    assert entry["unit"] == "time relative to alpha:eager"
    assert entry["value"] == pytest.approx(0.5, rel=0.01)
    assert entry["range"].startswith("± 0.0")
    assert entry["extra"].startswith("faster; 95 % interval [0.")
    assert entry["extra"].endswith(", 4 paired launches")


def test_one_launch_has_no_range(frame):
    (entry,) = ci_formats.github_action(frame(measured(SLOW, 0, [0.02]), measured(FAST, 0, [0.01])))
    assert "range" not in entry
    assert entry["extra"] == "unclear; 1 paired launches"


def test_bencher_has_latency_in_nanoseconds_with_our_interval_as_bounds(frame):
    table = frame(*BOTH)
    found = ci_formats.bencher(table)
    assert found.keys() == {SLOW.id, FAST.id}
    row = table[table.case == FAST.id].iloc[0]
    assert found[FAST.id]["latency"] == {
        "value": pytest.approx(1e9 * row.seconds),
        "lower_value": pytest.approx(1e9 * row.seconds_low),
        "upper_value": pytest.approx(1e9 * row.seconds_high),
    }
    assert found[FAST.id]["ratio"]["upper_value"] == row.ratio_high
    assert found[FAST.id]["memory"] == {"value": row.memory_bytes}
    assert "ratio" not in found[SLOW.id], "the reference has none"


def test_no_value_is_missing_or_infinite_whatever_the_campaign(frame):
    table = frame(*lively_records())
    found = ci_formats.bencher(table)
    assert len(found) == (table.status == "measured").sum()
    values = [value for measures in found.values() for one in measures.values() for value in one.values()]
    assert all(map(math.isfinite, values))
    assert {entry["name"] for entry in ci_formats.github_action(table)} <= set(found)


def test_a_campaign_without_ratios_has_times_only(frame):
    table = frame(*launches(SLOW, 0.02, 4, 0.001, "a"))
    assert set(ci_formats.bencher(table)[SLOW.id]) == {"latency", "memory"}
    with pytest.raises(ResultsError, match="no case has a ratio to a reference; use --to bmf"):
        ci_formats.github_action(table)


def test_nothing_measured_is_one_line(frame):
    with pytest.raises(ResultsError, match="no case was measured"):
        ci_formats.bencher(frame())


@pytest.mark.parametrize("to", ci_formats.FORMATS)
def test_export_writes_json_and_refuses_other_tables(frame, tmp_path, to):
    frame(*BOTH)
    text = export.export("made-up", to, "cases", None, tmp_path)
    assert FAST.id in text
    assert json.loads(text)
    with pytest.raises(ResultsError, match=f"--to {to} exports cases, not --rows launches"):
        export.export("made-up", to, "launches", None, tmp_path)
