"""The tiny ring: a framework in NumPy, and one with faults, through the whole pipeline, as a user would start it."""

from __future__ import annotations

import json
import os
import re
import statistics
from contextlib import closing
from pathlib import Path

import pytest
from simulated import Simulated

import results
from bench.launch.fake import Behaviour
from results import advice
from results.schema.record import Status
from results.stats.pairing import counted
from results.store.campaigns import CampaignWriter, read_campaign
from tests.support.made_up import SYSTEM

FAULTS = """
title = "every fault there is"
contestants = [
    "outside", "outside.faulty:fine", "outside.faulty:babbles", "outside.faulty:raises", "outside.faulty:killed",
    "outside.faulty:segfault", "outside.faulty:hangs", "outside.faulty:exhausts", "outside.faulty:greedy",
    "outside.faulty:diverges", "outside.faulty:asserts", "outside.faulty:miscompiles",
    "outside.faulty:late", "outside.faulty:swapped", "outside.faulty:unsupported", "outside.faulty:absent",
    "outside.faulty:stillborn",
]
launches = 2
turns = 10
round_seconds = 0.001
warmup_seconds = 0.001
warmup_limit = 0.01
max_retries = 0
sustained = 0
controls = false
time_limit = "5s"
memory = "64GiB"

[[workloads]]
architectures = ["outside-mlp"]
batches = [4]
phases = ["infer"]
"""

OUTCOMES = {
    "outside:loop": (Status.MEASURED, ""),
    "outside.faulty:fine": (Status.MEASURED, ""),
    "outside.faulty:babbles": (Status.MEASURED, ""),
    "outside.faulty:raises": (Status.FAILED, "ArithmeticError: planted fault"),
    "outside.faulty:asserts": (Status.FAILED, "in _err: assert scores is None)"),
    "outside.faulty:miscompiles": (
        Status.FAILED,
        "C++ compile error … kernel.h:2:10: fatal error: omp.h: No such file",
    ),
    "outside.faulty:killed": (Status.CRASHED, "killed by SIGKILL"),
    "outside.faulty:segfault": (Status.CRASHED, "killed by SIGSEGV"),
    "outside.faulty:hangs": (Status.TIMED_OUT, "no answer within 5 s"),
    "outside.faulty:exhausts": (Status.OUT_OF_MEMORY, "planted: out of memory"),
    "outside.faulty:greedy": (Status.OUT_OF_MEMORY, "Unable to allocate 256. MiB"),
    "outside.faulty:diverges": (Status.FAILED, "NaN or infinity"),
    "outside.faulty:late": (Status.CRASHED, "exited with code 3"),
    "outside.faulty:swapped": (Status.MISMATCH, "a score differs"),
    "outside.faulty:unsupported": (Status.SKIPPED, "has no arithmetic today"),
    "outside.faulty:absent": (Status.SKIPPED, "pip install no_such_package"),
    "outside.faulty:stillborn": (Status.CRASHED, "No module named 'no_such_module'"),
}


@pytest.fixture(scope="module")
def finished(run, tmp_path_factory):
    """A campaign with every fault, run once: (what pytest said, the campaign's folder, where everything is)."""
    home = tmp_path_factory.mktemp("faults")
    suite = home / "faults.toml"
    suite.write_text(FAULTS)
    done = run(
        "pytest", "--benchmark-only", f"--suite={suite}", f"--results={home / 'data'}", f"--report={home / 'html'}"
    )
    folders = list((home / "data").iterdir())
    assert len(folders) == 1, done.stdout + done.stderr
    return done, folders[0], home


@pytest.mark.parametrize("contestant", OUTCOMES)
def test_every_fault_is_a_status_with_a_reason_and_costs_only_its_own_case(finished, contestant):
    _, folder, _ = finished
    records = [record for record in read_campaign(folder).records if record.case.contestant.id == contestant]
    status, reason = OUTCOMES[contestant]
    twice = status is Status.MEASURED or (status is Status.CRASHED and contestant != "outside.faulty:stillborn")
    assert [record.status for record in records] == [status] * (2 if twice else 1), "a crash has a second chance"
    assert all(reason in record.reason for record in records)


