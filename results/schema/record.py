"""What is stored: one record for each launch of a case, complete in itself and checked when it is made or read.

Schema history (a reader takes every version up to its own):
1  2026-11  first
2  2026-11  a contestant's setting; attempt, steady and conditions of a launch
3  2026-11  usage and arithmetic of a launch, device_seconds of its rounds
4  2026-11  streams: a workload's stream and parts; compilations and fallback of a launch
5  2026-11  bound_threads of a launch
6  2026-11  log of a launch; parity's shows_nothing; throttled and throttled_periods of a launch's conditions;
            other names of architectures, frameworks, fields and quantities: earlier ones are in results.schema.renames
7  2026-11  a launch runs all phases of a network, and its first_call_seconds is known only where it found no compiled
            code; block_seconds of a block; a contestant's copy (controls); parity's evidence_from and cleared
8  2026-11  node of a launch, in campaigns of several machines
9  2026-11  devices of a workload; card of a launch: what its GPU did after each turn; cached_first_call_seconds and
            latency of a launch
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cache
from typing import Any, ClassVar

import pydantic_core
from pydantic import ConfigDict, TypeAdapter, ValidationError

from results.schema import renames

SCHEMA = 9
STEADY = "steady"
"""The setting of allocator, threads and cores that is the same for all contestants, unless one asks for another."""
COPY_MARK = "#"
"""Comes before the number of a copy in a contestant's id."""


class Status(StrEnum):
    """How a launch ended. Everything but `measured` carries a reason and no seconds."""

    MEASURED = "measured"
    SKIPPED = "skipped"
    MISMATCH = "mismatch"
    OUT_OF_MEMORY = "out_of_memory"
    CRASHED = "crashed"
    TIMED_OUT = "timed_out"
    FAILED = "failed"


@dataclass(frozen=True, order=True, slots=True)
class Workload:
    """What must be equal for a comparison to be fair: the same network, phase, images and arithmetic.

    A stream is a workload of `batch` images whose sizes differ: `stream` names what is done with them, and `parts` are
    the batches that come of it, (height, width, images) each, which a step goes through one after another. Height and
    width are then those at which it is made sure that contestants compute the same.

    With several `devices` a step is divided over them: each computes as many of the `batch` images.
    """

    architecture: str
    height: int
    width: int
    channels: int
    classes: int
    batch: int
    precision: str
    device: str
    phase: str
    stream: str = ""
    parts: tuple[tuple[int, int, int], ...] = ()
    devices: int = 1

    @property
    def size(self) -> str:
        """The image's size as people write it: "224", or "180x240" (height x width); of a stream, its name."""
        if self.stream:
            return self.stream
        return str(self.height) if self.height == self.width else f"{self.height}x{self.width}"

    @property
    def id(self) -> str:
        return f"{self.launch_id}-{self.phase}"

    @property
    def launch_id(self) -> str:
        """The workload without its phase: phases that share launches."""
        if not self.stream:
            return self.network_id
        return f"{self.network_id}-{self.stream}-{zlib.crc32(repr(self.parts).encode()):08x}"

    @property
    def batches(self) -> tuple[Workload, ...]:
        """What a step goes through: itself, or each part of a stream as a workload of its own."""
        if not self.stream:
            return (self,)
        plain = replace(self, stream="", parts=())
        return tuple(replace(plain, height=height, width=width, batch=images) for height, width, images in self.parts)

    @property
    def network_id(self) -> str:
        """The workload without its phase: what parity is checked on."""
        shape = f"{self.channels}x{self.height}x{self.width}"
        several = f"-x{self.devices}" if self.devices > 1 else ""
        return f"{self.architecture}-{shape}-k{self.classes}-b{self.batch}-{self.precision}-{self.device}{several}"


@dataclass(frozen=True, order=True, slots=True)
class Contestant:
    """A framework and how it executes.

    `interpreter` labels the Python that runs it, where there are several; `setting` names how its process is set up;
    `copy` numbers further launches of the same contestant beside it, whose ratio to it is known to be 1 (controls).
    """

    framework: str
    execution: str
    interpreter: str = ""
    setting: str = STEADY
    copy: int = 0

    @property
    def id(self) -> str:
        label = f"@{self.interpreter}" if self.interpreter else ""
        setting = f"+{self.setting}" if self.setting != STEADY else ""
        copy = f"{COPY_MARK}{self.copy}" if self.copy else ""
        return f"{self.framework}:{self.execution}{label}{setting}{copy}"

    @property
    def original(self) -> Contestant:
        """The contestant that this is a copy of, or itself."""
        return replace(self, copy=0)


