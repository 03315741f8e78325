"""Stored data of one trial: a seeded training with its curve, validated when it is read.

Schema history (a reader takes every version up to its own):
1  2026-11  first
2  2026-11  log
3  2026-11  evaluation_seconds
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache

from pydantic import TypeAdapter, ValidationError

from results.schema.record import UnreadableRecord, first_problem

SCHEMA = 3


class Outcome(StrEnum):
    """Outcome of a trial. All but `finished` have a reason."""

    FINISHED = "finished"
    DIVERGED = "diverged"
    SKIPPED = "skipped"
    OUT_OF_MEMORY = "out_of_memory"
    CRASHED = "crashed"
    FAILED = "failed"


FAILURES = (Outcome.CRASHED, Outcome.FAILED, Outcome.OUT_OF_MEMORY)
"""What a trial's log may say more about."""


@dataclass(frozen=True)
class Point:
    """A trial after so many `images`: mean loss since the previous point, and errors as shares of images.

    `training_error` is of images as they are trained on, without augmentation; errors are in evaluation mode.
    """

    passes: float
    images: int
    learning_rate: float
    loss: float | None
    training_error: float | None
    test_error: float | None


@dataclass(frozen=True)
class Trial:
    """One seeded training.

    `id` is a hash of everything that determines its outcome; claims that need the same trial share it. `errors`: final
    test errors as shares, by view ("" is the plain one); `losses`: those of its first steps. `settings`: the training
    in words. `log`, of a failed trial: its process's output, as a path relative to the reproduction's folder.
    `evaluation_seconds`: of `seconds`, those in which errors were measured.
    """

    id: str
    network: str
    data: str
    framework: str
    execution: str
    device: str
    seed: int
    outcome: Outcome
    reason: str = ""
    points: tuple[Point, ...] = ()
    errors: Mapping[str, float] = field(default_factory=dict)
    losses: tuple[float, ...] = ()
    seconds: float = 0.0
    resumed: int = 0
    settings: Mapping[str, str] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    log: str = ""
    schema: int = SCHEMA
    evaluation_seconds: float | None = None


@cache
def _adapter() -> TypeAdapter[Trial]:
    return TypeAdapter(Trial)


def to_json(trial: Trial) -> str:
    return _adapter().dump_json(trial).decode()


def from_json(line: str) -> Trial:
    """The trial of a line; UnreadableRecord if it is invalid or of a later schema."""
    try:
        trial = _adapter().validate_json(line)
    except ValidationError as problem:
        raise UnreadableRecord(first_problem(problem)) from None
    if trial.schema > SCHEMA:
        raise UnreadableRecord(f"schema {trial.schema} is newer than {SCHEMA}; update deadheat")
    return trial
