"""Campaigns on disk: one folder each, with system.json, records.jsonl and pytest-benchmark's benchmark.json.

Records are appended and synced at once, so no measured record is lost. Files are read line by line; unreadable lines
are reported and remain in the file.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from results.schema.record import Case, Record, UnreadableRecord, from_json, to_json
from results.schema.system import System
from results.store.journal import Journal, ResultsError, by_start, read_system, unwritable

if TYPE_CHECKING:
    from results.stats.launches import Launches, Source

DATA = Path("results/data")
RECORDS, BENCHMARK, MIRROR = "records.jsonl", "benchmark.json", "launches.parquet"

Found = TypeVar("Found")


@dataclass(frozen=True)
class StoredCampaign:
    """A campaign as read from its folder.

    `problems`: unreadable lines; `copies`: the records of controls, contestants launched twice. `columns`: the same
    launches as columns, where a mirror has them; going through records of such a campaign reads them from disk again.
    """

    folder: Path
    system: System
    records: Sequence[Record]
    problems: tuple[str, ...] = ()
    copies: Sequence[Record] = ()
    columns: Source | None = None

    @property
    def name(self) -> str:
        return _name(self.folder)

    @cached_property
    def source(self) -> Source:
        """All launches as columns, those of controls included."""
        from results.stats.launches import Recorded  # imports NumPy and SciPy, which help and lists do not need

        return self.columns or Recorded((*self.records, *self.copies))

    @cached_property
    def launches(self) -> Mapping[Case, Launches]:
        """The launches of each case, without controls; cases in the order of their first records."""
        return {case: own for case, own in self.all_launches.items() if not case.contestant.copy}

    @cached_property
    def all_launches(self) -> Mapping[Case, Launches]:
        """The same with the controls, which come last."""
        from results.stats.launches import Launches

        return {case: Launches(self.source, rows) for case, rows in self.source.cases.items()}

    def by_suite(self, cases: Iterable[Case]) -> list[Case]:
        """The cases by workload in the order of the suite, which may not be that of measuring."""
        place = {workload: number for number, workload in enumerate(self.system.workloads)}
        return sorted(cases, key=lambda case: place.get(case.workload.id, len(place)))


def computed_once(compute: Callable[[StoredCampaign], Found]) -> Callable[[StoredCampaign], Found]:
    """`compute` that keeps its result with the campaign, which never changes, as several tables need it."""

    @wraps(compute)
    def kept(campaign: StoredCampaign) -> Found:
        results = campaign.__dict__.setdefault("_computed", {})
        if compute not in results:
            results[compute] = compute(campaign)
        return results[compute]  # type: ignore[no-any-return]

    return kept


class CampaignWriter(Journal):
    """Writes the folder of a running campaign."""

    FILE = RECORDS

    def append(self, records: Iterable[Record]) -> None:
        """Write and sync the records; ResultsError if the disk is full."""
        self.append_lines("".join(f"{to_json(record)}\n" for record in records))

    def save_benchmark(self, text: str) -> None:
        """Store pytest-benchmark's file if the disk is not full; the records contain the same data."""
        with contextlib.suppress(OSError):
            self.replace_file(BENCHMARK, text)


def check_writable(data: Path) -> None:
    """ResultsError if no campaign can be created under `data`; leaves no files or folders behind."""
    existing = next(folder for folder in (data, *data.absolute().parents) if folder.exists())
    if not existing.is_dir():
        raise ResultsError(f"results folder {str(data)!r}: {str(existing)!r} is a file; give another with --results")
    if not os.access(existing, os.W_OK | os.X_OK):
        raise ResultsError(
            f"results folder {str(data)!r} can't be written: no permission in {str(existing)!r}; "
            "give another with --results"
        )
    probe = existing / f".deadheat-{os.getpid()}"
    try:
        probe.mkdir()
        probe.rmdir()
    except OSError as problem:
        raise ResultsError(unwritable(data, problem)) from None


