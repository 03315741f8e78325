"""Controls: one contestant of every network is planned twice, and which one changes from network to network."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from simulated import A, B, C, cases, lenet, suite

from bench.networks.probes import PROBES
from bench.plan import cases as plan_cases
from bench.plan.controls import with_controls
from bench.plan.suite import load_suite
from results.schema.record import Contestant

FOUR = [lenet(phase) for phase in ("infer", "forward", "gradient", "train")]


@given(st.integers(1, 6), st.integers(1, 3), st.integers(1, 4))
def test_one_contestant_of_every_network_is_copied_in_all_its_phases(networks, contestants, phases):
    workloads = [lenet(one.phase, batch=2**number) for number in range(networks) for one in FOUR[:phases]]
    plain = cases(workloads, (A, B, C)[:contestants])
    planned = with_controls(suite(controls=True), plain)
    copies = planned[len(plain) :]
    assert planned[: len(plain)] == plain
    assert len(copies) == networks * phases
    for number in range(networks):
        own = [case for case in copies if case.workload.batch == 2**number]
        assert [case.workload.phase for case in own] == [one.phase for one in FOUR[:phases]]
        assert {case.contestant.original for case in own} == {(A, B, C)[number % contestants]}
        assert {case.contestant.copy for case in own} == {1}


@pytest.mark.parametrize("phases", [("infer", "train"), ("infer",)])
def test_a_contestant_that_runs_fewer_phases_than_others_is_not_copied(phases):
    deployed = Contestant("onnx", "onnxruntime")
    workloads = [lenet(phase, batch=2**number) for number in range(4) for phase in phases]
    planned = with_controls(suite(controls=True), cases(workloads, (deployed, A)))
    copied = {case.contestant.original for case in planned if case.contestant.copy}
    assert copied == ({A} if "train" in phases else {A, deployed})


def test_a_copy_has_a_name_of_its_own():
    (copy,) = with_controls(suite(controls=True), cases((lenet(),), (A,)))[1:]
    assert copy.contestant.id == f"{A.id}#1"
    assert copy.contestant.original == A


@pytest.mark.parametrize("changes", [{"controls": False}, {"controls": True, "largest_batch": True}])
def test_a_suite_may_have_no_controls(changes):
    plain = cases((lenet(),), (A, B))
    assert with_controls(suite(**changes), plain) == plain


def test_a_probe_of_the_machine_has_no_control():
    quick = load_suite("quick")
    planned = with_controls(quick, plan_cases.cases(quick, "cpu"))
    copied = {case.workload.architecture for case in planned if case.contestant.copy}
    assert copied == {"lenet5", "nin-cifar10", "alexnet", "vgg-a", "zf5-spp"}
    assert not copied & {probe.architecture.name for probe in PROBES}
