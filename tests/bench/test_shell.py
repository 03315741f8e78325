"""What launches have of the shell's variables, what is kept or inherited, and that a campaign says so."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bench import session as sessions
from bench.cli import app
from bench.launch.launcher import Launcher
from bench.plan import interpreters, settings
from bench.plan.suite import SuiteError
from bench.runner import metadata
from bench.session import Options, build_session
from bench.terminal import history, summary, summary_json
from bench.validation import doctor, peers
from impls.errors import InvalidInput
from impls.host import nvidia
from impls.host.process import STEADY_ALLOCATOR
from results import machine
from results.compare.history import histories
from results.compare.pairwise import compare
from results.schema.record import Case, Contestant
from results.schema.system import system_of
from results.store.campaigns import CampaignWriter, StoredCampaign
from results.store.journal import ResultsError
from tests.support.made_up import SYSTEM, measured, workload
from tests.support.started import read
from tests.support.stub_driver import UUIDS

STEADY = Contestant("fake-clock", "fast")
SHIPPED = replace(STEADY, setting="as-shipped")
SET = {
    "GOMP_CPU_AFFINITY": "0",
    "ONEDNN_MAX_CPU_ISA": "SSE41",
    "JAX_DISABLE_JIT": "1",
    "OMP_NUM_THREADS": "17",
    "AWS_SECRET_ACCESS_KEY": "secret",
}
NAMED = {name: value for name, value in SET.items() if not name.startswith("AWS")}


@pytest.fixture
def shell(monkeypatch):
    """Only what a process needs, and SET."""
    needed = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    for name in os.environ:
        monkeypatch.delenv(name)
    for name, value in {**needed, **SET}.items():
        monkeypatch.setenv(name, value)


def has(contestant: Contestant, asked: dict[str, str], device: str = "cpu") -> dict[str, str]:
    """The variables of one launch's process, as the kernel has them."""
    case = Case(workload("lenet5"), contestant)
    with Launcher(60, device=device, environment=asked) as launcher:
        worker, _ = launcher.launch(case)
        with worker:
            said = read(Path(f"/proc/{worker.pid}/environ"))
    return dict(one.split("=", 1) for one in said.split("\0") if one)


def test_a_steady_launch_has_what_is_stated_and_kept_and_nothing_else_of_the_shell(shell):
    found = has(STEADY, {"GOMP_CPU_AFFINITY": "0", "OMP_NUM_THREADS": "17"})
    assert found["GOMP_CPU_AFFINITY"] == "0"
    assert found["OMP_NUM_THREADS"] == "17", "what is named goes before the setting's own"
    ours = {**settings.environment_of(STEADY, {}), **nvidia.environment("cpu")}
    assert found.keys() == {"PATH", "HOME", "PYTHONPATH", "GOMP_CPU_AFFINITY", *ours}
    assert STEADY_ALLOCATOR.items() <= found.items()


