"""The first screen of a page: sentences, how sure they are, and a line for each workload."""

from __future__ import annotations

from dataclasses import replace

from reports.pages import campaign
from reports.rows import choices, matrix
from reports.rows.answer import DISAGREES, Answer, State
from reports.sections.section import CampaignView
from results.schema.record import Case, Contestant, Parity
from tests.support.made_up import SYSTEM, launches, measured, workload

ALPHA, BETA = Contestant("alpha", "eager"), Contestant("beta", "jit")
REMAINDER = {"undecided": 3, "decidable": 2, "seconds": 250.0}


def built(stored) -> Answer:
    return campaign.answer_of(CampaignView(stored, "c1"))


def both(load, alpha: float, beta: float, noise: float = 0.001) -> list:
    return [*launches(Case(load, ALPHA), alpha, 4, noise, "a"), *launches(Case(load, BETA), beta, 4, noise, "b")]


def test_each_phase_has_a_sentence_and_each_workload_a_line(write_campaign):
    found = built(write_campaign([*both(workload(), 0.02, 0.01), *both(workload(phase="train"), 0.02, 0.03)]))
    assert found.state is State.ALL
    assert [(one.title, one.headline) for one in found.sentences] == [
        ("Inference", "beta:jit is unbeaten on the workload, alpha:eager on none."),
        ("Training", "alpha:eager is unbeaten on the workload, beta:jit on none."),
    ]
    infer, train = found.groups
    (line,) = infer.lines
    assert (line.network, line.conditions, line.best) == ("alexnet", "64 px, batch 8", "beta:jit")
    assert [cell.ratio for cell in line.cells] == ["", "▲ 0.50"]
    assert [cell.time for cell in line.cells] == ["6.00 ms", "3.00 ms"]
    assert train.lines[0].cells[1].kind == "slower"
    assert found.sure == "2 of 2 verdicts decided."
    assert (found.more, found.command) == ("", "")


def test_another_precision_than_requested_is_said_at_the_number(write_campaign):
    records = both(replace(workload(), precision="tf32"), 0.02, 0.01)
    records = [
        replace(one, effective_precision="tf32" if one.case.contestant == ALPHA else "float32") for one in records
    ]
    stored = write_campaign(records)
    (line,) = built(stored).groups[0].lines
    assert [cell.computed for cell in line.cells] == ["", "float32"]
    assert line.cells[1].flags == "other precision"
    assert campaign.render([stored]).count("<small>in float32</small>") == 1


def test_what_is_undecided_is_counted_and_how_to_go_on_is_said(write_campaign):
    records = [*both(workload(), 0.02, 0.01), *both(workload(phase="train"), 0.02, 0.0205, noise=0.05)]
    found = built(write_campaign(records, system={**SYSTEM, "remainder": REMAINDER}))
    assert found.state is State.SOME
    assert found.sure.startswith("1 of 2 verdicts decided; 1 ")
    assert found.more == "About 5 more minutes are expected to decide 2 more, also of networks without a launch."
    assert found.command == "python -m bench run --resume 2026-11-22-lively --budget 5m"
    assert found.groups[1].lines[0].best == "no significant difference"


def test_what_more_time_decides_of_the_networks_shown_is_not_said_of_others(write_campaign):
    records = [*both(workload(), 0.02, 0.01), *both(workload(phase="train"), 0.02, 0.0205, noise=0.05)]
    found = built(write_campaign(records, system={**SYSTEM, "remainder": {**REMAINDER, "decidable": 1}}))
    assert found.more == "About 5 more minutes are expected to decide 1 more."


def test_one_launch_is_no_verdict_and_the_page_says_so_first(write_campaign):
    stored = write_campaign([measured(Case(workload(), one), 0, [1.0]) for one in (ALPHA, BETA)])
    found = built(stored)
    assert found.state is State.NONE
    assert found.groups[0].lines[0].best == "not enough data"
    page = campaign.render([stored])
    assert page.index("<strong>No verdict.</strong>") < page.index('<dl class="facts">')
    assert "python -m bench run --resume 2026-11-22-lively" in page


def test_a_campaign_with_one_contestant_has_times_and_no_verdict(write_campaign):
    found = built(write_campaign(launches(Case(workload(), ALPHA), 0.02, 4, 0.001, "a")))
    assert found.state is State.NONE
    assert found.groups[0].lines[0].cells[0].time


def test_a_campaign_without_a_record_has_no_table(write_campaign):
    found = built(write_campaign([]))
    assert (found.groups, found.sentences, found.state) == ([], [], State.NONE)


def test_failures_are_named_and_flags_marked_at_the_number(lively):
    found = built(lively)
    kinds = {cell.kind for group in found.groups for line in group.lines for cell in line.cells}
    assert {"status", "reference", "faster", "slower"} <= kinds
    words = {cell.word for group in found.groups for line in group.lines for cell in line.cells}
    assert {"mismatch", "timed out", "skipped"} <= words


