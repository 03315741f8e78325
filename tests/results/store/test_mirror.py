"""A mirror has the launches of its campaign and no others: tables are the same with it as from the records."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

from results import advice
from results.compare.history import histories
from results.compare.ratios import pairs
from results.schema.record import SCHEMA, Case, Conditions, Contestant, Latency, Record, Status, Usage, Workload
from results.store import mirror, mirroring
from results.store.campaigns import DATA, MIRROR, RECORDS, CampaignWriter, StoredCampaign, campaigns_in, read_campaign
from results.store.journal import ResultsError
from results.tables import CAMPAIGNS, load_table, table_names
from tests.support import large
from tests.support.fleet import node_campaigns
from tests.support.made_up import SYSTEM, lively_records, measured, workload
from tests.support.slow import slow_but

TABLES = [name for name in table_names() if load_table(name).source is CAMPAIGNS]
CASE = Case(workload(), Contestant("alpha", "eager"))
SMALL = [DATA / name for name in ("reference-nodes", "reference-stream", "reference-parallel")]


@pytest.fixture(autouse=True)
def short_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Campaigns of tests have many runs and row groups, too, and cases that are longer than a row group."""
    for name, launches in {"RUN": 30, "BATCH": 7, "GROUP": 50}.items():
        monkeypatch.setattr(mirroring, name, launches)


def written(folder: Path, records: list[Record], system: dict[str, object] = SYSTEM) -> Path:
    writer = CampaignWriter.create(folder, "one", system)
    writer.append(records)
    writer.close()
    return writer.folder


def both(folder: Path) -> tuple[StoredCampaign, StoredCampaign]:
    """The campaign as read from its records, and from its mirror."""
    plain = read_campaign(folder)
    assert plain.columns is None
    mirroring.write(folder)
    mirrored = read_campaign(folder)
    assert mirrored.columns is not None
    return plain, mirrored


def assert_same(plain: StoredCampaign, mirrored: StoredCampaign, tables: list[str] = TABLES) -> None:
    for name in tables:
        make = load_table(name).make
        pd.testing.assert_frame_equal(make([plain]), make([mirrored]), check_exact=True, obj=name)


def assert_all_the_same(plain: StoredCampaign, mirrored: StoredCampaign) -> None:
    assert_same(plain, mirrored)
    assert advice.warnings_for(plain) == advice.warnings_for(mirrored)
    assert repr(pairs(plain)) == repr(pairs(mirrored))
    assert repr(histories([plain])) == repr(histories([mirrored]))


@pytest.mark.parametrize("folder", slow_but(SMALL, campaigns_in(DATA)), ids=lambda folder: folder.name)
def test_the_cases_of_every_committed_campaign_are_the_same(folder: Path, tmp_path: Path):
    shutil.copytree(folder, tmp_path / folder.name, ignore=shutil.ignore_patterns(MIRROR))
    assert_same(*both(tmp_path / folder.name), ["cases"])


def eventful() -> Iterator[Record]:
    """Retries, failures, copies, nodes, subsets, streams, launches of other lengths and what no system reports."""
    yield from large.passes(1, 12)
    yield from lively_records()
    stream = Workload("zf5", 64, 64, 3, 10, 4, "float32", "cpu", "infer", "mixed", ((64, 64, 2), (96, 80, 2)))
    for launch in range(4):
        for node in ("n1", "n2"):
            own = measured(CASE, launch, [0.1 + 0.01 * launch, 0.11, 0.12, 0.1])
            yield replace(own, node=node, turns=(0, 3), device_seconds=(0.09, 0.1), subset=launch % 2)
            yield replace(own, case=replace(CASE, contestant=replace(CASE.contestant, copy=1)), node=node)
            yield replace(measured(replace(CASE, workload=stream), launch, [0.2] * (3 + launch)), node=node)
    yield replace(measured(CASE, 9, [0.1]), conditions=Conditions(2), usage=Usage(sources={"allocator_bytes": "peak"}))
    yield replace(measured(CASE, 10, [0.1, 0.2]), block_seconds={"build": 1.5, "rounds": 0.25}, compilations=3, steps=7)
    timed = Latency(400, {"50": 0.1, "99": 0.3}, Conditions(2, wall=(4.0,), foreign_cpu=(1.0,)))
    yield replace(measured(CASE, 12, [0.1]), latency=timed)
    yield replace(measured(CASE, 13, [0.1]), latency=Latency(0, reason="crashed: signal 9"))
    yield Record(CASE, 11, Status.FAILED, "it ended", conditions=Conditions(2, (0.1, math.inf), (0.1, -math.inf)))


