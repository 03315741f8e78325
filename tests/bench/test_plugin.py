"""Measuring beside whatever else pytest is told, and loads: other plug-ins, their options, warnings, signals."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest

from bench import foreign, options, plugin
from bench.foreign import FATES, Effect
from impls.errors import InvalidInput
from results.store.campaigns import read_campaign
from tests.support.preloaded import run_module
from tests.support.simulated_launches import STEP_SECONDS
from tests.support.started import ROOT, Started, environment, tiny

TINY = tiny("outside", "outside.faulty:fine")
LONG = tiny("outside", "outside.faulty:fine", launches=2000)


@pytest.fixture
def here(tmp_path):
    """Runs `python -m MODULE ARGUMENT...` in a folder that has nothing but a suite, my.toml, and these plug-ins.

    `simulated`: its launches are.
    """
    (tmp_path / "my.toml").write_text(TINY)

    def here(*arguments: str, variables: dict[str, str] | None = None, simulated: bool = False, **plugins: str):
        for name, text in plugins.items():
            (tmp_path / f"{name}.py").write_text(text)
        known = environment(simulated=simulated)
        paths = os.pathsep.join([str(tmp_path), known["PYTHONPATH"]])
        return run_module(arguments, tmp_path, {**known, "PYTHONPATH": paths, **(variables or {})})

    return here


@pytest.mark.parametrize(
    ("path", "measuring", "ignored"),
    [("tests/impls", True, True), ("deadheat/contract", True, True), ("bench", True, None), ("deadheat", False, None)],
)
def test_where_it_measures_no_tests_are_collected(path, measuring, ignored):
    config = SimpleNamespace(rootpath=ROOT, getoption={"benchmark_only": measuring}.get)
    assert plugin.pytest_ignore_collect(ROOT / path, config) is ignored


def only_campaign(data: Path):
    (folder,) = data.iterdir()
    return read_campaign(folder)


def one_line(done: subprocess.CompletedProcess[str]) -> str:
    """What a command that was refused said: one line, and nothing measured."""
    assert done.returncode == 4, done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    (line,) = done.stderr.strip().splitlines()
    return line


# Options: their own names and their short ones.


@pytest.mark.parametrize(
    ("typed", "full"),
    [
        (["--suite", "smoke"], ["--bench-suite", "smoke"]),
        (["--json=a b"], ["--bench-json=a b"]),
        (["--as-shipped", "-k", "x"], ["--bench-as-shipped", "-k", "x"]),
        (["--bench-device", "cpu"], ["--bench-device", "cpu"]),
        (["--device", "cpu", "--devices=1,2"], ["--bench-device", "cpu", "--bench-devices=1,2"]),
        (["--json-report", "--devicesx"], ["--json-report", "--devicesx"]),
        (["--", "--suite"], ["--", "--suite"]),
    ],
)
def test_a_short_name_stands_for_the_own_one(typed, full):
    assert options.in_full(typed) == full


def test_a_short_name_that_another_plugin_has_is_refused_and_the_own_one_is_not():
    taken = {"--device"}.__contains__
    assert options.in_full(["--bench-device", "cpu", "--suite", "x"], taken)[-2:] == ["--bench-suite", "x"]
    with pytest.raises(
        InvalidInput, match="--device is an option of another pytest plug-in here; write --bench-device"
    ):
        options.in_full(["--device", "cpu"], taken)


THEIRS = """
def pytest_addoption(parser):
    parser.addoption("--device", action="append", default=[], help="as of pytest-playwright")
    parser.addoption("--json", action="store_true", dest="json")
