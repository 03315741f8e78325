"""Campaigns on disk: nothing measured is lost, nothing foreign is believed."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from results.schema.record import Case, Contestant, Record, Status, Workload
from results.schema.system import System
from results.store.campaigns import (
    RECORDS,
    CampaignWriter,
    campaign_name,
    campaigns_in,
    check_writable,
    find_campaign,
    latest_campaign,
    read_campaign,
)
from results.store.journal import SYSTEM, ResultsError, by_start

WORKLOAD = Workload("lenet5", 32, 32, 1, 10, 4, "float32", "cpu", "infer")


def record(launch: int) -> Record:
    return Record(Case(WORKLOAD, Contestant("pytorch", "eager")), launch, Status.MEASURED, seconds=(0.5, 0.25))


@pytest.fixture
def folder(tmp_path):
    writer = CampaignWriter.create(tmp_path, "one", {"reference": "pytorch:eager"})
    writer.append([record(0), record(1)])
    writer.update_system(System(stop="complete"))
    writer.close()
    return writer.folder


def test_what_was_written_is_read(folder):
    campaign = read_campaign(folder)
    assert campaign.records == (record(0), record(1))
    assert campaign.system == System(reference="pytorch:eager", stop="complete")
    assert campaign.problems == ()


def test_a_file_is_on_disk_before_it_has_its_name_and_its_name_before_it_is_believed(tmp_path, monkeypatch):
    """Or a loss of power leaves an empty file where there was one before, or none where there is one."""
    writer = CampaignWriter.create(tmp_path, "one", {})
    synced: list[str] = []

    def fsync(file: int) -> None:
        path = Path(os.readlink(f"/proc/self/fd/{file}"))
        names = ", ".join(sorted(one.name for one in path.iterdir())) if path.is_dir() else path.read_text()
        synced.append(f"{path.name}: {names}")

    monkeypatch.setattr(os, "fsync", fsync)
    writer.replace_file("benchmark.json", "all of it")
    writer.close()
    assert synced == [".benchmark.json.new: all of it", f"one: benchmark.json, {RECORDS}, {SYSTEM}"]


def test_a_file_that_cannot_be_synced_leaves_the_one_before(tmp_path, monkeypatch):
    writer = CampaignWriter.create(tmp_path, "one", {"stop": "interrupted"})

    def fsync(file: int) -> None:
        raise OSError(errno.EIO, "the disk is dying")

    monkeypatch.setattr(os, "fsync", fsync)
    writer.update_system(System(stop="complete"))
    writer.close()
    assert read_campaign(writer.folder).system == System(stop="interrupted")
    assert sorted(one.name for one in writer.folder.iterdir()) == [RECORDS, SYSTEM]


def test_records_are_on_disk_as_soon_as_append_returns(tmp_path):
    writer = CampaignWriter.create(tmp_path, "running", {})
    writer.append([record(0)])
    assert read_campaign(writer.folder).records == (record(0),)
    writer.close()


def test_a_truncated_last_line_costs_only_itself(folder):
    text = (folder / RECORDS).read_text()
    (folder / RECORDS).write_text(text[:-40])
    campaign = read_campaign(folder)
    assert campaign.records == (record(0),)
    assert len(campaign.problems) == 1
    assert "line 2" in campaign.problems[0]


def test_foreign_lines_and_bytes_are_named_and_the_rest_is_read(folder):
    with (folder / RECORDS).open("ab") as file:
        file.write(b"\xff\xfe rubbish\n{}\n")
    campaign = read_campaign(folder)
    assert len(campaign.records) == 2
    assert [problem.split(":")[0] for problem in campaign.problems] == [
        f"one/{RECORDS} line 3",
        f"one/{RECORDS} line 4",
    ]


def test_a_damaged_system_file_is_named_and_the_records_are_read(folder):
    (folder / SYSTEM).write_text("{")
    campaign = read_campaign(folder)
    assert len(campaign.records) == 2
    assert campaign.system == System()
    assert SYSTEM in campaign.problems[0]


def test_two_campaigns_of_one_name_get_folders_of_their_own(folder, tmp_path):
    second = CampaignWriter.create(tmp_path, "one", {})
    second.close()
    assert second.folder.name == "one-2"
    assert campaigns_in(tmp_path) == [folder, second.folder]


def test_a_campaign_is_found_by_name_and_by_folder_and_otherwise_named_with_what_there_is(folder, tmp_path):
    assert find_campaign("one", tmp_path) == find_campaign(folder, tmp_path) == latest_campaign(tmp_path) == folder
    with pytest.raises(ResultsError, match="no campaign 'two'.*there are: one"):
        find_campaign("two", tmp_path)


def test_a_campaign_has_its_folders_name_however_the_folder_is_given(folder, tmp_path, monkeypatch):
    (folder / "logs").mkdir()
    for where, path in ((folder, "."), (folder / "logs", ".."), (tmp_path, "one/"), (tmp_path, folder)):
        monkeypatch.chdir(where)
        assert read_campaign(find_campaign(path)).name == campaign_name(path) == "one"
    assert campaign_name("two", tmp_path) == "two", "not found: as it was given"


def test_the_newest_campaign_is_the_one_that_began_last_whatever_its_files_times(tmp_path):
    began = {
        "a-last": "2026-11-23T01:00:00+02:00",  # 23:00 UTC the day before
        "b-first": "2026-11-22T22:00:00Z",
        "c-tie": "2026-11-22T23:00:00",
        "d-says-nothing": None,
        "e-says-nonsense": "yesterday",
    }
    for age, (name, started) in enumerate(began.items()):
        CampaignWriter.create(tmp_path, name, {"started": started}).close()
        os.utime(tmp_path / name / RECORDS, (1e9 + age, 1e9 + age))
    assert [folder.name for folder in by_start(campaigns_in(tmp_path))] == [
        "d-says-nothing",
        "e-says-nonsense",
        "b-first",
        "a-last",
        "c-tie",
    ]
    assert latest_campaign(tmp_path).name == "c-tie"


def test_no_campaign_yet_says_how_to_make_one(tmp_path):
    with pytest.raises(ResultsError, match="python -m bench run"):
        latest_campaign(tmp_path)


def test_a_results_folder_that_is_a_file_is_refused_before_anything(tmp_path):
    (tmp_path / "data").write_text("")
    for folder in (tmp_path / "data", tmp_path / "data" / "below"):
        with pytest.raises(ResultsError, match="is a file; give another with --results"):
            check_writable(folder)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_results_folder_without_permission_is_refused_before_anything(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(ResultsError, match="can't be written"):
        check_writable(tmp_path / "data")


def test_checking_leaves_nothing_behind(tmp_path):
    check_writable(tmp_path / "a" / "b")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_another_writer_holds_is_refused(tmp_path):
    writer = CampaignWriter.create(tmp_path, "one", {})
    with pytest.raises(ResultsError, match="campaign one is being written by another process; wait for it"):
        CampaignWriter.resume(writer.folder, System())
    writer.close()
    CampaignWriter.resume(writer.folder, System()).close()
