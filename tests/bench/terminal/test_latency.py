"""Percentiles of single steps, and largest batches, as the terminal and `show --json` have them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from bench.terminal.latency import latency_tables
from bench.terminal.summary import largest_tables, print_summary
from results.schema.record import Case, Contestant, Latency, Record, Status
from results.schema.system import System, system_of
from results.stats.percentiles import percentiles
from results.store.campaigns import StoredCampaign
from tests.support.made_up import measured, workload

ALPHA, BETA = (Case(workload(batch=1), Contestant(name, "eager")) for name in ("alpha", "beta"))


def timed(case: Case, number: int, seconds: list[float]) -> Record:
    return replace(measured(case, number, [0.1]), latency=Latency(len(seconds), percentiles(seconds)))


def test_a_line_a_case_has_percentiles_with_intervals_and_a_dash_where_there_is_none(tmp_path: Path) -> None:
    made = [timed(ALPHA, number, [0.001 * factor] * 40) for number, factor in enumerate((1.0, 1.1))]
    lost = Record(BETA, 0, Status.FAILED, "no such layer")
    shown = [str(part) for part in latency_tables(StoredCampaign(tmp_path, System(), (*made, lost)), 100)]
    lines = "\n".join(shown).splitlines()
    (alpha,) = (line for line in lines if line.startswith("alpha:eager"))  # sinh(12.706 ln(1.1) / 2) = 64 %
    assert alpha.split() == ["alpha:eager", "1.05", "ms", "±64%", "1.05", "ms", "±64%", "-", "-", "40"]
    (beta,) = (line for line in lines if line.startswith("beta:eager"))
    assert beta.split() == ["beta:eager", "-", "-", "-", "-"]


def test_percentiles_are_printed_at_the_end_of_a_campaign_unless_it_is_brief(tmp_path: Path, capsys) -> None:
    made = [timed(case, number, [0.001] * 40) for case in (ALPHA, BETA) for number in range(2)]
    campaign = StoredCampaign(tmp_path, System(), tuple(made))
    for brief in (False, True):
        print_summary(campaign, [], brief)
        printed = capsys.readouterr().out
        assert ("p50" in printed, "beta:eager" in printed) == (not brief, True)


def test_a_campaign_without_single_steps_has_no_table(tmp_path: Path) -> None:
    assert latency_tables(StoredCampaign(tmp_path, System(), (measured(ALPHA, 0, [0.1]),)), 100) == []


def test_a_largest_batch_that_memory_did_not_limit_is_a_least_one(tmp_path: Path) -> None:
    system = system_of({"stop": "complete", "suite": {"largest_batch": True, "memory": 1e12, "time_limit": 300}})
    long = replace(measured(ALPHA, 0, [0.1]), block_seconds={"rounds": 200.0})
    full = Record(replace(BETA, workload=workload(batch=2)), 0, Status.OUT_OF_MEMORY, "full")
    campaign = StoredCampaign(tmp_path, system, (long, measured(BETA, 0, [0.1]), full))
    (table,) = largest_tables(campaign)
    column = table.columns[3]
    assert list(column.cells) == ["≥ 1", "1"]
