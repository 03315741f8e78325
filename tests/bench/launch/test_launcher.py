"""What a launcher leaves, and what it finds of those before it that were killed."""

from __future__ import annotations

import fcntl
import math
import shutil
import socket
import tempfile
from dataclasses import replace

import psutil
import pytest

from bench.launch import process
from bench.launch.launcher import Launcher
from bench.launch.process import LaunchFailed, Limit, Zygote
from bench.launch.scratch import LOCK, PREFIX
from bench.launch.weights import Weights
from bench.plan import settings
from bench.worker.messages import Loaded, ProbeArithmetic
from impls.errors import DeadheatError, InvalidInput
from impls.frameworks import load_framework
from impls.host.usable import allowed_cores
from results.schema.record import Case, Contestant, Status
from tests.support.made_up import workload


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def left_behind(folder, name: str):
    found = folder / f"{PREFIX}{name}"
    found.mkdir()
    (found / "weights.npy").write_bytes(b"much")
    (found / LOCK).touch()
    return found


def test_what_a_killed_launcher_left_is_removed_and_a_living_ones_stays(own_folder):
    dead, alive, other = left_behind(own_folder, "dead"), left_behind(own_folder, "alive"), own_folder / "other"
    other.mkdir()
    with (alive / LOCK).open("r+b") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with Launcher(60) as launcher:
            assert not dead.exists()
            assert alive.exists()
            assert other.exists()
            assert launcher.folder.exists()
    assert not launcher.folder.exists()


def test_two_launchers_leave_each_other_alone(own_folder):
    with Launcher(60) as first, Launcher(60) as second:
        assert first.folder.exists()
        assert second.folder.exists()


@pytest.mark.parametrize(
    ("budget", "passed", "seconds"),
    [(math.inf, 1000.0, 300.0), (1000.0, 0.0, 300.0), (1000.0, 900.0, 200.0), (1000.0, 2000.0, 100.0), (2.0, 9.0, 5.0)],
    ids=["no budget", "much is left", "little is left", "none is left", "none of a small one is left"],
)
def test_an_answer_is_awaited_no_longer_than_a_grace_after_the_budgets_end(monkeypatch, budget, passed, seconds):
    limit = Limit(300.0, budget, start=50.0)
    monkeypatch.setattr("bench.launch.process.now", lambda: 50.0 + passed)
    assert limit.seconds() == pytest.approx(seconds)
    assert ("the budget had ended" in limit.exceeded(seconds)) == (seconds < 300.0)


CASE = Case(workload("lenet5"), Contestant("fake-clock", "fast"))


@pytest.mark.slow
def test_a_launch_begins_on_all_cores_even_where_importing_its_framework_binds_it():
    """OpenMP binds the thread that loads it: PyTorch's compilers would share one core with it."""
    if reason := load_framework("pytorch").missing():
        pytest.skip(reason)
    with Launcher(60) as launcher:
        worker, _ = launcher.launch(Case(workload("lenet5"), Contestant("pytorch", "eager")))
        with worker:
            worker.ask(ProbeArithmetic(Case(workload("lenet5"), Contestant("pytorch", "eager"))))
            assert psutil.Process(worker.pid).cpu_affinity() == list(allowed_cores())


def test_of_several_launches_the_first_to_answer_is_told_and_one_that_ends_counts_as_well():
    with Launcher(60) as launcher:
        silent, answering, ending = (launcher.launch(CASE)[0] for _ in range(3))
        pids = [silent.pid, answering.pid, ending.pid]
        with silent, answering, ending:
            answering.send(ProbeArithmetic(CASE))
            assert launcher.first(pids) == answering.pid
            assert answering.receive(ProbeArithmetic.answer_type()).scores
            psutil.Process(ending.pid).kill()
            assert launcher.first(pids) == ending.pid
            with pytest.raises(LaunchFailed, match="SIGKILL"):
                ending.receive(Loaded)


def test_of_launches_that_do_not_answer_the_one_with_the_earliest_time_limit_is_told(monkeypatch):
    with Launcher(60) as launcher:
        late, early = (launcher.launch(CASE)[0] for _ in range(2))
        with late, early:
            late.deadline, early.deadline = process.now() + 60, process.now() - 1
            assert launcher.first([late.pid, early.pid]) == early.pid
            with pytest.raises(LaunchFailed, match="no answer within 60 s"):
                early.receive(Loaded)


def test_a_launch_that_gives_no_answer_is_ended_with_the_budget(monkeypatch):
    with Launcher(600, budget=1000.0) as launcher:
        worker, _ = launcher.launch(CASE)
        begun = process.now()
        monkeypatch.setattr(process, "now", lambda: begun + 1000.0)
        monkeypatch.setattr(process, "GRACE", 0.05)
        monkeypatch.setattr(process, "GRACE_SHARE", 0.0)
        with pytest.raises(LaunchFailed, match="the budget had ended, the time limit is 600 s") as failure:
            worker.receive(Loaded)
    assert failure.value.status is Status.TIMED_OUT


