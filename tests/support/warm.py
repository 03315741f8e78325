"""Trials of reproductions in forks of the server of tests.support.preloaded, in place of fresh interpreters."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.context import BaseContext, ForkServerProcess
from types import SimpleNamespace
from typing import Any

import pytest

from tests.support import preloaded


class WarmProcess(ForkServerProcess):
    """Has the variables that a fresh interpreter would have: those of the process that starts it, as it does."""

    _target: Callable[..., object]
    _args: tuple[Any, ...]

    def start(self) -> None:
        self._args = (dict(os.environ), self._target, self._args)
        self._target = with_variables
        super().start()


def with_variables(variables: dict[str, str], target: Callable[..., object], arguments: tuple[Any, ...]) -> None:
    os.environ.clear()
    os.environ.update(variables)
    target(*arguments)


@contextmanager
def warm_trials() -> Iterator[None]:
    """multiprocessing's context "spawn" forks: importing what a trial needs takes longer than a trial of the tests."""
    real = multiprocessing.get_context

    def context(kind: str) -> BaseContext | SimpleNamespace:
        if kind != "spawn":
            return real(kind)
        return SimpleNamespace(Pipe=preloaded.context().Pipe, Process=WarmProcess)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(multiprocessing, "get_context", context)
        yield
