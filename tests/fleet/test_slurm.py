"""What the Slurm engine asks Slurm, and what it makes of the answers. `tests/fleet/engines` has a real Slurm."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from fleet import part
from fleet.engine import Attempt, load_engine
from fleet.engines import _slurm_commands as commands
from fleet.engines import slurm
from fleet.engines._slurm_commands import Answer
from fleet.engines.slurm import SlurmEngine
from fleet.part import Ended, Outcome
from fleet.unit import PART, PYTHON, Needs, Unit
from impls.errors import DeadheatError, InvalidInput, Unavailable

SHARED = Needs(exclusive=False)
NO_CONTROLLER = "slurm_load_jobs error: Unable to contact slurm controller (connect failure)"


@dataclass
class Slurm:
    """Answers as Slurm's commands do. states: of the tasks that squeue shows, by index; accounts: of sacct."""

    states: dict[int, str] = field(default_factory=dict)
    accounts: dict[int, str] = field(default_factory=dict)
    refusal: str = ""
    answers: bool = True
    shared: str = "NO"
    reason: str = "None"
    called: list[list[str]] = field(default_factory=list)
    scripts: list[str] = field(default_factory=list)
    now: float = 1000.0

    def __call__(self, command: Sequence[str], text: str = "") -> Answer:
        self.called.append(list(command))
        answer: Answer = getattr(self, command[0])(command, text)
        return answer

    def sbatch(self, command: Sequence[str], text: str) -> Answer:
        self.scripts.append(text)
        return Answer(1, "", self.refusal) if self.refusal else Answer(0, "17\n")

    def squeue(self, command: Sequence[str], text: str) -> Answer:
        if not self.answers:
            return Answer(1, "", NO_CONTROLLER)
        (names,) = [one.removeprefix("--name=") for one in command if one.startswith("--name=")]
        lines = [
            f"{name}|17|{index}|{state}|{self.shared}|n1|{self.reason}"
            for name in names.split(",")
            for index, state in self.states.items()
        ]
        return Answer(0, "\n".join(lines))

    def sacct(self, command: Sequence[str], text: str) -> Answer:
        if not self.accounts:
            return Answer(1, "", "Slurm accounting storage is disabled")
        (name,) = [one.removeprefix("--name=") for one in command if one.startswith("--name=")]
        lines = [f"{name}|17_{index}|{state}|n2" for index, state in self.accounts.items()]
        return Answer(0, "\n".join([*lines, f"{name}|17_[5-9]|PENDING|None assigned"]))

    def scontrol(self, command: Sequence[str], text: str) -> Answer:
        return Answer(0, "NodeName=n1 State=IDLE\nNodeName=n2 State=IDLE\nMaxArraySize            = 3\n")

    def scancel(self, command: Sequence[str], text: str) -> Answer:
        return Answer(0, "")

    def of(self, name: str) -> list[list[str]]:
        return [one for one in self.called if one[0] == name]

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def answers() -> Slurm:
    return Slurm()


def engine(answers: Slurm, *further: str, at_once: int = 0) -> SlurmEngine:
    return SlurmEngine(further, at_once, 120.0, 5.0, answers, lambda: answers.now, answers.sleep)


def attempt(
    folder: Path, name: str, needs: Needs = SHARED, avoid: tuple[str, ...] = (), limit: float = 60.0
) -> Attempt:
    unit = Unit(name, (PYTHON, "-c", "", PART), {"name": name}, needs, limit)
    return Attempt(unit, 1, folder / "fleet" / "parts" / unit.id / "1", avoid=avoid)


def publish(attempt: Attempt, outcome: Outcome = Outcome.WHOLE, reason: str = "") -> None:
    folder = attempt.folder / part.PART
    folder.mkdir(parents=True)
    (folder / "records.jsonl").write_text("{}\n")
    part.publish(attempt.folder, Ended(*attempt.key, "n1", outcome, reason, files=part.digests(folder)))


def ends(made: SlurmEngine, answers: Slurm, seconds: float) -> list[Ended]:
    """What the engine tells within that time."""
    until, found = answers.now + seconds, []
    while answers.now < until:
        found += made.wait(0.5)
    return found


