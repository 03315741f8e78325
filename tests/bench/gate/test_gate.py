"""The parity gate: errors that do not change shapes are rejected, and correct contestants are timed."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from simulated import opened

from bench.cost.memory import HOST_BYTES
from bench.cost.workload import has_several_sizes
from bench.gate.evidence_cache import NO_CACHE, EvidenceCache
from bench.gate.gate import Gate
from bench.gate.parity import SEEDS, TOLERANCES, judge, tolerances
from bench.gate.question import Question
from bench.launch.fake import Behaviour, FakeLauncher, Fault
from bench.launch.weights import Weights
from bench.worker import models, tasks
from bench.worker.evidence import FIRST, Evidence, mean_loss, signature, summarize
from bench.worker.messages import EvidenceGiven, GiveEvidence, Load, ProbeArithmetic, to_line
from impls.frameworks import Model, Plan, frameworks
from impls.host import nvidia
from results.schema.record import Case, Contestant, Status, Workload
from results.store.campaigns import read_campaign

INFERRING = ("onnx:onnxruntime",)
RIGHT = ("pytorch:eager", "pytorch:eager-nhwc", "pytorch:idiomatic", "tensorflow:graph", "jax:jit", *INFERRING)
PLANTED = tuple(f"outside.planted:{error}" for error in ("wrong-pad", "wrong-alpha", "swapped-flatten", "stale-replay"))

SUITE = f"""
title = "injected errors among correct contestants"
contestants = {list(RIGHT + PLANTED)}
launches = 1
turns = 1
rounds = 1
round_seconds = 0.001
warmup_seconds = 0.001
warmup_limit = 0.01
max_retries = 0
sustained = 0
controls = false

[[workloads]]
architectures = ["outside-alexnet"]
sizes = ["33x25"]
classes = 10
batches = [2]
phases = ["infer", "gradient"]
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
    phases = {"infer": {}, "gradient": {}}
    for record in read_campaign(folder).records:
        phases[record.case.workload.phase][record.case.contestant.id] = record
    assert phases["infer"], done.stdout + done.stderr
    return phases


@pytest.mark.slow
@pytest.mark.parametrize("contestant", PLANTED)
def test_a_planted_error_is_a_mismatch_and_has_no_time(records, contestant):
    for phase in records.values():
        record = phase[contestant]
        assert record.status is Status.MISMATCH
        assert record.seconds == ()
        assert "allowed 1e-05" in record.reason
        assert "the gradient of" in record.reason


@pytest.mark.slow
@pytest.mark.parametrize("contestant", RIGHT)
def test_contestants_that_agree_are_timed_and_their_errors_recorded(records, contestant):
    record = records["infer"][contestant]
    assert record.status is Status.MEASURED, record.reason
    assert record.parity.contestants == len(RIGHT + PLANTED)
    assert record.parity.scores <= 1e-5
    if contestant in INFERRING:
        assert (record.parity.gradients, record.parity.worst_gradient) == (None, "")
        skipped = records["gradient"][contestant]
        assert (skipped.status, skipped.reason) == (Status.SKIPPED, "runs inference only")
    else:
        assert record.parity.gradients <= 1e-4
        assert records["gradient"][contestant].status is Status.MEASURED


def evidence(rng, **changes) -> Evidence:
    gradient = rng.standard_normal((4, 3, 3, 3))
    given = {
        "scores": [[1.0, -2.0]],
        "loss": 0.5,
        "gradients": {"c.weight": signature("c.weight", gradient)},
        **changes,
    }
    return Evidence(**{**given, "scores": summarize(np.array(given["scores"]))})


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


def test_one_without_gradients_is_judged_by_its_scores_and_loss_and_leaves_the_others_their_median():
    def one(**changes):
        return evidence(np.random.default_rng(1), **changes)

    deployed, wrong = one(gradients=None), one(gradients={"c.weight": [1.0, 0.5, 0.5, 0.5, 0.5]})
    assert judged(one(), deployed, one()) == ["", "", ""]
    assert judged(one(), one(gradients=None, loss=0.6), one())[1]
    complaints = judged(one(), deployed, wrong)
    assert complaints[1] == ""
    for complaint in (complaints[0], complaints[2]):
        assert "the gradient of c.weight differs" in complaint
        assert "from the median of 2 contestants; with two contestants it is unknown which is right" in complaint
    assert judged(deployed, deployed) == ["", ""]


def test_with_batch_normalisation_the_losses_of_scores_are_compared_with_each_other():
    """In training mode it uses the batch, so the two losses differ."""
    rng = np.random.default_rng(1)
    trained, deployed = evidence(rng, loss=0.7, scores_loss=0.5), evidence(rng, gradients=None, loss=0.5)
    deployed = replace(deployed, scores_loss=0.5)
    assert judged(trained, replace(deployed), trained) == ["", "", ""]
    assert "the loss differs" in judged(trained, replace(deployed, loss=0.6, scores_loss=0.6), trained)[1]
    assert "the loss differs" in judged(trained, deployed, replace(trained, loss=0.8), trained)[2]


