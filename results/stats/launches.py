"""Launches as columns: of one case or of many, from records or from a file of columns (results.store.mirror).

A record is an object of a hundred numbers, so a million of them do not fit in memory and take minutes to go through.
Statistics need few numbers of each launch: the columns of FIELDS, which `values` computes from a record.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Any, Protocol

import numpy as np

from impls.frameworks import is_card
from results.schema.columns import CARD, PARITY, USAGE
from results.schema.record import CardConditions, Case, Conditions, Latency, Parity, Record, Status, Usage
from results.stats.cells import Timed, rounds_per_turn_of
from results.stats.estimates import Rounds, launch_time
from results.stats.pairing import Pass, by_pass, last_attempts


class Kind(StrEnum):
    """What a column holds, and what stands for a missing value in an array: None in texts and truths, NaN in numbers.

    WORD: texts of which many are equal. WHOLE is never missing; COUNT is a whole number that may be.
    """

    WORD = "word"
    TEXT = "text"
    WHOLE = "whole"
    COUNT = "count"
    NUMBER = "number"
    TRUTH = "truth"
    AMOUNTS = "amounts"


SUMS = {
    "wall_seconds": "wall",
    "own_cpu_seconds": "own_cpu",
    "foreign_cpu_seconds": "foreign_cpu",
    "steal_seconds": "steal",
    "pressure_seconds": "pressure",
    "throttled_seconds": "throttled",
    "throttled_periods": "throttled_periods",
    "minor_faults": "minor_faults",
    "major_faults": "major_faults",
}
"""Columns that are sums of a launch's conditions over its counted rounds, by the name of the condition."""

FIELDS: Mapping[str, Kind] = {
    "launch": Kind.WHOLE,
    "subset": Kind.WHOLE,
    "attempt": Kind.WHOLE,
    "node": Kind.WORD,
    "status": Kind.WORD,
    "reason": Kind.TEXT,
    "log": Kind.TEXT,
    "seconds": Kind.NUMBER,
    "rounds": Kind.WHOLE,
    "turns": Kind.WHOLE,
    "steps": Kind.COUNT,
    "first_call_seconds": Kind.NUMBER,
    "cached_first_call_seconds": Kind.NUMBER,
    "build_seconds": Kind.NUMBER,
    "start_seconds": Kind.NUMBER,
    "started": Kind.TEXT,
    "warmup_converged": Kind.TRUTH,
    "pinned_threads": Kind.COUNT,
    "cores": Kind.COUNT,
    **dict.fromkeys(SUMS, Kind.NUMBER),
    "runnable": Kind.NUMBER,
    **{column.name: Kind.WORD if column.name == "turn_slowed_by" else Kind.NUMBER for column in CARD},
    "device_seconds": Kind.NUMBER,
    "effective_precision": Kind.WORD,
    "compilations": Kind.COUNT,
    "fallback": Kind.WORD,
    **{column.name: Kind.NUMBER for column in USAGE},
    "usage_missing": Kind.WORD,
    "usage_sources": Kind.WORD,
    **{column.name: Kind.WORD for column in PARITY},
    **dict.fromkeys(("parity_scores", "parity_loss", "parity_gradients"), Kind.NUMBER),
    "parity_contestants": Kind.COUNT,
    "block_seconds": Kind.AMOUNTS,
    "schema": Kind.WHOLE,
    "latency_steps": Kind.COUNT,
    "latency_seconds": Kind.AMOUNTS,
    "latency_other_cpus": Kind.NUMBER,
    "latency_reason": Kind.WORD,
}
"""The columns of a launch beside its case and its rounds, under the names of the table of launches if it has them."""


def values(record: Record) -> dict[str, Any]:
    """What FIELDS hold of one launch; None where it is unknown."""
    return {
        "launch": record.launch,
        "subset": record.subset,
        "attempt": record.attempt,
        "node": record.node,
        "status": record.status.value,
        "reason": record.reason,
        "log": record.log,
        "seconds": launch_time(record.seconds) if record.seconds else None,
        "rounds": len(record.seconds),
        "turns": len(record.turns),
        "steps": record.steps,
        "first_call_seconds": record.first_call_seconds,
        "cached_first_call_seconds": record.cached_first_call_seconds,
        "build_seconds": record.build_seconds,
        "start_seconds": record.start_seconds,
        "started": record.started,
        "warmup_converged": record.warmup_converged,
        "pinned_threads": record.pinned_threads,
        **sums_of(record.conditions),
        **_card(record.card),
        "device_seconds": launch_time(record.device_seconds) if record.device_seconds else None,
        "effective_precision": record.effective_precision,
        "compilations": record.compilations,
        "fallback": record.fallback,
        **_usage(record),
        **_parity(record.parity),
        "block_seconds": record.block_seconds,
        "schema": record.schema,
        **_latency(record.latency),
    }