def test_precision_and_device_are_said_once_where_they_are_common(write_campaign):
    single = both(workload(), 0.02, 0.01)
    assert built(write_campaign(single)).common == "float32, cpu"
    other = both(replace(workload(), precision="float64"), 0.02, 0.01)
    found = built(write_campaign([*single, *other], name="two"))
    assert found.common == ""
    assert [line.conditions for line in found.groups[0].lines] == [
        "64 px, batch 8, float32, cpu", "64 px, batch 8, float64, cpu",
    ]  # fmt: skip


def test_a_ratio_that_points_another_way_than_the_times_is_marked(write_campaign):
    """Launches of a block are fast or slow together; beta lacks the slow one."""
    times = {ALPHA: (1.0, 1.0, 1.0, 9.0), BETA: (1.2, 1.2, 1.2)}
    records = [
        measured(Case(workload(), one), launch, [seconds])
        for one, launches in times.items()
        for launch, seconds in enumerate(launches)
    ]
    reference, cell = built(write_campaign(records)).groups[0].lines[0].cells
    assert cell.kind == "slower"
    assert cell.flags.endswith(DISAGREES)
    assert DISAGREES not in reference.flags


def test_a_contestant_that_passed_parity_only_when_examined_again_is_marked_at_the_network(write_campaign):
    cleared = Parity(1e-7, 1e-8, 1e-2, "conv1.weight", 2, cleared="float64")
    records = [measured(Case(workload(), ALPHA), 0, [1.0], cleared), measured(Case(workload(), BETA), 0, [1.0])]
    stored = write_campaign(records)
    (line,) = built(stored).groups[0].lines
    assert line.parity == "alpha:eager: passed in float64, without the pooling ties that may explain the error"
    assert f'title="{line.parity}">!</a>' in campaign.render([stored])


def test_ratios_of_contestants_that_did_not_fit_into_memory_together_are_marked(write_campaign):
    records = [
        replace(measured(Case(workload(), one), launch, [1.0]), subset=subset)
        for launch in range(2)
        for one, subset in ((ALPHA, 0), (BETA, 0), (ALPHA, 1), (Contestant("gamma", "eager"), 1))
    ]
    (line,) = built(write_campaign(records)).groups[0].lines
    assert all("contestants measured in 2 groups" in cell.flags for cell in line.cells)


def test_without_believable_controls_the_page_says_why_there_is_no_verdict(write_campaign):
    """The same code under two names differs by half, again and again."""
    names = (ALPHA, BETA, replace(ALPHA, copy=1))
    records = []
    for number, phase in enumerate(("infer", "forward", "gradient", "train")):
        for one, factor in zip(names, (1.0, 1.2, 1.5)):
            records += launches(Case(workload(phase=phase), one), 0.01 * factor, 4, 0.001, f"{one.id}{number}")
    stored = write_campaign(records)
    found = built(stored)
    assert found.state is State.NONE
    assert "differs too much from itself" in found.why
    verdicts = CampaignView(stored, "c1")
    rows = choices.choices(*matrix_of(verdicts), verdicts.ratios, believable=False)
    shown = {rows["verdicts"][ratio[0]][0] for row in rows["rows"] for cell in row for ratio in cell[1] if ratio}
    assert shown == {"unclear"}


def matrix_of(view: CampaignView):
    return matrix.matrix([part.network for part in view.parts], view.contestants), view.contestants


def test_a_small_ratio_is_not_shown_as_0(write_campaign):
    (line,) = built(write_campaign(both(workload(), 3.0, 0.01))).groups[0].lines
    assert line.cells[1].ratio == "▲ 0.0033"


def test_the_reference_of_a_workload_that_the_campaigns_lacks_is_named_in_its_cell(write_campaign):
    records = [*both(workload(), 0.02, 0.01), *launches(Case(workload(phase="train"), BETA), 0.02, 4, 0.001, "b")]
    page = campaign.render([write_campaign(records, system={**SYSTEM, "reference": ALPHA.id})])
    assert "</span> <small>reference</small></td>" in page.replace("\n", "")


def test_networks_that_differ_in_their_batch_have_titles_of_their_own(write_campaign):
    small, large = workload(), replace(workload(), batch=64)
    view = CampaignView(write_campaign([*both(small, 0.02, 0.01), *both(large, 0.2, 0.1)]), "c1")
    assert list(view.titles.values()) == ["alexnet 64 px, batch 8", "alexnet 64 px, batch 64"]
    one = CampaignView(write_campaign(both(small, 0.02, 0.01), name="one"), "c1")
    assert list(one.titles.values()) == ["alexnet 64 px"]
