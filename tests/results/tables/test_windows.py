"""Windows both ways, and the paper's own figures."""

from __future__ import annotations

from dataclasses import replace

import pytest

import results
from results.schema.record import Case, Contestant, Record
from results.store.campaigns import CampaignWriter
from results.tables.windows import COLUMNS, PUBLISHED, windows
from tests.support.made_up import measured, workload

CONTESTANT = Contestant("alpha", "eager")
SHARED = workload("zf5-windows-10", batch=1)
SYSTEM = {"workloads": {SHARED.id: {"macs": 1, "traffic_bytes": 1, "memory_bytes": 1, "ceiling": None, "windows": 10}}}


def each(architecture: str, side: int, seconds: float, images: int = 10) -> Record:
    square = workload(architecture, height=side, batch=images)
    return measured(
        Case(replace(square, stream=f"tens-{side}", parts=((side, side, images),)), CONTESTANT), 0, [seconds]
    )


@pytest.fixture
def load(tmp_path):
    def load(*records: Record):
        writer = CampaignWriter.create(tmp_path, "known", SYSTEM)
        writer.append([measured(Case(SHARED, CONTESTANT), 0, [0.5]), *records])
        writer.close()
        return results.load(writer.folder, rows="windows")

    return load


def test_passes_of_other_sizes_and_networks_are_rows_of_their_own(load):
    found = load(each("zf5-spp", 224, 4.0), each("zf5-spp", 180, 3.0), each("overfeat5-spp", 224, 8.0))
    assert list(found.columns) == [column.name for column in COLUMNS]
    assert list(zip(found.each_network, found.each_stream, found.speed_up)) == [
        ("zf5-spp", "tens-224", 8.0),
        ("zf5-spp", "tens-180", 6.0),
        ("overfeat5-spp", "tens-224", 16.0),
    ]
    assert set(found.network) == {SHARED.architecture}


def test_as_many_passes_as_windows(load):
    assert load(each("zf5-spp", 224, 4.0, images=20)).empty
    assert windows([]).empty


def test_the_papers_speed_ups_are_those_that_it_prints():
    assert [round(one.speed_up) for one in PUBLISHED] == [64, 24, 102, 38]
