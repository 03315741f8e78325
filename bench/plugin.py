"""The pytest plug-in: options, a test for each case of the suite, one campaign a session, summary and report."""

from __future__ import annotations

import contextlib
import os
import shlex
import warnings
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest

import results
from bench import foreign, options
from bench.runner.campaign import NullProgress
from bench.scheduling.ledger import Ledger
from bench.session import Options, Session, build_session, make_report
from bench.terminal.progress import Progress
from impls.errors import DeadheatError, one_line
from impls.host.termination import Termination
from impls.paths import typed_path
from impls.terminal import take_every_character
from results import strict_json
from results.schema.record import Case
from results.schema.system import System, Warned
from results.store.campaigns import DATA, read_campaign

HOME = Path(__file__).parent
KEY = pytest.StashKey[Session]()
GIVEN = pytest.StashKey[Collection[str]]()
"""The options of pytest-benchmark that were given."""
REPORTED = pytest.StashKey[set[Case]]()
INVOCATION = "deadheat-invocation"
"""The name of a plug-in whose `command` was typed in the place of pytest's own."""
WARNINGS = (
    "default",  # whatever the configuration or PYTHONWARNINGS says: a library's warning does not end a campaign
    "ignore:Benchmark fixture was not used",  # a case without a time has said why
)