def test_attempts_with_the_same_needs_are_one_array(answers: Slurm, tmp_path: Path) -> None:
    attempts = [attempt(tmp_path, "a", limit=90.0), attempt(tmp_path, "b", limit=600.0)]
    engine(answers, "-p", "cpu", at_once=4).submit(attempts)

    (command,) = answers.of("sbatch")
    name = next(one for one in command if one.startswith("--job-name="))
    assert command == [
        "sbatch", "--parsable", name, f"--output={tmp_path}/fleet/parts/slurm-%x_%a.log", "--array=0-1%4", "--nodes=1",
        "--ntasks=1", "--cpus-per-task=1", "--time=15", "--requeue", "--open-mode=append", "--export=NONE",
        f"--chdir={os.getcwd()}", "-p", "cpu",
    ]  # fmt: skip
    script = answers.scripts[0].splitlines()
    for index, one in enumerate(attempts):
        given = f"--unit {one.folder}/{one.unit.id}.json --attempt 1 --out {one.folder}"
        assert f"{index}) set -- {given} ;;" in script
        assert (one.folder / f"{one.unit.id}.json").is_file()
    assert script[-1] == f'exec {sys.executable} -m fleet.execute --name "$SLURMD_NODENAME" "$@"'


@pytest.mark.parametrize(
    ("needs", "expected"),
    [
        (Needs(), {"--exclusive", "--mem=0"}),
        (Needs(exclusive=False, cards=2), {"--cpus-per-task=1", "--gpus=2"}),
        (Needs(cards=1), {"--exclusive", "--mem=0", "--gpus=1"}),
        (Needs(node="n7"), {"--exclusive", "--mem=0", "--nodelist=n7"}),
    ],
    ids=["whole node", "cards", "whole node with a card", "a certain node"],
)
def test_needs_are_slurm_s_arguments(answers: Slurm, tmp_path: Path, needs: Needs, expected: set[str]) -> None:
    engine(answers).submit([attempt(tmp_path, "a", needs)])
    room = ("--exclusive", "--mem", "--cpus", "--gpus", "--nodelist")
    assert {one for one in answers.of("sbatch")[0] if one.startswith(room)} == expected


def test_other_needs_and_what_is_too_much_for_an_array_are_further_arrays(answers: Slurm, tmp_path: Path) -> None:
    attempts = [attempt(tmp_path, name) for name in "abcd"] + [attempt(tmp_path, "e", Needs())]
    engine(answers).submit(attempts)
    arrays = [one for command in answers.of("sbatch") for one in command if one.startswith("--array")]
    assert arrays == ["--array=0-2", "--array=0-0", "--array=0-0"]
    assert sum(script.count(";;") for script in answers.scripts) == len(attempts)


def test_nodes_to_avoid_are_excluded_if_slurm_knows_them(answers: Slurm, tmp_path: Path) -> None:
    engine(answers).submit([attempt(tmp_path, "a", avoid=("n2", "of-another-engine"))])
    assert "--exclude=n2" in answers.of("sbatch")[0]


def test_a_part_ends_its_attempt_whatever_slurm_says(answers: Slurm, tmp_path: Path) -> None:
    one, other = attempt(tmp_path, "a"), attempt(tmp_path, "b")
    made = engine(answers)
    made.submit([one, other])
    answers.states = {0: "RUNNING", 1: "RUNNING"}
    assert ends(made, answers, 10) == []
    publish(one)
    assert [(ended.unit, ended.outcome) for ended in ends(made, answers, 10)] == [(one.unit.id, Outcome.WHOLE)]
    publish(other, Outcome.REFUSED, "not fit")
    answers.answers = False
    assert [(ended.unit, ended.outcome) for ended in ends(made, answers, 10)] == [(other.unit.id, Outcome.REFUSED)]
    assert ends(made, answers, 10) == []


@pytest.mark.parametrize("state", sorted(commands.GOING_ON))
def test_a_task_in_a_state_that_goes_on_is_waited_for(answers: Slurm, tmp_path: Path, state: str) -> None:
    made = engine(answers)
    made.submit([attempt(tmp_path, "a")])
    answers.states = {0: state}
    assert ends(made, answers, 600) == []


@pytest.mark.parametrize(
    ("state", "outcome"),
    [
        ("FAILED", Outcome.FAILED),
        ("TIMEOUT", Outcome.FAILED),
        ("OUT_OF_MEMORY", Outcome.FAILED),
        ("COMPLETED", Outcome.LOST),
        ("NODE_FAIL", Outcome.LOST),
        ("BOOT_FAIL", Outcome.LOST),
        ("CANCELLED", Outcome.LOST),
        ("PREEMPTED", Outcome.LOST),
        ("DEADLINE", Outcome.LOST),
    ],
)
def test_a_task_that_is_over_without_a_part_has_slurm_s_words(
    answers: Slurm, tmp_path: Path, state: str, outcome: Outcome
) -> None:
    made, one = engine(answers), attempt(tmp_path, "a")
    made.submit([one])
    answers.states, answers.reason = {0: state}, "SomeReason"
    (name,) = [text.removeprefix("--job-name=") for text in answers.of("sbatch")[0] if "--job-name" in text]
    (one.folder.parent.parent / f"slurm-{name}_0.log").write_text("slurmstepd: error: it was too much\n")

    assert ends(made, answers, 119) == []
    (ended,) = ends(made, answers, 10)

    assert (ended.unit, ended.attempt, ended.node, ended.outcome) == (one.unit.id, 1, "n1", outcome)
    assert ended.reason == (
        f"it left no part; Slurm says {state} (SomeReason) on node n1; it last said: slurmstepd: error: it was too much"
    )
    assert ends(made, answers, 300) == []