def test_the_card_that_the_shell_chooses_reaches_a_launch_on_it_and_none_a_launch_on_the_cpu(shell, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")
    monkeypatch.setenv("CUDA_LAUNCH_BLOCKING", "1")
    found = has(STEADY, {}, "cuda")
    assert {name: value for name, value in found.items() if name.startswith("CUDA_")} == {
        "CUDA_DEVICE_ORDER": "PCI_BUS_ID",
        "CUDA_VISIBLE_DEVICES": "1",
    }
    assert has(STEADY, {}, "cpu")["CUDA_VISIBLE_DEVICES"] == ""


def test_a_launch_as_shipped_has_all_of_the_shell(shell):
    assert SET.items() <= has(SHIPPED, {}).items()


def test_a_campaign_says_what_its_launches_have(shell):
    steady, shipped = (metadata.environment([one], os.environ) for one in (STEADY, SHIPPED))
    assert steady["inherited"] == {}
    assert steady["dropped"] == sorted(NAMED)
    assert shipped["inherited"] == dict(sorted(NAMED.items()))
    assert shipped["dropped"] == []
    both = metadata.environment([STEADY, SHIPPED], os.environ)
    assert both["inherited"] == shipped["inherited"]
    assert both["dropped"] == steady["dropped"]
    assert "secret" not in json.dumps([steady, shipped, both])


def test_where_nothing_is_set_nothing_is_said():
    found = metadata.environment([STEADY, SHIPPED], {"PATH": "/bin", "LD_LIBRARY_PATH": "/lib"})
    assert found == {"passed": ["PATH"], "choosing": {"LD_LIBRARY_PATH": "/lib"}, "inherited": {}, "dropped": []}


@pytest.fixture
def begun(tmp_path):
    """The session of a tiny suite, and what its system.json would say."""
    suite = tmp_path / "tiny.toml"

    def begun(environment: str = "", contestant: str = "fake-clock:fast", **options: object):
        suite.write_text(
            f'title = "tiny"\ncontestants = ["{contestant}"]\n{environment}\n'
            '[[workloads]]\narchitectures = ["lenet5"]\nbatches = [1]\n'
        )
        session = build_session(Options(str(suite), tmp_path, **options))
        return session, metadata.describe("tiny", session.suite, session.cases, "pytest")

    return begun


def test_what_is_kept_is_recorded_by_name_and_value_with_what_the_suite_says(shell, begun):
    session, described = begun('environment = {TF_SAID = "1"}', keep_env=["GOMP_*", "JAX_DISABLE_JIT"])
    kept = {"TF_SAID": "1", "GOMP_CPU_AFFINITY": "0", "JAX_DISABLE_JIT": "1"}
    assert session.suite.environment == kept
    assert described.suite.environment == kept
    (contestant,) = described.contestants.values()
    assert kept.items() <= contestant.environment.items()
    assert not [one for one in described.warnings if "JAX_DISABLE_JIT" in one.what]


WAITING = 'environment = {CUDA_LAUNCH_BLOCKING = "1"}'


@pytest.mark.parametrize(
    ("suite", "options"),
    [(WAITING, {}), ("", {"keep_env": ["CUDA_LAUNCH_*"]}), ("", {"as_shipped": True})],
    ids=["suite", "kept", "as shipped"],
)
def test_launches_on_a_card_do_not_wait_for_every_kernel(shell, begun, monkeypatch, suite, options):
    monkeypatch.setenv("CUDA_LAUNCH_BLOCKING", "1")
    monkeypatch.setattr(nvidia, "missing", lambda device: None)
    with pytest.raises(InvalidInput, match="^CUDA_LAUNCH_BLOCKING=1 would reach the launches, .*; unset"):
        begun(suite, device="cuda", **options)
    begun(suite, device="cpu", **options)
    monkeypatch.setenv("CUDA_LAUNCH_BLOCKING", "0")
    if not suite:
        begun(device="cuda", **options)


def test_a_campaign_goes_on_on_its_own_card_only(stub_driver, monkeypatch):
    stub_driver.load(monkeypatch)
    earlier = StoredCampaign(Path("mine"), system_of({"machine": {"cards": nvidia.chosen()}}), ())
    sessions._check_cards(earlier, "cuda", 1)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")
    with pytest.raises(InvalidInput, match=f"^campaign mine was measured on {UUIDS[0]}, now it would be on {UUIDS[1]}"):
        sessions._check_cards(earlier, "cuda", 1)
    sessions._check_cards(StoredCampaign(Path("older"), system_of({"machine": {}}), ()), "cuda", 1)
    sessions._check_cards(StoredCampaign(Path("cpu"), system_of({"machine": {"cards": []}}), ()), "cpu", 1)


def test_a_variable_of_the_shell_that_reaches_no_launch_is_not_refused(shell, begun, monkeypatch):
    monkeypatch.setenv("CUDA_LAUNCH_BLOCKING", "1")
    monkeypatch.setattr(nvidia, "missing", lambda device: None)
    _, described = begun(device="cuda")
    assert "CUDA_LAUNCH_BLOCKING" in described.environment.dropped


def test_as_shipped_warns_of_what_may_change_times(shell, begun):
    _, described = begun(as_shipped=True)
    (warning,) = [one for one in described.warnings if "JAX_DISABLE_JIT" in one.what]
    for name, value in NAMED.items():
        assert f"{name}={value}" in warning.what
    assert warning.remedy == "unset them, or measure without --as-shipped"


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"keep_env": ["NO_SUCH"]}, "no such variable is set"),
        ({"keep_env": ["JAX_DISABLE_JIT"], "as_shipped": True}, "with --as-shipped"),
        ({"environment": 'environment = {CUDA_VISIBLE_DEVICES = "0"}'}, "CUDA_VISIBLE_DEVICES can't be kept"),
        ({"environment": 'environment = {PYTHONPATH = "/x"}'}, "PYTHONPATH can't be kept"),
        (
            {"environment": 'environment = {KERAS_BACKEND = "torch"}', "contestant": "keras:jax"},
            "KERAS_BACKEND can't be kept: the harness sets it for keras:jax on cpu",
        ),
    ],
)
def test_what_can_not_be_kept_is_one_line_before_anything_is_measured(shell, begun, options, problem):
    with pytest.raises(InvalidInput, match=problem) as caught:
        begun(**options)
    assert "\n" not in str(caught.value)


@pytest.fixture
def earlier(begun, tmp_path):
    """A campaign of no launches, to go on with."""

    def earlier(**options: object) -> str:
        _, described = begun(**options)
        CampaignWriter.create(tmp_path, "earlier", described.content()).close()
        return "earlier"

    return earlier


