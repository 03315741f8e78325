"""The answer as Markdown: it stands alone in an issue."""

from __future__ import annotations

from pathlib import Path

from bench.terminal.markdown import KEY, as_markdown
from results.schema.record import Case, Contestant
from results.schema.system import system_of
from results.store.campaigns import StoredCampaign, read_campaign
from tests.support.made_up import SYSTEM, launches, lively_records, measured, probe, workload

REFERENCE = Path(__file__).parents[3] / "results" / "data" / "reference-cpu-2cores"
ALPHA, BETA = Contestant("alpha", "eager"), Contestant("beta", "jit")


def made_up(*records) -> StoredCampaign:
    return StoredCampaign(Path("made-up"), system_of(SYSTEM), records)


def test_it_has_title_sentences_table_and_key():
    records = [
        *launches(Case(workload(), ALPHA), 0.02, 4, 0.0001, "a"),
        *launches(Case(workload(), BETA), 0.01, 4, 0.0001, "b"),
    ]
    title, sentence, table, key = as_markdown(made_up(*records)).split("\n\n")
    assert title.startswith("**Alpha and Beta on Some CPU @ 2.4 GHz, 2 cores, 22 Nov 2026** (Deadheat campaign `")
    assert sentence.startswith(
        "**Inference:** beta:jit is unbeaten on the workload, alpha:eager on none. Time relative"
    )
    header, rule, line = table.splitlines()
    assert [cell.strip() for cell in header.strip("|").split("|")] == [
        "phase", "workload", "alpha:eager", "beta:jit", "unbeaten",
    ]  # fmt: skip
    assert set(rule) <= set("|:-")
    assert [cell.strip() for cell in line.strip("|").split("|")][1] == "alexnet 64 px, batch 8"
    assert line.rstrip(" |").endswith("beta:jit")
    assert key == KEY


def test_probes_and_other_phases_are_left_out():
    records = [*launches(Case(probe("probe-matmul"), ALPHA), 0.1, 3, 0.001, "p")]
    records += launches(Case(workload(phase="gradient"), ALPHA), 0.1, 3, 0.001, "g")
    assert as_markdown(made_up(*records)).endswith("No network was measured.")


def test_one_launch_is_not_enough_data():
    said = as_markdown(made_up(*(measured(Case(workload(), one), 0, [1.0]) for one in (ALPHA, BETA))))
    assert "not enough data" in said
    assert "no answer yet" in said


def test_failures_have_their_status_and_every_line_the_same_number_of_cells():
    table = next(part for part in as_markdown(made_up(*lively_records())).split("\n\n") if part.startswith("|"))
    assert "mismatch" in table
    assert len({line.count(" | ") for line in table.splitlines() if not set(line) <= set("|:-")}) == 1


def test_the_reference_campaign_has_a_line_a_workload():
    table = next(part for part in as_markdown(read_campaign(REFERENCE)).split("\n\n") if part.startswith("|"))
    assert len(table.splitlines()) == 2 + 12
