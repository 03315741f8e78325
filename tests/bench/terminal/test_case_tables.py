"""The tables at the end of a campaign: what a cell says, and that lines fit the terminal."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from rich.text import Text

from bench.terminal import summary
from bench.terminal.case_tables import STYLES, flag_letters, use_tables, verdict_tables
from bench.terminal.grid import Column, Line, grids
from results.schema.record import Case, Contestant, Record, Status
from results.schema.system import system_of
from results.stats.verdicts import TimingVerdict
from results.store.campaigns import StoredCampaign, read_campaign
from results.tables import cases
from tests.support.made_up import SYSTEM, measured, probe, workload

DATA = Path(__file__).parents[3] / "results" / "data"
REFERENCE = Contestant("reference", "x")
OTHER = Contestant("other", "x")
ONES = (0.001, 0.001, 0.001)


def launches(case: Case, *seconds: float, **facts: object) -> list[Record]:
    return [replace(measured(case, number, [one]), **facts) for number, one in enumerate(seconds)]


def made_up(*records: Record) -> StoredCampaign:
    return StoredCampaign(Path("made-up"), system_of({**SYSTEM, "reference": REFERENCE.id}), records)


def frame(*records: Record) -> pd.DataFrame:
    return cases.cases([made_up(*records)])


def plain(tables: list[Text]) -> list[list[str]]:
    return [table.plain.splitlines() for table in tables]


def rows(lines: list[str]) -> list[str]:
    """The lines below the rule."""
    return lines[[set(line) == {"─"} for line in lines].index(True) + 1 :]


@pytest.mark.parametrize(
    ("seconds", "cell"),
    [
        ((0.0005, 0.00051, 0.0005), "0.50 ±3% faster"),
        ((0.03, 0.0301, 0.03), "30 ±0.5% slower"),
        (ONES, "1.00 dead heat"),
        ((0.001, 0.00102, 0.00101), "1.01 within 4 %"),
        ((0.0008, 0.001, 0.00125), "1.00 ±58% unclear"),
        ((0.001,), "1.00 unclear"),
        ((0.000012,), "0.012 unclear"),
    ],
)
def test_a_cell_says_ratio_and_verdict_and_the_interval_where_the_verdict_does_not_bound_it(seconds, cell):
    found = frame(*launches(Case(workload(), REFERENCE), *ONES), *launches(Case(workload(), OTHER), *seconds))
    ((*_, line),) = plain(verdict_tables(found, 80))
    assert line.split(maxsplit=3) == ["infer", "1", "ms", cell]


def test_another_precision_than_requested_is_said_at_the_number():
    asked = replace(workload(), precision="tf32")
    found = frame(
        *launches(Case(asked, REFERENCE), *ONES, effective_precision="float32"),
        *launches(Case(asked, OTHER), *ONES, effective_precision="tf32"),
    )
    ((*_, line),) = plain(verdict_tables(found, 80))
    assert " ".join(line.split()) == "infer 1 ms in float32 1.00 dead heat"


def test_what_was_not_measured_says_why_and_without_the_reference_there_is_a_time():
    lost = Record(Case(workload(phase="train"), REFERENCE), 0, Status.OUT_OF_MEMORY, "needs 31 GiB")
    found = frame(
        *launches(Case(workload(), REFERENCE), *ONES),
        lost,
        *launches(Case(workload(phase="train"), OTHER), *ONES),
    )
    ((*_, infer, train),) = plain(verdict_tables(found, 80))
    assert infer.split() == ["infer", "1", "ms"]
    assert train.split(maxsplit=1) == ["train", "out of memory  1 ms"]


def test_the_probes_of_the_machines_peaks_are_in_no_table():
    assert verdict_tables(frame(*launches(Case(probe("probe-gemv"), REFERENCE), *ONES)), 80) == []


def test_workloads_of_a_network_are_lines_below_it_wherever_they_were_in_the_campaign():
    loads = [workload(name, phase) for phase in ("infer", "train") for name in ("alexnet", "nin")]
    found = frame(*(one for load in loads for one in launches(Case(load, REFERENCE), *ONES)))
    ((*lines,),) = plain(verdict_tables(found, 80))
    below = [line.split()[0] for line in rows(lines)]
    assert [line.partition("-")[0] for line in below] == ["alexnet", "infer", "train", "nin", "infer", "train"]


@pytest.mark.parametrize("tables", [verdict_tables, use_tables])
def test_the_default_suite_fits_80_columns_in_one_table_with_a_line_a_workload(tables):
    found = cases.cases([read_campaign(DATA / "reference-cpu-2cores")])
    (lines,) = plain(tables(found, 80))
    assert max(map(len, lines)) <= 80
    shown = found[found.peak_probe == ""]
    networks = {group.rpartition("-")[0] for group in shown.group}
    assert len(rows(lines)) == shown.group.nunique() + len(networks)


@pytest.mark.parametrize("width", [40, 80, 120, 200])
def test_contestants_that_do_not_fit_are_in_further_tables_with_the_reference(width):
    others = [Contestant(f"framework-{number}", "execution") for number in range(9)]
    found = frame(*(one for who in (REFERENCE, *others) for one in launches(Case(workload(), who), *ONES)))
    tables = plain(verdict_tables(found, width))
    assert all(len(line) <= max(width, 45) for lines in tables for line in lines)
    assert all("reference:" in " ".join(lines[:2]) for lines in tables)
    heads = " ".join(line for lines in tables for line in lines[:2])
    assert all(heads.count(f"framework-{number}:") == 1 for number in range(9))
    assert len(tables) < len(others) or width == 40
    assert sum(lines[-1].count("dead heat") for lines in tables) == 9


def test_a_heading_is_broken_only_where_one_table_would_not_do():
    line, cells = Line("net", "infer", "g"), {"g": Text("1.00")}
    columns = Column("reference:eager", cells), [Column("another:graph", cells)]
    ((first, *_),) = plain(grids([line], *columns, 80))
    assert first.split() == ["reference:eager", "another:graph"]
    ((first, second, *_),) = plain(grids([line], *columns, 30))
    assert (first.split(), second.split()) == (["reference:", "another:"], ["eager", "graph"])


def test_memory_share_and_letters_of_flags_stand_in_a_table_of_their_own():
    records = [
        *launches(Case(workload(), REFERENCE), *ONES, warmup_converged=False),
        *launches(Case(workload(), OTHER), *ONES),
    ]
    found = frame(*records)
    assert flag_letters(found) == {"warmup_not_converged": "a"}
    ((*_, line),) = plain(use_tables(found, 80))
    flagged, other = line.removeprefix("infer").strip().split("  ", 1)
    assert flagged.endswith("MiB a")
    assert other.strip().endswith("MiB")


def test_without_anything_known_of_it_there_is_no_table_of_use():
    bare = [replace(one, usage=None) for one in launches(Case(workload(), REFERENCE), *ONES)]
    assert use_tables(frame(*bare), 80) == []


def test_brief_is_the_verdicts_alone(capsys):
    campaign = made_up(*launches(Case(workload(), REFERENCE), *ONES, warmup_converged=False))
    note = {"what": "what", "remedy": "remedy"}
    summary.print_summary(campaign, [note])
    whole = capsys.readouterr().out
    assert "→ remedy" in whole
    assert f"python -m bench show {campaign.name} --details" in whole
    assert "MiB" not in whole
    summary.print_summary(campaign, [note], brief=True)
    brief = capsys.readouterr().out
    assert "reference:x" in brief
    assert "1 ms" in brief
    assert not {"MiB", "remedy", "interval", "--details"} & set(brief.replace(";", " ").split())


def test_memory_and_flags_are_printed_on_request(capsys):
    campaign = made_up(*launches(Case(workload(), REFERENCE), *ONES, warmup_converged=False))
    summary.print_summary(campaign, [], details=True)
    detailed = capsys.readouterr().out
    assert "a: warmup not converged" in detailed
    assert "MiB a" in detailed
    assert "--details" not in detailed


def test_a_stream_has_a_line_a_contestant_that_fits_80_columns():
    found = cases.cases([read_campaign(DATA / "reference-stream")])
    (lines,) = plain(summary.stream_tables(found, 80))
    assert max(map(len, lines)) <= 80
    assert len(rows(lines)) == len(found) + found.group.nunique()
    first = found[found.contestant == "tensorflow:graph"].iloc[0]
    line = next(line for line in rows(lines) if line.startswith("tensorflow:graph "))
    assert line.split()[2] == f"{first.images_per_second:.3g}", "warm"


def test_a_stream_that_was_not_measured_has_its_status():
    found = cases.cases([read_campaign(DATA / "reference-stream")])
    found.loc[found.contestant == "jax:jit", "status"] = Status.OUT_OF_MEMORY.value
    (lines,) = plain(summary.stream_tables(found, 120))
    lost = [line.split(maxsplit=1)[1] for line in rows(lines) if line.startswith("jax:jit")]
    assert set(lost) == {"out of memory"}


def test_every_verdict_has_a_style():
    assert STYLES.keys() == set(TimingVerdict)