def test_all_that_a_campaign_says_of_itself_has_a_field(begun):
    _, described = begun()
    objects = [described, described.machine, described.meters, described.environment]
    objects += [*described.contestants.values(), *described.workloads.values(), *described.warnings]
    objects += [*described.pyramids, *(layer for network in described.networks.values() for layer in network)]
    assert described.networks
    assert not [name for one in objects for name in one.model_extra]


def test_a_campaign_whose_suite_is_damaged_does_not_go_on(earlier, begun, tmp_path):
    """A value that is left out would be taken from elsewhere, and what was measured later would be something else."""
    file = tmp_path / earlier() / "system.json"
    said = json.loads(file.read_text())
    for damage in ({**said["suite"], "environment": 3}, 3, {"name": "tiny"}):
        file.write_text(json.dumps({**said, "suite": damage}))
        with pytest.raises(SuiteError, match="no complete suite; this campaign is too old or damaged to resume"):
            begun(resume="earlier")


def test_a_campaign_goes_on_with_the_variables_it_began_with(shell, earlier, begun, monkeypatch):
    name = earlier(keep_env=["GOMP_CPU_AFFINITY"])
    monkeypatch.setenv("GOMP_CPU_AFFINITY", "1")
    session, _ = begun(resume=name)
    assert session.suite.environment == {"GOMP_CPU_AFFINITY": "0"}


def test_what_is_kept_can_not_be_changed_on_the_way(shell, earlier, begun):
    with pytest.raises(InvalidInput, match="--keep-env cannot be changed in a resumed campaign"):
        begun(resume=earlier(), keep_env=["JAX_DISABLE_JIT"])


def test_as_shipped_does_not_go_on_in_another_shell(shell, earlier, begun, monkeypatch):
    name = earlier(as_shipped=True)
    begun(resume=name)
    monkeypatch.delenv("JAX_DISABLE_JIT")
    with pytest.raises(
        InvalidInput, match="inherited .*JAX_DISABLE_JIT=1.* from the shell, now they would inherit .*; set the same"
    ):
        begun(resume=name)


def campaign(day: int, kept: dict[str, str] | None = None, **inherits: dict[str, str]) -> StoredCampaign:
    said = {
        **SYSTEM,
        "started": f"2026-10-{day:02d}T03:00:00Z",
        "suite": {**SYSTEM["suite"], "environment": kept or {}},
        "environment": inherits,
    }
    records = [measured(Case(workload(), Contestant("alpha", "eager")), launch, [0.01]) for launch in range(3)]
    return StoredCampaign(Path(f"day-{day:02d}"), system_of(said), tuple(records))


def older(day: int) -> StoredCampaign:
    """Of a time when campaigns did not say."""
    whole = campaign(day)
    said = whole.system.content()
    del said["environment"], said["suite"]["environment"]
    return replace(whole, system=system_of(said))


@pytest.mark.parametrize(
    ("other", "said"),
    [
        (campaign(2, {"OMP_X": "1"}), "kept variables none and OMP_X=1"),
        (campaign(2, inherited={"OMP_X": "1"}), "inherited variables none and OMP_X=1"),
    ],
)
def test_launches_with_other_variables_are_of_another_system(other, said):
    for before in (campaign(1), older(1)):
        with pytest.raises(ResultsError, match=f"are of different systems .*{said}"):
            compare(before, other)
    assert any(said in line for line in compare(campaign(1), other, across_systems=True).differences)
    found = histories([campaign(1), older(3), other])
    assert [[entry.name for entry in one.campaigns] for one in found.histories] == [["day-01", "day-03"], ["day-02"]]


def test_a_history_of_launches_with_variables_says_so(capsys):
    history.print_history(histories([campaign(1), campaign(2, {"OMP_X": "1"})]))
    headlines = [line for line in capsys.readouterr().out.splitlines() if "1 campaign" in line]
    assert sorted("kept variables OMP_X=1" in line for line in headlines) == [False, True]


def test_other_libraries_are_named_and_no_other_system():
    report = compare(campaign(1), campaign(2, choosing={"LD_LIBRARY_PATH": "/mine"}))
    assert "choosing variables none and LD_LIBRARY_PATH=/mine" in report.differences
    assert report.machines == 0


def test_the_summary_shows_what_was_kept(capsys):
    found = campaign(1, {"OMP_X": "[1]"}, inherited={"JAX_Y": "2"})
    summary.print_summary(found, [])
    assert "variables of all launches: OMP_X='[1]'" in capsys.readouterr().out
    assert summary_json.as_json(found, [])["environment"] == {"kept": {"OMP_X": "[1]"}, "inherited": {"JAX_Y": "2"}}
    summary.print_summary(campaign(1), [])
    assert "variables" not in capsys.readouterr().out