def sums_of(conditions: Conditions | None) -> dict[str, Any]:
    """The columns SUMS, `runnable` (its mean over rounds) and `cores`; None where the system does not say."""
    if conditions is None or not conditions.wall:
        return dict.fromkeys((*SUMS, "runnable", "cores"))
    runnable = conditions.runnable
    return {
        **{name: _sum(getattr(conditions, entries)) for name, entries in SUMS.items()},
        "runnable": sum(runnable) / len(runnable) if runnable else None,
        "cores": conditions.cores,
    }


def _sum(entries: Sequence[float]) -> float | None:
    try:
        return math.fsum(entries) if entries else None
    except (ValueError, OverflowError):  # infinities of both signs, or a sum beyond all numbers
        return None


def _card(card: CardConditions | None) -> dict[str, Any]:
    """The columns CARD of one launch."""
    card = card or _NO_CARD
    slowed = card.slowed_by
    return {
        "turn_clock_low_hz": min(card.clock_hz, default=None),
        "turn_clock_high_hz": max(card.clock_hz, default=None),
        "turn_slowed": sum(map(bool, slowed)) / len(slowed) if slowed else None,
        "turn_slowed_by": "; ".join(filter(None, dict.fromkeys(slowed))) if slowed else None,
        "turn_foreign_processes": max(card.foreign_processes, default=None),
    }


_NO_CARD = CardConditions()
_OF_TURNS = {
    "clock_hz": ("turn_clock_low_hz", "turn_clock_high_hz"),
    "slowed_by": ("turn_slowed", "turn_slowed_by"),
    "foreign_processes": ("turn_foreign_processes",),
}
"""The columns of each of a card's conditions."""


NO_DEVICE_CLOCK = "the framework gives no access to the device's clock"


def _usage(record: Record) -> dict[str, Any]:
    """The columns USAGE of one launch, and the reasons of those and of what else is missing on a card."""
    usage, card = record.usage or _NO_USAGE, record.card or _NO_CARD
    missing = {name: why for name, why in usage.missing.items() if name not in usage.values}
    missing |= {name: why for of, why in card.missing.items() if not getattr(card, of) for name in _OF_TURNS[of]}
    if is_card(record.case.workload.device) and record.seconds and not record.device_seconds:
        missing["device_seconds"] = NO_DEVICE_CLOCK
    return {
        **{column.name: usage.values.get(column.name) for column in USAGE},
        "usage_missing": _json(missing),
        "usage_sources": _json(usage.sources),
    }


_NO_USAGE = Usage()


def _json(texts: Mapping[str, str]) -> str:
    """ "" for none. The order of the names counts: it is that of what is said of them."""
    return json.dumps(texts, ensure_ascii=False) if texts else ""


def _parity(parity: Parity | None) -> dict[str, Any]:
    if parity is None:
        return dict.fromkeys(column.name for column in PARITY)
    return {
        "parity_scores": parity.scores,
        "parity_loss": parity.loss,
        "parity_gradients": parity.gradients,
        "parity_worst_gradient": parity.worst_gradient,
        "parity_contestants": parity.contestants,
        "parity_shows_nothing": parity.shows_nothing,
        "parity_cleared": parity.cleared,
        "parity_evidence_from": parity.evidence_from,
        "parity_identity": parity.identity,
    }


def _latency(latency: Latency | None) -> dict[str, Any]:
    """`latency_seconds` by percentile; `latency_other_cpus`: CPUs that other processes used meanwhile."""
    if latency is None:
        return {"latency_steps": None, "latency_seconds": {}, "latency_other_cpus": None, "latency_reason": None}
    sums = sums_of(latency.conditions)
    foreign, wall = sums["foreign_cpu_seconds"], sums["wall_seconds"]
    return {
        "latency_steps": latency.steps,
        "latency_seconds": latency.percentiles,
        "latency_other_cpus": foreign / wall if wall and foreign is not None else None,
        "latency_reason": latency.reason,
    }


def as_array(kind: Kind, found: Sequence[Any]) -> np.ndarray:
    """The values of a column as an array, with what stands for a missing one."""
    if kind is Kind.WHOLE:
        try:
            return np.array(found, np.int64)
        except OverflowError:  # a whole number that no file of columns holds
            return np.array(found, float)
    if kind in (Kind.COUNT, Kind.NUMBER):
        return np.array([math.nan if value is None else value for value in found], float)
    array = np.empty(len(found), object)
    array[:] = found
    return array


class Source(Protocol):
    """The launches of a campaign, those of each case side by side in the order in which they were recorded."""

    @property
    def cases(self) -> Mapping[Case, slice]:
        """The rows of each case; cases in the order of their first records."""

    def column(self, name: str) -> np.ndarray:
        """A column of FIELDS, or `line`, the place of each launch in the order recorded."""

    def rounds(self, rows: slice) -> Sequence[Rounds]:
        """Seconds per step of the rounds of these launches."""


