"""What an exception in a launch makes of its case, and how the phases of a loaded contestant take turns."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator

import numpy as np
import pytest

from bench.worker import messages
from bench.worker.messages import CheckOutputs, FirstCall, MeasureLatency, MeasureMemory, RunTurn, SustainedRun, WarmUp
from bench.worker.models import put_batch
from bench.worker.session import MOST_SETTLING, UNTIMED_STEPS, ContestantSession, Growth
from bench.worker.tasks import status_of
from bench.worker.warmup import LEAST_ON_CARD
from impls.errors import Unavailable, Unsupported
from impls.frameworks import PHASES, Model
from results.schema.record import Status
from tests.support.exceptions import NOT_OF_MEMORY, SHORT_OF_MEMORY
from tests.support.made_up import workload


@pytest.mark.parametrize("problem", SHORT_OF_MEMORY.values(), ids=SHORT_OF_MEMORY)
def test_a_framework_short_of_memory_is_out_of_memory(problem: Exception) -> None:
    assert status_of(problem) is Status.OUT_OF_MEMORY


@pytest.mark.parametrize("problem", NOT_OF_MEMORY.values(), ids=NOT_OF_MEMORY)
def test_any_other_exception_is_failed(problem: Exception) -> None:
    assert status_of(problem) is Status.FAILED


@pytest.mark.parametrize("problem", [Unavailable("no compiler"), Unsupported("no such layer")])
def test_what_cannot_run_here_is_skipped(problem: Exception) -> None:
    assert status_of(problem) is Status.SKIPPED


class Scores:
    """Outputs of a step, which can be weakly referenced."""

    def __init__(self, values: list[float]):
        self.values = np.array(values)


class Counting(Model):
    """Compiles each phase at its first call, and `infer` again at its third; `train` overflows at its fourth step."""

    def __init__(self) -> None:
        self.steps: list[str] = []
        self.outputs: list[weakref.ref[Scores]] = []
        self._compilations = self.waited = 0

    @property
    def compilations(self) -> int:
        return self._compilations

    @property
    def alive(self) -> int:
        """Outputs that are still held."""
        return sum(one() is not None for one in self.outputs)

    def _step(self, phase: str) -> Scores:
        self.steps.append(phase)
        made = self.steps.count(phase)
        self._compilations += made == 1 or (phase == "infer" and made == 3)
        scores = Scores([np.inf if phase == "train" and made >= 4 else 1.0])
        self.outputs.append(weakref.ref(scores))
        return scores

    def infer(self, batch):
        return self._step("infer")

    def forward(self, batch):
        return self._step("forward")

    def gradient(self, batch):
        return self._step("gradient"), {}

    def train(self, batch):
        return self._step("train")

    def synchronize(self, outputs):
        self.waited += 1

    def to_numpy(self, outputs):
        return outputs.values

    def load(self, weights, statistics): ...
    def weights(self): ...
    def statistics(self): ...
    def put(self, images, labels): ...
    def gradients(self, outputs): ...


class ScriptedResident:
    """In place of bench.machine.resident.Resident: `sizes` after the next rounds, in MiB; then always the last."""

    def __init__(self) -> None:
        self.sizes = [100.0]

    def forget(self) -> None: ...

    def now(self) -> int:
        size = self.sizes.pop(0) if len(self.sizes) > 1 else self.sizes[0]
        return int(size * 2**20)

    def peak(self) -> float:
        return 1.0

    def peak_of_launch(self) -> float:
        return 2.0


@pytest.fixture
def resident() -> ScriptedResident:
    return ScriptedResident()


@pytest.fixture
def collecting() -> Iterator[None]:
    """Measuring turns off garbage collection."""
    yield
    gc.enable()
    gc.unfreeze()


class Putting(Counting):
    """Says what it was given: (images, different images)."""

    def put(self, images, labels):
        return len(images), len(np.unique(images, axis=0))

    def put_copies(self, image, label, copies):
        assert (len(image), len(label)) == (1, 1)
        return copies, 1


@pytest.mark.parametrize(("copies", "put"), [(False, (7, 7)), (True, (7, 1))], ids=["different", "copies"])
def test_a_batch_is_of_different_images_or_of_copies_made_by_the_model(copies, put):
    assert put_batch(Putting(), workload("lenet5", batch=7), copies) == put


@pytest.fixture
def session(resident, collecting) -> tuple[ContestantSession, Counting]:
    """A loaded contestant in this process."""
    model = Counting()
    return ContestantSession(model, [None], 0.0, resident, binds=False), model  # type: ignore[arg-type]


def warm(phase: str) -> WarmUp:
    return WarmUp(phase, round_seconds=1e-9, warmup_seconds=0.0, warmup_limit=0.0)


def test_a_request_runs_its_phase_only_and_phases_may_take_turns(session):
    one, model = session
    for phase in PHASES:
        assert one.answer(FirstCall(phase)).first_call_seconds > 0
    assert model.steps == list(PHASES)
    for phase in PHASES:
        model.steps.clear()
        for request in (warm(phase), RunTurn(phase, 2, 9.0), MeasureMemory(phase), SustainedRun(phase, 1e-9)):
            one.answer(request)
        assert set(model.steps) == {phase}
    for phase in PHASES:
        one.answer(RunTurn(phase, 1, 9.0))  # has what measuring memory returned to the system again
    model.steps.clear()
    for phase in ("train", "infer", "train"):
        assert len(one.answer(RunTurn(phase, 2, 9.0)).seconds) == 2
        one.answer(CheckOutputs(phase))
    assert model.steps == ["train"] * 3 + ["infer"] * 3 + ["train"] * 3


@pytest.mark.parametrize(
    ("sizes", "settling"),
    [
        ([100.0], 1),
        ([100.5, 101.0], 1),  # not more than a mebibyte
        ([300.0, 500.0, 500.0], 3),
        ([300.0, 200.0], 2),
        ([200.0 + 10 * more for more in range(20)], MOST_SETTLING),
    ],
    ids=["level", "little", "growing", "falling", "forever"],
)
def test_unrecorded_rounds_go_on_while_memory_grows(session, resident, sizes, settling):
    one, model = session
    one.answer(FirstCall("infer"))
    model.steps.clear()
    resident.sizes = list(sizes)
    assert len(one.answer(RunTurn("infer", 2, 9.0)).seconds) == 2
    assert len(model.steps) == settling + 2


def test_memory_that_one_phase_has_grown_to_is_no_growth_when_it_runs_again(session, resident):
    one, model = session
    for phase, size in (("infer", 100.0), ("train", 900.0)):
        resident.sizes = [size]
        one.answer(FirstCall(phase))
    model.steps.clear()
    for _ in range(2):
        one.answer(RunTurn("infer", 1, 9.0))
    assert model.steps == ["infer"] * 2 + ["infer"] * 2


def test_memory_that_was_returned_to_the_system_is_grown_into_again(session, resident):
    one, model = session
    for phase in ("infer", "train"):
        one.answer(FirstCall(phase))
    resident.sizes = [50.0, 100.0, 100.0]
    one.answer(MeasureMemory("train"))
    model.steps.clear()
    one.answer(RunTurn("infer", 1, 9.0))
    assert model.steps == ["infer"] * 3


@pytest.mark.parametrize(("seconds", "mebibytes", "grew"), [(0.01, 1.5, True), (0.5, 4.0, False), (0.5, 6.0, True)])
def test_new_pages_that_take_a_hundredth_of_a_round_are_no_growth(seconds, mebibytes, grew):
    growth = Growth(2**30)
    growth.note(2**30 + int(mebibytes * 2**20), seconds)
    assert growth.grew is grew


def test_warm_up_goes_on_while_memory_grows(session, resident):
    one, model = session
    one.answer(FirstCall("infer"))
    model.steps.clear()
    resident.sizes = [200.0, 300.0, 400.0, 400.0]
    one.answer(WarmUp("infer", round_seconds=0.0, warmup_seconds=0.0, warmup_limit=0.0))
    assert len(model.steps) == 4


def test_compilations_are_counted_of_the_phase_that_compiled(session):
    one, _ = session
    for phase in ("infer", "gradient"):
        one.answer(FirstCall(phase))
    counts = {}
    for phase in ("infer", "gradient"):
        one.answer(RunTurn(phase, 2, 9.0))
        counts[phase] = one.answer(CheckOutputs(phase)).compilations
    assert counts == {"infer": 2, "gradient": 1}


@pytest.mark.parametrize(
    ("steps", "seconds", "timed", "untimed"),
    [(25, 1e9, 25, UNTIMED_STEPS), (25, 1e-9, 1, 1)],
    ids=["as many as asked for", "as long as asked for"],
)
def test_the_latency_is_of_single_steps_that_are_each_waited_for(session, steps, seconds, timed, untimed):
    one, model = session
    one.answer(FirstCall("infer"))
    one.answer(WarmUp("infer", round_seconds=1e-3, warmup_seconds=0.0, warmup_limit=0.0))
    model.steps.clear()
    waited = model.waited
    answer = one.answer(MeasureLatency("infer", steps, seconds))
    assert (len(answer.seconds), model.steps) == (timed, ["infer"] * (untimed + timed))
    assert model.waited - waited == untimed + timed
    assert all(taken > 0 for taken in answer.seconds)
    assert len(answer.conditions.wall) == 1


def test_outputs_that_are_not_finite_are_of_the_phase_that_ran_last(session):
    one, _ = session
    finite = []
    for phase in ("train", "infer", "gradient"):
        one.answer(FirstCall(phase))
    for phase in ("train", "infer", "gradient"):
        one.answer(RunTurn(phase, 3, 9.0))
        finite.append(one.answer(CheckOutputs(phase)).finite)
    assert finite == [False, True, True]


@pytest.mark.parametrize(
    "requests",
    [
        (warm("infer"),),
        (RunTurn("infer", 2, 9.0), CheckOutputs("infer")),
        (MeasureMemory("infer"),),
        (SustainedRun("infer", 1e-9),),
        (MeasureLatency("infer", 3, 9.0),),
    ],
    ids=lambda requests: requests[0].kind,
)
def test_no_phase_leaves_outputs_that_another_one_would_run_beside(session, requests):
    one, model = session
    one.answer(FirstCall("infer"))
    answers: list[messages.Answer] = [one.answer(request) for request in requests]
    assert len(answers) == len(requests)
    assert model.alive == 0


def test_a_first_call_frees_the_outputs_of_the_one_before(session):
    one, model = session
    one.answer(FirstCall("infer"))
    one.answer(FirstCall("train"))
    assert model.alive == 1


class Recording(Counting):
    """On a virtual clock: compiles in the first call of a phase, records in the second, replays from the third on."""

    SECONDS = (2.0, 0.12)
    REPLAY = 0.005

    def __init__(self) -> None:
        super().__init__()
        self.passed = 0
        self.clock = lambda: self.passed  # type: ignore[method-assign]

    def _step(self, phase: str) -> Scores:
        scores = super()._step(phase)
        made = self.steps.count(phase)
        self.passed += int(1e9 * (self.SECONDS[made - 1] if made <= len(self.SECONDS) else self.REPLAY))
        return scores


def test_an_execution_that_records_its_second_call_has_rounds_as_long_as_any(resident, collecting):
    """The recording takes longer than all of warm-up may: rounds of one step would follow from it."""
    one = ContestantSession(Recording(), [None], 0.0, resident, binds=False)  # type: ignore[arg-type]
    one.answer(FirstCall("infer"))
    request = WarmUp("infer", round_seconds=0.05, warmup_seconds=0.05, warmup_limit=0.1, least_steps=LEAST_ON_CARD)
    warmed = one.answer(request)
    assert warmed.warmup == pytest.approx((0.12, 0.005, 0.005))
    (seconds,) = one.answer(RunTurn("infer", 1, 9.0)).seconds
    assert seconds * warmed.steps >= 0.05
