"""Presets: how to measure, from a file, over a suite's own and under what the command line says; and when it ends."""

from __future__ import annotations

import tomllib

import psutil
import pytest

from bench.launch.launcher import Launcher
from bench.plan import suite as suites
from bench.plan.suite import MeasurementSettings, SuiteError, load_suite, preset_names
from bench.session import Options, build_session
from impls.errors import DeadheatError, InvalidInput
from results.schema.record import Case, Contestant, Status, Workload
from results.units import share

DIGIT = Workload("lenet5", 32, 32, 1, 10, 1, "float32", "cpu", "infer")

LENET = """
title = "for loading only"
contestants = ["pytorch"]

[[workloads]]
architectures = ["lenet5"]
batches = [1]
"""


@pytest.fixture
def load(tmp_path):
    """The suite for loading, with a line of its own."""

    def load(line: str = "", **changes: object):
        file = tmp_path / "my.toml"
        file.write_text(f"{line}\n{LENET}")
        return load_suite(str(file), **changes)

    return load


@pytest.mark.parametrize("preset", preset_names())
def test_every_preset_says_all_that_there_is_to_say(preset):
    suite = load_suite("smoke", preset=preset)
    assert suite.preset == preset
    assert suite.launches[0] <= suite.launches[1]
    assert all(key.is_required() for key in MeasurementSettings.model_fields.values()), (
        "or a preset could leave one out"
    )


@pytest.mark.parametrize("file", sorted(suites.PRESETS.glob("*.toml")), ids=lambda file: file.stem)
def test_every_preset_has_a_title(file):
    assert tomllib.loads(file.read_text())["title"]


def test_strict_is_standard_but_for_what_it_says():
    standard, strict = (load_suite("smoke", preset=name) for name in ("standard", "strict"))
    assert strict.fresh_interpreter
    assert not standard.fresh_interpreter
    assert (strict.turns, strict.rounds, strict.target) == (standard.turns, standard.rounds, standard.target)


def test_a_suite_says_otherwise_than_its_preset_and_an_asked_for_preset_takes_the_place_of_both(load):
    own = 'preset = "smoke"\nrounds = 77'
    assert (load(own).launches, load(own).rounds) == ((1, 1), 77)
    strict = load(own, preset="strict")
    assert (strict.preset, strict.fresh_interpreter) == ("strict", True)
    assert strict.rounds == load_suite("smoke", preset="strict").rounds


def test_what_the_command_line_says_is_above_any_preset(load):
    assert load("budget = '3m'", preset="strict", budget=7.0).budget == 7


def test_without_a_preset_a_suite_is_measured_as_standard_says(load):
    assert load().preset == "standard"
    assert load().launches == load_suite("smoke", preset="standard").launches


@pytest.mark.parametrize(
    ("launches", "expected"), [("7", (7, 7)), ("[7, 7]", (7, 7)), ("[2, 6]", (2, 6)), ("1", (1, 1))]
)
def test_launches_are_a_number_or_the_fewest_and_the_most(load, launches, expected):
    assert load(f"launches = {launches}").launches == expected


MISTAKES = {
    "launches = [3, 2]": "my.toml: launches: must be [fewest, most] in this order",
    "turns = [3, 2]": "my.toml: turns: must be [fewest, most] in this order",
    "launches = 0": "my.toml: launches.0: Input should be greater than 0",
    "launches = [1, 2, 3]": "my.toml: launches",
    "launches = 'many'": "my.toml: launches",
    "preset = 'strikt'": "my.toml: unknown preset 'strikt': did you mean 'strict'?",
    "preset = 7": "my.toml: unknown preset '7'",
    "target = 0": "my.toml: target: share 0 must be more than 0 and less than 1",
    "target = 'abc'": "my.toml: target: share 'abc' is no number, such as 0.02 or 2%",
    "target = [0.1]": "my.toml: target: share [0.1] is no number",
    "max_retries = -1": "my.toml: max_retries: Input should be greater than or equal to 0",
    "fresh_interpreter = 'perhaps'": "my.toml: fresh_interpreter: ",
    "max_turn_seconds = '0s'": "my.toml: max_turn_seconds: duration '0s' must be positive",
    "interpreters = {old = 3}": "my.toml: interpreters.old: ",
}