def test_the_log_of_a_launch_that_failed_is_kept_with_the_campaign_and_named(finished):
    done, folder, home = finished
    records = {record.case.contestant.id: record for record in read_campaign(folder).records}
    for fault, printed in {"asserts": "AssertionError", "miscompiles": "g++ -O3", "raises": "planted fault"}.items():
        record = records[f"outside.faulty:{fault}"]
        assert printed in (folder / record.log).read_text()
        assert f"(log: {record.log})" in " ".join(done.stdout.split())
        assert f"<code>{record.log}</code>" in (home / "html" / "index.html").read_text()
    assert "no_such_module" in (folder / records["outside.faulty:stillborn"].log).read_text(), "its zygote's"
    quiet = ("outside:loop", "outside.faulty:fine", "outside.faulty:babbles", "outside.faulty:unsupported")
    assert {records[one].log for one in quiet} == {""}


def test_a_launch_that_dies_between_rounds_keeps_its_earlier_rounds(finished):
    _, folder, _ = finished
    late = [one for one in read_campaign(folder).records if one.case.contestant.id == "outside.faulty:late"]
    for record in late:
        assert record.steps > 1
        assert record.warmup
        assert len(record.settling) == len(record.turns) == len(record.conditions.wall) >= 2, "a round in each turn"
        assert not record.seconds, "statistics are over whole launches"


def test_each_case_is_a_test_that_passes_skips_or_fails_with_its_status(finished):
    done, _, _ = finished
    assert done.returncode == 1
    assert re.search(r"12 failed, 3 passed, 2 skipped", done.stdout), done.stdout
    for status, reason in OUTCOMES.values():
        if status not in (Status.MEASURED, Status.SKIPPED):
            assert re.search(rf"{status}: .*{re.escape(reason)}", done.stdout)


def test_pytest_benchmarks_statistics_are_those_of_the_recorded_launch_medians_exactly(finished):
    _, folder, _ = finished
    saved = json.loads((folder / "benchmark.json").read_text())
    assert len(saved["benchmarks"]) == 3
    for benchmark in saved["benchmarks"]:
        medians = [
            statistics.median(record.seconds)
            for record in read_campaign(folder).records
            if record.case.id == benchmark["extra_info"]["case"]
        ]
        stats = benchmark["stats"]
        assert stats["data"] == medians
        assert (stats["min"], stats["max"], stats["rounds"]) == (min(medians), max(medians), 2)
        assert (stats["mean"], stats["median"]) == (statistics.mean(medians), statistics.median(medians))
        assert stats["stddev"] == statistics.stdev(medians)


def test_pytest_benchmark_compare_reads_the_saved_file(finished, run):
    _, folder, _ = finished
    compared = run("pytest_benchmark", "compare", folder / "benchmark.json")
    assert compared.returncode == 0, compared.stderr
    assert "outside.faulty:fine" in compared.stdout


def test_the_summary_gives_ratios_and_what_to_do_about_what_is_wrong(finished):
    done, _, _ = finished
    assert re.search(r"[\d.]+ ±\d+%|[\d.]+ within \d+ %", done.stdout)
    assert "pip install no_such_package" in done.stdout
    assert "raise time_limit in the suite" in done.stdout


def test_the_report_shows_every_case(finished):
    _, _, home = finished
    page = (home / "html" / "index.html").read_text()
    for contestant, (_, reason) in OUTCOMES.items():
        assert contestant in page
        assert reason.replace("'", "&#39;") in page


def test_no_process_is_left(finished):
    _, _, home = finished
    mine = [process for process in Path("/proc").glob("[0-9]*/environ") if _mentions(process, str(home))]
    assert not mine


def _mentions(environ: Path, text: str) -> bool:
    try:
        return int(environ.parent.name) != os.getpid() and text in (environ.parent / "cmdline").read_text()
    except OSError:
        return False


def test_system_json_tells_machine_suite_and_contestants(finished):
    _, folder, _ = finished
    system = read_campaign(folder).system
    assert system.stop == "complete"
    assert system.reference == "outside:loop"
    assert system.machine.cores >= 1
    assert system.suite.launches == (2, 2)
    assert system.contestants["outside:loop"].versions["numpy"]


