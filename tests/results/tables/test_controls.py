"""Controls apart from contestants: in a table of their own, and in no other."""

from __future__ import annotations

from dataclasses import replace

import pytest

import results
from results.schema.record import Case, Contestant, from_json, to_json
from results.store.campaigns import CampaignWriter, read_campaign
from results.tables import cases, controls, launches
from tests.support.made_up import measured, workload

ALPHA, BETA = Contestant("alpha", "eager"), Contestant("beta", "jit")
COPY = replace(BETA, copy=1)


@pytest.fixture
def campaign(tmp_path):
    """Three blocks; the copy of beta took 1 % more, 1 % less and 4 % more than beta."""
    records = [
        measured(Case(workload(), contestant), launch, [seconds])
        for launch, more in enumerate((1.01, 0.99, 1.04))
        for contestant, seconds in ((ALPHA, 2.0), (BETA, 1.0 + launch), (COPY, (1.0 + launch) * more))
    ]
    writer = CampaignWriter.create(tmp_path, "some", {"schema": 7, "reference": ALPHA.id})
    writer.append(records)
    writer.close()
    return read_campaign(writer.folder)


def test_a_copy_is_no_contestant_of_any_other_table(campaign):
    assert set(cases.cases([campaign]).contestant) == {ALPHA.id, BETA.id}
    assert set(launches.launches([campaign]).contestant) == {ALPHA.id, BETA.id}
    assert len(campaign.copies) == 3


def test_a_control_is_the_ratio_of_a_contestant_to_itself(campaign):
    (row,) = controls.controls([campaign]).to_dict("records")
    middle = (1.01 * 0.99 * 1.04) ** (1 / 3)
    assert (row["contestant"], row["pairs"]) == (BETA.id, 3)
    assert row["ratio"] == pytest.approx(middle)
    assert row["difference"] == pytest.approx(middle - 1)
    assert row["ratio_low"] < 1 < row["ratio_high"]


def test_a_faster_copy_differs_as_much_as_a_slower_one(tmp_path):
    for name, seconds in (("slow", 1.25), ("fast", 0.8)):
        writer = CampaignWriter.create(tmp_path, name, {"schema": 7})
        writer.append([measured(Case(workload(), one), 0, [taken]) for one, taken in ((BETA, 1.0), (COPY, seconds))])
        writer.close()
    found = results.load(["slow", "fast"], rows="controls", data=tmp_path)
    assert list(found.difference) == pytest.approx([0.25, 0.25])


def test_a_copy_is_the_same_when_it_is_read_back():
    record = measured(Case(workload(), COPY), 0, [1.0])
    assert from_json(to_json(record)) == record
    assert record.case.id.endswith("beta:jit#1")