def test_the_doctor_names_all_that_is_set_and_may_change_times(shell):
    (finding,) = doctor._environment()
    assert finding.level == doctor.WARN
    for name, value in NAMED.items():
        assert f"{name}={value}" in finding.what
    assert "AWS" not in finding.what
    assert "--as-shipped" in finding.what
    assert "--keep-env" in finding.remedy


def test_the_doctor_has_nothing_to_say_of_an_ordinary_shell(monkeypatch):
    monkeypatch.setattr(os, "environ", {"PATH": "/bin", "TF_CLI_CONFIG_FILE": "terraform's", "LD_LIBRARY_PATH": "/x"})
    assert list(doctor._environment()) == []


@pytest.mark.parametrize(
    ("niceness", "scheduling", "said"),
    [
        (10, "other", "niceness 10 and scheduling policy other"),
        (0, "batch", "niceness 0 and scheduling policy batch"),
        (5, None, "niceness 5,"),
    ],
)
def test_another_priority_than_the_usual_is_warned_of(niceness, scheduling, said, monkeypatch):
    described = {**machine.describe(), "niceness": niceness, "scheduling": scheduling, "load_before": 0.0}
    (warning,) = machine.warnings(described)
    assert said in warning["what"]
    assert "nice" in warning["remedy"]
    monkeypatch.setattr(machine, "describe", lambda gpus: described)
    assert [finding.about for finding in doctor._load()] == ["priority"]


@pytest.mark.parametrize("scheduling", ["other", None])
def test_the_usual_priority_is_not(scheduling):
    assert machine.priority({"niceness": 0, "scheduling": scheduling}) == []


def test_the_priority_is_that_of_this_process():
    found = machine.describe()
    assert found["niceness"] == os.getpriority(os.PRIO_PROCESS, 0)
    assert found["scheduling"] in ("other", "batch", "idle", "fifo", "rr")


def test_another_priority_is_named_beside_a_comparison():
    nice = replace(
        other := campaign(2),
        system=other.system.model_copy(update={"machine": other.system.machine.model_copy(update={"niceness": 10})}),
    )
    assert "niceness 0 and 10" in compare(campaign(1), nice).differences


def test_other_tools_get_the_variables_that_ours_get(shell, tmp_path):
    said = peers.run(tmp_path, "-c", "import json, os; print(json.dumps(dict(os.environ)))")
    ours = has(STEADY, {})
    theirs = {name: value for name, value in json.loads(said).items() if name != "LC_CTYPE"}  # Python's own doing
    assert theirs == {name: value for name, value in ours.items() if name != "PYTHONPATH"}


@pytest.mark.parametrize(("set_up", "inherits"), [("steady", False), ("as-shipped", True)])
def test_another_python_is_asked_with_what_its_launches_have(set_up, inherits, shell, tmp_path):
    python, seen = tmp_path / "python", tmp_path / "seen"
    python.write_text(f'#!/bin/sh\nenv > {seen}\nexec {sys.executable} "$@"\n')
    python.chmod(0o755)
    interpreters.missing(Contestant("jax", "jit", "other", set_up), {"other": str(python)}, {"KEPT": "1"})
    had = dict(line.split("=", 1) for line in seen.read_text().splitlines() if "=" in line)
    assert had.keys() >= {"PATH", "HOME", "PYTHONPATH", "KEPT"}
    assert ("JAX_DISABLE_JIT" in had) == inherits


def test_the_option_reaches_the_campaign(measure, monkeypatch):
    monkeypatch.setenv("OMP_OF_THIS_TEST", "kept")
    done, campaign = measure(
        "--keep-env=OMP_OF_*", "--keep-env=OMP_OF_THIS_TEST", contestants=("outside",), simulated=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert campaign.system.suite.environment == {"OMP_OF_THIS_TEST": "kept"}
    assert "variables of all launches: OMP_OF_THIS_TEST=kept" in done.stdout


def test_a_name_that_is_not_set_is_a_mistake_in_one_line(measure):
    done, campaign = measure("--keep-env=OMP_OF_NOBODY")
    assert done.returncode == 4
    assert done.stderr.strip().startswith("ERROR: --keep-env 'OMP_OF_NOBODY': no such variable is set")
    assert len(done.stderr.strip().splitlines()) == 1
    assert campaign is None


def test_show_says_it_too(tmp_path):
    found = campaign(1, {"OMP_X": "1"})
    writer = CampaignWriter.create(tmp_path, "day-01", found.system.content())
    writer.append(found.records)
    writer.close()
    done = CliRunner().invoke(app, ["show", "day-01", "--results", str(tmp_path)])
    assert "variables of all launches: OMP_X=1" in done.stdout
