"""Every path through NVIDIA's driver library, against one of our own that answers what a test has written."""

from __future__ import annotations

import pytest

from bench.meters import SustainedStats, nvml
from bench.meters.nvml import NVML, NvmlMeter
from impls.host import nvidia
from tests.support.stub_driver import ALL_ONES

OWN, SECONDS, STEPS, BATCH = 77, 4.0, 10, 8
SAMPLES = 3


@pytest.fixture
def ask(stub_driver, monkeypatch):
    """What the meter reads of a card that gives these answers."""

    def ask(driver="today", device="cuda", seconds=SECONDS, company: str = "", **answers: str):
        given = {name.replace("_", "."): value for name, value in answers.items()}
        steady = {"nvmlDeviceGetTotalEnergyConsumption": "+ 400000", "processes.own": str(OWN)}
        stub_driver.load(monkeypatch, driver)
        stub_driver.answer({**steady, **given})
        watcher = NvmlMeter(OWN, device, set(map(int, company.split())), settle=0)
        for _ in range(SAMPLES):
            watcher.sample()
        read = dict(watcher.end(SustainedStats(seconds, STEPS, 1.0, BATCH)))
        card = {"free": nvidia.free_memory(), "ids": nvidia.process_ids()}
        return {"read": read, "missing": nvidia.missing(), "state": nvidia.state(), **card}

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
            "gpu_joules_per_image": 2 * 400 / (STEPS * BATCH),  # each end waits until the counter has advanced once
        }
    )


def test_its_state_is_recorded_and_null_where_it_does_not_tell(ask):
    state, _ = ask(nvmlDeviceGetMigMode="! 3")["state"]
    assert state["name"] == "Stub 1000"
    assert state["driver"] == "999.1"
    assert state["memory_bytes"] == 80_000_000_000
    assert state["mig"] is None
    assert state["ecc"] is True


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
    found = ask(nvmlDeviceGetHandleByIndex="! 15")
    assert all("GPU is lost" in str(value) for value in found["read"].values())
    assert found["missing"] == "NVIDIA's driver cannot be asked: GPU is lost"


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


@pytest.mark.parametrize("answer", ["0", ALL_ONES])
def test_a_memory_of_0_or_of_all_ones_is_unknown(ask, answer):
    """0: drivers from 560 on, of a container's process; all ones: NVML_VALUE_NOT_AVAILABLE."""
    assert ask(processes_memory=answer)["read"]["gpu_memory_bytes"] == "the driver does not tell its memory"


def test_the_entries_of_a_process_are_summed_and_are_one_process(ask):
    read = ask(processes_entries="3", processes_foreign="1")["read"]
    assert (read["gpu_foreign_processes"], read["gpu_memory_bytes"]) == (1, 3 * 123456)


def test_where_not_even_the_launch_is_listed_nothing_is_known_of_processes(ask):
    read = ask(processes_own="0")["read"]
    assert "lists no process" in read["gpu_foreign_processes"]
    assert "lists no process" in read["gpu_memory_bytes"]


@pytest.mark.parametrize(("energy", "seconds"), [("5000", SECONDS), ("+ 400000", 1.0)])
def test_a_counter_that_stands_still_or_a_run_too_short_is_no_energy(ask, monkeypatch, energy, seconds):
    monkeypatch.setattr(nvml, "EDGE_LIMIT", 0.0)
    read = ask(seconds=seconds, nvmlDeviceGetTotalEnergyConsumption=energy)["read"]
    assert "run for longer" in read["gpu_joules_per_image"]


def test_energy_is_read_as_its_counter_advances(stub_driver, monkeypatch):
    """With a counter that advances every 100 ms by 25 J, two readings on its edges differ by whole steps."""
    stub_driver.load(monkeypatch)
    reads: list[int] = []
    library = nvidia.library()
    read = library.nvmlDeviceGetTotalEnergyConsumption
    monkeypatch.setattr(
        library, "nvmlDeviceGetTotalEnergyConsumption", lambda handle: reads.append(read(handle)) or reads[-1]
    )
    watcher = NvmlMeter(OWN, "cuda", set(), settle=0)
    begun = len(reads)
    told = watcher.end(SustainedStats(SECONDS, STEPS, 1.0, BATCH))
    assert reads[begun - 2] < reads[begun - 1], "it begins just after the counter has advanced"
    assert reads[-2] < reads[-1], "and ends so"
    assert told["gpu_joules_per_image"] == (reads[-1] - reads[begun - 1]) / 1e3 / (STEPS * BATCH)


def test_free_memory_and_processes_of_the_card_are_told_or_missing(ask):
    found = ask(nvmlDeviceGetMemoryInfo_used="30000000000", processes_foreign="1")
    assert (found["free"], len(found["ids"])) == (50_000_000_000, 2)
    assert OWN in found["ids"]
    not_told = ask(nvmlDeviceGetMemoryInfo_total="! 3", nvmlDeviceGetComputeRunningProcesses="! 3")
    assert (not_told["free"], not_told["ids"]) == (None, None)
    lost = ask(nvmlInit="! 9")
    assert (lost["free"], lost["ids"]) == (None, None)