def test_networks_are_compared_on_scores_alone_where_inference_alone_is_timed():
    first = Question(LENET, CONTESTANTS).cases()[0].workload
    alone = Question(LENET, CONTESTANTS, gradients=False).cases()[0].workload
    assert (first.phase, alone.phase) == ("gradient", "infer")


def test_a_model_for_several_sizes_is_examined_as_it_is_timed():
    """One graph with open axes is another graph than that of one size, which is all that some executions have."""
    stream = replace(LENET, stream="exact", parts=((32, 32, 1), (36, 32, 1)))
    other = replace(LENET, stream="alternate-32-36", parts=((32, 32, 1), (36, 36, 1), (32, 32, 1)))
    resized = replace(LENET, stream="resized-32", parts=((32, 32, 8),))
    asked = Contestant("onnx", "openvino"), CONTESTANTS[0]
    (several, fixed), same, (one, _) = (
        [case.workload for case in Question(workload, asked).cases()] for workload in (stream, other, resized)
    )
    assert same == [several, fixed]
    assert has_several_sizes(several)
    assert one == fixed
    assert not has_several_sizes(fixed)
    assert (fixed.stream, fixed.batch, several.batch) == ("", 1, 1)


@pytest.mark.parametrize("rejection", [None, 0.1])
def test_the_loss_of_scores_is_the_mean_cross_entropy(rejection):
    scores, labels = np.array([[1.0, -2.0, 0.5], [700.0, 0.0, -3.0]]), np.array([0, 1])
    others = [] if rejection is None else [-rejection]
    odds = [np.longdouble([*row, *others]) for row in scores]
    right = np.mean(
        [np.log(np.exp(row - row.max()).sum()) + row.max() - row[label] for row, label in zip(odds, labels)]
    )
    assert mean_loss(scores, labels, rejection) == pytest.approx(float(right), rel=1e-12)


def test_parity_refuses_both_of_two_that_differ():
    rng = np.random.default_rng(1)
    complaints = judged(
        evidence(rng, gradients={"c.weight": [1.0, 0.5, 0.5]}), evidence(rng, gradients={"c.weight": [1.0, 0.6, 0.5]})
    )
    assert all("it is unknown which is right" in complaint for complaint in complaints)


IMAGES, CLASSES = 32, 1000
"""Many more scores than are sent one by one."""


def far(scores: np.ndarray) -> np.ndarray:
    """Scores with errors beyond those that are sent one by one."""
    return np.where(np.arange(scores.size).reshape(scores.shape) < FIRST, 0, scores)


WRONG_SCORES = {
    "all, by a small share": lambda scores, rng: scores * 1.00003,
    "all, at random": lambda scores, rng: scores + far(3e-5 * rng.standard_normal(scores.shape)),
    "of one image": lambda scores, rng: scores + far(np.eye(IMAGES)[:, [7]] * 1e-3 * rng.standard_normal(CLASSES)),
    "of one class": lambda scores, rng: scores + far(np.eye(CLASSES)[[500]] * np.full((IMAGES, 1), 1e-3)),
    "two images exchanged": lambda scores, rng: scores[[0, 2, 1, *range(3, IMAGES)]],
    "two classes exchanged": lambda scores, rng: scores[:, [*range(CLASSES - 2), CLASSES - 1, CLASSES - 2]],
    "the last is NaN": lambda scores, rng: np.where(scores == scores[-1, -1], np.nan, scores),
    "the last is infinite": lambda scores, rng: np.where(scores == scores[-1, -1], np.inf, scores),
}


@pytest.mark.parametrize("error", WRONG_SCORES)
def test_an_error_is_seen_in_the_summary_of_more_scores_than_are_sent(error):
    rng = np.random.default_rng(4)
    right = rng.standard_normal((IMAGES, CLASSES)).astype(np.float32)
    rounded = right * (1 + 1e-7 * rng.standard_normal(right.shape))
    complaints = judged(
        evidence(np.random.default_rng(1), scores=right),
        evidence(np.random.default_rng(1), scores=WRONG_SCORES[error](right, rng)),
        evidence(np.random.default_rng(1), scores=rounded),
    )
    assert complaints[0] == complaints[2] == ""
    assert complaints[1].startswith("a score differs by")


def test_evidence_stays_small_whatever_the_network():
    line = to_line(EvidenceGiven(evidence(np.random.default_rng(1), scores=np.ones((IMAGES, CLASSES))), 0))
    assert len(line) < 1000


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


