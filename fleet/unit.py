"""Units: what is run on one node in one go, as a file that knows no engine."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic import ConfigDict, TypeAdapter, ValidationError

from impls.errors import InvalidInput
from impls.files import whole_file
from results import strict_json
from results.schema.record import first_problem

UNITS = "units"
"""Folder of a fleet's campaign with the units' files."""
PYTHON, UNIT, PART = "{python}", "{unit}", "{part}"
"""In a unit's command: the node's Python, the unit's file, and the folder to write the part to."""


@dataclass(frozen=True)
class Needs:
    """What a unit needs of its node.

    machine_type: "" for any. exclusive: nothing else runs on the node meanwhile, as for everything that is timed; else
    one slot. cards: number of cards. apart: units with the same text run on different nodes; "" if that is all one.
    node: the only one that may run it; "" for any.
    """

    machine_type: str = ""
    exclusive: bool = True
    cards: int = 0
    apart: str = ""
    node: str = ""


@dataclass(frozen=True)
class Unit:
    """A unit of work.

    label: for people. command: the arguments of the process, with PYTHON, UNIT and PART where the node puts its own.
    payload: what the command reads from the unit's file. time_limit: in seconds, for the whole command. check: a
    command that a node must pass before its first unit: status 0, or 1 and a JSON list of findings with `about`,
    `level` and `what`; empty for none. software: digest that the node's software must have (fleet.node); "" for any.
    """

    __pydantic_config__ = ConfigDict(extra="forbid")

    label: str
    command: tuple[str, ...]
    payload: Mapping[str, Any]
    needs: Needs = Needs()
    time_limit: float = 3600.0
    check: tuple[str, ...] = ()
    software: str = field(default="")

    @cached_property
    def id(self) -> str:
        """A digest of what is run, not of where."""
        content = json.dumps([self.command, self.payload], sort_keys=True)
        return hashlib.sha256(content.encode()).hexdigest()[:16]


_UNIT = TypeAdapter(Unit)


def write(unit: Unit, folder: Path) -> Path:
    """Write the unit's file into the folder, atomically; its path. OSError as from any writing."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{unit.id}.json"
    with whole_file(path) as file:
        file.write((strict_json.dumps(asdict(unit), indent=1) + "\n").encode())
    return path


def files(fleet: Path) -> list[Path]:
    """The files of the units in the folder `fleet` of a campaign, in an order that depends on the units only."""
    return sorted((fleet / UNITS).glob("*.json"))


def read(path: Path) -> Unit:
    """The unit in a file; InvalidInput says what is wrong with it."""
    try:
        return _UNIT.validate_json(path.read_bytes())
    except OSError as problem:
        raise InvalidInput(f"unit {str(path)!r} can't be read: {problem.strerror or problem}") from None
    except ValidationError as problem:
        raise InvalidInput(f"{str(path)!r} is no unit: {first_problem(problem)}") from None