"""


@pytest.mark.slow
@pytest.mark.parametrize("order", [("-p", "theirs", "-p", "bench.plugin"), ("-p", "bench.plugin", "-p", "theirs")])
def test_options_of_the_same_name_in_another_plugin_are_no_conflict(here, order):
    collect = "pytest", *order, "--benchmark-only", "--collect-only", "-q", "--suite=my.toml"
    cases = str(ROOT / "bench" / "test_cases.py")
    done = here(*collect, cases, "--bench-device=cpu", theirs=THEIRS)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 tests collected" in done.stdout
    for short in (["--device", "cpu"], ["--json", cases]):
        assert "write --bench-" in one_line(here(*collect, cases, *short))


def test_the_command_of_our_own_takes_short_names_whatever_other_plugins_have(here):
    done = here("bench", "run", "--suite", "my.toml", "-p", "theirs", "--device", "cpu", "--co", "-q", theirs=THEIRS)
    assert "2 tests collected" in done.stdout, done.stderr


# python -m bench run


@pytest.mark.slow
def test_it_measures_from_any_folder_and_paths_are_relative_to_that(here, tmp_path):
    (tmp_path / "conftest.py").write_text("raise RuntimeError('not for measuring')")
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = --no-such-option\nfilterwarnings = error\n")
    (tmp_path / "camp").mkdir()
    (tmp_path / "camp" / "pytest.ini").write_text("[pytest]\naddopts = --no-such-option\n")
    arguments = "--suite", "my.toml", "--results", "camp/data", "--json", "all.json", "--report", "html", "-k", "loop"
    done = here("bench", "run", *arguments, simulated=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "warning" not in done.stdout
    assert (tmp_path / "html" / "index.html").is_file()
    found = only_campaign(tmp_path / "camp" / "data")
    assert found.name == json.loads((tmp_path / "all.json").read_text())["campaign"]
    assert found.system.command == f"python -m bench run {' '.join(arguments)}"
    assert {record.case.contestant.id for record in found.records} == {"outside:loop"}
    assert not (tmp_path / ".pytest_cache").exists()


def test_a_case_is_chosen_by_the_id_that_reports_show(here):
    case = "outside-mlp-1x4x4-k3-b4-float32-cpu-infer-outside.faulty:fine"
    listed = here("bench", "run", "--suite=my.toml", "--co", "-q")
    (node,) = [line for line in listed.stdout.splitlines() if "faulty" in line]
    assert node.startswith("bench/test_cases.py::"), case
    chosen = here("bench", "run", node, "--suite", "my.toml", "--co", "-q")
    assert "1 test collected" in chosen.stdout, chosen.stdout + chosen.stderr


def test_its_help_names_every_option(here):
    done = here("bench", "run", "--help")
    assert done.returncode == 0
    assert all(f"{option.short} " in done.stdout for option in options.OPTIONS)
    assert "2 interrupted" in " ".join(done.stdout.split())


@pytest.mark.parametrize(
    ("arguments", "status", "says"),
    [
        (("--suite=no",), 4, "unknown suite 'no'"),
        (("--suite=my.toml", "-k", "nothing-of-that-name"), 5, ""),
        (("--suite=my.toml", "--no-such-option"), 4, "unrecognized arguments: --no-such-option"),
    ],
)
def test_its_exit_statuses_are_those_of_pytest(here, arguments, status, says):
    done = here("bench", "run", *arguments)
    assert done.returncode == status
    assert says in done.stderr


def test_without_being_asked_to_measure_pytest_measures_nothing(here):
    done = here("pytest", "-p", "bench.plugin", str(ROOT / "bench" / "test_cases.py"), "-rs")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 skipped" in done.stdout


# Warnings.


WARNS = """
import warnings
import pytest

@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session):
    warnings.warn("of a library", DeprecationWarning)

def pytest_terminal_summary(terminalreporter):
    warnings.warn("of a library", ResourceWarning)

@pytest.fixture(autouse=True)
def warned():
    warnings.warn("of a library", UserWarning)
"""


WARNS_AT_ONCE = """
def pytest_configure(config):
    warnings.warn("of a library", DeprecationWarning)
