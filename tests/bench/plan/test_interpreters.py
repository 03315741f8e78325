"""Contestants with a Python of their own, or set up as they ship: how they are named, started and recorded."""

from __future__ import annotations

import sys

import pytest

from bench.plan import interpreters, parse
from bench.plan.interpreters import Interpreter
from bench.session import Options, build_session
from impls.errors import DeadheatError, InvalidInput
from impls.host.process import STEADY_ALLOCATOR
from results.schema.record import Contestant, Status
from tests.support.started import tiny

PY = sys.executable
LENET = '[[workloads]]\narchitectures = ["lenet5"]\nbatches = [1]\nphases = ["infer"]\n'


def by_contestant(campaign) -> dict[str, list[Status]]:
    found: dict[str, list[Status]] = {}
    for record in campaign.records:
        found.setdefault(record.case.contestant.id, []).append(record.status)
    return found


MISTAKES = {
    "no path": (
        ["fake-clock@one"],
        "'fake-clock@one' is not FRAMEWORK@LABEL=PATH, such as pytorch@old=/envs/a/bin/python",
    ),
    "empty path": (["fake-clock@one="], "'fake-clock@one=' is not FRAMEWORK@LABEL=PATH"),
    "no framework": (["@one=/bin/sh"], "'@one=/bin/sh' is not FRAMEWORK@LABEL=PATH"),
    "unknown framework": ([f"pytorc@one={PY}"], "unknown framework 'pytorc': did you mean 'pytorch'?"),
    "nothing there": (["fake-clock@one=/nowhere/python"], "interpreter 'one' (/nowhere/python) cannot be run: "),
    "a folder": (["fake-clock@one=/tmp"], "interpreter 'one' (/tmp) cannot be run: "),
    "says nothing": (["fake-clock@one=/bin/true"], "interpreter 'one' (/bin/true) is no Python"),
    "says what it was told": (["fake-clock@one=/bin/echo"], "interpreter 'one' (/bin/echo) is no Python"),
    "fails": (["fake-clock@one=/bin/false"], "interpreter 'one' (/bin/false) cannot measure: no error output"),
    "no folder to name it by": (["fake-clock=/bin/true"], "has no valid label; write fake-clock@LABEL=/bin/true"),
    "a label that would be a setting": ([f"fake-clock@a+b={PY}"], "has no valid label"),
    "one label for two": (
        ["fake-clock@one=/bin/true", "pytorch@one=/bin/false"],
        "two interpreters have the label 'one': /bin/true and /bin/false; give each its own label",
    ),
    "for a framework that is not measured": (
        [f"pytorch@one={PY}"],
        "--interpreter pytorch@one: no contestant of the suite would use it (",
    ),
}  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_in_an_interpreter_is_one_line_before_anything_is_measured(tmp_path, mistake):
    texts, complaint = MISTAKES[mistake]
    (tmp_path / "my.toml").write_text(tiny("fake-clock:slow", "fake-clock:fast", workloads=LENET))
    with pytest.raises(DeadheatError) as caught:
        build_session(Options(str(tmp_path / "my.toml"), tmp_path / "data", interpreters=texts))
    assert complaint in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "data").exists()


def test_the_command_says_a_mistake_in_one_line_with_its_status(measure):
    done, campaign = measure("--interpreter=outside@one=/nowhere/python")
    assert done.returncode == 4
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    assert done.stderr.startswith("ERROR: interpreter 'one' (/nowhere/python) cannot be run: ")
    assert campaign is None


