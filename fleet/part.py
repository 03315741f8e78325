"""Parts: what an attempt at a unit leaves. A folder with a single writer, complete once its `done.json` exists.

    ATTEMPT/part/       what the unit's command wrote: a campaign's folder
    ATTEMPT/log         what it printed
    ATTEMPT/done.json   how it ended, with the digest of every file of the part; written last, by renaming

A scheduler may tell that a job has ended before a shared disk shows its files, or show some of them only. So what it
tells does not count: a part is whole when its digests agree.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from impls.errors import DeadheatError
from impls.files import sync_names, whole_file
from results import strict_json
from results.schema.record import first_problem

PARTS = "parts"
"""Folder of a fleet's campaign with the attempts: ID/N/ is attempt N at a unit."""
PART, LOG, DONE = "part", "log", "done.json"


class Outcome(StrEnum):
    """How an attempt ended."""

    WHOLE = "whole"
    """Its part is complete."""
    FAILED = "failed"
    """Its command failed or took too long."""
    REFUSED = "refused"
    """The node must not run it: unfit, or other software."""
    LOST = "lost"
    """Nothing came back: the node, its engine or the process that ran it was lost."""


@dataclass(frozen=True)
class Ended:
    """The end of an attempt. `reason`: of every outcome but WHOLE. `seconds`: wall time on the node; None: unknown.

    `files`: SHA-256 of each file of the part, by path. `facts`: of the node, as JSON (fleet.node.Node.facts).
    """

    unit: str
    attempt: int
    node: str
    outcome: Outcome
    reason: str = ""
    seconds: float | None = None
    files: Mapping[str, str] = field(default_factory=dict)
    facts: Mapping[str, object] = field(default_factory=dict)
    started: str = ""
    finished: str = ""


_ENDED = TypeAdapter(Ended)


class PartError(DeadheatError):
    """An attempt's folder that is not whole."""


def digests(folder: Path) -> dict[str, str]:
    """SHA-256 of every file below the folder, by relative path."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def publish(attempt: Path, ended: Ended) -> None:
    """Write `done.json`, once everything else is on the disk. OSError as from any writing."""
    for path in (attempt / PART).rglob("*") if (attempt / PART).is_dir() else ():
        if path.is_dir():
            sync_names(path)
    with whole_file(attempt / DONE) as file:
        file.write((strict_json.dumps(asdict(ended), indent=1) + "\n").encode())


def is_done(attempt: Path) -> bool:
    return (attempt / DONE).is_file()


def read(attempt: Path) -> Ended:
    """How the attempt in the folder ended; PartError if it has not, or if its part is not as it was published."""
    try:
        ended = _ENDED.validate_json((attempt / DONE).read_bytes())
    except OSError as problem:
        raise PartError(f"no {DONE}: {problem.strerror or problem}") from None
    except ValidationError as problem:
        raise PartError(f"{DONE} is damaged: {first_problem(problem)}") from None
    if ended.outcome is Outcome.WHOLE:
        try:
            there = digests(attempt / PART)
        except OSError as problem:
            raise PartError(f"the part can't be read: {problem.strerror or problem}") from None
        wrong = sorted(name for name in {*there, *ended.files} if there.get(name) != ended.files.get(name))
        if wrong:
            raise PartError(f"the part is cut off or changed: {wrong[0]} is not as it was published")
    return ended
