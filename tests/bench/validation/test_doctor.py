"""`doctor`: what it says has a remedy, its status is what it says, and limits of containers count."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from types import SimpleNamespace

import psutil
import pytest
from simulated import A, B, lenet
from typer.testing import CliRunner

from bench.cli import app
from bench.gate import evidence_cache
from bench.launch.fake import EVIDENCE
from bench.plan import settings
from bench.validation import doctor
from bench.validation.doctor import BAD, GOOD, WARN, Check
from impls.frameworks import Execution, Framework
from impls.host import cgroups
from results.quality.interference import Disturbance
from results.schema.record import Case
from tests.support.stub_driver import UUIDS


@pytest.fixture(scope="module")
def examined(run):
    """(what it said, its exit status) on the machine as it happens to be."""
    done = run("bench", "doctor", "--seconds", "0.5", "--json")
    return json.loads(done.stdout), done.returncode


def test_json_is_a_list_of_findings(examined):
    found, _ = examined
    for finding in found:
        assert finding.keys() == {"about", "level", "what", "remedy"}
        assert finding["level"] in (GOOD, WARN, BAD)
        assert finding["what"]
    assert {"cores", "memory", doctor.LOAD, "stability", "outside"} <= {finding["about"] for finding in found}


def test_whatever_is_not_good_has_a_remedy_and_comes_first(examined):
    found, _ = examined
    for finding in found:
        assert bool(finding["remedy"]) == (finding["level"] != GOOD), finding
    levels = [finding["level"] for finding in found]
    assert levels == sorted(levels, key=(BAD, WARN, GOOD).index)


def test_the_status_is_1_only_if_something_is_bad(examined):
    found, status = examined
    assert status == (1 if any(finding["level"] == BAD for finding in found) else 0)


@pytest.mark.parametrize(
    ("foreign", "steal", "found"),
    [
        (0.1, 0.0, [(doctor.LOAD, GOOD, "other processes use 0.10 cores")]),
        (1.7, 0.0, [(doctor.LOAD, BAD, "other processes use 1.70 cores, more than the limit of 0.15")]),
        (
            -0.01,
            0.05,
            [
                (doctor.LOAD, GOOD, "other processes use 0.00 cores"),
                ("steal", BAD, "the hypervisor gives 5.0% of the CPU time to other guests"),
            ],
        ),
        (math.nan, math.nan, [(doctor.LOAD, WARN, "CPU use of other processes is not available")]),
    ],
)
def test_what_others_take_is_judged_by_what_disturbs(monkeypatch, foreign, steal, found):
    monkeypatch.setattr(settings, "cores", lambda: 1)
    said = list(doctor._others(Disturbance(other_cpus_used=foreign, steal=steal)))
    assert [(one.about, one.level, one.what) for one in said] == found
    assert all(bool(one.remedy) == (one.level != GOOD) for one in said)


@pytest.mark.parametrize(("level", "status"), [(GOOD, 0), (WARN, 0), (BAD, 1)])
def test_the_command_ends_with_1_only_if_something_is_bad(monkeypatch, level, status):
    monkeypatch.setattr(doctor, "examine", lambda seconds, device: [Check(doctor.LOAD, level, "so it is", "do this")])
    assert CliRunner().invoke(app, ["doctor"]).exit_code == status


QUOTAS = {
    None: [(GOOD, "2 of 2 cores may be used")],
    2.0: [(GOOD, "2 of 2 cores may be used")],
    1.0: [
        (WARN, "one core: the harness and its contestants share it"),
        (
            WARN,
            "a CPU quota of 1 core is below the number of usable cores (2): contestants have 1 thread, "
            "as more would be throttled in every period",
        ),
    ],
    0.5: [
        (WARN, "one core: the harness and its contestants share it"),
        (
            BAD,
            "a CPU quota of 0.5 cores is below the number of usable cores (2): contestants have 1 thread, "
            "which is throttled in every period",
        ),
    ],
}


@pytest.mark.parametrize("quota", QUOTAS)
def test_a_quota_below_the_cores_is_named_with_its_threads(limited, quota):
    limited(quota, cores=2)
    found = list(doctor._cores())
    assert [(one.level, one.what) for one in found] == QUOTAS[quota]
    assert all("docker --cpus" in one.remedy for one in found if "quota" in one.what)


def test_memory_is_what_the_container_leaves(monkeypatch):
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=64 * 2**30))
    monkeypatch.setattr(psutil, "swap_memory", lambda: SimpleNamespace(used=0))
    monkeypatch.setattr(cgroups, "memory_limit", lambda: 4 * 2**30)
    monkeypatch.setattr(cgroups, "memory_left", lambda: 3 * 2**30)
    (found,) = doctor._memory()
    assert found.level == WARN
    assert found.what.startswith("3.0 GiB are free of a limit of 4.0 GiB (control group); suites take up to ")
    assert 'memory = "2GiB"' in found.remedy


def test_text_has_the_remedy_below_what_it_is_for(capsys):
    doctor.print_findings([Check("power", BAD, "on a [battery]", "plug it in"), Check("cores", GOOD, "2 of 2")])
    assert capsys.readouterr().out.splitlines() == ["x power: on a [battery]", "  → plug it in", "+ cores: 2 of 2"]


def test_a_framework_that_is_not_there_is_named_with_what_brings_it(monkeypatch):
    absent = Framework("absent", "Absent", "a:b", (Execution("eager", ""),), ("no_such_package",), extra="absent")
    cannot = Execution("jit", "", missing=lambda device: "no compiler; install gcc")
    partly = Framework("partly", "Partly", "a:b", (cannot,), ("numpy",))
    monkeypatch.setattr(doctor, "frameworks", lambda: {"absent": absent, "partly": partly})
    every = [finding for look in doctor.CHECKS for finding in look()]
    found = [finding for finding in every if finding.about in ("absent", "partly")]
    assert [(one.about, one.level) for one in found] == [("absent", WARN), ("partly", GOOD), ("partly", WARN)]
    assert "pip install 'deadheat[absent]'" in found[0].what
    assert found[2].what == "jit: no compiler; install gcc"
    assert all(one.remedy for one in found if one.level != GOOD)


def test_cached_evidence_is_counted_with_its_folder(monkeypatch, tmp_path):
    monkeypatch.setenv(evidence_cache.FOLDER, str(tmp_path))
    (nothing,) = doctor._parity()
    assert nothing.what == f"0 proofs of equal networks are kept in {tmp_path}"
    cache = evidence_cache.EvidenceCache(tmp_path)
    for contestant in (A, B):
        cache.keep_evidence(Case(lenet(), contestant), 0, EVIDENCE)
    (found,) = doctor._parity()
    assert found.level == doctor.GOOD
    assert found.what.startswith(f"2 proofs of equal networks are kept in {tmp_path}, the newest of 20")


@pytest.mark.parametrize("device", ["", "cuda"])
def test_a_card_has_its_rows(stub_driver, monkeypatch, device):
    stub_driver.load(monkeypatch)
    stub_driver.answer({"nvmlDeviceGetPersistenceMode": "0", "nvmlDeviceGetUtilizationRates": "0"})
    known, warned = doctor._cards(device)
    assert known == Check(
        "card",
        GOOD,
        f"Stub 1000 ({UUIDS[0]}, 00000000:01:00.0, driver 999.1, compute capability 9.0)",
    )
    assert (warned.level, warned.remedy) == (WARN, "nvidia-smi -pm 1")
    assert list(doctor._cards("cpu")) == []


def test_a_card_that_cannot_be_used_is_bad_only_where_it_is_asked_for(stub_driver, monkeypatch):
    stub_driver.load(monkeypatch)
    stub_driver.answer({"nvmlDeviceGetCount": "0"})
    assert list(doctor._cards("")) == []
    (found,) = doctor._cards("cuda")
    assert (found.level, found.what) == (BAD, "--device cuda: the driver sees no card")
    assert found.remedy


def test_a_device_that_is_none_is_a_mistake():
    done = CliRunner().invoke(app, ["doctor", "--device", "cdua"])
    assert done.exit_code == 2
    assert "did you mean 'cuda'?" in done.output


def test_less_than_half_a_second_is_a_mistake(run):
    done = run("bench", "doctor", "--seconds", "0.1")
    assert done.returncode == 2
    assert "0.5" in done.stderr


def test_it_examines_without_importing_a_framework():
    script = (
        "import sys; from bench.validation import doctor; doctor.examine(0.5); "
        "print(sorted({'torch', 'tensorflow', 'jax', 'keras'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stdout + done.stderr
