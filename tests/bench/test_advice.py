"""What is said of a campaign: for every flag a sentence with the figures measured, and what to do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from results import advice, quality
from results.quality.stability import MIN_LAUNCHES_BOTH_MODES
from results.schema.record import CardConditions, Case, Conditions, Contestant, Parity, Record
from results.schema.system import system_of
from results.store.campaigns import StoredCampaign
from tests.support.made_up import SYSTEM, measured, probe, workload

ALPHA, BETA, GAMMA = (Contestant(name, "eager") for name in ("alpha", "beta", "gamma"))
CASE = Case(workload(), ALPHA)
QUIET = Conditions(2, (0.1,) * 4, (0.1,) * 4, (0.0,) * 4, (0.0,) * 4, (0.0,) * 4, (0,) * 4, (1,) * 4)


def launches(case: Case, *seconds: float, **facts: object) -> list[Record]:
    return [replace(measured(case, number, [one]), **facts) for number, one in enumerate(seconds)]


def said(*records: Record, system: dict = SYSTEM) -> list[advice.Note]:
    told = system_of({**system, "warnings": [], "stop": "complete"})
    return advice.warnings_for(StoredCampaign(Path("made-up"), told, records))


def phases(**seconds: float) -> list[Record]:
    """A case of each phase whose launches hardly differ."""
    return [
        one
        for phase, middle in seconds.items()
        for one in launches(Case(workload(phase=phase), ALPHA), *(middle * (1 + n / 1e4) for n in (0, 4, 2, 5, 1, 3)))
    ]


SEEN: dict[str, tuple[Sequence[Record], str]] = {
    "cpu_contention": (
        [
            *launches(CASE, 0.01, conditions=replace(QUIET, foreign_cpu=(0.07,) * 4)),
            replace(measured(CASE, 1, [0.01]), conditions=replace(QUIET, foreign_cpu=(0.03,) * 4)),
        ],
        "1 case: other processes used up to 0.70 cores during a launch, 0.50 on average",
    ),
    "steal": (
        launches(CASE, 0.01, conditions=replace(QUIET, steal=(0.01,) * 4)),
        "1 case: the hypervisor gave up to 5.0% of a launch's CPU time to other guests (limit: 1%)",
    ),
    "throttled": (
        [
            *launches(CASE, 0.01, conditions=replace(QUIET, throttled=(0.1,) * 4, throttled_periods=(1,) * 4)),
            replace(
                measured(CASE, 1, [0.01]), conditions=replace(QUIET, throttled=(0.0,) * 4, throttled_periods=(0,) * 4)
            ),
        ],
        "1 case: the CPU quota was used up in up to 4 periods of a launch and withheld up to 50.0% of its CPU time "
        "(limit: 1%)",
    ),
    "warmup_not_converged": (
        launches(CASE, 0.01, 0.01, warmup_converged=False),
        "1 case: step times had not converged when warm-up ended, in 2 launches",
    ),
    "major_faults": (
        launches(CASE, 0.01, conditions=replace(QUIET, major_faults=(0, 7, 0, 2))),
        "1 case: 9 major page faults (pages read from disk) during timed rounds",
    ),
    "fallback": (
        launches(CASE, 0.01, fallback="gives up after 1"),
        "1 case: not executed as requested: gives up after 1",
    ),
    "bimodal": (
        launches(CASE, 0.01, 0.02, 0.01, 0.01, 0.02, 0.01),
        f"1 case: launches have two modes (4 launches of 10 ms and 2 launches of 20 ms in {CASE.id}); ",
    ),
    "drift": (
        launches(CASE, *(0.01 * 1.02**number for number in range(6))),
        "1 case: launch times increase or decrease during the campaign "
        f"(by +10.4% from the first to the last in {CASE.id})",
    ),
    "other_precision": (
        launches(CASE, 0.01, effective_precision="tf32"),
        "1 case: their products were seen to be computed in tf32 where float32 was requested",
    ),
    "empty_parity": (
        launches(CASE, 0.01, parity=Parity(0.0, 0.0, 0.0, "w", 2, "every gradient is 0")),
        "1 case: agreement of the contestants is no evidence of the same network: every gradient is 0",
    ),
    "above_peak": (
        [*launches(Case(probe("probe-matmul"), ALPHA), 0.1), *launches(CASE, 0.0005)],
        "1 case: more multiply-accumulates per second than this machine's peak probes reached: "
        f"up to 2.00 times as many in {CASE.id}",
    ),
    "non_monotonic": (
        phases(forward=0.004, gradient=0.01, train=0.009),
        "1 case: less time than the same contestant takes for a part of that work "
        f"(9 ms for {Case(workload(phase='train'), ALPHA).id}, 10 ms for {Case(workload(phase='gradient'), ALPHA).id})",
    ),
    "gpu_shared": (
        launches(CASE, 0.01, card=CardConditions(foreign_processes=(0, 2))),
        "1 case: up to 2 other compute processes were on the GPU between turns",
    ),
    "gpu_throttled": (
        launches(CASE, 0.01, card=CardConditions(slowed_by=("", "its temperature", "", ""))),
        "1 case: the GPU had lowered its clocks after up to 25% of a launch's turns: its temperature",
    ),
    "gpu_clock": (
        launches(CASE, 0.01, card=CardConditions(clock_hz=(1.2e9, 1.8e9))),
        "1 case: the GPU's clock differed by up to 50.0% between turns of a case (1200 to 1800 MHz; limit: 2%)",
    ),
}
"""By flag: what makes it fire, and how its sentence begins."""


def test_every_flag_is_made_to_fire_here():
    assert SEEN.keys() == quality.flags().keys()


@pytest.mark.parametrize("flag", SEEN)
def test_a_flag_is_said_with_its_figures_and_what_to_do(flag):
    records, sentence = SEEN[flag]
    found = {note["what"]: note["remedy"] for note in said(*records) if "too few" not in note["what"]}
    (what,) = found
    assert what.startswith(sentence)
    assert found[what] == quality.flags()[flag].hint


def test_of_many_cases_the_worst_is_told():
    mild = launches(Case(workload(phase="train"), ALPHA), 0.01, 0.011, 0.01, 0.01, 0.011, 0.01)
    (what,) = [note["what"] for note in said(*mild, *SEEN["bimodal"][0]) if "have two modes" in note["what"]]
    assert what.startswith("2 cases: launches have two modes (4 launches of 10 ms and 2 launches of 20 ms in ")


@pytest.mark.parametrize(
    ("count", "told"), [(1, False), (2, True), (MIN_LAUNCHES_BOTH_MODES - 1, True), (MIN_LAUNCHES_BOTH_MODES, False)]
)
def test_too_few_launches_for_two_kinds_to_show_are_said_once(count, told):
    records = [one for contestant in (ALPHA, BETA) for one in launches(Case(workload(), contestant), *[0.01] * count)]
    notes = {note["what"]: note["remedy"] for note in said(*records) if "too few" in note["what"]}
    assert len(notes) == told
    for what, remedy in notes.items():
        assert what.startswith(f"2 cases: {count} launches may be too few to detect a bimodal case; ")
        assert f"at least {MIN_LAUNCHES_BOTH_MODES} `launches`" in remedy


def supports_checkpointing(*parts: tuple[Contestant, ...]) -> list[Record]:
    return [
        replace(measured(Case(workload(), contestant), 0, [0.01]), subset=number)
        for number, part in enumerate(parts)
        for contestant in part
    ]


def test_contestants_that_did_not_fit_in_memory_together_are_told_of():
    def parts(*these: tuple[Contestant, ...]) -> list[str]:
        return [
            note["what"] for note in said(*supports_checkpointing(*these)) if "did not fit in memory" in note["what"]
        ]

    assert parts((ALPHA, BETA, GAMMA)) == []
    assert parts((ALPHA, BETA), (ALPHA, GAMMA)) == [
        "1 group did not fit in memory and ran in 2 subsets, each with the reference, ratios paired within a subset"
    ]
    assert parts((ALPHA,), (BETA,), (GAMMA,)) == [
        "1 group did not fit in memory and ran in 3 subsets, one contestant each, no ratios"
    ]


def test_a_budget_that_was_spent_is_said_with_the_launches_that_there_are_and_how_to_go_on():
    system = {**SYSTEM, "warnings": [], "stop": "budget", "suite": {"budget": 60, "launches": [3, 5]}}
    notes = advice.warnings_for(StoredCampaign(Path("made-up"), system_of(system), tuple(launches(CASE, 0.01, 0.011))))
    (note,) = [note for note in notes if "budget" in note["what"]]
    assert note["what"] == "the time budget of 60 s was spent after 2 launches per case; the suite asks for 3 to 5"
    assert note["remedy"] == "resume with --resume made-up, raise --budget, or select fewer cases with -k"


def test_undecided_verdicts_are_counted_by_what_is_known_of_them():
    times = {
        "wide": (0.5, 1.0, 2.0),  # unclear
        "bounded": (1.0, 1.1, 1.05),  # within a percent that is not decided
        "narrow": (1.0, 1.02, 1.01),  # within 4 %
        "equal": (1.0, 1.0, 1.0),
    }
    reference = launches(Case(workload(), ALPHA), 1.0, 1.0, 1.0)
    others = [one for who, own in times.items() for one in launches(Case(workload(), Contestant(who, "x")), *own)]
    (note,) = [one for one in said(*reference, *others) if "undecided" in one["what"]]
    assert note["what"].startswith("2 of 4 verdicts are undecided (1 unclear, 1 within 25 %): intervals up to ±")
    assert "launches are needed for half of them" in note["remedy"]


def test_without_an_undecided_verdict_nothing_is_said_of_them():
    records = [one for who in (ALPHA, BETA) for one in launches(Case(workload(), who), 1.0, 1.0, 1.0)]
    assert not [one for one in said(*records) if "undecided" in one["what"]]


@pytest.mark.parametrize(
    ("decidable", "what"),
    [(1, "1 of them"), (9, "9 verdicts, also of networks without a launch")],
    ids=["known", "new"],
)
def test_what_more_time_would_decide_is_what_the_schedule_expected(decidable, what):
    records = [*launches(CASE, 0.01, 0.012), *launches(Case(workload(), BETA), 0.01, 0.02)]
    left = {"undecided": decidable, "decidable": decidable, "seconds": 200.0}
    notes = said(*records, system={**SYSTEM, "remainder": left})
    (note,) = [note for note in notes if "undecided" in note["what"]]
    assert note["remedy"] == f"--resume made-up --budget 4m is expected to decide {what}"


def test_what_a_part_of_a_campaign_left_undecided_is_not_taken_for_the_whole():
    records = [*launches(CASE, 0.01, 0.012), *launches(Case(workload(), BETA), 0.01, 0.02)]
    (note,) = [note for note in said(*records, system={**SYSTEM, "remainder": {}}) if "undecided" in note["what"]]
    assert "--resume" not in note["remedy"]
