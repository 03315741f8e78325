"""The tidy tables from campaigns whose numbers are known."""

from __future__ import annotations

import math
from dataclasses import replace

import pandas as pd
import pytest

import results
from results.export import export
from results.schema.record import SCHEMA, Case, Contestant, Parity, Record, Status, Workload
from results.store.campaigns import CampaignWriter, ResultsError, read_campaign
from results.tables import cases, launches, split

A, B, C = Contestant("pytorch", "eager"), Contestant("jax", "jit"), Contestant("keras", "tensorflow")


def workload(phase: str) -> Workload:
    return Workload("lenet5", 32, 32, 1, 10, 4, "float32", "cpu", phase)


def measured(phase: str, contestant: Contestant, launch: int, *seconds: float, subset: int = 0) -> Record:
    return Record(
        Case(workload(phase), contestant),
        launch,
        Status.MEASURED,
        subset=subset,
        seconds=seconds,
        steps=2,
        first_call_seconds=launch + 1.0,
        parity=Parity(1e-7, 2e-7, 3e-7, "c1.weight", 3),
    )


@pytest.fixture
def campaign(tmp_path):
    writer = CampaignWriter.create(tmp_path, "known", {"reference": A.id})
    writer.append(
        [
            *(measured("infer", A, launch, 1.0, 1.0, 9.0) for launch in range(3)),
            *(measured("infer", B, launch, 2.0) for launch in range(3)),
            Record(Case(workload("infer"), C), 0, Status.SKIPPED, "not installed"),
            *(measured("forward", A, launch, 2.0 + 0.1 * launch) for launch in range(3)),
            *(measured("gradient", A, launch, 6.0 + 0.1 * launch) for launch in range(3)),
        ]
    )
    writer.close()
    return read_campaign(writer.folder)


def test_tables_have_the_documented_columns(campaign):
    for made in (launches, cases, split):
        names = [column.name for column in made.TABLE.columns]
        assert list(made.TABLE.make([campaign]).columns) == names
        assert list(made.TABLE.make([]).columns) == names


def test_a_case_is_the_mean_of_its_launches_medians_and_its_ratio_is_to_the_reference(campaign):
    rows = cases.cases([campaign]).set_index("case")
    slow = rows.loc[Case(workload("infer"), B).id]
    assert (slow.seconds, slow.launches, slow.images_per_second) == (2.0, 3, 2.0)
    assert (slow.ratio, slow.ratio_low, slow.ratio_high, slow.pairs, slow.verdict) == (2.0, 2.0, 2.0, 3, "slower")
    assert slow.first_call_seconds == 2.0
    assert rows.loc[Case(workload("infer"), A).id].verdict == ""


def test_the_first_call_of_a_launch_that_was_made_again_counts_though_its_times_do_not(tmp_path):
    writer = CampaignWriter.create(tmp_path, "again", {"reference": A.id})
    disturbed = replace(measured("infer", A, 0, 9.0), first_call_seconds=30.0)
    writer.append([disturbed, replace(measured("infer", A, 0, 2.0), attempt=1)])
    writer.close()
    (case,) = cases.cases([read_campaign(writer.folder)]).itertuples()
    assert (case.seconds, case.launches, case.repeated_launches, case.first_call_seconds) == (2.0, 1, 1, 30.0)


@pytest.mark.parametrize(("schema", "expected"), [(6, 9.0), (7, 3.0)], ids=["all launches", "cold launches"])
def test_a_first_call_is_the_median_of_the_launches_that_are_known_to_have_been_cold(tmp_path, schema, expected):
    writer = CampaignWriter.create(tmp_path, "old", {"reference": A.id})
    seconds = (3.0, None, 9.0, 1.0)
    made = [(measured("infer", A, place, 2.0), one) for place, one in enumerate(seconds)]
    writer.append([replace(record, first_call_seconds=one, schema=schema) for record, one in made])
    writer.close()
    (case,) = cases.cases([read_campaign(writer.folder)]).itertuples()
    assert case.first_call_seconds == expected


def test_another_reference_can_be_chosen(campaign):
    rows = cases.cases([campaign], reference=B.id).set_index("case")
    assert rows.loc[Case(workload("infer"), A).id].verdict == "faster"
    assert math.isnan(rows.loc[Case(workload("forward"), A).id].ratio)


def test_missing_is_missing_and_never_zero(campaign):
    row = cases.cases([campaign]).set_index("contestant").loc[C.id]
    assert (row.status, row.reason, row.launches) == ("skipped", "not installed", 0)
    numbers = ["seconds", "images_per_second", "ratio", "first_call_seconds"]
    assert row[numbers].isna().all()
    launch = launches.launches([campaign]).set_index("contestant").loc[C.id]
    assert math.isnan(launch.seconds)


def split_of(tmp_path, *records: Record) -> pd.DataFrame:
    """The parts of a step by component."""
    writer = CampaignWriter.create(tmp_path, "split", {"reference": A.id})
    writer.append(records)
    writer.close()
    return split.split([read_campaign(writer.folder)]).set_index("component")


def width(row: pd.Series) -> float:
    return row.seconds_high - row.seconds_low


def of_launches(schema: int, noise: float = 0.5) -> list[Record]:
    """Forward is 2 s, backward 4 s and update 1 s, in launches that are slower or faster as a whole."""
    return [
        replace(measured(phase, A, launch, seconds + noise * launch), schema=schema)
        for launch in range(4)
        for phase, seconds in (("forward", 2.0), ("gradient", 6.0 + 0.01 * launch), ("train", 7.0))
    ]


