"""Before each fork a zygote makes sure that CUDA has not started in it, with a driver of the tests' own."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from bench.launch.process import LaunchFailed, Limit, Zygote
from bench.plan.interpreters import OWN
from bench.worker.messages import ProbeArithmetic
from impls.host import nvidia
from results.schema.record import Case, Contestant, Status
from results.store.logs import Logs
from tests.support.made_up import workload

STUB = Path(__file__).parents[2] / "stub" / "cuda_forks.c"
COMPILER = shutil.which("cc") or shutil.which("gcc")
LOADS = "import ctypes; cuda = ctypes.CDLL('libcuda.so.1')"
STARTS = f"{LOADS}; cuda.cuInit(0)"
CASE = Case(workload("lenet5"), Contestant("fake-clock", "fast"))


@pytest.fixture(scope="module")
def driver(tmp_path_factory):
    """The folder of the driver's library."""
    if COMPILER is None:
        pytest.skip("no C compiler to build the stub with; install gcc (apt install gcc)")
    folder = tmp_path_factory.mktemp("driver")
    subprocess.run([COMPILER, "-shared", "-fPIC", "-o", folder / "libcuda.so.1", STUB], check=True)
    return folder


@pytest.fixture
def launch(driver, tmp_path, monkeypatch):
    """Launches from one zygote that has imported a module of this source; then how often CUDA was started."""
    calls = tmp_path / "calls"
    calls.touch()

    def launch(source: str, device: str, times: int = 2) -> int:
        (tmp_path / "made_up_framework.py").write_text(source)
        monkeypatch.syspath_prepend(str(tmp_path))
        shown = {name: value for name, value in os.environ.items() if name != "CUDA_VISIBLE_DEVICES"}
        stub = {"LD_LIBRARY_PATH": str(driver), "DEADHEAT_STUB_CUDA": str(calls)}
        environment = {**shown, **nvidia.environment(device), **stub}
        zygote = Zygote(OWN, ["made_up_framework"], environment, tmp_path / "zygote.log", Limit(60), Logs())
        try:
            for number in range(times):
                with zygote.launch(tmp_path / f"{number}.log") as worker:
                    assert worker.ask(ProbeArithmetic(CASE)).scores
        finally:
            zygote.close()
        return len(calls.read_text())

    return launch


def test_a_zygote_that_has_only_loaded_the_driver_forks_and_does_not_start_it(launch):
    assert launch(LOADS, "cuda") == 0


def test_without_a_driver_there_is_nothing_to_ask(launch):
    assert launch("", "cuda") == 0


def test_a_zygote_that_has_started_cuda_forks_nothing_and_says_what_did(launch):
    with pytest.raises(LaunchFailed, match="importing made_up_framework started CUDA, which no fork") as failure:
        launch(STARTS, "cuda")
    assert failure.value.status is Status.FAILED


def test_where_cards_are_hidden_a_started_driver_is_of_no_concern(launch):
    assert launch(STARTS, "cpu") == 1
