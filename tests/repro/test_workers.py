"""The process of a trial has a stated environment, and the one that starts it keeps its own."""

from __future__ import annotations

import os
from types import SimpleNamespace

import pytest

from impls.process import STEADY_ALLOCATOR
from repro.runner import workers


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
    task = workers.Task("x", None, tmp_path, tmp_path / "x.npz", tmp_path / "album.npz")
    try:
        workers._begin(task, None, tmp_path)
    except OSError:
        assert fails
    assert dict(os.environ) == before
    assert seen["DEADHEAT_DATA"] == "/data"
    assert {name for name in seen if name.startswith(("JAX_", "MALLOC_"))} == set(STEADY_ALLOCATOR)
