"""Checkpoints: the complete state of a trial, written to a file after each pass."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from impls.files import whole_file
from results.schema.trial import Point
from results.store.pictures import UNREADABLE

Arrays = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class State:
    """State of a trial between two passes. Arrays are canonical, so that another framework could continue."""

    weights: Arrays
    statistics: Arrays
    momentum: Arrays
    passes: int = 0
    images: int = 0
    points: tuple[Point, ...] = ()
    losses: tuple[float, ...] = ()
    seconds: float = 0.0
    resumed: int = field(default=0)
    evaluation_seconds: float = 0.0


GROUPS = "weights", "statistics", "momentum"


def write(path: Path, state: State) -> None:
    """Write the state to the file atomically."""
    fields = {name: value for name, value in vars(state).items() if name not in GROUPS}
    fields["points"] = [asdict(point) for point in state.points]
    arrays = {f"{group}/{name}": array for group in GROUPS for name, array in getattr(state, group).items()}
    with whole_file(path) as file:
        np.savez(file, allow_pickle=False, told=np.array(json.dumps(fields)), **arrays)


def read(path: Path) -> State | None:
    """The state in the file; None if it is missing or unreadable, so that the trial starts again."""
    with contextlib.suppress(*UNREADABLE):
        with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
            fields: dict[str, Any] = json.loads(str(file["told"]))
            groups = {
                group: {key.removeprefix(f"{group}/"): file[key] for key in file if key.startswith(f"{group}/")}
                for group in GROUPS
            }
        fields["points"] = tuple(Point(**point) for point in fields["points"])
        fields["losses"] = tuple(fields["losses"])
        return State(**{**fields, **groups})
    return None
