"""A user's mistake is one line that says what, what was got and what is allowed, before anything is measured."""

from __future__ import annotations

import pytest

from bench.plan import cases
from bench.plan import suite as suites
from bench.plan.parse import parse_size
from impls.errors import DeadheatError, InvalidInput
from results.units import seconds

GOOD = """
title = "t"
contestants = ["pytorch:eager"]
[[workloads]]
architectures = ["lenet5"]
batches = [1]
"""


def suite(tmp_path, *replacements: tuple[str, str], extra: str = "") -> str:
    text = GOOD
    for old, new in replacements:
        assert old in text
        text = text.replace(old, new)
    file = tmp_path / "my.toml"
    file.write_text(text + extra)
    return str(file)


MISTAKES = {
    "unknown network": (('["lenet5"]', '["lenet6"]'), "unknown architecture 'lenet6': did you mean 'lenet5'?"),
    "unknown framework": (('"pytorch:eager"', '"pytorsh"'), "unknown framework 'pytorsh': did you mean 'pytorch'?"),
    "unknown execution": (
        ("pytorch:eager", "pytorch:eagre"),
        "unknown execution of pytorch 'eagre': did you mean 'eager'?",
    ),
    "unknown module": (("pytorch:eager", "no.such.module"), "framework module 'no.such.module' cannot be imported"),
    "batch 0": (("[1]", "[0]"), "my.toml: workloads.0.batches.0: Input should be greater than 0 (got 0)"),
    "wrong type": (("[1]", '"many"'), "my.toml: workloads.0.batches: Input should be a valid tuple (got 'many')"),
    "wrong key": (("batches", "batch"), "workloads.0.batch"),
    "no networks": (('["lenet5"]', "[]"), "workloads.0.architectures"),
    "a layer that is not there": (('["lenet5"]', '["lenet5/c2"]'), "unknown layer of lenet5 'c2': did you mean 's2'?"),
    "a layer to be trained": (('["lenet5"]', '["lenet5/c1"]'), "lenet5/c1: a single layer cannot be trained"),
    "not TOML": (("title =", "title"), "my.toml: not TOML"),
}

ENTRIES = {
    "unknown phase": ('phases = ["trian"]', "unknown phase 'trian': did you mean 'train'?"),
    "unknown precision": ('precisions = ["float23"]', "unknown precision 'float23'"),
    "size too small": ("sizes = [20]", "lenet5 cannot take 20x20: .*; the smallest possible size is 32"),
    "size of one side": ('sizes = ["20x"]', "size '20x' is neither a positive number of pixels nor HEIGHTxWIDTH"),
    "size 0": ("sizes = [0]", "size 0 is neither a positive number"),
    "layers to be trained": ('layers = "each"', "lenet5: a single layer cannot be trained; give phases without train"),
    "one class": ("classes = 1", "lenet5: classes must be at least 2, got 1; with one class the softmax loss"),
    "too many classes": ("classes = 11", "output codes for 10 classes .*got 11; use lenet5-dense"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistakes_in_a_suite(tmp_path, mistake):
    replacement, complaint = MISTAKES[mistake]
    with pytest.raises(DeadheatError) as caught:
        cases.cases(suites.load_suite(suite(tmp_path, replacement)), "cpu")
    assert complaint in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("mistake", ENTRIES)
def test_mistakes_in_an_entry(tmp_path, mistake):
    line, complaint = ENTRIES[mistake]
    with pytest.raises(DeadheatError, match=complaint) as caught:
        cases.cases(suites.load_suite(suite(tmp_path, extra=line)), "cpu")
    assert str(caught.value).startswith("workloads.0: ")


def test_layers_that_are_not_each(tmp_path):
    with pytest.raises(DeadheatError, match=r"workloads.0.layers: Input should be 'each' \(got 'all'\)"):
        suites.load_suite(suite(tmp_path, extra='layers = "all"'))


def test_layers_of_a_layer(tmp_path):
    extra = 'layers = "each"\nphases = ["forward"]'
    with pytest.raises(DeadheatError, match="workloads.0: unknown layer of lenet5 'c1/c1': did you mean 'c1'?"):
        cases.cases(suites.load_suite(suite(tmp_path, ('["lenet5"]', '["lenet5/c1"]'), extra=extra)), "cpu")


def test_the_good_suite_is_good(tmp_path):
    assert len(cases.cases(suites.load_suite(suite(tmp_path)), "cpu")) == 4


def test_unknown_suite_and_missing_file():
    with pytest.raises(DeadheatError, match="unknown suite 'quik': did you mean 'quick'?"):
        suites.load_suite("quik")
    with pytest.raises(DeadheatError, match="nowhere.toml: No such file"):
        suites.load_suite("nowhere.toml")


@pytest.mark.parametrize("text", ["", "5 minutes", "-3s", "0", "m", "1:30", True])
def test_durations_that_are_none(text):
    with pytest.raises(InvalidInput, match="duration"):
        seconds(text)


@pytest.mark.parametrize(
    ("text", "expected"), [("90s", 90), ("1.5m", 90), ("2h", 7200), ("7", 7), (0.5, 0.5), (" 7 m ", 420)]
)
def test_durations(text, expected):
    assert seconds(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"), [(224, (224, 224)), ("224", (224, 224)), ("180x240", (180, 240)), ("7X9", (7, 9))]
)
def test_sizes(text, expected):
    assert parse_size(text) == expected


COMMANDS = {
    "suite": (("pytest", "--benchmark-only", "--suite", "quik"), "ERROR: unknown suite 'quik': did you mean 'quick'?"),
    "device": (
        ("pytest", "--benchmark-only", "--device", "cdua"),
        "ERROR: unknown device 'cdua': did you mean 'cuda'?",
    ),
    "budget": (("pytest", "--benchmark-only", "--budget", "soon"), "ERROR: duration 'soon' is not a number"),
    "results": (("pytest", "--benchmark-only", "--results=README.md"), "ERROR: results folder 'README.md'"),
    "describe": (("bench", "describe", "lenet"), "error: unknown architecture 'lenet': did you mean 'lenet5'?"),
    "size": (("bench", "describe", "alexnet", "--size", "20"), "error: alexnet cannot take 20x20"),
    "classes": (
        ("bench", "describe", "alexnet", "--classes", "0"),
        "error: alexnet: classes must be at least 2, got 0",
    ),
    "export": (("bench", "export", "nowhere"), "error: no campaign 'nowhere'"),
    "report": (("bench", "report", "nowhere"), "no campaign 'nowhere'"),
}


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_answer_mistakes_in_one_line_with_a_status(run, command):
    arguments, complaint = COMMANDS[command]
    done = run(*arguments)
    assert done.returncode == (4 if arguments[0] == "pytest" else 2), "4 is pytest's own for a mistake in an option"
    assert complaint in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert "Traceback" not in done.stdout + done.stderr
