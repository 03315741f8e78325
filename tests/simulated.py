"""Campaigns whose launches are simulated (bench.launch.fake): contestants, suites and a runner, for tests in
milliseconds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from bench.launch.fake import Behaviour, FakeLauncher, SentRequest, VirtualClock
from bench.plan import suite as suites
from bench.plan.suite import Suite
from bench.runner.block import Block
from bench.runner.campaign import CampaignRunner
from bench.scheduling.ledger import Group, Ledger, Writer
from results.schema.record import Case, Contestant, Record, Status, Usage, Workload
from tests.support.made_up import measured

A, B, C = (Contestant("fake-clock", name) for name in ("slow", "fast", "level"))


def lenet(phase: str = "infer", batch: int = 1) -> Workload:
    return Workload("lenet5", 32, 32, 1, 10, batch, "float32", "cpu", phase)


def cases(workloads: Iterable[Workload] = (lenet(),), contestants: Sequence[Contestant] = (A, B)) -> list[Case]:
    return [Case(workload, contestant) for workload in workloads for contestant in contestants]


def group(phases: Iterable[str] = ("infer",), contestants: Sequence[Contestant] = (A, B), batch: int = 1) -> Group:
    """The phases of a network, which share launches."""
    return Group(tuple(cases([lenet(phase, batch) for phase in phases], contestants)))


def suite(**changes: object) -> Suite:
    """One or two short turns a launch; `changes` are keys of a suite."""
    short = {"turns": 2, "rounds": 2, "round_seconds": 0.01, "warmup_seconds": 0.01, "warmup_limit": 0.02}
    keys = {"launches": (2, 2), "max_retries": 0, "sustained": 0, "budget": 1e6, "memory": 2**50, **short, **changes}
    return suites.load_suite("smoke", **keys)


def launched(case: Case, number: int, seconds: float = 1.0, **changes: object) -> Record:
    """A record of a launch that was made, and measured."""
    return replace(measured(case, number, [seconds]), started="2026-11-23T00:00:00+00:00", **changes)


def failed(case: Case, number: int = 0, status: Status = Status.CRASHED) -> Record:
    """A record of a launch that was made, and failed."""
    return Record(case, number, status, "planted", started="2026-11-23T00:00:00+00:00")


class Kept(list[Record]):
    """A writer that keeps records in memory."""

    def append(self, records: Iterable[Record]) -> None:  # type: ignore[override]
        self.extend(records)


@dataclass
class Watched:
    """Progress: how many steps were announced, which ones began, and the verdicts that were told."""

    announced: int = 0
    begun: list[str] = field(default_factory=list)
    verdicts: list[str] = field(default_factory=list)
    ended: bool = False

    def begin(self, steps: int) -> None:
        self.announced = steps

    def more(self, steps: int) -> None:
        self.announced += steps

    def step(self, what: str) -> None:
        self.begun.append(what)

    def verdict(self, line: str) -> None:
        self.verdicts.append(line)

    def end(self) -> None:
        self.ended = True


class Simulated:
    """A campaign of simulated launches: `run()`, and then what came of it."""

    def __init__(
        self,
        script: Callable[[Case, int], Behaviour] = lambda case, launch: Behaviour(),
        these: Sequence[Case] = (),
        earlier: Sequence[Record] = (),
        writer: Writer | None = None,
        **changes: object,
    ):
        self.clock, self.suite, self.progress = VirtualClock(), suite(**changes), Watched()
        self.launcher = FakeLauncher(self.clock, script, self.suite.time_limit)
        these = these or cases()
        self.ledger = Ledger(these, these[0].contestant.id, Kept() if writer is None else writer, earlier)
        self._known = len(earlier)
        self.runner = CampaignRunner(self.ledger, self.suite, self.progress, launcher=self.launcher, clock=self.clock)

    def run(self) -> Simulated:
        self.runner.run()
        return self

    @property
    def records(self) -> list[Record]:
        """The new ones."""
        return self.ledger.records[self._known :]

    def of(self, case: Case) -> list[Record]:
        return [record for record in self.records if record.case == case]


@contextmanager
def opened(script: Callable[[Case, int], Behaviour], time_limit: float = 60.0):
    """A launcher of simulated launches; every one of them must have been ended by the end."""
    with FakeLauncher(VirtualClock(), script, time_limit) as launcher:
        yield launcher
    assert launcher.is_clean


@dataclass(frozen=True)
class BlockRun:
    """A block that has run: its records by phase and contestant, and its launcher, which lists what was asked."""

    records: Mapping[tuple[str, Contestant], Record]
    launcher: FakeLauncher

    def asked(self, kind: type, contestant: Contestant | None = None) -> list[tuple[str, Contestant]]:
        """Phase and contestant of each request of this type, in the order sent."""
        return [(one.case.workload.phase, one.case.contestant) for one in self.requests(kind, contestant)]

    def requests(self, kind: type = object, contestant: Contestant | None = None) -> list[SentRequest]:
        return [
            one
            for one in self.launcher.requests
            if isinstance(one.request, kind) and contestant in (None, one.case.contestant)
        ]


Behaviours = Mapping[Contestant | tuple[str, Contestant], Behaviour]
"""Of a contestant, or of one in a phase; others behave as usual."""


def run_block(
    whole: Group,
    behaviours: Behaviours | None = None,
    used: Mapping[Case, Usage] | None = None,
    launch: int = 0,
    turns: int = 2,
    isolated: Iterable[Contestant] = (),
    cold: Iterable[Contestant] = (),
    reusing: Iterable[Contestant] = (),
    attempt: int = 0,
    time_limit: float = 60.0,
    **changes: object,
) -> BlockRun:
    """Run a block of simulated launches; `changes` are keys of a suite."""
    known = behaviours or {}

    def script(case: Case, launch: int) -> Behaviour:
        own = known.get((case.workload.phase, case.contestant))
        return own or known.get(case.contestant, Behaviour())

    with opened(script, time_limit) as launcher:
        block = Block(
            whole, launch, 0, turns, Path("weights"), attempt, frozenset(isolated), frozenset(cold),
            reusing=frozenset(reusing),
        )  # fmt: skip
        records = block.run(launcher, suite(**changes), {}, used or {}, launcher.clock)
    assert [record.case for record in records] == list(whole.cases)
    return BlockRun({(one.case.workload.phase, one.case.contestant): one for one in records}, launcher)
