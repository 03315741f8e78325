"""Suites: which cases to measure, and how, as a TOML file. The files in bench/suites are known by name.

A file is validated before the first measurement: keys and types here, names and sizes against the registries when the
cases are made. A suite's keys are the fields of `Suite`, `MeasurementSettings` and `WorkloadGrid` below.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ByteSize,
    ConfigDict,
    Field,
    NonNegativeInt,
    ValidationError,
    model_validator,
)

from bench import shipped
from bench.plan.parse import parse_contestant
from bench.shipped import PRESETS, SUITES
from impls.errors import DeadheatError, UnknownName
from impls.frameworks import PHASES, checked, is_card
from results.schema import renames
from results.schema.record import Contestant, first_problem
from results.schema.system import System
from results.units import Bytes, Seconds, SecondsOrNone, Share

GPU_ROUND_SECONDS = 0.05
"""Minimum length of a round on a GPU, whose clock and queue of steps need longer rounds for repeatable times."""
MOST_LATENCY_STEPS = 200_000
"""Their times are one message of 4 MB."""


Count = Annotated[int, Field(gt=0, le=10**9)]


class SuiteError(DeadheatError):
    """A suite file that cannot be read or has invalid values; the message starts with the file and the key."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


ContestantName = Annotated[str, AfterValidator(renames.contestant)]


class WorkloadGrid(_Strict):
    """A grid of workloads: every combination of the listed values."""

    architectures: tuple[Annotated[str, AfterValidator(renames.architecture)], ...] = Field(min_length=1)
    sizes: tuple[int | str, ...] = ()  # a side, or "HxW"; left out: the size of the architecture's source
    batches: tuple[Count, ...] = Field(min_length=1)
    layers: Literal["each"] | None = None  # with "each", every layer alone beside the whole network
    streams: tuple[str, ...] = ()  # in place of sizes: streams of images of different sizes (bench.plan.streams)
    phases: tuple[str, ...] = PHASES
    channels: Count | None = None
    classes: Count | None = None
    precisions: tuple[str, ...] = ("float32",)
    contestants: tuple[ContestantName, ...] | None = None  # instead of the suite's
    devices: tuple[Count, ...] = Field(default=(1,), min_length=1)  # over how many a step, and its batch, is divided


def _as_range(count: object) -> object:
    return (count, count) if isinstance(count, int) else count


def _check_range(counts: tuple[int, int]) -> tuple[int, int]:
    if counts[0] > counts[1]:
        raise ValueError("must be [fewest, most] in this order")
    return counts


CountRange = Annotated[tuple[Count, Count], BeforeValidator(_as_range), AfterValidator(_check_range)]


class MeasurementSettings(_Strict):
    """How to measure: the keys of a file in bench/presets, each of which a suite may override."""

    launches: CountRange
    """Fresh processes per case: a number, or [fewest, most]; between them the group stops when it reaches `target`."""
    target: Share  # a group stops when the relative half-width of every interval of its times and ratios is below this
    turns: CountRange
    """Turns of a launch: a number, or [fewest, most]; between them the campaign chooses by costs and variances."""
    rounds: Count  # recorded rounds per turn, after one unrecorded round
    max_turn_seconds: Seconds  # no further round begins in a turn after this time
    round_seconds: Seconds  # minimum length of a round; on a GPU at least GPU_ROUND_SECONDS
    warmup_seconds: Seconds  # minimum length of warm-up
    warmup_limit: Seconds  # maximum length of warm-up, if step times do not converge
    max_retries: NonNegativeInt  # how often a contaminated block is repeated
    time_limit: Seconds  # for each request to a launch
    budget: Seconds  # of measuring; no pass begins that would exceed it
    sustained: SecondsOrNone  # length of the sustained run for the meters, in a case's first launch after its rounds
    fresh_interpreter: bool  # a new interpreter for every launch instead of a fork
    gpu_compiles_anew: bool  # on a GPU no launch finds what another has compiled: intervals contain autotuning's choice

    def least_round(self, device: str) -> float:
        """Minimum length of a round in seconds."""
        return max(self.round_seconds, GPU_ROUND_SECONDS) if is_card(device) else self.round_seconds

    def compiles_anew(self, device: str) -> bool:
        """Whether every launch compiles by itself, whatever earlier ones have compiled."""
        return is_card(device) and self.gpu_compiles_anew


