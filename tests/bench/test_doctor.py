"""`doctor`: what it says has a remedy, its status is what it says, and it hears a busy machine."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from bench import doctor
from bench.doctor import BAD, GOOD, WORSE, Finding
from bench.selftest import burners
from impls.frameworks import Execution, Framework


@pytest.fixture(scope="module")
def examined(run):
    """(what it said, its exit status) on the machine as it happens to be."""
    done = run("bench", "doctor", "--seconds", "0.5", "--json")
    return json.loads(done.stdout), done.returncode


def test_json_is_a_list_of_findings(examined):
    found, _ = examined
    for finding in found:
        assert finding.keys() == {"about", "level", "what", "remedy"}
        assert finding["level"] in (GOOD, WORSE, BAD)
        assert finding["what"]
    assert {"cores", "memory", "company", "steadiness", "outside"} <= {finding["about"] for finding in found}


def test_whatever_is_not_good_has_a_remedy_and_comes_first(examined):
    found, _ = examined
    for finding in found:
        assert bool(finding["remedy"]) == (finding["level"] != GOOD), finding
    levels = [finding["level"] for finding in found]
    assert levels == sorted(levels, key=(BAD, WORSE, GOOD).index)


def test_the_status_is_1_only_if_something_is_bad(examined):
    found, status = examined
    assert status == (1 if any(finding["level"] == BAD for finding in found) else 0)


def test_a_busy_machine_is_bad_company_and_status_1(run):
    with burners(2):
        done = run("bench", "doctor", "--seconds", "0.5", "--json")
    (company,) = [finding for finding in json.loads(done.stdout) if finding["about"] == "company"]
    assert company["level"] == BAD
    assert "stop what else is running" in company["remedy"]
    assert done.returncode == 1


def test_text_has_the_remedy_below_what_it_is_for(capsys):
    doctor.print_findings([Finding("power", BAD, "on a [battery]", "plug it in"), Finding("cores", GOOD, "2 of 2")])
    assert capsys.readouterr().out.splitlines() == ["x power: on a [battery]", "  → plug it in", "+ cores: 2 of 2"]


def test_a_framework_that_is_not_there_is_named_with_what_brings_it(monkeypatch):
    absent = Framework("absent", "Absent", "a:b", (Execution("eager", ""),), ("no_such_package",), extra="absent")
    partly = Framework(
        "partly", "Partly", "a:b", (Execution("jit", "", missing=lambda: "no compiler; install gcc"),), ("numpy",)
    )
    monkeypatch.setattr(doctor, "frameworks", lambda: {"absent": absent, "partly": partly})
    found = list(doctor._frameworks())
    assert [(one.about, one.level) for one in found] == [("absent", WORSE), ("partly", GOOD), ("partly", WORSE)]
    assert "pip install 'deadheat[absent]'" in found[0].what
    assert found[2].what == "jit: no compiler; install gcc"
    assert all(one.remedy for one in found if one.level != GOOD)


def test_less_than_half_a_second_is_a_mistake(run):
    done = run("bench", "doctor", "--seconds", "0.1")
    assert done.returncode == 2
    assert "0.5" in done.stderr


def test_it_examines_without_importing_a_framework():
    script = (
        "import sys; from bench import doctor; doctor.examine(0.5); "
        "print(sorted({'torch', 'tensorflow', 'jax', 'keras'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stdout + done.stderr
