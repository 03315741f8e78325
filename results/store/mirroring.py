"""Writes the mirror of a campaign (results.store.mirror) in bounded memory, whatever the number of records.

Records are in the order in which they were measured, so they are sorted on disk: runs of RUN launches, sorted by case,
are written beside the campaign, and then each row group is put together from its part of every run.
"""

from __future__ import annotations

import contextlib
import json
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from operator import itemgetter
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from impls.files import whole_file
from results.schema.record import Case, Record
from results.stats.launches import FIELDS, Kind, values
from results.store.campaigns import MIRROR, RECORDS, read_lines
from results.store.journal import ResultsError
from results.store.mirror import CONTESTANT, ROUNDS, TABLE, TYPES, WORD, WORKLOAD, About, digest

RUN, BATCH = 20_000, 1_000
"""Launches of a run, and of a part of it that is read at once."""
GROUP = 100_000
"""Launches of a row group at most; cases are split only if they have more."""
LARGE = 2**24
"""Bytes of records from which on a campaign gets a mirror when it ends: of about 8,000 launches.

Their table of cases takes 1.0 s from records and 0.25 s from a mirror, which takes 0.8 s to write (measured, seconds of
a processor); at its end, a campaign is read three times.
"""
CODE = pa.int32()
PLAIN = {
    "case": CODE,
    "line": pa.int64(),
    **{name: CODE if kind is Kind.WORD else TYPES[kind] for name, kind in FIELDS.items()},
    ROUNDS: TABLE.field(ROUNDS).type,
}
"""Columns of a run: words as their places in `_Words`."""


def if_large(folder: Path) -> None:
    """Make the mirror of a campaign that has ended if reading is faster with it, or if an earlier one is there.

    Without it everything is read from the records, so a full disk is no failure.
    """
    if (folder / RECORDS).stat().st_size >= LARGE or (folder / MIRROR).is_file():
        with contextlib.suppress(ResultsError):
            write(folder)


def write(folder: Path) -> int:
    """Make the mirror of the campaign in `folder` anew; the number of its launches. ResultsError if that fails."""
    of = digest(folder / RECORDS)  # before reading: of records that come meanwhile, the mirror is none
    try:
        with tempfile.TemporaryDirectory(dir=folder, prefix=".mirror-") as runs:
            sorting = _Sorting(Path(runs))
            sorting.add(read_lines(folder))
            metadata = sorting.about(of).encoded()
            with whole_file(folder / MIRROR) as file:
                _write(file, TABLE.with_metadata(metadata), sorting)
    except OSError as problem:
        raise ResultsError(
            f"{folder / MIRROR} can't be written: {problem.strerror or problem}; records are kept, and read without it"
        ) from None
    except (pa.ArrowException, OverflowError) as problem:
        raise ResultsError(f"{folder / RECORDS} holds a value that no column can hold: {problem}") from None
    return int(sorting.counted.sum())


def _write(file: Any, schema: Any, sorting: _Sorting) -> None:
    words = [one.name for one in schema if one.type == WORD]
    with pq.ParquetWriter(file, schema, compression="zstd", use_dictionary=words) as writer:
        for table in sorting.groups():
            writer.write_table(table.cast(schema), row_group_size=len(table))


class _Words(dict[Any, int]):
    """Different values, numbered in order of appearance."""

    def __missing__(self, value: Any) -> int:
        self[value] = len(self)
        return self[value]


