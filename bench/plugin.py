"""The pytest plug-in: options, a test for each case of the suite, one campaign a session, summary and report."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

import bench
from bench import advice, suites
from bench.campaign import Campaign
from bench.progress import Progress
from bench.suites import Suite
from bench.summary import print_summary
from bench.system import describe
from bench.units import seconds
from impls.errors import DeadheatError
from impls.frameworks import DEVICES, checked
from results.record import Case
from results.store import BENCHMARK, DATA, CampaignWriter, check_writable, read_campaign

HOME = Path(__file__).parent
KEY = pytest.StashKey["Session"]()


@dataclass
class Session:
    """What this use of pytest measures, and has measured."""

    suite_name: str
    suite: Suite
    cases: Sequence[Case]
    data: Path
    writer: CampaignWriter | None = None
    campaign: Campaign | None = None

    def measure(self, cases: Sequence[Case], config: pytest.Config) -> Campaign:
        """The campaign over `cases`, run at the first call."""
        if self.campaign is None:
            name = f"{datetime.now():%Y-%m-%dT%H-%M-%S}-{Path(self.suite_name).stem}"
            command = shlex.join(["pytest", *config.invocation_params.args])
            system = describe(self.suite_name, self.suite, cases, command)
            self.writer = CampaignWriter.create(self.data, name, {"campaign": name, **system})
            with _uncaptured(config):
                self.campaign = Campaign(cases, self.suite, self.writer, Progress(self.suite.budget))
                self.campaign.run()
        return self.campaign


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("deadheat")
    group.addoption(
        "--suite", default="quick", metavar="NAME", help="suite to measure: a name or a .toml file (default: quick)"
    )
    group.addoption("--results", default=str(DATA), metavar="DIR", help=f"folder for campaigns (default: {DATA})")
    group.addoption("--budget", metavar="TIME", help="most time to measure, such as 90s or 20m (default: the suite's)")
    group.addoption("--device", default="cpu", metavar="DEVICE", help="cpu or cuda (default: cpu)")
    group.addoption(
        "--report", default="reports/html", metavar="DIR", help="folder for the HTML report (default: reports/html)"
    )
    group.addoption(
        "--no-report", action="store_true", help="measure only; make the report later with python -m bench report"
    )


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Check everything that was asked for, before anything else starts."""
    if config.getoption("benchmark_only") and not config.getoption("help"):
        try:
            session = _asked_for(config)
        except DeadheatError as problem:
            raise pytest.UsageError(str(problem)) from None
        if not config.getoption("benchmark_json") and not config.getoption("collectonly"):
            config.option.benchmark_json = _BenchmarkFile(session)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """With --benchmark-only the tests would only be collected to be skipped, and need packages that timing does not."""
    below_tests = (config.rootpath / "tests") in (collection_path, *collection_path.parents)
    return True if config.getoption("benchmark_only") and below_tests else None


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "case" in metafunc.fixturenames and Path(str(metafunc.module.__file__)).parent == HOME:
        skipped = metafunc.config.getoption("benchmark_skip")
        found = [] if skipped else _asked_for(metafunc.config).cases
        metafunc.parametrize("case", found, ids=[case.id for case in found])


def _asked_for(config: pytest.Config) -> Session:
    """The session that the options describe, made once. Raises what is wrong with them."""
    if KEY not in config.stash:
        name, data = config.getoption("--suite"), Path(config.getoption("--results"))
        suite = suites.load_suite(name)
        if budget := config.getoption("--budget"):
            suite = suite.model_copy(update={"budget": seconds(budget)})
        device = checked("device", config.getoption("--device"), DEVICES)
        check_writable(data)
        config.stash[KEY] = Session(name, suite, suites.cases(suite, device), data)
    return config.stash[KEY]


@pytest.fixture(scope="session")
def campaign(request: pytest.FixtureRequest) -> Any:
    """A function that gives the campaign over the selected cases, measuring them at its first call."""
    config = request.config
    selected = [item.callspec.params["case"] for item in request.session.items if _is_case(item)]  # type: ignore[attr-defined]
    return lambda: config.stash[KEY].measure(selected, config)


def pytest_sessionfinish(session: pytest.Session) -> None:
    if (ours := session.config.stash.get(KEY, None)) and ours.writer:
        ours.writer.close()


def pytest_benchmark_update_json(config: pytest.Config, output_json: dict[str, Any]) -> None:
    if (ours := config.stash.get(KEY, None)) and ours.writer:
        output_json["deadheat"] = {"version": bench.VERSION, "campaign": ours.writer.folder.name}


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    ours = config.stash.get(KEY, None)
    if ours is None or ours.campaign is None or ours.writer is None:
        return
    given = config.getoption("benchmark_json")
    if not isinstance(given, _BenchmarkFile) and Path(given).is_file():
        shutil.copy(given, ours.writer.folder / BENCHMARK)
    found = read_campaign(ours.writer.folder)
    terminalreporter.ensure_newline()
    print_summary(found, advice.of(found))
    terminalreporter.write_line(f"results: {ours.writer.folder}")
    if not config.getoption("--no-report"):
        terminalreporter.write_line(_make_report(ours, config.getoption("--report")))


class _BenchmarkFile(os.PathLike[str]):
    """Where pytest-benchmark saves: in the campaign's folder, whose name is known only once it has begun."""

    def __init__(self, session: Session):
        self._session = session

    def __fspath__(self) -> str:
        writer = self._session.writer
        return str(writer.folder / BENCHMARK) if writer else os.devnull

    __str__ = __fspath__


def _make_report(ours: Session, output: str) -> str:
    """Made by a process of its own: this one must not depend on the room to the right, nor hold its memory."""
    assert ours.writer is not None
    command = [sys.executable, "-m", "reports", str(ours.writer.folder), "--output", output]
    made = subprocess.run(command, capture_output=True, text=True)
    lines = (made.stdout or made.stderr).strip().splitlines()
    said = lines[-1] if lines else "nothing"
    return f"report: {said}" if made.returncode == 0 else f"no report: {said}; try again with: {shlex.join(command)}"


def _is_case(item: pytest.Item) -> bool:
    return "case" in getattr(item, "fixturenames", ()) and item.path.parent == HOME


class _uncaptured:
    """Lets progress reach the terminal while pytest captures what tests print."""

    def __init__(self, config: pytest.Config):
        self._manager = config.pluginmanager.getplugin("capturemanager")

    def __enter__(self) -> None:
        if self._manager:
            self._manager.suspend_global_capture(in_=False)

    def __exit__(self, *_: object) -> None:
        if self._manager:
            self._manager.resume_global_capture()
