"""The process of a trial: its environment, stated in full, and what an exception or a signal makes of the trial."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from impls.errors import InvalidInput
from impls.host.process import CORES, STEADY_ALLOCATOR
from repro.runner import workers
from repro.training.job import Job
from results.schema.trial import Outcome, Trial
from tests.repro.planted import LONG
from tests.support.exceptions import NOT_OF_MEMORY, SHORT_OF_MEMORY

JOB = Job(LONG, "fashion-mnist", 1, "pytorch", "compile", "cpu")


@pytest.mark.parametrize("fails", [False, True])
def test_a_trial_has_what_it_needs_of_the_shell_and_nothing_that_changes_its_result(fails, tmp_path, monkeypatch):
    seen: dict[str, str] = {}

    def start() -> None:
        seen.update(os.environ)
        if fails:
            raise OSError("no room for another process")

    process = SimpleNamespace(start=start)
    context = SimpleNamespace(
        Pipe=lambda duplex: (SimpleNamespace(), SimpleNamespace(close=lambda: None)),
        Process=lambda **_: process,
    )
    monkeypatch.setattr(workers.multiprocessing, "get_context", lambda _: context)
    monkeypatch.setenv("JAX_DISABLE_JIT", "1")
    monkeypatch.setenv("MALLOC_ARENA_MAX", "1")
    monkeypatch.setenv("DEADHEAT_DATA", "/data")
    before = dict(os.environ)
    task = workers.Task("x", JOB, tmp_path, tmp_path / "x.npz", tmp_path / "album.npz")
    try:
        workers._begin(task, None, tmp_path)
    except OSError:
        assert fails
    assert dict(os.environ) == before
    assert seen["DEADHEAT_DATA"] == "/data"
    assert {name for name in seen if name.startswith(("JAX_", "MALLOC_"))} == set(STEADY_ALLOCATOR)


def test_a_trial_computes_on_its_core_and_sees_no_card_that_it_is_not_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")
    shell = {"CUDA_VISIBLE_DEVICES": "1", CORES: "0,1", "OMP_NUM_THREADS": "8"}
    alone = workers.variables(JOB, 3, tmp_path, shell)
    assert (alone[CORES], alone["OMP_NUM_THREADS"], alone["CUDA_VISIBLE_DEVICES"]) == ("3", "1", "")
    assert alone["TORCHINDUCTOR_CACHE_DIR"] == f"{tmp_path}/inductor"
    anywhere = workers.variables(JOB, None, tmp_path, shell)
    assert not {CORES, "OMP_NUM_THREADS"} & set(anywhere)
    on_card = workers.variables(Job(LONG, "fashion-mnist", 1, "pytorch", "compile", "cuda"), None, tmp_path, shell)
    assert (on_card["CUDA_VISIBLE_DEVICES"], on_card["CUDA_DEVICE_ORDER"]) == ("1", "PCI_BUS_ID")


def ended(problem: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Trial:
    """What a trial comes to that raises `problem`."""

    def run(*_: object) -> Trial:
        raise problem

    monkeypatch.setattr(workers.trial, "run", run)
    monkeypatch.setattr(workers.data, "load", lambda *_: None)
    return workers._outcome(workers.Task("x", JOB, tmp_path, tmp_path / "x.npz", tmp_path / "y.npz"), lambda _: None)


@pytest.mark.parametrize("problem", SHORT_OF_MEMORY.values(), ids=SHORT_OF_MEMORY)
def test_a_framework_short_of_memory_is_out_of_memory(problem, tmp_path, monkeypatch):
    found = ended(problem, tmp_path, monkeypatch)
    assert found.outcome is Outcome.OUT_OF_MEMORY
    assert type(problem).__name__ in found.reason


@pytest.mark.parametrize("problem", NOT_OF_MEMORY.values(), ids=NOT_OF_MEMORY)
def test_any_other_exception_is_failed(problem, tmp_path, monkeypatch):
    assert ended(problem, tmp_path, monkeypatch).outcome is Outcome.FAILED


def test_an_error_of_the_user_is_its_own_line_without_a_traceback(tmp_path, monkeypatch, capfd):
    assert ended(InvalidInput("no such data"), tmp_path, monkeypatch).reason == "no such data"
    assert "Traceback" not in capfd.readouterr().err


def test_a_trial_whose_process_died_says_how(tmp_path: Path) -> None:
    def recv() -> None:
        raise EOFError

    task = workers.Task("x", JOB, tmp_path, tmp_path / "x.npz", tmp_path / "y.npz")
    task.log.write_text("step 7")
    process = SimpleNamespace(kill=lambda: None, join=lambda: None, exitcode=-9)
    found = workers._message(workers._Running(task, process, SimpleNamespace(recv=recv), None))
    assert found.outcome is Outcome.CRASHED
    assert found.reason == "killed by SIGKILL (the system may have run out of memory); it last said: step 7"
