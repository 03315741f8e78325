"""A round of a framework whose steps return before they are computed, in a worker's process: both clocks are known."""

from __future__ import annotations

import pytest

from bench.launch.launcher import Launcher
from bench.launch.weights import Weights
from bench.worker.messages import CheckOutputs, FirstCall, Load, RunTurn, SustainedRun, WarmUp
from results.schema.record import Case, Contestant
from tests.support.made_up import workload
from tests.support.started import OUTSIDE

ROUNDS = 3


@pytest.mark.parametrize("phase", ["infer", "train"])
def test_a_round_is_so_many_steps_and_one_wait_and_the_devices_clock_has_the_steps_alone(monkeypatch, phase):
    monkeypatch.syspath_prepend(str(OUTSIDE))
    from outside.queued import STEP_SECONDS, WAIT_SECONDS

    network = workload("outside.architecture.OUTSIDE_MLP", phase, batch=2)
    case = Case(network, Contestant("outside.queued", "queue"))
    with Launcher(60) as launcher:
        worker, _ = launcher.launch(case)
        with worker:
            worker.ask(Load(case, str(Weights(launcher.folder).folder_of(case.workload)), seed=0))
            first = worker.ask(FirstCall(phase)).first_call_seconds
            steps = worker.ask(WarmUp(phase, round_seconds=0.05, warmup_seconds=0.0, warmup_limit=0.0)).steps
            turn = worker.ask(RunTurn(phase, ROUNDS, 9.0))
            outputs = worker.ask(CheckOutputs(phase))
            sustained = worker.ask(SustainedRun(phase, 1e-9))
    assert first == pytest.approx(STEP_SECONDS + WAIT_SECONDS)
    assert steps * (STEP_SECONDS + WAIT_SECONDS / steps) >= 0.9 * 0.05
    assert turn.seconds == pytest.approx([STEP_SECONDS + WAIT_SECONDS / steps] * ROUNDS)
    assert turn.device_seconds == pytest.approx([STEP_SECONDS] * ROUNDS)
    assert outputs.finite
    assert sustained.steps % steps == 0