@dataclass(frozen=True, order=True, slots=True)
class Case:
    """A workload for a contestant."""

    workload: Workload
    contestant: Contestant

    @property
    def id(self) -> str:
        return f"{self.workload.id}-{self.contestant.id}"


@dataclass(frozen=True, slots=True)
class Parity:
    """How far a contestant is from the median of its group on the same weights and images, relative errors."""

    scores: float
    loss: float
    gradients: float | None  # None for a contestant that computes none
    worst_gradient: str  # the array whose gradient differs most; empty without gradients
    contestants: int  # in the median, this one included
    shows_nothing: str = ""  # why it says little that errors are small: what was compared is the same for any network
    cleared: str = ""  # in what errors were within tolerance when it was examined again; empty: at first, or not
    evidence_from: str = ""  # when this contestant's evidence was computed (UTC, ISO 8601); empty: in this campaign
    identity: str = (
        ""  # another precision in which its network was shown to be equal, too; empty: none was needed, or had
    )


TICK = 0.01
"""Seconds that Linux counts processors' time in."""


@dataclass(frozen=True, slots=True)
class Conditions:
    """What the machine did while each counted round ran: an entry a round, in its order; seconds and counts.

    Read just before and after a round, so `wall` is a little longer than the round. Nothing (no entries) where the
    system does not say. `own_cpu` is of all threads of the launch; `foreign_cpu` and `steal` are of the cores that the
    launch may use, in ticks; `pressure` is the time in which anything waited for a core. `throttled` is the time for
    which a control group's CPU quota, used up, withheld cores (summed over them), in so many periods of the quota;
    nothing where no quota is set.
    """

    cores: int
    wall: tuple[float, ...] = ()
    own_cpu: tuple[float, ...] = ()
    foreign_cpu: tuple[float, ...] = ()
    steal: tuple[float, ...] = ()
    pressure: tuple[float, ...] = ()
    major_faults: tuple[int, ...] = ()
    runnable: tuple[int, ...] = ()  # tasks running or ready to, on the whole machine, at the round's end
    throttled: tuple[float, ...] = ()
    throttled_periods: tuple[int, ...] = ()
    minor_faults: tuple[int, ...] = ()  # pages new to the launch


@dataclass(frozen=True, slots=True)
class CardConditions:
    """What the driver said of the card right after each turn: an entry a turn, in their order.

    `clock_hz`: of its multiprocessors. `slowed_by`: what had lowered its clocks, in words; empty if nothing had.
    `foreign_processes`: number of compute processes that were no launch of the block. `missing`: why there are no
    entries, or fewer than turns, by name.
    """

    clock_hz: tuple[float, ...] = ()
    slowed_by: tuple[str, ...] = ()
    foreign_processes: tuple[int, ...] = ()
    missing: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Usage:
    """A launch's memory, utilisation and energy; keys are the names of results.schema.columns.USAGE.

    Each name is in `values` (in the column's unit) or in `missing` (with the reason). `sources`: the counter that was
    read, for quantities with several.
    """

    values: dict[str, float] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)
    sources: dict[str, str] = field(default_factory=dict)

    def __or__(self, other: Usage) -> Usage:
        """Both; what the other says of a quantity replaces what this one said."""
        values = {name: value for name, value in self.values.items() if name not in other.names}
        missing = {name: reason for name, reason in self.missing.items() if name not in other.names}
        return Usage({**values, **other.values}, {**missing, **other.missing}, {**self.sources, **other.sources})

    @property
    def names(self) -> set[str]:
        return {*self.values, *self.missing}


@dataclass(frozen=True, slots=True)
class Latency:
    """Seconds of single steps of a launch, each waited for before the next, beside its counted rounds.

    `percentiles`: seconds by name ("99.9"), those that so many `steps` allow (results.stats.percentiles). `conditions`:
    an entry for the whole run. `reason`: why there are no steps.
    """

    steps: int
    percentiles: dict[str, float] = field(default_factory=dict)
    conditions: Conditions | None = None
    reason: str = ""

    def __post_init__(self) -> None:
        if not all(math.isfinite(seconds) and seconds > 0 for seconds in self.percentiles.values()):
            raise ValueError(f"percentiles of the latency must be positive seconds, got {self.percentiles}")


