"""Worker side of a launch: builds one contestant for one workload and answers the requests of bench.worker.messages."""

from __future__ import annotations

import socket
import sys
import traceback
from dataclasses import replace

from bench.clock import now
from bench.cost.workload import network_of
from bench.machine.resident import Resident
from bench.plan import settings
from bench.plan.executions import execution_of
from bench.worker import arithmetic, messages
from bench.worker.evidence import evidence
from bench.worker.messages import (
    Answer,
    ArithmeticProbed,
    EvidenceGiven,
    Failure,
    GiveEvidence,
    Load,
    Loaded,
    ProbeArithmetic,
)
from bench.worker.models import build, new_model, put_batch
from bench.worker.session import ContestantSession
from impls.arrays import make_batch
from impls.errors import Unavailable, Unsupported, is_out_of_memory, one_line
from impls.frameworks import Model, is_card
from results.schema.record import Case, Status


def serve(link: socket.socket) -> None:
    """Answer requests until the other side closes."""
    worker = Dispatcher()
    with link.makefile("r", encoding="utf-8") as requests, link.makefile("w", encoding="utf-8") as answers:
        for line in requests:
            try:
                answer = messages.to_line(worker.answer(messages.read_request(line)))
            except Exception as problem:
                traceback.print_exc()
                sys.stdout.flush()  # this process may be killed before its buffers are written to the log
                answer = messages.to_line(Failure(status_of(problem), one_line(problem)))
            answers.write(answer)
            answers.flush()


class Dispatcher:
    """Answers requests; passes those that need a loaded contestant to its session."""

    def __init__(self) -> None:
        self._session: ContestantSession | None = None
        self._examined: tuple[Case, Model] | None = None

    def answer(self, request: messages.AnyRequest) -> Answer:
        """The answer to a request. Exceptions of the contestant propagate."""
        match request:
            case Load():
                self._session = load(request)
                return Loaded(self._session.build_seconds)
            case GiveEvidence():
                return self._give_evidence(request)
            case ProbeArithmetic():
                return probe_arithmetic(request)
        if self._session is None:
            raise RuntimeError(f"{request.kind} was requested before load")
        return self._session.answer(request)

    def _give_evidence(self, request: GiveEvidence) -> EvidenceGiven:
        """Evidence for the gate: the workload's network on the batch of a seed, without dropout.

        Compile caches are off, as the first call of a later launch would otherwise find the compiled code on disk.
        On a card the first evidence of a model comes from the second call of each phase, and that on the next images
        from the third: one call may compile, the next one record, and further ones replay, perhaps what was recorded.
        On the CPU no execution records, and each evidence is of one call.
        """
        network, calls = network_of(request.case.workload), 1
        if self._examined is None or self._examined[0] != request.case:
            model = build(network.without_dropout(), request.case, request.weights, seed=0, cold=True, for_gate=True)
            self._examined = request.case, model
            calls = 2 if is_card(request.case.workload.device) else 1
        batch = make_batch(network, request.case.workload.batch, request.seed)
        phase = request.case.workload.phase
        differentiates = phase != "infer" and phase in execution_of(request.case.contestant).phases
        return EvidenceGiven(evidence(self._examined[1], network, batch, differentiates, calls), request.seed)


def status_of(problem: Exception) -> Status:
    """The status that a case gets when its process raises `problem`."""
    if isinstance(problem, (Unavailable, Unsupported)):
        return Status.SKIPPED
    return Status.OUT_OF_MEMORY if is_out_of_memory(problem) else Status.FAILED


def load(request: Load) -> ContestantSession:
    """Build the model, load its weights and put its batch on the device."""
    resident, start = Resident(), now()
    workload = request.case.workload
    model = build(network_of(workload), request.case, request.weights, request.seed, request.cold)
    resident.include(model.processes)
    resident.loaded()
    batches = [put_batch(model, part, request.copies) for part in workload.batches]
    binds = settings.binds(request.case.contestant, workload.device)
    return ContestantSession(model, batches, now() - start, resident, binds)


def probe_arithmetic(request: ProbeArithmetic) -> ArithmeticProbed:
    """Scores of the precision probe; a contestant without convolutions runs the probe without one."""
    on_one = replace(request.case, workload=replace(request.case.workload, devices=1))
    for architecture in (arithmetic.ROUNDING, arithmetic.PRODUCT):
        network = architecture.at()
        try:
            model = new_model(network, on_one, seed=0, for_gate=True)
        except Unsupported:
            continue
        return ArithmeticProbed(tuple(arithmetic.scores(model, network)))
    raise Unsupported("supports neither convolutions nor products, so its arithmetic cannot be probed")
