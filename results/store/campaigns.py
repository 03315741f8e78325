"""Campaigns on disk: a folder each, with system.json, records.jsonl and pytest-benchmark's benchmark.json.

Records are appended and synced as they come, so what is measured is never lost; a file is read line by line, and
what cannot be read is named and left where it is.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from results.schema.record import Record, UnreadableRecord, from_json, to_json
from results.schema.system import System
from results.store.journal import Journal, ResultsError, by_start, read_system, unwritable

DATA = Path("results/data")
RECORDS, BENCHMARK = "records.jsonl", "benchmark.json"


@dataclass(frozen=True)
class StoredCampaign:
    """One use of the harness on one system, as read from its folder. `problems` are lines that could not be read."""

    folder: Path
    system: System
    records: tuple[Record, ...]
    problems: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return self.folder.name


class CampaignWriter(Journal):
    """The folder of a campaign that is going on."""

    FILE = RECORDS

    def append(self, records: Iterable[Record]) -> None:
        """Write the records and have the disk keep them before returning; ResultsError if it has no room for them."""
        self.append_lines("".join(f"{to_json(record)}\n" for record in records))

    def save_benchmark(self, text: str) -> None:
        """Keep what pytest-benchmark says, if there is room: all of it is in the records, too."""
        with contextlib.suppress(OSError):
            self.replace_file(BENCHMARK, text)


def check_writable(data: Path) -> None:
    """ResultsError if a campaign could not be made under `data`; nothing is left behind that was not there."""
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
    records, problems = [], []
    with (folder / RECORDS).open(
        encoding="utf-8-sig", errors="replace", newline="\n"
    ) as lines:  # a reason may hold U+2028
        for number, line in enumerate(lines, 1):
            try:
                records.append(from_json(line.removesuffix("\n")))
            except UnreadableRecord as problem:
                problems.append(f"{folder.name}/{RECORDS} line {number}: {problem}")
    system, trouble = read_system(folder)
    return StoredCampaign(folder, system, tuple(records), (*problems, *trouble))


def campaigns_in(data: Path) -> list[Path]:
    """The folders of `data` that hold a campaign, by name."""
    return sorted(file.parent for file in data.glob(f"*/{RECORDS}"))


def find_campaign(name: str | Path, data: Path = DATA) -> Path:
    """The folder of a campaign given as a path, or as a name in `data`; ResultsError otherwise."""
    with contextlib.suppress(OSError):  # a name that is too long for the system is none
        for folder in (Path(os.path.expanduser(name)), data / name):
            if (folder / RECORDS).is_file():
                return folder
    raise ResultsError(f"no campaign {str(name)!r}, neither a folder nor in {str(data)!r}{_nearby(data / name)}")


def read_campaigns(names: Sequence[str | Path] | None = None, data: Path = DATA) -> list[StoredCampaign]:
    """Those campaigns, each once, or all of `data`, oldest name first; ResultsError if there is none such."""
    found = [find_campaign(name, data) for name in names] if names else campaigns_in(data)
    if not found:
        raise _none_yet(data)
    return [read_campaign(folder) for folder in {folder.resolve(): folder for folder in found}.values()]


def latest_campaign(data: Path = DATA) -> Path:
    """The campaign of `data` that began last; ResultsError if there is none."""
    found = by_start(campaigns_in(data))
    if not found:
        raise _none_yet(data)
    return found[-1]


def _none_yet(data: Path) -> ResultsError:
    """What to say where there is nothing to report on."""
    return ResultsError(f"no campaign in {str(data)!r} yet; measure one with: python -m bench run")


def _nearby(folder: Path) -> str:
    names = [found.name for found in campaigns_in(folder.parent)] if folder.parent.is_dir() else []
    return f"; there are: {', '.join(names[-5:])}" if names else ""