"""


@pytest.mark.slow
def test_warnings_end_nothing(here, tmp_path):
    shell = {"PYTHONWARNINGS": "error", "PYTHONOPTIMIZE": "1"}
    given = "--suite=my.toml", "--results=data", "--no-report", "-p", "warns"
    assert_complete(here("bench", "run", *given, warns=WARNS + WARNS_AT_ONCE, variables=shell), tmp_path)


def test_warnings_end_nothing_although_the_configuration_says_so(here, tmp_path):
    (tmp_path / "strict.ini").write_text("[pytest]\nfilterwarnings = error\n")
    cases = "-p", "bench.plugin", "-c", "strict.ini", str(ROOT / "bench" / "test_cases.py")
    given = "--suite=my.toml", "--results=data", "--no-report", "-p", "warns"
    assert_complete(here("pytest", "--benchmark-only", *cases, *given, warns=WARNS, simulated=True), tmp_path)


def assert_complete(done: subprocess.CompletedProcess[str], home: Path) -> None:
    assert done.returncode == 0, done.stdout + done.stderr
    assert "ratio to the reference: below 1 is faster" in done.stdout
    assert only_campaign(home / "data").system.stop == "complete"


def test_a_clone_that_cannot_be_written_to_is_measured_in(measure):
    """The folder of pytest's cache is below a file: no user can write there."""
    done, campaign = measure("-o", "cache_dir=README.md/cache", simulated=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "ratio to the reference: below 1 is faster" in done.stdout
    assert len(campaign.records) == 4
    simulated = {STEP_SECONDS * (1 + launch / 1000) for launch in range(2)}
    assert {one for record in campaign.records for one in record.seconds} == simulated, (
        "tests.support.simulated_launches"
    )


def test_warnings_are_errors_in_tests_of_this_project(request):
    with pytest.raises(UserWarning, match="on purpose"):
        __import__("warnings").warn("on purpose", UserWarning, stacklevel=1)


# Options of pytest-benchmark.


class Recorder:
    """Takes options as pytest's parser does, and keeps their names."""

    def __init__(self) -> None:
        self.names: set[str] = set()

    def getgroup(self, *_: object) -> Recorder:
        return self

    def addoption(self, *names: str, **_: object) -> None:
        self.names.update(name for name in names if name.startswith("--"))


def test_every_option_of_pytest_benchmark_has_a_known_fate():
    from pytest_benchmark.plugin import pytest_addoption

    recorder = Recorder()
    pytest_addoption(recorder)
    assert recorder.names == set(FATES)


REFUSED = sorted(name for name, fate in FATES.items() if fate.effect is Effect.REFUSED)


class Parsed:
    """What `prepare` looks at."""

    def __init__(self, **values: object) -> None:
        self.option = type("Options", (), {})()
        self._values = {"benchmark_group_by": "group", "benchmark_storage": "file://./.benchmarks", **values}

    def getoption(self, name: str, default: object = None) -> object:
        return self._values.get(name, default)


@pytest.mark.parametrize("name", REFUSED)
def test_an_option_that_would_change_nothing_is_refused(name):
    with pytest.raises(InvalidInput, match=f"^{name} can't be used here: [a-z]"):
        foreign.prepare(Parsed(), [name])


def test_refused_is_what_is_given_in_any_way(here):
    """On the command line, and in what the user's environment adds."""
    assert "--benchmark-min-rounds can't be used" in one_line(here("bench", "run", "--benchmark-min-rounds=3"))
    added = {"PYTEST_ADDOPTS": "--benchmark-disable-gc"}
    assert "--benchmark-disable-gc can't be used" in one_line(here("bench", "run", variables=added))


def test_disabled_and_enabled_again_is_enabled():
    foreign.prepare(Parsed(), ["--benchmark-disable", "--benchmark-enable"])


@pytest.mark.parametrize("given", [*sorted(n for n, fate in FATES.items() if fate.shows), None])
def test_the_table_of_pytest_benchmark_is_shown_for_options_that_are_about_it(given, monkeypatch):
    monkeypatch.setattr(foreign, "find_spec", lambda name: True)
    parsed = Parsed()
    foreign.prepare(parsed, [given] if given else [])
    assert getattr(parsed.option, "benchmark_quiet", False) == (given is None)


def test_a_histogram_without_its_package_is_refused(monkeypatch):
    monkeypatch.setattr(foreign, "find_spec", lambda name: None)
    with pytest.raises(InvalidInput, match="--benchmark-histogram needs a package that is missing"):
        foreign.prepare(Parsed(), ["--benchmark-histogram"])


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"benchmark_group_by": "group,nothing"}, "--benchmark-group-by 'nothing': known: "),
        ({"benchmark_json": "/no/such/folder/x.json"}, "'/no/such/folder' is no folder to write in"),
        ({"benchmark_json": "/"}, "that is a folder"),
        ({"pythonwarnings": ["error"]}, "-W error: a library's warning would end the campaign"),
        ({"pythonwarnings": ["e::DeprecationWarning"]}, "-W error"),
        ({"dist": "load"}, "pytest-xdist would measure cases beside each other"),
        ({"numprocesses": 2}, "leave out -n and --dist"),
    ],
)
def test_what_would_fail_at_the_end_is_refused_at_the_start(values, says):
    with pytest.raises(InvalidInput) as caught:
        foreign.prepare(Parsed(**values), [])
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_process_of_xdist_does_not_measure(monkeypatch):
    monkeypatch.setenv("PYTEST_XDIST_WORKER", "gw0")
    with pytest.raises(InvalidInput, match="pytest-xdist"):
        foreign.prepare(Parsed(), [])