def test_every_table_is_the_same_whatever_a_campaign_has(tmp_path: Path):
    plain, mirrored = both(written(tmp_path, list(eventful())))
    assert_all_the_same(plain, mirrored)


def test_everything_is_the_same_of_a_campaign_of_nodes(tmp_path: Path):
    made = node_campaigns.campaign(nodes=3, launches=6, planted={("n2", node_campaigns.GAMMA): 1.1})
    made = node_campaigns.without(made, "n3", node_campaigns.BETA)
    plain, mirrored = both(written(tmp_path, [*made.records, *made.copies], node_campaigns.facts(3)))
    assert set(load_table("nodes").make([mirrored]).node) == {"n1", "n2", "n3"}
    assert_all_the_same(plain, mirrored)


def test_records_are_those_on_disk(tmp_path: Path):
    plain, mirrored = both(written(tmp_path, list(eventful())))
    assert repr(tuple(mirrored.records)) == repr(plain.records)  # some hold NaN, which is not equal to itself
    assert tuple(mirrored.copies) == plain.copies
    assert (len(mirrored.records), len(mirrored.copies)) == (len(plain.records), len(plain.copies))
    assert mirrored.records[3] == plain.records[3]


def test_the_rounds_of_a_case_are_those_of_its_records(tmp_path: Path):
    plain, mirrored = both(written(tmp_path, list(eventful())))
    for case in reversed(plain.launches):
        assert [tuple(one) for one in mirrored.launches[case].rounds] == list(plain.launches[case].rounds)


def test_launches_are_sorted_by_case_and_those_of_a_case_in_the_order_recorded(tmp_path: Path):
    folder = written(tmp_path, list(large.passes(2, 8)))
    count = mirroring.write(folder)
    table = pq.read_table(folder / MIRROR, columns=["group", "contestant", "line"]).to_pylist()
    keys = [(row["group"], row["contestant"], row["line"]) for row in table]
    assert keys == sorted(keys)
    assert sorted(row["line"] for row in table) == list(range(count))


def test_row_groups_hold_whole_cases_unless_one_is_longer(tmp_path: Path):
    folder = written(tmp_path, [measured(CASE, launch, [0.1]) for launch in range(170)])
    mirroring.write(folder)
    groups = pq.ParquetFile(folder / MIRROR).metadata
    assert [groups.row_group(number).num_rows for number in range(groups.num_row_groups)] == [30, 30, 30, 30, 30, 20]
    many = written(tmp_path / "many", list(large.passes(1, 12)))
    mirroring.write(many)
    file = pq.ParquetFile(many / MIRROR)
    own = [set(file.read_row_group(number, ["case"])["case"].to_pylist()) for number in range(file.num_row_groups)]
    assert len(own) > 1
    assert len(set.union(*own)) == sum(map(len, own))


def test_the_file_says_what_it_is_of(tmp_path: Path):
    folder = written(tmp_path, [measured(CASE, 0, [0.1])])
    mirroring.write(folder)
    said = json.loads(pq.read_schema(folder / MIRROR).metadata[b"deadheat"])
    assert said["digest"] == mirror.digest(folder / RECORDS)
    assert (said["mirror"], said["schema"], said["problems"]) == (mirror.VERSION, SCHEMA, [])


def test_unreadable_lines_are_reported_under_the_campaigns_name(tmp_path: Path):
    folder = written(tmp_path, [measured(CASE, 0, [0.1])])
    with (folder / RECORDS).open("a") as lines:
        lines.write("no record\n")
    plain, mirrored = both(folder)
    assert plain.problems == mirrored.problems
    renamed = folder.rename(folder.with_name("other"))
    (problem, *_) = read_campaign(renamed).problems
    assert problem.startswith(f"other/{RECORDS} line 2: ")