def read_campaign(folder: Path) -> StoredCampaign:
    """The campaign in `folder`; ResultsError if there is none."""
    if not (folder / RECORDS).is_file():
        raise ResultsError(f"no campaign in {str(folder)!r}: it has no {RECORDS}{_nearby(folder)}")
    system, trouble = read_system(folder)
    if (folder / MIRROR).is_file():
        from results.store import mirror  # imports pyarrow, which most campaigns do not need

        if columns := mirror.read(folder):
            problems = [f"{folder.name}/{RECORDS} {problem}" for problem in columns.about.problems]
            streamed = (Streamed(folder, columns, are_copies) for are_copies in (False, True))
            return StoredCampaign(folder, system, next(streamed), (*problems, *trouble), next(streamed), columns)
    records: list[Record] = []
    copies: list[Record] = []
    problems = []
    for record in read_lines(folder):
        if isinstance(record, str):
            problems.append(f"{folder.name}/{RECORDS} {record}")
        else:
            (copies if record.case.contestant.copy else records).append(record)
    return StoredCampaign(folder, system, tuple(records), (*problems, *trouble), tuple(copies))


def read_lines(folder: Path) -> Iterator[Record | str]:
    """The records of a campaign as they are on disk; of an unreadable line, what is wrong with it."""
    with (folder / RECORDS).open(
        encoding="utf-8-sig", errors="replace", newline="\n"
    ) as lines:  # a reason may hold U+2028
        for number, line in enumerate(lines, 1):
            try:
                yield from_json(line.removesuffix("\n"))
            except UnreadableRecord as problem:
                yield f"line {number}: {problem}"


class Streamed(Sequence[Record]):
    """The records of a campaign, without controls or of controls alone, read from disk whenever they are gone through.

    `columns` has the same launches.
    """

    def __init__(self, folder: Path, columns: Source, are_copies: bool):
        self._folder, self._are_copies = folder, are_copies
        self._cases = columns.cases

    def __iter__(self) -> Iterator[Record]:
        for record in read_lines(self._folder):
            if isinstance(record, Record) and bool(record.case.contestant.copy) == self._are_copies:
                yield record

    def __len__(self) -> int:
        cases = self._cases.items()
        return sum(rows.stop - rows.start for case, rows in cases if bool(case.contestant.copy) == self._are_copies)

    def __getitem__(self, place: Any) -> Any:
        return tuple(self)[place]


def campaigns_in(data: Path) -> list[Path]:
    """The folders of `data` that hold a campaign, by name."""
    return sorted(file.parent for file in data.glob(f"*/{RECORDS}"))


def find_campaign(name: str | Path, data: Path = DATA) -> Path:
    """The folder of a campaign given as a path, or as a name in `data`; ResultsError otherwise."""
    with contextlib.suppress(OSError):  # a name that is too long for the file system does not exist
        for folder in (Path(os.path.expanduser(name)), data / name):
            if (folder / RECORDS).is_file():
                return folder
    raise ResultsError(f"no campaign {str(name)!r}, neither a folder nor in {str(data)!r}{_nearby(data / name)}")


def campaign_name(name: str | Path, data: Path = DATA) -> str:
    """The name of a campaign given as a path or as a name; of one that is not found, what was given."""
    try:
        return _name(find_campaign(name, data))
    except ResultsError:
        return str(name)


def _name(folder: Path) -> str:
    """Also of `.` and `..`, which have none of their own."""
    return Path(os.path.abspath(folder)).name


def find_campaigns(names: Sequence[str | Path] | None = None, data: Path = DATA) -> list[Path]:
    """The folders of the given campaigns, each once, or all of `data` by name; ResultsError if one does not exist."""
    found = [find_campaign(name, data) for name in names] if names else campaigns_in(data)
    if not found:
        raise _none_yet(data)
    return list({folder.resolve(): folder for folder in found}.values())


def read_campaigns(names: Sequence[str | Path] | None = None, data: Path = DATA) -> Iterator[StoredCampaign]:
    """The same campaigns, read one after another: hundreds need not be in memory together."""
    return map(read_campaign, find_campaigns(names, data))


def latest_campaign(data: Path = DATA) -> Path:
    """The campaign of `data` that started last; ResultsError if there is none."""
    found = by_start(campaigns_in(data))
    if not found:
        raise _none_yet(data)
    return found[-1]


def _none_yet(data: Path) -> ResultsError:
    """The error for a folder without campaigns."""
    return ResultsError(f"no campaign in {str(data)!r} yet; measure one with: python -m bench run")


def _nearby(folder: Path) -> str:
    names = [found.name for found in campaigns_in(folder.parent)] if folder.parent.is_dir() else []
    return f"; there are: {', '.join(names[-5:])}" if names else ""
