"""Logs of launches that failed: each kept once, few, and none too long."""

from __future__ import annotations

import pytest

from results.store import logs
from results.store.logs import HEAD_BYTES, TAIL_BYTES, Logs


def test_a_log_is_kept_once_below_the_campaigns_folder(tmp_path):
    (tmp_path / "launch-7.log").write_text("it failed\n")
    kept = Logs(tmp_path)
    assert kept.keep(tmp_path / "launch-7.log") == kept.keep(tmp_path / "launch-7.log") == "logs/001-launch-7.log"
    assert (tmp_path / "logs" / "001-launch-7.log").read_text() == "it failed\n"
    assert len(list((tmp_path / "logs").iterdir())) == 1


def test_of_a_long_log_beginning_and_end_are_kept(tmp_path):
    (tmp_path / "a.log").write_bytes(b"b" * HEAD_BYTES + b"m" * 5 + b"e" * TAIL_BYTES)
    text = (tmp_path / Logs(tmp_path).keep(tmp_path / "a.log")).read_bytes()
    assert text == b"b" * HEAD_BYTES + b"\n[5 bytes left out]\n" + b"e" * TAIL_BYTES


def test_no_more_than_so_many_are_kept_those_of_an_earlier_run_included(tmp_path, monkeypatch):
    monkeypatch.setattr(logs, "MOST", 2)
    for name in "abc":
        (tmp_path / f"{name}.log").write_text(name)
    assert Logs(tmp_path).keep(tmp_path / "a.log") == "logs/001-a.log"
    later = Logs(tmp_path)
    assert later.keep(tmp_path / "b.log") == "logs/002-b.log"
    assert later.keep(tmp_path / "c.log") == ""


@pytest.mark.parametrize("case", ["empty", "gone", "no campaign", "no room"])
def test_where_there_is_nothing_to_keep_or_nowhere_to_keep_it_there_is_no_path(case, tmp_path):
    log = tmp_path / "a.log"
    if case != "gone":
        log.write_text("" if case == "empty" else "said")
    if case == "no room":
        (tmp_path / "logs").write_text("a file in the folder's place")
    assert Logs(None if case == "no campaign" else tmp_path).keep(log) == ""
