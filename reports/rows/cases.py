"""Tables of the page, from the tidy tables: one function per table, formatted rows.

No measured value is omitted, and a missing value is never a number: the cell is None, with a reason.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

import numpy as np
import pandas as pd

from reports.format import numbers
from reports.format.networks import Network, Row, rows, text
from reports.format.numbers import MILLISECONDS, FormattedEstimate
from reports.format.words import NEEDS, kind, missing
from results import words
from results.schema.record import Status
from results.tables.cases import judgement
from results.words import in_words

ERRORS = ("scores", "loss", "gradients")
WORST = "parity_worst_gradient"
START = "start_seconds"
BEFORE = ("build_seconds", START)
"""The parts of a launch before its first call."""
COLD, CACHED = "first_call_seconds", "cached_first_call_seconds"
"""First calls that found no compiled code, and those of the first launch that could find some."""


@dataclass(frozen=True)
class CaseRow:
    """One case with all of its measured values; `status` and `reason` explain numbers that are None."""

    phase: str
    contestant: str
    status: str
    reason: str
    launches: int
    lost: int
    speed: FormattedEstimate | None
    time: FormattedEstimate | None
    ratio: FormattedEstimate | None
    verdict: str
    kind: str
    flags: str


@dataclass(frozen=True)
class PartsRow:
    """Components of a training step: one entry for each of NEEDS, with a remark.

    The remark is the reason of a missing component, or that it is not significantly different from 0.
    """

    contestant: str
    parts: Sequence[tuple[FormattedEstimate | None, str]]


@dataclass(frozen=True)
class FirstCallRow:
    """Seconds of the first step by phase, for each kind of first call; then of building, and ms of starting.

    A reason if missing.
    """

    contestant: str
    seconds: Sequence[str]


@dataclass(frozen=True)
class ParityRow:
    """The largest errors of a contestant and their tolerances as text ("" for none); `outside` names larger ones."""

    contestant: str
    errors: Mapping[str, str]
    tolerances: Mapping[str, str]
    outside: Sequence[str]
    worst_gradient: str
    contestants: int
    outcome: str


@dataclass
class Failure:
    """Launches without a time, for one reason."""

    contestant: str
    status: str
    reason: str
    launches: int = 0
    cases: dict[str, None] = field(default_factory=dict)
    """Each once, in order."""
    logs: dict[str, None] = field(default_factory=dict)
    """The stored logs, as paths relative to the campaign's folder."""


def case_rows(network: Network, launches: pd.DataFrame) -> list[CaseRow]:
    """Every case of a network, by phase."""
    failed = launches[launches["status"] != Status.MEASURED].groupby("case").size().to_dict()
    order = [
        (phase, contestant)
        for phase in network.phases
        for contestant in network.contestants
        if (phase, contestant) in network.rows
    ]
    return [_case_row(network.rows[key], int(failed.get(network.rows[key]["case"], 0))) for key in order]


def _case_row(row: Row, lost: int) -> CaseRow:
    judged = judgement(row)
    is_reference = row["contestant"] == row["reference"]
    return CaseRow(
        phase=row["phase"],
        contestant=row["contestant"],
        status=in_words(row["status"]),
        reason=text(row["reason"]),
        launches=row["launches"],
        lost=lost,
        speed=numbers.estimate(row["images_per_second"], row["images_per_second_low"], row["images_per_second_high"]),
        time=milliseconds(row),
        ratio=None if is_reference else numbers.estimate(row["ratio"], row["ratio_low"], row["ratio_high"]),
        verdict=words.verdict(judged) if judged else "reference" if is_reference else "no ratio",
        kind=kind(judged.verdict if judged else "reference" if is_reference else "alone"),
        flags=in_words(text(row["quality_flags"])),
    )


def milliseconds(row: Row) -> FormattedEstimate | None:
    """The time of a row of `cases` or `split` in milliseconds."""
    return numbers.estimate(row["seconds"], row["seconds_low"], row["seconds_high"], MILLISECONDS)


def part_rows(network: Network, split: pd.DataFrame) -> list[PartsRow]:
    """Forward, backward and update of every contestant of a network, `infer` beside them."""
    found = {(row["contestant"], row["component"]): row for row in rows(split[split["network"] == network.id])}
    found |= {(contestant, phase): row for (phase, contestant), row in network.rows.items() if phase == "infer"}
    return [
        PartsRow(contestant, [_part(found.get((contestant, part)), network, contestant, part) for part in NEEDS])
        for contestant in network.contestants
    ]


def _part(row: Row | None, network: Network, contestant: str, part: str) -> tuple[FormattedEstimate | None, str]:
    shown = milliseconds(row) if row else None
    if row is None or shown is None:
        return None, missing(network, contestant, NEEDS[part])
    if row["seconds_low"] <= 0 <= row["seconds_high"]:
        return shown, "not significantly different from 0"
    return shown, "below 0" if row["seconds"] < 0 else ""


