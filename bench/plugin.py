"""The pytest plug-in: options, a test for each case of the suite, one campaign a session, summary and report."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

import bench
from bench import advice, interpreters, suites
from bench.alone import COMPANY, alone
from bench.campaign import Campaign
from bench.clock import now
from bench.interpreters import OWN, Interpreter
from bench.ledger import Ledger
from bench.progress import Progress
from bench.suites import Suite
from bench.summary import print_summary
from bench.system import describe, reference_of
from bench.units import seconds, share
from impls.errors import DeadheatError, InvalidInput
from impls.frameworks import DEVICES, checked
from results.record import Case, Contestant
from results.store import DATA, CampaignWriter, check_writable, find_campaign, read_campaign
from results.store import Campaign as Stored

HOME = Path(__file__).parent
KEY = pytest.StashKey["Session"]()


@dataclass
class Session:
    """What this use of pytest measures, and has measured; `earlier` is the campaign that it goes on with."""

    suite_name: str
    suite: Suite
    cases: Sequence[Case]
    data: Path
    earlier: Stored | None = None
    writer: CampaignWriter | None = None
    campaign: Campaign | None = None

    def measure(self, cases: Sequence[Case], config: pytest.Config) -> Ledger:
        """What is known of the cases, measured at the first call."""
        if self.campaign is None:
            with alone() as free, _uncaptured(config):
                try:
                    self.writer = self._writer(cases, config, [] if free else [COMPANY])
                except DeadheatError as problem:
                    pytest.exit(f"error: {problem}", returncode=1)
                records = self.earlier.records if self.earlier else ()
                ledger = Ledger(cases, reference_of(self.suite, cases).id, self.writer, records)
                self.campaign = Campaign(ledger, self.suite, Progress(self.suite.budget))
                self._run(self.campaign, self.writer)
        return self.campaign.ledger

    def _run(self, campaign: Campaign, writer: CampaignWriter) -> None:
        start = now()
        before = self.earlier.system.get("measuring_seconds", 0.0) if self.earlier else 0.0
        try:
            campaign.run()
        except DeadheatError as problem:
            pytest.exit(f"error: {problem}", returncode=1)
        finally:
            spent = round(before + now() - start, 1)
            rules = {**(self.earlier.system.get("rules", {}) if self.earlier else {}), **campaign.rules}
            writer.update_system(stop=self._stop(campaign), rules=rules, measuring_seconds=spent)

    def _stop(self, campaign: Campaign) -> str:
        """Why the campaign ended; a part of an earlier one that is complete does not make the whole so."""
        whole = not self.earlier or {case.id for case in campaign.ledger.cases} >= set(self.earlier.system["cases"])
        return campaign.stop if whole or self.earlier is None else str(self.earlier.system.get("stop", "interrupted"))

    def _writer(self, cases: Sequence[Case], config: pytest.Config, warnings: list[dict[str, str]]) -> CampaignWriter:
        command = shlex.join(["pytest", *config.invocation_params.args])
        if self.earlier:
            earlier = self.earlier.system
            system = {**earlier, "resumed": [*earlier.get("resumed", ()), command]}
            system["suite"] = {**earlier["suite"], **self.suite.model_dump(mode="json")}
            system["warnings"] = [*earlier.get("warnings", ()), *warnings]
            return CampaignWriter.resume(self.earlier.folder, system)
        own = re.sub(r"[^A-Za-z0-9._-]+", "-", Path(self.suite_name).stem)
        name = f"{datetime.now():%Y-%m-%dT%H-%M-%S}-{own}"
        system = describe(self.suite_name, self.suite, cases, command)
        system["warnings"] += warnings
        system["stop"] = "interrupted"  # until it is known better: a machine that loses its power says nothing
        return CampaignWriter.create(self.data, name, {"campaign": name, **system})


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("deadheat")
    group.addoption(
        "--suite", default="quick", metavar="NAME", help="suite to measure: a name or a .toml file (default: quick)"
    )
    group.addoption("--results", default=str(DATA), metavar="DIR", help=f"folder for campaigns (default: {DATA})")
    group.addoption(
        "--preset", metavar="NAME", help=f"how to measure: {', '.join(suites.preset_names())} (default: the suite's)"
    )
    group.addoption("--budget", metavar="TIME", help="most time to measure, such as 90s or 20m (default: the suite's)")
    group.addoption(
        "--target",
        metavar="SHARE",
        help="half-width of intervals that is narrow enough, such as 2%% (default: the suite's)",
    )
    group.addoption(
        "--as-shipped", action="store_true", help="leave allocator and threads as each framework ships them"
    )
    group.addoption(
        "--interpreter",
        action="append",
        default=[],
        metavar="FRAMEWORK@LABEL=PATH",
        help="run a framework's contestants with that Python; given twice, with two labels, they compete",
    )
    group.addoption("--resume", metavar="CAMPAIGN", help="go on with a campaign that was interrupted, in its folder")
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
            _asked_for(config)
        except DeadheatError as problem:
            raise pytest.UsageError(str(problem)) from None
        if not config.getoption("benchmark_json") and not config.getoption("collectonly"):
            config.option.benchmark_json = _BenchmarkFile()


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """With --benchmark-only the tests would only be collected to be skipped, and need packages that timing does not."""
    below_tests = (config.rootpath / "tests") in (collection_path, *collection_path.parents)
    return True if config.getoption("benchmark_only") and below_tests else None


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "case" in metafunc.fixturenames and Path(str(metafunc.module.__file__)).parent == HOME:
        skipped = metafunc.config.getoption("benchmark_skip")
        try:
            found = [] if skipped else _asked_for(metafunc.config).cases
        except DeadheatError as problem:
            raise pytest.UsageError(str(problem)) from None
        metafunc.parametrize("case", found, ids=[case.id for case in found])


def _asked_for(config: pytest.Config) -> Session:
    """The session that the options describe, made once. Raises what is wrong with them."""
    if KEY not in config.stash:
        resumed = config.getoption("--resume")
        config.stash[KEY] = _resumed(resumed, config) if resumed else _begun(config)
    return config.stash[KEY]


def _begun(config: pytest.Config) -> Session:
    name, data = config.getoption("--suite"), Path(config.getoption("--results"))
    suite = suites.load_suite(name, config.getoption("preset"), **_changes(config))
    others: dict[str, list[Interpreter]] = {}
    paths: dict[str, str] = {}
    for framework, interpreter in map(interpreters.parse, config.getoption("--interpreter")):
        others.setdefault(framework, []).append(interpreter)
        if paths.setdefault(interpreter.label, interpreter.path) != interpreter.path:
            both = f"{paths[interpreter.label]} and {interpreter.path}"
            raise InvalidInput(f"two interpreters are called {interpreter.label!r}: {both}; give each its own label")
    suite = suite.model_copy(update={"interpreters": {**suite.interpreters, **paths}})

    def changed(contestant: Contestant) -> list[Contestant]:
        if config.getoption("--as-shipped"):
            contestant = replace(contestant, setting="as-shipped")
        if contestant.interpreter:  # the suite says which Python, and the command line only where that is
            return [contestant]
        labels = [one.label for one in others.get(contestant.framework, ())]
        return [replace(contestant, interpreter=label) for label in labels] or [contestant]

    suite = suites.with_contestants(suite, changed)
    cases = suites.cases(suite, checked("device", config.getoption("--device"), DEVICES))
    for contestant in dict.fromkeys(case.contestant for case in cases):
        interpreters.missing(contestant, suite.interpreters)  # raises if its Python cannot be asked
    check_writable(data)
    return Session(name, suite, cases, data)


def _changes(config: pytest.Config) -> dict[str, Any]:
    """What the command line says otherwise than the suite."""
    changes: dict[str, Any] = {}
    if budget := config.getoption("--budget"):
        changes["budget"] = seconds(budget)
    if target := config.getoption("--target"):
        changes["target"] = share(target)
    return changes


def _resumed(name: str, config: pytest.Config) -> Session:
    """A campaign to go on with: its own suite, cases and device; only its budget and target may be changed."""
    for option in ("preset", "as_shipped", "interpreter"):
        if config.getoption(option):
            raise InvalidInput(f"--{option.replace('_', '-')} cannot be changed on the way; leave it out of --resume")
    earlier = read_campaign(find_campaign(name, Path(config.getoption("--results"))))
    suite = suites.saved(earlier.system).model_copy(update=_changes(config))
    known = set(earlier.system.get("cases", ()))
    cases = [case for device in DEVICES for case in suites.cases(suite, device) if case.id in known]
    check_writable(earlier.folder)
    return Session(earlier.system["suite"]["name"], suite, cases, earlier.folder.parent, earlier)


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
        if isinstance(config.getoption("benchmark_json"), _BenchmarkFile):
            ours.writer.save_benchmark(json.dumps(output_json, indent=4, default=str))


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    ours = config.stash.get(KEY, None)
    if ours is None or ours.campaign is None or ours.writer is None:
        return
    given = config.getoption("benchmark_json")
    if given and not isinstance(given, _BenchmarkFile) and Path(given).is_file():
        ours.writer.save_benchmark(Path(given).read_text(encoding="utf-8"))
    notes = advice.of(read_campaign(ours.writer.folder))
    ours.writer.update_system(advice=notes)
    found = read_campaign(ours.writer.folder)
    terminalreporter.ensure_newline()
    if not found.records:
        terminalreporter.write_line(f"nothing was measured; go on with --resume {found.name}")
        return
    print_summary(found, notes)
    terminalreporter.write_line(f"results: {ours.writer.folder}")
    if not config.getoption("--no-report"):
        terminalreporter.write_line(_make_report(ours, config.getoption("--report")))


class _BenchmarkFile(os.PathLike[str]):
    """Where pytest-benchmark saves: nowhere. The campaign's own copy is written so that a full disk is no failure."""

    def __fspath__(self) -> str:
        return os.devnull

    __str__ = __fspath__


def _make_report(ours: Session, output: str) -> str:
    """Made by a process of its own: this one must not depend on the room to the right, nor hold its memory."""
    assert ours.writer is not None
    command = [sys.executable, "-m", "reports", str(ours.writer.folder), "--output", output]
    made = subprocess.run(command, env={**os.environ, **OWN.environment()}, capture_output=True, text=True)
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
