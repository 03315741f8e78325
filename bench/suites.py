"""Suites: which cases to measure, and how, as a TOML file. The files in bench/suites are known by name.

Everything in a file is checked before anything is measured: keys and types here, names and sizes against the
registries when the cases are made. docs: a suite's keys are the fields of `Suite` and `Entry` below.
"""

from __future__ import annotations

import itertools
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PositiveInt, ValidationError

from bench.sizes import parse_size
from bench.units import Bytes, Seconds
from impls.architectures import load_architecture
from impls.errors import DeadheatError, UnknownName
from impls.frameworks import PHASES, PRECISIONS, checked, load_framework
from impls.layers import Pair
from results.record import Case, Contestant, Workload, first_problem

FOLDER = Path(__file__).with_name("suites")


class SuiteError(DeadheatError):
    """A suite file that cannot be read or asks for what cannot be; the text starts with the file and the key."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Entry(_Strict):
    """Some workloads: every combination of what is listed."""

    architectures: tuple[str, ...] = Field(min_length=1)
    sizes: tuple[int | str, ...] = ()  # a side, or "HxW"; left out: the size of the architecture's source
    batches: tuple[PositiveInt, ...] = Field(min_length=1)
    phases: tuple[str, ...] = PHASES
    channels: PositiveInt | None = None
    classes: PositiveInt | None = None
    precisions: tuple[str, ...] = ("float32",)
    contestants: tuple[str, ...] | None = None  # instead of the suite's


class Suite(_Strict):
    """A suite file."""

    title: str
    contestants: tuple[str, ...] = Field(min_length=1)  # the first is the reference
    workloads: tuple[Entry, ...] = Field(min_length=1)
    launches: PositiveInt = 3  # fresh processes a case
    turns: PositiveInt = 2  # turns a launch takes among the others
    rounds: PositiveInt = 3  # counted rounds a turn, after one settling round
    turn_seconds: Seconds = 1.0  # after which a turn has no further round
    round_seconds: Seconds = 0.02  # a round is at least this long
    warmup_seconds: Seconds = 0.2
    time_limit: Seconds = 300.0  # for any one thing that a launch is asked to do
    budget: Seconds = 3600.0  # of measuring; no further block is begun that would not fit
    memory: Bytes = Bytes(8 * 2**30)  # contestants alive together stay within this
    seed: Annotated[int, AfterValidator(abs)] = 0

    @property
    def reference(self) -> Contestant:
        return parse_contestant(self.contestants[0])


def suite_names() -> list[str]:
    return sorted(file.stem for file in FOLDER.glob("*.toml"))


def load_suite(name: str) -> Suite:
    """The suite of that name, or in the TOML file of that path."""
    path = Path(name) if name.endswith(".toml") else FOLDER / f"{name}.toml"
    if path.parent == FOLDER and not path.is_file():
        raise UnknownName("suite", name, suite_names())
    try:
        return Suite.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except OSError as problem:
        raise SuiteError(
            f"{name}: {problem.strerror or problem}; give a suite file or one of: {', '.join(suite_names())}"
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as problem:
        raise SuiteError(f"{path.name}: not TOML: {problem}") from None
    except ValidationError as problem:
        raise SuiteError(f"{path.name}: {first_problem(problem)}") from None


def cases(suite: Suite, device: str) -> list[Case]:
    """Every case of the suite once, in its order. Raises what the registries say of unknown names and bad sizes."""
    found: dict[Case, None] = {}
    for number, entry in enumerate(suite.workloads):
        try:
            found.update(dict.fromkeys(_entry_cases(suite, entry, device)))
        except DeadheatError as problem:
            raise SuiteError(f"workloads.{number}: {problem}") from None
    return list(found)


def parse_contestant(text: str) -> Contestant:
    """The contestant written as framework:execution, or as a framework alone for its first execution."""
    framework, _, execution = text.partition(":")
    found = load_framework(framework)
    return Contestant(framework, found.execution(execution).name if execution else found.executions[0].name)


def _entry_cases(suite: Suite, entry: Entry, device: str) -> Iterator[Case]:
    contestants = [parse_contestant(text) for text in entry.contestants or suite.contestants]
    for workload in _workloads(entry, device):
        for contestant in contestants:
            yield Case(workload, contestant)


def _workloads(entry: Entry, device: str) -> Iterator[Workload]:
    sizes: tuple[Pair | None, ...] = tuple(map(parse_size, entry.sizes)) or (None,)
    for name, size, batch, precision in itertools.product(entry.architectures, sizes, entry.batches, entry.precisions):
        network = load_architecture(name).at(size, entry.channels, entry.classes)
        channels, height, width = network.input_shape
        for phase in entry.phases:
            yield Workload(
                architecture=name,
                height=height,
                width=width,
                channels=channels,
                classes=network.classes,
                batch=batch,
                precision=checked("precision", precision, PRECISIONS),
                device=device,
                phase=checked("phase", phase, PHASES),
            )