def test_export_and_report_of_the_campaign_from_the_command_line(finished, run):
    _, folder, home = finished
    exported = run("bench", "export", folder, "--to", "csv")
    assert exported.stdout.splitlines()[0].startswith("campaign,case,group")
    assert len(exported.stdout.splitlines()) == 1 + len(OUTCOMES)
    reported = run("bench", "report", folder, "--output", home / "again")
    assert reported.returncode == 0, reported.stderr
    assert (home / "again" / "index.html").read_bytes() == (home / "html" / "index.html").read_bytes()


PAIR = """
title = "two contestants from outside, all four phases"
contestants = ["outside", "outside.faulty:fine"]
launches = 2
turns = 2
rounds = 3
round_seconds = 0.001
warmup_seconds = 0.001
warmup_limit = 0.01
max_retries = 0
sustained = 0
controls = false

[[workloads]]
architectures = ["outside-mlp"]
batches = [1, 4]
"""


@pytest.fixture(scope="module")
def pair(run, tmp_path_factory):
    home = tmp_path_factory.mktemp("pair")
    (home / "pair.toml").write_text(PAIR)

    def measure(*arguments, name="data", simulated=False):
        data = home / name
        asked = f"--suite={home / 'pair.toml'}", f"--results={data}", "--no-report"
        done = run("pytest", "--benchmark-only", *asked, *arguments, simulated=simulated)
        return done, [read_campaign(folder) for folder in sorted(data.iterdir())] if data.exists() else []

    return measure


def test_an_architecture_and_a_framework_from_outside_are_benchmarked(pair):
    """What -k selects of them, that is."""
    done, (campaign,) = pair("-k", "b4", name="selected")
    assert done.returncode == 0, done.stdout
    cases = results.load(campaign.folder, rows="cases")
    assert len(cases) == 2 * 4
    assert set(cases.batch) == {4}
    assert set(cases.phase) == {"infer", "forward", "gradient", "train"}
    assert (cases.status == "measured").all()
    assert (cases.launches == 2).all()
    for record in campaign.records:
        assert len(record.seconds) == 6
        assert len(record.settling) == len(record.turns) == 2
        assert record.parity is not None


def test_k_selects_one_phase(pair):
    done, (campaign,) = pair("-k", "b4 and train", name="one-phase", simulated=True)
    assert done.returncode == 0, done.stdout
    assert {record.case.workload.id for record in campaign.records} == {"outside-mlp-1x4x4-k3-b4-float32-cpu-train"}


def test_collecting_measures_nothing_and_leaves_no_folder(pair):
    done, campaigns = pair("--collect-only", "-q", name="collected")
    assert "test_case[outside-mlp-1x4x4-k3-b1-float32-cpu-infer-outside:loop]" in done.stdout
    assert campaigns == []


DISTURBANCES = {
    "cpu_contention": ({"foreign_cpu": 0.7}, "other processes used up to 0.70 cores"),
    "steal": ({"steal": 0.1}, "the hypervisor gave up to 5.0% of a launch's CPU time"),
    "throttled": ({"throttled": 0.2, "throttled_periods": 10}, "the CPU quota was used up in up to 4 periods"),
}
"""What is seen each second of a round, and what is said of it."""


@pytest.mark.parametrize("disturbance", DISTURBANCES)
def test_a_block_that_stays_disturbed_is_made_again_then_kept_and_flagged(tmp_path, disturbance):
    seen, sentence = DISTURBANCES[disturbance]
    behaviour = Behaviour(step_seconds=0.1, disturbance=seen)
    system = {**SYSTEM, "stop": "complete", "warnings": []}
    with closing(CampaignWriter.create(tmp_path, "disturbed", system)) as writer:
        done = Simulated(lambda *_: behaviour, launches=1, turns=1, rounds=4, max_retries=2, writer=writer).run()
    assert [record.attempt for record in done.records] == [0, 0, 1, 1, 2, 2]
    campaign = read_campaign(tmp_path / "disturbed")
    assert {record.attempt for record in counted(campaign.records)} == {2}
    rows = results.load(campaign.folder, rows="cases")
    assert (rows.launches == 1).all()
    assert (rows.repeated_launches == 2).all()
    assert (rows.quality_flags == disturbance).all()
    said = [note["what"] for note in advice.warnings_for(campaign)]
    assert "4 launches were repeated because their blocks were disturbed; the disturbed ones are excluded" in said
    assert any(what.startswith(f"2 cases: {sentence}") for what in said)
