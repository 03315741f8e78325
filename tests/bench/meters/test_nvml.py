"""Every path through NVIDIA's driver library, against one of our own that answers what a test has written."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bench.meters.nvml import NVML

STUB = Path(__file__).parent.parent.parent / "stub" / "nvml.c"
COMPILER = shutil.which("cc") or shutil.which("gcc")
OWN, SECONDS, STEPS, BATCH = 77, 4.0, 10, 8
SAMPLES = 3

WATCH = f"""
import json, sys
from impls.host import nvidia
from bench.meters import SustainedStats
from bench.meters.nvml import NvmlMeter
watcher = NvmlMeter({OWN}, sys.argv[1], set(map(int, sys.argv[3].split())), settle=0)
for _ in range({SAMPLES}):
    watcher.sample()
sustained = SustainedStats(float(sys.argv[2]), {STEPS}, 1.0, {BATCH})
ids = nvidia.process_ids()
print(json.dumps(dict(read=watcher.end(sustained), missing=nvidia.missing(), state=nvidia.state(),
    free=nvidia.free_memory(), ids=ids and sorted(ids))))
"""

ANSWERS = {
    "nvmlDeviceGetCount": "1",
    "nvmlDeviceGetUtilizationRates": "80",
    "nvmlDeviceGetPowerUsage": "250000",
    "nvmlDeviceGetClockInfo": "1500",
    "nvmlDeviceGetTemperature": "60",
    "nvmlDeviceGetTotalEnergyConsumption": "+ 400000",
    "nvmlDeviceGetMemoryInfo.total": "80000000000",
    "processes.own": str(OWN),
    "processes.memory": "123456",
}


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    """Folders that each hold a library: of a driver of today, and of one from before a function's new name."""
    if COMPILER is None:
        pytest.skip("no C compiler to build the stub with; install gcc (apt install gcc)")
    folders = {}
    for name, options in {"today": (), "old": ("-DOLD_DRIVER",)}.items():
        folders[name] = tmp_path_factory.mktemp(name)
        target = folders[name] / "libnvidia-ml.so.1"
        subprocess.run([COMPILER, "-shared", "-fPIC", *options, "-o", target, STUB], check=True)
    return folders


@pytest.fixture
def ask(library, tmp_path):
    """What the meter reads of a card that gives these answers."""

    def ask(driver="today", device="cuda", seconds=SECONDS, company: str = "", **answers: str):
        script = tmp_path / "answers.txt"
        given = {**ANSWERS, **{name.replace("_", "."): value for name, value in answers.items()}}
        script.write_text("".join(f"{name} {value}\n" for name, value in given.items()))
        environment = {**os.environ, "LD_LIBRARY_PATH": str(library[driver]), "DEADHEAT_STUB_NVML": str(script)}
        environment.pop("CUDA_VISIBLE_DEVICES", None)
        command = [sys.executable, "-c", WATCH, device, str(seconds), company]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, cwd=STUB.parents[2])
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return ask


def test_a_card_that_tells_everything(ask):
    assert ask()["read"] == pytest.approx(
        {
            "gpu_utilisation": 0.8,
            "gpu_memory_utilisation": 0.4,
            "gpu_watts": 250.0,
            "gpu_clock_hz": 1.5e9,
            "gpu_memory_clock_hz": 1.5e9,
            "gpu_celsius": 60.0,
            "gpu_throttled": 0.0,
            "gpu_foreign_processes": 0,
            "gpu_memory_bytes": 123456,
            "gpu_joules_per_image": 400 / (STEPS * BATCH),
        }
    )


def test_its_state_is_recorded_and_null_where_it_does_not_tell(ask):
    (state,) = ask(nvmlDeviceGetMigMode="! 3")["state"]
    assert state["name"] == "Stub 1000"
    assert state["driver"] == "999.1"
    assert state["memory_bytes"] == 80_000_000_000
    assert state["mig"] is None
    assert state["ecc"] is False


ERRORS = {"Not Supported": "! 3", "Insufficient Permissions": "! 4", "GPU is lost": "! 15"}
FUNCTIONS = {
    "nvmlDeviceGetUtilizationRates": ["gpu_utilisation", "gpu_memory_utilisation"],
    "nvmlDeviceGetPowerUsage": ["gpu_watts"],
    "nvmlDeviceGetTemperature": ["gpu_celsius"],
    "nvmlDeviceGetTotalEnergyConsumption": ["gpu_joules_per_image"],
    "nvmlDeviceGetComputeRunningProcesses": ["gpu_foreign_processes"],
    "nvmlDeviceGetCurrentClocksEventReasons": ["gpu_throttled"],
}


