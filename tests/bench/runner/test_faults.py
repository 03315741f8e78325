"""Injected faults: after any crash or full disk, records are kept and no process is left."""

from __future__ import annotations

import errno
import os
import resource
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from results.schema.record import Status
from results.store.campaigns import RECORDS, read_campaign
from results.store.journal import SYSTEM
from tests.support.started import Started, poll, read, tiny

ORPHANS_LIVE = 30.0
"""Seconds after which none of a campaign's processes is left, whatever happened to the one that began it:
on a busy machine, and yet half of what the longest of them would sleep."""


LONG = tiny("outside", "outside.faulty:fine", launches=2000)


def statuses(folder: Path) -> dict[str, list[Status]]:
    found: dict[str, list[Status]] = {}
    for record in read_campaign(folder).records:
        found.setdefault(record.case.contestant.id, []).append(record.status)
    return found


@pytest.mark.slow
def test_a_zygote_that_dies_costs_one_launch_and_is_replaced(tmp_path):
    started = Started(tmp_path, tiny("outside", "outside.faulty:parricide", "outside.faulty:fine", launches=3))
    output = started.output()
    assert started.process.returncode == 1, output
    assert "1 failed, 2 passed" in output
    assert not started.others()
    campaign = read_campaign(started.folder())
    assert campaign.system.stop == "complete"
    found = statuses(campaign.folder)
    assert found["outside:loop"] == [Status.MEASURED] * 3
    assert found["outside.faulty:parricide"] == [Status.CRASHED] * 2
    fine = [Status.CRASHED, Status.MEASURED, Status.MEASURED]
    assert found["outside.faulty:fine"] == fine, (
        "its retry does not share a zygote with the process that killed the first one"
    )
    reasons = [record.reason for record in campaign.records if record.status is Status.CRASHED]
    assert all("its zygote died" in reason for reason in reasons)


def test_ctrl_c_leaves_a_summary_a_report_and_no_process(tmp_path):
    """As a terminal sends it: to every process of the group, zygotes and launches too."""
    started = Started(tmp_path, LONG, f"--report={tmp_path / 'html'}", before=os.setpgrp)
    started.await_lines(8)
    os.killpg(started.process.pid, signal.SIGINT)
    output = started.output()
    assert started.process.returncode == 2, output
    assert "ratio to the reference: below 1 is faster" in output
    assert f"resume with --resume {started.folder().name}" in output
    assert "outside.faulty:fine" in (tmp_path / "html" / "index.html").read_text()
    campaign = read_campaign(started.folder())
    assert campaign.system.stop == "interrupted"
    assert not campaign.problems
    assert not started.others()


def test_a_campaign_killed_while_measuring_leaves_no_process(tmp_path):
    started = Started(tmp_path, LONG)
    started.await_lines(4)
    assert started.others()
    started.process.kill()
    started.output()
    poll(lambda: not started.others(), ORPHANS_LIVE)


def ignores_interrupts(process: int) -> bool:
    """Whether it ignores SIGINT: a zygote's first own act, before which only the interpreter and imports run."""
    lines = read(Path(f"/proc/{process}/status")).splitlines()
    return any(int(line.split()[1], 16) >> (signal.SIGINT - 1) & 1 for line in lines if line.startswith("SigIgn:"))


@pytest.mark.parametrize("far", [False, True], ids=["the interpreter starts", "the framework is imported"])
def test_a_campaign_killed_while_a_zygote_starts_leaves_no_process(tmp_path, far):
    started = Started(tmp_path, tiny("outside", "outside.faulty:dawdles"))

    def dawdling() -> bool:
        named = [one for one in started.others() if "outside.dawdles" in read(Path(f"/proc/{one}/cmdline"))]
        return any(ignores_interrupts(one) == far for one in named)

    started.wait_for(dawdling)
    started.process.kill()
    started.output()
    poll(lambda: not started.others(), ORPHANS_LIVE)


def limit_files(size: int) -> None:
    """Files of this process end there, and a write beyond gives EFBIG in place of a signal."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


@contextmanager
def mounted(disk: Path, size: str) -> Iterator[bool]:
    """A file system in memory, while one looks at it; False where mounting is forbidden."""
    disk.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", size, "deadheat-test", disk]
    there = not subprocess.run(command, capture_output=True).returncode
    try:
        yield there
    finally:
        if there:
            subprocess.run(["umount", disk], check=True)


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 64 KiB, really full soon. Its maximum is that of any file, where mounting is forbidden."""
    disk = tmp_path / "disk"
    with mounted(disk, "size=64k") as there:
        yield disk, {} if there else {"before": partial(limit_files, 2**16)}


@pytest.mark.slow
def test_a_full_disk_is_one_line_that_says_how_to_go_on_and_whole_records_are_kept(tmp_path, small_disk):
    disk, how = small_disk
    started = Started(tmp_path, LONG, name="disk/data", **how)
    output = started.output()
    assert started.process.returncode == 1, output
    error = [line for line in output.splitlines() if "error: " in line]
    assert len(error) == 1, output
    assert RECORDS in error[0]
    assert os.strerror(errno.EFBIG if how else errno.ENOSPC) in error[0]
    assert f"--resume {started.folder().name}" in error[0]
    assert "Traceback" not in output
    assert "INTERNALERROR" not in output
    campaign = read_campaign(started.folder())
    assert len(campaign.records) > 10
    assert not campaign.problems
    assert (campaign.folder / RECORDS).read_bytes().endswith(b"\n")
    assert not started.others()


def test_room_for_the_records_but_not_for_pytest_benchmarks_copy_is_enough(tmp_path):
    text = tiny("outside", "outside.faulty:fine", launches=1, phases=("infer", "train"))
    started = Started(tmp_path, text, before=partial(limit_files, 12_000), simulated=True)
    output = started.output()
    assert started.process.returncode == 0, output
    campaign = read_campaign(started.folder())
    assert len(campaign.records) == 4
    assert campaign.system.stop == "complete"
    assert sorted(file.name for file in campaign.folder.iterdir()) == [RECORDS, SYSTEM]


def test_a_disk_that_is_full_from_the_start_is_one_line(tmp_path, small_disk):
    disk, how = small_disk
    if how:
        pytest.skip("mounting is forbidden here")
    (disk / "data").mkdir()
    with (disk / "fill").open("wb", buffering=0) as file:
        file.write(bytes(2**16))  # as much of it as there is room for
    started = Started(tmp_path, LONG, name="disk/data")
    output = started.output()
    assert started.process.returncode != 0
    assert output.count("can't be written: No space left on device; give another with --results") == 1, output
    assert "Traceback" not in output
    assert "INTERNALERROR" not in output


@pytest.mark.slow
def test_a_temporary_folder_that_fills_up_is_one_line_and_what_was_measured_is_kept(tmp_path, monkeypatch):
    with mounted(tmp_path / "temporary", "size=4m,nr_inodes=60") as there:
        if not there:
            pytest.skip("mounting is forbidden here")
        monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))
        started = Started(tmp_path, LONG)
        output = started.output()
        assert started.process.returncode == 1, output
        (error,) = [line for line in output.splitlines() if "error: " in line]
        assert "No space left on device; free disk space, or set TMPDIR" in error
        assert "Traceback" not in output
        assert "INTERNALERROR" not in output
        campaign = read_campaign(started.folder())
        assert len(campaign.records) > 10
        assert not campaign.problems
        assert not started.others()
