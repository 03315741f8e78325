"""The mirror of a campaign: its launches as columns in a Parquet file beside records.jsonl, for large campaigns.

Records remain the truth: a mirror of another schema, or of other records than there are now, is ignored.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import astuple, dataclass, field, replace
from functools import cached_property
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from results.schema.record import SCHEMA, Case, Contestant, Workload
from results.stats.estimates import Rounds
from results.stats.launches import FIELDS, Kind
from results.store.campaigns import MIRROR, RECORDS
from results.store.journal import ResultsError

VERSION = 1
"""Of the mirror's columns and their meaning; another one is ignored, and made again by `python -m bench mirror`."""
METADATA = b"deadheat"
WHOLE_DIGEST = 2**24
"""Bytes of a file up to which all of it is digested; of a larger one, SAMPLES parts of SAMPLE bytes."""
SAMPLES, SAMPLE = 256, 2**16

WORD = pa.dictionary(pa.int32(), pa.string())
TYPES = {
    Kind.WORD: WORD,
    Kind.TEXT: pa.string(),
    Kind.WHOLE: pa.int64(),
    Kind.COUNT: pa.int64(),
    Kind.NUMBER: pa.float64(),
    Kind.TRUTH: pa.bool_(),
    Kind.AMOUNTS: pa.map_(pa.string(), pa.float64()),
}
WORKLOAD: Mapping[str, pa.DataType] = {
    "architecture": WORD,
    "height": pa.int64(),
    "width": pa.int64(),
    "channels": pa.int64(),
    "classes": pa.int64(),
    "batch": pa.int64(),
    "precision": WORD,
    "device": WORD,
    "phase": WORD,
    "stream": WORD,
    "parts": WORD,
    "devices": pa.int64(),
}
"""The fields of a workload; `parts` as JSON."""
CONTESTANT: Mapping[str, pa.DataType] = {
    "framework": WORD,
    "execution": WORD,
    "interpreter": WORD,
    "setting": WORD,
    "copy": pa.int64(),
}
ROUNDS = "round_seconds"
TABLE = pa.schema(
    {
        "case": WORD,
        "group": WORD,
        "contestant": WORD,
        **WORKLOAD,
        **CONTESTANT,
        "line": pa.int64(),
        **{name: TYPES[kind] for name, kind in FIELDS.items()},
        ROUNDS: pa.list_(pa.float64()),
    }
)
"""A row a launch, by case. `line` is the launch's place in the order recorded; the others: docs/queries.md."""


@dataclass(frozen=True)
class About:
    """What a mirror's metadata says: of which records it is, which lines of them are unreadable, and where cases are.

    `cases`: the number of launches of each case in the order of rows; `order`: the places of cases by their first
    records.
    """

    digest: str
    problems: Sequence[str] = ()
    cases: Mapping[Case, int] = field(default_factory=dict)
    order: Sequence[int] = ()
    mirror: int = VERSION
    schema: int = SCHEMA

    def encoded(self) -> dict[bytes, bytes]:
        """As JSON; workloads and contestants once each, and for each case their places and its launches."""
        workloads = {case.workload: None for case in self.cases}
        contestants = {case.contestant: None for case in self.cases}
        place = {one: number for known in (workloads, contestants) for number, one in enumerate(known)}
        said = {
            **{name: getattr(self, name) for name in ("digest", "problems", "order", "mirror", "schema")},
            "workloads": list(map(astuple, workloads)),
            "contestants": list(map(astuple, contestants)),
            "cases": [[place[case.workload], place[case.contestant], count] for case, count in self.cases.items()],
        }
        return {METADATA: json.dumps(said).encode()}

    @classmethod
    def decoded(cls, metadata: Mapping[bytes, bytes] | None) -> About:
        """KeyError, TypeError or ValueError for that of another file, or of another version."""
        said = json.loads((metadata or {})[METADATA])
        if (said["mirror"], said["schema"]) != (VERSION, SCHEMA):
            raise ValueError("another version")
        workloads = [_workload(*values) for values in said.pop("workloads")]
        contestants = [Contestant(*values) for values in said.pop("contestants")]
        cases = {Case(workloads[one], contestants[other]): count for one, other, count in said.pop("cases")}
        return cls(**said, cases=cases)


def _workload(*values: Any) -> Workload:
    """From its fields as JSON has them: lists for tuples."""
    workload = Workload(*values)
    return replace(workload, parts=tuple((height, width, images) for height, width, images in workload.parts))


