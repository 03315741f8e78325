"""The pytest plug-in: options, a test for each case of the suite, one campaign a session, summary and report."""

from __future__ import annotations

import argparse
import os
import shlex
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

import results
from bench import suites
from bench.campaign import Silent
from bench.interpreters import OWN
from bench.ledger import Ledger
from bench.progress import Progress
from bench.session import Options, Session, asked_for
from impls.errors import DeadheatError, InvalidInput
from impls.terminal import take_every_character
from results import renames, strict_json
from results.record import Case
from results.store import DATA, read_campaign

HOME = Path(__file__).parent
KEY = pytest.StashKey[Session]()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("deadheat", "deadheat: measure with --benchmark-only, choose with -k; docs/commands.md")
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
        "--memory",
        metavar="SIZE",
        help="most memory for contestants alive together, such as 8GiB (default: the suite's)",
    )
    group.addoption(
        "--sustained",
        metavar="TIME",
        help="steps without a pause in each case's first launch, for utilisation and energy (default: the preset's)",
    )
    for earlier, now in renames.OPTIONS.items():
        group.addoption(earlier, action=_Earlier, dest=now.removeprefix("--"), help=argparse.SUPPRESS)
    group.addoption(
        "--as-shipped", action="store_true", help="leave allocator, threads and cores as each framework ships them"
    )
    group.addoption(
        "--interpreter",
        action="append",
        default=[],
        metavar="FRAMEWORK@LABEL=PATH",
        help="run a framework's contestants with that Python; given twice, with two labels, they compete",
    )
    group.addoption(
        "--keep-env",
        action="append",
        default=[],
        metavar="NAME",
        help="let launches have that variable of the shell, or those of a pattern such as 'OMP_*'; recorded",
    )
    group.addoption(
        "--sizes-from", metavar="FOLDER", help="let streams have the sizes of the images in that folder (suite stream)"
    )
    group.addoption("--resume", metavar="CAMPAIGN", help="go on with a campaign that was interrupted, in its folder")
    group.addoption("--device", default="cpu", metavar="DEVICE", help="cpu or cuda (default: cpu)")
    group.addoption(
        "--report", default="reports/html", metavar="DIR", help="folder for the HTML report (default: reports/html)"
    )
    group.addoption(
        "--json", metavar="FILE", help="write the summary as JSON, too: every case with its verdict, every warning"
    )
    group.addoption(
        "--no-report", action="store_true", help="measure only; make the report later with python -m bench report"
    )