class Suite(MeasurementSettings):
    """A suite: the keys of its file, and those of its preset that the file does not override."""

    title: str
    preset: str = "standard"
    contestants: tuple[ContestantName, ...] = Field(min_length=1)  # the first is the reference
    workloads: tuple[WorkloadGrid, ...] = Field(min_length=1)
    level: Literal["tuned", "idiomatic"] | None = None  # of every contestant; left out: as they are listed
    interpreters: dict[str, str] = {}  # label -> the Python to run contestants written with @label
    environment: dict[str, str] = {}  # variables of all launches, besides their setting's; --keep-env adds the shell's
    memory: Bytes = ByteSize(8 * 2**30)  # limit for contestants that run concurrently; also limited by free memory
    largest_batch: bool = (
        False  # search each case's largest batch, from the given one upward (bench.scheduling.largest_batch)
    )
    controls: bool = True  # launch one contestant of every network twice (bench.plan.controls)
    sizes_from: str = ""  # a folder with images whose sizes streams use; default: synthetic sizes
    ceilings: bool = False  # also measure the machine's peak (bench.networks.probes)
    seed: Annotated[int, Field(gt=-(2**63), lt=2**63), AfterValidator(abs)] = 0
    latency: SecondsOrNone = 0.0  # of every launch, after its turns: how long single steps are timed for percentiles
    latency_steps: Annotated[int, Field(gt=0, le=MOST_LATENCY_STEPS)] = 20_000  # and how many of them at most

    @property
    def reference(self) -> Contestant:
        return parse_contestant(self.contestants[0])

    @model_validator(mode="after")
    def _latency_is_within_the_limit(self) -> Self:
        """Single steps are one request to a launch."""
        if self.latency >= self.time_limit:
            limit = f"time_limit of {self.time_limit:g} s"
            raise ValueError(f"latency of {self.latency:g} s reaches {limit}; lower it, or raise time_limit")
        return self


def suite_names() -> list[str]:
    return shipped.names(SUITES)


def preset_names() -> list[str]:
    return shipped.names(PRESETS)


def load_suite(name: str, preset: str | None = None, **changes: Any) -> Suite:
    """The suite of that name, or in the TOML file of that path.

    `preset` replaces the suite's preset and the suite's own measurement settings; `changes` override both.
    UnknownName or SuiteError for a suite that does not exist or is invalid.
    """
    path = Path(name) if name.endswith(".toml") else SUITES / f"{renames.suite(name)}.toml"
    if path.parent == SUITES and not path.is_file():
        raise UnknownName("suite", name, suite_names())
    keys = _read(path, name)
    if preset:
        keys = {key: value for key, value in keys.items() if key not in MeasurementSettings.model_fields} | {
            "preset": preset
        }
    try:
        return Suite.model_validate({**_preset_keys(str(keys.get("preset", "standard"))), **keys, **changes})
    except ValidationError as problem:
        raise SuiteError(f"{path.name}: {first_problem(problem)}") from None
    except UnknownName as problem:
        raise SuiteError(f"{path.name}: {problem}") from None


def _preset_keys(preset: str) -> dict[str, Any]:
    """The keys of a preset, merged over those of the preset that it is based on."""
    path = PRESETS / f"{checked('preset', preset, tuple(preset_names()))}.toml"
    keys = _read(path, preset)
    del keys["title"]
    return {**_preset_keys(keys.pop("preset")), **keys} if "preset" in keys else keys


def _read(path: Path, name: str) -> dict[str, Any]:
    try:
        return renames.suite_keys(tomllib.loads(path.read_text(encoding="utf-8-sig")))
    except OSError as problem:
        raise SuiteError(
            f"{name}: {problem.strerror or problem}; give a suite file or one of: {', '.join(suite_names())}"
        ) from None
    except UnicodeDecodeError as problem:
        raise SuiteError(f"{path.name}: not UTF-8 text, at byte {problem.start}; save it as UTF-8") from None
    except (ValueError, RecursionError) as problem:  # TOML's errors, and integers that Python finds too long
        raise SuiteError(f"{path.name}: not TOML: {problem}") from None


def with_contestants(suite: Suite, change: Callable[[Contestant], Iterable[Contestant]]) -> Suite:
    """The suite with each contestant, also those of single workloads, replaced by what `change` returns."""

    def changed(texts: Iterable[str]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(new.id for text in texts for new in change(parse_contestant(text))))

    workloads = tuple(
        entry.model_copy(update={"contestants": changed(entry.contestants)}) if entry.contestants else entry
        for entry in suite.workloads
    )
    return suite.model_copy(update={"contestants": changed(suite.contestants), "workloads": workloads})


def with_devices(suite: Suite, devices: tuple[int, ...]) -> Suite:
    """The suite with every workload divided over each of these numbers of devices."""
    workloads = tuple(entry.model_copy(update={"devices": devices}) for entry in suite.workloads)
    return suite.model_copy(update={"workloads": workloads})


NO_SUITE = "system.json holds no complete suite; this campaign is too old or damaged to resume"


def suite_from_system(system: System) -> Suite:
    """The suite stored in a campaign's system.json. SuiteError if it is missing or incomplete."""
    try:
        keys = {key: value for key, value in system.suite.content().items() if key in Suite.model_fields}
        defaults = {"sustained": 0, "gpu_compiles_anew": False}  # values of keys that older campaigns lack
        return Suite.model_validate({**defaults, **keys})
    except ValidationError:
        raise SuiteError(NO_SUITE) from None
