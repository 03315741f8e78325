"""Messages of controller and worker: what is sent is received, and what another release sends is named in one line."""

from __future__ import annotations

import json
import math
import socket
import subprocess
import sys
from threading import Thread
from typing import get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.launch.process import LaunchFailed, Limit, Worker
from bench.worker import tasks
from bench.worker.evidence import Evidence, summarize
from bench.worker.messages import (
    AnyAnswer,
    AnyRequest,
    CheckOutputs,
    EvidenceGiven,
    Failure,
    FirstCall,
    GiveEvidence,
    Load,
    Loaded,
    MeasureLatency,
    MeasureMemory,
    OutputsChecked,
    ProbeArithmetic,
    Request,
    RunTurn,
    SustainedRun,
    TurnRun,
    UnreadableMessage,
    WarmUp,
    read_answer,
    read_request,
    to_line,
)
from results.schema.record import Case, Conditions, Contestant, Status
from results.store.logs import Logs
from tests.support.made_up import workload

CASE = Case(workload("lenet5"), Contestant("pytorch", "eager"))
REQUESTS: list[Request] = [
    GiveEvidence(CASE, "/weights", 1),
    ProbeArithmetic(CASE),
    Load(CASE, "/weights", 2),
    FirstCall("train"),
    WarmUp("train", 0.01, 0.02, 3),
    RunTurn("train", 4, 0.5),
    CheckOutputs("train"),
    MeasureMemory("train"),
    SustainedRun("train", 3.0),
    MeasureLatency("train", 1000, 2.0),
]
ANSWERS = st.sampled_from(get_args(AnyAnswer)).flatmap(st.from_type)


def test_every_type_of_request_has_an_answer_type_of_its_own():
    assert {type(request) for request in REQUESTS} == set(get_args(AnyRequest))
    answers = [type(request).answer_type() for request in REQUESTS]
    assert {*answers, Failure} == set(get_args(AnyAnswer))
    assert len(set(answers)) == len(answers)


@pytest.mark.parametrize("request_", REQUESTS, ids=lambda request: request.kind)
def test_a_request_is_received_as_it_was_sent(request_):
    line = to_line(request_)
    assert line.count("\n") == 1
    assert read_request(line) == request_


@given(ANSWERS)
def test_an_answer_is_received_as_it_was_sent_nan_and_infinity_included(answer):
    line = to_line(answer)
    assert line.count("\n") == 1
    assert repr(read_answer(line, type(answer))) == repr(answer)


def test_scores_that_overflowed_arrive():
    scores = summarize(np.array([[math.nan, math.inf]]))
    sent = EvidenceGiven(Evidence(scores, -math.inf, {"weight": [math.nan, 1.0, 2.0]}), 0)
    assert repr(read_answer(to_line(sent), EvidenceGiven)) == repr(sent)


TURN = TurnRun((0.1,), (0.2,), (), Conditions(2, wall=(0.2,), major_faults=(1,)))
ANOTHER_RELEASE = {
    "an older protocol": ('{"ok": {"settling": 0.1}}', "Unable to extract tag using discriminator 'kind'"),
    "an answer lacks a field": ('{"kind": "turn", "settling": [0.1]}', "turn.seconds: Field required"),
    "a field of another type": (
        to_line(TURN).replace("0.1", '"soon"'),
        "turn.settling.0: Input should be a valid number",
    ),
    "an answer to something else": (to_line(Loaded(1.0)), "Loaded where TurnRun was expected"),
    "an unknown answer": ('{"kind": "turned"}', "Input tag 'turned'"),
    "no JSON": ("Segmentation fault", "Invalid JSON"),
    "a status of tomorrow": ('{"kind": "failure", "status": "melted", "reason": ""}', "failure.status: "),
}


@pytest.mark.parametrize("case", ANOTHER_RELEASE)
def test_an_answer_of_another_release_is_named_in_one_line(case):
    line, complaint = ANOTHER_RELEASE[case]
    with pytest.raises(UnreadableMessage) as caught:
        read_answer(line, TurnRun)
    said = str(caught.value)
    assert said.startswith("the answer can't be read: ")
    assert complaint in said
    assert said.endswith("the worker's release of deadheat may be another")
    assert "\n" not in said


class Process:
    """A zygote whose child has been waited for."""

    def wait(self, pid: int) -> int:
        return 0

    def close(self) -> None: ...


@pytest.fixture
def connected(tmp_path):
    """The controller's end of a worker that is no process, and the worker's socket."""
    ours, theirs = socket.socketpair()
    no_process = 2**22 + 1  # more than any process's id
    with theirs, Worker(Process(), no_process, ours, tmp_path / "log", Limit(20.0), Logs()) as one:
        yield one, theirs


def test_a_worker_of_another_release_is_a_failed_launch_and_closed(connected):
    one, theirs = connected
    one.send(RunTurn("infer", 1, 1.0))
    theirs.sendall(b'{"kind": "turn", "settling": [0.1]}\n')
    with pytest.raises(LaunchFailed, match="the answer can't be read: turn.seconds: Field required") as caught:
        one.receive(TurnRun)
    assert caught.value.status is Status.FAILED
    assert not one.is_open


REFUSED = {
    "a field that it does not know": (
        json.dumps({"kind": "run_turn", "phase": "infer", "rounds": 1, "max_turn_seconds": 1, "cold": True}),
        "UnreadableMessage: the request can't be read: run_turn.cold: Unexpected keyword argument (got True)",
    ),
    "a request that it does not know": ('{"kind": "run_network"}', "Input tag 'run_network'"),
    "an older protocol": ('{"do": "turn", "with": {}}', "Unable to extract tag"),
    "a request without its phase, of an older protocol": (
        json.dumps({"kind": "run_turn", "rounds": 1, "max_turn_seconds": 1}),
        "UnreadableMessage: the request can't be read: run_turn.phase: Field required",
    ),
    "a turn before anything is loaded": (
        to_line(RunTurn("infer", 1, 1.0)).strip(),
        "run_turn was requested before load",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_worker_answers_what_it_cannot_do_with_a_failure_and_goes_on(case):
    line, complaint = REFUSED[case]
    ours, theirs = socket.socketpair()
    with ours, theirs:
        serving = Thread(target=tasks.serve, args=(theirs,))
        serving.start()
        ours.sendall((line + "\n").encode() * 2)
        with ours.makefile("r") as answers:
            said = [read_answer(answers.readline(), TurnRun) for _ in range(2)]
            ours.shutdown(socket.SHUT_RDWR)
        serving.join()
    assert said[0] == said[1]
    assert said[0].status is Status.FAILED
    assert complaint in said[0].reason


@pytest.mark.parametrize("count", [np.int64(3), "three", 2.5])
def test_an_answer_that_a_framework_fills_with_another_type_is_refused_where_it_is_made(count):
    with pytest.raises(ValueError, match="erializ"):
        to_line(OutputsChecked(True, count, ""))


def test_what_the_measured_process_imports_is_kept_small():
    script = (
        "import sys, bench.worker.zygote; print({'pandas', 'rich', 'typer', 'scipy', 'matplotlib'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout.strip() == "set()", done.stderr