def test_a_mirror_of_other_records_is_ignored(tmp_path: Path):
    folder = written(tmp_path, [measured(CASE, 0, [0.1])])
    mirroring.write(folder)
    with (folder / RECORDS).open("a") as lines:
        lines.write((folder / RECORDS).read_text().replace('"launch":0', '"launch":1'))
    assert len(read_campaign(folder).records) == 2
    mirroring.write(folder)
    (folder / RECORDS).write_text((folder / RECORDS).read_text().replace("0.1", "0.2"))
    campaign = read_campaign(folder)
    assert campaign.columns is None
    assert campaign.records[0].seconds == (0.2,)


@pytest.mark.parametrize("name", ["VERSION", "SCHEMA"])
def test_a_mirror_of_another_version_is_ignored(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    folder = written(tmp_path, [measured(CASE, 0, [0.1])])
    mirroring.write(folder)
    monkeypatch.setattr(mirror, name, 99)
    assert read_campaign(folder).columns is None


@pytest.mark.parametrize("content", [b"", b"PAR1", b"no parquet" * 100], ids=["empty", "cut", "other"])
def test_a_damaged_mirror_is_ignored(content: bytes, tmp_path: Path):
    folder = written(tmp_path, [measured(CASE, 0, [0.1])])
    (folder / MIRROR).write_bytes(content)
    assert read_campaign(folder).columns is None
    pd.DataFrame({"case": ["a"]}).to_parquet(folder / MIRROR)
    assert read_campaign(folder).columns is None


def test_a_damaged_part_is_one_line(tmp_path: Path):
    folder = written(tmp_path, list(large.passes(1, 12)))
    mirroring.write(folder)
    content = bytearray((folder / MIRROR).read_bytes())
    content[4 : len(content) // 2] = bytes(len(content) // 2 - 4)  # the end has the metadata
    (folder / MIRROR).write_bytes(content)
    with pytest.raises(ResultsError, match=rf"{MIRROR} is damaged: .*; delete it, all is in {RECORDS}"):
        load_table("launches").make([read_campaign(folder)])


def test_a_campaign_that_is_open_keeps_its_mirror_when_another_takes_its_place(tmp_path: Path):
    folder = written(tmp_path, list(large.passes(1, 3)))
    plain, mirrored = both(folder)
    with (folder / RECORDS).open("a") as lines:
        lines.write((folder / RECORDS).read_text())
    mirroring.write(folder)
    assert_same(plain, mirrored, ["cases"])
    assert len(read_campaign(folder).records) == 2 * len(plain.records)


def test_of_a_large_file_parts_are_digested(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(mirror, "WHOLE_DIGEST", 1000)
    monkeypatch.setattr(mirror, "SAMPLE", 10)
    path = tmp_path / "file"
    path.write_bytes(bytes(range(256)) * 40)
    seen = [mirror.digest(path)]
    for change in (lambda text: text + b"\0", lambda text: b"\1" + text[1:], lambda text: text[:-1] + b"\1"):
        path.write_bytes(change(bytes(range(256)) * 40))
        seen.append(mirror.digest(path))
    assert len(set(seen)) == 4


def test_a_campaign_without_records_has_an_empty_mirror(tmp_path: Path):
    plain, mirrored = both(written(tmp_path, []))
    assert_same(plain, mirrored)


def test_what_cannot_be_written_is_one_line_and_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    folder = written(tmp_path, [measured(CASE, 0, [0.1])])

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(mirroring, "_write", full)
    with pytest.raises(ResultsError, match=r"launches\.parquet can't be written: No space left on device; records"):
        mirroring.write(folder)
    assert sorted(path.name for path in folder.iterdir()) == [RECORDS, "system.json"]
    monkeypatch.setattr(mirroring, "LARGE", 0)
    mirroring.if_large(folder)


def test_a_number_that_no_column_holds_is_named(tmp_path: Path):
    folder = written(tmp_path, [measured(CASE, 10**30, [0.1])])
    with pytest.raises(ResultsError, match="holds a value that no column can hold"):
        mirroring.write(folder)
    assert read_campaign(folder).launches[CASE]["launch"] == [1e30]


def test_only_a_large_campaign_gets_a_mirror_by_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    folder = written(tmp_path, [measured(CASE, 0, [0.1])])
    mirroring.if_large(folder)
    assert not (folder / MIRROR).exists()
    monkeypatch.setattr(mirroring, "LARGE", (folder / RECORDS).stat().st_size)
    mirroring.if_large(folder)
    assert read_campaign(folder).columns is not None