def first_call_rows(
    network: Network, launches: pd.DataFrame, phases: Sequence[str], kinds: Sequence[str] = (COLD,)
) -> list[FirstCallRow]:
    """A contestant's times before its first recorded step, in these phases. `kinds`: of first calls."""
    mine = launches[(launches["network"] == network.id) & (launches["status"] == Status.MEASURED)]
    known = {what: mine[what].to_numpy(float) for what in (*BEFORE, *kinds)}
    known[START] = MILLISECONDS * known[START]
    of_contestants = mine.groupby("contestant", observed=True).indices
    seconds: dict[Hashable, np.ndarray] = {
        (one, what, ""): known[what][places] for one, places in of_contestants.items() for what in BEFORE
    }
    of_phases = mine.groupby(["contestant", "phase"], observed=True).indices
    for key, places in of_phases.items():
        one, phase = cast("tuple[str, str]", key)
        seconds |= {(one, kind, phase): known[kind][places] for kind in kinds}
    needs: dict[tuple[str, str], Sequence[str]] = {(kind, phase): (phase,) for kind in kinds for phase in phases}
    needs |= {(what, ""): network.phases for what in BEFORE}
    return [
        FirstCallRow(
            contestant,
            [_spread(seconds.get((contestant, *of))) or missing(network, contestant, needs[of]) for of in needs],
        )
        for contestant in network.contestants
    ]


def _spread(seconds: np.ndarray | None) -> str | None:
    """Median, and the extremes if there are several: launches are too few for other statistics."""
    if seconds is None or not len(known := seconds[~np.isnan(seconds)]):
        return None
    middle = numbers.plain(float(np.median(known)))
    return middle if len(known) < 2 else f"{middle} ({numbers.plain(known.min())}–{numbers.plain(known.max())})"


def parity_rows(network: Network, launches: pd.DataFrame, tolerances: Mapping[str, float]) -> list[ParityRow]:
    """The largest errors over all launches of a contestant on a network."""
    names = ["contestant", "status", *(name for name in launches.columns if name.startswith("parity_"))]
    mine: dict[str, list[Row]] = {contestant: [] for contestant in network.contestants}
    for row in rows(launches.loc[launches["network"] == network.id, names].drop_duplicates()):
        mine[row["contestant"]].append(row)
    return [_parity_row(contestant, own, tolerances, network.device) for contestant, own in mine.items()]


def _parity_row(contestant: str, records: Sequence[Row], tolerances: Mapping[str, float], device: str) -> ParityRow:
    checked = [row for row in records if pd.notna(row["parity_contestants"])]
    if not checked:
        return ParityRow(contestant, {}, {}, (), "", 0, "not checked")
    # A contestant that computes no gradients has none that differs most.
    compared = [key for key in ERRORS if key != "gradients" or any(text(row[WORST]) for row in checked)]
    largest = {key: _largest(row[f"parity_{key}"] for row in checked) for key in compared}
    worst = max(checked, key=lambda row: _size(row["parity_gradients"]))
    outside = [key for key in compared if key in tolerances and not largest[key] <= tolerances[key]]
    return ParityRow(
        contestant,
        {key: numbers.error(largest[key]) if key in largest else "none" for key in ERRORS},
        {key: _tolerance(tolerances[key]) if key in tolerances else "" for key in ERRORS},
        outside,
        text(worst[WORST]),
        int(worst["parity_contestants"]),
        _outcome(records, text(worst["parity_cleared"]), outside, tolerances) + _identity(device, worst),
    )


def _identity(device: str, record: Row) -> str:
    """In which other precision the network was shown to be equal, where that is asked."""
    if record["status"] == Status.MISMATCH or not (said := words.identity(device, text(record["parity_identity"]))):
        return ""
    return f"; {said}"


def _tolerance(value: float) -> str:
    return "the allowed " + numbers.error(value).replace(".0e", "e")


def _outcome(records: Sequence[Row], cleared: str, outside: Sequence[str], tolerances: Mapping[str, float]) -> str:
    """How the gate judged; campaigns before schema 7 do not say in what a contestant passed that was examined again."""
    statuses = {row["status"] for row in records}
    if Status.MISMATCH in statuses:
        return "mismatch"
    if list(outside) == ["gradients"] and Status.MEASURED in statuses:  # no other difference is examined again
        where = cleared or "float64 or on other images"
        return f"passed in {where}, without the pooling ties that may explain the error"
    if outside:
        return "outside tolerance"
    return "within tolerance" if all(key in tolerances for key in ERRORS) else "no tolerance recorded"


def _largest(values: Iterable[float]) -> float:
    return max(values, key=_size)


def _size(value: float | None) -> float:
    """Sort key: a missing value is worse than any number."""
    return math.inf if value is None or math.isnan(value) else value


def failure_rows(launches: pd.DataFrame) -> list[Failure]:
    """All launches without a time, grouped by contestant, status and reason."""
    gathered: dict[tuple[str, str, str], Failure] = {}
    names = ["contestant", "status", "reason", "case", "log"]
    for row in rows(launches.loc[launches["status"] != Status.MEASURED, names]):
        key = row["contestant"], in_words(row["status"]), text(row["reason"])
        lost = gathered.setdefault(key, Failure(*key))
        lost.launches += 1
        lost.cases[row["case"]] = None
        if log := text(row["log"]):
            lost.logs[log] = None
    return list(gathered.values())