@pytest.mark.parametrize("error", ["one row", "one column", "one value", "of rank one", "a flipped sign"])
def test_a_signature_sees_an_error_of_any_structure(error):
    rng = np.random.default_rng(5)
    gradient = rng.standard_normal((64, 32, 3, 3)).astype(np.float32)
    wrong = gradient.copy()
    if error == "one row":
        wrong[5] += 0.01 * rng.standard_normal(wrong[5].shape)
    elif error == "one column":
        wrong[:, 7, 1, 2] += 0.1
    elif error == "one value":
        wrong[63, 31, 2, 2] += 1
    elif error == "of rank one":
        wrong += 0.01 * np.multiply.outer(rng.standard_normal(64), rng.standard_normal((32, 3, 3)))
    else:
        wrong[9] *= -1
    norm, *_ = right = signature("c.weight", gradient)
    assert np.max(np.abs(np.subtract(signature("c.weight", wrong), right))) > 1e-4 * norm


@pytest.mark.parametrize(("shape", "scale"), [((5,), 1), ((1, 7, 2), 1), ((3, 4), 1e-30), ((3, 4), 1e30)])
def test_a_signature_is_of_any_shape_and_size(shape, scale):
    array = np.random.default_rng(6).standard_normal(shape).astype(np.float32) * np.float32(scale)
    norm, *products = signature("any", array)
    assert norm == pytest.approx(float(np.linalg.norm(array.astype(float))), rel=1e-6)
    assert np.all(np.abs(products) <= np.abs(array.astype(float)).sum() * (1 + 1e-6))


class Planned(Exception):
    """The plan is known, and that is enough."""


def planned(monkeypatch) -> list[Plan]:
    """The plans of the models that a worker is to build."""
    plans: list[Plan] = []

    def build(plan):
        plans.append(plan)
        raise Planned

    framework = SimpleNamespace(build=build, execution=lambda name: SimpleNamespace(any_size=True))
    monkeypatch.setattr(models, "load_framework", lambda name: framework)
    return plans


def test_what_is_compiled_for_the_gate_is_not_found_by_a_launch(monkeypatch):
    """Otherwise the first call of a contestant with an on-disk compile cache would exclude the compilation."""
    plans = planned(monkeypatch)
    workload = Workload("lenet5", 32, 32, 1, 10, 1, "float32", "cpu", "infer")
    case = Case(workload, Contestant("any", "one"))
    for request in (GiveEvidence(case, weights="", seed=0), Load(case, weights="", seed=0)):
        with pytest.raises(Planned):
            tasks.Dispatcher().answer(request)
    assert [plan.cold for plan in plans] == [True, False]


class Replaying(Model):
    """Scores and gradients are the images' sums, of the batch that `stale` chooses from all calls of the phase."""

    def __init__(self, stale):
        self.stale, self.calls = stale, {"infer": [], "gradient": []}

    def put(self, images, labels):
        return images.sum((1, 2, 3))

    def infer(self, batch):
        self.calls["infer"].append(batch)
        return np.outer(self.stale(self.calls["infer"]), np.arange(LENET.classes))

    def gradient(self, batch):
        self.calls["gradient"].append(batch)
        return np.zeros(()), {"w": self.stale(self.calls["gradient"])}

    def to_numpy(self, outputs):
        return outputs

    def gradients(self, outputs):
        return outputs[1]

    def load(self, weights, statistics): ...
    def weights(self): ...
    def statistics(self): ...
    def forward(self, batch): ...
    def train(self, batch): ...
    def synchronize(self, outputs): ...


STALE = {
    "none": lambda calls: calls[-1],
    "the first call's": lambda calls: calls[0] if len(calls) >= 3 else calls[-1],
    "the recorded call's": lambda calls: calls[1] if len(calls) >= 3 else calls[-1],
    "the call's before": lambda calls: calls[-2] if len(calls) >= 2 else calls[-1],
}
CALLS = [("cuda", stale, 3) for stale in STALE] + [("cpu", stale, 2) for stale in ("none", "the call's before")]


@pytest.mark.parametrize(("device", "stale", "made"), CALLS)
def test_evidence_is_of_a_replay_and_shows_a_stale_batch(monkeypatch, device, stale, made):
    """As a worker is asked: other images first, then those of the first seed. Only on cards do executions record."""
    given = {}
    for name in ("none", stale):
        model = Replaying(STALE[name])
        monkeypatch.setattr(tasks, "build", lambda *_, model=model, **more: model)
        asked = replace(LENET, phase="gradient", device=device)
        worker, case = tasks.Dispatcher(), Case(asked, Contestant("pytorch", "eager"))
        given[name] = [worker.answer(GiveEvidence(case, "", seed)).evidence for seed in reversed(SEEDS)]
        assert [len(calls) for calls in model.calls.values()] == [made, made]
    right, found = given["none"][1], given[stale][1]
    assert (found.scores == right.scores) == (found.gradients == right.gradients) == (stale == "none")