def test_a_part_that_the_disk_shows_late_is_whole(answers: Slurm, tmp_path: Path) -> None:
    made, one = engine(answers), attempt(tmp_path, "a")
    made.submit([one])
    answers.states = {0: "COMPLETED"}
    assert ends(made, answers, 100) == []
    publish(one)
    assert [ended.outcome for ended in ends(made, answers, 10)] == [Outcome.WHOLE]


def test_a_part_of_which_files_are_missing_is_waited_for(answers: Slurm, tmp_path: Path) -> None:
    made, one = engine(answers), attempt(tmp_path, "a")
    made.submit([one])
    publish(one)
    records = one.folder / part.PART / "records.jsonl"
    content = records.read_bytes()
    records.unlink()
    answers.states = {0: "COMPLETED"}
    assert ends(made, answers, 100) == []
    records.write_bytes(content)
    assert [ended.outcome for ended in ends(made, answers, 10)] == [Outcome.WHOLE]


def test_a_preempted_task_that_is_requeued_has_all_its_time_again(answers: Slurm, tmp_path: Path) -> None:
    made = engine(answers)
    made.submit([attempt(tmp_path, "a")])
    for state in ("PREEMPTED", "PENDING", "PREEMPTED", "RUNNING"):
        answers.states = {0: state}
        assert ends(made, answers, 100) == []


def test_the_accounting_tells_of_a_task_that_the_controller_has_forgotten(answers: Slurm, tmp_path: Path) -> None:
    made = engine(answers)
    made.submit([attempt(tmp_path, "a")])
    answers.accounts = {0: "CANCELLED by 1000"}
    (ended,) = ends(made, answers, 130)
    assert (ended.outcome, ended.node) == (Outcome.LOST, "n2")
    assert ended.reason == "it left no part; Slurm says CANCELLED on node n2"


def test_without_accounting_a_forgotten_task_is_lost(answers: Slurm, tmp_path: Path) -> None:
    made = engine(answers)
    made.submit([attempt(tmp_path, "a")])
    (ended,) = ends(made, answers, 130)
    assert (ended.outcome, ended.reason) == (Outcome.LOST, "it left no part; Slurm does not know its job any more")


def test_a_task_that_no_node_can_start_is_cancelled(answers: Slurm, tmp_path: Path) -> None:
    made = engine(answers)
    made.submit([attempt(tmp_path, "a")])
    answers.states, answers.reason = {0: "PENDING"}, commands.LAUNCH_FAILED
    (ended,) = ends(made, answers, 130)
    assert ended.reason == "it left no part; Slurm says PENDING (launch failed requeued held) on node n1"
    assert answers.of("scancel") == [["scancel", "17_0"]]


def test_slurm_is_asked_at_most_once_in_the_poll_s_time(answers: Slurm, tmp_path: Path) -> None:
    made = engine(answers)
    made.submit([attempt(tmp_path, "a"), attempt(tmp_path, "b")])
    answers.states = {0: "RUNNING", 1: "PENDING"}
    ends(made, answers, 49)
    assert len(answers.of("squeue")) == 10  # at 0, 5, … 45 s


def test_a_silent_controller_is_waited_for_and_then_ends_the_driver(answers: Slurm, tmp_path: Path) -> None:
    made = engine(answers)
    made.submit([attempt(tmp_path, "a")])
    answers.states = {0: "RUNNING"}
    ends(made, answers, 10)
    answers.answers = False
    assert ends(made, answers, slurm.SILENCE - 10) == []
    with pytest.raises(Unavailable, match=r"^Slurm has not answered for \d+ s; its jobs go on: resume$"):
        ends(made, answers, 60)
    assert answers.of("scancel") == []


def test_what_an_earlier_driver_submitted_is_adopted(answers: Slurm, tmp_path: Path) -> None:
    attempts = [attempt(tmp_path, name) for name in "abc"]
    engine(answers).submit(attempts)
    never = attempt(tmp_path, "never submitted")
    answers.states = {0: "RUNNING", 2: "PENDING"}

    later = engine(answers)
    assert later.adopt([*attempts, never]) == [attempts[0], attempts[2]]
    publish(attempts[2])
    assert [ended.unit for ended in ends(later, answers, 10)] == [attempts[2].unit.id]
    later.cancel(attempts[0])
    assert answers.of("scancel") == [["scancel", "17_0"]]
    assert engine(answers).adopt(attempts) == []