@pytest.mark.parametrize("line", MISTAKES)
def test_mistakes_name_the_file_and_the_key_in_one_line(load, line):
    with pytest.raises(SuiteError) as caught:
        load(line)
    assert str(caught.value).startswith(MISTAKES[line])
    assert "\n" not in str(caught.value)


def test_an_unknown_preset_is_answered_with_the_nearest():
    with pytest.raises(DeadheatError, match="unknown preset 'standart': did you mean 'standard'?"):
        load_suite("smoke", preset="standart")


@pytest.mark.parametrize(
    ("text", "expected"), [("2%", 0.02), (" 0.5 % ", 0.005), ("0.02", 0.02), (0.02, 0.02), ("99.9%", 0.999)]
)
def test_shares(text, expected):
    assert share(text) == pytest.approx(expected)


@pytest.mark.parametrize("text", ["0", "0%", "abc", "", "-1", "1", "100%", "2 percent", "nan", "inf", 2, None, [0.1]])
def test_shares_that_are_none(text):
    with pytest.raises(InvalidInput, match="share"):
        share(text)


OPTIONS = {
    "preset": ({"preset": "strikt"}, "unknown preset 'strikt': did you mean 'strict'?"),
    "target of 0": ({"target": "0"}, "share '0' must be more than 0 and less than 1 (100%)"),
    "target": ({"target": "abc"}, "share 'abc' is no number, such as 0.02 or 2%"),
}


@pytest.mark.parametrize("option", OPTIONS)
def test_mistakes_on_the_command_line_are_one_line_before_anything_is_measured(tmp_path, option):
    given, complaint = OPTIONS[option]
    with pytest.raises(DeadheatError) as caught:
        build_session(Options("smoke", tmp_path / "data", **given))
    assert complaint in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_a_target_in_percent_is_recorded_with_the_whole_suite(measure):
    done, campaign = measure("--target=2%", launches=1, simulated=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert campaign.system.suite.target == 0.02
    assert suites.suite_from_system(campaign.system).launches == (1, 1)


@pytest.mark.slow
def test_fresh_interpreters_measure_the_same_things_and_those_that_die_cost_only_their_own_case(measure):
    faulty = (f"outside.faulty:{name}" for name in ("fine", "stillborn", "killed", "raises"))
    done, campaign = measure(contestants=("outside", *faulty), fresh_interpreter=True)
    assert campaign.system.suite.fresh_interpreter is True
    found: dict[str, list[Status]] = {}
    for record in campaign.records:
        found.setdefault(record.case.contestant.execution, []).append(record.status)
    assert found == {
        "loop": [Status.MEASURED] * 2,
        "fine": [Status.MEASURED] * 2,
        "stillborn": [Status.CRASHED],
        "killed": [Status.CRASHED] * 2,
        "raises": [Status.FAILED],
    }
    assert "3 failed, 2 passed" in done.stdout
    assert "Warning" not in done.stdout + done.stderr


@pytest.mark.parametrize("fresh", [True, False])
def test_every_launch_has_a_parent_of_its_own_only_if_fresh(fresh):
    case = Case(DIGIT, Contestant("fake-clock", "fast"))
    with Launcher(60, fresh=fresh) as launcher:
        workers = [launcher.launch(case)[0] for _ in range(2)]
        parents = {psutil.Process(worker.pid).ppid() for worker in workers}
        for worker in workers:
            worker.close()
    assert len(parents) == (2 if fresh else 1)
    assert not any(map(psutil.pid_exists, parents))


def rule_and_launches(campaign) -> tuple[str, int]:
    (rule,) = campaign.system.rules.values()
    return rule, 1 + max(record.launch for record in campaign.records)


def test_a_group_whose_intervals_are_narrow_enough_ends_by_precision(measure):
    """Simulated: launches of any real contestant may spread by as much as they like."""
    done, campaign = measure(launches=[2, 6], target="1%", simulated=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert rule_and_launches(campaign) == ("precision", 3), "two launches in a row within the target, the third so"
    assert campaign.system.stop == "complete"


def test_single_steps_that_would_reach_the_time_limit_are_refused(load):
    assert load('latency = "299s"').latency == 299
    with pytest.raises(SuiteError, match="latency of 300 s reaches time_limit of 300 s; lower it, or raise"):
        load('latency = "5m"')