@pytest.mark.parametrize(
    ("request_of", "cold"),
    [
        (lambda case: GiveEvidence(case, "", 0), True),
        (lambda case: Load(case, "", 0, cold=True), True),
        (lambda case: Load(case, "", 0), False),
    ],
    ids=["the gate", "a launch that compiles anew", "a launch"],
)
def test_a_cold_process_on_a_card_compiles_into_folders_of_its_own(monkeypatch, request_of, cold):
    plans = planned(monkeypatch)
    monkeypatch.setattr(os, "environ", {"TRITON_CACHE_DIR": "/campaign/triton", "CUDA_CACHE_PATH": "/campaign/cuda"})
    with pytest.raises(Planned):
        tasks.Dispatcher().answer(request_of(Case(CUDA, Contestant("pytorch", "compile"))))
    folder = f"/campaign/cold-{os.getpid()}" if cold else "/campaign"
    assert os.environ == {"TRITON_CACHE_DIR": f"{folder}/triton", "CUDA_CACHE_PATH": f"{folder}/cuda"}
    assert [plan.cold for plan in plans] == [cold]


@pytest.mark.parametrize(("device", "threads"), [("cuda", 1), ("cpu", None)])
def test_what_the_gate_runs_on_a_card_compiles_in_one_thread(monkeypatch, device, threads):
    """Each further thread would be a process, of every launch that runs at a time."""
    plans = planned(monkeypatch)
    case = Case(replace(LENET, device=device), Contestant("pytorch", "compile"))
    for request in (GiveEvidence(case, "", 0), ProbeArithmetic(case), Load(case, "", 0, cold=True)):
        with pytest.raises(Planned):
            tasks.Dispatcher().answer(request)
    assert [plan.compile_threads for plan in plans] == [threads, threads, None]


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


CONTESTANTS = tuple(Contestant("fake-clock", name) for name in ("slow", "fast", "level"))
LENET = Workload("lenet5", 32, 32, 1, 10, 1, "float32", "cpu", "infer")
GOOD = Evidence(scores=summarize(np.array([[0.25, 0.75]])), loss=0.5, gradients={"weight": [1.0, 0.5, 0.25]})
WRONG = replace(GOOD, scores=summarize(np.array([[0.25, 0.76]])))
TIE = replace(GOOD, gradients={"weight": [1.01, 0.5, 0.25]})


class Examined:
    """What a gate with simulated launches said of one question, and what it asked for."""

    def __init__(self, launcher: FakeLauncher, results: dict):
        self.results, self.requests = results, launcher.requests
        self.launches, self.most_open = launcher.launches, launcher.most_open

    @property
    def statuses(self) -> list:
        return [self.results[one].status for one in CONTESTANTS]

    def asked(self, kind: type) -> list:
        return [one.request for one in self.requests if isinstance(one.request, kind)]


def examine(*behaviours: Behaviour, workload: Workload = LENET, cache: EvidenceCache = NO_CACHE, **options) -> Examined:
    """What comes of one question to contestants that behave so; `options` are the gate's."""
    known = dict(zip(CONTESTANTS, behaviours))
    return examined_by(lambda case, launch: known[case.contestant], workload, cache, **options)


def examined_by(script, workload: Workload = LENET, cache: EvidenceCache = NO_CACHE, **options) -> Examined:
    with opened(script) as launcher:
        room = {"memory": 2**50, "host": 2**50, "concurrent": 3}
        gate = Gate(launcher, Weights(launcher.folder), **{**room, "cache": cache, **options})
        (results,) = gate.examine([Question(workload, CONTESTANTS)])
    return Examined(launcher, results)


RIGHT_ONE = Behaviour(evidence=GOOD)