def test_nothing_is_adopted_while_slurm_does_not_tell(answers: Slurm, tmp_path: Path) -> None:
    one = attempt(tmp_path, "a")
    engine(answers).submit([one])
    answers.answers = False
    with pytest.raises(Unavailable, match="^Slurm does not tell which jobs still run"):
        engine(answers).adopt([one])


def test_close_ends_nothing(answers: Slurm, tmp_path: Path) -> None:
    made = engine(answers)
    made.submit([attempt(tmp_path, "a")])
    made.close()
    assert answers.of("scancel") == []


def test_a_node_that_other_jobs_may_share_is_a_finding_of_a_timed_unit(answers: Slurm, tmp_path: Path) -> None:
    timed, other = attempt(tmp_path, "a", Needs()), attempt(tmp_path, "b")
    answers.states, answers.shared = {0: "COMPLETED"}, "OK"
    made = engine(answers)
    made.submit([timed, other])
    for one in (timed, other):
        publish(one)
    found = {ended.unit: ended.facts.get("checks") for ended in ends(made, answers, 10)}
    assert found[other.unit.id] is None
    assert "OverSubscribe=OK" in str(found[timed.unit.id])


def test_a_refused_submission_ends_the_driver_in_slurm_s_words(answers: Slurm, tmp_path: Path) -> None:
    answers.refusal = "sbatch: error: Batch job submission failed: Job violates accounting/QOS policy\n"
    one = attempt(tmp_path, "a")
    with pytest.raises(Unavailable) as problem:
        engine(answers).submit([one])
    assert str(problem.value) == "Slurm took no job: Batch job submission failed: Job violates accounting/QOS policy"
    assert engine(answers).adopt([one]) == []


def test_an_attempt_without_a_node_left_is_refused(answers: Slurm, tmp_path: Path) -> None:
    answers.refusal = f"sbatch: error: Batch job submission failed: {slurm.NO_SUCH_NODES}\n"
    one = attempt(tmp_path, "a", avoid=("n1", "n2"))
    made = engine(answers)
    made.submit([one])
    (ended,) = ends(made, answers, 10)
    assert (ended.unit, ended.outcome) == (one.unit.id, Outcome.REFUSED)
    assert ended.reason.startswith("Slurm has no node besides n1, n2 for it: ")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"sbatch": "-p 'cpu"}, "--sbatch \"-p 'cpu\" can't be split into arguments: No closing quotation"),
        ({"tasks": "1.5"}, "--tasks '1.5' is no whole number of at least 0"),
        ({"grace": "-1"}, "--grace '-1' is no number of at least 0"),
        ({"poll": "nan"}, "--poll 'nan' is no number of at least 0"),
    ],
    ids=["sbatch", "tasks", "grace", "poll"],
)
def test_a_wrong_option_is_one_line(options: dict[str, str], said: str) -> None:
    with pytest.raises(InvalidInput) as problem:
        load_engine("slurm").start(options)
    assert str(problem.value) == said


@pytest.mark.parametrize(
    ("printed", "said"),
    [
        (
            "sbatch: error: invalid partition specified: x\nallocation failure: Invalid partition name specified",
            "Slurm takes no job: allocation failure: Invalid partition name specified (sbatch -p cpu)",
        ),
        (
            "allocation failure: Unable to contact slurm controller (connect failure)",
            "Slurm takes no job: allocation failure: Unable to contact slurm controller (connect failure) "
            "(sbatch -p cpu)",
        ),
    ],
    ids=["invalid partition", "no controller"],
)
def test_a_slurm_that_takes_no_job_ends_the_start(answers: Slurm, printed: str, said: str) -> None:
    answers.refusal = printed
    with pytest.raises(Unavailable) as problem:
        engine(answers, "-p", "cpu").check()
    assert str(problem.value) == said
    assert "--test-only" in answers.called[0]


def test_a_cluster_whose_nodes_are_all_down_may_get_jobs(answers: Slurm) -> None:
    answers.refusal = f"allocation failure: {slurm.NO_SUCH_NODES}"
    engine(answers).check()


def test_a_machine_without_slurm_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(DeadheatError) as problem:
        load_engine("slurm").start({})
    assert str(problem.value) == (
        "sbatch is not on PATH; run this on a login node of the cluster, or choose another engine"
    )


def test_the_shell_s_settings_for_squeue_do_not_reach_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SQUEUE_STATES", "RUNNING")
    monkeypatch.setenv("SLURM_CONF", "kept")
    printed = commands.ask(["env"]).output.splitlines()
    assert "SLURM_CONF=kept" in printed
    assert not any(line.startswith("SQUEUE_") for line in printed)
