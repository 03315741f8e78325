"""Messages between the controller and a worker: a request and its answer, each one line of JSON on the worker's socket.

The two sides may be different interpreters with different releases, so each side validates what it receives. A
worker first gets `Load`, `GiveEvidence` or `ProbeArithmetic`. After `Load` come, for each phase, `FirstCall` and
`WarmUp`, then any number of `RunTurn`, each followed by `CheckOutputs`, and `MeasureMemory`, `MeasureLatency` and
`SustainedRun`. Phases may take turns. Seconds are floats, memory is in bytes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Generic, Literal, TypeVar, get_args

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from bench.worker.evidence import Evidence
from results.schema.record import Case, Conditions, Status, first_problem

A = TypeVar("A", bound="Answer")


class Answer:
    """The base of all answers."""


class Request(Generic[A]):
    """The base of all requests; A is the type of the answer. A worker refuses a request with fields unknown to it."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    @classmethod
    def answer_type(cls) -> type[A]:
        """The type of the answer to a request of this type."""
        (base,) = cls.__orig_bases__  # type: ignore[attr-defined]
        (answer,) = get_args(base)
        return answer  # type: ignore[no-any-return]


@dataclass(frozen=True)
class Failure(Answer):
    """The answer to a request that raised an exception. `status`: the resulting status of the case."""

    status: Status
    reason: str
    kind: Literal["failure"] = "failure"


@dataclass(frozen=True)
class EvidenceGiven(Answer):
    evidence: Evidence
    seed: int
    kind: Literal["evidence"] = "evidence"


@dataclass(frozen=True)
class GiveEvidence(Request[EvidenceGiven]):
    """Compute evidence for the parity gate on the images of `seed`. `weights`: a folder of NAME.npy files.

    A further request for the same case finds the model built and its code compiled.
    """

    case: Case
    weights: str
    seed: int
    kind: Literal["give_evidence"] = "give_evidence"


@dataclass(frozen=True)
class ArithmeticProbed(Answer):
    """`scores`: one per cell of bench.worker.arithmetic.CELLS."""

    scores: tuple[float, ...]
    kind: Literal["arithmetic"] = "arithmetic"


@dataclass(frozen=True)
class ProbeArithmetic(Request[ArithmeticProbed]):
    """Run the network of bench.worker.arithmetic, whose scores depend on the arithmetic used."""

    case: Case
    kind: Literal["probe_arithmetic"] = "probe_arithmetic"


@dataclass(frozen=True)
class Loaded(Answer):
    build_seconds: float
    kind: Literal["loaded"] = "loaded"


@dataclass(frozen=True)
class Load(Request[Loaded]):
    """Build the model, load the weights, and put the batch on the device. `case`: of any phase, as all share these.

    `cold`: code that another launch has compiled is not used.
    """

    case: Case
    weights: str
    seed: int
    copies: bool = False  # the batch is one image many times, made on the device
    kind: Literal["load"] = "load"
    cold: bool = False


@dataclass(frozen=True)
class Called(Answer):
    first_call_seconds: float
    kind: Literal["called"] = "called"


@dataclass(frozen=True)
class FirstCall(Request[Called]):
    """Run the first step of a phase, which traces and compiles it."""

    phase: str
    kind: Literal["first_call"] = "first_call"


@dataclass(frozen=True)
class WarmedUp(Answer):
    """`warmup`: seconds of single steps, at most 20 of them. `steps`: steps per round from here on."""

    warmup: tuple[float, ...]
    warmup_converged: bool | None
    pinned_threads: int | None
    steps: int
    kind: Literal["warmed_up"] = "warmed_up"


@dataclass(frozen=True)
class WarmUp(Request[WarmedUp]):
    """Run single steps of a phase until their times converge, then choose the number of its steps per round.

    At least `least_steps` single steps are run.
    """

    phase: str
    round_seconds: float
    warmup_seconds: float
    warmup_limit: float
    least_steps: int = 1
    kind: Literal["warm_up"] = "warm_up"


@dataclass(frozen=True)
class TurnRun(Answer):
    """Seconds per step. `settling`: of the unrecorded rounds; `seconds` and `conditions`: of the recorded rounds."""

    settling: tuple[float, ...]
    seconds: tuple[float, ...]
    device_seconds: tuple[float, ...]
    conditions: Conditions
    kind: Literal["turn"] = "turn"


@dataclass(frozen=True)
class RunTurn(Request[TurnRun]):
    """Run unrecorded rounds until memory stops growing, one at least, then `rounds` recorded ones.

    These are fewer once they have taken `max_turn_seconds`.
    """

    phase: str
    rounds: int
    max_turn_seconds: float
    kind: Literal["run_turn"] = "run_turn"


