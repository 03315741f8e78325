"""Everything that the rest of a trial follows from, kept in a file after each pass."""

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
    """A trial between two passes. Arrays are canonical, so that another framework could go on with them."""

    weights: Arrays
    statistics: Arrays
    momentum: Arrays
    passes: int = 0
    images: int = 0
    points: tuple[Point, ...] = ()
    losses: tuple[float, ...] = ()
    seconds: float = 0.0
    resumed: int = field(default=0)


GROUPS = "weights", "statistics", "momentum"


def write(path: Path, state: State) -> None:
    """Put the state into the file, whole or not at all."""
    told = {name: value for name, value in vars(state).items() if name not in GROUPS}
    told["points"] = [asdict(point) for point in state.points]
    arrays = {f"{group}/{name}": array for group in GROUPS for name, array in getattr(state, group).items()}
    with whole_file(path) as file:
        np.savez(file, allow_pickle=False, told=np.array(json.dumps(told)), **arrays)


def read(path: Path) -> State | None:
    """The state in the file; None if there is none, or none that can be read: then the trial begins anew."""
    with contextlib.suppress(*UNREADABLE):
        with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
            told: dict[str, Any] = json.loads(str(file["told"]))
            groups = {
                group: {key.removeprefix(f"{group}/"): file[key] for key in file if key.startswith(f"{group}/")}
                for group in GROUPS
            }
        told["points"] = tuple(Point(**point) for point in told["points"])
        told["losses"] = tuple(told["losses"])
        return State(**{**told, **groups})
    return None
