"""What a launcher leaves, and what it finds of those before it that were killed."""

from __future__ import annotations

import fcntl
import tempfile

import pytest

from bench.launcher import LOCK, PREFIX, Launcher
from impls.errors import InvalidInput
from impls.frameworks import load_framework


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def left_behind(folder, name: str):
    found = folder / f"{PREFIX}{name}"
    found.mkdir()
    (found / "weights.npy").write_bytes(b"much")
    (found / LOCK).touch()
    return found


def test_what_a_killed_launcher_left_is_removed_and_a_living_ones_stays(own_folder):
    dead, alive, other = left_behind(own_folder, "dead"), left_behind(own_folder, "alive"), own_folder / "other"
    other.mkdir()
    with (alive / LOCK).open("r+b") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with Launcher(60) as launcher:
            assert not dead.exists()
            assert alive.exists()
            assert other.exists()
            assert launcher.folder.exists()
    assert not launcher.folder.exists()


def test_two_launchers_leave_each_other_alone(own_folder):
    with Launcher(60) as first, Launcher(60) as second:
        assert first.folder.exists()
        assert second.folder.exists()


@pytest.mark.parametrize("name", ["./framework.py", "no.such.module", "impls.errors"])
def test_a_module_that_is_no_framework_is_one_line(name):
    with pytest.raises(InvalidInput, match="module '"):
        load_framework(name)
