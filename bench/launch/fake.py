"""Simulated launches for tests: a script gives the answers and moves a virtual clock; there are no processes.

    clock = VirtualClock()
    launcher = FakeLauncher(clock, lambda case, launch: Behaviour(step_seconds=0.01))
    ledger = Ledger(cases, cases[0].contestant.id, writer)
    CampaignRunner(ledger, suite, launcher=launcher, clock=clock).run()

Nothing is imported or computed, so a campaign of hours takes milliseconds, and the same script gives the same records.
Messages pass through the same encoding as those of a real launch.
"""

from __future__ import annotations

import itertools
import math
import tempfile
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from bench.launch.process import LaunchFailed
from bench.worker import arithmetic as fingerprint
from bench.worker import messages
from bench.worker.evidence import Evidence, summarize
from bench.worker.messages import (
    A,
    AnyRequest,
    ArithmeticProbed,
    Called,
    CheckOutputs,
    EvidenceGiven,
    FirstCall,
    GiveEvidence,
    LatencyMeasured,
    Load,
    Loaded,
    MeasureLatency,
    MeasureMemory,
    MemoryMeasured,
    OutputsChecked,
    ProbeArithmetic,
    Request,
    RunTurn,
    SustainedRun,
    SustainedRunDone,
    TurnRun,
    WarmedUp,
    WarmUp,
    read_answer,
    read_request,
    to_line,
)
from impls.precision import POLICIES
from results.schema.record import Case, Conditions, Status

CORES = 2
COUNTS = {"minor_faults", "major_faults", "runnable", "throttled_periods"}
"""Fields of results.schema.record.Conditions that are counts (integers); the others are seconds."""
FIRST_PID = 2**22 + 1  # above Linux's largest process id
EVIDENCE = Evidence(scores=summarize(np.array([[0.25, 0.75]])), loss=0.5, gradients={"weight": [1.0, 0.5, 0.25]})
DIGITS: Mapping[str, int] = {"float64": 52, "float32": 23, "tf32": 10, "bfloat16": 7}
"""Binary digits after the first, by precision."""


class VirtualClock:
    """A clock in seconds that starts at 0 and changes only by `advance`; call it for the time."""

    def __init__(self) -> None:
        self._now = 0.0

    def __call__(self) -> float:
        return self._now

    def advance(self, seconds: float) -> None:
        self._now += seconds


@dataclass(frozen=True)
class Fault:
    """A request at which the launch ends instead of answering.

    at: the type of the request; None: starting the launch fails. after: number of requests of that type that are
    answered before. With the status TIMED_OUT the request takes the whole time limit.
    """

    at: type[Request[Any]] | None
    status: Status
    reason: str = "planted"
    after: int = 0


@dataclass(frozen=True)
class Behaviour:
    """What one launch does and how long it takes, in seconds. A request that exceeds the time limit times out.

    step_seconds: of one step, or a function that returns the value for the next round. disturbance: rates per second
    of a round, by the names of results.schema.record.Conditions, such as {"foreign_cpu": 1.0} for one core used by
    other processes (limits: results.quality.interference). memory: readings of MemoryMeasured. arithmetic: precision
    computed in; empty: the requested one. evidence: the answer to the parity gate.
    """

    step_seconds: float | Callable[[], float] = 0.01
    start_seconds: float = 0.1
    build_seconds: float = 0.5
    evidence_seconds: float = 0.5
    first_call_seconds: float = 0.2
    disturbance: Mapping[str, float] = field(default_factory=dict)
    memory: Mapping[str, float | str] = field(
        default_factory=lambda: {
            "peak_rss_step_bytes": 1e6,
            "peak_rss_launch_bytes": 2e6,
            "allocator_bytes": "not counted",
        }
    )
    arithmetic: str = ""
    evidence: Evidence = EVIDENCE
    finite: bool = True
    compilations: int | None = None
    fallback: str = ""
    faults: tuple[Fault, ...] = ()


Script = Callable[[Case, int], Behaviour]
"""(case, number of its previous launches, without the gate's) -> behaviour of its next launch.

A launch of several phases behaves in each as the script says for the case of that phase; it starts, builds and gives
evidence as in the phase that it was launched for."""


@dataclass(frozen=True)
class Launched:
    """A launch that was started; `dedicated_zygote`: it shared its zygote with no other launch."""

    case: Case
    dedicated_zygote: bool


@dataclass(frozen=True)
class SentRequest:
    """A request sent to a launch of a case; `time` in seconds of the virtual clock."""

    case: Case
    request: AnyRequest
    time: float