class TestGate:
    """The gate on launches that are simulated."""

    def test_examine_passes_contestants_that_agree(self):
        found = examine(*[RIGHT_ONE] * 3)
        assert found.statuses == [None] * 3
        assert {one.parity.contestants for one in found.results.values()} == {3}
        assert {one.arithmetic for one in found.results.values()} == {"float32"}

    @pytest.mark.parametrize("options", [dict(memory=1), dict(concurrent=1)])
    def test_examine_judges_all_together_however_few_fit_at_a_time(self, options):
        found = examine(*[RIGHT_ONE] * 3, **options)
        assert {one.parity.contestants for one in found.results.values()} == {3}

    def test_examine_refuses_the_contestant_that_differs_and_the_one_that_fails(self):
        crash = Fault(GiveEvidence, Status.CRASHED, "killed by SIGSEGV")
        assert examine(RIGHT_ONE, RIGHT_ONE, Behaviour(evidence=WRONG)).statuses == [None, None, Status.MISMATCH]
        found = examine(RIGHT_ONE, RIGHT_ONE, Behaviour(faults=(crash,)))
        assert found.statuses == [None, None, Status.CRASHED]
        assert found.results[CONTESTANTS[2]].reason == "killed by SIGSEGV"

    def test_examine_refuses_a_launch_that_does_not_start(self):
        never = Behaviour(faults=(Fault(None, Status.CRASHED, "its zygote died"),))
        assert examine(never, RIGHT_ONE, RIGHT_ONE).statuses == [Status.CRASHED, None, None]

    def test_examine_refuses_evidence_of_another_shape(self):
        other = replace(GOOD, gradients={**GOOD.gradients, "bias": [1.0, 0.5, 0.25]})
        found = examine(RIGHT_ONE, RIGHT_ONE, Behaviour(evidence=other))
        assert found.statuses == [None, None, Status.MISMATCH]
        assert "2 gradients, unlike most contestants" in found.results[CONTESTANTS[2]].reason

    def test_examine_asks_again_where_only_gradients_differ_as_ties_do(self):
        found = examine(RIGHT_ONE, RIGHT_ONE, Behaviour(evidence=TIE))
        assert found.statuses == [None, None, Status.MISMATCH], "it differs by as much on every image"
        asked = [(one.case.workload.precision, one.seed) for one in found.asked(GiveEvidence)]
        assert set(asked) == {("float32", SEEDS[0]), ("float32", SEEDS[1]), ("float32", SEEDS[1] + 1)}

    def test_examine_clears_a_tie_that_other_images_do_not_have(self):
        once = [Behaviour(evidence=TIE)]

        def script(case: Case, launch: int) -> Behaviour:
            return once.pop() if once and case.contestant == CONTESTANTS[2] else RIGHT_ONE

        found = examined_by(script)
        assert found.statuses == [None] * 3
        errors = found.results[CONTESTANTS[2]].parity
        assert errors.gradients == pytest.approx(0.01), "the record keeps what was seen first"
        assert errors.cleared == "other images"
        assert found.results[CONTESTANTS[0]].parity.cleared == ""

    def test_other_images_are_looked_at_in_the_launch_that_gave_the_first_evidence(self):
        found = examine(*[RIGHT_ONE] * 3)
        assert len(found.launches) == 3
        assert {(one.case.contestant, one.seed) for one in found.asked(GiveEvidence)} == {
            (contestant, seed) for contestant in CONTESTANTS for seed in SEEDS
        }

    def test_examine_takes_one_image_of_a_stream(self):
        stream = replace(LENET, stream="tens-32", parts=((32, 32, 10),), batch=10)
        found = examine(*[RIGHT_ONE] * 3, workload=stream)
        assert {(one.case.workload.stream, one.case.workload.batch) for one in found.launches} == {("", 1)}

    @pytest.mark.parametrize(("batch", "images"), [(1, 1), (2, 2), (32, 2)])
    def test_examine_takes_two_images_at_most(self, batch, images):
        found = examine(*[RIGHT_ONE] * 3, workload=replace(LENET, batch=batch))
        assert {one.case.workload.batch for one in found.launches} == {images}

    def test_examine_refuses_another_arithmetic_and_passes_over_a_probe_that_fails(self):
        cannot = replace(RIGHT_ONE, faults=(Fault(ProbeArithmetic, Status.SKIPPED, "no convolution"),))
        found = examine(RIGHT_ONE, replace(RIGHT_ONE, arithmetic="bfloat16"), cannot)
        assert found.statuses == [None, Status.MISMATCH, None]
        assert found.results[CONTESTANTS[1]].reason == "computes in bfloat16 where float32 was requested"
        assert [found.results[one].arithmetic for one in CONTESTANTS] == ["float32", "bfloat16", ""]
        assert {found.results[one].parity.contestants for one in (CONTESTANTS[0], CONTESTANTS[2])} == {2}

    def test_a_probe_is_made_once_in_a_launch_that_gives_evidence_anyway(self):
        with opened(lambda case, launch: RIGHT_ONE) as launcher:
            gate = Gate(launcher, Weights(launcher.folder), 2**50)
            questions = [Question(replace(LENET, height=side), CONTESTANTS) for side in (32, 36, 40)]
            found = list(gate.examine(questions))
        assert {one.arithmetic for results in found for one in results.values()} == {"float32"}
        kinds = Counter(type(one.request) for one in launcher.requests)
        assert kinds == {GiveEvidence: 9 * len(SEEDS), ProbeArithmetic: 3}
        assert len(launcher.launches) == 9

    def test_a_probe_whose_launch_gave_no_evidence_is_made_in_one_of_its_own(self):
        def script(case: Case, launch: int) -> Behaviour:
            fails = case.workload.batch == 1 and case.contestant == CONTESTANTS[0]
            return replace(RIGHT_ONE, faults=(Fault(GiveEvidence, Status.SKIPPED),)) if fails else RIGHT_ONE

        with opened(script) as launcher:
            gate = Gate(launcher, Weights(launcher.folder), 2**50)
            first, second = gate.examine([Question(replace(LENET, batch=batch), CONTESTANTS) for batch in (1, 2)])
        assert first[CONTESTANTS[0]].status is Status.SKIPPED
        assert (second[CONTESTANTS[0]].status, second[CONTESTANTS[0]].arithmetic) == (None, "float32")

    def test_networks_are_examined_at_once_and_judged_in_their_order(self):
        """A slow contestant of the first network does not keep the others from computing."""

        def script(case: Case, launch: int) -> Behaviour:
            slow = case.workload.batch == 1 and case.contestant == CONTESTANTS[0]
            return replace(RIGHT_ONE, evidence_seconds=50.0 if slow else 10.0)

        with opened(script) as launcher:
            gate = Gate(launcher, Weights(launcher.folder), 2**50, concurrent=2)
            questions = [Question(replace(LENET, batch=batch), CONTESTANTS) for batch in (1, 2)]
            ends = [launcher.clock() for _ in gate.examine(questions)]
        own_probes = 3 * 10.0
        assert ends[-1] < 50.0 + 5 * 10.0 + own_probes, "one after another it would take as long as all of them"
        batches = [one.case.workload.batch for one in launcher.launches]
        assert batches == [1, 1, 1, 2, 2, 2]

    def test_nothing_is_begun_after_the_deadline_and_networks_without_all_evidence_have_no_result(self):
        with opened(lambda case, launch: replace(RIGHT_ONE, evidence_seconds=10.0)) as launcher:
            gate = Gate(launcher, Weights(launcher.folder), 2**50, concurrent=3)
            questions = [Question(replace(LENET, height=side), CONTESTANTS) for side in (32, 36, 40)]
            found = list(gate.examine(questions, lambda: launcher.clock() < 25.0))
        assert len(found) == 2
        assert len(launcher.launches) == 6

    def test_examine_compares_several_devices_with_one(self):
        """Errors that all contestants make on several devices alike are seen."""
        divided = replace(LENET, batch=32, devices=4)
        launched = {(one.case.workload.devices, one.case.workload.batch) for one in _divided(divided, GOOD).launches}
        assert launched == {(4, 8), (1, 8)}, "two images a device, and the same images on one"
        assert _divided(divided, GOOD).statuses == [None] * 3
        found = _divided(divided, WRONG)
        assert found.statuses == [Status.MISMATCH] * 3
        reason = found.results[CONTESTANTS[0]].reason
        assert "from the median of 6 contestants (each on 4 devices and on one)" in reason

    def test_examine_leaves_out_one_device_where_its_launch_fails(self):
        crash = Behaviour(faults=(Fault(GiveEvidence, Status.CRASHED, "killed by SIGSEGV"),))
        found = examined_by(
            lambda case, launch: RIGHT_ONE if case.workload.devices == 2 else crash, replace(LENET, batch=2, devices=2)
        )
        assert found.statuses == [None] * 3
        assert {one.parity.contestants for one in found.results.values()} == {3}

    def test_a_launch_short_of_memory_in_company_is_examined_again_alone(self):
        """The second time it has all of the memory, and the others wait for it."""
        launched = Counter()

        def script(case: Case, launch: int) -> Behaviour:
            launched[case.contestant] += 1
            short = case.contestant == CONTESTANTS[1] and launched[case.contestant] == 1
            return replace(RIGHT_ONE, faults=(Fault(GiveEvidence, Status.OUT_OF_MEMORY),)) if short else RIGHT_ONE

        found = examined_by(script)
        assert found.statuses == [None] * 3
        assert launched == {CONTESTANTS[0]: 1, CONTESTANTS[1]: 2, CONTESTANTS[2]: 1}

    @pytest.mark.parametrize(("concurrent", "launches"), [(3, 2), (1, 1)])
    def test_a_launch_short_of_memory_alone_is_out(self, concurrent, launches):
        short = replace(RIGHT_ONE, faults=(Fault(GiveEvidence, Status.OUT_OF_MEMORY),))
        found = examine(RIGHT_ONE, short, RIGHT_ONE, concurrent=concurrent)
        assert found.statuses == [None, Status.OUT_OF_MEMORY, None]
        assert [one.case.contestant for one in found.launches].count(CONTESTANTS[1]) == launches

    @pytest.mark.parametrize(("device", "elsewhere"), [("cpu", "cuda"), ("cuda", "cpu")])
    def test_outputs_that_are_on_another_device_are_a_mismatch(self, device, elsewhere):
        there, here = (replace(RIGHT_ONE, evidence=replace(GOOD, devices=(where,))) for where in (elsewhere, device))
        found = examine(here, there, here, workload=replace(LENET, device=device))
        assert found.statuses == [None, Status.MISMATCH, None]
        assert found.results[CONTESTANTS[1]].reason == f"its outputs are on {elsewhere} where {device} was requested"
        assert found.results[CONTESTANTS[0]].parity.contestants == 2

    LISTED = {
        "all": (lambda ours: ours, [None] * 3),
        "all but one": (lambda ours: ours[:1] + ours[2:], [None, Status.SKIPPED, None]),
        "ids of the host, as many": (lambda ours: [1, 2, 3], [None] * 3),
        "ids of the host, as many as the last has beside it": (
            lambda ours: [1],
            [Status.SKIPPED, Status.SKIPPED, None],
        ),
        "none": (lambda ours: [], [Status.SKIPPED] * 3),
        "the driver does not tell": (lambda ours: None, [Status.SKIPPED] * 3),
    }

    @pytest.mark.parametrize("listed", LISTED)
    def test_a_model_that_does_not_tell_where_its_outputs_are_must_be_seen_on_the_card(self, monkeypatch, listed):
        list_of, statuses = self.LISTED[listed]
        ours: list[int] = []

        def process_ids():
            found = list_of(sorted(ours))
            return None if found is None else frozenset(found)

        monkeypatch.setattr(nvidia, "process_ids", process_ids)
        monkeypatch.setattr(FakeLauncher, "launch", noting(ours, FakeLauncher.launch))
        found = examine(*[RIGHT_ONE] * 3, workload=replace(LENET, device="cuda"))
        assert found.statuses == statuses
        assert all("its Model must tell where" in one.reason for one in found.results.values() if one.status)

    def test_no_model_needs_to_tell_on_the_cpu(self):
        assert examine(*[RIGHT_ONE] * 3).statuses == [None] * 3


