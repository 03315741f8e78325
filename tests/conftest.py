"""What every ring of tests shares."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import psutil
import pytest
from oracle.requests import COMPILERS, INDUCTOR, Requests

from bench.gate import evidence_cache
from deadheat.contract.fixtures import children
from deadheat.contract.processes import Children
from impls.host import cgroups, usable
from tests.support.distribution import schedule_by_file
from tests.support.preloaded import run_module
from tests.support.started import ROOT, environment
from tests.support.stub_driver import StubDriver

__all__ = ["children"]  # a fixture

FRAMEWORK_PACKAGES = {"torch", "tensorflow", "jax", "keras"}

Run = Callable[..., subprocess.CompletedProcess[str]]


def pytest_configure(config: pytest.Config) -> None:
    """For tests, not where cases are measured: warnings are errors, and an example may take as long as it needs.

    Hypothesis's deadline would be an assertion on a time. A campaign refuses to measure in a process of pytest-xdist;
    those that tests start measure nothing that is kept.
    """
    os.environ.pop("PYTEST_XDIST_WORKER", None)
    if not config.getoption("benchmark_only"):
        from hypothesis import settings  # a campaign has no use for its import

        config.addinivalue_line("filterwarnings", "error")
        settings.register_profile("no deadline", deadline=None)
        settings.load_profile("no deadline")


@pytest.fixture(scope="session", autouse=True)
def _no_framework_in_this_process() -> Iterator[None]:
    """The process that runs pytest never imports a framework: its memory and threads would be in every number."""
    yield
    assert not FRAMEWORK_PACKAGES & set(sys.modules)


@pytest.fixture(scope="session", autouse=True)
def _no_cached_evidence(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No test reads or writes the user's cached evidence, and none depends on that of another test: nothing is kept."""
    file = tmp_path_factory.mktemp("evidence") / "no-folder"
    file.touch()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(evidence_cache.FOLDER, str(file / "cache"))
        yield


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """All files that ask the frameworks' child processes go to one worker, so that these are started once."""
    return schedule_by_file(config, log) if config.getoption("dist") == "loadfile" else None


@pytest.hookimpl(tryfirst=True)  # before `-m` selects
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the arithmetic of compilers: it would take minutes, and every campaign's gate looks at it.

    The contract tests are slow for whatever Inductor compiles; they ship without this mark, as others run them for one
    framework.
    """
    for item in items:
        if item.nodeid.startswith("deadheat/contract/") and {*map(str, parameters(item).values())} & {*INDUCTOR}:
            item.add_marker(pytest.mark.slow)
    if minutes := [item for item in items if is_arithmetic_of_a_compiler(item)]:
        config.hook.pytest_deselected(items=minutes)
        items[:] = [item for item in items if item not in minutes]


def is_arithmetic_of_a_compiler(item: pytest.Item) -> bool:
    named = isinstance(item, pytest.Function) and item.originalname == "test_what_was_asked_for_is_what_computes"
    return named and parameters(item)["contestant"] in COMPILERS


def parameters(item: pytest.Item) -> Mapping[str, Any]:
    """The parameters of a test; none of one without."""
    return item.callspec.params if hasattr(item, "callspec") else {}


@pytest.fixture(scope="session")
def requests(request: pytest.FixtureRequest, children: Children, tmp_path_factory: pytest.TempPathFactory) -> Requests:
    """Everything that the selected parity tests will ask for: computed from the first one on, while others wait.

    Of the processes of pytest-xdist only the one with the parity tests needs it.
    """
    found = Requests(children, tmp_path_factory.mktemp("gradients"))
    found.ask_for(request.session.items)
    return found


@pytest.fixture(scope="session")
def run() -> Run:
    """Runs `python -m MODULE ARGUMENT...` as a user would, with the package from outside installed.

    `simulated`: with simulated launches (tests.support.simulated_launches).
    """

    def run(
        *arguments: object, cwd: Path = ROOT, outside: bool = True, simulated: bool = False
    ) -> subprocess.CompletedProcess[str]:
        return run_module(arguments, cwd, environment(outside, simulated))

    return run


@pytest.fixture
def limited(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[float | None, int], None]]:
    """Sets the CPU quota (in cores; None for none) and how many cores this process may be put on."""

    def limited(quota: float | None, cores: int) -> None:
        usable.usable_cores.cache_clear()
        monkeypatch.setattr(cgroups, "cpu_quota", lambda: quota)
        monkeypatch.setattr(psutil, "cpu_count", lambda logical=True: cores)
        monkeypatch.setattr(usable, "allowed_cores", lambda: tuple(range(cores)))

    yield limited
    usable.usable_cores.cache_clear()


@pytest.fixture
def stub_driver(tmp_path_factory: pytest.TempPathFactory, tmp_path: Path) -> StubDriver:
    """A driver of NVIDIA's cards that answers what a test says."""
    driver = StubDriver(tmp_path_factory.getbasetemp() / "stub-driver", tmp_path / "answers.txt")
    driver.libraries.mkdir(exist_ok=True)
    driver.answer({})
    return driver
