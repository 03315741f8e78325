"""Suites: which cases to measure, and how, as a TOML file. The files in bench/suites are known by name.

Everything in a file is checked before anything is measured: keys and types here, names and sizes against the
registries when the cases are made. docs: a suite's keys are the fields of `Suite`, `Protocol` and `Entry` below.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ByteSize,
    ConfigDict,
    Field,
    NonNegativeInt,
    ValidationError,
)

from bench.plan.parse import parse_contestant
from impls.errors import DeadheatError, UnknownName
from impls.frameworks import PHASES, checked
from results.schema import renames
from results.schema.record import Contestant, first_problem
from results.schema.system import System
from results.units import Bytes, Seconds, SecondsOrNone, Share

FOLDER = Path(__file__).parents[1] / "suites"
PRESETS = Path(__file__).parents[1] / "presets"
GPU_ROUND_SECONDS = 0.05
"""A GPU's clock and a queue of steps take longer to look the same twice."""


Count = Annotated[int, Field(gt=0, le=10**9)]


class SuiteError(DeadheatError):
    """A suite file that cannot be read or asks for what cannot be; the text starts with the file and the key."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


ContestantName = Annotated[str, AfterValidator(renames.contestant)]


class WorkloadGrid(_Strict):
    """Some workloads: every combination of what is listed."""

    architectures: tuple[Annotated[str, AfterValidator(renames.architecture)], ...] = Field(min_length=1)
    sizes: tuple[int | str, ...] = ()  # a side, or "HxW"; left out: the size of the architecture's source
    batches: tuple[Count, ...] = Field(min_length=1)
    layers: Literal["each"] | None = None  # with "each", every layer alone beside the whole network
    streams: tuple[str, ...] = ()  # in place of sizes: what to do with images of many (bench.plan.streams)
    phases: tuple[str, ...] = PHASES
    channels: Count | None = None
    classes: Count | None = None
    precisions: tuple[str, ...] = ("float32",)
    contestants: tuple[ContestantName, ...] | None = None  # instead of the suite's


def _least_and_most(launches: object) -> object:
    return (launches, launches) if isinstance(launches, int) else launches


def _in_order(launches: tuple[int, int]) -> tuple[int, int]:
    if launches[0] > launches[1]:
        raise ValueError("the fewest launches come first, then the most")
    return launches


class MeasurementSettings(_Strict):
    """How to measure: what a file in bench/presets says, all of it, and a suite may say otherwise."""

    launches: Annotated[tuple[Count, Count], BeforeValidator(_least_and_most), AfterValidator(_in_order)]
    """Fresh processes a case: a number, or [fewest, most], between which it ends at the target."""
    target: Share  # half-width of the interval of every case and ratio at which a group has enough launches
    turns: Count  # turns a launch takes among the others
    rounds: Count  # counted rounds a turn, after one settling round
    max_turn_seconds: Seconds  # after which a turn has no further round
    round_seconds: Seconds  # a round is at least this long; on a GPU GPU_ROUND_SECONDS, if that is more
    warmup_seconds: Seconds  # of warm-up, at least
    warmup_limit: Seconds  # after which warm-up ends though steps have not settled
    max_retries: NonNegativeInt  # how often a contaminated block is run again
    time_limit: Seconds  # for any one thing that a launch is asked to do
    budget: Seconds  # of measuring; no further pass is begun that would not fit
    sustained: SecondsOrNone  # of nothing but steps in a case's first launch, after its rounds, for the meters
    fresh_interpreter: bool  # a fresh interpreter for every launch, in place of a fork

    def least_round(self, device: str) -> float:
        """Seconds that a round takes at least."""
        return max(self.round_seconds, GPU_ROUND_SECONDS) if device == "cuda" else self.round_seconds


class Suite(MeasurementSettings):
    """A suite file, over its preset."""

    title: str
    preset: str = "standard"
    contestants: tuple[ContestantName, ...] = Field(min_length=1)  # the first is the reference
    workloads: tuple[WorkloadGrid, ...] = Field(min_length=1)
    interpreters: dict[str, str] = {}  # label -> the Python to run contestants written with @label
    environment: dict[str, str] = {}  # variables of all launches, beside their setting's; --keep-env adds the shell's
    memory: Bytes = ByteSize(8 * 2**30)  # contestants alive together stay within this, and within what is free
    largest_batch: bool = (
        False  # look for each case's largest batch, from the one given on (bench.runner.largest_batch)
    )
    sizes_from: str = ""  # a folder with images whose sizes streams have; left out: made up
    ceilings: bool = False  # measure with them what the machine can do at most (bench.networks.probes)
    seed: Annotated[int, Field(gt=-(2**63), lt=2**63), AfterValidator(abs)] = 0

    @property
    def reference(self) -> Contestant:
        return parse_contestant(self.contestants[0])


def suite_names() -> list[str]:
    return sorted(file.stem for file in FOLDER.glob("*.toml"))


def preset_names() -> list[str]:
    return sorted(file.stem for file in PRESETS.glob("*.toml"))


def load_suite(name: str, preset: str | None = None, **changes: Any) -> Suite:
    """The suite of that name, or in the TOML file of that path.

    A `preset` given here takes the place of the suite's own and of what the suite says beside it; `changes` are keys
    that take the place of either.
    """
    path = Path(name) if name.endswith(".toml") else FOLDER / f"{name}.toml"
    if path.parent == FOLDER and not path.is_file():
        raise UnknownName("suite", name, suite_names())
    said = _read(path, name)
    if preset:
        said = {key: value for key, value in said.items() if key not in MeasurementSettings.model_fields} | {
            "preset": preset
        }
    try:
        return Suite.model_validate({**_protocol(str(said.get("preset", "standard"))), **said, **changes})
    except ValidationError as problem:
        raise SuiteError(f"{path.name}: {first_problem(problem)}") from None
    except UnknownName as problem:
        raise SuiteError(f"{path.name}: {problem}") from None


def _protocol(preset: str) -> dict[str, Any]:
    """The keys of a preset, over those of the preset that it is based on."""
    path = PRESETS / f"{checked('preset', preset, tuple(preset_names()))}.toml"
    said = _read(path, preset)
    del said["title"]
    return {**_protocol(said.pop("preset")), **said} if "preset" in said else said


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
    """The suite with each of its contestants, wherever it names them, replaced by those that `change` gives."""

    def changed(texts: Iterable[str]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(new.id for text in texts for new in change(parse_contestant(text))))

    workloads = tuple(
        entry.model_copy(update={"contestants": changed(entry.contestants)}) if entry.contestants else entry
        for entry in suite.workloads
    )
    return suite.model_copy(update={"contestants": changed(suite.contestants), "workloads": workloads})


NO_SUITE = "system.json holds no whole suite; this campaign is too old or damaged to go on with"


def suite_from_system(system: System) -> Suite:
    """The suite that a campaign's system.json holds."""
    try:
        said = {key: value for key, value in system.suite.content().items() if key in Suite.model_fields}
        later = {"sustained": 0}  # keys that older campaigns lack, as they were measured
        return Suite.model_validate({**later, **said})
    except ValidationError:
        raise SuiteError(NO_SUITE) from None