def _divided(workload: Workload, on_several: Evidence) -> Examined:
    return examined_by(
        lambda case, launch: Behaviour(evidence=on_several if case.workload.devices > 1 else GOOD), workload
    )


def noting(ours: list[int], launch):
    """`launch`, whose processes' ids go to `ours`."""

    def noted(self, *arguments):
        worker, seconds = launch(self, *arguments)
        ours.append(worker.pid)
        return worker, seconds

    return noted


DOUBLE = tuple(Contestant("pytorch", name) for name in ("eager", "compile", "idiomatic"))
SINGLE = Contestant("keras", "torch")
CUDA = replace(LENET, device="cuda")
FAR = {"inside": 5e-4, "outside": 5e-3}


def on_card(evidence: Evidence) -> Behaviour:
    return Behaviour(evidence=replace(evidence, devices=("cuda",)))


def examined_on_card(wrong: dict, contestants=(*DOUBLE, SINGLE), precision: str = "float32") -> dict:
    """The results of contestants on a card; `wrong`: relative error of the scores by contestant and precision."""
    workload = replace(CUDA, precision=precision)

    def script(case: Case, launch: int) -> Behaviour:
        error = wrong.get((case.contestant, case.workload.precision), 0.0)
        return on_card(replace(GOOD, scores=summarize(np.array([[0.25, 0.75 * (1 + error)]]))))

    with opened(script) as launcher:
        (results,) = Gate(launcher, Weights(launcher.folder), 2**50).examine([Question(workload, contestants)])
    return results