class FakeLauncher:
    """A launcher whose launches behave as a script says. A context manager, as bench.launch.launcher.Launcher.

    `launches` and `requests` list what was started and sent, in order; `most_open`: launches at a time, at most;
    `is_clean`: every launch has been ended.
    """

    def __init__(
        self, clock: VirtualClock, script: Script = lambda case, launch: Behaviour(), time_limit: float = 60.0
    ):
        self.clock, self.time_limit = clock, time_limit
        self.launches: list[Launched] = []
        self.requests: list[SentRequest] = []
        self.most_open = 0
        self._script = script
        self._made: Counter[Case] = Counter()
        self._pids = itertools.count(FIRST_PID)
        self._open: dict[int, FakeWorker] = {}
        self._files = ExitStack()

    @property
    def folder(self) -> Path:
        """A temporary folder that exists inside `with`."""
        return self._folder

    @property
    def is_clean(self) -> bool:
        return not self._open

    def warm(self, cases: Iterable[Case]) -> None:
        """Do nothing: there is nothing to import."""

    def launch(self, case: Case, dedicated_zygote: bool = False) -> tuple[FakeWorker, float]:
        behaviour = self._script(case, self._made[case])
        self.launches.append(Launched(case, dedicated_zygote))
        start = self.clock()
        self.clock.advance(behaviour.start_seconds)
        for fault in behaviour.faults:
            if fault.at is None:
                self._made[case] += 1
                raise LaunchFailed(fault.status, fault.reason)
        pid = next(self._pids)
        worker = self._open[pid] = FakeWorker(self, case, behaviour, pid)
        self.most_open = max(self.most_open, len(self._open))
        return worker, self.clock() - start

    def zygotes(self, cases: Iterable[Case]) -> int:
        """One per framework and interpreter."""
        return len({(case.contestant.framework, case.contestant.interpreter) for case in cases})

    def behaviour(self, case: Case) -> Behaviour:
        """The behaviour of a phase that a launch turns to."""
        behaviour = self._script(case, self._made[case])
        self._made[case] += 1
        return behaviour

    def first(self, pids: Collection[int]) -> int:
        """The launch whose answer, end or time limit comes first; of several at once, the one started first."""
        return min(sorted(pids), key=lambda pid: self._open[pid].ready)

    def record(self, case: Case, request: AnyRequest) -> None:
        self._made[case] += isinstance(request, Load)
        self.requests.append(SentRequest(case, request, self.clock()))

    def end(self, pid: int) -> None:
        self._open.pop(pid, None)

    def __enter__(self) -> Self:
        self._folder = Path(self._files.enter_context(tempfile.TemporaryDirectory(prefix="deadheat-fake-")))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._files.close()