@pytest.mark.slow
def test_runs_are_saved_shown_and_compared_and_a_regression_comes_after_summary_and_report(here, tmp_path):
    run = "bench", "run", "--suite=my.toml", "--results=data"
    nothing = here(*run, "--benchmark-compare", "--benchmark-compare-fail", "min:5%")
    assert "there is no saved run to compare with" in nothing.stderr.strip().splitlines()[-1]
    assert nothing.returncode == 4
    assert not (tmp_path / "data").exists()

    saving = "--no-report", "--benchmark-autosave", "--benchmark-storage=file://saved", "--benchmark-compare"
    first = here(*run, *saving, simulated=True)
    assert first.returncode == 0, first.stdout + first.stderr
    assert "Can't compare. No benchmark files" in first.stdout + first.stderr
    (saved,) = (tmp_path / "saved").glob("*/0001_*.json")
    text = json.loads(saved.read_text())
    for benchmark in text["benchmarks"]:
        benchmark["stats"]["min"] /= 1000
    saved.write_text(json.dumps({**text, "machine_info": {"node": "another"}}))

    second = here(
        *run, "--report=html", "--benchmark-storage=file://saved", "--benchmark-compare=0001",
        "--benchmark-columns=min", "--benchmark-compare-fail", "min:5%", simulated=True,
    )  # fmt: skip
    said = second.stdout + second.stderr
    assert second.returncode == 1, said
    assert "Benchmark machine_info is different" in said
    assert "ratio to the reference: below 1 is faster" in second.stdout
    assert (tmp_path / "html" / "index.html").is_file()
    assert "(0001_" in second.stdout, "pytest-benchmark's table"
    assert "error: PerformanceRegression: Performance has regressed." in second.stdout.splitlines()
    assert "INTERNALERROR" not in said
    assert "Traceback" not in said


FAILS = """
import pytest

@pytest.hookimpl(hookwrapper=True)
def pytest_sessionfinish(session):
    raise OSError(28, "No space left on device")
    yield

def pytest_terminal_summary(terminalreporter):
    raise ValueError("as of a histogram")
"""


@pytest.mark.slow
def test_what_other_plugins_raise_at_the_end_costs_neither_summary_nor_report(here, tmp_path):
    given = "--suite=my.toml", "--results=data", "--report=html", "-p", "fails"
    done = here("bench", "run", *given, fails=FAILS, simulated=True)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "ratio to the reference: below 1 is faster" in done.stdout
    assert (tmp_path / "html" / "index.html").is_file()
    lines = done.stdout.splitlines()
    assert "error: OSError: [Errno 28] No space left on device" in lines
    assert "error: ValueError: as of a histogram" in lines


# Plug-ins that run a test more than once.