class TestWitness:
    """One contestant has ties on all images in float32, and none in float64, where asking takes launches."""

    def test_one_that_passed_is_the_witness(self):
        results, launches = self.examined(RIGHT_ONE)
        assert [results[one].status for one in DOUBLE] == [None] * 3
        assert results[DOUBLE[2]].parity.cleared == "float64"
        in_float64 = {case.contestant for case in launches if case.workload.precision == "float64"}
        assert in_float64 == {DOUBLE[0], DOUBLE[2]}

    @pytest.mark.parametrize("given", [WRONG, TIE], ids=["scores", "gradients"])
    def test_what_differs_from_the_witness_too_is_refused(self, given):
        results, _ = self.examined(RIGHT_ONE, tied=Behaviour(evidence=given))
        assert [results[one].status for one in DOUBLE] == [None, None, Status.MISMATCH]

    def test_a_witness_that_gives_no_evidence_clears_nobody(self):
        crash = Fault(GiveEvidence, Status.CRASHED, "killed by SIGSEGV")
        results, _ = self.examined(Behaviour(evidence=GOOD, faults=(crash,)))
        assert [results[one].status for one in DOUBLE] == [None, None, Status.MISMATCH]

    def examined(self, witness: Behaviour, tied: Behaviour = RIGHT_ONE) -> tuple[dict, list[Case]]:
        """The results, and the launches' cases. In float64 `witness` is the first contestant, `tied` the third."""

        def script(case: Case, launch: int) -> Behaviour:
            if case.workload.precision == "float64":
                return {DOUBLE[0]: witness, DOUBLE[2]: tied}.get(case.contestant, RIGHT_ONE)
            return Behaviour(evidence=TIE) if case.contestant == DOUBLE[2] else RIGHT_ONE

        with opened(script) as launcher:
            gate = Gate(launcher, Weights(launcher.folder), memory=2**50, host=2**50, concurrent=3)
            (results,) = gate.examine([Question(LENET, DOUBLE)])
            return results, [one.case for one in launcher.launches]