def test_backward_is_gradient_less_forward(campaign):
    rows = split.split([campaign]).set_index("component")
    assert rows.loc["forward"].seconds == pytest.approx(2.1)
    assert rows.loc["backward"].seconds == pytest.approx(4.0)
    assert "update" not in rows.index


def test_differences_are_within_launches_that_ran_all_phases(tmp_path):
    rows = split_of(tmp_path, *of_launches(SCHEMA))
    assert rows.seconds.to_dict() == pytest.approx({"forward": 2.75, "backward": 4.015, "update": 0.985})
    assert 0 < width(rows.loc["backward"]) < 0.1 < width(rows.loc["forward"])
    assert rows.loc["backward"].seconds_low < 4.015 < rows.loc["backward"].seconds_high


def test_differences_of_launches_of_one_phase_each_are_independent(tmp_path):
    """Before schema 7, the numbers of launches pair nothing."""
    rows = split_of(tmp_path, *of_launches(6))
    assert rows.seconds.to_dict() == pytest.approx({"forward": 2.75, "backward": 4.015, "update": 0.985})
    assert width(rows.loc["backward"]) > width(rows.loc["forward"])


def test_differences_are_of_the_launches_that_ran_both_phases(tmp_path):
    records = of_launches(SCHEMA)
    crashed = Record(Case(workload("gradient"), A), 4, Status.CRASHED, "boom")
    alone = [measured("forward", A, 4, 90.0), crashed, measured("train", A, 4, 95.0)]
    rows = split_of(tmp_path, *records, *alone)
    assert rows.loc["backward"].seconds == pytest.approx(4.015)
    assert rows.loc["update"].seconds == pytest.approx(0.985)
    assert rows.loc["forward"].seconds == pytest.approx((4 * 2.75 + 90.0) / 5)


def test_a_phase_that_was_made_again_is_subtracted_from_that_of_its_launch(tmp_path):
    """Attempts differ by phase, as only those that were disturbed are made again; launches do not."""
    records = of_launches(SCHEMA)
    again = [replace(record, attempt=1) for record in records if record.case.workload.phase == "gradient"]
    disturbed = [replace(record, seconds=(50.0,)) for record in records if record.case.workload.phase == "gradient"]
    others = [record for record in records if record.case.workload.phase != "gradient"]
    rows = split_of(tmp_path, *others, *disturbed, *again)
    assert rows.loc["backward"].seconds == pytest.approx(4.015)
    assert width(rows.loc["backward"]) < 0.1


def test_phases_that_share_no_launch_are_subtracted_as_independent(tmp_path):
    forward = [measured("forward", A, launch, 2.0 + 0.1 * launch) for launch in range(3)]
    gradient = [measured("gradient", A, launch, 6.0 + 0.1 * launch) for launch in range(3, 6)]
    rows = split_of(tmp_path, *forward, *gradient)
    assert rows.loc["backward"].seconds == pytest.approx(4.3)
    assert rows.loc["backward"].seconds_low < 4.3 < rows.loc["backward"].seconds_high


def test_ratios_pair_within_a_subset(tmp_path):
    writer = CampaignWriter.create(tmp_path, "subsets", {"reference": A.id})
    writer.append(
        [
            measured("infer", A, 0, 1.0),
            measured("infer", B, 0, 2.0),
            measured("infer", A, 0, 10.0, subset=1),
            measured("infer", C, 0, 30.0, subset=1),
        ]
    )
    writer.close()
    rows = cases.cases([read_campaign(writer.folder)]).set_index("contestant")
    assert rows.loc[B.id].ratio == 2.0
    assert rows.loc[C.id].ratio == pytest.approx(3.0)


def test_a_case_that_failed_after_a_good_launch_keeps_what_was_measured(tmp_path):
    writer = CampaignWriter.create(tmp_path, "failed", {})
    writer.append([measured("infer", A, 0, 1.0), Record(Case(workload("infer"), A), 1, Status.CRASHED, "boom")])
    writer.close()
    row = cases.cases([read_campaign(writer.folder)]).iloc[0]
    assert (row.status, row.launches) == ("measured", 1)


def test_load_and_export(campaign, tmp_path):
    frame = results.load("known", data=tmp_path)
    assert len(frame) == len(campaign.records)
    assert results.load(data=tmp_path).equals(frame)
    cases = results.load(campaign.folder, rows="cases")
    exported = export("known", "csv", "cases", None, tmp_path)
    assert exported.splitlines()[0] == ",".join(cases.columns)
    export("known", "parquet", "cases", tmp_path / "out.parquet", tmp_path)
    again = pd.read_parquet(tmp_path / "out.parquet")
    assert again.seconds.dropna().tolist() == cases.seconds.dropna().tolist()
    assert export("known", "markdown", "split", None, tmp_path).startswith("| campaign")
    with pytest.raises(ResultsError, match="--output"):
        export("known", "parquet", "cases", None, tmp_path)


def test_a_compact_table_of_launches_has_the_same_values(campaign):
    names = ("case", "status", "reason", "seconds", "other_cpus_used", "parity_worst_gradient", "log")
    compact, plain = launches.launches([campaign], names, compact=True), launches.launches([campaign])
    assert tuple(compact.columns) == names
    assert compact["case"].dtype == "category"
    pd.testing.assert_frame_equal(compact.astype(plain[list(names)].dtypes), plain[list(names)])
