"""Resident memory of a launch that computes in several processes, from status files that are made up."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bench.machine import resident
from bench.machine.resident import UNKNOWN, Resident

STATUS = "Name:\tpython\nVmHWM:\t{peak} kB\nVmRSS:\t{now} kB\nRssFile:\t{files} kB\n"


@pytest.fixture
def says(monkeypatch, tmp_path):
    """Sets what the system says of this process and of another one, in kB."""
    monkeypatch.setattr(resident, "STATUS", tmp_path / "own")
    monkeypatch.setattr(resident, "CLEAR", tmp_path / "own-clear")
    monkeypatch.setattr(resident, "STATUS_OF", str(tmp_path / "other"))
    monkeypatch.setattr(resident, "CLEAR_OF", str(tmp_path / "other-clear"))

    def says(name: str, peak: int, now: int = 0, files: int = 0) -> Path:
        (tmp_path / name).write_text(STATUS.format(peak=peak, now=now, files=files))
        return tmp_path / f"{name}-clear"

    return says


def test_the_peak_is_the_sum_of_what_each_process_has_added(says):
    says("own", 1000, 1000, 400)
    found = Resident()
    found.include([os.getpid()])
    says("own", 1500, 1200, 400)
    says("other", 2600, 2000, 900)
    assert found.peak() == 1024 * ((1500 - 400 - 600) + (2600 - 900 - 600))


def test_the_peak_of_every_process_is_forgotten(says):
    own = says("own", 1000, 1000)
    other = says("other", 1000, 1000)
    found = Resident()
    found.include([os.getpid()])
    own.unlink()
    found.forget()
    assert (own.read_text(), other.read_text()) == ("5", "5")


def test_a_process_of_which_nothing_is_told_leaves_the_sum_unknown(says):
    says("own", 1000, 1000)
    found = Resident()
    found.include([os.getpid()])
    assert found.peak() == UNKNOWN


def test_all_processes_are_resident_now(says):
    says("own", 1000, 1000)
    alone = Resident().now()
    found = Resident()
    found.include([os.getpid()])
    assert found.now() > 1.5 * alone