def digest(path: Path) -> str:
    """Of a file's size and contents; of a large file, of parts of it: records are appended, not edited in place."""
    size = path.stat().st_size
    found = hashlib.blake2b(str(size).encode(), digest_size=16)
    with path.open("rb") as file:
        if size <= WHOLE_DIGEST:
            found.update(file.read())
        else:
            for number in range(SAMPLES):
                file.seek(number * (size - SAMPLE) // (SAMPLES - 1))
                found.update(file.read(SAMPLE))
    return found.hexdigest()


def read(folder: Path) -> Mirror | None:
    """The mirror of a campaign; None without one that has the launches of the records as they are now."""
    path = folder / MIRROR
    try:
        file = pq.ParquetFile(path)
        about = About.decoded(file.schema_arrow.metadata)
        fresh = about.digest == digest(folder / RECORDS)
    except (OSError, pa.ArrowException, KeyError, TypeError, ValueError):
        return None
    return Mirror(path, file, about) if fresh and file.schema_arrow.equals(TABLE) else None


class Mirror:
    """A source of launches (results.stats.launches) on disk. Columns are read when they are asked for, and kept.

    The file stays open: one that takes its place meanwhile has other rows. ResultsError if a part of it is damaged.
    """

    def __init__(self, path: Path, file: Any, about: About):
        self.path, self.about, self._file = path, about, file
        self._columns: dict[str, np.ndarray] = {}
        self._decoded: dict[int, tuple[np.ndarray, np.ndarray]] = {}

    @cached_property
    def cases(self) -> Mapping[Case, slice]:
        """Those that are no copies in the order of their first records, then copies."""
        counts = list(self.about.cases.values())
        rows = [slice(end - count, end) for count, end in zip(counts, accumulate(counts), strict=True)]
        found = list(zip(self.about.cases, rows, strict=True))
        return dict(sorted((found[place] for place in self.about.order), key=lambda one: bool(one[0].contestant.copy)))

    def column(self, name: str) -> np.ndarray:
        """A column of FIELDS, or `line`."""
        if name not in self._columns:
            self._columns[name] = _small(_array(FIELDS.get(name, Kind.WHOLE), self._read(name)))
        return self._columns[name]

    def rounds(self, rows: slice) -> Sequence[Rounds]:
        """Decodes whole row groups and keeps the last one: launches in the order on disk are decoded once."""
        found: list[Rounds] = []
        ends = self._ends
        for group in range(int(np.searchsorted(ends, rows.start, "right")), len(ends)):
            begin = int(ends[group - 1]) if group else 0
            if begin >= rows.stop:
                break
            found += self._rounds_in(group, max(rows.start - begin, 0), min(rows.stop, int(ends[group])) - begin)
        return found

    def _rounds_in(self, group: int, begin: int, end: int) -> list[Any]:
        if group not in self._decoded:
            with self._whole():
                lists = self._file.read_row_group(group, [ROUNDS], use_threads=False).column(0).combine_chunks()
            self._decoded = {group: (lists.flatten().to_numpy(), lists.offsets.to_numpy() - lists.offsets[0].as_py())}
        seconds, offsets = self._decoded[group]
        places = offsets[begin : end + 1].tolist()
        return [seconds[start:stop] for start, stop in zip(places, places[1:])]

    @cached_property
    def _ends(self) -> np.ndarray:
        """The row after each row group."""
        groups = self._file.metadata
        return np.cumsum([groups.row_group(number).num_rows for number in range(groups.num_row_groups)], dtype=int)

    def _read(self, name: str) -> Any:
        """A column of the file as one Arrow array."""
        with self._whole():
            found = self._file.read([name], use_threads=False).unify_dictionaries().column(name)
        return pa.concat_arrays(found.chunks or [pa.array([], found.type)])

    @contextmanager
    def _whole(self) -> Iterator[None]:
        try:
            yield
        except (OSError, pa.ArrowException) as problem:
            why = " ".join(str(problem).split())
            raise ResultsError(f"{self.path} is damaged: {why}; delete it, all is in {RECORDS}") from None


def _small(column: np.ndarray) -> np.ndarray:
    """The same, as one value where all are equal or none is known: many columns are, and each takes 8 MB a million."""
    if len(column) < 2:
        return column
    first = column[:1]
    is_one = np.isnan(column).all() if first.dtype == float and np.isnan(first) else (column == first).all()
    return np.broadcast_to(first.copy(), column.shape) if is_one else column


def _array(kind: Kind, found: Any) -> np.ndarray:
    """An Arrow array as results.stats.launches.as_array has it."""
    match kind:
        case Kind.WORD:
            words = np.array([*found.dictionary.to_pylist(), None], object)
            return np.asarray(words[found.indices.fill_null(len(words) - 1).to_numpy()])
        case Kind.COUNT:
            return np.asarray(found.cast(pa.float64()).to_numpy(zero_copy_only=False))
        case Kind.AMOUNTS:
            array = np.empty(len(found), object)
            some = np.flatnonzero(np.diff(found.offsets.to_numpy()))
            array[some] = [dict(one) for one in found.take(pa.array(some)).to_pylist()]
            return array
        case Kind.TRUTH:
            return np.asarray(found.to_numpy(zero_copy_only=False)).astype(object)
    return np.asarray(found.to_numpy(zero_copy_only=False))
