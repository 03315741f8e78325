"""The parity gate: errors that do not change shapes are rejected, and correct contestants are timed."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from bench.launch.fake import Behaviour, FakeLauncher, Fault, VirtualClock
from bench.launch.weights import Weights
from bench.runner.gate import Gate
from bench.runner.parity import TOLERANCES, judge
from bench.worker import tasks
from bench.worker.evidence import Evidence, signature
from bench.worker.messages import GiveEvidence, Load, ProbeArithmetic
from impls.frameworks import frameworks
from results.schema.record import Case, Contestant, Status, Workload
from results.store.campaigns import read_campaign

RIGHT = ("pytorch:eager", "pytorch:eager-nhwc", "tensorflow:graph", "jax:jit")
PLANTED = ("outside.planted:wrong-pad", "outside.planted:wrong-alpha", "outside.planted:swapped-flatten")

SUITE = f"""
title = "injected errors among correct contestants"
contestants = {list(RIGHT + PLANTED)}
launches = 1
turns = 1
rounds = 1
round_seconds = 0.001
warmup_seconds = 0.001
sustained = 0

[[workloads]]
architectures = ["alexnet"]
sizes = ["99x131"]
classes = 10
batches = [2]
phases = ["infer"]
"""


@pytest.fixture(scope="module")
def records(run, tmp_path_factory):
    if missing := [framework.missing() for framework in frameworks().values() if framework.missing()]:
        pytest.skip("; ".join(map(str, missing)))
    home = tmp_path_factory.mktemp("gate")
    (home / "planted.toml").write_text(SUITE)
    asked = f"--suite={home / 'planted.toml'}", f"--results={home / 'data'}", "--no-report"
    done = run("pytest", "--benchmark-only", *asked)
    (folder,) = (home / "data").iterdir()
    found = {record.case.contestant.id: record for record in read_campaign(folder).records}
    assert found, done.stdout + done.stderr
    return found


@pytest.mark.parametrize("contestant", PLANTED)
def test_a_planted_error_is_a_mismatch_and_has_no_time(records, contestant):
    record = records[contestant]
    assert record.status is Status.MISMATCH
    assert record.seconds == ()
    assert "allowed 1e-05" in record.reason


@pytest.mark.parametrize("contestant", RIGHT)
def test_contestants_that_agree_are_timed_and_their_errors_recorded(records, contestant):
    record = records[contestant]
    assert record.status is Status.MEASURED, record.reason
    assert record.parity.contestants == len(RIGHT + PLANTED)
    assert record.parity.scores <= 1e-5
    assert record.parity.gradients <= 1e-4


def evidence(rng, **changes) -> Evidence:
    gradient = rng.standard_normal((4, 3, 3, 3))
    given = {"scores": [[1.0, -2.0]], "loss": 0.5, "gradients": {"c.weight": signature("c.weight", gradient)}}
    return Evidence(**{**given, **changes})


def judged(*given: Evidence) -> list[str]:
    contestants = {Contestant("f", str(number)): one for number, one in enumerate(given)}
    return [complaint for _, complaint in judge(contestants, TOLERANCES["float32"]).values()]


@pytest.mark.parametrize(
    "change",
    [
        {"scores": [[1.0, -2.0001]]},
        {"scores": [[1.0, float("nan")]]},
        {"loss": 0.5001},
        {"loss": float("inf")},
    ],
)
def test_parity_tells_one_that_differs_from_two_that_agree(change):
    def one(**changes):
        return evidence(np.random.default_rng(1), **changes)

    complaints = judged(one(), one(**change), one())
    assert complaints[0] == complaints[2] == ""
    assert complaints[1]


def test_parity_refuses_both_of_two_that_differ():
    rng = np.random.default_rng(1)
    complaints = judged(
        evidence(rng, gradients={"c.weight": [1.0, 0.5, 0.5]}), evidence(rng, gradients={"c.weight": [1.0, 0.6, 0.5]})
    )
    assert all("it is unknown which is right" in complaint for complaint in complaints)


@pytest.mark.parametrize("axes", [(1, 0, 2, 3), (0, 1, 3, 2), (0, 2, 1, 3)])
def test_a_signature_sees_swapped_axes_that_leave_the_norm(axes):
    gradient = np.random.default_rng(2).standard_normal((3, 3, 3, 3))
    norm, *sums = signature("c.weight", gradient)
    other_norm, *other_sums = signature("c.weight", gradient.transpose(axes))
    assert norm == pytest.approx(other_norm)
    assert np.max(np.abs(np.subtract(sums, other_sums))) > 1e-2 * norm


def test_a_signature_sees_a_difference_of_the_size_of_the_tolerance():
    rng = np.random.default_rng(3)
    gradient = rng.standard_normal((64, 64))
    error = rng.standard_normal(gradient.shape)
    error *= 3e-4 * np.linalg.norm(gradient) / np.linalg.norm(error)
    seen = np.abs(np.subtract(signature("w", gradient + error), signature("w", gradient))) / np.linalg.norm(gradient)
    assert np.max(seen) > 1e-4


def test_what_is_compiled_for_the_gate_is_not_found_by_a_launch(monkeypatch):
    """Otherwise the first call of a contestant with an on-disk compile cache would exclude the compilation."""

    class Planned(Exception):
        """The plan is known, and that is enough."""

    plans = []

    def build(plan):
        plans.append(plan)
        raise Planned

    framework = SimpleNamespace(build=build, execution=lambda name: SimpleNamespace(any_size=True))
    monkeypatch.setattr(tasks, "load_framework", lambda name: framework)
    workload = Workload("lenet5", 32, 32, 1, 10, 1, "float32", "cpu", "infer")
    case = Case(workload, Contestant("any", "one"))
    for request in (GiveEvidence(case, weights="", seed=0), Load(case, weights="", seed=0)):
        with pytest.raises(Planned):
            tasks.Dispatcher().answer(request)
    assert [plan.cold for plan in plans] == [True, False]


ALIKE = {
    "gradients of 0": ({"gradients": {"c.weight": [0.0, 0.0, 0.0]}}, "every gradient is 0"),
    "equal scores": ({"scores": [[0.5, 0.5], [0.5, 0.5]]}, "all scores are equal"),
    "both": (
        {"scores": [[0.0, 0.0]], "gradients": {"c.weight": [0.0, 0.0, 0.0]}},
        "every gradient is 0 and all scores are equal",
    ),
    "neither": ({}, ""),
    "a single score": ({"scores": [[3.0]]}, ""),
}


@pytest.mark.parametrize("case", ALIKE)
def test_agreement_on_what_is_the_same_for_any_network_is_said_to_show_nothing(case):
    changes, why = ALIKE[case]
    given = {Contestant("f", name): evidence(np.random.default_rng(1), **changes) for name in "ab"}
    for parity, complaint in judge(given, TOLERANCES["float32"]).values():
        assert (parity.shows_nothing, complaint) == (why, "")


class TestGate:
    """The gate on launches that are simulated."""

    CASES = tuple(Contestant("fake-clock", name) for name in ("slow", "fast", "level"))
    LENET = Workload("lenet5", 32, 32, 1, 10, 1, "float32", "cpu", "infer")
    GOOD = Evidence(scores=[[0.25, 0.75]], loss=0.5, gradients={"weight": [1.0, 0.5, 0.25]})

    @pytest.fixture
    def gate(self, tmp_path):
        with ExitStack() as alive:

            def gate(*behaviours: Behaviour, memory: int = 2**50) -> Gate:
                known = dict(zip(self.CASES, behaviours))
                launcher = alive.enter_context(
                    FakeLauncher(VirtualClock(), lambda case, launch: known[case.contestant], 60.0)
                )
                return Gate(launcher, Weights(tmp_path), memory)

            yield gate

    def statuses(self, found):
        return [found[one].status if one in found else "not asked" for one in self.CASES]

    def test_examine_passes_contestants_that_agree(self, gate):
        found = gate(*[Behaviour(evidence=self.GOOD)] * 3).examine(self.LENET, self.CASES)
        assert self.statuses(found) == [None] * 3
        assert {one.parity.contestants for one in found.values()} == {3}

    def test_examine_in_parts_judges_all_together(self, gate):
        found = gate(*[Behaviour(evidence=self.GOOD)] * 3, memory=1).examine(self.LENET, self.CASES)
        assert {one.parity.contestants for one in found.values()} == {3}

    def test_examine_refuses_the_contestant_that_differs_and_the_one_that_fails(self, gate):
        wrong = replace(self.GOOD, scores=[[0.25, 0.76]])
        crash = Fault(GiveEvidence, Status.CRASHED, "killed by SIGSEGV")
        behaviours = Behaviour(evidence=self.GOOD), Behaviour(evidence=self.GOOD), Behaviour(evidence=wrong)
        assert self.statuses(gate(*behaviours).examine(self.LENET, self.CASES)) == [None, None, Status.MISMATCH]
        behaviours = Behaviour(evidence=self.GOOD), Behaviour(evidence=self.GOOD), Behaviour(faults=(crash,))
        found = gate(*behaviours).examine(self.LENET, self.CASES)
        assert self.statuses(found) == [None, None, Status.CRASHED]
        assert found[self.CASES[2]].reason == "killed by SIGSEGV"

    def test_examine_refuses_a_launch_that_does_not_start(self, gate):
        never = Behaviour(faults=(Fault(None, Status.CRASHED, "its zygote died"),))
        found = gate(never, *[Behaviour(evidence=self.GOOD)] * 2).examine(self.LENET, self.CASES)
        assert self.statuses(found) == [Status.CRASHED, None, None]

    def test_examine_refuses_evidence_of_another_shape(self, gate):
        other = replace(self.GOOD, gradients={**self.GOOD.gradients, "bias": [1.0, 0.5, 0.25]})
        behaviours = Behaviour(evidence=self.GOOD), Behaviour(evidence=self.GOOD), Behaviour(evidence=other)
        found = gate(*behaviours).examine(self.LENET, self.CASES)
        assert self.statuses(found) == [None, None, Status.MISMATCH]
        assert "2 gradients, unlike most contestants" in found[self.CASES[2]].reason

    def test_examine_asks_again_where_only_gradients_differ_as_ties_do(self, gate):
        tie = replace(self.GOOD, gradients={"weight": [1.01, 0.5, 0.25]})
        behaviours = Behaviour(evidence=self.GOOD), Behaviour(evidence=self.GOOD), Behaviour(evidence=tie)
        under_test = gate(*behaviours)
        found = under_test.examine(self.LENET, self.CASES)
        assert self.statuses(found) == [None, None, Status.MISMATCH], "it differs by as much on every image"
        asked = [one.request for one in under_test.launcher.requests if isinstance(one.request, GiveEvidence)]
        assert [(one.case.workload.precision, one.seed) for one in asked[::3]] == [
            ("float32", 0),
            ("float32", 1),
            ("float32", 2),
        ]

    def test_examine_clears_a_tie_that_other_images_do_not_have(self, gate):
        tie = replace(self.GOOD, gradients={"weight": [1.01, 0.5, 0.25]})
        good = Behaviour(evidence=self.GOOD)
        under_test = gate(good, good, good)
        once = [Behaviour(evidence=tie)]

        def script(case: Case, launch: int) -> Behaviour:
            return once.pop() if once and case.contestant == self.CASES[2] else good

        with FakeLauncher(VirtualClock(), script, 60.0) as launcher:
            found = replace(under_test, launcher=launcher).examine(self.LENET, self.CASES)
        assert self.statuses(found) == [None] * 3
        assert found[self.CASES[2]].parity.gradients == pytest.approx(0.01), "the record keeps what was seen first"

    def test_examine_takes_one_image_of_a_stream(self, gate):
        under_test = gate(*[Behaviour(evidence=self.GOOD)] * 3)
        stream = replace(self.LENET, stream="tens-32", parts=((32, 32, 10),), batch=10)
        under_test.examine(stream, self.CASES)
        assert {(one.case.workload.stream, one.case.workload.batch) for one in under_test.launcher.launches} == {
            ("", 1)
        }

    def test_identify_refuses_another_arithmetic_and_passes_over_a_probe_that_fails(self, gate):
        cannot = Behaviour(faults=(Fault(ProbeArithmetic, Status.SKIPPED, "no convolution"),))
        found = gate(Behaviour(), Behaviour(arithmetic="bfloat16"), cannot).identify(self.LENET, self.CASES)
        assert self.statuses(found) == [None, Status.MISMATCH, "not asked"]
        assert found[self.CASES[1]].reason == "computes in bfloat16 where float32 was requested"
        assert found[self.CASES[0]].arithmetic == "float32"