@dataclass(frozen=True, slots=True)
class Record:
    """What one launch of a case gave. Every duration is in seconds; rounds are per step, in the order taken."""

    # A contestant whose scores overflow has a parity error of infinity or NaN; JSON's null could not be read back.
    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(ser_json_inf_nan="constants")

    case: Case
    launch: int
    status: Status
    reason: str = ""
    subset: int = 0  # which part of a group that doesn't fit in memory together
    attempt: int = 0  # how many times this launch had been made before, and was contaminated; the last one counts
    seconds: tuple[float, ...] = ()  # counted rounds
    steps: int | None = None  # steps in a round
    settling: tuple[float, ...] = ()  # the last round before each turn, not counted
    warmup: tuple[float, ...] = ()  # rounds before the first turn, not counted
    warmup_converged: bool | None = None  # whether they had settled; None: too few to tell
    pinned_threads: int | None = None  # how many of its threads were bound to a core each; None: left alone
    conditions: Conditions | None = None
    first_call_seconds: float | None = None  # the first step, if it found no compiled code: compiling included
    build_seconds: float | None = None  # from the start of building the model until weights and batch are loaded
    start_seconds: float | None = None  # from asking for the process until it answers
    turns: tuple[int, ...] = ()  # this case's places in the random order of the block
    started: str = ""  # UTC, ISO 8601
    block_seconds: dict[str, float] = field(
        default_factory=dict
    )  # wall time of its block by part; in the block's first record only
    parity: Parity | None = None
    device_seconds: tuple[float, ...] = ()  # counted rounds by the device's own clock; empty where it has none
    usage: Usage | None = None  # memory after warm-up, meters after its rounds
    effective_precision: str = ""  # what the contestant was seen to compute in; empty: it could not be asked
    compilations: int | None = None  # how often its steps were traced or compiled
    fallback: str = ""  # why it went on in another way than it was asked to execute in
    log: str = ""  # of one that failed: the file below the campaign's folder that has what its process printed
    node: str = ""  # the machine that made it, a key of system.json's `nodes`; empty: the campaign has one machine
    card: CardConditions | None = None  # after each turn; None: it runs on the CPU
    schema: int = field(default=SCHEMA)
    cached_first_call_seconds: float | None = None  # the first step, if it was the first that could find compiled code
    latency: Latency | None = None  # of single steps; None: the suite does not ask for it

    def __post_init__(self) -> None:
        if self.status is Status.MEASURED:
            if not self.seconds or not all(math.isfinite(s) and s > 0 for s in self.seconds):
                raise ValueError(f"{self.case.id}: a measured launch needs positive seconds, got {self.seconds}")
        elif not self.reason:
            raise ValueError(f"{self.case.id}: status {self.status} needs a reason")


class UnreadableRecord(ValueError):
    """A line that is no record of a schema this version knows."""


@cache
def _adapter() -> TypeAdapter[Record]:
    return TypeAdapter(Record)


def to_json(record: Record) -> str:
    """One line without a newline."""
    return _adapter().dump_json(record).decode()


def from_json(line: str) -> Record:
    """The record of one line; UnreadableRecord says what is wrong with it."""
    try:
        record = _adapter().validate_json(line)
        if record.schema < renames.SCHEMA:
            record = _renamed(line)
    except ValidationError as problem:
        raise UnreadableRecord(first_problem(problem)) from None
    if record.schema > SCHEMA:
        raise UnreadableRecord(f"schema {record.schema} is newer than {SCHEMA}; update deadheat")
    return record


def _renamed(line: str) -> Record:
    """The record of a line of an earlier schema. Raises ValidationError."""
    content = renames.of_record(pydantic_core.from_json(line))
    return _adapter().validate_json(pydantic_core.to_json(content, inf_nan_mode="constants"))


def first_problem(problem: ValidationError) -> str:
    """The first complaint of a validation, in one line: where, what, and what was got."""
    error: dict[str, Any] = dict(problem.errors(include_url=False)[0])
    place: Sequence[Any] = error["loc"]
    where = ".".join(map(str, place)) or "the whole"
    return f"{where}: {error['msg'].removeprefix('Value error, ')} (got {short(error['input'])})"


def short(value: object, limit: int = 60) -> str:
    """What was got, for a message."""
    try:
        text = repr(value)
    except ValueError:  # an integer of thousands of digits
        text = "a number too long to show"
    return text if len(text) <= limit else f"{text[:limit]}…"