@dataclass(frozen=True)
class OutputsChecked(Answer):
    """`compilations` and `fallback` as in results.schema.record.Record, of one phase."""

    finite: bool
    compilations: int | None
    fallback: str
    kind: Literal["outputs"] = "outputs"


@dataclass(frozen=True)
class CheckOutputs(Request[OutputsChecked]):
    """Check whether the last outputs of a phase, which ran last, are finite, and free them."""

    phase: str
    kind: Literal["check_outputs"] = "check_outputs"


@dataclass(frozen=True)
class MemoryMeasured(Answer):
    """By column, `readings`: bytes, or the reason for a missing value; `sources`: the allocator that counted them."""

    readings: dict[str, float | str]
    sources: dict[str, str]
    kind: Literal["memory"] = "memory"


@dataclass(frozen=True)
class MeasureMemory(Request[MemoryMeasured]):
    """Run one step of a phase and measure its memory."""

    phase: str
    kind: Literal["measure_memory"] = "measure_memory"


@dataclass(frozen=True)
class SustainedRunDone(Answer):
    """`own_cpu`: CPU seconds of the process, summed over threads."""

    seconds: float
    steps: int
    own_cpu: float
    kind: Literal["sustained"] = "sustained"


@dataclass(frozen=True)
class SustainedRun(Request[SustainedRunDone]):
    """Run steps of a phase without a pause for at least `seconds`."""

    phase: str
    seconds: float
    kind: Literal["sustained_run"] = "sustained_run"


@dataclass(frozen=True)
class LatencyMeasured(Answer):
    """`seconds`: of every step, in order. `conditions`: an entry for all of them."""

    seconds: tuple[float, ...]
    conditions: Conditions
    kind: Literal["latency"] = "latency"


@dataclass(frozen=True)
class MeasureLatency(Request[LatencyMeasured]):
    """Run single steps of a phase, each waited for: at most `steps`, and none begins after they took `seconds`."""

    phase: str
    steps: int
    seconds: float
    kind: Literal["measure_latency"] = "measure_latency"


class UnreadableMessage(ValueError):
    """A line that is no valid message of this release; the text is one line."""


AnyRequest = (
    GiveEvidence
    | ProbeArithmetic
    | Load
    | FirstCall
    | WarmUp
    | RunTurn
    | CheckOutputs
    | MeasureMemory
    | SustainedRun
    | MeasureLatency
)
PhaseRequest = FirstCall | WarmUp | RunTurn | CheckOutputs | MeasureMemory | SustainedRun | MeasureLatency
"""Requests about one phase of a loaded contestant."""
AnyAnswer = (
    Failure
    | EvidenceGiven
    | ArithmeticProbed
    | Loaded
    | Called
    | WarmedUp
    | TurnRun
    | OutputsChecked
    | MemoryMeasured
    | SustainedRunDone
    | LatencyMeasured
)
# Built on import, which happens in the zygote, before a worker is forked.
# Overflowing scores are infinity or NaN, which must survive JSON.
_CONSTANTS = ConfigDict(ser_json_inf_nan="constants")
_REQUESTS: TypeAdapter[AnyRequest] = TypeAdapter(Annotated[AnyRequest, Field(discriminator="kind")])
_ANSWERS: TypeAdapter[AnyAnswer] = TypeAdapter(Annotated[AnyAnswer, Field(discriminator="kind")], config=_CONSTANTS)


def to_line(message: Request[Any] | Answer) -> str:
    """The message as one line of JSON, newline included. ValueError if a field has a value of another type."""
    adapter: TypeAdapter[Any] = _REQUESTS if isinstance(message, Request) else _ANSWERS
    return adapter.dump_json(message, warnings="error").decode() + "\n"


def read_request(line: str) -> AnyRequest:
    """Parse a request from one line; UnreadableMessage if it is not valid."""
    try:
        return _REQUESTS.validate_json(line)
    except ValidationError as problem:
        raise UnreadableMessage(
            f"the request can't be read: {first_problem(problem)}; the worker's release of deadheat may be another"
        ) from None


def read_answer(line: str, expected: type[A]) -> A | Failure:
    """Parse an answer of type `expected`, or a Failure, from one line; UnreadableMessage if it is neither."""
    try:
        answer = _ANSWERS.validate_json(line)
    except ValidationError as problem:
        wrong = first_problem(problem)
    else:
        if isinstance(answer, (expected, Failure)):
            return answer
        wrong = f"{type(answer).__name__} where {expected.__name__} was expected"
    raise UnreadableMessage(f"the answer can't be read: {wrong}; the worker's release of deadheat may be another")