REPEATS = """
import pytest

def pytest_generate_tests(metafunc):  # as of pytest-repeat
    metafunc.fixturenames.append("step")
    metafunc.parametrize("step", range(2), indirect=True)

@pytest.fixture
def step(request):
    return request.param
"""
RERUNS = """
from _pytest.runner import runtestprotocol

def pytest_runtest_protocol(item, nextitem):  # as of flaky and pytest-rerunfailures
    for _ in range(2):
        runtestprotocol(item, nextitem=nextitem)
    return True
"""


def test_a_case_that_would_be_two_tests_is_refused(here, tmp_path):
    line = one_line(here("bench", "run", "--suite=my.toml", "--results=data", "-p", "repeats", repeats=REPEATS))
    assert "would be 2 tests of one measurement; leave out what repeats tests, such as --count" in line
    assert not (tmp_path / "data").exists()


def test_a_test_that_is_run_again_counts_no_launch_twice(here, tmp_path):
    asked = "--suite=my.toml", "--results=data", "--no-report", "-p", "reruns"
    done = here("bench", "run", *asked, reruns=RERUNS, simulated=True)
    assert "4 passed" in done.stdout, done.stdout + done.stderr
    campaign = only_campaign(tmp_path / "data")
    assert len(campaign.records) == 4
    saved = json.loads((campaign.folder / "benchmark.json").read_text())["benchmarks"]
    assert sorted(one["stats"]["rounds"] for one in saved) == [2, 2]


SHUFFLES = """
def pytest_collection_modifyitems(items):
    items.reverse()
"""


def test_cases_are_measured_in_the_order_of_the_suite_whatever_order_tests_are_in(here, tmp_path):
    (tmp_path / "two.toml").write_text(tiny("outside", "outside.faulty:fine", "outside.faulty:babbles"))
    done = here(
        "bench", "run", "--suite=two.toml", "--results=data", "--no-report", "-p", "shuffles", "-k", "faulty",
        shuffles=SHUFFLES, simulated=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert only_campaign(tmp_path / "data").system.reference == "outside.faulty:fine"


# Signals.


RUN = "bench", "run"


@pytest.mark.parametrize(
    ("sent", "simulated"),
    [
        (signal.SIGTERM, False),
        pytest.param(signal.SIGHUP, True, marks=pytest.mark.slow),
        pytest.param(signal.SIGINT, True, marks=pytest.mark.slow),
    ],
    ids=["SIGTERM", "SIGHUP", "SIGINT"],
)
def test_a_signal_that_ends_a_process_leaves_a_summary_a_report_and_no_process(tmp_path, sent, simulated):
    """As `timeout` and a terminal send it: to every process of the group."""
    report = f"--report={tmp_path / 'html'}"
    started = Started(tmp_path, LONG, report, before=os.setpgrp, command=RUN, simulated=simulated)
    started.await_lines(8)
    os.killpg(started.process.pid, sent)
    output = started.output()
    assert started.process.returncode == 2, output
    assert "ratio to the reference: below 1 is faster" in output
    assert f"resume with --resume {started.folder().name}" in output
    assert "outside.faulty:fine" in (tmp_path / "html" / "index.html").read_text()
    campaign = read_campaign(started.folder())
    assert campaign.system.stop == "interrupted"
    assert {str(record.status) for record in campaign.records} == {"measured"}
    assert not started.others()


@pytest.mark.slow
def test_sigterm_while_the_report_is_made_lets_it_be_made(tmp_path):
    text = tiny("outside", "outside.faulty:fine")
    started = Started(tmp_path, text, f"--report={tmp_path / 'html'}", before=os.setpgrp, simulated=True)
    started.wait_for(lambda: any("reports" in cmdline(process) for process in started.others()))
    os.killpg(started.process.pid, signal.SIGTERM)
    output = started.output()
    assert started.process.returncode == 0, output
    assert f"report: {tmp_path / 'html' / 'index.html'}" in output


def cmdline(process: int) -> str:
    try:
        return Path(f"/proc/{process}/cmdline").read_text()
    except OSError:
        return ""
