"""What speaks against believing a launch or a case, from made-up conditions and times; and that a file adds a flag."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from docs import generate
from impls import registry
from reports.sections.quality import certainty
from results import advice, quality
from results.quality.comparability import other_precision
from results.quality.interference import Disturbance, contaminations
from results.quality.stability import bimodal, drift, drifts, split_modes
from results.schema.record import Case, Conditions, Contestant, Parity, Record
from results.schema.system import System
from results.store.campaigns import StoredCampaign
from results.tables.cases import cases
from tests.support.made_up import measured, workload

CASE = Case(workload(), Contestant("alpha", "eager"))
QUIET = Conditions(
    2,
    wall=(0.1,) * 4,
    own_cpu=(0.19,) * 4,
    foreign_cpu=(0.0, 0.01, -0.01, 0.0),
    steal=(0.0,) * 4,
    pressure=(0.01,) * 4,
    major_faults=(0,) * 4,
    runnable=(3,) * 4,
)


def launch(conditions: Conditions | None, number: int = 0, seconds: float = 0.1, steady: bool | None = True) -> Record:
    return replace(measured(CASE, number, [seconds] * 4), conditions=conditions, turns=(0, 3), warmup_converged=steady)


def test_a_quiet_launch_has_rates_and_no_complaint():
    seen = Disturbance.of(QUIET)
    assert seen.process_cpus_used == pytest.approx(1.9)
    assert seen.other_cpus_used == pytest.approx(0)
    assert seen.pressure == pytest.approx(0.1)
    assert seen.runnable == 3
    assert contaminations([launch(QUIET)]) == ()


def test_what_the_system_does_not_tell_is_unknown_and_no_contamination():
    for conditions in (None, Conditions(2), Conditions(2, wall=(0.1,), own_cpu=(0.1,), major_faults=(0,))):
        assert math.isnan(Disturbance.of(conditions).other_cpus_used)
        assert contaminations([launch(conditions)]) == ()


def test_a_neighbour_and_a_hypervisor_are_seen():
    burner = replace(QUIET, foreign_cpu=(0.07,) * 4)
    stolen = replace(QUIET, steal=(0.05,) * 4)
    assert contaminations([launch(burner)]) == ("cpu_contention",)
    assert contaminations([launch(stolen)]) == ("steal",)


def test_what_a_quota_withholds_is_seen():
    stopped = replace(QUIET, throttled=(0.0, 0.009, 0.0, 0.0), throttled_periods=(0, 2, 1, 0))
    seen = Disturbance.of(stopped)
    assert seen.throttled == pytest.approx(0.009 / (4 * 0.1 * 2))
    assert seen.throttled_periods == 3
    assert contaminations([launch(stopped)]) == ("throttled",)


def test_periods_in_which_a_quota_was_used_up_are_no_contamination_by_themselves():
    """One thread under a quota of one core uses it up again and again, and loses next to nothing by that."""
    barely = replace(QUIET, throttled=(0.001,) * 4, throttled_periods=(1,) * 4)
    assert contaminations([launch(barely)]) == ()
    assert contaminations([launch(replace(barely, throttled=()))]) == ()
    assert math.isnan(Disturbance.of(QUIET).throttled), "no quota is known of"


def test_what_the_systems_ticks_leave_open_is_not_held_against_a_short_launch():
    """Two ticks too many in 40 ms look like half a core, and may be none."""
    short = Conditions(2, wall=(0.02, 0.02), own_cpu=(0.03, 0.03), foreign_cpu=(0.01, 0.01), steal=(0.0, 0.0))
    assert Disturbance.of(short).other_cpus_used == pytest.approx(0.5)
    assert contaminations([launch(short)]) == ()
    assert contaminations([launch(short)] * 4) == ("cpu_contention",), "four times in a row it is no chance"


def test_on_many_cores_a_small_share_of_one_is_no_contention():
    many = replace(QUIET, cores=64, wall=(10.0,) * 4, foreign_cpu=(20.0,) * 4, steal=(0.0,) * 4)
    assert contaminations([launch(many)]) == ()


def flags(*launches: Record) -> str:
    (row,) = cases([StoredCampaign(Path("made-up"), System(), launches)]).to_dict("records")
    return row["quality_flags"]


def test_flags_name_each_kind_once():
    paging = replace(QUIET, major_faults=(0, 7, 0, 0), foreign_cpu=(0.09,) * 4)
    assert flags(launch(paging, 0), launch(paging, 1, steady=False)) == (
        "cpu_contention, major_faults, warmup_not_converged"
    )
    empty = replace(launch(QUIET), parity=Parity(0.0, 0.0, 0.0, "w", 2, "every gradient is 0"))
    assert flags(empty, empty) == "empty_parity"
    assert flags(*(launch(QUIET, n, steady=None) for n in range(3))) == ""


SEEN = {
    "tf32": ("tf32", ""),
    "tf32 as float32": ("float32", "float32"),
    "tf32 at times": ("tf32, float32", "float32"),
    "float32 as tf32": ("tf32", "tf32"),
    "bfloat16-weights": ("bfloat16", ""),
    "bfloat16 unseen": ("", ""),
}


@pytest.mark.parametrize("case", SEEN)
def test_another_precision_than_requested_is_named(case):
    seen, other = SEEN[case]
    assert other_precision({"precision": case.partition(" ")[0], "effective_precision": seen}) == other


def test_a_case_that_computes_in_another_precision_is_flagged():
    quiet = launch(QUIET)
    tf32 = replace(quiet, case=replace(quiet.case, workload=replace(quiet.case.workload, precision="tf32")))
    assert flags(replace(tf32, effective_precision="float32")) == "other_precision"
    assert flags(replace(tf32, effective_precision="tf32")) == ""


def noisy(count: int, spread: float, seed: int) -> np.ndarray:
    return np.exp(np.random.default_rng(seed).normal(0, spread, count))


def test_two_kinds_of_launches_are_seen_and_one_kind_seldom_taken_for_two():
    kinds = noisy(10, 0.01, 1) * np.where(np.arange(10) % 3 == 0, 2.0, 1.0)
    assert bimodal(kinds)
    taken = sum(bimodal(noisy(10, 0.02, seed)) for seed in range(500))
    assert taken < 25


def test_the_two_kinds_are_told_apart_and_one_of_many_may_be_a_kind():
    same = [1.0, 1.01, 0.99, 1.03]
    assert split_modes([2.0, *same, 2.02]) == (sorted(same), [2.0, 2.02])
    assert split_modes([*same, 1.0, 1.02]) is None
    assert split_modes([*same, 2.0, *same]) is None
    assert split_modes([*same, 2.0, *same, 1.0]) == (sorted([*same, *same, 1.0]), [2.0])


def test_drift_is_a_share_with_its_direction():
    assert drift(1 + 0.02 * np.arange(6)) == pytest.approx(0.1, abs=0.002)
    assert drift(1 / (1 + 0.02 * np.arange(6))) == pytest.approx(1 / 1.1 - 1, abs=0.002)
    assert drift([1.0, 1.001, 1.002, 1.003, 1.004, 1.005]) == 0, "within the band"


def test_drift_is_seen_and_noise_seldom_taken_for_it():
    assert drifts(noisy(10, 0.005, 1) * (1 + 0.01 * np.arange(10)))
    taken = sum(drifts(noisy(10, 0.02, seed)) for seed in range(500))
    assert taken < 25


def test_few_or_equal_launches_show_no_pattern():
    assert not bimodal([1.0, 1.0, 2.0])
    assert not drifts([1.0, 2.0, 3.0])
    assert not bimodal([1.0] * 8)
    assert not drifts([1.0] * 8)


ADDED = """
from results.quality import Flag, in_each