@dataclass
class _Sorting:
    """Launches in runs on disk. `counts`: of each run, how many launches it has of each case, by the case's number."""

    folder: Path
    cases: _Words = field(default_factory=_Words)
    words: dict[str, _Words] = field(default_factory=dict)
    counts: list[np.ndarray] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def add(self, lines: Iterator[Record | str]) -> None:
        """Write runs until the lines end."""
        numbered, in_order = enumerate(self._records(lines)), itemgetter(*FIELDS)
        while rows := [
            (self.cases[record.case], line, *in_order(values(record)), record.seconds)
            for line, record in islice(numbered, RUN)
        ]:
            self._write_run(dict(zip(PLAIN, zip(*rows, strict=True), strict=True)))

    def _records(self, lines: Iterator[Record | str]) -> Iterator[Record]:
        for record in lines:
            if isinstance(record, str):
                self.problems.append(record)
            else:
                yield record

    def _write_run(self, columns: dict[str, Sequence[Any]]) -> None:
        for name, kind in FIELDS.items():
            if kind is Kind.WORD:
                words = self.words.setdefault(name, _Words())
                columns[name] = [None if text is None else words[text] for text in columns[name]]
        run = pa.table({name: pa.array(columns[name], of) for name, of in PLAIN.items()})
        codes = run.column("case").to_numpy()
        run = run.take(pa.array(np.argsort(self._places()[codes], kind="stable")))
        options = pa.ipc.IpcWriteOptions(compression="lz4")
        with pa.ipc.new_file(str(self.folder / str(len(self.counts))), run.schema, options=options) as file:
            file.write_table(run, max_chunksize=BATCH)
        self.counts.append(np.bincount(codes))

    def _places(self) -> np.ndarray:
        """The place of each case among those known in the order of the mirror; a later case changes no order."""
        ids = [(case.workload.id, case.contestant.id) for case in self.cases]
        places = np.empty(len(ids), int)
        places[sorted(range(len(ids)), key=lambda number: (ids[number], number))] = np.arange(len(ids))
        return places

    @property
    def counted(self) -> np.ndarray:
        """The number of launches of each case in each run: (runs, cases)."""
        counts = np.zeros((len(self.counts), len(self.cases)), int)
        for number, own in enumerate(self.counts):
            counts[number, : len(own)] = own
        return counts

    def about(self, records: str) -> About:
        """The mirror's metadata; `records` is their digest."""
        cases, places, counts = list(self.cases), self._places(), self.counted.sum(0).tolist()
        by_row = {cases[number]: counts[number] for number in np.argsort(places).tolist()}
        return About(records, self.problems, by_row, places.tolist())

    def groups(self) -> Iterator[Any]:
        """The mirror's row groups: launches sorted by case, those of a case in the order recorded."""
        places = self._places()
        counts = self.counted[:, np.argsort(places)]
        ends = np.cumsum(counts, axis=1)  # of each case in each run
        begins = ends - counts
        for first, last in _cuts(counts.sum(0)):
            spans = list(zip(begins[:, first].tolist(), ends[:, last].tolist()))
            parts = [self._part(run, *span) for run, span in enumerate(spans) if span[0] < span[1]]
            is_long = first == last and sum(map(len, parts)) > GROUP  # of one case, parts are in order as they are
            together = max(GROUP // RUN, 1) if is_long else len(parts)
            for begin in range(0, len(parts), together):
                group = pa.concat_tables(parts[begin : begin + together])
                by_case = np.argsort(places[group.column("case").to_numpy()], kind="stable")
                yield self._described(group.take(pa.array(by_case)))

    def _part(self, run: int, begin: int, end: int) -> Any:
        """Launches of a run from `begin` to before `end`."""
        with pa.OSFile(str(self.folder / str(run))) as file:
            batches = pa.ipc.open_file(file)
            first = begin // BATCH
            found = pa.Table.from_batches([batches.get_batch(number) for number in range(first, -(-end // BATCH))])
            return found.slice(begin - first * BATCH, end - begin)

    def _described(self, group: Any) -> Any:
        """The launches with what their numbers stand for: words, and the fields of each case."""
        codes, of_row = np.unique(group.column("case").to_numpy(), return_inverse=True)
        names = list(self.cases)
        facts = [_facts(names[code]) for code in codes.tolist()]
        columns = {}
        for field_ in TABLE:
            if field_.name in facts[0]:
                found = pa.array([one[field_.name] for one in facts], _plain(field_.type))
                columns[field_.name] = _repeated(found, of_row, field_.type)
            elif field_.name in self.words:
                columns[field_.name] = _worded(group.column(field_.name), list(self.words[field_.name]))
            else:
                columns[field_.name] = group.column(field_.name)
        return pa.table(columns, TABLE)


def _cuts(counts: np.ndarray) -> Iterator[tuple[int, int]]:
    """The first and the last case of each row group, from the number of launches of each case."""
    first, held = 0, 0
    for number, count in enumerate(counts.tolist()):
        if held and held + count > GROUP:
            yield first, number - 1
            first, held = number, 0
        held += count
    if held:
        yield first, len(counts) - 1


def _facts(case: Case) -> dict[str, Any]:
    workload, contestant = case.workload, case.contestant
    return {
        "case": case.id,
        "group": workload.id,
        "contestant": contestant.id,
        **{name: getattr(workload, name) for name in WORKLOAD},
        "parts": json.dumps(workload.parts) if workload.parts else "",
        **{name: getattr(contestant, name) for name in CONTESTANT},
    }


def _plain(of: Any) -> Any:
    return of.value_type if of == WORD else of


def _repeated(found: Any, rows: np.ndarray, of: Any) -> Any:
    """A value of each case for each of its launches."""
    if of != WORD:
        return found.take(pa.array(rows))
    different = found.dictionary_encode()
    codes = different.indices.to_numpy()[rows]
    return pa.DictionaryArray.from_arrays(pa.array(codes, CODE), different.dictionary)


def _worded(codes: Any, words: Sequence[str]) -> Any:
    """The words of these numbers, with no more words than there are numbers."""
    used = [code for code in codes.unique().to_pylist() if code is not None]
    place = np.zeros(len(words), np.int32)
    place[used] = np.arange(len(used))
    codes = codes.combine_chunks()
    known = place[codes.fill_null(0).to_numpy()] if words else np.zeros(len(codes), np.int32)
    indices = pa.array(known, CODE, mask=np.asarray(codes.is_null()))
    return pa.DictionaryArray.from_arrays(indices, pa.array([words[code] for code in used], pa.string()))