@pytest.mark.slow
def test_two_labels_of_one_framework_compete_and_each_says_its_versions(measure):
    done, campaign = measure(
        f"--interpreter=outside@one={PY}", f"--interpreter=outside@two={PY}", contestants=("outside",)
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert by_contestant(campaign) == {
        "outside:loop@one": [Status.MEASURED] * 2,
        "outside:loop@two": [Status.MEASURED] * 2,
    }
    assert campaign.system.reference == "outside:loop@one"
    for said in campaign.system.contestants.values():
        assert said.versions["python"] == sys.version.split()[0]
        assert said.versions["numpy"]


@pytest.mark.parametrize("text", ["pytorch=/envs/old/bin/python", "pytorch@=/envs/old/bin/python"])
def test_without_a_label_it_is_that_of_the_environments_folder(text):
    assert interpreters.parse(text) == ("pytorch", Interpreter("old", "/envs/old/bin/python"))


def test_a_contestant_with_a_label_needs_the_path_of_its_interpreter(measure):
    done, campaign = measure(contestants=("outside", "outside@old"))
    assert done.returncode == 4
    assert done.stderr.strip() == (
        "ERROR: no interpreter is called 'old' (of outside:loop@old); known: none; "
        "name it with --interpreter outside@old=PATH"
    )
    assert campaign is None


def test_a_suite_says_itself_where_its_labels_are_and_its_own_python_competes(measure):
    done, campaign = measure(contestants=("outside", "outside@other"), interpreters={"other": PY}, simulated=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert by_contestant(campaign).keys() == {"outside:loop", "outside:loop@other"}
    versions = {one: said.versions for one, said in campaign.system.contestants.items()}
    assert "python" not in versions["outside:loop"], "system.json has our own for the whole campaign"
    assert versions["outside:loop@other"]["python"]


@pytest.mark.slow
def test_labels_that_a_suite_wrote_stay_when_the_command_line_says_where_they_are(measure):
    options = f"--interpreter=outside@one={PY}", f"--interpreter=outside@two={PY}"
    contestants = "outside.faulty:fine@two", "outside@one", "outside@two"
    done, campaign = measure(*options, contestants=contestants, simulated=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert by_contestant(campaign).keys() == {"outside.faulty:fine@two", "outside:loop@one", "outside:loop@two"}


def test_a_python_that_lacks_what_a_contestant_needs_has_it_skipped_with_the_reason(measure):
    asked = f"--interpreter=outside.faulty@one={PY}"
    done, campaign = measure(asked, contestants=("outside", "outside.faulty:absent"), simulated=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert by_contestant(campaign)["outside.faulty:absent@one"] == [Status.SKIPPED]
    assert "pip install no_such_package" in campaign.records[0].reason


def test_what_packages_print_when_they_are_imported_is_no_answer(tmp_path):
    chatty = tmp_path / "python"
    chatty.write_text(f'#!/bin/sh\necho "welcome"\nexec {PY} "$@"\n')
    chatty.chmod(0o755)
    assert Interpreter("chatty", str(chatty)).ask("pytorch", "eager", {})["python"] == sys.version.split()[0]


def test_as_shipped_sets_nothing_of_allocator_and_threads(measure):
    done, campaign = measure("--as-shipped", contestants=("outside",), simulated=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert by_contestant(campaign) == {"outside:loop+as-shipped": [Status.MEASURED] * 2}
    assert campaign.system.contestants["outside:loop+as-shipped"].environment == {}


@pytest.mark.slow
def test_a_suite_has_both_settings_compete(measure):
    done, campaign = measure(contestants=("outside", "outside+as-shipped"))
    assert done.returncode == 0, done.stdout + done.stderr
    assert by_contestant(campaign) == {
        "outside:loop": [Status.MEASURED] * 2,
        "outside:loop+as-shipped": [Status.MEASURED] * 2,
    }
    environments = {one: said.environment for one, said in campaign.system.contestants.items()}
    assert STEADY_ALLOCATOR.items() <= environments["outside:loop"].items()
    assert not any(name.startswith("MALLOC_") for name in environments["outside:loop+as-shipped"])


@pytest.mark.parametrize(
    "text",
    ["pytorch:eager", "pytorch:eager@old", "pytorch:eager+as-shipped", "pytorch:eager@old+as-shipped", "jax:jit@3.11"],
)
def test_a_contestant_is_written_as_it_is_read(text):
    assert parse.parse_contestant(text).id == text


def test_parts_that_are_left_out_are_the_usual_ones():
    assert parse.parse_contestant("pytorch@old") == Contestant("pytorch", "eager", "old")
    assert parse.parse_contestant("pytorch+steady") == Contestant("pytorch", "eager")


@pytest.mark.parametrize("text", ["pytorch+as-shiped", "pytorch:eager@old+shipped"])
def test_an_unknown_setting_is_answered_with_the_nearest(text):
    with pytest.raises(DeadheatError, match="unknown setting '.*': did you mean 'as-shipped'?"):
        parse.parse_contestant(text)


def test_our_own_packages_are_for_our_own_python_only():
    assert interpreters.OWN.environment()["PYTHONPATH"].split(":") == [path for path in sys.path if path]
    other = Interpreter("other", PY).environment()["PYTHONPATH"]
    assert not any("site-packages" in path for path in other.split(":"))


def test_a_label_without_a_path_is_an_error_that_names_those_known():
    with pytest.raises(InvalidInput, match="known: a, b; name it with --interpreter pytorch@c=PATH"):
        interpreters.interpreter_of(Contestant("pytorch", "eager", "c"), {"b": PY, "a": PY})