EVEN = Flag(
    name="even",
    meaning="it has an even number of launches",
    detect=in_each(lambda launches: len(launches) % 2 == 0),
    describe=lambda seen: f"an even number of launches, {len(seen.launches)}",
    hint="add one",
)
"""


@pytest.fixture
def even(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[quality.Flag]:
    """A flag in a file that is added to the registry's folder."""
    (tmp_path / "even.py").write_text(ADDED)
    monkeypatch.setattr(quality, "__path__", [*quality.__path__, str(tmp_path)])
    quality.flags.cache_clear()
    yield quality.flags()["even"]
    quality.flags.cache_clear()
    sys.modules.pop("results.quality.even", None)


def test_a_flag_in_a_file_of_the_folder_is_raised_said_explained_and_documented(even: quality.Flag) -> None:
    two, three = ([launch(QUIET, number) for number in range(count)] for count in (2, 3))
    assert flags(*two) == "even"
    assert flags(*three) == ""
    campaign = StoredCampaign(Path("made-up"), System(), two)
    notes = {note["what"]: note["remedy"] for note in advice.warnings_for(campaign)}
    assert notes["1 case: an even number of launches, 2"] == even.hint
    (said,) = certainty.flags(cases([campaign]))
    assert (said.name, said.meaning, said.cases) == ("even", even.meaning, [CASE.id])
    assert f"| `even` | {even.meaning} | {even.hint} |" in " ".join(generate.flags().split())


def test_flags_have_names_of_their_own() -> None:
    found = [
        flag for module in registry.modules_in(quality.__name__) for flag in registry.instances_in(module, quality.Flag)
    ]
    assert len({flag.name for flag in found}) == len(found) == len(quality.flags())
