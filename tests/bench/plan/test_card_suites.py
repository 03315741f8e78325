"""Suites on a card, of which none is needed to plan them: their cases, and whether the schedule would measure them."""

from __future__ import annotations

import pytest

from bench.networks.probes import probed, probes_on
from bench.plan import suite as suites
from bench.plan.cases import cases
from bench.plan.controls import with_controls
from bench.scheduling.allocation import SPARE, Allocation
from bench.scheduling.ledger import Ledger
from docs.cards import PREFIX, expected_seconds, planned

FOR_CARDS = [name for name in suites.suite_names() if name.startswith(PREFIX)]
COMPARED = [name for name in FOR_CARDS if not suites.load_suite(name).largest_batch]


@pytest.mark.parametrize("name", suites.suite_names())
def test_every_suite_is_planned_on_a_card(name: str) -> None:
    suite = suites.load_suite(name)
    found = with_controls(suite, cases(suite, "cuda"))
    assert found
    assert {case.workload.device for case in found} == {"cuda"}
    assert len({case.id for case in found}) == len(found)


@pytest.mark.parametrize("name", COMPARED)
def test_a_suite_for_cards_is_expected_to_end_within_its_budget(name: str) -> None:
    suite = suites.load_suite(name)
    assert SPARE * expected_seconds(suite) <= suite.budget


@pytest.mark.parametrize("name", COMPARED)
def test_every_network_of_a_suite_for_cards_is_expected_to_fit(name: str) -> None:
    """What a schedule expects not to fit is not even examined: large batches are, though they are much more work."""
    suite, ledger = suites.load_suite(name), planned(suites.load_suite(name))
    ledger.await_gate(group.workload.network_id for group in ledger.groups())
    expected = Allocation(suite).expected(ledger, [], suite.budget)
    assert {group.id for group in expected} == {group.id for group in ledger.groups()}


def test_the_first_suite_has_three_precisions_a_copy_and_every_probe() -> None:
    ledger = planned(suites.load_suite("gpu-first"))
    own = [case for case in ledger.cases if not probed(case.workload.architecture)]
    assert {case.workload.precision for case in own} >= {"float32", "tf32", "bfloat16"}
    assert {case.workload.launch_id for case in own if case.contestant.copy} == {
        case.workload.launch_id for case in own
    }
    probes = {case.workload.architecture for case in ledger.cases} - {case.workload.architecture for case in own}
    assert probes == {probe.architecture.name for probe in probes_on("cuda")}


def test_a_sweep_has_batches_from_1_to_1024() -> None:
    suite = suites.load_suite("gpu-batches")
    for entry in suite.workloads:
        assert (entry.batches[0], entry.batches[-1]) == (1, 1024)
    assert suite.latency


def test_a_ledger_of_a_card_needs_no_card() -> None:
    assert isinstance(planned(suites.load_suite("gpu")), Ledger)