@pytest.mark.parametrize("error", ERRORS)
@pytest.mark.parametrize("function", FUNCTIONS)
def test_what_the_driver_refuses_has_its_words_as_reason_and_the_rest_is_there(ask, function, error):
    read = ask(**{function: ERRORS[error]})["read"]
    assert set(read) == set(NVML.quantities)
    refused = {name for name, value in read.items() if isinstance(value, str)}
    assert refused >= set(FUNCTIONS[function])
    assert refused - set(FUNCTIONS[function]) <= {"gpu_memory_bytes"}
    assert all(f"the driver does not tell: {error}" == read[name] for name in FUNCTIONS[function])


@pytest.mark.parametrize(
    ("error", "words"), [("! 9", "Driver Not Loaded"), ("! 18", "version mismatch"), ("! 15", "GPU is lost")]
)
def test_a_driver_that_cannot_be_asked_at_all_is_a_reason_for_everything(ask, error, words):
    found = ask(nvmlInit=error)
    assert all(words in str(value) for value in found["read"].values())
    assert words in found["missing"]
    assert found["state"] == []


def test_a_card_that_is_lost_is_a_reason_for_everything(ask):
    assert all("GPU is lost" in str(value) for value in ask(nvmlDeviceGetHandleByIndex="! 15")["read"].values())


def test_no_card_is_said(ask):
    found = ask(nvmlDeviceGetCount="0")
    assert found["missing"] == "the driver sees no card"
    assert found["state"] == []


def test_a_launch_on_the_processor_asks_for_no_card(ask):
    assert set(ask(device="cpu")["read"].values()) == {"it runs on the CPU"}


@pytest.mark.parametrize(("bits", "share"), [(0, 0), (0x1, 0), (0x2, 0), (0x4, 1), (0x8, 1), (0x20, 1), (0x40, 1)])
@pytest.mark.parametrize("driver", ["today", "old"])
def test_only_clocks_that_are_lowered_for_power_or_heat_count(ask, driver, bits, share):
    name = (
        "nvmlDeviceGetCurrentClocksEventReasons" if driver == "today" else "nvmlDeviceGetCurrentClocksThrottleReasons"
    )
    assert ask(driver, **{name: str(bits)})["read"]["gpu_throttled"] == share


def test_others_on_the_card_are_counted_and_are_not_us(ask):
    read = ask(processes_foreign="2")["read"]
    assert (read["gpu_foreign_processes"], read["gpu_memory_bytes"]) == (2, 123456)


def test_in_a_container_the_only_process_must_be_ours(ask):
    read = ask(processes_own="0", processes_foreign="1")["read"]
    assert (read["gpu_foreign_processes"], read["gpu_memory_bytes"]) == (0, 123456)


def test_our_own_company_is_not_foreign(ask):
    company = "1000001 1000002"
    read = ask(company=company, processes_foreign="2")["read"]
    assert (read["gpu_foreign_processes"], read["gpu_memory_bytes"]) == (0, 123456)
    assert ask(company=company, processes_foreign="4")["read"]["gpu_foreign_processes"] == 2


def test_in_a_container_as_many_as_we_have_are_ours(ask):
    read = ask(company="5 6", processes_own="0", processes_foreign="4")["read"]
    assert read["gpu_foreign_processes"] == 1
    assert "which process is the launch" in read["gpu_memory_bytes"]


def test_in_a_container_among_others_our_process_is_unknown(ask):
    read = ask(processes_own="0", processes_foreign="2")["read"]
    assert read["gpu_foreign_processes"] == 1
    assert "which process is the launch" in read["gpu_memory_bytes"]


@pytest.mark.parametrize(("energy", "seconds"), [("5000", SECONDS), ("+ 400000", 1.0)])
def test_a_counter_that_stands_still_or_a_run_too_short_is_no_energy(ask, energy, seconds):
    read = ask(seconds=seconds, nvmlDeviceGetTotalEnergyConsumption=energy)["read"]
    assert "run for longer" in read["gpu_joules_per_image"]


def test_free_memory_and_processes_of_the_card_are_told_or_missing(ask):
    found = ask(nvmlDeviceGetMemoryInfo_used="30000000000", processes_foreign="1")
    assert (found["free"], len(found["ids"])) == (50_000_000_000, 2)
    assert OWN in found["ids"]
    not_told = ask(nvmlDeviceGetMemoryInfo_total="! 3", nvmlDeviceGetComputeRunningProcesses="! 3")
    assert (not_told["free"], not_told["ids"]) == (None, None)
    lost = ask(nvmlInit="! 9")
    assert (lost["free"], lost["ids"]) == (None, None)