@pytest.mark.parametrize("fresh", [False, True])
def test_an_interruption_leaves_neither_workers_nor_their_sockets(fresh, monkeypatch):
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    with Launcher(60, fresh=fresh) as launcher:
        workers = [launcher.launch(CASE)[0] for _ in range(2)]
        monkeypatch.setattr(socket, "send_fds", interrupt)
        with pytest.raises(KeyboardInterrupt):
            launcher.launch(CASE)
    assert not any(map(psutil.pid_exists, (worker.pid for worker in workers)))
    assert not any(worker.is_open for worker in workers)


def in_one_line(problem: DeadheatError) -> str:
    assert "\n" not in str(problem)
    assert "set TMPDIR to another folder" in str(problem)
    return str(problem)


@pytest.mark.parametrize("fresh", [False, True])
def test_a_removed_temporary_folder_is_one_line(fresh):
    with Launcher(60, fresh=fresh) as launcher:
        launcher.launch(CASE)[0].close()
        shutil.rmtree(launcher.folder)
        with pytest.raises(DeadheatError) as caught:
            launcher.launch(CASE)
        assert in_one_line(caught.value).startswith(f"logs can't be written to {launcher.folder}: No such file")
        with pytest.raises(DeadheatError) as caught:
            Weights(launcher.folder).folder_of(CASE.workload)
        assert in_one_line(caught.value).startswith("weights can't be written to ")


def test_a_temporary_folder_that_cannot_be_written_is_one_line(own_folder, monkeypatch):
    (own_folder / "file").touch()
    monkeypatch.setattr(tempfile, "tempdir", str(own_folder / "file"))
    with pytest.raises(DeadheatError) as caught:
        Launcher(60)
    assert in_one_line(caught.value).startswith(f"launches can't be written to {own_folder / 'file'}: Not a directory")


@pytest.mark.parametrize("name", ["./framework.py", "no.such.module", "impls.errors"])
def test_a_module_that_is_no_framework_is_one_line(name):
    with pytest.raises(InvalidInput, match="module '"):
        load_framework(name)


@pytest.mark.parametrize(("device", "seconds"), [("cpu", 180.0), ("cuda", 600.0)])
def test_libraries_of_a_card_have_longer_to_be_imported(monkeypatch, device, seconds):
    limits = []
    monkeypatch.setattr(Zygote, "_read_answer", lambda self, limit: limits.append(limit))
    with Launcher(60, device=device) as launcher:
        launcher.warm([Case(replace(workload("lenet5"), device=device), Contestant("fake-clock", "slow"))])
    assert limits == [seconds]


COMPILED = Contestant("pytorch", "compile")
ON_CARD = Case(replace(workload("lenet5"), device="cuda"), COMPILED)


def folders_of_compiled_code(case: Case, launcher: Launcher) -> dict[str, str]:
    environment = dict(launcher._key(case).environment)
    return {name: value for name, value in environment.items() if value.startswith(str(launcher.folder))}


def test_all_compilers_of_a_card_keep_their_code_in_the_campaigns_folder():
    with Launcher(60, device="cuda") as launcher:
        assert folders_of_compiled_code(ON_CARD, launcher) == {
            "TORCHINDUCTOR_CACHE_DIR": f"{launcher.folder}/inductor",
            "TRITON_CACHE_DIR": f"{launcher.folder}/triton",
            "CUDA_CACHE_PATH": f"{launcher.folder}/cuda",
        }
        on_cpu = replace(ON_CARD, workload=replace(ON_CARD.workload, device="cpu"))
        assert folders_of_compiled_code(on_cpu, launcher).keys() == {"TORCHINDUCTOR_CACHE_DIR"}


def test_a_cold_process_on_a_card_has_folders_of_its_own_and_keeps_those_of_results():
    packaged = replace(ON_CARD, contestant=Contestant("pytorch", "aot"))
    with Launcher(60, device="cuda") as launcher:
        folders = folders_of_compiled_code(packaged, launcher)
        found = settings.apart(packaged, "cold-7", folders)
        assert found == {
            "TORCHINDUCTOR_CACHE_DIR": f"{launcher.folder}/cold-7/inductor",
            "TRITON_CACHE_DIR": f"{launcher.folder}/cold-7/triton",
            "CUDA_CACHE_PATH": f"{launcher.folder}/cold-7/cuda",
        }
    assert settings.apart(packaged, "cold-7", {**folders, **found}) == found, "once is enough"
    assert settings.apart(packaged, "cold-7", {"TRITON_CACHE_DIR": "/mine"}) == {}, "the user has named it"
    on_cpu = replace(packaged, workload=replace(packaged.workload, device="cpu"))
    assert settings.apart(on_cpu, "cold-7", folders) == {}