class TestGateOnACard:
    """float32 is judged within what algorithms chosen by speed leave; that networks are equal is proved in float64."""

    @pytest.mark.parametrize(
        ("device", "room", "most"), [("cuda", 4, 3), ("cuda", 2, 2), ("cuda", 0, 1), ("cpu", 0, 3)]
    )
    def test_launches_are_no_more_than_the_host_has_memory_for(self, device, room, most):
        """A launch takes of it wherever it computes; on the CPU that is in the estimate of its network."""
        there = Behaviour(evidence=replace(GOOD, devices=(device,)))
        found = examine(*[there] * 3, workload=replace(LENET, device=device), host=room * HOST_BYTES)
        assert (found.most_open, found.statuses) == (most, [None] * 3)

    def test_in_exclusive_mode_one_launch_at_a_time_has_the_card_those_that_repeat_included(self):
        """As the campaign's runner says it: no memory is left for a second one."""
        short, differs = CONTESTANTS[1:]

        def script(case: Case, launch: int) -> Behaviour:
            if case.contestant == short:
                return replace(on_card(GOOD), faults=(Fault(GiveEvidence, Status.OUT_OF_MEMORY),))
            return on_card(
                replace(TIE, gradients={"weight": [1.05, 0.5, 0.25]}) if case.contestant == differs else GOOD
            )

        found = examined_by(script, CUDA, memory=0, concurrent=17)
        assert found.most_open == 1
        again = {one.seed for one in found.asked(GiveEvidence) if one.case.contestant == differs} - set(SEEDS)
        assert again, "its gradients are looked at on other images"
        assert found.results[short].status is Status.OUT_OF_MEMORY

    def test_errors_of_fast_algorithms_pass_and_are_recorded(self):
        found = examined_on_card({(DOUBLE[1], "float32"): FAR["inside"]})
        assert {one.status for one in found.values()} == {None}
        assert found[DOUBLE[1]].parity.scores == pytest.approx(FAR["inside"], rel=0.01)
        assert [found[one].parity.identity for one in (*DOUBLE, SINGLE)] == ["float64"] * 3 + [""]

    def test_an_error_that_float32_could_hide_shows_in_float64(self):
        wrong = {(DOUBLE[1], precision): FAR["inside"] for precision in ("float32", "float64")}
        found = examined_on_card(wrong)
        assert [found[one].status for one in (*DOUBLE, SINGLE)] == [None, Status.MISMATCH, None, None]
        assert found[DOUBLE[1]].reason.startswith("in float64: a score differs by")

    @pytest.mark.parametrize("contestant", [DOUBLE[1], SINGLE], ids=lambda one: one.id)
    def test_gross_errors_in_float32_are_a_mismatch(self, contestant):
        found = examined_on_card({(contestant, "float32"): FAR["outside"]})
        assert [one for one, result in found.items() if result.status is Status.MISMATCH] == [contestant]

    def test_an_only_one_that_computes_in_float64_proves_nothing(self):
        assert examined_on_card({}, (DOUBLE[0], SINGLE))[DOUBLE[0]].parity.identity == ""

    def test_one_without_float64_proves_its_network_in_float32_where_less_is_timed(self):
        found = examined_on_card({}, precision="tf32")
        assert [found[one].parity.identity for one in (*DOUBLE, SINGLE)] == ["float64"] * 3 + ["float32"]
        (_, double, single) = Question(replace(CUDA, precision="tf32"), (*DOUBLE, SINGLE)).asked()
        assert (double.workload.precision, double.contestants) == ("float64", DOUBLE)
        assert (single.workload.precision, single.contestants) == ("float32", (SINGLE, *DOUBLE[:2]))

    def test_an_error_that_tf32_could_hide_shows_in_float32_and_costs_no_witness(self):
        found = examined_on_card({(SINGLE, one): FAR["outside"] for one in ("tf32", "float32")}, precision="tf32")
        assert [found[one].status for one in (*DOUBLE, SINGLE)] == [None, None, None, Status.MISMATCH]
        assert found[SINGLE].reason.startswith("in float32: a score differs by")
        witness = examined_on_card({(DOUBLE[0], "float32"): FAR["outside"]}, precision="tf32")
        assert [witness[one].status for one in (*DOUBLE, SINGLE)] == [None] * 4

    @pytest.mark.parametrize(("precision", "asked"), [("float32", 2), ("float64", 1), ("bfloat16", 3)])
    def test_none_is_asked_in_a_precision_after_that_which_is_timed(self, precision, asked):
        assert len(Question(replace(CUDA, precision=precision), (*DOUBLE, SINGLE)).asked()) == asked
        assert len(Question(replace(LENET, precision=precision), (*DOUBLE, SINGLE)).asked()) == 1

    def test_a_launch_that_fails_in_float64_leaves_what_is_timed_to_decide(self):
        def script(case: Case, launch: int) -> Behaviour:
            fails = case.contestant == DOUBLE[1] and case.workload.precision == "float64"
            return replace(on_card(GOOD), faults=(Fault(GiveEvidence, Status.CRASHED),)) if fails else on_card(GOOD)

        with opened(script) as launcher:
            (found,) = Gate(launcher, Weights(launcher.folder), 2**50).examine([Question(CUDA, DOUBLE)])
        assert {one.status for one in found.values()} == {None}
        assert [found[one].parity.identity for one in DOUBLE] == ["float64", "", "float64"]


def test_tolerances_on_the_cpu_are_those_of_direct_sums():
    assert tolerances("cpu") == TOLERANCES
    assert {name for name in TOLERANCES if tolerances("cuda")[name] != TOLERANCES[name]} == {"float32"}
