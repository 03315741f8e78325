"""How a process that ended is described, whatever it was: a launch or a trial; and where its temporary files are."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from impls.host.process import exit_reason, temporary_files_in

REASONS = {
    0: "exited with code 0",
    3: "exited with code 3",
    -signal.SIGSEGV: "killed by SIGSEGV",
    -signal.SIGKILL: "killed by SIGKILL (the system may have run out of memory)",
    -(signal.SIGRTMIN + 1): f"killed by signal {signal.SIGRTMIN + 1}",
}


@pytest.mark.parametrize(("code", "reason"), REASONS.items())
def test_a_reason_names_the_code_or_the_signal_and_what_was_said_last(code: int, reason: str, tmp_path: Path) -> None:
    log = tmp_path / "x.log"
    assert exit_reason(code, log) == reason, "there is no log"
    log.write_text("step 1\nstep 2\n")
    assert exit_reason(code, log) == f"{reason}; it last said: step 2"


@pytest.mark.parametrize("before", [None, "/somewhere"])
def test_temporary_files_are_in_a_folder_as_long_as_asked_for(before, tmp_path, monkeypatch):
    if before is None:
        monkeypatch.delenv("TMPDIR", raising=False)
    else:
        monkeypatch.setenv("TMPDIR", before)
    seen = []

    def fails() -> None:
        with temporary_files_in(str(tmp_path)):
            seen.append(os.environ["TMPDIR"])
            raise KeyError

    with pytest.raises(KeyError):
        fails()
    assert seen == [str(tmp_path)]
    assert os.environ.get("TMPDIR") == before