class FakeWorker:
    """One simulated launch. Answering a request advances the clock by its duration; launches run concurrently."""

    def __init__(self, launcher: FakeLauncher, case: Case, behaviour: Behaviour, pid: int):
        self._launcher, self._launched, self.pid = launcher, case, pid
        self._case, self._behaviour = case, behaviour
        self._behaviours = {case: behaviour}
        self._asked: Counter[tuple[Case, type]] = Counter()
        self._steps: dict[Case, int] = {}
        self._answer: messages.Answer | LaunchFailed | None = None
        self._sent = self._seconds = 0.0

    def ask(self, request: Request[A]) -> A:
        self.send(request)
        return self.receive(request.answer_type())

    def send(self, request: Request[Any]) -> None:
        received = read_request(to_line(request))
        self._turn_to(received)
        self._launcher.record(self._case, received)
        self._sent = self._launcher.clock()
        self._answer, self._seconds = self._failed(received) or self._answered(received)
        self._asked[self._case, type(received)] += 1

    def _turn_to(self, request: AnyRequest) -> None:
        """Behave as the case of the request's phase."""
        phase = getattr(request, "phase", self._launched.workload.phase)
        self._case = replace(self._launched, workload=replace(self._launched.workload, phase=phase))
        if self._case not in self._behaviours:
            self._behaviours[self._case] = self._launcher.behaviour(self._case)
        self._behaviour = self._behaviours[self._case]

    def receive(self, expected: type[A], meanwhile: Callable[[], None] | None = None, every: float = 1.0) -> A:
        answer, limit = self._answer, self._launcher.time_limit
        assert answer is not None, "a request is sent before its answer is received"
        if self._seconds > limit:
            self._seconds = limit
            answer = LaunchFailed(Status.TIMED_OUT, f"no answer within {limit:.0f} s")
        self._wait(meanwhile, every)
        self._answer = None
        if isinstance(answer, LaunchFailed):
            self._launcher.end(self.pid)
            raise answer
        received = read_answer(to_line(answer), expected)
        assert not isinstance(received, messages.Failure), "a launch that fails raises"
        return received

    def failed(self, status: Status, reason: str) -> LaunchFailed:
        return LaunchFailed(status, reason)

    @property
    def ready(self) -> float:
        """The virtual time at which the last request is answered or reaches the time limit, in seconds."""
        return self._sent + min(self._seconds, self._launcher.time_limit)

    def _wait(self, meanwhile: Callable[[], None] | None, every: float) -> None:
        """Advance the clock to when the answer is ready, unless waiting for another launch has passed that time."""
        clock, ready = self._launcher.clock, self._sent + self._seconds
        while meanwhile and clock() + every < ready:
            clock.advance(every)
            meanwhile()
        clock.advance(max(ready - clock(), 0.0))

    def _failed(self, request: AnyRequest) -> tuple[LaunchFailed, float] | None:
        """The failure at this request, with the seconds until it is noticed; None if there is none."""
        for fault in self._behaviour.faults:
            if fault.at is type(request) and fault.after == self._asked[self._case, type(request)]:
                return LaunchFailed(fault.status, fault.reason), math.inf if fault.status is Status.TIMED_OUT else 0.0
        return None

    def _answered(self, request: AnyRequest) -> tuple[messages.Answer, float]:
        """The answer to a request, and its duration in seconds."""
        behaviour = self._behaviour
        match request:
            case GiveEvidence():
                built = self._asked[self._case, GiveEvidence]  # further evidence finds the model built
                return EvidenceGiven(behaviour.evidence, request.seed), 0.0 if built else behaviour.evidence_seconds
            case ProbeArithmetic():
                arithmetic = behaviour.arithmetic or POLICIES[request.case.workload.precision].operands
                return ArithmeticProbed(scores_in(arithmetic)), behaviour.evidence_seconds
            case Load():
                return Loaded(behaviour.build_seconds), behaviour.build_seconds
            case FirstCall():
                return Called(behaviour.first_call_seconds), behaviour.first_call_seconds
            case WarmUp():
                return self._warmed_up(request)
            case RunTurn():
                return self._turn(request)
            case CheckOutputs():
                return OutputsChecked(behaviour.finite, behaviour.compilations, behaviour.fallback), 0.0
            case MeasureMemory():
                return MemoryMeasured(dict(behaviour.memory), {}), self._step()
            case SustainedRun(seconds=seconds):
                return SustainedRunDone(seconds, max(1, int(seconds / self._step())), seconds), seconds
            case MeasureLatency():
                return self._latency(request)

    def _warmed_up(self, request: WarmUp) -> tuple[WarmedUp, float]:
        step = self._step()
        self._steps[self._case] = steps = max(1, math.ceil(request.round_seconds / step))
        return WarmedUp((step,), True, None, steps), request.warmup_seconds

    def _turn(self, request: RunTurn) -> tuple[TurnRun, float]:
        settling, seconds, steps = self._step(), list[float](), self._steps[self._case]
        while len(seconds) < request.rounds and sum(seconds) * steps < request.max_turn_seconds:
            seconds.append(self._step())
        return TurnRun((settling,), tuple(seconds), (), self._conditions(seconds)), (settling + sum(seconds)) * steps

    def _latency(self, request: MeasureLatency) -> tuple[LatencyMeasured, float]:
        seconds: list[float] = []
        spent = 0.0
        while len(seconds) < request.steps and (spent < request.seconds or not seconds):
            seconds.append(self._step())
            spent += seconds[-1]
        return LatencyMeasured(tuple(seconds), self._conditions([spent], steps=1)), spent

    def _conditions(self, seconds: list[float], steps: int | None = None) -> Conditions:
        wall = tuple(one * (steps or self._steps[self._case]) for one in seconds)
        seen: dict[str, Any] = {"wall": wall, "own_cpu": wall}
        seen |= dict.fromkeys(("minor_faults", "major_faults"), (0,) * len(wall))
        for name, rate in {"foreign_cpu": 0.0, "steal": 0.0, "pressure": 0.0, **self._behaviour.disturbance}.items():
            amounts = [one * rate for one in wall]
            seen[name] = tuple(map(round, amounts) if name in COUNTS else amounts)
        return Conditions(CORES, **seen)

    def _step(self) -> float:
        step = self._behaviour.step_seconds
        return step() if callable(step) else step

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._launcher.end(self.pid)


def scores_in(arithmetic: str) -> tuple[float, ...]:
    """The scores of bench.worker.arithmetic's network in an arithmetic, a key of DIGITS."""
    kind = np.float64 if arithmetic == "float64" else np.float32
    mantissa, exponent = np.frexp(np.array(fingerprint.CELLS, kind))
    digits = DIGITS[arithmetic]
    cells = np.ldexp(np.round(mantissa * 2 ** (digits + 1)), exponent - digits - 1).astype(kind)
    cells[-1] *= cells[-1]
    return tuple(map(float, cells))
