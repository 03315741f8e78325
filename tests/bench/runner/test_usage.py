"""Memory, utilisation and arithmetic: what a framework of known use is said to take, through the whole pipeline."""

from __future__ import annotations

import numpy as np
import pytest

import results
from bench.machine.resident import FIXED, UNKNOWN, Resident
from bench.meters import SustainedStats, meters
from bench.meters.processor import CpuMeter
from bench.meters.rapl import RaplMeter
from bench.plan import settings
from bench.runner.usage import MEMORY, metered
from bench.session import Options, build_session
from bench.worker import arithmetic
from bench.worker.session import repeat_rounds
from impls.errors import DeadheatError
from impls.host import nvidia
from impls.precision import POLICIES
from results.schema.columns import USAGE
from results.schema.record import Status, Usage
from results.store.campaigns import read_campaign
from tests.support.started import tiny

LEAK = 500_000_000
KNOWN = ("plain", "leaks", "peaks", "counts", "tires")
REFUSED = {"rounds-10": "tf32", "rounds-7": "bfloat16"}
"""What they compute in."""


@pytest.fixture(scope="module")
def measured(run, tmp_path_factory):
    """One row per case, by execution, of a campaign of contestants with known usage."""
    home = tmp_path_factory.mktemp("using")
    contestants = (f"outside.using:{name}" for name in (*KNOWN, *REFUSED))
    (home / "using.toml").write_text(tiny(*contestants, launches=1, sustained="0.3s", time_limit="60s"))
    done = run("pytest", "--benchmark-only", f"--suite={home / 'using.toml'}", f"--results={home}", "--no-report")
    assert done.returncode == 1, done.stdout + done.stderr
    assert f"{len(REFUSED)} failed, {len(KNOWN)} passed" in done.stdout
    (folder,) = (entry for entry in home.iterdir() if entry.is_dir())
    return results.load(folder, rows="cases").set_index("execution"), read_campaign(folder)


@pytest.mark.slow
@pytest.mark.parametrize("execution", ["leaks", "peaks"])
def test_a_planted_500_mb_are_500_mb(measured, execution):
    assert measured[0].peak_rss_step_bytes[execution] == pytest.approx(LEAK, rel=0.02)
    assert measured[0].peak_rss_step_bytes["plain"] < 0.02 * LEAK


@pytest.mark.slow
def test_memory_is_never_below_the_floor(measured):
    table = measured[0].dropna(subset=["peak_rss_step_bytes"])
    assert len(table) == len(KNOWN) - 1, "all except the crashed one"
    assert (table.min_memory_bytes > 0).all()
    assert (table.peak_rss_step_bytes >= table.min_memory_bytes).all()
    assert (table.peak_rss_launch_bytes >= table.peak_rss_step_bytes).all()