class Recorded:
    """A source that has records in memory."""

    def __init__(self, records: Iterable[Record]):
        found: dict[Case, list[tuple[int, Record]]] = {}
        for line, record in enumerate(records):
            found.setdefault(record.case, []).append((line, record))
        self._ordered = [one for own in found.values() for one in own]
        ends = np.cumsum([len(own) for own in found.values()], dtype=int).tolist()
        self.cases = {case: slice(end - len(own), end) for (case, own), end in zip(found.items(), ends)}

    @cached_property
    def _columns(self) -> Mapping[str, np.ndarray]:
        rows = [values(record) for _, record in self._ordered]
        return {name: as_array(kind, [row[name] for row in rows]) for name, kind in FIELDS.items()}

    def column(self, name: str) -> np.ndarray:
        return np.array([line for line, _ in self._ordered], int) if name == "line" else self._columns[name]

    def rounds(self, rows: slice) -> Sequence[Rounds]:
        return [record.seconds for _, record in self._ordered[rows]]


@dataclass(frozen=True, eq=False)
class Launches:
    """Some launches of a source: those of `rows` that `chosen` numbers from its beginning, or all of them.

    `launches[name]` is a column of FIELDS, an array.
    """

    source: Source
    rows: slice
    chosen: np.ndarray | None = None

    @classmethod
    def of(cls, records: Sequence[Record]) -> Launches:
        """All of these records, by case."""
        return cls(Recorded(records), slice(0, len(records)))

    def __len__(self) -> int:
        return self.rows.stop - self.rows.start if self.chosen is None else len(self.chosen)

    def __getitem__(self, name: str) -> np.ndarray:
        column = self.source.column(name)
        if column.strides == (0,) and len(self):  # one value for all of a source, which takes no memory
            return np.broadcast_to(column[:1], (len(self),))
        return column[self.rows] if self.chosen is None else column[self.rows][self.chosen]

    @property
    def rounds(self) -> Sequence[Rounds]:
        """Seconds per step of the rounds of each launch."""
        found = self.source.rounds(self.rows)
        return found if self.chosen is None else [found[place] for place in self.chosen]

    def where(self, mask: Sequence[bool] | np.ndarray) -> Launches:
        """Those for which the mask is true."""
        places = np.flatnonzero(mask)
        return self if len(places) == len(self) else self._at(places)

    def _at(self, places: np.ndarray) -> Launches:
        return Launches(self.source, self.rows, places if self.chosen is None else self.chosen[places])

    @cached_property
    def nodes(self) -> list[str]:
        """The names of their nodes, in order; "" alone in campaigns of one machine."""
        names = self["node"]
        return sorted(set((names[:1] if names.strides == (0,) else names).tolist()))

    def by_node(self) -> dict[str, Launches]:
        """Those of each node, by its name."""
        return self._by_node

    @cached_property
    def _by_node(self) -> dict[str, Launches]:
        places: dict[str, list[int]] = {name: [] for name in self.nodes}
        if len(places) < 2:
            return dict.fromkeys(places, self)
        for place, name in enumerate(self["node"].tolist()):
            places[name].append(place)
        return {name: self._at(np.array(own)) for name, own in places.items()}

    @cached_property
    def measured(self) -> Launches:
        """Those that were measured, superseded ones included."""
        return self.where(self["status"] == Status.MEASURED.value)

    @cached_property
    def counted(self) -> Launches:
        """Of one case: the launches for statistics, as in results.stats.pairing.counted."""
        measured = self.measured
        attempts = measured["attempt"]
        if not attempts.any():
            return measured
        numbers, are_last = measured["launch"], np.ones(len(measured), bool)
        repeated = np.flatnonzero(np.isin(numbers, numbers[attempts > 0]))  # few: the others have one attempt
        launches = list(zip(*(measured[name][repeated].tolist() for name in ("node", "launch", "subset"))))
        are_last[repeated] = last_attempts(launches, attempts[repeated].tolist())
        return measured.where(are_last)

    @property
    def blocks(self) -> dict[object, Rounds]:
        """Of one case: the rounds of its counted launches by block, as in results.stats.pairing.group_by_block."""
        counted = self.counted
        keys = zip(*(counted[name].tolist() for name in ("node", "launch", "subset", "attempt")))
        return dict(zip(keys, counted.rounds))

    @property
    def passes(self) -> dict[Pass, float]:
        """Of one case: its launch times by pass, as in results.stats.pairing.group_by_pass."""
        node, launch, seconds = (self.counted[name].tolist() for name in ("node", "launch", "seconds"))
        return by_pass(zip(zip(node, launch), seconds))

    @property
    def timed(self) -> Timed:
        """Of one case that was measured: what its ratios need."""
        first = self.counted
        return Timed(self.blocks, rounds_per_turn_of(int(first["rounds"][0]), int(first["turns"][0])))
