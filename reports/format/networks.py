"""The cases of a campaign in the page's order: by network, phases in order, contestants in order of appearance."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from results.words import on

PHASES = ("infer", "forward", "gradient", "train")

Row = Mapping[str, Any]
"""One row of a tidy table."""


@dataclass(frozen=True)
class Network:
    """All cases of one architecture at one size, batch, precision and device."""

    id: str
    architecture: str
    size: str
    conditions: str
    batch: int
    precision: str
    device: str
    phases: Sequence[str]
    contestants: Sequence[str]
    rows: Mapping[tuple[str, str], Row]
    """By (phase, contestant); combinations without a record are absent."""
    devices: int = 1


def networks(cases: pd.DataFrame) -> list[Network]:
    """The networks of one campaign's table of cases, in order of appearance."""
    return [_network(key, own) for (key,), own in grouped(with_network(cases), ["network"]).items()]


def titles(found: Sequence[Network]) -> Mapping[str, str]:
    """Short titles by id: architecture and size, and what else tells networks apart."""
    facts = {
        one.id: (f"{one.architecture} {one.size}", f"batch {one.batch}", one.precision, on(one.device, one.devices))
        for one in found
    }
    shown: dict[str, str] = {}
    for count in range(1, 5):
        shown = {name: ", ".join(own[:count]) for name, own in facts.items()}
        if len(set(shown.values())) == len(shown):
            break
    return shown


def with_network(frame: pd.DataFrame) -> pd.DataFrame:
    """The table with a column `network` as in the table `split`: the id of the workload without its phase."""
    pairs = frame[["group", "phase"]].drop_duplicates()
    network = {group: group.removesuffix(f"-{phase}") for group, phase in pairs.itertuples(index=False)}
    found = frame["group"].map(network)
    return frame.assign(network=pd.Categorical(found) if frame["group"].dtype == "category" else found)


def rows(frame: pd.DataFrame) -> list[Row]:
    """The rows of a tidy table, one by one."""
    names, columns = list(frame.columns), [column.tolist() for _, column in frame.items()]
    return [dict(zip(names, values)) for values in zip(*columns)]


def grouped(frame: pd.DataFrame, names: Sequence[str]) -> dict[tuple[Any, ...], list[Row]]:
    """The rows by their values in these columns, in order of appearance."""
    found: dict[tuple[Any, ...], list[Row]] = {}
    for row in rows(frame):
        found.setdefault(tuple(row[name] for name in names), []).append(row)
    return found


def contestants(frame: pd.DataFrame) -> list[str]:
    """The contestants, in order of appearance."""
    return list(dict.fromkeys(frame["contestant"]))


def text(value: object) -> str:
    """A text of a tidy table; "" for NaN, pandas' mark of a missing one."""
    return value if isinstance(value, str) else ""


def in_order(phases: Iterable[str]) -> list[str]:
    """Each phase once, those of other packages last."""
    return sorted(dict.fromkeys(phases), key=lambda one: PHASES.index(one) if one in PHASES else len(PHASES))


def _size(row: Row) -> str:
    """ "227 px", "180 × 240 px", or the name of a stream."""
    if row["stream"]:
        return f"stream {row['stream']}"
    return f"{row['height']} px" if row["height"] == row["width"] else f"{row['height']} × {row['width']} px"


def _images(row: Row) -> str:
    if row["stream"]:
        return f"stream {row['stream']}: {row['batch']} images in batches of {row['sizes']} shapes"
    return f"{row['channels']} × {row['height']} × {row['width']} · batch {row['batch']}"


def _network(key: str, own: Sequence[Row]) -> Network:
    first = own[0]
    return Network(
        id=key,
        architecture=first["architecture"],
        size=_size(first),
        conditions=" · ".join((_images(first), first["precision"], on(first["device"], first["devices"]))),
        batch=first["batch"],
        precision=first["precision"],
        device=first["device"],
        phases=in_order(row["phase"] for row in own),
        contestants=list(dict.fromkeys(row["contestant"] for row in own)),
        rows={(row["phase"], row["contestant"]): row for row in own},
        devices=first["devices"],
    )