def test_a_contestant_that_spins_between_its_turns_is_seen_by_the_next(run, tmp_path):
    """As ONNX Runtime's threads do where nobody asks them not to: it is no longer a fair neighbour."""
    suite = tiny("outside.using:plain", "outside.using:spins", launches=2, rounds=10, round_seconds=0.03)
    (tmp_path / "spinning.toml").write_text(suite)
    done = run(
        "pytest", "--benchmark-only", f"--suite={tmp_path / 'spinning.toml'}", f"--results={tmp_path}", "--no-report"
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (folder,) = (entry for entry in tmp_path.iterdir() if entry.is_dir())
    cases = results.load(folder, rows="cases").set_index("execution")
    assert cases.other_cpus_used["plain"] > 0.3
    assert "cpu_contention" in cases.quality_flags["plain"]


class Machine:
    """A machine whose clock goes on by one round at a time, on whose processors `busy` seconds of it are spent."""

    def __init__(self, round_seconds: float, busy: float):
        self.now, self.cpu = 7.0, 3.0
        self._round, self._busy = round_seconds, busy

    def compute(self) -> None:
        self.now += self._round
        self.cpu += self._busy


@pytest.mark.parametrize(("busy", "cores"), [(0.125, 0.25), (0.25, 0.5), (0.5, 1.0), (0.75, 1.5), (0.0, 0.0)])
def test_a_known_duty_is_the_utilisation_of_the_cores(monkeypatch, busy, cores):
    machine = Machine(0.5, busy)
    passed, rounds, own_cpu = repeat_rounds(machine.compute, 1.75, lambda: machine.now, lambda: machine.cpu)
    assert (passed, rounds, own_cpu) == (2.0, 4, 4 * busy), "the round that is under way is finished"
    monkeypatch.setattr("bench.meters.processor.usable_cores", lambda: range(4))
    said = CpuMeter(1, "cpu", set()).end(SustainedStats(passed, rounds, own_cpu, images_a_step=1))
    assert said == {"sustained_cpus_used": cores, "cpu_utilisation": cores / 4}


@pytest.mark.slow
def test_a_sustained_run_counts_the_launchs_own_time_on_processors(measured):
    assert measured[0].sustained_cpus_used["plain"] > 0
    assert measured[0].cpu_utilisation["plain"] == measured[0].sustained_cpus_used["plain"] / settings.cores()


def test_a_frameworks_own_figure_says_whose_it_is(measured):
    table, campaign = measured
    assert table.allocator_bytes["counts"] == 12345
    (record,) = (record for record in campaign.records if record.case.contestant.execution == "counts")
    assert record.usage.sources == {"allocator_bytes": "outside.using"}


def test_what_is_not_known_is_empty_and_has_its_reason(measured):
    row = measured[0].loc["plain"]
    assert np.isnan(row.allocator_bytes)
    assert np.isnan(row.gpu_watts)
    assert "allocator_bytes: the framework does not count its allocations here" in row.usage_missing
    assert "gpu_watts" in row.usage_missing
    assert "it runs on the CPU" in row.usage_missing


def test_a_launch_that_dies_when_its_memory_is_measured_goes_on_in_another_process(measured):
    row = measured[0].loc["tires"]
    assert row.status == Status.MEASURED
    assert row.seconds > 0
    assert np.isnan(row.peak_rss_step_bytes)
    assert "peak_rss_step_bytes: crashed: killed by SIGKILL" in row.usage_missing
    assert row.sustained_cpus_used > 0


def test_every_quantity_of_a_launch_is_there_or_has_a_reason(measured):
    for record in measured[1].records:
        if record.case.contestant.execution in REFUSED:
            continue
        assert record.usage.names == MEMORY | metered(), record.case.id
        assert not set(record.usage.values) & set(record.usage.missing)


def test_every_quantity_of_every_meter_has_a_column():
    assert MEMORY | metered() == {column.name for column in USAGE}
    assert {name for meter in meters().values() for name in meter.quantities} < {column.name for column in USAGE}


def test_a_later_word_on_a_quantity_replaces_an_earlier_one():
    first = Usage({"a": 1.0, "b": 2.0}, {"c": "no"}, {"a": "x"})
    both = first | Usage({"c": 3.0}, {"a": "gone"})
    assert (both.values, both.missing) == ({"b": 2.0, "c": 3.0}, {"a": "gone"})


def test_resident_memory_is_what_was_added_since():
    resident = Resident()
    before = resident.peak()
    if before == UNKNOWN:
        pytest.skip(UNKNOWN)
    block = np.ones(100_000_000, np.uint8)
    assert resident.peak() - before == pytest.approx(block.nbytes, rel=0.05)
    del block
    resident.forget()
    assert resident.peak() < 0.1e8


def test_a_peak_that_cannot_be_set_back_is_none(monkeypatch, tmp_path):
    monkeypatch.setattr("bench.machine.resident.CLEAR", tmp_path / "nothing" / "there")
    assert Resident().peak() == FIXED


def test_loading_counts_by_what_stays(tmp_path):
    resident = Resident()
    if resident.peak() == UNKNOWN:
        pytest.skip(UNKNOWN)
    np.save(tmp_path / "weights.npy", np.ones(50_000_000, np.uint8))
    kept = np.array(np.load(tmp_path / "weights.npy", mmap_mode="c"))
    resident.loaded()
    assert resident.peak_of_launch() == pytest.approx(kept.nbytes, rel=0.1)


def test_a_system_that_does_not_count_says_so(monkeypatch, tmp_path):
    monkeypatch.setattr("bench.machine.resident.STATUS", tmp_path / "nothing")
    assert Resident().peak() == UNKNOWN


SOAK = SustainedStats(seconds=4.0, steps=10, own_cpu=2.0, images_a_step=8)


def zone(folder, name: str, energy: int, most: int = 1_000_000_000):
    made = folder / name
    made.mkdir()
    (made / "energy_uj").write_text(f"{energy}\n")
    (made / "max_energy_range_uj").write_text(f"{most}\n")
    return made


def test_package_energy_is_of_all_packages_and_counters_may_wrap(tmp_path):
    one, two = zone(tmp_path, "intel-rapl:0", 1_000_000), zone(tmp_path, "intel-rapl:1", 999_000_000)
    zone(tmp_path, "intel-rapl:0:0", 77)  # a part of the first package, which has counted it
    watcher = RaplMeter(1, "cpu", set(), tmp_path)
    (one / "energy_uj").write_text("9000000")
    (two / "energy_uj").write_text("3000000")
    assert watcher.end(SOAK) == {"package_watts": 3.0, "package_joules_per_image": 12 / 80}


def test_no_counters_or_no_permission_is_a_reason(tmp_path):
    said = RaplMeter(1, "cpu", set(), tmp_path).end(SOAK)
    assert set(said.values()) == {"this system has no powercap counters (virtual machines seldom do)"}
    (zone(tmp_path, "intel-rapl:0", 1) / "energy_uj").write_text("rubbish")
    assert "cannot be read" in RaplMeter(1, "cpu", set(), tmp_path).end(SOAK)["package_watts"]


def rounded(array, digits: int):
    """To so many binary digits after the first, to the nearest."""
    mantissa, exponent = np.frexp(array)
    return np.ldexp(np.round(mantissa * 2 ** (digits + 1)), exponent - digits - 1)


ARITHMETICS = {
    "float64": (np.float64, 52),
    "float32": (np.float32, 23),
    "tf32": (np.float32, 10),
    "bfloat16": (np.float32, 7),
}


@pytest.mark.parametrize("name", ARITHMETICS)
def test_the_fingerprint_tells_arithmetics_apart(name):
    kind, digits = ARITHMETICS[name]
    cells = rounded(np.array(arithmetic.CELLS, kind), digits)
    cells[-1] *= cells[-1]
    assert arithmetic.arithmetic(list(map(float, cells))) == name


def test_the_fingerprint_knows_float16_by_its_range():
    cells = np.array(arithmetic.CELLS, np.float16)
    assert arithmetic.arithmetic(list(map(float, cells))) == "float16"
    assert arithmetic.arithmetic([0.0, 0.0, 0.0, 0.0]) == "unknown"


def test_accepted_is_what_a_policy_takes_as_operands():
    assert {name: arithmetic.accepted(name) for name in POLICIES} == {
        "float32": ("float32",),
        "tf32": ("tf32", "float32"),
        "bfloat16": ("bfloat16",),
        "float64": ("float64",),
        "float16": ("float16",),
        "bfloat16-weights": ("bfloat16",),
    }


def test_a_contestant_that_computes_at_lower_precision_is_refused(measured):
    table, _ = measured
    assert table.status["plain"] == Status.MEASURED
    assert table.effective_precision["plain"] == "float32"
    for execution, seen in REFUSED.items():
        assert table.status[execution] == Status.MISMATCH
        assert table.reason[execution] == f"computes in {seen} where float32 was requested"


BAD = {
    "no memory": ({"memory": "0"}, "memory '0' leaves nothing to measure in; give more, such as 8GiB"),
    "no amount": ({"memory": "much"}, "memory 'much' is not a number with a unit, such as 8GiB or 500MB"),
    "no time": ({"sustained": "long"}, "duration 'long' is not a number followed by s, m or h"),
    "no card": ({"device": "cuda"}, "--device cuda: NVIDIA's driver cannot be asked: "),
}


@pytest.mark.parametrize("mistake", BAD)
def test_mistakes_are_one_line_before_anything_is_measured(tmp_path, mistake):
    if mistake == "no card" and nvidia.missing() is None:
        pytest.skip("there is a card")
    options, complaint = BAD[mistake]
    with pytest.raises(DeadheatError) as caught:
        build_session(Options("smoke", tmp_path / "data", **options))
    assert complaint in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.iterdir())