def pytest_addoption(parser: pytest.Parser) -> None:
    options.register(parser)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config, parser: pytest.Parser, args: list[str]) -> Any:
    """Once every plug-in has registered its options: replace short names, and note which of the others' are given."""
    found = yield
    measuring = "--benchmark-only" in args
    taken = partial(options.is_registered, parser)
    try:
        args[:] = options.in_full(args, taken) if measuring else args
    except DeadheatError as problem:
        raise pytest.UsageError(str(problem)) from None
    early_config.stash[GIVEN] = foreign.given_in(args)
    return found


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Check everything that was asked for, before anything else starts."""
    if config.getoption("benchmark_only") and not config.getoption("help"):
        try:
            foreign.prepare(config, config.stash.get(GIVEN, ()))
            _session_of(config)
            if path := _path(config, "json"):
                foreign.check_can_write("--json", path)
        except DeadheatError as problem:
            raise pytest.UsageError(str(problem)) from None
        take_every_character()
        for line in WARNINGS:
            config.addinivalue_line("filterwarnings", line)
        config.pluginmanager.register(Ending(config), "deadheat-ending")
        if not config.getoption("benchmark_json") and not config.getoption("collectonly"):
            config.option.benchmark_json = _BenchmarkFile()


def pytest_sessionstart(session: pytest.Session) -> None:
    if session.config.getoption("benchmark_only"):
        try:
            foreign.check_comparison(session.config)
        except DeadheatError as problem:
            raise pytest.UsageError(str(problem)) from None


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """With --benchmark-only the tests would only be collected to be skipped, and need packages that timing does not."""
    tests = {config.rootpath / "tests", config.rootpath / "deadheat"} & {collection_path, *collection_path.parents}
    return True if config.getoption("benchmark_only") and tests else None


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "case" in metafunc.fixturenames and Path(str(metafunc.module.__file__)).parent == HOME:
        measuring = metafunc.config.getoption("benchmark_only")
        found = _session_of(metafunc.config).cases if measuring else []
        metafunc.parametrize("case", found, ids=[case.id for case in found])


def pytest_collection_finish(session: pytest.Session) -> None:
    """Refuse sessions in which a case would be more than one test, as plug-ins that repeat tests make it."""
    if not session.config.getoption("benchmark_only"):
        return
    counts = Counter(item.callspec.params["case"].id for item in session.items if _is_case(item))  # type: ignore[attr-defined]
    if repeated := [id for id, count in counts.items() if count > 1]:
        raise pytest.UsageError(
            f"{repeated[0]} would be {counts[repeated[0]]} tests of one measurement; leave out what repeats tests, "
            "such as --count, and for more launches choose another --preset"
        )


def _path(config: pytest.Config, name: str) -> Path | None:
    text = config.getoption(f"bench_{name}")
    return typed_path(text) if text else None


def _session_of(config: pytest.Config) -> Session:
    """The session that the options describe, made once. Raises what is wrong with them."""
    if KEY not in config.stash:
        config.stash[KEY] = build_session(
            Options(
                suite=str(_path(config, "suite")),
                results=_path(config, "results") or DATA,
                preset=config.getoption("bench_preset"),
                budget=config.getoption("bench_budget"),
                target=config.getoption("bench_target"),
                memory=config.getoption("bench_memory"),
                sustained=config.getoption("bench_sustained"),
                sizes_from=config.getoption("bench_sizes_from"),
                as_shipped=config.getoption("bench_as_shipped"),
                level=config.getoption("bench_level"),
                interpreters=config.getoption("bench_interpreter"),
                keep_env=config.getoption("bench_keep_env"),
                device=config.getoption("bench_device"),
                resume=config.getoption("bench_resume"),
                prove_parity=config.getoption("bench_prove_parity"),
                devices=config.getoption("bench_devices"),
            )
        )
    return config.stash[KEY]


@pytest.fixture(scope="session")
def campaign(request: pytest.FixtureRequest) -> Any:
    """A function that gives what is known of the selected cases, measuring them at its first call."""
    config = request.config
    ours = config.stash[KEY]
    selected = {item.callspec.params["case"] for item in request.session.items if _is_case(item)}  # type: ignore[attr-defined]
    in_order = [case for case in ours.cases if case in selected]  # of the suite, whatever order tests are run in
    return lambda: _measured(ours, in_order, config)


@pytest.fixture(scope="session")
def reported(pytestconfig: pytest.Config) -> set[Case]:
    """The cases that pytest-benchmark has been told of: a test that is run again must not tell it again.

    Kept by the configuration: when the last test is run again, the fixtures of the session are made again.
    """
    return pytestconfig.stash.setdefault(REPORTED, set())


def _measured(ours: Session, cases: Sequence[Case], config: pytest.Config) -> Ledger:
    if ours.campaign is None:
        try:
            with _uncaptured(config):
                quiet = config.get_verbosity() < 0
                ours.measure(cases, _command(config), NullProgress() if quiet else Progress(ours.suite.budget))
        except DeadheatError as problem:
            pytest.exit(f"error: {problem}", returncode=1)
    assert ours.campaign is not None
    return ours.campaign.ledger


def _command(config: pytest.Config) -> str:
    """What was typed."""
    invocation = config.pluginmanager.get_plugin(INVOCATION)
    return invocation.command if invocation else shlex.join(["pytest", *config.invocation_params.args])


def pytest_benchmark_update_json(config: pytest.Config, output_json: dict[str, Any]) -> None:
    if (ours := config.stash.get(KEY, None)) and ours.writer:
        output_json["deadheat"] = {"version": results.VERSION, "campaign": ours.writer.folder.name}
        if isinstance(config.getoption("benchmark_json"), _BenchmarkFile):
            ours.writer.save_benchmark(strict_json.dumps(output_json, indent=4))


class Ending:
    """What a session of measuring ends with: summary and report, whatever ends it, and whatever other plug-ins do then.

    Registered after pytest-benchmark and before the terminal's reporter, so that its wrappers are between theirs.
    """

    def __init__(self, config: pytest.Config):
        self._config = config
        self._termination = Termination()
        self._termination.__enter__()
        config.add_cleanup(lambda: self._termination.__exit__())
        self._trouble: list[str] = []

    def pytest_keyboard_interrupt(self) -> None:
        self._termination.hold()

    @pytest.hookimpl(wrapper=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> Any:
        self._termination.hold()
        if (ours := self._config.stash.get(KEY, None)) and ours.writer:
            ours.writer.close()
        with self._noting(session), warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Not saving anything, no benchmarks have been run")
            return (yield)

    @pytest.hookimpl(wrapper=True)
    def pytest_terminal_summary(self, terminalreporter: Any) -> Any:
        _summarize(terminalreporter, self._config)
        with self._noting(terminalreporter._session):
            yield
        for line in self._trouble:
            terminalreporter.write_line(line)

    @contextlib.contextmanager
    def _noting(self, session: pytest.Session) -> Iterator[None]:
        """Whatever another plug-in raises becomes a line at the end, and exit status 1."""
        try:
            yield
        except Exception as problem:
            self._trouble.append(f"error: {one_line(problem)}")
            if session.exitstatus == pytest.ExitCode.OK:
                session.exitstatus = pytest.ExitCode.TESTS_FAILED


def _summarize(terminalreporter: Any, config: pytest.Config) -> None:
    """Show the campaign that was measured, if one was; write its summary and its report."""
    ours = config.stash.get(KEY, None)
    if ours is None or ours.campaign is None or ours.writer is None:
        return
    given = config.getoption("benchmark_json")
    if given and not isinstance(given, _BenchmarkFile) and Path(given).is_file():
        ours.writer.save_benchmark(Path(given).read_text(encoding="utf-8"))
    from bench.terminal.summary import print_summary
    from bench.terminal.summary_json import as_json
    from results import advice  # imports pandas: only after the options were checked
    from results.store import mirroring

    mirroring.if_large(ours.writer.folder)
    notes = advice.warnings_for(read_campaign(ours.writer.folder))
    ours.writer.update_system(System(advice=tuple(map(Warned.model_validate, notes))))
    found = read_campaign(ours.writer.folder)
    terminalreporter.ensure_newline()
    if not found.records:
        terminalreporter.write_line(f"nothing was measured; resume with --resume {found.name}")
        return
    if config.get_verbosity() > -2:
        print_summary(found, notes, brief=config.get_verbosity() < 0, details=config.get_verbosity() > 0)
    if path := _path(config, "json"):
        terminalreporter.write_line(_save(strict_json.dumps(as_json(found, notes)), path))
    terminalreporter.write_line(f"results: {ours.writer.folder}")
    if not config.getoption("bench_no_report"):
        terminalreporter.write_line(make_report(ours.writer.folder, typed_path(config.getoption("bench_report"))))


class _BenchmarkFile(os.PathLike[str]):
    """Where pytest-benchmark saves: nowhere. The campaign's own copy is written so that a full disk is no failure."""

    def __fspath__(self) -> str:
        return os.devnull

    __str__ = __fspath__


def _save(text: str, path: Path) -> str:
    try:
        path.write_text(text + "\n", encoding="utf-8")
    except OSError as problem:
        why = f"{str(path)!r} can't be written: {problem.strerror}"
        return f"no summary: {why}; try again with: python -m bench show --json"
    return f"summary: {path}"


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