class _Earlier(argparse.Action):
    """An option under a name that it had before."""

    def __call__(
        self, parser: argparse.ArgumentParser, namespace: argparse.Namespace, values: Any, option_string: Any = None
    ) -> None:
        renames.option(self.option_strings[0])
        setattr(namespace, self.dest, values)


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Check everything that was asked for, before anything else starts."""
    if config.getoption("benchmark_only") and not config.getoption("help"):
        try:
            _asked_for(config)
            _check_json(config.getoption("--json"))
        except DeadheatError as problem:
            raise pytest.UsageError(str(problem)) from None
        take_every_character()
        if not config.getoption("benchmark_json") and not config.getoption("collectonly"):
            config.option.benchmark_json = _BenchmarkFile()


def _check_json(path: str | None) -> None:
    if path and not (Path(path).parent.is_dir() and os.access(Path(path).parent, os.W_OK)):
        raise InvalidInput(f"--json {path!r}: {str(Path(path).parent)!r} is no folder to write in")


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
        config.stash[KEY] = asked_for(
            Options(
                suite=config.getoption("--suite"),
                results=Path(config.getoption("--results")),
                preset=config.getoption("--preset"),
                budget=config.getoption("--budget"),
                target=config.getoption("--target"),
                memory=config.getoption("--memory"),
                sustained=config.getoption("--sustained"),
                sizes_from=config.getoption("--sizes-from"),
                as_shipped=config.getoption("--as-shipped"),
                interpreters=config.getoption("--interpreter"),
                keep_env=config.getoption("--keep-env"),
                device=config.getoption("--device"),
                resume=config.getoption("--resume"),
            )
        )
    return config.stash[KEY]


@pytest.fixture(scope="session")
def campaign(request: pytest.FixtureRequest) -> Any:
    """A function that gives what is known of the selected cases, measuring them at its first call."""
    config = request.config
    selected = [item.callspec.params["case"] for item in request.session.items if _is_case(item)]  # type: ignore[attr-defined]
    return lambda: _measured(config.stash[KEY], selected, config)


def _measured(ours: Session, cases: Sequence[Case], config: pytest.Config) -> Ledger:
    if ours.campaign is None:
        command = shlex.join(["pytest", *config.invocation_params.args])
        try:
            with _uncaptured(config):
                quiet = config.get_verbosity() < 0
                ours.measure(cases, command, Silent() if quiet else Progress(ours.suite.budget))
        except DeadheatError as problem:
            pytest.exit(f"error: {problem}", returncode=1)
    assert ours.campaign is not None
    return ours.campaign.ledger


def pytest_sessionfinish(session: pytest.Session) -> None:
    if (ours := session.config.stash.get(KEY, None)) and ours.writer:
        ours.writer.close()


def pytest_benchmark_update_json(config: pytest.Config, output_json: dict[str, Any]) -> None:
    if (ours := config.stash.get(KEY, None)) and ours.writer:
        output_json["deadheat"] = {"version": results.VERSION, "campaign": ours.writer.folder.name}
        if isinstance(config.getoption("benchmark_json"), _BenchmarkFile):
            ours.writer.save_benchmark(strict_json.dumps(output_json, indent=4))


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    ours = config.stash.get(KEY, None)
    if ours is None or ours.campaign is None or ours.writer is None:
        return
    given = config.getoption("benchmark_json")
    if given and not isinstance(given, _BenchmarkFile) and Path(given).is_file():
        ours.writer.save_benchmark(Path(given).read_text(encoding="utf-8"))
    from bench import advice  # pandas, which whoever made a mistake in an option need not wait for
    from bench.summary import as_json, print_summary

    notes = advice.of(read_campaign(ours.writer.folder))
    ours.writer.update_system(advice=notes)
    found = read_campaign(ours.writer.folder)
    terminalreporter.ensure_newline()
    if not found.records:
        terminalreporter.write_line(f"nothing was measured; go on with --resume {found.name}")
        return
    if config.get_verbosity() > -2:
        print_summary(found, notes, brief=config.get_verbosity() < 0)
    if path := config.getoption("--json"):
        terminalreporter.write_line(_save(strict_json.dumps(as_json(found, notes)), path))
    terminalreporter.write_line(f"results: {ours.writer.folder}")
    if not config.getoption("--no-report"):
        terminalreporter.write_line(_make_report(ours, config.getoption("--report")))


class _BenchmarkFile(os.PathLike[str]):
    """Where pytest-benchmark saves: nowhere. The campaign's own copy is written so that a full disk is no failure."""

    def __fspath__(self) -> str:
        return os.devnull

    __str__ = __fspath__


def _save(text: str, path: str) -> str:
    try:
        Path(path).write_text(text + "\n", encoding="utf-8")
    except OSError as problem:
        return f"no summary: {path!r} can't be written: {problem.strerror}; try again with: python -m bench show --json"
    return f"summary: {path}"


def _make_report(ours: Session, output: str) -> str:
    """Made by a process of its own: this one must not depend on the room to the right, nor hold its memory."""
    assert ours.writer is not None
    command = [sys.executable, "-m", "reports", str(ours.writer.folder), "--output", output]
    made = subprocess.run(
        command, env={**os.environ, **OWN.environment()}, capture_output=True, text=True, errors="replace"
    )
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
